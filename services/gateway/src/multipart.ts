// Several records as they are (multipart/mixed, RFC 2046): a part's body is a value, byte for byte, its
// headers are those of a single record (record-headers.ts). A null value is an empty part that says so:
// Record-Null: ?1.

import type { ReadRecord } from './read-record.ts'
import { recordHeaders } from './record-headers.ts'

/** `boundary` must not stand in any value: a fresh random one does not. */
export function multipartBody(records: readonly ReadRecord[], boundary: string): Buffer {
  const pieces: Uint8Array[] = []
  for (const { partition, record } of records) {
    const { value } = record
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': String(value?.length ?? 0),
      ...recordHeaders(partition, record),
      ...(value === null ? { 'record-null': '?1' } : {}),
    }
    const lines = Object.entries(headers).map(([name, text]) => `${name}: ${text}\r\n`)
    pieces.push(Buffer.from(`--${boundary}\r\n${lines.join('')}\r\n`, 'latin1'))
    if (value) pieces.push(value)
    pieces.push(lineEnd)
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`))
  return Buffer.concat(pieces)
}

const lineEnd = Buffer.from('\r\n')
