import { readBatches, visibleBatches } from '@sluice/core/kafka-client/fetched-batches'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { encodeBatch } from '@sluice/protocol/records/record'
import { describe, expect, test } from 'vitest'

const place = { topic: 'topic', partition: 0 }
const checked = { checkCrcs: true }

interface Given {
  baseOffset: number
  values: string[]
  producerId?: number
  transactional?: boolean
}

function batch({ baseOffset, values, ...rest }: Given): Buffer {
  const records = values.map((value) => ({ timestamp: 1, key: null, value: Buffer.from(value) }))
  return encodeBatch({ records, baseOffset, ...rest })
}

function marker(baseOffset: number, producerId: number, type: 'abort' | 'commit'): Buffer {
  const key = Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1])
  const records = [{ timestamp: 1, key, value: Buffer.alloc(6) }]
  return encodeBatch({ records, baseOffset, producerId, transactional: true, control: true })
}

function read(
  parts: Buffer[],
  position: number,
  aborted: { producerId: number; firstOffset: number }[] = [],
) {
  const fetched = { ...place, bytes: Buffer.concat(parts), aborted }
  const { records, nextOffset } = readBatches(fetched, position, checked)
  return { values: records.map(({ value }) => String(value)), nextOffset }
}

describe('positions', () => {
  const parts = [
    batch({ baseOffset: 10, values: ['a', 'b', 'c'] }),
    batch({ baseOffset: 13, values: ['d', 'e'] }),
  ]

  test('a position inside a batch gives the rest of it', () => {
    expect(read(parts, 10)).toEqual({ values: ['a', 'b', 'c', 'd', 'e'], nextOffset: 15 })
    expect(read(parts, 12)).toEqual({ values: ['c', 'd', 'e'], nextOffset: 15 })
    expect(read(parts, 14)).toEqual({ values: ['e'], nextOffset: 15 })
  })

  test('a batch that is cut off is left for the next fetch', () => {
    const [first, second] = parts
    for (let bytes = 0; bytes < second.length; bytes++) {
      expect(read([first, second.subarray(0, bytes)], 10)).toEqual({
        values: ['a', 'b', 'c'],
        nextOffset: 13,
      })
    }
    expect(read([first.subarray(0, 70)], 10)).toEqual({ values: [], nextOffset: 10 })
  })
})

describe('damage', () => {
  test('a batch whose CRC is wrong is refused', () => {
    const damaged = batch({ baseOffset: 4, values: ['value'] })
    damaged[damaged.length - 3] ^= 1
    expect(() => read([damaged], 0)).toThrow(KafkaError)
    expect(() => read([damaged], 0)).toThrow('the batch at offset 4 of topic-0: its CRC is wrong')
    const fetched = { ...place, bytes: damaged, aborted: [] }
    expect(readBatches(fetched, 0, { checkCrcs: false }).nextOffset).toBe(5)
  })

  test('what stands before a damaged batch is read first', () => {
    const good = batch({ baseOffset: 0, values: ['a', 'b'] })
    const damaged = batch({ baseOffset: 2, values: ['c'] })
    damaged[damaged.length - 3] ^= 1
    expect(read([good, damaged], 0)).toEqual({ values: ['a', 'b'], nextOffset: 2 })
    expect(() => read([good, damaged], 2)).toThrow(/offset 2 .* CRC is wrong/)
    damaged.writeInt32BE(3, 8)
    expect(read([good, damaged], 0)).toEqual({ values: ['a', 'b'], nextOffset: 2 })
  })

  test('a length that cannot be is refused', () => {
    const damaged = batch({ baseOffset: 4, values: ['value'] })
    damaged.writeInt32BE(3, 8)
    expect(() => read([damaged], 0)).toThrow(/its length is 3/)
  })
})

describe('transactions', () => {
  const parts = [
    batch({ baseOffset: 0, values: ['kept 0'] }),
    batch({ baseOffset: 1, values: ['gone 1'], producerId: 5, transactional: true }),
    batch({ baseOffset: 2, values: ['kept 2'], producerId: 6, transactional: true }),
    batch({ baseOffset: 3, values: ['gone 3', 'gone 4'], producerId: 5, transactional: true }),
    marker(5, 5, 'abort'),
    batch({ baseOffset: 6, values: ['kept 6'], producerId: 5, transactional: true }),
    marker(7, 6, 'commit'),
    marker(8, 5, 'commit'),
  ]

  test('control records are never seen, and the position goes past them', () => {
    expect(read(parts, 0)).toEqual({
      values: ['kept 0', 'gone 1', 'kept 2', 'gone 3', 'gone 4', 'kept 6'],
      nextOffset: 9,
    })
  })

  test('what was aborted is left out, and what the same producer wrote later is not', () => {
    const aborted = [{ producerId: 5, firstOffset: 1 }]
    expect(read(parts, 0, aborted)).toEqual({
      values: ['kept 0', 'kept 2', 'kept 6'],
      nextOffset: 9,
    })
    expect(read(parts, 3, aborted)).toEqual({ values: ['kept 6'], nextOffset: 9 })
  })

  test('as batches: the same ones, byte for byte', () => {
    const aborted = [{ producerId: 5, firstOffset: 1 }]
    const bytes = Buffer.concat(parts)
    const seen = visibleBatches({ ...place, bytes, aborted }, 0)
    expect(seen.nextOffset).toBe(9)
    const offsets = seen.batches.map(({ firstOffset, lastOffset }) => [firstOffset, lastOffset])
    expect(offsets).toEqual([
      [0, 0],
      [2, 2],
      [6, 6],
    ])
    const kept = Buffer.concat([parts[0], parts[2], parts[5]])
    expect(Buffer.concat(seen.batches.map((each) => each.bytes)).equals(kept)).toBe(true)
    const cut = visibleBatches({ ...place, bytes: bytes.subarray(0, -1), aborted: [] }, 4)
    expect([cut.batches[0].firstOffset, cut.nextOffset]).toEqual([3, 8])
  })
})
