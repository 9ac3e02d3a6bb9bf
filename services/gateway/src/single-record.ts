// One record as it is: its value as the body, all else in headers (record-headers.ts).

import type { ReadRecord } from './read-record.ts'
import { formatRecordHeaders, formatRecordKey, formatRecordPosition } from './record-headers.ts'
import type { Reply, Responder } from './responder.ts'

/** 204 for a null value: an empty one is 200. */
export function singleRecord({ partition, record }: ReadRecord, responder: Responder): Reply {
  const { offset, timestamp, key, value } = record
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
  if (!value) return responder.empty(204, headers)
  const body = new Uint8Array(value)
  return responder.body(body, 200, { 'content-type': 'application/octet-stream', ...headers })
}
