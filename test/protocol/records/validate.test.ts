import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { errors } from '../../../packages/protocol/src/errors.ts'
import {
  batchCrc,
  batchField,
  codecs,
  readBatchHeader,
  writeInt32,
  writeInt64,
} from '../../../packages/protocol/src/records/batch.ts'
import { type BatchInput, encodeBatch } from '../../../packages/protocol/src/records/record.ts'
import {
  type ValidateOptions,
  validateBatches,
} from '../../../packages/protocol/src/records/validate.ts'
import { oneRecord } from './golden.ts'

const now = 1_700_000_000_000

function batchOf(input: Partial<BatchInput> = {}): Buffer {
  const records = [0, 1, 2].map((index) => ({
    timestamp: now + index,
    key: Buffer.from(`key ${index}`),
    value: Buffer.from('value'),
    headers: [{ key: 'h', value: null }],
  }))
  return encodeBatch({ records, ...input })
}

/** Changes a batch and makes its CRC right again, so that only the change is wrong. */
function changed(batch: Buffer, change: (batch: Buffer) => void): Buffer {
  const copy = Buffer.from(batch)
  change(copy)
  writeInt32(copy, batchField.crc, batchCrc(copy, 0))
  return copy
}

function outcome(buffer: Buffer, options: Partial<ValidateOptions> = {}): string {
  const result = validateBatches(buffer, { maxBatchBytes: 1_048_588, ...options })
  if (result.ok) return `ok ${result.batches.length}`
  const name = Object.entries(errors).find(([, code]) => code === result.error)?.[0]
  return `${name}: ${result.message}`
}

describe('accepts', () => {
  test.each(codecs)('a batch with codec %s, opened or not', (codec) => {
    const batch = batchOf({ codec })
    const header = readBatchHeader(batch, 0)
    const shallow = validateBatches(batch, { maxBatchBytes: 1000 })
    expect(shallow).toEqual({ ok: true, batches: [header] })
    const deep = validateBatches(batch, { maxBatchBytes: 1000, deep: true, requireKeys: true })
    expect(deep).toEqual({ ok: true, batches: [header] })
  })

  test('an idempotent, transactional batch', () => {
    const batch = batchOf({ producerId: 7, producerEpoch: 0, baseSequence: 0, transactional: true })
    expect(outcome(batch)).toBe('ok 1')
  })

  test('several batches and control batches from a coordinator', () => {
    const two = Buffer.concat([batchOf(), batchOf({ baseOffset: 3, control: true })])
    expect(outcome(two, { origin: 'coordinator' })).toBe('ok 2')
  })

  test('a batch of exactly the greatest size', () => {
    const batch = batchOf()
    expect(outcome(batch, { maxBatchBytes: batch.length })).toBe('ok 1')
    expect(outcome(batch, { maxBatchBytes: batch.length - 1 })).toMatch(/^MESSAGE_TOO_LARGE: /)
  })

  test('a wrong greatest timestamp, and sets it right', () => {
    const batch = changed(batchOf(), (bytes) => writeInt64(bytes, batchField.maxTimestamp, now))
    const result = validateBatches(batch, { maxBatchBytes: 1000 })
    expect(result).toMatchObject({ ok: true, batches: [{ maxTimestamp: now + 2 }] })
    expect(readBatchHeader(batch, 0).maxTimestamp).toBe(now + 2)
    expect(batchCrc(batch, 0)).toBe(readBatchHeader(batch, 0).crc)
  })

  test('records without a timestamp, whatever the bounds', () => {
    const batch = batchOf({ records: [{ timestamp: -1, key: null, value: null }] })
    expect(outcome(batch, { earliestTimestampMs: now, latestTimestampMs: now })).toBe('ok 1')
  })
})

describe('refuses', () => {
  test.each([
    ['nothing', Buffer.alloc(0), 'INVALID_RECORD: there is no whole record batch'],
    ['half a header', oneRecord.subarray(0, 16), 'INVALID_RECORD: there is no whole record batch'],
    ['a batch cut off', oneRecord.subarray(0, 70), 'INVALID_RECORD: the batch is cut off'],
    [
      'bytes after the batch',
      Buffer.concat([oneRecord, Buffer.from([0])]),
      'INVALID_RECORD: a produce request holds exactly one batch a partition',
    ],
    [
      'a second batch',
      Buffer.concat([oneRecord, oneRecord]),
      'INVALID_RECORD: a produce request holds exactly one batch a partition',
    ],
    [
      'an impossible length',
      Buffer.concat([Buffer.from('0000000000000000fffffff0', 'hex'), Buffer.alloc(60)]),
      'CORRUPT_MESSAGE: a batch cannot have the length -16',
    ],
    [
      'record format 1',
      changed(batchOf(), (batch) => batch.writeInt8(1, batchField.magic)),
      'INVALID_RECORD: record format 1 is no longer accepted, only format 2 is',
    ],
    [
      'record format 3',
      changed(batchOf(), (batch) => batch.writeInt8(3, batchField.magic)),
      'CORRUPT_MESSAGE: there is no record format 3',
    ],
    [
      'a first offset that is not 0',
      batchOf({ baseOffset: 4 }),
      'INVALID_RECORD: the first offset of a batch must be 0, not 4',
    ],
    [
      'no records',
      changed(batchOf(), (batch) => {
        writeInt32(batch, batchField.recordCount, 0)
        writeInt32(batch, batchField.lastOffsetDelta, -1)
      }),
      'INVALID_RECORD: a batch cannot hold 0 records',
    ],
    [
      'a last offset that does not fit the count',
      changed(batchOf(), (batch) => writeInt32(batch, batchField.lastOffsetDelta, 3)),
      'INVALID_RECORD: the last offset delta is 3 with 3 records',
    ],
    [
      'more records than it has',
      changed(batchOf(), (batch) => {
        writeInt32(batch, batchField.recordCount, 4)
        writeInt32(batch, batchField.lastOffsetDelta, 3)
      }),
      'INVALID_RECORD: record 3 of 4 is cut off',
    ],
    [
      'fewer records than it has',
      changed(batchOf(), (batch) => {
        writeInt32(batch, batchField.recordCount, 2)
        writeInt32(batch, batchField.lastOffsetDelta, 1)
      }),
      'INVALID_RECORD: bytes follow the last record',
    ],
    [
      'an offset delta out of order',
      changed(batchOf(), (batch) => batch.writeUInt8(4, 64)),
      'INVALID_RECORD: record 0 has the offset delta 2',
    ],
    [
      'a value longer than its record',
      changed(batchOf(), (batch) => batch.writeUInt8(80, 71)),
      'INVALID_RECORD: record 0 does not fill its length',
    ],
    [
      'a control batch',
      batchOf({ control: true }),
      'INVALID_RECORD: clients may not write control records',
    ],
    [
      'a producer id without a sequence',
      batchOf({ producerId: 7, producerEpoch: 0 }),
      'INVALID_RECORD: the sequence of an idempotent producer cannot be -1',
    ],
    [
      'a codec that does not exist',
      changed(batchOf(), (batch) => batch.writeUInt8(6, batchField.attributes + 1)),
      'UNSUPPORTED_COMPRESSION_TYPE: no codec has the number 6',
    ],
    [
      'the append time set by a producer',
      batchOf({ logAppendTime: now }),
      'INVALID_TIMESTAMP: a producer cannot set the timestamp type to LogAppendTime',
    ],
  ])('%s', (_, batch, expected) => {
    expect(outcome(batch)).toBe(expected)
  })

  test('any changed bit under the CRC', () => {
    const batch = batchOf()
    fc.assert(
      fc.property(fc.integer({ min: 21, max: batch.length - 1 }), fc.nat(7), (at, bit) => {
        const damaged = Buffer.from(batch)
        damaged[at] ^= 1 << bit
        expect(outcome(damaged)).toMatch(/^CORRUPT_MESSAGE: the CRC is 0x/)
      }),
    )
  })

  test('records without a key on a compacted topic, by index', () => {
    const records = [0, 1, 2].map((index) => ({
      timestamp: now,
      key: index === 1 ? Buffer.from('key') : null,
      value: null,
    }))
    for (const codec of codecs) {
      const options = { maxBatchBytes: 1000, requireKeys: true }
      const result = validateBatches(batchOf({ records, codec }), options)
      expect(result).toMatchObject({ ok: false, error: errors.INVALID_RECORD })
      const indexes = result.ok ? [] : result.recordErrors?.map((error) => error.batchIndex)
      expect(indexes).toEqual([0, 2])
    }
  })

  test('timestamps out of range, by index', () => {
    const options = { maxBatchBytes: 1000, latestTimestampMs: now + 1, earliestTimestampMs: now }
    expect(validateBatches(batchOf(), options)).toEqual({
      ok: false,
      error: errors.INVALID_TIMESTAMP,
      message: 'one or more records have been rejected due to invalid timestamp',
      recordErrors: [{ batchIndex: 2, message: `timestamp ${now + 2} is out of range` }],
    })
    const packed = batchOf({ codec: 'gzip' })
    expect(validateBatches(packed, options)).toMatchObject({ error: errors.INVALID_TIMESTAMP })
    expect(outcome(packed, { earliestTimestampMs: now + 1 })).toMatch(/^INVALID_TIMESTAMP: /)
  })

  test('compressed bytes that do not decode, where they are opened', () => {
    const batch = changed(batchOf({ codec: 'lz4' }), (bytes) => bytes.writeUInt8(0, 62))
    expect(outcome(batch)).toBe('ok 1')
    expect(outcome(batch, { deep: true })).toMatch(/^INVALID_RECORD: malformed LZ4 frame/)
  })

  test('a compressed batch that is larger than it may become', () => {
    const records = [{ timestamp: now, key: null, value: Buffer.alloc(100_000) }]
    const batch = batchOf({ records, codec: 'zstd' })
    const limits = { deep: true, decompressedBytesMax: 50_000 }
    expect(outcome(batch, limits)).toMatch(/^MESSAGE_TOO_LARGE: /)
  })
})

test('random bytes get an error code, never an exception', () => {
  const header = readBatchHeader(batchOf(), 0)
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 40 }), (noise) => {
      expect(validateBatches(Buffer.from(noise), { maxBatchBytes: 1000 }).ok).toBe(false)
      // The same noise as the records of a batch whose header is right.
      const batch = Buffer.concat([batchOf().subarray(0, 61), noise])
      writeInt32(batch, batchField.length, batch.length - 12)
      writeInt32(batch, batchField.crc, batchCrc(batch, 0))
      const result = validateBatches(batch, { maxBatchBytes: 1000 })
      if (!result.ok) expect(result.error).toBe(errors.INVALID_RECORD)
      expect(header.recordCount).toBe(3)
    }),
    { numRuns: 500 },
  )
})
