import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  batchCrc,
  codecOf,
  patchBatch,
  readBatchHeader,
  readInt64,
  stampLogAppendTime,
  writeInt64,
} from '../../../packages/protocol/src/records/batch.ts'
import { decodeRecords, encodeBatch } from '../../../packages/protocol/src/records/record.ts'
import { oneRecord, twoRecords } from './golden.ts'

describe('readBatchHeader', () => {
  test('reads what the Java producer wrote', () => {
    expect(readBatchHeader(twoRecords, 0)).toEqual({
      at: 0,
      batchBytes: 76,
      baseOffset: 1,
      leaderEpoch: 2,
      magic: 2,
      crc: 0xc85cbd23,
      attributes: 0,
      codec: 'none',
      logAppendTime: false,
      transactional: false,
      control: false,
      hasDeleteHorizon: false,
      lastOffsetDelta: 1,
      baseTimestamp: 1503229959532,
      maxTimestamp: 1503229959700,
      producerId: -1,
      producerEpoch: -1,
      baseSequence: -1,
      recordCount: 2,
    })
  })

  test('reads a batch that stands behind another', () => {
    const both = Buffer.concat([oneRecord, twoRecords])
    const header = readBatchHeader(both, oneRecord.length)
    expect(header).toEqual({ ...readBatchHeader(twoRecords, 0), at: 71 })
    expect(batchCrc(both, 71)).toBe(header.crc)
  })

  test('reads attributes and the idempotent producer', () => {
    const batch = encodeBatch({
      records: [{ timestamp: 5, key: null, value: null }],
      codec: 'zstd',
      producerId: 2 ** 40 + 3,
      producerEpoch: 32767,
      baseSequence: 2 ** 31 - 1,
      transactional: true,
      control: true,
    })
    expect(readBatchHeader(batch, 0)).toMatchObject({
      codec: 'zstd',
      transactional: true,
      control: true,
      producerId: 2 ** 40 + 3,
      producerEpoch: 32767,
      baseSequence: 2 ** 31 - 1,
    })
  })

  test('refuses to read beyond the buffer', () => {
    expect(() => readBatchHeader(oneRecord, 11)).toThrow(RangeError)
    expect(() => batchCrc(oneRecord.subarray(0, 70), 0)).toThrow(RangeError)
  })

  test('knows no codec beyond zstd', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7].map(codecOf)).toEqual([
      'none',
      'gzip',
      'snappy',
      'lz4',
      'zstd',
      undefined,
      undefined,
      undefined,
    ])
  })
})

describe('patching', () => {
  test('a new place leaves the CRC right', () => {
    const batch = Buffer.concat([Buffer.alloc(3), twoRecords])
    patchBatch(batch, 3, { baseOffset: 2 ** 45 + 7, leaderEpoch: 41 })
    const header = readBatchHeader(batch, 3)
    expect(header).toMatchObject({ baseOffset: 2 ** 45 + 7, leaderEpoch: 41, crc: 0xc85cbd23 })
    expect(batchCrc(batch, 3)).toBe(header.crc)
  })

  test('the append time goes into every record that is read, and the CRC follows', () => {
    const batch = Buffer.from(twoRecords)
    stampLogAppendTime(batch, 0, 1_700_000_000_123)
    const header = readBatchHeader(batch, 0)
    expect(header).toMatchObject({ logAppendTime: true, maxTimestamp: 1_700_000_000_123 })
    expect(header.crc).not.toBe(0xc85cbd23)
    expect(batchCrc(batch, 0)).toBe(header.crc)
    const times = decodeRecords(batch, 0).map((record) => record.timestamp)
    expect(times).toEqual([1_700_000_000_123, 1_700_000_000_123])
  })
})

test('64-bit numbers survive, as Node writes them too', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      const buffer = Buffer.alloc(8)
      writeInt64(buffer, 0, value)
      expect(buffer.readBigInt64BE(0)).toBe(BigInt(value))
      expect(readInt64(buffer, 0)).toBe(value)
    }),
  )
})
