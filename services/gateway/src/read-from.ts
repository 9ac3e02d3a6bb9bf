// `from=`: where a stateless read begins.
//
//   earliest | latest       the log's start, its end
//   offset:N                exactly there (one partition only)
//   ts:T                    the first record at or after T (RFC 3339 or milliseconds since 1970)
//   tail:N                  the last N offsets of each partition
//   cursor:C                where an earlier read stopped

import { type Cursor, decodeCursor } from './cursor.ts'
import { parseTimestamp } from './timestamps.ts'

export type ReadFrom =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'timestamp'; readonly timestampMs: number }
  | { readonly kind: 'tail'; readonly records: number }
  | { readonly kind: 'cursor'; readonly cursor: Cursor }

/** undefined: not one of the forms above. */
export function parseReadFrom(text: string): ReadFrom | undefined {
  if (text === 'earliest' || text === 'latest') return { kind: text }
  const colon = text.indexOf(':')
  if (colon < 0) return undefined
  const argument = text.slice(colon + 1)
  switch (text.slice(0, colon)) {
    case 'offset': {
      const offset = wholeNumber(argument)
      return offset === undefined ? undefined : { kind: 'offset', offset }
    }
    case 'tail': {
      const records = wholeNumber(argument)
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

function wholeNumber(text: string): number | undefined {
  if (!/^\d{1,16}$/.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : undefined
}
