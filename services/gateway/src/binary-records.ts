// application/vnd.stream.records: records one after the other, their bytes as they are, without base64.
//
//   record = length:varint key:bytes value:bytes headerCount:varint (name:bytes value:bytes)*
//   bytes  = length:varint byte*                     length -1: null
//
// `length` counts what follows it of the record. All varints are zigzag-coded, as in Kafka's own records.

import { RecordCursor } from '@sluice/protocol/records/record-cursor'
import { done, failed, type Outcome, type Problem } from './problem.ts'
import type { ProduceRecord } from './record-json.ts'

type Headers = NonNullable<ProduceRecord['headers']>

export function parseBinaryRecords(
  body: Buffer,
  { nowMs, recordsMax }: { nowMs: number; recordsMax: number },
): Outcome<ProduceRecord[]> {
  const records: ProduceRecord[] = []
  const cursor = new RecordCursor(body, 0, body.length)
  while (cursor.at < body.length) {
    if (records.length === recordsMax) return failed(tooMany(recordsMax))
    const record = readRecord(body, cursor, nowMs)
    if (record === undefined) return failed(malformed(records.length))
    records.push(record)
  }
  return done(records)
}

function readRecord(body: Buffer, cursor: RecordCursor, nowMs: number): ProduceRecord | undefined {
  const length = cursor.varint()
  const end = cursor.at + length
  if (cursor.failed || length < 0 || end > body.length) return undefined
  const within = new RecordCursor(body, cursor.at, end)
  const key = readBytes(body, within)
  const value = readBytes(body, within)
  const headers: Headers[number][] = []
  const count = within.varint()
  // Each header takes two bytes at the least: a false count ends when the bytes do.
  for (let index = 0; index < count && !within.failed; index++) {
    const name = readBytes(body, within)
    if (name === null) return undefined
    headers.push({ key: name.toString('utf8'), value: readBytes(body, within) })
  }
  if (within.failed || count < 0 || within.at !== end) return undefined
  cursor.at = end
  return { key, value, headers, timestamp: nowMs }
}

function readBytes(body: Buffer, cursor: RecordCursor): Buffer | null {
  const length = cursor.varint()
  if (length < 0) return null
  const at = cursor.at
  cursor.skip(length)
  return body.subarray(at, cursor.at)
}

function malformed(index: number): Problem {
  const detail = `record ${index} is not length-delimited as application/vnd.stream.records has it`
  return { code: 'invalid_record', detail, errors: [{ index, code: 'invalid_record', detail }] }
}

function tooMany(recordsMax: number): Problem {
  return { code: 'too_many_records', detail: `a request holds at most ${recordsMax} records` }
}
