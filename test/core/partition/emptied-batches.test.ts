import type { LogRead, LogRecords } from '@sluice/core/log/log-records'
import { isEmptied, readPast } from '@sluice/core/partition/emptied-batches'
import { readBatchHeader } from '@sluice/protocol/records/batch'
import { emptyBatch } from '@sluice/protocol/records/filter-batch'
import { encodeBatch } from '@sluice/protocol/records/record'
import { beforeEach, expect, test } from 'vitest'

const records = [0, 1, 2].map((timestamp) => ({ timestamp, key: null, value: Buffer.from('v') }))
const full = encodeBatch({ baseOffset: 10, records })
const empty = emptyBatch(full, readBatchHeader(full, 0))
const nothing = Buffer.alloc(0)
const outOfRange: LogRead = { ok: false, error: 'out-of-range' }

let released: Buffer[]
beforeEach(() => {
  released = []
})

function read(...batches: readonly Buffer[]): LogRecords {
  const bytes = Buffer.concat(batches)
  return {
    ok: true,
    records: bytes,
    bytes: bytes.length,
    release: () => void released.push(bytes),
  }
}

test('emptied are batches without records, and no others beside them', () => {
  expect(isEmptied(read(empty, empty))).toBe(true)
  expect(isEmptied(read(empty, full))).toBe(false)
  expect(isEmptied(read(full, empty))).toBe(false)
  expect(isEmptied(read(nothing))).toBe(false)
  expect(isEmptied(outOfRange)).toBe(false)
})

test('what stands behind them takes their place, and they are released', async () => {
  const emptied = read(empty)
  const behind = read(full)
  const readFrom = (offset: number) => (offset === 13 ? behind : outOfRange)
  expect(readPast(emptied, readFrom)).toBe(behind)
  expect(await readPast(emptied, async (offset) => readFrom(offset))).toBe(behind)
  expect(released).toEqual([emptied.records, emptied.records])
})

test('at the end of the log they are given themselves', async () => {
  const emptied = read(empty)
  expect(readPast(emptied, () => read(nothing))).toBe(emptied)
  expect(await readPast(emptied, async () => outOfRange)).toBe(emptied)
  expect(released).toEqual([])
})

test('they are released where reading on fails', async () => {
  const emptied = read(empty)
  const failing = (): LogRead => {
    throw new Error('no disk')
  }
  expect(() => readPast(emptied, failing)).toThrow('no disk')
  await expect(readPast(emptied, async () => failing())).rejects.toThrow('no disk')
  expect(released).toHaveLength(2)
})
