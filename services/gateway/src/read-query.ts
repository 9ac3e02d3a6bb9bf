// The query of a read: what is asked for, parsed once.

import { z } from '@hono/zod-openapi'
import { pageBytesMax, pageRecordsMax } from './limits.ts'
import { wholeNumber } from './parameters.ts'
import { parseReadFrom, type ReadFrom, wholeOffset } from './read-from.ts'
import { type HeaderFilter, parseHeaderFilter } from './record-filter.ts'
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
    to: z
      .string()
      .transform((text, context): number => {
        const offset = text.startsWith('offset:') ? wholeOffset(text.slice(7)) : undefined
        if (offset !== undefined) return offset
        context.addIssue({ code: 'custom', message: 'offset:N was expected' })
        return z.NEVER
      })
      .optional()
      .openapi({ type: 'string', description: 'offset:N: end before this one (one partition)' }),
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
    header: z
      .union([z.string(), z.array(z.string())])
      .default([])
      .transform((texts, context): HeaderFilter[] => {
        const filters = [texts].flat().map(parseHeaderFilter)
        if (!filters.includes(undefined)) return filters as HeaderFilter[]
        context.addIssue({ code: 'custom', message: 'NAME or NAME=VALUE was expected' })
        return z.NEVER
      })
      .openapi({
        type: 'array',
        items: { type: 'string' },
        description: 'Only records with this header: NAME or NAME=VALUE; several: all of them',
      }),
    isolation: z.enum(['committed', 'uncommitted']).default('committed'),
    clamp: flag
      .default(false)
      .openapi({ type: 'boolean', description: 'Begin at the nearest offset there is' }),
    follow: flag
      .default(false)
      .openapi({ type: 'boolean', description: 'text/plain, NDJSON: go on when all is read' }),
    batch: flag
      .default(false)
      .openapi({ type: 'boolean', description: 'Server-sent events: many records in one event' }),
    bigint: z.enum(['number', 'string']).default('number').openapi({
      description: 'Offsets and timestamps as JSON numbers, or as strings',
    }),
  })
}

export type ReadQuery = z.output<ReturnType<typeof readQuerySchema>>
