import { Admin } from '@sluice/core/kafka-client/admin'
import { Producer } from '@sluice/core/kafka-client/producer'
import { errors } from '@sluice/protocol/errors'
import { describe, expect, test } from 'vitest'
import { Cluster } from './cluster.ts'

describe('topics', () => {
  test('are created, described, listed and deleted', async () => {
    await using cluster = await Cluster.start()
    const admin = new Admin(cluster.client)
    const created = await admin.createTopics([
      { name: 'b', partitionCount: 3, configs: { 'retention.ms': '1000' } },
      { name: 'a', assignment: [[1], [1]] },
      { name: 'in valid' },
    ])
    expect(created.map(({ name, error }) => [name, error])).toEqual([
      ['b', errors.NONE],
      ['a', errors.NONE],
      ['in valid', errors.INVALID_TOPIC_EXCEPTION],
    ])
    const [again] = await admin.createTopics([{ name: 'b' }])
    expect(again.error).toBe(errors.TOPIC_ALREADY_EXISTS)
    expect((await admin.listTopics()).map(({ name }) => name)).toEqual(['a', 'b'])
    const [b, missing] = await admin.describeTopics(['b', 'missing'])
    expect(b).toMatchObject({ name: 'b', internal: false, error: 0 })
    expect(b.partitions).toHaveLength(3)
    expect(b.partitions[2]).toMatchObject({ index: 2, leader: 1, replicas: [1], isr: [1] })
    expect(missing.error).toBe(errors.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await admin.deleteTopics(['b', 'missing'])).toMatchObject([
      { name: 'b', error: errors.NONE },
      { name: 'missing', error: errors.UNKNOWN_TOPIC_OR_PARTITION },
    ])
    expect((await admin.listTopics()).map(({ name }) => name)).toEqual(['a'])
  })

  test('are only checked when asked so', async () => {
    await using cluster = await Cluster.start()
    const admin = new Admin(cluster.client)
    const [checked] = await admin.createTopics([{ name: 'topic' }], { validateOnly: true })
    expect(checked.error).toBe(errors.NONE)
    expect(await admin.listTopics()).toEqual([])
  })

  test('a controller that moved is looked for again', async () => {
    await using cluster = await Cluster.start()
    cluster.faults.fail('CreateTopics', errors.NOT_CONTROLLER, { times: 2 })
    const [created] = await new Admin(cluster.client).createTopics([{ name: 'topic' }])
    expect(created.error).toBe(errors.NONE)
  })
})

test('configs of topics and brokers', async () => {
  await using cluster = await Cluster.start({ 'log.retention.ms': '5000' })
  await cluster.createTopic('topic', 1, { 'segment.bytes': '1048576' })
  const admin = new Admin(cluster.client)
  const [topic, broker, missing] = await admin.describeConfigs([
    { type: 'topic', name: 'topic' },
    { type: 'broker', name: '1' },
    { type: 'topic', name: 'missing' },
  ])
  const find = (configs: typeof topic.configs, name: string) =>
    configs.find((entry) => entry.name === name)
  expect(find(topic.configs, 'segment.bytes')).toMatchObject({ value: '1048576', source: 1 })
  expect(find(topic.configs, 'retention.ms')).toMatchObject({ value: '5000' })
  expect(find(broker.configs, 'log.retention.ms')).toMatchObject({ value: '5000' })
  expect(missing.error).toBe(errors.UNKNOWN_TOPIC_OR_PARTITION)
})

test('offsets by time and at the ends', async () => {
  await using cluster = await Cluster.start()
  await cluster.createTopic('topic', 2)
  const producer = new Producer(cluster.client, { lingerMs: 0 })
  for (const timestamp of [10, 30, 20]) {
    await producer.send('topic', [{ key: null, value: null, partition: 1, timestamp }])
  }
  const at = (partition: number, spec: 'earliest' | 'latest' | { timestampMs: number }) => {
    return { topic: 'topic', partition, at: spec }
  }
  const listed = await new Admin(cluster.client).listOffsets([
    at(1, 'latest'),
    at(1, 'earliest'),
    at(1, { timestampMs: 15 }),
    at(1, { timestampMs: 31 }),
    at(0, 'latest'),
    at(7, 'latest'),
  ])
  expect(listed.map(({ offset }) => offset)).toEqual([3, 0, 1, -1, 0, -1])
  expect(listed[2].timestamp).toBe(30)
  expect(listed[5].error).toBe(errors.UNKNOWN_TOPIC_OR_PARTITION)
})

test('configs are altered one by one, and told with where they come from', async () => {
  await using cluster = await Cluster.start({ 'log.retention.ms': '5000' })
  await cluster.createTopic('topic')
  const admin = new Admin(cluster.client)
  const topic = { type: 'topic', name: 'topic' } as const
  const set = (name: string, value: string) => ({ change: 'set', name, value }) as const
  const [checked] = await admin.alterConfigs(
    [{ ...topic, changes: [set('retention.ms', '7000')] }],
    { validateOnly: true },
  )
  expect(checked).toMatchObject({ ...topic, error: errors.NONE })
  const synonyms = async () => {
    const options = { names: ['retention.ms'], synonyms: true, documentation: true }
    const [{ configs }] = await admin.describeConfigs([topic], options)
    expect(configs).toHaveLength(1)
    return configs[0]
  }
  expect(await synonyms()).toMatchObject({ value: '5000', source: 4, type: 'long' })
  expect((await synonyms()).documentation).toMatch(/kept/)

  const outcomes = await admin.alterConfigs([
    {
      ...topic,
      changes: [
        set('retention.ms', '7000'),
        { change: 'append', name: 'cleanup.policy', value: 'compact' },
      ],
    },
    { ...topic, name: 'missing', changes: [set('retention.ms', '1')] },
    { type: 'broker', name: '', changes: [set('log.retention.ms', '6000')] },
  ])
  expect(outcomes.map(({ error }) => error)).toEqual([
    errors.NONE,
    errors.UNKNOWN_TOPIC_OR_PARTITION,
    errors.NONE,
  ])
  const { value, source, synonyms: found } = await synonyms()
  expect([value, source]).toEqual(['7000', 1])
  expect(found.slice(0, 3)).toEqual([
    { name: 'retention.ms', value: '7000', source: 1 },
    { name: 'log.retention.ms', value: '6000', source: 3 },
    { name: 'log.retention.ms', value: '5000', source: 4 },
  ])
  const [illegal] = await admin.alterConfigs([
    { ...topic, changes: [set('segment.ms', '1'), set('retention.ms', 'long')] },
  ])
  expect(illegal.error).toBe(errors.INVALID_CONFIG)

  const deleted = { change: 'delete', name: 'retention.ms', value: null } as const
  await admin.alterConfigs([{ ...topic, changes: [deleted] }])
  expect(await synonyms()).toMatchObject({ value: '6000', source: 3 })
  expect(await admin.listConfigResources(['topic'])).toEqual([topic])
  const all = await admin.listConfigResources()
  expect(all).toContainEqual({ type: 'broker', name: '1' })
})

test('what is asked of a broker that there is not is said', async () => {
  await using cluster = await Cluster.start()
  const admin = new Admin(cluster.client, { timeoutMs: 50 })
  const asked = admin.describeConfigs([{ type: 'broker', name: '7' }])
  await expect(asked).rejects.toMatchObject({ name: 'BROKER_NOT_AVAILABLE' })
  const named = admin.describeConfigs([{ type: 'broker', name: 'seven' }])
  await expect(named).rejects.toThrow("'seven' is no broker id")
})

test('partitions are added', async () => {
  await using cluster = await Cluster.start()
  await cluster.createTopic('topic', 2)
  const admin = new Admin(cluster.client)
  const more = [{ name: 'topic', count: 4 }]
  const [checked] = await admin.createPartitions(more, { validateOnly: true })
  expect(checked.error).toBe(errors.NONE)
  expect((await admin.describeTopics(['topic']))[0].partitions).toHaveLength(2)
  expect(await admin.createPartitions([...more, { name: 'missing', count: 2 }])).toMatchObject([
    { name: 'topic', error: errors.NONE },
    { name: 'missing', error: errors.UNKNOWN_TOPIC_OR_PARTITION },
  ])
  expect((await admin.describeTopics(['topic']))[0].partitions).toHaveLength(4)
  const [again] = await admin.createPartitions(more)
  expect(again.error).toBe(errors.INVALID_PARTITIONS)
  const [placed] = await admin.createPartitions([{ name: 'topic', count: 5, assignment: [[1]] }])
  expect(placed.error).toBe(errors.NONE)
})

test('records are deleted at the leaders', async () => {
  await using cluster = await Cluster.start()
  await cluster.createTopic('topic', 2)
  const producer = new Producer(cluster.client, { lingerMs: 0 })
  for (const partition of [0, 0, 0, 1, 1]) {
    await producer.send('topic', [{ key: null, value: Buffer.from('value'), partition }])
  }
  const admin = new Admin(cluster.client)
  const deleted = await admin.deleteRecords([
    { topic: 'topic', partition: 1, before: 'end' },
    { topic: 'topic', partition: 0, before: 2 },
    { topic: 'topic', partition: 0, before: 9 },
    { topic: 'topic', partition: 5, before: 1 },
    { topic: 'missing', partition: 0, before: 1 },
  ])
  expect(deleted.map(({ error, startOffset }) => [error, startOffset])).toEqual([
    [errors.NONE, 2],
    [errors.NONE, 2],
    [errors.OFFSET_OUT_OF_RANGE, -1],
    [errors.UNKNOWN_TOPIC_OR_PARTITION, -1],
    [errors.UNKNOWN_TOPIC_OR_PARTITION, -1],
  ])
})

test('log directories', async () => {
  await using cluster = await Cluster.start()
  await cluster.createTopic('topic', 2)
  const producer = new Producer(cluster.client, { lingerMs: 0 })
  await producer.send('topic', [{ key: null, value: Buffer.alloc(1000), partition: 1 }])
  const admin = new Admin(cluster.client)
  const [dir] = await admin.describeLogDirs(1)
  expect(dir).toMatchObject({ path: '/data', error: errors.NONE })
  expect(dir.replicas.map(({ partition, sizeBytes }) => [partition, sizeBytes > 1000])).toEqual([
    [0, false],
    [1, true],
  ])
  const [some] = await admin.describeLogDirs(1, [{ topic: 'topic', partition: 1 }])
  expect(some.replicas.map(({ topic, partition }) => [topic, partition])).toEqual([['topic', 1]])
})

test('the cluster', async () => {
  await using cluster = await Cluster.start()
  const described = await new Admin(cluster.client).describeCluster()
  expect(described).toMatchObject({ controllerId: 1, brokers: [{ nodeId: 1, host: 'broker' }] })
  expect(described.clusterId).toBe(cluster.broker.clusterId)
})
