// A broker over several log directories: one that fails takes its own partitions, and the rest goes on.

import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import { apis } from '@sluice/protocol/apis'
import { errorName } from '@sluice/protocol/errors'
import { afterEach, describe, expect, test } from 'vitest'
import { SeveralDisks } from '../core/log/several-disks.ts'
import { fetchRequestOf } from './requests.ts'
import { TestBroker, type TestBrokerOptions, type TestClient } from './test-broker.ts'

const twoDirs = { 'log.dirs': '/a,/b' }

let running: TestBroker | undefined

afterEach(async () => {
  await running?.close()
  running = undefined
})

async function start(options: TestBrokerOptions): Promise<TestBroker> {
  running = await TestBroker.start({ config: twoDirs, ...options })
  return running
}

async function dirsOf(
  client: TestClient,
  topics: null | { topic: string; partitions: number[] }[],
) {
  const { results } = await client.send(apis.describeLogDirs, 4, { topics })
  return results.map(({ errorCode, logDir, topics: found, totalBytes, usableBytes }) => ({
    dir: logDir,
    error: errorName(errorCode),
    partitions: found.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex }) => `${name}-${partitionIndex}`),
    ),
    volume: usableBytes > 0 && totalBytes >= usableBytes,
  }))
}

async function partitionsOf(client: TestClient, topic: string) {
  const { topics } = await client.send(apis.metadata, 12, { topics: [{ name: topic }] })
  return topics[0].partitions
    .map(({ partitionIndex, errorCode, leaderId, isrNodes, offlineReplicas }) => ({
      partition: partitionIndex,
      error: errorName(errorCode),
      ...{ leaderId, isrNodes, offlineReplicas },
    }))
    .sort((one, other) => one.partition - other.partition)
}

const errorOf = async (client: TestClient, partition: number) =>
  errorName((await client.produce('orders', ['a'], { partition })).errorCode)

describe('log.dirs', () => {
  test('DescribeLogDirs tells what lies where, and how much room there is', async () => {
    const broker = await start({ disk: new SeveralDisks() })
    await broker.createTopic('orders', { partitions: 3 })
    const client = await broker.connect()
    await client.produce('orders', ['a'])
    expect(await dirsOf(client, null)).toEqual([
      { dir: '/a', error: 'NONE', partitions: ['orders-0', 'orders-2'], volume: true },
      { dir: '/b', error: 'NONE', partitions: ['orders-1'], volume: true },
    ])
    const asked = [{ topic: 'orders', partitions: [1, 7] }]
    expect((await dirsOf(client, asked)).map(({ partitions }) => partitions)).toEqual([
      [],
      ['orders-1'],
    ])
    for (const version of [1, 2, 3, 4, 5]) {
      const { results } = await client.send(apis.describeLogDirs, version, { topics: null })
      const [{ topics }] = results
      expect(topics[0].partitions[0]).toMatchObject({ partitionIndex: 0, offsetLag: 0 })
      expect(topics[0].partitions[0].partitionSize).toBeGreaterThan(0)
    }
  })

  test('a disk that fails takes its own partitions offline; the broker ends with the last', async () => {
    const disk = new SeveralDisks()
    let fatal: Error | undefined
    const broker = await start({
      disk,
      onFatal: (reason) => {
        fatal = reason
      },
    })
    await broker.createTopic('orders', { partitions: 2 })
    const client = await broker.connect()
    expect([await errorOf(client, 0), await errorOf(client, 1)]).toEqual(['NONE', 'NONE'])

    disk.set('/a', 'failed')
    expect(await errorOf(client, 0)).toBe('KAFKA_STORAGE_ERROR')
    expect(await errorOf(client, 1)).toBe('NONE')
    const read = await client.send(apis.fetch, 12, fetchRequestOf({ partitions: [0, 1] }))
    expect(read.responses[0].partitions.map(({ errorCode }) => errorName(errorCode))).toEqual([
      'KAFKA_STORAGE_ERROR',
      'NONE',
    ])
    expect(await dirsOf(client, null)).toEqual([
      { dir: '/a', error: 'KAFKA_STORAGE_ERROR', partitions: [], volume: false },
      { dir: '/b', error: 'NONE', partitions: ['orders-1'], volume: true },
    ])
    const [lost, kept] = await partitionsOf(client, 'orders')
    const leaderless = { error: 'LEADER_NOT_AVAILABLE', leaderId: -1, offlineReplicas: [1] }
    expect(lost).toEqual({ partition: 0, isrNodes: [1], ...leaderless })
    expect(kept).toMatchObject({ error: 'NONE', leaderId: 1, offlineReplicas: [] })
    const described = await client.send(apis.describeTopicPartitions, 0, {
      topics: [{ name: 'orders' }],
      responsePartitionLimit: 10,
      cursor: null,
    })
    expect(described.topics[0].partitions.map(({ offlineReplicas }) => offlineReplicas)).toEqual([
      [1],
      [],
    ])

    // New topics go to the disk that is left, and topics can be deleted.
    await broker.createTopic('later', { partitions: 2 })
    const { partitions: there } = (await dirsOf(client, null))[1]
    expect(there).toEqual(['orders-1', 'later-0', 'later-1'])
    expect(await broker.metrics.text()).toContain('sluice_offline_replicas 1')
    expect(fatal).toBeUndefined()
    disk.set('/b', 'failed')
    expect(await errorOf(client, 1)).toBe('KAFKA_STORAGE_ERROR')
    expect(fatal?.message).toContain('append')
  })

  test('a disk that is away at the start: its partitions are offline, not made anew', async () => {
    const disk = new SeveralDisks()
    const clock = new NodeClock()
    const table = new MemoryTable(new MemoryTableStore(clock))
    const first = await start({ disk, table, clock })
    await first.createTopic('orders', { partitions: 2 })
    await first.createTopic('gone', { partitions: 2 })
    const before = await first.connect()
    await before.produce('orders', ['a'])
    await first.close()

    disk.set('/a', 'failed')
    const second = await start({ disk, table, clock, seed: 'second' })
    const client = await second.connect()
    expect(await errorOf(client, 0)).toBe('KAFKA_STORAGE_ERROR')
    expect(await errorOf(client, 1)).toBe('NONE')
    expect((await partitionsOf(client, 'orders'))[0].offlineReplicas).toEqual([1])
    await client.send(apis.deleteTopics, 5, { topicNames: ['gone'], timeoutMs: 1000 })
    await second.close()

    disk.set('/a', 'sound')
    const third = await start({ disk, table, clock, seed: 'third' })
    const after = await third.connect()
    const read = await after.send(apis.fetch, 12, fetchRequestOf({ partitions: [0] }))
    expect(read.responses[0].partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 1 })
    expect((await dirsOf(after, null)).map(({ partitions }) => partitions)).toEqual([
      ['orders-0'],
      ['orders-1'],
    ])
  })

  test('a topic that no disk has room for waits for it', async () => {
    const disk = new SeveralDisks()
    const broker = await start({ disk })
    const client = await broker.connect()
    disk.set('/a', 'full')
    disk.set('/b', 'full')
    await broker.createTopic('orders')
    expect(await errorOf(client, 0)).toBe('KAFKA_STORAGE_ERROR')
    broker.clock.advance(5000)
    expect(await errorOf(client, 0)).toBe('KAFKA_STORAGE_ERROR')
    disk.set('/b', 'sound')
    broker.clock.advance(5000)
    await expect.poll(() => errorOf(client, 0)).toBe('NONE')
    expect((await partitionsOf(client, 'orders'))[0]).toMatchObject({ leaderId: 1, error: 'NONE' })
  })
})
