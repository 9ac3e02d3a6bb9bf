import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  batchCrc,
  batchField,
  codecs,
  readBatchHeader,
} from '../../../packages/protocol/src/records/batch.ts'
import { findRecord } from '../../../packages/protocol/src/records/find-record.ts'
import { recompressBatch } from '../../../packages/protocol/src/records/recompress.ts'
import { decodeRecords, encodeBatch } from '../../../packages/protocol/src/records/record.ts'
import { RecordsError } from '../../../packages/protocol/src/records/records-error.ts'

const bytes = fc.option(fc.uint8Array({ maxLength: 40 }))
const records = fc.array(
  fc.record({ timestamp: fc.integer({ min: 0, max: 2 ** 31 }), key: bytes, value: bytes }),
  { minLength: 1, maxLength: 20 },
)
const input = fc.record({
  records,
  codec: fc.constantFrom(...codecs),
  producerId: fc.nat(),
  baseOffset: fc.nat(),
  transactional: fc.boolean(),
})

test('a batch in another codec holds the same, and so does its header', () => {
  const property = fc.property(input, fc.constantFrom(...codecs), (given, codec) => {
    const before = encodeBatch(given)
    const after = recompressBatch(before, readBatchHeader(before, 0), codec)
    const { crc: _, attributes: a, batchBytes: __, ...header } = readBatchHeader(after, 0)
    const { crc: ___, attributes: b, batchBytes: ____, ...old } = readBatchHeader(before, 0)
    expect(header).toEqual({ ...old, codec })
    expect(a & ~7).toBe(b & ~7)
    expect(batchCrc(after, 0)).toBe(readBatchHeader(after, 0).crc)
    expect(decodeRecords(after, 0)).toEqual(decodeRecords(before, 0))
  })
  fc.assert(property, { numRuns: 200 })
})

describe('findRecord', () => {
  test('finds what looking at each record would', () => {
    const from = fc.record({ offset: fc.nat(30), timestamp: fc.integer({ min: 0, max: 2 ** 31 }) })
    const property = fc.property(input, from, (given, { offset, timestamp }) => {
      const batch = encodeBatch(given)
      const wanted = { offset: given.baseOffset + offset, timestamp }
      const found = decodeRecords(batch, 0).find(
        (one) => one.offset >= wanted.offset && one.timestamp >= wanted.timestamp,
      )
      const expected = found && { offset: found.offset, timestamp: found.timestamp }
      expect(findRecord(batch, 0, wanted)).toEqual(expected)
    })
    fc.assert(property, { numRuns: 300 })
  })

  test('gives every record of a stamped batch the time of its append', () => {
    const batch = encodeBatch({
      records: [{ timestamp: 5, key: null, value: null }],
      logAppendTime: 9,
    })
    expect(findRecord(batch, 0, { offset: 0, timestamp: 9 })).toEqual({ offset: 0, timestamp: 9 })
    expect(findRecord(batch, 0, { offset: 0, timestamp: 10 })).toBeUndefined()
  })

  test('refuses what does not open or read, and never anything else', () => {
    const property = fc.property(input, fc.nat(), fc.nat(255), (given, at, byte) => {
      const batch = encodeBatch(given)
      batch[batchField.attributes + (at % (batch.length - batchField.attributes))] = byte
      for (const run of [
        () => findRecord(batch, 0, { offset: 0, timestamp: 2 ** 40 }),
        () => recompressBatch(batch, readBatchHeader(batch, 0), 'none'),
      ]) {
        try {
          run()
        } catch (cause) {
          expect(cause).toBeInstanceOf(RecordsError)
        }
      }
    })
    fc.assert(property, { numRuns: 300 })
  })
})
