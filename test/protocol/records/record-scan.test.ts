// The scan hops over plain records in one way and over all others in another. Both must say the same.

import { batchHeaderBytes, readBatchHeader } from '@sluice/protocol/records/batch'
import { encodeBatch, openRecords } from '@sluice/protocol/records/record'
import { RecordCursor } from '@sluice/protocol/records/record-cursor'
import { scanRecords } from '@sluice/protocol/records/record-scan'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const now = 1_700_000_000_000
const noRules = {
  requireKeys: false,
  earliestTimestampMs: Number.NEGATIVE_INFINITY,
  latestTimestampMs: Number.POSITIVE_INFINITY,
}

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))
const record = fc.record({
  // Deltas of one byte up to more than the four of a plain record.
  timestamp: fc.oneof(fc.nat(100), fc.nat(2 ** 31 - 1), fc.nat(2 ** 40)).map((ms) => now + ms),
  key: fc.option(bytes(70)),
  value: fc.option(fc.oneof(bytes(10), bytes(300))),
  headers: fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    {
      weight: 1,
      arbitrary: fc.array(fc.record({ key: fc.string(), value: fc.option(bytes(5)) }), {
        maxLength: 3,
      }),
    },
  ),
})
const batch = fc
  .array(record, { minLength: 1, maxLength: 80 })
  .map((records) => ({ records, encoded: encodeBatch({ records }) }))

function scan(encoded: Buffer, rules = noRules) {
  const header = readBatchHeader(encoded, 0)
  return scanRecords(openRecords(encoded, header), header, rules)
}

test('of well-formed records finds nothing, and their greatest timestamp', () => {
  fc.assert(
    fc.property(batch, ({ records, encoded }) => {
      expect(scan(encoded)).toEqual({
        maxTimestamp: Math.max(...records.map(({ timestamp }) => timestamp)),
        malformed: undefined,
        recordErrors: undefined,
        untimely: false,
      })
    }),
    { numRuns: 300 },
  )
})

test('finds each record that breaks a rule', () => {
  fc.assert(
    fc.property(batch, ({ records, encoded }) => {
      const latestTimestampMs = now + 2 ** 31
      const { recordErrors } = scan(encoded, { ...noRules, requireKeys: true, latestTimestampMs })
      const wrong = records.flatMap(({ key, timestamp }, index) =>
        key === null || timestamp > latestTimestampMs ? [index] : [],
      )
      expect(recordErrors?.map(({ batchIndex }) => batchIndex) ?? []).toEqual(wrong)
    }),
    { numRuns: 300 },
  )
})

/** Whether the records are laid out as they should be, by the cursor alone. */
function wellFormed(encoded: Buffer): boolean {
  const { recordCount, batchBytes } = readBatchHeader(encoded, 0)
  const cursor = new RecordCursor(encoded, batchHeaderBytes, batchBytes)
  for (let index = 0; index < recordCount; index++) {
    const length = cursor.varint()
    const end = cursor.at + length
    cursor.int8()
    cursor.varlong()
    const inOrder = cursor.varint() === index
    cursor.skip(cursor.varint())
    cursor.skip(cursor.varint())
    const headers = cursor.varint()
    if (headers < 0) return false
    for (let header = 0; header < headers && !cursor.failed; header++) {
      const keyBytes = cursor.varint()
      if (keyBytes < 0) return false
      cursor.skip(keyBytes)
      cursor.skip(cursor.varint())
    }
    if (cursor.failed || length < 0 || !inOrder || cursor.at !== end) return false
  }
  return cursor.at === batchBytes
}

test('of damaged records is refused exactly where the cursor refuses them', () => {
  const damage = fc.record({ at: fc.nat(), byte: fc.nat(255) })
  fc.assert(
    fc.property(batch, damage, ({ encoded }, { at, byte }) => {
      const damaged = Buffer.from(encoded)
      damaged[batchHeaderBytes + (at % (damaged.length - batchHeaderBytes))] = byte
      expect(scan(damaged).malformed === undefined).toBe(wellFormed(damaged))
    }),
    { numRuns: 2000 },
  )
})
