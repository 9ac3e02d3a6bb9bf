import { SeededRandom } from '@sluice/core/host/memory/random'
import { createPartitioner, partitionOfKey } from '@sluice/core/kafka-client/partitioner'
import { describe, expect, test } from 'vitest'

const random = new SeededRandom(7)

describe('default', () => {
  test('keys go where Java sends them', () => {
    const partitioner = createPartitioner('default', { random, stickyBytes: 100 })
    // (murmur2 & 0x7fffffff) % 12 of the hashes in murmur2.test.ts
    const expected = new Map([
      ['foobar', (-790332482 & 0x7fffffff) % 12],
      ['abc', 479470107 % 12],
    ])
    for (const [key, partition] of expected) {
      expect(partitioner.partition(Buffer.from(key), 50, 12)).toBe(partition)
      expect(partitionOfKey(Buffer.from(key), 12)).toBe(partition)
    }
  })

  test('records without a key stay until a batch is full, and reach every partition in time', () => {
    const partitioner = createPartitioner('default', { random, stickyBytes: 100 })
    const seen = new Set<number>()
    for (let batch = 0; batch < 100; batch++) {
      const partition = partitioner.partition(null, 40, 4)
      expect(partitioner.partition(null, 40, 4)).toBe(partition)
      expect(partitioner.partition(null, 40, 4)).toBe(partition)
      seen.add(partition)
    }
    expect([...seen].sort()).toEqual([0, 1, 2, 3])
  })

  test('a topic that was recreated smaller is no trap', () => {
    const partitioner = createPartitioner('default', { random, stickyBytes: 1e9 })
    partitioner.partition(null, 1, 1000)
    expect(partitioner.partition(null, 1, 1)).toBe(0)
  })
})

test('round-robin takes one after the other, keyed or not', () => {
  const partitioner = createPartitioner('round-robin', { random, stickyBytes: 100 })
  const first = partitioner.partition(null, 1, 3)
  const key = Buffer.from('key')
  const next = [1, 2, 3, 4].map(() => partitioner.partition(key, 1, 3))
  expect(next).toEqual([1, 2, 3, 4].map((step) => (first + step) % 3))
})
