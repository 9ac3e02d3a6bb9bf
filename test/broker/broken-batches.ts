// Record batches that no log may take, each with the error code that Apache Kafka 4.2 answers. Asked, not
// guessed. Where Kafka answers otherwise a comment says how, and why we do not.

import type { errors } from '@sluice/protocol/errors'
import {
  attributeBits,
  batchCrc,
  batchField,
  batchHeaderBytes,
  writeInt32,
  writeInt64,
} from '@sluice/protocol/records/batch'
import { encodeBatch } from '@sluice/protocol/records/record'
import type { RecordInput } from '@sluice/protocol/records/record-writer'
import { recordBytesMax, writeRecord } from '@sluice/protocol/records/record-writer'

export interface BrokenBatch {
  readonly name: string
  readonly records: Buffer | null
  readonly error: keyof typeof errors
}

type Field = keyof typeof batchField

const wide = new Set<Field>(['baseOffset', 'baseTimestamp', 'maxTimestamp', 'producerId'])
const narrow = new Set<Field>(['attributes', 'producerEpoch'])

const records: RecordInput[] = ['one', 'two', 'three'].map((value) => ({
  timestamp: Date.now(),
  key: Buffer.from(value),
  value: Buffer.from(value),
}))

/** A good batch with some header fields set to what they should not be. The CRC is right. */
export function batchWith(
  fields: Partial<Record<Field, number>>,
  options: Omit<Parameters<typeof encodeBatch>[0], 'records'> = {},
): Buffer {
  const batch = encodeBatch({ records, ...options })
  for (const [name, value] of Object.entries(fields) as [Field, number][]) {
    const at = batchField[name]
    if (name === 'magic') batch[at] = value
    else if (narrow.has(name)) batch.writeInt16BE(value, at)
    else if (wide.has(name)) writeInt64(batch, at, value)
    else writeInt32(batch, at, value)
  }
  if (fields.crc === undefined && fields.length === undefined) {
    writeInt32(batch, batchField.crc, batchCrc(batch, 0))
  }
  return batch
}

/** A batch whose records have these offset deltas, whatever its header says. */
export function batchOfDeltas(deltas: readonly number[]): Buffer {
  const timestamp = records[0].timestamp
  const body = deltas.map((delta, i) => {
    const room = Buffer.alloc(recordBytesMax(records[i]))
    return room.subarray(0, writeRecord(room, 0, records[i], delta, timestamp))
  })
  return batchAround(Buffer.concat(body), deltas.length)
}

/** A batch header with `body` behind it, which need not be records. */
export function batchAround(body: Buffer, recordCount: number): Buffer {
  const header = encodeBatch({ records: records.slice(0, 1) }).subarray(0, batchHeaderBytes)
  const batch = Buffer.concat([header, body])
  writeInt32(batch, batchField.length, batch.length - 12)
  writeInt32(batch, batchField.lastOffsetDelta, recordCount - 1)
  writeInt32(batch, batchField.recordCount, recordCount)
  writeInt32(batch, batchField.crc, batchCrc(batch, 0))
  return batch
}

const good = () => encodeBatch({ records })
const flipped = (at: number) => {
  const batch = good()
  batch[at < 0 ? batch.length + at : at] ^= 0x01
  return batch
}

function counting(recordCount: number): Buffer {
  return batchWith({ recordCount, lastOffsetDelta: recordCount - 1 })
}

function withTail(tail: Buffer): Buffer {
  return batchAround(Buffer.concat([good().subarray(batchHeaderBytes), tail]), records.length)
}

function ofProducer(options: object, fields: Parameters<typeof batchWith>[0] = {}): Buffer {
  return batchWith(fields, { producerId: 7_000, producerEpoch: 0, baseSequence: 0, ...options })
}

function oneRecord(given: Partial<RecordInput>): Buffer {
  return encodeBatch({ records: [{ ...records[0], ...given }] })
}

function batch(name: string, error: BrokenBatch['error'], bytes: Buffer | null): BrokenBatch {
  return { name, records: bytes, error }
}

const cut: BrokenBatch[] = [
  // Kafka never answers.
  batch('no records at all', 'INVALID_RECORD', null),
  batch('an empty record set', 'INVALID_RECORD', Buffer.alloc(0)),
  batch('less than a batch header', 'INVALID_RECORD', good().subarray(0, 30)),
  batch('a batch without its last byte', 'INVALID_RECORD', good().subarray(0, -1)),
  batch('two batches', 'INVALID_RECORD', Buffer.concat([good(), good()])),
  // Kafka stores the whole one and drops the rest unsaid.
  batch('one batch and a half', 'INVALID_RECORD', Buffer.concat([good(), good().subarray(0, 40)])),
  batch('length 0', 'CORRUPT_MESSAGE', batchWith({ length: 0 })),
  batch('length -1', 'CORRUPT_MESSAGE', batchWith({ length: -1 })),
  // Kafka: UNKNOWN_SERVER_ERROR, which we never say to a producer (KAFKA-14034).
  batch('a length of 2 GiB', 'INVALID_RECORD', batchWith({ length: 2 ** 31 - 1 })),
]

const damaged: BrokenBatch[] = [
  batch('a wrong CRC', 'CORRUPT_MESSAGE', batchWith({ crc: 1 })),
  batch('a flipped bit in a record', 'CORRUPT_MESSAGE', flipped(-1)),
  batch('a flipped bit in the header', 'CORRUPT_MESSAGE', flipped(batchField.recordCount + 3)),
  batch('magic 0', 'INVALID_RECORD', batchWith({ magic: 0 })),
  batch('magic 1', 'INVALID_RECORD', batchWith({ magic: 1 })),
  batch('magic 3', 'CORRUPT_MESSAGE', batchWith({ magic: 3 })),
  batch('magic -1', 'CORRUPT_MESSAGE', batchWith({ magic: 255 })),
  // Kafka: UNKNOWN_SERVER_ERROR.
  batch('codec 5', 'UNSUPPORTED_COMPRESSION_TYPE', batchWith({ attributes: 5 })),
  batch('codec 7', 'UNSUPPORTED_COMPRESSION_TYPE', batchWith({ attributes: 7 })),
]

const miscounted: BrokenBatch[] = [
  batch('a first offset other than 0', 'INVALID_RECORD', batchWith({ baseOffset: 5 })),
  batch('0 records', 'INVALID_RECORD', batchWith({ recordCount: 0 })),
  batch('-1 records', 'INVALID_RECORD', batchWith({ recordCount: -1 })),
  batch('a count that is too small', 'INVALID_RECORD', batchWith({ recordCount: 2 })),
  batch('a last delta of -1', 'INVALID_RECORD', batchWith({ lastOffsetDelta: -1 })),
  batch('one record less than there are', 'INVALID_RECORD', counting(2)),
  batch('one record more than there are', 'INVALID_RECORD', counting(4)),
  batch('2^31 - 1 records', 'INVALID_RECORD', counting(2 ** 31 - 1)),
  // Kafka stores these and hands out offsets with a gap, twice, or out of order.
  batch('offset deltas with a gap', 'INVALID_RECORD', batchOfDeltas([0, 2, 3])),
  batch('offset deltas that go back', 'INVALID_RECORD', batchOfDeltas([0, 2, 1])),
  batch('an offset delta twice', 'INVALID_RECORD', batchOfDeltas([0, 0, 2])),
  // Kafka: UNKNOWN_SERVER_ERROR.
  batch('bytes that are no records', 'INVALID_RECORD', batchAround(Buffer.alloc(40, 0xff), 1)),
  batch(
    'a record beyond its batch',
    'INVALID_RECORD',
    batchAround(Buffer.from('7e000000', 'hex'), 1),
  ),
  batch('bytes behind the last record', 'INVALID_RECORD', withTail(Buffer.alloc(3))),
]

const forbidden: BrokenBatch[] = [
  batch('a control batch', 'INVALID_RECORD', batchWith({ attributes: attributeBits.control })),
  // Kafka takes it for the producer's own time.
  batch(
    'a time of append',
    'INVALID_TIMESTAMP',
    batchWith({ attributes: attributeBits.logAppendTime }),
  ),
  batch('a producer without a sequence', 'INVALID_RECORD', ofProducer({ baseSequence: -1 })),
  batch(
    'a batch of a transaction',
    'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    ofProducer({ transactional: true }),
  ),
  batch(
    'timestamps beyond 2^53',
    'INVALID_TIMESTAMP',
    batchWith({ baseTimestamp: 2 ** 60, maxTimestamp: 2 ** 60 }),
  ),
  batch(
    'a timestamp in the year 5000',
    'INVALID_TIMESTAMP',
    oneRecord({ timestamp: 95_617_584_000_000 }),
  ),
  batch(
    'more than the topic takes',
    'MESSAGE_TOO_LARGE',
    oneRecord({ value: Buffer.alloc(1_048_577) }),
  ),
  // Kafka takes it; no number of ours holds it.
  batch('a producer id beyond 2^53', 'INVALID_RECORD', ofProducer({}, { producerId: 2 ** 60 })),
]

export const brokenBatches: readonly BrokenBatch[] = [
  ...cut,
  ...damaged,
  ...miscounted,
  ...forbidden,
]
