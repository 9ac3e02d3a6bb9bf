// filterBatch: a batch without some of its records, as the log cleaner leaves it. Nothing that names a place
// changes: base and last offset, leader epoch, producer, epoch and first sequence stay, records keep their
// offsets, and a codec stays what it was.
//
//   batch    | header | r0 | r1 | r2 | r3 |        offsets 10 to 13
//   left     | header | r1 | r3 |                  the header says 10 to 13, and 2 records
//   or       | header |                            no record at all: what it says of its producer counts
//
// A batch with tombstones carries the time from which they may go, its delete horizon (KIP-534): attribute
// bit 6 is set and the base timestamp is the horizon, so the records' timestamps are told from there.

import {
  attributeBits,
  type BatchHeader,
  batchCrc,
  batchField,
  batchHeaderBytes,
  batchLengthPrefixBytes,
  noTimestamp,
  writeInt32,
  writeInt64,
} from './batch.ts'
import { compress } from './compression.ts'
import { RecordWalk } from './record-walk.ts'
import { writeVarint, writeVarlong } from './record-writer.ts'

export interface BatchFilter {
  /** Whether the record stays on which the walk stands. */
  keeps(walk: RecordWalk): boolean
  /** The horizon that the batch gets if a tombstone stays in it and it has none; undefined: it gets none. */
  readonly horizonMs: number | undefined
  /** It gets one, too, if it has no tombstone (a marker whose transaction is gone). */
  readonly marksHorizon: boolean
}

export type FilteredBatch =
  /** The batch stays as it is. */
  | { readonly kind: 'same'; readonly records: number }
  | { readonly kind: 'changed'; readonly batch: Buffer; readonly records: number }
  /** No record stays. */
  | { readonly kind: 'empty' }

/** A varlong takes 10 bytes at the most, and so may the length before it grow by as many. */
const growthBytesMax = 15

/** Throws RecordsError where the batch does not read. Its CRC was checked before. */
export function filterBatch(
  buffer: Buffer,
  header: BatchHeader,
  filter: BatchFilter,
): FilteredBatch {
  const walk = new RecordWalk(buffer, header)
  /** Start, rest and end of each record that stays, and its timestamp. */
  const kept: number[] = []
  let first = -1
  let tombstones = false
  let maxTimestamp = noTimestamp
  while (walk.next()) {
    if (first < 0) first = walk.start
    if (!filter.keeps(walk)) continue
    kept.push(walk.start, walk.restAt, walk.end, walk.timestamp)
    tombstones ||= walk.valueBytes < 0
    maxTimestamp = Math.max(maxTimestamp, walk.timestamp)
  }
  const records = kept.length / 4
  if (records === 0) return { kind: 'empty' }
  const wanted = tombstones || filter.marksHorizon
  const horizonMs = wanted && !header.hasDeleteHorizon ? filter.horizonMs : undefined
  if (records === header.recordCount && horizonMs === undefined) return { kind: 'same', records }
  const body =
    horizonMs === undefined
      ? copyRecords(walk.bytes, kept)
      : rebaseRecords(walk.bytes, kept, horizonMs)
  const packed = compress(header.codec, body)
  const batch = Buffer.allocUnsafe(batchHeaderBytes + packed.length)
  buffer.copy(batch, 0, header.at, header.at + batchHeaderBytes)
  batch.set(packed, batchHeaderBytes)
  let { attributes } = header
  // The mark is on the first record, and goes with it.
  if (kept[0] !== first) attributes &= ~attributeBits.keyMark
  if (horizonMs !== undefined) {
    attributes |= attributeBits.deleteHorizon
    writeInt64(batch, batchField.baseTimestamp, horizonMs)
  }
  batch.writeUInt16BE(attributes, batchField.attributes)
  // What the broker stamped is the time of the batch, whichever of its records stay.
  if (!header.logAppendTime) writeInt64(batch, batchField.maxTimestamp, maxTimestamp)
  return { kind: 'changed', batch: finish(batch, records), records }
}

/** The batch with none of its records: Kafka keeps the last one of a producer so, for its sequence. */
export function emptyBatch(buffer: Buffer, header: BatchHeader): Buffer {
  const batch = Buffer.from(buffer.subarray(header.at, header.at + batchHeaderBytes))
  const kept = attributeBits.logAppendTime | attributeBits.transactional | attributeBits.control
  batch.writeUInt16BE(header.attributes & kept, batchField.attributes)
  writeInt64(batch, batchField.baseTimestamp, noTimestamp)
  return finish(batch, 0)
}

function finish(batch: Buffer, records: number): Buffer {
  writeInt32(batch, batchField.length, batch.length - batchLengthPrefixBytes)
  writeInt32(batch, batchField.recordCount, records)
  writeInt32(batch, batchField.crc, batchCrc(batch, 0))
  return batch
}

/** The records as they are: offsets and times are told from the same base as before. */
function copyRecords(bytes: Buffer, kept: readonly number[]): Buffer {
  let size = 0
  for (let i = 0; i < kept.length; i += 4) size += kept[i + 2] - kept[i]
  const body = Buffer.allocUnsafe(size)
  let at = 0
  for (let i = 0; i < kept.length; i += 4) at += bytes.copy(body, at, kept[i], kept[i + 2])
  return body
}

function rebaseRecords(bytes: Buffer, kept: readonly number[], baseTimestamp: number): Buffer {
  let bound = 0
  for (let i = 0; i < kept.length; i += 4) bound += kept[i + 2] - kept[i] + growthBytesMax
  const body = Buffer.allocUnsafe(bound)
  const delta = Buffer.allocUnsafe(growthBytesMax)
  let at = 0
  for (let i = 0; i < kept.length; i += 4) {
    const [restAt, end, timestamp] = [kept[i + 1], kept[i + 2], kept[i + 3]]
    const deltaBytes = writeVarlong(delta, 0, timestamp - baseTimestamp)
    at = writeVarint(body, at, 1 + deltaBytes + end - restAt)
    body[at++] = 0
    at += delta.copy(body, at, 0, deltaBytes)
    at += bytes.copy(body, at, restAt, end)
  }
  return body.subarray(0, at)
}
