import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { errors } from '../../../packages/protocol/src/errors.ts'
import {
  batchCrc,
  batchHeaderBytes,
  codecs,
  readBatchHeader,
  writeInt32,
} from '../../../packages/protocol/src/records/batch.ts'
import { decodeRecords, encodeBatch } from '../../../packages/protocol/src/records/record.ts'
import {
  type RecordInput,
  recordBytesMax,
} from '../../../packages/protocol/src/records/record-writer.ts'
import { RecordsError } from '../../../packages/protocol/src/records/records-error.ts'
import { oneRecord, twoRecords } from './golden.ts'

const bytes = fc.option(fc.uint8Array({ maxLength: 60 }).map((view) => Buffer.from(view)))
const timestamp = fc.oneof(
  fc.integer({ min: 1_600_000_000_000, max: 1_600_000_900_000 }),
  fc.integer({ min: -1, max: 2 ** 50 }),
)
const recordInput: fc.Arbitrary<RecordInput> = fc.record({
  timestamp,
  key: bytes,
  value: bytes,
  headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme' }), value: bytes }), {
    maxLength: 3,
  }),
})
const recordInputs = fc.array(recordInput, { minLength: 1, maxLength: 20 })

describe('decodeRecords', () => {
  test('reads what the Java producer wrote', () => {
    expect(decodeRecords(oneRecord, 0)).toEqual([
      { offset: 0, timestamp: 1503229838908, key: null, value: Buffer.from('123'), headers: [] },
    ])
    expect(decodeRecords(twoRecords, 0)).toEqual([
      { offset: 1, timestamp: 1503229959532, key: null, value: Buffer.alloc(0), headers: [] },
      { offset: 2, timestamp: 1503229959700, key: null, value: Buffer.alloc(0), headers: [] },
    ])
  })

  test('takes any damage as a RecordsError', () => {
    const batch = encodeBatch({
      records: [
        { timestamp: 1, key: Buffer.from('k'), value: Buffer.from('value'), headers: [] },
        {
          timestamp: 2 ** 41,
          key: null,
          value: Buffer.alloc(200),
          headers: [{ key: 'name', value: null }],
        },
      ],
    })
    fc.assert(
      fc.property(fc.nat(batch.length - 1), fc.nat(255), (at, byte) => {
        const damaged = Buffer.from(batch)
        damaged[at] = byte
        try {
          decodeRecords(damaged, 0)
        } catch (error) {
          expect(error).toBeInstanceOf(RecordsError)
        }
        expect(() => decodeRecords(batch.subarray(0, at), 0)).toThrow(RecordsError)
      }),
      { numRuns: 500 },
    )
  })

  test('a count that the bytes cannot hold reserves nothing', () => {
    const batch = Buffer.from(oneRecord)
    writeInt32(batch, 57, 2 ** 31 - 1)
    expect(() => decodeRecords(batch, 0)).toThrow(/cannot hold 2147483647 records/)
  })

  test('an unknown codec is said to be that', () => {
    const batch = Buffer.from(oneRecord)
    batch[22] = 5
    expect(() => decodeRecords(batch, 0)).toThrow(
      expect.objectContaining({ code: errors.UNSUPPORTED_COMPRESSION_TYPE }),
    )
  })
})

describe('encodeBatch', () => {
  test('writes the same bytes as the Java producer', () => {
    const batch = encodeBatch({
      baseOffset: 1,
      leaderEpoch: 2,
      records: [
        { timestamp: 1503229959532, key: null, value: Buffer.alloc(0) },
        { timestamp: 1503229959700, key: null, value: Buffer.alloc(0), headers: [] },
      ],
    })
    expect(batch.toString('hex')).toBe(twoRecords.toString('hex'))
  })

  test('every codec gives back the records, with a right header and CRC', () => {
    fc.assert(
      fc.property(
        recordInputs,
        fc.constantFrom(...codecs),
        fc.nat(2 ** 40),
        (records, codec, at) => {
          const batch = encodeBatch({ records, codec, baseOffset: at })
          const header = readBatchHeader(batch, 0)
          expect(batchCrc(batch, 0)).toBe(header.crc)
          expect(header.batchBytes).toBe(batch.length)
          expect(header.maxTimestamp).toBe(Math.max(...records.map((record) => record.timestamp)))
          const expected = records.map((record, index) => ({ offset: at + index, ...record }))
          expect(decodeRecords(batch, 0)).toEqual(expected)
        },
      ),
      { numRuns: 150 },
    )
  })

  test('a record never takes more than recordBytesMax', () => {
    fc.assert(
      fc.property(recordInputs, (records) => {
        const bound = records.reduce(
          (sum, record) => sum + recordBytesMax(record),
          batchHeaderBytes,
        )
        expect(encodeBatch({ records }).length).toBeLessThanOrEqual(bound)
      }),
    )
  })

  test('a batch without records is a bug of the caller', () => {
    expect(() => encodeBatch({ records: [] })).toThrow(RangeError)
  })
})

describe('beside kafkajs', () => {
  const load = createRequire(import.meta.url)
  const kafkajs = {
    batch: load('kafkajs/src/protocol/recordBatch/v0').RecordBatch,
    record: load('kafkajs/src/protocol/recordBatch/record/v0'),
    decode: load('kafkajs/src/protocol/recordBatch/v0/decoder'),
    decoder: load('kafkajs/src/protocol/decoder'),
  }

  test.each([0, 1])('reads what it writes, codec %i', async (compression) => {
    const firstTimestamp = 1_700_000_000_000
    const records = [0, 1, 2].map((offsetDelta) =>
      kafkajs.record({
        offsetDelta,
        timestampDelta: offsetDelta * 1000,
        key: `key ${offsetDelta}`,
        value: 'value '.repeat(30),
        headers: { name: 'header' },
      }),
    )
    const encoder = await kafkajs.batch({
      compression,
      firstTimestamp,
      maxTimestamp: firstTimestamp + 2000,
      partitionLeaderEpoch: 0,
      firstSequence: 0,
      lastOffsetDelta: 2,
      records,
    })
    const batch: Buffer = encoder.buffer
    expect(batchCrc(batch, 0)).toBe(readBatchHeader(batch, 0).crc)
    expect(decodeRecords(batch, 0)).toEqual(
      [0, 1, 2].map((index) => ({
        offset: index,
        timestamp: firstTimestamp + index * 1000,
        key: Buffer.from(`key ${index}`),
        value: Buffer.from('value '.repeat(30)),
        headers: [{ key: 'name', value: Buffer.from('header') }],
      })),
    )
  })

  test.each(['none', 'gzip'] as const)('it reads what we write, %s', async (codec) => {
    const records = [0, 1].map((index) => ({
      timestamp: 1_700_000_000_000 + index,
      key: index === 0 ? null : Buffer.from('key'),
      value: Buffer.alloc(300, 'v'),
      headers: [{ key: 'name', value: Buffer.from('header') }],
    }))
    const batch = encodeBatch({ records, codec, baseOffset: 40 })
    const read = await kafkajs.decode(new kafkajs.decoder(batch))
    expect(read.records).toMatchObject([
      { offset: '40', timestamp: '1700000000000', key: null, value: Buffer.alloc(300, 'v') },
      { offset: '41', timestamp: '1700000000001', key: Buffer.from('key') },
    ])
    expect(read.records[1].headers).toEqual({ name: Buffer.from('header') })
  })
})
