// The query of a read: what is asked for, parsed once.

import { z } from '@hono/zod-openapi'
import { crc32c } from '@sluice/protocol/records/crc32c'
import { pageBytesMax, pageRecordsMax } from './limits.ts'
import { wholeNumber } from './parameters.ts'
import { parseReadFrom, type ReadFrom } from './read-from.ts'
import { valueFormats } from './record-text.ts'

const flag = z.enum(['true', 'false']).transform((text) => text === 'true')

/** `waitMsMax`: of a long poll. */
export function readQuerySchema(waitMsMax: number) {
  return z.strictObject({
    from: z
      .string()
      .default('earliest')
      .transform((text, context): ReadFrom => {
        const from = parseReadFrom(text)
        if (from) return from
        const forms = 'earliest, latest, offset:N, ts:RFC3339, tail:N or cursor:C'
        context.addIssue({ code: 'custom', message: `one of ${forms} was expected` })
        return z.NEVER
      })
      .openapi({
        type: 'string',
        default: 'earliest',
        description: 'earliest, latest, offset:N, ts:T (RFC 3339 or ms), tail:N, cursor:C',
      }),
    partition: z
      .string()
      .regex(/^\d{1,10}(,\d{1,10})*$/, 'numbers with commas between were expected')
      .transform((text) => text.split(',').map(Number))
      .optional()
      .openapi({ type: 'string', description: 'Only these, e.g. 0,2' }),
    max_records: wholeNumber({ min: 1, max: pageRecordsMax }).optional(),
    max_bytes: wholeNumber({ min: 1, max: pageBytesMax }).optional(),
    wait: wholeNumber({
      min: 0,
      max: waitMsMax,
      description: 'Milliseconds to wait for a first record',
    }).default(0),
    format: z.enum(valueFormats).default('auto'),
    key: z.string().optional().openapi({ description: 'Only records with this key' }),
    isolation: z.enum(['committed', 'uncommitted']).default('committed'),
    clamp: flag
      .default(false)
      .openapi({ type: 'boolean', description: 'Begin at the nearest offset there is' }),
    follow: flag
      .default(false)
      .openapi({ type: 'boolean', description: 'text/plain: go on when all is read' }),
  })
}

export type ReadQuery = z.output<ReturnType<typeof readQuerySchema>>

/** What a cursor says of the filter, so that it is not used with another one; 0 without a filter. */
export function filterHash(key: Buffer | undefined): number {
  return key === undefined ? 0 : crc32c(key) || 1
}
