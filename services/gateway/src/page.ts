// A page of records as JSON, and how to go on from it. With `wait` it is a long poll: an empty page comes
// only when nothing came in that time.
//
//   {"records":[…],"next":"<cursor>","high_watermark":{"0":52},"caught_up":true}

import { z } from '@hono/zod-openapi'
import type { Clock } from '@sluice/core/host/clock'
import { encodeCursor } from './cursor.ts'
import type { LogReader, ReadLimits } from './log-reader.ts'
import { done, type Outcome } from './problem.ts'
import type { ReadRecord } from './read-record.ts'
import { offsetsText, type TextStyle } from './record-text.ts'

const int64 = z.union([z.int(), z.string()]).openapi({ description: 'A string with bigint=string' })

export const pageSchema = z
  .object({
    records: z.array(
      z
        .object({
          partition: z.int(),
          offset: int64,
          timestamp: int64.nullable(),
          key: z.string().nullable().optional(),
          key_b64: z.string().optional(),
          value: z.unknown().optional(),
          value_b64: z.string().optional(),
          headers: z.array(z.tuple([z.string(), z.unknown()])),
        })
        .openapi('ReadRecord'),
    ),
    next: z.string().openapi({ description: 'Go on with from=cursor:<next>' }),
    high_watermark: z.record(z.string(), int64),
    caught_up: z.boolean(),
  })
  .openapi('Page')

export interface PageOptions {
  readonly clock: Clock
  readonly limits: ReadLimits
  readonly waitMs: number
  readonly signal: AbortSignal
}

/** Records that are there, or come within `waitMs`. */
export async function readPage(
  reader: LogReader,
  { clock, limits, waitMs, signal }: PageOptions,
): Promise<Outcome<ReadRecord[]>> {
  const deadlineMs = clock.monotonic() + waitMs
  for (;;) {
    const read = await reader.read(limits)
    if (!read.ok || read.value.length > 0) return read
    const timeoutMs = deadlineMs - clock.monotonic()
    if (timeoutMs <= 0 || signal.aborted || reader.finished) return read
    if (!(await reader.wait({ timeoutMs, signal }))) return done([])
  }
}

export function pageText(
  reader: LogReader,
  records: readonly ReadRecord[],
  style: TextStyle,
): string {
  const lines = records.map((record) => record.text(style))
  return (
    `{"records":[${lines.join(',')}],"next":"${encodeCursor(reader.cursor())}",` +
    `"high_watermark":${offsetsText(reader.endOffsets(), style.bigint)},` +
    `"caught_up":${reader.caughtUp}}`
  )
}
