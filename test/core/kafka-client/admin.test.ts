import { Admin } from '@sluice/core/kafka-client/admin'
import { GroupConsumer } from '@sluice/core/kafka-client/group-consumer'
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

test('groups and the cluster', async () => {
  await using cluster = await Cluster.start()
  await cluster.createTopic('topic')
  const member = new GroupConsumer(cluster.client, { group: 'readers', topics: ['topic'] })
  while (member.assignment.length === 0) await member.poll(20)
  const admin = new Admin(cluster.client)
  expect(await admin.listGroups()).toEqual([
    { group: 'readers', protocolType: 'consumer', state: 'Stable', coordinator: 1 },
  ])
  const described = await admin.describeCluster()
  expect(described).toMatchObject({ controllerId: 1, brokers: [{ nodeId: 1, host: 'broker' }] })
  expect(described.clusterId).toBe(cluster.broker.clusterId)
  await member.close()
})
