import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import { apis } from '@sluice/protocol/apis'
import { errorName } from '@sluice/protocol/errors'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fetchRequestOf } from './requests.ts'
import { batchOf, TestBroker, type TestClient } from './test-broker.ts'

let running: TestBroker
let client: TestClient

beforeEach(async () => {
  running = await TestBroker.start({ config: { 'log.message.timestamp.after.max.ms': '1000' } })
  client = await running.connect()
})
afterEach(() => running.close())

async function offsetOf(timestamp: number, given: { version?: number; epoch?: number } = {}) {
  const { version = 11, epoch = -1 } = given
  const { topics } = await client.send(apis.listOffsets, version, {
    replicaId: -1,
    topics: [
      {
        name: 'orders',
        partitions: [{ partitionIndex: 0, currentLeaderEpoch: epoch, timestamp }],
      },
    ],
  })
  const [{ errorCode, offset, timestamp: found }] = topics[0].partitions
  return errorCode === 0 ? { offset, timestamp: found } : errorName(errorCode)
}

describe('ListOffsets', () => {
  test('answers the ends of the log, at every version', async () => {
    await running.createTopic('orders')
    for (const timestamp of [-1, -2, -4]) {
      expect(await offsetOf(timestamp)).toEqual({ offset: 0, timestamp: -1 })
    }
    await client.produce('orders', ['a', 'b', 'c'])
    for (let version = 1; version <= 11; version++) {
      expect(await offsetOf(-1, { version })).toEqual({ offset: 3, timestamp: -1 })
      expect(await offsetOf(-2, { version })).toEqual({ offset: 0, timestamp: -1 })
    }
    expect(await offsetOf(-5)).toEqual({ offset: -1, timestamp: -1 })
    expect(await offsetOf(-6)).toEqual({ offset: -1, timestamp: -1 })
  })

  test('bug class 26: by timestamp, the first record that is not older', async () => {
    await running.createTopic('orders')
    for (const timestamp of [1000, 3000, 2000, 5000]) {
      await client.produce('orders', [], { batch: batchOf(['x', 'y'], { timestamp }) })
    }
    expect(await offsetOf(0)).toEqual({ offset: 0, timestamp: 1000 })
    expect(await offsetOf(1000)).toEqual({ offset: 0, timestamp: 1000 })
    expect(await offsetOf(1001)).toEqual({ offset: 2, timestamp: 3000 })
    expect(await offsetOf(3001)).toEqual({ offset: 6, timestamp: 5000 })
    expect(await offsetOf(5001)).toEqual({ offset: -1, timestamp: -1 })
    expect(await offsetOf(-3)).toEqual({ offset: 6, timestamp: 5000 })
  })

  test('bug class 26: by timestamp, the record inside its batch', async () => {
    await running.createTopic('orders')
    const records = [1000, 2000, 3000].map((timestamp) => ({
      timestamp,
      key: null,
      value: Buffer.from('x'),
    }))
    await client.produce('orders', [], { batch: batchOf([], { records }) })
    expect(await offsetOf(1500)).toEqual({ offset: 1, timestamp: 2000 })
    expect(await offsetOf(2001)).toEqual({ offset: 2, timestamp: 3000 })
  })

  test('refuses what cannot be asked', async () => {
    expect(await offsetOf(-1)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    await running.createTopic('orders')
    expect(await offsetOf(-1, { epoch: 1 })).toBe('UNKNOWN_LEADER_EPOCH')
    expect(await offsetOf(-3, { version: 6 })).toBe('UNSUPPORTED_VERSION')
    expect(await offsetOf(-9)).toBe('UNSUPPORTED_VERSION')
    const twice = await client.send(apis.listOffsets, 5, {
      replicaId: -1,
      topics: [
        {
          name: 'orders',
          partitions: [
            { partitionIndex: 0, timestamp: -1 },
            { partitionIndex: 0, timestamp: -2 },
          ],
        },
      ],
    })
    expect(twice.topics[0].partitions.map(({ errorCode }) => errorName(errorCode))).toEqual([
      'INVALID_REQUEST',
      'INVALID_REQUEST',
    ])
  })
})

test('ListOffsets of a log that cannot be read says so of that partition only', async () => {
  for (const topic of ['orders', 'broken']) await running.createTopic(topic)
  await client.produce('orders', ['a'])
  await running.broker.partitions.get('broken', 0)?.log.close()
  const { topics } = await client.send(apis.listOffsets, 11, {
    replicaId: -1,
    topics: ['orders', 'broken'].map((name) => ({
      name,
      partitions: [{ partitionIndex: 0, timestamp: 0 }],
    })),
  })
  const answers = topics.map(({ partitions: [{ errorCode }] }) => errorName(errorCode))
  expect(answers).toEqual(['NONE', 'KAFKA_STORAGE_ERROR'])
})

describe('DeleteRecords', () => {
  const deleteBefore = async (offset: number, topic = 'orders') => {
    const { topics } = await client.send(apis.deleteRecords, 2, {
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, offset }] }],
      timeoutMs: 1000,
    })
    const [{ errorCode, lowWatermark }] = topics[0].partitions
    return errorCode === 0 ? lowWatermark : errorName(errorCode)
  }

  test('bug class 19: moves the start of the log, forward only', async () => {
    await running.createTopic('orders')
    await client.produce('orders', ['a', 'b', 'c', 'd'])
    expect(await deleteBefore(2)).toBe(2)
    expect(await deleteBefore(1)).toBe(2)
    expect(await offsetOf(-2)).toEqual({ offset: 2, timestamp: -1 })
    const request = fetchRequestOf({ partitions: [0], offset: 1 })
    const early = await client.send(apis.fetch, 12, request)
    expect(errorName(early.responses[0].partitions[0].errorCode)).toBe('OFFSET_OUT_OF_RANGE')
    expect(await deleteBefore(-1)).toBe(4)
    expect(await deleteBefore(5)).toBe('OFFSET_OUT_OF_RANGE')
  })

  test('says what it does not do', async () => {
    expect(await deleteBefore(0)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    await running.createTopic('compacted', { configs: { 'cleanup.policy': 'compact' } })
    expect(await deleteBefore(0, 'compacted')).toBe('POLICY_VIOLATION')
    await running.createTopic('kept', { configs: { 'cleanup.policy': '' } })
    expect(await deleteBefore(0, 'kept')).toBe(0)
  })
})

async function epochEnd(leaderEpoch: number, currentLeaderEpoch = -1) {
  const { topics } = await client.send(apis.offsetForLeaderEpoch, 4, {
    replicaId: -1,
    topics: [{ topic: 'orders', partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch }] }],
  })
  const [found] = topics[0].partitions
  return found.errorCode === 0 ? [found.leaderEpoch, found.endOffset] : errorName(found.errorCode)
}

test('OffsetForLeaderEpoch says where an epoch ends', async () => {
  await running.createTopic('orders')
  await client.produce('orders', ['a', 'b'])
  expect(await epochEnd(0)).toEqual([0, 2])
  expect(await epochEnd(7)).toEqual([-1, -1])
  expect(await epochEnd(-1)).toEqual([-1, -1])
  expect(await epochEnd(0, 3)).toBe('UNKNOWN_LEADER_EPOCH')
})

describe('an epoch in which nothing was written yet', () => {
  async function fetched(offset: number, lastFetchedEpoch: number) {
    const request = fetchRequestOf({ topic: 'orders', partitions: [0], offset })
    request.topics[0].partitions[0].lastFetchedEpoch = lastFetchedEpoch
    const { responses } = await client.send(apis.fetch, 12, request)
    const { errorCode, divergingEpoch } = responses[0].partitions[0]
    return errorCode === 0 ? [divergingEpoch.epoch, divergingEpoch.endOffset] : errorName(errorCode)
  }

  test('of a new partition is the one that its first record will have', async () => {
    await running.createTopic('orders')
    const { topics } = await client.send(apis.listOffsets, 11, {
      replicaId: -1,
      topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp: -2 }] }],
    })
    expect(topics[0].partitions[0]).toMatchObject({ offset: 0, leaderEpoch: 0 })
    expect(await epochEnd(0)).toEqual([0, 0])
    expect(await epochEnd(1)).toEqual([-1, -1])
    expect(await fetched(0, 0)).toEqual([-1, -1])
  })

  test('begins at the end of the log: who was told of it has not strayed', async () => {
    const disk = new MemoryDisk()
    const store = new MemoryTableStore(new NodeClock())
    const again = async () => {
      await running.close()
      running = await TestBroker.start({ disk, table: new MemoryTable(store) })
      client = await running.connect()
    }
    await again()
    await running.createTopic('orders')
    await client.produce('orders', ['a', 'b'])
    // As a start after a crash does.
    for (let epoch = 1; epoch <= 3; epoch++) await running.broker.cluster.controller.beginEpochs(1)
    await again()
    expect(running.broker.partitions.get('orders', 0)?.leaderEpoch).toBe(3)
    expect(await epochEnd(3)).toEqual([3, 2])
    expect(await epochEnd(2)).toEqual([0, 2])
    expect(await epochEnd(0)).toEqual([0, 2])
    expect(await epochEnd(4)).toEqual([-1, -1])
    expect(await fetched(2, 3)).toEqual([-1, -1])
    expect(await fetched(2, 0)).toEqual([-1, -1])
  })

  test('of a later one nobody can say where it parted; of an older one Fetch does', async () => {
    await running.createTopic('orders')
    await client.produce('orders', ['a', 'b'])
    expect(await fetched(0, 5)).toBe('OFFSET_OUT_OF_RANGE')
    expect(await fetched(9, -1)).toBe('OFFSET_OUT_OF_RANGE')
    expect(await fetched(9, 0)).toEqual([0, 2])
  })
})
