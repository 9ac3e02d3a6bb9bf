// `from=`: where a stateless read begins.
//
//   earliest | latest       the log's start, its end
//   offset:N                exactly there (one partition only)
//   ts:T                    the first record at or after T (RFC 3339 or milliseconds since 1970)
//   tail:N                  the last N offsets of each partition
//   cursor:C                where an earlier read stopped
//
// A client of server-sent events that comes back says where it was, in one of two forms: an id of ours (a
// cursor), or the positions that KafkaSSE gave it: [{"topic":"t","partition":0,"offset":42}, …], where
// `offset` is the next one to read and `timestamp` may stand in its place.

import { z } from '@hono/zod-openapi'
import { type Cursor, decodeCursor } from './cursor.ts'
import { parseTimestamp } from './timestamps.ts'

export type ReadFrom =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'timestamp'; readonly timestampMs: number }
  | { readonly kind: 'tail'; readonly records: number }
  | { readonly kind: 'cursor'; readonly cursor: Cursor }
  | PositionsFrom

/** Partitions that are not named begin as `otherwise` says. */
export interface PositionsFrom {
  readonly kind: 'positions'
  readonly positions: ReadonlyMap<number, { offset: number } | { timestampMs: number }>
  readonly otherwise: ReadFrom
}

/** undefined: not one of the forms above. */
export function parseReadFrom(text: string): ReadFrom | undefined {
  if (text === 'earliest' || text === 'latest') return { kind: text }
  const colon = text.indexOf(':')
  if (colon < 0) return undefined
  const argument = text.slice(colon + 1)
  switch (text.slice(0, colon)) {
    case 'offset': {
      const offset = wholeOffset(argument)
      return offset === undefined ? undefined : { kind: 'offset', offset }
    }
    case 'tail': {
      const records = wholeOffset(argument)
      return records === undefined ? undefined : { kind: 'tail', records }
    }
    case 'ts': {
      const timestampMs = parseTimestamp(argument)
      return timestampMs === undefined ? undefined : { kind: 'timestamp', timestampMs }
    }
    case 'cursor': {
      const cursor = decodeCursor(argument)
      return cursor && { kind: 'cursor', cursor }
    }
    default:
      return undefined
  }
}

/** `text` as a Last-Event-ID of a read of `topic`; undefined: neither of the two forms. */
export function parseLastEventId(
  text: string,
  topic: string,
  otherwise: ReadFrom,
): ReadFrom | undefined {
  if (!text.trimStart().startsWith('[')) {
    const cursor = decodeCursor(text)
    return cursor && { kind: 'cursor', cursor }
  }
  const positions = kafkaSsePositions.safeParse(parseJson(text))
  if (!positions.success || positions.data.some((each) => each.topic !== topic)) return undefined
  return {
    kind: 'positions',
    positions: new Map(
      positions.data.map(({ partition, offset, timestamp }) => [
        partition,
        offset === undefined ? { timestampMs: timestamp as number } : { offset },
      ]),
    ),
    otherwise,
  }
}

const count = z.int().min(0)
const kafkaSsePositions = z
  .array(
    z
      .object({
        topic: z.string(),
        partition: count,
        offset: count.optional(),
        timestamp: count.optional(),
      })
      .refine(({ offset, timestamp }) => (offset ?? timestamp) !== undefined),
  )
  .min(1)

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function wholeOffset(text: string): number | undefined {
  if (!/^\d{1,16}$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}
