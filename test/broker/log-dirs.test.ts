// A broker over several log directories: one that fails takes its own partitions, and the rest goes on.

import { DiskError } from '@sluice/core/host/disk'
import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import { apis } from '@sluice/protocol/apis'
import { errorName } from '@sluice/protocol/errors'
import { afterEach, describe, expect, test } from 'vitest'
import { readAll } from '../core/log/fixture.ts'
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

  test('DeleteRecords is not acknowledged where the disk fails before it is written down', async () => {
    const disk = new SeveralDisks()
    const broker = await start({ disk })
    await broker.createTopic('orders', { partitions: 2 })
    const client = await broker.connect()
    for (const partition of [0, 1]) await client.produce('orders', ['a', 'b'], { partition })
    disk.set('/a', 'failed')
    const partitions = [0, 1].map((partitionIndex) => ({ partitionIndex, offset: 1 }))
    const { topics } = await client.send(apis.deleteRecords, 2, {
      topics: [{ name: 'orders', partitions }],
      timeoutMs: 1000,
    })
    const answers = topics[0].partitions.map((one) => [errorName(one.errorCode), one.lowWatermark])
    expect(answers).toEqual([
      ['KAFKA_STORAGE_ERROR', -1],
      ['NONE', 1],
    ])
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

  test('a read that fails takes its log directory offline, damage only the read', async () => {
    const disk = new SeveralDisks()
    const broker = await start({ disk })
    await broker.createTopic('orders', { partitions: 4 })
    const client = await broker.connect()
    for (const partition of [0, 1, 2, 3]) await client.produce('orders', ['a'], { partition })
    const fetched = async (partitions: number[]) => {
      const read = await client.send(apis.fetch, 12, fetchRequestOf({ partitions }))
      return read.responses[0].partitions.map(({ errorCode }) => errorName(errorCode))
    }
    expect(await fetched([0, 1, 2, 3])).toEqual(['NONE', 'NONE', 'NONE', 'NONE'])
    // A batch whose length makes no sense: what the disk gives is not what was written.
    const damaged = disk.openSync('/b/orders-1/00000000000000000000.log')
    damaged.writeSync(Buffer.from([0, 0, 0, 1]), 8)
    await damaged.close()
    expect(await fetched([1, 3])).toEqual(['CORRUPT_MESSAGE', 'NONE'])
    expect(await fetched([0, 2])).toEqual(['NONE', 'NONE'])
    disk.set('/a', 'failed')
    expect(await fetched([2])).toEqual(['KAFKA_STORAGE_ERROR'])
    disk.set('/a', 'sound')
    // The whole directory is offline until the next start, as Kafka has it.
    expect(await errorOf(client, 0)).toBe('KAFKA_STORAGE_ERROR')
    expect((await dirsOf(client, null)).map(({ error }) => error)).toEqual([
      'KAFKA_STORAGE_ERROR',
      'NONE',
    ])
    expect(await errorOf(client, 3)).toBe('NONE')
  })

  test('groups whose offsets were on a disk that failed have no coordinator', async () => {
    const disk = new SeveralDisks()
    const broker = await start({
      disk,
      config: { ...twoDirs, 'offsets.topic.num.partitions': '2' },
    })
    const client = await broker.connect()
    const coordinatorOf = async (key: string) =>
      errorName((await client.send(apis.findCoordinator, 3, { key })).errorCode)
    const heartbeatOf = async (groupId: string) => {
      const member = { groupId, memberId: 'm', generationId: 1 }
      return errorName((await client.send(apis.heartbeat, 4, member)).errorCode)
    }
    const { groups, partitions } = broker.broker
    const names = ['a', 'b', 'c', 'd', 'e']
    const [lost, kept] = [0, 1].map((at) => names.find((one) => groups.partitionFor(one) === at))
    if (lost === undefined || kept === undefined) throw new Error('a group for each partition')
    expect([await coordinatorOf(lost), await coordinatorOf(kept)]).toEqual(['NONE', 'NONE'])
    partitions.get('__consumer_offsets', 0)?.readFailed(new DiskError('io', 'read', 'a log'))
    expect([await coordinatorOf(lost), await coordinatorOf(kept)]).toEqual([
      'COORDINATOR_NOT_AVAILABLE',
      'NONE',
    ])
    expect([await heartbeatOf(lost), await heartbeatOf(kept)]).toEqual([
      'NOT_COORDINATOR',
      'UNKNOWN_MEMBER_ID',
    ])
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

describe('AlterReplicaLogDirs', () => {
  const request = (path: string, partition = 0, topic = 'orders') => ({
    dirs: [{ path, topics: [{ name: topic, partitions: [partition] }] }],
  })

  async function move(client: TestClient, ...asked: Parameters<typeof request>): Promise<string> {
    const { results } = await client.send(apis.alterReplicaLogDirs, 2, request(...asked))
    expect(results[0]).toMatchObject({ topicName: asked[2] ?? 'orders' })
    return errorName(results[0].partitions[0].errorCode)
  }

  const partitionsIn = async (client: TestClient) =>
    (await dirsOf(client, null)).map(({ partitions }) => partitions.sort())

  async function valuesOf(broker: TestBroker, partition = 0): Promise<string[]> {
    const { log } = broker.broker.partitions.get('orders', partition) ?? {}
    return log === undefined ? [] : [...(await readAll(log)).values()]
  }

  test('moves a partition while it is written to and read', async () => {
    const disk = new SeveralDisks()
    const configs = { 'segment.bytes': '1048576', 'max.message.bytes': '200000' }
    const broker = await start({ disk })
    await broker.createTopic('orders', { configs })
    const client = await broker.connect()
    const values: string[] = []
    const write = async (bytes: number) => {
      const value = `${values.length} `.padEnd(bytes, '.')
      values.push(value)
      expect(await client.produce('orders', [value])).toMatchObject({
        errorCode: 0,
        baseOffset: values.length - 1,
      })
    }
    for (let i = 0; i < 60; i++) await write(100_000)
    expect(await partitionsIn(client)).toEqual([['orders-0'], []])
    const mover = await broker.connect()
    expect(await move(mover, '/b')).toBe('NONE')
    while (broker.broker.dirMoves.count > 0) await write(1000)
    for (let i = 0; i < 5; i++) await write(1000)
    expect(await partitionsIn(client)).toEqual([[], ['orders-0']])
    expect(await valuesOf(broker)).toEqual(values)
    expect((await disk.list('/a')).filter(({ name }) => /^orders-0$/.test(name))).toEqual([])
    // And back again.
    expect(await move(mover, '/a')).toBe('NONE')
    await expect.poll(() => partitionsIn(client)).toEqual([['orders-0'], []])
    expect(await valuesOf(broker)).toEqual(values)
  })

  test('says what is wrong as Kafka does', async () => {
    const disk = new SeveralDisks()
    const broker = await start({ disk, config: { 'log.dirs': '/a,/b,/c' } })
    await broker.createTopic('orders')
    const client = await broker.connect()
    expect(await move(client, '/nowhere')).toBe('LOG_DIR_NOT_FOUND')
    expect(await move(client, '/b', 0, 'x'.repeat(230))).toBe('INVALID_TOPIC_EXCEPTION')
    expect(await move(client, '/a')).toBe('NONE')
    expect(broker.broker.dirMoves.count).toBe(0)
    // A topic that is not there yet is made where it was asked for.
    expect(await move(client, '/c', 1, 'later')).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    await broker.createTopic('later', { partitions: 2 })
    expect((await partitionsIn(client))[2]).toContain('later-1')
    disk.set('/c', 'failed')
    await broker.broker.logManager.checkpoint()
    await client.produce('later', ['a'], { partition: 1 })
    expect(await move(client, '/c')).toBe('KAFKA_STORAGE_ERROR')
    expect(await move(client, '/b')).toBe('KAFKA_STORAGE_ERROR')
    expect(await move(client, '/a', 1, 'later')).toBe('KAFKA_STORAGE_ERROR')
  })

  test('by a rate; another directory, or the one where it is, ends the move', async () => {
    const rate = 'replica.alter.log.dirs.io.max.bytes.per.second'
    const config = { 'log.dirs': '/a,/b,/c', [rate]: '1000' }
    const broker = await start({ disk: new SeveralDisks(), config })
    await broker.createTopic('orders')
    const client = await broker.connect()
    for (let i = 0; i < 30; i++) await client.produce('orders', ['.'.repeat(100_000)])
    expect(await move(client, '/b')).toBe('NONE')
    await expect.poll(() => partitionsIn(client)).toEqual([['orders-0'], ['orders-0'], []])
    broker.clock.advance(60_000)
    expect(broker.broker.dirMoves.count).toBe(1)
    const { results } = await client.send(apis.describeLogDirs, 4, { topics: null })
    expect(results[0].topics[0].partitions[0]).toMatchObject({ offsetLag: 0, isFutureKey: false })
    const [copy] = results[1].topics[0].partitions
    expect(copy.isFutureKey).toBe(true)
    expect(copy.offsetLag).toBeGreaterThan(10)
    expect(await move(client, '/c')).toBe('NONE')
    await expect.poll(() => partitionsIn(client)).toEqual([['orders-0'], [], ['orders-0']])
    expect(await move(client, '/a')).toBe('NONE')
    await expect.poll(() => partitionsIn(client)).toEqual([['orders-0'], [], []])
    expect(broker.broker.dirMoves.count).toBe(0)
  })

  test('a disk that fails under the copy ends the move; a deleted topic, too', async () => {
    const rate = 'replica.alter.log.dirs.io.max.bytes.per.second'
    const disk = new SeveralDisks()
    const config = { 'log.dirs': '/a,/b,/c', [rate]: '40000' }
    const broker = await start({ disk, config })
    await broker.createTopic('orders')
    await broker.createTopic('gone')
    const client = await broker.connect()
    for (let i = 0; i < 30; i++) await client.produce('orders', ['.'.repeat(100_000)])
    for (let i = 0; i < 30; i++) await client.produce('gone', ['.'.repeat(100_000)])
    expect(await move(client, '/c')).toBe('NONE')
    expect(await move(client, '/c', 0, 'gone')).toBe('NONE')
    await client.send(apis.deleteTopics, 5, { topicNames: ['gone'], timeoutMs: 1000 })
    await expect.poll(() => broker.broker.dirMoves.count).toBe(1)
    await expect
      .poll(async () => (await disk.list('/c')).filter(({ name }) => name.startsWith('gone')))
      .toEqual([])
    disk.set('/c', 'failed')
    broker.clock.advance(200_000)
    await expect.poll(() => broker.broker.dirMoves.count).toBe(0)
    expect(await client.produce('orders', ['more'])).toMatchObject({ errorCode: 0, baseOffset: 30 })
    expect((await valuesOf(broker)).length).toBe(31)
  })

  test('goes on after a restart, from where it was', async () => {
    const rate = 'replica.alter.log.dirs.io.max.bytes.per.second'
    const disk = new SeveralDisks()
    const clock = new NodeClock()
    const table = new MemoryTable(new MemoryTableStore(clock))
    const first = await start({ disk, table, clock, config: { ...twoDirs, [rate]: '1000' } })
    await first.createTopic('orders')
    const client = await first.connect()
    for (let i = 0; i < 30; i++) await client.produce('orders', [`${i}`.padEnd(100_000, '.')])
    const before = await valuesOf(first)
    expect(await move(client, '/b')).toBe('NONE')
    await expect.poll(async () => (await partitionsIn(client))[1]).toEqual(['orders-0'])
    await first.close()
    const second = await start({ disk, table, clock, seed: 'second' })
    const after = await second.connect()
    await expect.poll(() => partitionsIn(after)).toEqual([[], ['orders-0']])
    expect(await valuesOf(second)).toEqual(before)
    expect(await after.produce('orders', ['more'])).toMatchObject({ errorCode: 0, baseOffset: 30 })
  })
})
