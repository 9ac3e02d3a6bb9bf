// What each config that has an effect does, a row a config: shown here, or by the test that is named. Those behind
// topic configs are altered at every level in config-precedence.test.ts.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { brokerConfig } from '@sluice/core/config/broker-config'
import { brokerConfigs } from '@sluice/core/config/tables/broker'
import { brokerSynonyms, topicConfigs } from '@sluice/core/config/tables/topic'
import { silentLogger } from '@sluice/core/host/logger'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import { LogManager } from '@sluice/core/log/log-manager'
import { apis } from '@sluice/protocol/apis'
import { errorName } from '@sluice/protocol/errors'
import { readBatchHeader } from '@sluice/protocol/records/batch'
import { afterEach, expect, test } from 'vitest'
import { fetchRequestOf } from './requests.ts'
import { batchOf, TestBroker, type TestBrokerOptions, type TestClient } from './test-broker.ts'

const root = path.join(import.meta.dirname, '../..')
const core = 'test/core'

/** By whom, and a part of the test's title. */
const shownBy: Readonly<Record<string, readonly [file: string, title: string]>> = {
  'cleanup.policy': ['test/broker/compaction.test.ts', 'becomes compacted while it is in use'],
  'compression.type': ['test/broker/produce-fetch.test.ts', 'stored in the codec of the topic'],
  'delete.retention.ms': [`${core}/log/compaction-rules.test.ts`, 'stays for delete.retention.ms'],
  'flush.messages': [`${core}/log/maintenance.test.ts`, 'flush in the background, and before'],
  'flush.ms': [`${core}/log/maintenance.test.ts`, 'flush in the background, and before'],
  'index.interval.bytes': [`${core}/log/indexes.test.ts`, 'has entries of Kafka’s form'],
  'internal.segment.bytes': [`${core}/config/topic-config.test.ts`, 'below the bound of segment'],
  'max.compaction.lag.ms': [
    `${core}/log/cleaner-choice.test.ts`,
    'share of the log, or by its age',
  ],
  'max.message.bytes': ['test/broker/produce-fetch.test.ts', 'than max.message.bytes, to the byte'],
  'message.timestamp.before.max.ms': ['test/broker/produce-fetch.test.ts', 'out of bounds, record'],
  'message.timestamp.type': [
    'test/broker/produce-fetch.test.ts',
    'LogAppendTime stamps the broker',
  ],
  'min.cleanable.dirty.ratio': [`${core}/log/cleaner-choice.test.ts`, 'by its share of the log'],
  'metadata.log.dir': ['test/sluice/broker-settings.test.ts', 'metadata.log.dir is the folder'],
  'min.compaction.lag.ms': [`${core}/log/cleaner-choice.test.ts`, 'younger than min.compaction'],
  'min.insync.replicas': [
    'test/broker/produce-fetch.test.ts',
    'what the configs of the topic forb',
  ],
  'retention.bytes': [`${core}/log/maintenance.test.ts`, 'by size keeps that many bytes at least'],
  'retention.ms': [`${core}/log/maintenance.test.ts`, 'by time removes segments whose youngest'],
  'segment.bytes': [`${core}/log/log.test.ts`, 'splits a call over segments'],
  'segment.index.bytes': [`${core}/log/log.test.ts`, 'rolls when an index is full'],
  'segment.jitter.ms': [`${core}/log/caches.test.ts`, 'a segment rolls'],
  'segment.ms': [`${core}/log/log.test.ts`, 'younger than the first by more than segment.ms'],
  'sluice.dedup.entries.max': [
    'test/gateway/produce-terms.test.ts',
    'full table refuses further k',
  ],
  'sluice.dedup.window.ms': [
    'test/gateway/produce-terms.test.ts',
    'full table refuses further key',
  ],

  'advertised.listeners': ['test/sluice/listeners.test.ts', 'each have their own advertised addr'],
  'auto.create.topics.enable': ['test/broker/topics.test.ts', 'where the client, the broker or'],
  'broker.id': [`${core}/config/broker-config.test.ts`, 'node.id of %j is %d'],
  'controller.listener.names': ['test/sluice/listeners.test.ts', 'several listeners each have'],
  'delete.topic.enable': ['test/broker/topics.test.ts', 'says what cannot be deleted'],
  'listener.security.protocol.map': [
    'test/sluice/listeners.test.ts',
    'several listeners each have',
  ],
  listeners: ['test/sluice/listeners.test.ts', 'a loopback listener is bound and advertised'],
  'log.cleaner.dedupe.buffer.size': [
    `${core}/log/compaction.test.ts`,
    'map does not hold all keys',
  ],
  'log.cleaner.io.buffer.load.factor': [
    `${core}/log/cleaner-choice.test.ts`,
    'keys than it has ro',
  ],
  'log.cleaner.io.max.bytes.per.second': [`${core}/log/compaction-beside.test.ts`, 'its throttle'],
  'log.dirs': ['test/broker/log-dirs.test.ts', 'DescribeLogDirs tells what lies where'],
  'log.flush.offset.checkpoint.interval.ms': [
    `${core}/log/log-manager.test.ts`,
    'from time to time',
  ],
  'log.flush.scheduler.interval.ms': [`${core}/config/topic-config.test.ts`, 'from the scheduler'],
  'log.retention.hours': [`${core}/config/topic-config.test.ts`, 'retention.ms of broker %j'],
  'log.retention.minutes': [`${core}/config/topic-config.test.ts`, 'retention.ms of broker %j'],
  'log.roll.hours': [`${core}/config/topic-config.test.ts`, 'segment.ms and its jitter'],
  'log.roll.jitter.hours': [`${core}/config/topic-config.test.ts`, 'segment.ms and its jitter'],
  'max.connection.creation.rate': ['test/broker/connection-limits.test.ts', 'that come too fast w'],
  'max.connections': ['test/broker/connection-limits.test.ts', 'one too many waits until another'],
  'max.connections.per.ip': ['test/broker/connection-limits.test.ts', 'closes what is over it'],
  'max.connections.per.ip.overrides': ['test/broker/connection-limits.test.ts', 'limit of its own'],
  'node.id': [`${core}/config/broker-config.test.ts`, 'node.id of %j is %d'],
  'num.partitions': [`${core}/cluster/create-topics.test.ts`, 'num.partitions'],
  // How many moves run at a time is a Limiter's affair.
  'num.replica.alter.log.dirs.threads': [`${core}/lib/limiter.test.ts`, 'so many jobs at once'],
  'offset.metadata.max.bytes': [`${core}/group/coordinator.test.ts`, 'metadata that is too large'],
  'offsets.retention.check.interval.ms': [`${core}/group/deletion.test.ts`, 'the last offset: th'],
  'offsets.retention.minutes': [`${core}/group/deletion.test.ts`, 'a while after its last commit'],
  'queued.max.request.bytes': ['test/broker/limits.test.ts', 'hold a bounded number of bytes, and'],
  'replica.alter.log.dirs.io.max.bytes.per.second': ['test/broker/log-dirs.test.ts', 'by a rate;'],
  'sluice.http.hosts': ['test/gateway/guard.test.ts', 'Host %s is ours'],
  'sluice.http.origins': ['test/gateway/cors.test.ts', 'of a configured page: its scripts may'],
  'sluice.http.stream.max.age.ms': ['test/gateway/events.test.ts', 'told to reconnect at its age'],
  'sluice.validate': ['test/broker/bad-records.test.ts', 'where sluice.validate is deep'],
}

/** One broker waits for no other one. */
const acrossBrokers = ['offsets.commit.timeout.ms']

const running: TestBroker[] = []
afterEach(async () => {
  for (const broker of running.splice(0)) await broker.close()
})

async function start(
  config: Record<string, string>,
  options: TestBrokerOptions = {},
): Promise<{ broker: TestBroker; client: TestClient }> {
  const broker = await TestBroker.start({ ...options, config })
  running.push(broker)
  return { broker, client: await broker.connect() }
}

const hourMs = 3_600_000
const small = { 'internal.segment.bytes': '600', 'min.cleanable.dirty.ratio': '0' }
const prose = Array.from({ length: 400 }, (_, i) => `user ${(i * 7919) % 977} saw page ${i % 31}`)

/** Bytes of the same batch, compressed again at a level. */
async function sizeAt(codec: string, level: string): Promise<number> {
  const { broker, client } = await start({ [`compression.${codec}.level`]: level })
  await broker.createTopic('orders', { configs: { 'compression.type': codec } })
  await client.produce('orders', prose)
  return broker.broker.partitions.get('orders', 0)?.log.sizeBytes ?? 0
}

const levels = (codec: string, low: string, high: string) => async () => {
  expect(await sizeAt(codec, high)).toBeLessThan(await sizeAt(codec, low))
  // What comes in the topic's codec stays as it is.
  const { broker, client } = await start({ [`compression.${codec}.level`]: high })
  await broker.createTopic('orders', { configs: { 'compression.type': codec } })
  const batch = batchOf(prose, { codec: codec as 'gzip' })
  const bytes = Buffer.from(batch)
  await client.produce('orders', [], { batch })
  const { records } = await fetched(client)
  expect(records.subarray(17)).toEqual(bytes.subarray(17))
}

async function fetched(client: TestClient, topic = 'orders', partitions = [0]) {
  const answer = await client.send(apis.fetch, 12, fetchRequestOf({ topic, partitions }))
  const found = answer.responses.flatMap((one) => one.partitions)
  return {
    sessionId: answer.sessionId,
    records: Buffer.concat(found.map(({ records }) => (records as Buffer | null) ?? noBytes)),
  }
}
const noBytes = Buffer.alloc(0)

async function joined(
  client: TestClient,
  { memberId = '', sessionTimeoutMs = 10_000 } = {},
): Promise<string> {
  const { errorCode } = await client.send(apis.joinGroup, 3, {
    ...{ groupId: 'readers', memberId, sessionTimeoutMs, rebalanceTimeoutMs: 10_000 },
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: noBytes }],
  })
  return errorName(errorCode)
}

/** A log with something to clean; @returns how many cleanings there were after `ms`. */
async function cleanings(config: Record<string, string>, ms: number): Promise<number> {
  const { broker, client } = await start(config)
  await broker.createTopic('orders', { configs: { ...small, 'cleanup.policy': 'compact' } })
  for (let i = 0; i < 30; i++) {
    await client.produce('orders', [], { batch: batchOf([`${i}`.padEnd(50)], { key: 'k' }) })
  }
  await broker.broker.partitions.get('orders', 0)?.log.flush()
  const { figures } = broker.broker.logCleaner
  const before = figures.cleanings
  broker.clock.advance(ms)
  for (let turn = 0; turn < 200 && figures.cleanings === before; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return figures.cleanings - before
}

async function describedTopic(client: TestClient, name: string) {
  const answer = await client.send(apis.describeTopicPartitions, 0, {
    topics: [{ name }],
    responsePartitionLimit: 100,
    cursor: null,
  })
  return answer
}

async function offsetsTopic(config: Record<string, string>) {
  const { broker, client } = await start({ 'offsets.topic.num.partitions': '1', ...config })
  await client.send(apis.findCoordinator, 3, { key: 'readers' })
  await broker.createTopic('orders')
  const { image } = broker.broker.cluster
  const topic = image.topic('__consumer_offsets')
  const overrides = image.configs('topic', '__consumer_offsets')
  return { broker, client, partitions: topic?.partitions ?? [], overrides }
}

function commit(client: TestClient, committedOffset: number) {
  const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: null }]
  return client.send(apis.offsetCommit, 8, {
    ...{ groupId: 'readers', memberId: '', generationIdOrMemberEpoch: -1 },
    topics: [{ name: 'orders', partitions }],
  })
}

async function throttledBy(config: Record<string, string>, key: string): Promise<number> {
  const { broker, client } = await start(config)
  const entity = [{ entityType: 'client-id', entityName: 'test' }]
  const value = key === 'producer_byte_rate' ? 1000 : 1
  await client.send(apis.alterClientQuotas, 1, {
    entries: [{ entity, ops: [{ key, value, remove: false }] }],
    validateOnly: false,
  })
  if (key === 'producer_byte_rate') {
    await broker.createTopic('orders')
    const records = batchOf(['x'.repeat(50_000)])
    const { throttleTimeMs } = await client.send(apis.produce, 9, {
      ...{ acks: -1, timeoutMs: 1000 },
      topicData: [{ name: 'orders', partitionData: [{ index: 0, records }] }],
    })
    return throttleTimeMs
  }
  // The first overdraws, the second is refused where that was too much.
  let throttledMs = 0
  for (const name of ['first', 'second']) {
    const topic = { ...newTopic, name, numPartitions: 5, replicationFactor: 1 }
    const answer = await client.send(apis.createTopics, 7, {
      ...{ topics: [topic], timeoutMs: 1000, validateOnly: false },
    })
    throttledMs = answer.throttleTimeMs
  }
  return throttledMs
}

const newTopic = { name: 'orders', assignments: [], configs: [] }

const window = (prefix: string, num: string, seconds: string) => ({
  [`${prefix}quota.window.num`]: num,
  [`${prefix}quota.window.size.seconds`]: seconds,
})

const shownHere: Readonly<Record<string, () => Promise<void>>> = {
  'compression.gzip.level': levels('gzip', '1', '9'),
  'compression.lz4.level': levels('lz4', '1', '12'),
  'compression.zstd.level': levels('zstd', '-100', '19'),

  'message.timestamp.after.max.ms': async () => {
    const { broker, client } = await start({})
    await broker.createTopic('orders', { configs: { 'message.timestamp.after.max.ms': '1000' } })
    const at = async (ms: number) => {
      const batch = batchOf(['a'], { timestamp: broker.clock.now() + ms })
      return errorName((await client.produce('orders', [], { batch })).errorCode)
    }
    expect([await at(500), await at(60_000)]).toEqual(['NONE', 'INVALID_TIMESTAMP'])
  },

  'broker.rack': async () => {
    const { client } = await start({ 'broker.rack': 'cellar' })
    const { brokers } = await client.send(apis.describeCluster, 1, {
      endpointType: 1,
      includeClusterAuthorizedOperations: false,
    })
    expect(brokers).toMatchObject([{ brokerId: 1, rack: 'cellar' }])
  },

  'connections.max.idle.ms': async () => {
    const { broker, client } = await start({ 'connections.max.idle.ms': '1000' })
    await client.send(apis.apiVersions, 0, {})
    broker.clock.advance(2001)
    await client.closed
    const patient = await start({ 'connections.max.idle.ms': '-1' })
    await patient.client.send(apis.apiVersions, 0, {})
    patient.broker.clock.advance(1000 * hourMs)
    expect((await patient.client.send(apis.apiVersions, 0, {})).errorCode).toBe(0)
  },

  'controller.quota.window.num': async () => {
    const key = 'controller_mutation_rate'
    expect(await throttledBy(window('controller.', '11', '1'), key)).toBe(0)
    expect(await throttledBy(window('controller.', '2', '1'), key)).toBeGreaterThan(0)
  },
  'controller.quota.window.size.seconds': async () => {
    const key = 'controller_mutation_rate'
    expect(await throttledBy(window('controller.', '2', '10'), key)).toBe(0)
  },
  'quota.window.num': async () => {
    const key = 'producer_byte_rate'
    const [few, many] = [window('', '2', '1'), window('', '11', '1')]
    // The same bytes are a lower rate over a longer time.
    expect(await throttledBy(many, key)).toBeLessThan(await throttledBy(few, key))
  },
  'quota.window.size.seconds': async () => {
    const key = 'producer_byte_rate'
    const [short, long] = [window('', '2', '1'), window('', '2', '10')]
    expect(await throttledBy(long, key)).toBeLessThan(await throttledBy(short, key))
  },

  'default.replication.factor': async () => {
    const { client } = await start({ 'default.replication.factor': '2' })
    const { topics } = await client.send(apis.createTopics, 7, {
      topics: [{ ...newTopic, numPartitions: 1, replicationFactor: -1 }],
      ...{ timeoutMs: 1000, validateOnly: false },
    })
    expect(errorName(topics[0].errorCode)).toBe('INVALID_REPLICATION_FACTOR')
  },

  'fetch.max.bytes': async () => {
    const { broker, client } = await start({ 'fetch.max.bytes': '1024' })
    await broker.createTopic('orders', { partitions: 2 })
    for (const partition of [0, 1]) await client.produce('orders', ['x'.repeat(900)], { partition })
    const { records } = await fetched(client, 'orders', [0, 1])
    expect(records.length).toBeLessThan(1024)
    expect(records.length).toBeGreaterThan(900)
  },

  'group.initial.rebalance.delay.ms': async () => {
    const { broker, client } = await start({ 'group.initial.rebalance.delay.ms': '60000' })
    await client.send(apis.findCoordinator, 3, { key: 'readers' })
    let answer = ''
    const join = joined(client).then((error) => {
      answer = error
    })
    await (await broker.connect()).send(apis.apiVersions, 0, {})
    expect(answer).toBe('')
    broker.clock.advance(60_000)
    await join
    expect(answer).toBe('NONE')
  },
  'group.min.session.timeout.ms': async () => {
    const { client } = await start({ 'group.min.session.timeout.ms': '20000' })
    await client.send(apis.findCoordinator, 3, { key: 'readers' })
    expect(await joined(client, { sessionTimeoutMs: 19_999 })).toBe('INVALID_SESSION_TIMEOUT')
  },
  'group.max.session.timeout.ms': async () => {
    const { client } = await start({ 'group.max.session.timeout.ms': '20000' })
    await client.send(apis.findCoordinator, 3, { key: 'readers' })
    expect(await joined(client, { sessionTimeoutMs: 20_001 })).toBe('INVALID_SESSION_TIMEOUT')
  },
  'group.max.size': async () => {
    const one = { 'group.max.size': '1', 'group.initial.rebalance.delay.ms': '0' }
    const { broker, client } = await start(one)
    await client.send(apis.findCoordinator, 3, { key: 'readers' })
    expect(await joined(client)).toBe('NONE')
    expect(await joined(await broker.connect())).toBe('GROUP_MAX_SIZE_REACHED')
  },

  'log.cleaner.enable': async () => {
    expect(await cleanings({}, 15_000)).toBeGreaterThan(0)
    expect(await cleanings({ 'log.cleaner.enable': 'false' }, hourMs)).toBe(0)
  },
  'log.cleaner.threads': async () => {
    expect(await cleanings({ 'log.cleaner.threads': '0' }, hourMs)).toBe(0)
    expect(await cleanings({ 'log.cleaner.threads': '4' }, 15_000)).toBeGreaterThan(0)
  },
  'log.cleaner.backoff.ms': async () => {
    const config = { 'log.cleaner.backoff.ms': '1000000' }
    expect(await cleanings(config, 15_000)).toBe(0)
    expect(await cleanings(config, 1_000_000)).toBeGreaterThan(0)
  },
  'log.cleaner.io.buffer.size': async () => {
    // However small, a batch has room.
    expect(await cleanings({ 'log.cleaner.io.buffer.size': '0' }, 15_000)).toBeGreaterThan(0)
  },

  'log.dir': async () => {
    const config = brokerConfig({ 'log.dir': '/one,/two' })
    if (!config.ok) throw new Error(config.errors[0].message)
    const logs = await LogManager.open({
      ...{ clock: new NodeClock(), random: new SeededRandom('dirs'), disk: new MemoryDisk() },
      ...{ logger: silentLogger, config: config.config, nodeId: 1 },
    })
    expect(logs.dirs.map((dir) => dir.path)).toEqual(['/one', '/two'])
    await logs.close()
  },
  'log.flush.start.offset.checkpoint.interval.ms': async () => {
    const disk = new MemoryDisk()
    const config = { 'log.flush.start.offset.checkpoint.interval.ms': '1000' }
    const { broker, client } = await start(config, { disk })
    await broker.createTopic('orders')
    await client.produce('orders', ['a', 'b'])
    broker.broker.partitions.get('orders', 0)?.deleteRecordsBefore(1)
    broker.clock.advance(1000)
    const file = async () => String(await disk.readFile('/data/log-start-offset-checkpoint'))
    await expect.poll(file).toBe('0\n1\norders 0 1\n')
  },
  'log.retention.check.interval.ms': async () => {
    const { broker, client } = await start({ 'log.retention.check.interval.ms': `${hourMs}` })
    await broker.createTopic('orders', { configs: { 'retention.ms': '1' } })
    await client.produce('orders', ['a'])
    const log = broker.broker.partitions.get('orders', 0)?.log
    broker.clock.advance(hourMs - 600_000)
    expect(log?.startOffset).toBe(0)
    broker.clock.advance(600_000)
    await expect.poll(() => log?.startOffset).toBe(1)
  },

  'max.incremental.fetch.session.cache.slots': async () => {
    const sessionOf = async (slots: string) => {
      const config = { 'max.incremental.fetch.session.cache.slots': slots }
      const { broker, client } = await start(config)
      await broker.createTopic('orders')
      const request = fetchRequestOf({ partitions: [0], sessionEpoch: 0 })
      return (await client.send(apis.fetch, 12, request)).sessionId
    }
    expect(await sessionOf('0')).toBe(0)
    expect(await sessionOf('1')).not.toBe(0)
  },
  'max.request.partition.size.limit': async () => {
    const { broker, client } = await start({ 'max.request.partition.size.limit': '2' })
    await broker.createTopic('orders', { partitions: 5 })
    const { topics, nextCursor } = await describedTopic(client, 'orders')
    expect(topics[0].partitions).toHaveLength(2)
    expect(nextCursor).toMatchObject({ topicName: 'orders', partitionIndex: 2 })
  },

  'offsets.load.buffer.size': async () => {
    const clock = new NodeClock()
    const kept = {
      clock,
      disk: new MemoryDisk(),
      table: new MemoryTable(new MemoryTableStore(clock)),
    }
    const config = { 'offsets.topic.num.partitions': '1', 'offsets.load.buffer.size': '1' }
    const first = await start(config, kept)
    await first.client.send(apis.findCoordinator, 3, { key: 'readers' })
    await first.broker.createTopic('orders')
    for (const offset of [1, 2, 3]) await commit(first.client, offset)
    await running.pop()?.close()
    const { client } = await start(config, { ...kept, seed: 'again' })
    await client.send(apis.findCoordinator, 3, { key: 'readers' })
    const request = { groupId: 'readers', topics: [{ name: 'orders', partitionIndexes: [0] }] }
    const asked = async () => (await client.send(apis.offsetFetch, 5, request)).topics[0]
    await expect.poll(async () => (await asked())?.partitions[0].committedOffset).toBe(3)
  },
  'offsets.topic.compression.codec': async () => {
    const { client } = await offsetsTopic({ 'offsets.topic.compression.codec': '1' })
    await commit(client, 1)
    const { records } = await fetched(client, '__consumer_offsets')
    expect(readBatchHeader(records, 0).codec).toBe('gzip')
  },
  'offsets.topic.num.partitions': async () => {
    const { partitions } = await offsetsTopic({ 'offsets.topic.num.partitions': '3' })
    expect(partitions).toHaveLength(3)
  },
  'offsets.topic.replication.factor': async () => {
    // As many as there are brokers where those are fewer.
    const { partitions } = await offsetsTopic({ 'offsets.topic.replication.factor': '3' })
    expect(partitions[0].replicas).toEqual([1])
  },
  'offsets.topic.segment.bytes': async () => {
    const { overrides } = await offsetsTopic({ 'offsets.topic.segment.bytes': '2000000' })
    expect(overrides['segment.bytes']).toBe('2000000')
  },

  'producer.id.expiration.ms': async () => {
    const { broker, client } = await start({})
    await broker.createTopic('orders')
    const from = async (sequence: number) => {
      const producer = { producerId: 7, producerEpoch: 0, baseSequence: sequence }
      const batch = batchOf(['a'], { ...producer, timestamp: broker.clock.now() })
      return errorName((await client.produce('orders', [], { batch })).errorCode)
    }
    expect([await from(0), await from(5)]).toEqual(['NONE', 'OUT_OF_ORDER_SEQUENCE_NUMBER'])
    broker.clock.advance(2000)
    expect(await from(5)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    const configs = [{ name: 'producer.id.expiration.ms', configOperation: 0, value: '1000' }]
    await client.send(apis.incrementalAlterConfigs, 1, {
      resources: [{ resourceType: 4, resourceName: '', configs }],
      validateOnly: false,
    })
    // It is altered while the broker runs; who is forgotten may begin anywhere.
    expect(await from(5)).toBe('NONE')
  },

  'socket.request.max.bytes': async () => {
    const { broker, client } = await start({ 'socket.request.max.bytes': '1000' })
    await broker.createTopic('orders')
    expect((await client.produce('orders', ['a'])).errorCode).toBe(0)
    client.produce('orders', ['x'.repeat(2000)]).catch(() => {})
    await client.closed
  },
}

test('there is a row for each config that has an effect', () => {
  const ofTopics = Object.entries(topicConfigs).filter(([, one]) => one.effect === 'implemented')
  const ofBrokers = Object.entries(brokerConfigs).filter(([, one]) => one.effect === 'implemented')
  const behind = new Set(ofTopics.map(([name]) => brokerSynonyms[name]?.[0].name))
  const names = [...ofTopics, ...ofBrokers.filter(([name]) => !behind.has(name))]
  const wanted = new Set(names.map(([name]) => name))
  for (const name of acrossBrokers) wanted.delete(name)
  const rows = [...Object.keys(shownBy), ...Object.keys(shownHere)]
  expect(rows.sort()).toEqual([...wanted].sort())
})

test.each(Object.entries(shownBy))(
  '%s: the test that is named is there',
  (_name, [file, title]) => {
    expect(readFileSync(path.join(root, file), 'utf8')).toContain(title)
  },
)

test.each(Object.entries(shownHere))('%s', async (_name, show) => {
  await show()
})
