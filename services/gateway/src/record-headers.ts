// One record as an HTTP body: its value is the body, byte for byte; the rest travels in headers, the same
// ones in a produce request and in the reply that reads the record.
//
//   Record-Key: order-17            or  :AQID:  (any bytes, base64)
//   Record-Timestamp: 2026-01-31T12:00:00Z   or milliseconds
//   Record-Header: trace=abc, raw=:AQID:     a dictionary (structured-fields.ts)
//   Record-Position: p=0;o=41..41            (replies)

import { keyMarkName } from '@sluice/protocol/records/key-mark'
import type { Record, RecordHeader } from '@sluice/protocol/records/record'
import {
  formatBytes,
  formatMember,
  isPrintable,
  parseBytes,
  parseDictionary,
} from './structured-fields.ts'

export type HeadersResult =
  | { readonly ok: true; readonly headers: RecordHeader[] }
  | { readonly ok: false; readonly message: string }

/**
 * The key's bytes. Node hands a header up as Latin-1, one character a byte, so a key sent as UTF-8 comes
 * out as it was sent.
 */
export function parseRecordKey(text: string): Buffer {
  return parseBytes(text) ?? Buffer.from(text, 'latin1')
}

/** Plain where that reads back as the same bytes, else :base64:. */
export function formatRecordKey(key: Buffer): string {
  const plain = isPrintable(key) ? key.toString('latin1') : undefined
  if (plain === undefined || plain !== plain.trim() || parseBytes(plain)) return formatBytes(key)
  return plain
}

export function parseRecordHeaders(text: string): HeadersResult {
  const result = parseDictionary(text)
  if (!result.ok) return { ok: false, message: `${result.message}, at position ${result.at}` }
  return { ok: true, headers: result.members.map(({ name, value }) => ({ key: name, value })) }
}

/** Without the mark of an idempotent request, which is the gateway's own (protocol/records/key-mark.ts). */
export function shownHeaders(headers: readonly RecordHeader[]): readonly RecordHeader[] {
  return headers.length > 0 && headers[0].key === keyMarkName ? headers.slice(1) : headers
}

/** `omitted` counts the headers whose names cannot stand in a dictionary (the JSON form has them). */
export function formatRecordHeaders(headers: readonly RecordHeader[]): {
  text: string
  omitted: number
} {
  const members = shownHeaders(headers).map(({ key, value }) => formatMember({ name: key, value }))
  const written = members.filter((member) => member !== undefined)
  return { text: written.join(', '), omitted: members.length - written.length }
}

/** All that a record is beside its value, as headers. */
export function recordHeaders(partition: number, record: Record): { [name: string]: string } {
  const { offset, timestamp, key } = record
  const headers: { [name: string]: string } = {
    'record-position': formatRecordPosition([
      { partition, firstOffset: offset, lastOffset: offset },
    ]),
  }
  if (timestamp >= 0) headers['record-timestamp'] = String(timestamp)
  if (key) headers['record-key'] = formatRecordKey(key)
  const { text, omitted } = formatRecordHeaders(record.headers)
  if (text !== '') headers['record-header'] = text
  if (omitted > 0) headers['record-header-omitted'] = String(omitted)
  return headers
}

/** Where partitions end: `p=0;o=52, p=1;o=7`. */
export function formatEndOffsets(offsets: { readonly [partition: number]: number }): string {
  return Object.entries(offsets)
    .map(([partition, offset]) => `p=${partition};o=${offset}`)
    .join(', ')
}

export interface StoredRange {
  readonly partition: number
  /** -1: not known (acks=0). */
  readonly firstOffset: number
  readonly lastOffset: number
}

export function formatRecordPosition(ranges: readonly StoredRange[]): string {
  return ranges
    .map(({ partition, firstOffset, lastOffset }) =>
      firstOffset < 0 ? `p=${partition}` : `p=${partition};o=${firstOffset}..${lastOffset}`,
    )
    .join(', ')
}
