// A record that was read, as one line of JSON text, for pages and server-sent events.
//
//   {"partition":0,"offset":41,"timestamp":1767225600000,"key":"order-17","value":{"total":12.50},"headers":[]}
//
// A value that is JSON is copied into the line as it stands: no number is rounded, nothing is printed
// anew. Bytes that are neither JSON nor UTF-8 stand in value_b64 (key_b64, {"b64": …} in a header), so that
// one odd record never fails a page. null is only ever null, a tombstone.

import { isUtf8 } from 'node:buffer'
import type { Record, RecordHeader } from '@sluice/protocol/records/record'
import { shownHeaders } from './record-headers.ts'

/**
 * How values are shown. auto: JSON as JSON, other text as a string, else base64. json: JSON or base64;
 * string: text or base64. Keys are strings or base64.
 */
export type ValueFormat = 'auto' | 'json' | 'string' | 'base64'

export const valueFormats = ['auto', 'json', 'string', 'base64'] as const satisfies ValueFormat[]

/** How a reader would like records as JSON. */
export interface TextStyle {
  readonly format: ValueFormat
  /**
   * 64-bit integers of ours (offsets, timestamps) as numbers, or as strings for readers whose numbers are
   * smaller. Values that are JSON stay what they are: whoever wants those as text asks for format=string.
   */
  readonly bigint: 'number' | 'string'
}

export function recordText(
  partition: number,
  record: Record,
  format: ValueFormat,
  bigint: TextStyle['bigint'] = 'number',
): string {
  const { offset, timestamp, key, value, headers } = record
  const time = timestamp < 0 ? 'null' : int64Text(timestamp, bigint)
  return (
    `{"partition":${partition},"offset":${int64Text(offset, bigint)},"timestamp":${time},` +
    `${member('key', key, format === 'base64' ? 'base64' : 'string')},` +
    `${member('value', value, format)},"headers":${headersText(headers)}}`
  )
}

function int64Text(value: number, bigint: TextStyle['bigint']): string {
  return bigint === 'string' ? `"${value}"` : String(value)
}

/** Offsets by partition, as JSON. */
export function offsetsText(
  offsets: { readonly [partition: number]: number },
  bigint: TextStyle['bigint'],
): string {
  if (bigint === 'number') return JSON.stringify(offsets)
  const texts = Object.entries(offsets).map(([partition, offset]) => [partition, String(offset)])
  return JSON.stringify(Object.fromEntries(texts))
}

function member(name: 'key' | 'value', bytes: Buffer | null, format: ValueFormat): string {
  if (bytes === null) return `"${name}":null`
  if (format !== 'base64' && isUtf8(bytes)) {
    const text = bytes.toString('utf8')
    const isJson = format !== 'string' && isJsonText(text)
    if (isJson) return `"${name}":${text.replace(/[\r\n]+/g, ' ')}`
    if (format !== 'json') return `"${name}":${JSON.stringify(text)}`
  }
  return `"${name}_b64":"${bytes.toString('base64')}"`
}

/** The text `null` is no JSON here: as null it would look like a tombstone. */
function isJsonText(text: string): boolean {
  if (!/^[ \t\r\n]*["{[\-0-9tf]/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function headersText(headers: readonly RecordHeader[]): string {
  if (headers.length === 0) return '[]'
  return JSON.stringify(shownHeaders(headers).map(({ key, value }) => [key, headerValue(value)]))
}

function headerValue(value: Buffer | null): string | null | { b64: string } {
  if (value === null) return null
  return isUtf8(value) ? value.toString('utf8') : { b64: value.toString('base64') }
}
