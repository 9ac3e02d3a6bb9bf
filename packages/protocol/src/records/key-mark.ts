// The key mark: by which a log knows a batch again that was sent under an Idempotency-Key. It is the first
// header of the batch's first record, and a bit of the batch's attributes says that it is there, so that who
// reads a log opens only the batches that have one. Kafka looks at the low byte of the attributes alone.
//
//   key hash:16  body hash:8  time:8      time: when the request came, in milliseconds since 1970

import {
  attributeBits,
  type BatchHeader,
  batchCrc,
  batchField,
  readBatchHeader,
  readInt64,
  writeInt32,
  writeInt64,
} from './batch.ts'
import { decodeRecords, encodeBatch, openRecords } from './record.ts'
import { RecordCursor } from './record-cursor.ts'
import type { RecordInput } from './record-writer.ts'
import { RecordsError } from './records-error.ts'

/** The header's name. */
export const keyMarkName = 'sluice.idempotency'
export const keyMarkBytes = 32
export const keyHashBytes = 16
const bodyHashAt = 16
const timeAt = 24
const nameBytes = Buffer.from(keyMarkName)

/** `keyHash` and `bodyHash` give their first 16 and 8 bytes. */
export function newKeyMark(parts: {
  keyHash: Uint8Array
  bodyHash: Uint8Array
  timeMs: number
}): Buffer {
  const mark = Buffer.alloc(keyMarkBytes)
  mark.set(parts.keyHash.subarray(0, keyHashBytes))
  mark.set(parts.bodyHash.subarray(0, timeAt - bodyHashAt), bodyHashAt)
  writeInt64(mark, timeAt, parts.timeMs)
  return mark
}

export function keyMarkTimeMs(mark: Buffer): number {
  return readInt64(mark, timeAt)
}

/** Whether the batch at `at` says that it has a mark. */
export function hasKeyMark(buffer: Buffer, at: number): boolean {
  return (buffer[at + batchField.attributes] & (attributeBits.keyMark >> 8)) !== 0
}

/** The mark of a batch, a view; undefined where there is none, or the batch does not open. */
export function readKeyMark(buffer: Buffer, header: BatchHeader): Buffer | undefined {
  if ((header.attributes & attributeBits.keyMark) === 0) return undefined
  try {
    const { bytes, start, end } = openRecords(buffer, header)
    return firstHeader(bytes, new RecordCursor(bytes, start, end))
  } catch (error) {
    if (error instanceof RecordsError) return undefined
    throw error
  }
}

/** The records with the mark on the first of them, for encodeBatch({ keyMark: true }). */
export function withKeyMark<R extends RecordInput>(records: readonly R[], mark: Buffer): R[] {
  const [first, ...rest] = records
  const headers = [{ key: keyMarkName, value: mark }, ...(first.headers ?? [])]
  return [{ ...first, headers }, ...rest]
}

/** The batch, encoded again in its codec with the mark on its first record. Throws RecordsError. */
export function remarkBatch(batch: Buffer, mark: Buffer, maxBytes?: number): Buffer {
  const header = readBatchHeader(batch, 0)
  const { codec, producerId, producerEpoch, baseSequence } = header
  const records = withKeyMark(decodeRecords(batch, 0, { maxBytes }), mark)
  return encodeBatch({ records, codec, producerId, producerEpoch, baseSequence, keyMark: true })
}

/** Takes the bit away, where a batch comes from another log: its mark counted there. */
export function clearKeyMark(batch: Buffer): void {
  if (!hasKeyMark(batch, 0)) return
  batch[batchField.attributes] &= ~(attributeBits.keyMark >> 8)
  writeInt32(batch, batchField.crc, batchCrc(batch, 0))
}

function firstHeader(bytes: Buffer, cursor: RecordCursor): Buffer | undefined {
  cursor.varint() // length
  cursor.int8()
  cursor.varlong()
  // Compaction may have taken the record that had the mark.
  if (cursor.varint() !== 0) return undefined
  cursor.skip(cursor.varint())
  cursor.skip(cursor.varint())
  if (cursor.varint() < 1) return undefined
  const name = take(bytes, cursor)
  const value = take(bytes, cursor)
  if (cursor.failed || value.length !== keyMarkBytes || !name.equals(nameBytes)) return undefined
  return value
}

function take(bytes: Buffer, cursor: RecordCursor): Buffer {
  const length = Math.max(0, cursor.varint())
  const from = cursor.at
  cursor.skip(length)
  return bytes.subarray(from, cursor.at)
}
