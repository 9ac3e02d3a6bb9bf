import { apis } from '@sluice/protocol/apis'
import { errorName } from '@sluice/protocol/errors'
import { type Decoded, zeroUuid } from '@sluice/protocol/schema'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TestBroker, type TestClient } from './test-broker.ts'

let running: TestBroker
let client: TestClient

async function start(config: Record<string, string> = {}) {
  await running?.close()
  running = await TestBroker.start({ config })
  client = await running.connect()
}

beforeEach(() => start())
afterEach(() => running.close())

const metadata = (names: string[] | null, version = 12, given: object = {}) =>
  client.send(apis.metadata, version, {
    topics: names?.map((name) => ({ name })) ?? null,
    ...given,
  })

describe('Metadata', () => {
  test('names the broker as its listener advertises it, and the topics, at every version', async () => {
    const topicId = await running.createTopic('orders', { partitions: 2 })
    for (let version = 0; version <= 13; version++) {
      const all = await metadata(version === 0 ? [] : null, version)
      expect(all.brokers).toEqual([{ nodeId: 1, host: 'broker', port: 9092, rack: null }])
      expect(all.topics).toHaveLength(1)
      expect(all.topics[0]).toMatchObject({ errorCode: 0, name: 'orders', isInternal: false })
      expect(all.topics[0].partitions).toHaveLength(2)
      expect(all.topics[0].partitions[1]).toMatchObject({
        errorCode: 0,
        leaderId: 1,
        replicaNodes: [1],
        isrNodes: [1],
      })
      if (version >= 10) expect(all.topics[0].topicId).toBe(topicId)
      if (version >= 2) expect(all.clusterId).toBe(running.broker.clusterId)
      if (version >= 1) expect(all.controllerId).toBe(1)
    }
    expect((await metadata([], 12)).topics).toEqual([])
  })

  test('creates a topic on first use, ready to be written to', async () => {
    const { topics } = await metadata(['fresh'])
    expect(topics[0]).toMatchObject({ errorCode: 0, name: 'fresh' })
    expect(topics[0].partitions).toHaveLength(1)
    expect((await client.produce('fresh', ['a'])).errorCode).toBe(0)
  })

  test('creates nothing where the client, the broker or the name forbids it', async () => {
    const errorOf = async (name: string, given?: object) =>
      errorName((await metadata([name], 12, given)).topics[0].errorCode)
    expect(await errorOf('a', { allowAutoTopicCreation: false })).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(await errorOf('a b')).toBe('INVALID_TOPIC_EXCEPTION')
    await running.createTopic('a.b')
    expect(await errorOf('a_b')).toBe('INVALID_TOPIC_EXCEPTION')
    await start({ 'auto.create.topics.enable': 'false' })
    expect(await errorOf('a')).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect((await metadata(null)).topics).toEqual([])
  })

  test('many clients that ask for a new topic at once get the same one', async () => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => running.connect()))
    const answers = await Promise.all(
      clients.map((one) => one.send(apis.metadata, 12, { topics: [{ name: 'fresh' }] })),
    )
    const ids = new Set(answers.map(({ topics }) => topics[0].topicId))
    expect(ids.size).toBe(1)
    expect(answers.every(({ topics }) => topics[0].errorCode === 0)).toBe(true)
  })

  test('finds topics by id', async () => {
    const topicId = await running.createTopic('orders')
    const unknownId = 'AAAAAAAAAAAAAAAAAAAAAQ'
    // Java's admin client leaves the name empty.
    for (const name of [null, '']) {
      const ask = (id: string) =>
        client.send(apis.metadata, 12, { topics: [{ topicId: id, name }] })
      expect((await ask(topicId)).topics).toMatchObject([{ errorCode: 0, name: 'orders', topicId }])
      const [unknown] = (await ask(unknownId)).topics
      expect(errorName(unknown.errorCode)).toBe('UNKNOWN_TOPIC_ID')
      expect(unknown).toMatchObject({ name: null, topicId: unknownId })
    }
  })

  test('says which operations are allowed, when asked', async () => {
    await running.createTopic('orders')
    const asked = await metadata(['orders'], 8, {
      includeTopicAuthorizedOperations: true,
      includeClusterAuthorizedOperations: true,
    })
    expect(asked.topics[0].topicAuthorizedOperations).toBe(0b1101_1111_1000)
    expect(asked.clusterAuthorizedOperations).toBeGreaterThan(0)
    const silent = await metadata(['orders'], 8)
    expect(silent.topics[0].topicAuthorizedOperations).toBe(-2147483648)
  })
})

describe('CreateTopics', () => {
  const wanted = (name: string, given: object = {}) => ({
    name,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
    ...given,
  })
  const create = (topics: ReturnType<typeof wanted>[], version = 7, validateOnly = false) =>
    client.send(apis.createTopics, version, { topics, timeoutMs: 1000, validateOnly })

  test('creates at every version, and says what came of it', async () => {
    for (let version = 2; version <= 7; version++) {
      const { topics } = await create([wanted(`topic-${version}`, { numPartitions: 2 })], version)
      expect(topics).toHaveLength(1)
      expect(topics[0]).toMatchObject({
        name: `topic-${version}`,
        errorCode: 0,
        errorMessage: null,
      })
      if (version >= 5) {
        expect(topics[0]).toMatchObject({ numPartitions: 2, replicationFactor: 1 })
        const retention = topics[0].configs?.find(({ name }) => name === 'retention.ms')
        expect(retention).toMatchObject({ value: '604800000', configSource: 5, readOnly: false })
      }
    }
    expect(running.broker.cluster.image.topicCount).toBe(6)
  })

  test('answers each topic of a request for itself', async () => {
    const { topics } = await create([
      wanted('good', { configs: [{ name: 'retention.ms', value: '5' }] }),
      wanted('bad name'),
      wanted('twice'),
      wanted('twice'),
      wanted('wide', { replicationFactor: 3 }),
      wanted('odd', { configs: [{ name: 'retention.ms', value: 'soon' }] }),
    ])
    const outcome = Object.fromEntries(
      topics.map(({ name, errorCode }) => [name, errorName(errorCode)]),
    )
    expect(outcome).toEqual({
      good: 'NONE',
      'bad name': 'INVALID_TOPIC_EXCEPTION',
      twice: 'INVALID_REQUEST',
      wide: 'INVALID_REPLICATION_FACTOR',
      odd: 'INVALID_CONFIG',
    })
    expect([...running.broker.cluster.image.topics()].map(({ name }) => name)).toEqual(['good'])
  })

  test('validates without creating', async () => {
    const { topics } = await create([wanted('maybe')], 7, true)
    expect(topics[0].errorCode).toBe(0)
    expect(running.broker.cluster.image.topicCount).toBe(0)
    expect(running.broker.partitions.count).toBe(0)
  })
})

describe('DeleteTopics', () => {
  test('by name and by id; then everybody hears that it is gone', async () => {
    await running.createTopic('a')
    const id = await running.createTopic('b')
    await client.produce('a', ['x'])
    const byName = await client.send(apis.deleteTopics, 5, { topicNames: ['a'], timeoutMs: 1000 })
    expect(byName.responses).toMatchObject([{ name: 'a', errorCode: 0 }])
    const byId = await client.send(apis.deleteTopics, 6, {
      topics: [{ name: null, topicId: id }],
      timeoutMs: 1000,
    })
    expect(byId.responses).toMatchObject([{ name: 'b', topicId: id, errorCode: 0 }])
    expect((await metadata(null)).topics).toEqual([])
    expect(errorName((await client.produce('a', ['y'])).errorCode)).toBe(
      'UNKNOWN_TOPIC_OR_PARTITION',
    )
  })

  test('what is named twice is not deleted, and answered once', async () => {
    const id = await running.createTopic('a')
    const deleted = async (topics: { name: string | null; topicId?: string }[]) => {
      const { responses } = await client.send(apis.deleteTopics, 6, {
        topics: topics.map((topic) => ({ topicId: zeroUuid, ...topic })),
        timeoutMs: 1000,
      })
      return responses.map(
        ({ errorCode, errorMessage }) => `${errorName(errorCode)} ${errorMessage}`,
      )
    }
    const byName = { name: 'a' }
    const byId = { name: null, topicId: id }
    const gone = { name: 'gone' }
    expect(await deleted([byName, byName])).toEqual(['INVALID_REQUEST Duplicate topic name.'])
    expect(await deleted([byId, byId])).toEqual(['INVALID_REQUEST Duplicate topic id.'])
    expect(await deleted([gone, gone])).toEqual(['INVALID_REQUEST Duplicate topic name.'])
    const twice = 'INVALID_REQUEST The provided topic name maps to an ID that was already supplied.'
    expect(await deleted([byName, byId])).toEqual([twice, twice])
    expect(await deleted([{ name: null }, { name: 'a', topicId: id }])).toEqual([
      'INVALID_REQUEST Neither topic name nor id were specified.',
      'INVALID_REQUEST You may not specify both topic name and topic id.',
    ])
    expect(running.broker.cluster.image.topic('a')).toBeDefined()
  })

  test('bug class 27: a topic made anew under its name is another topic, and empty', async () => {
    const before = await running.createTopic('orders')
    await client.produce('orders', ['old'])
    await client.send(apis.deleteTopics, 5, { topicNames: ['orders'], timeoutMs: 1000 })
    const after = await running.createTopic('orders')
    expect(after).not.toBe(before)
    expect(running.broker.partitions.get('orders', 0)?.log.endOffset).toBe(0)
    const stale = await client.send(apis.produce, 13, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ topicId: before, partitionData: [{ index: 0, records: null }] }],
    })
    expect(errorName(stale.responses[0].partitionResponses[0].errorCode)).toBe('UNKNOWN_TOPIC_ID')
  })

  test('says what cannot be deleted', async () => {
    const id = await running.createTopic('a')
    const { responses } = await client.send(apis.deleteTopics, 6, {
      topics: [
        { name: 'nowhere', topicId: zeroUuid },
        { name: null, topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' },
        { name: 'a', topicId: id },
        { name: null, topicId: zeroUuid },
      ],
      timeoutMs: 1000,
    })
    expect(responses.map(({ errorCode }) => errorName(errorCode))).toEqual([
      'UNKNOWN_TOPIC_OR_PARTITION',
      'UNKNOWN_TOPIC_ID',
      'INVALID_REQUEST',
      'INVALID_REQUEST',
    ])
    await start({ 'delete.topic.enable': 'false' })
    await running.createTopic('a')
    const disabled = async (version: number) => {
      const answer = await client.send(apis.deleteTopics, version, {
        topicNames: ['a'],
        timeoutMs: 1000,
      })
      return errorName(answer.responses[0].errorCode)
    }
    expect(await disabled(2)).toBe('INVALID_REQUEST')
    expect(await disabled(3)).toBe('TOPIC_DELETION_DISABLED')
  })
})

describe('CreatePartitions', () => {
  const grow = async (name: string, count: number, given: object = {}) => {
    const { results } = await client.send(apis.createPartitions, 3, {
      topics: [{ name, count, assignments: null }],
      timeoutMs: 1000,
      validateOnly: false,
      ...given,
    })
    return errorName(results[0].errorCode)
  }

  test('bug class 26: adds partitions that can be written to at once', async () => {
    await running.createTopic('orders')
    expect(await grow('orders', 3)).toBe('NONE')
    expect((await client.produce('orders', ['a'], { partition: 2 })).errorCode).toBe(0)
    expect(await grow('orders', 3)).toBe('INVALID_PARTITIONS')
    expect(await grow('orders', 1)).toBe('INVALID_PARTITIONS')
    expect(await grow('nowhere', 2)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(await grow('orders', 5, { validateOnly: true })).toBe('NONE')
    expect(running.broker.cluster.image.topic('orders')?.partitions).toHaveLength(3)
    const none = await client.send(apis.createPartitions, 3, {
      topics: [],
      timeoutMs: 1000,
      validateOnly: false,
    })
    expect(none.results).toEqual([])
  })
})

describe('DescribeTopicPartitions', () => {
  test('pages through topics and partitions by a cursor', async () => {
    await running.createTopic('b', { partitions: 3 })
    await running.createTopic('a', { partitions: 2 })
    const pages: string[][] = []
    type Page = Decoded<typeof apis.describeTopicPartitions.response>
    let cursor: Page['nextCursor'] = null
    do {
      const page: Page = await client.send(apis.describeTopicPartitions, 0, {
        topics: [],
        responsePartitionLimit: 2,
        cursor,
      })
      pages.push(
        page.topics.flatMap(({ name, partitions }) =>
          partitions.map(({ partitionIndex }) => `${name}-${partitionIndex}`),
        ),
      )
      cursor = page.nextCursor
    } while (cursor)
    expect(pages).toEqual([['a-0', 'a-1'], ['b-0', 'b-1'], ['b-2']])
  })

  test('says what is not there', async () => {
    const { topics, nextCursor } = await client.send(apis.describeTopicPartitions, 0, {
      topics: [{ name: 'nowhere' }, { name: 'bad name' }],
    })
    expect(topics.map(({ name, errorCode }) => [name, errorName(errorCode)])).toEqual([
      ['bad name', 'INVALID_TOPIC_EXCEPTION'],
      ['nowhere', 'UNKNOWN_TOPIC_OR_PARTITION'],
    ])
    expect(nextCursor).toBeNull()
  })
})

test('DescribeCluster names the cluster, its controller and its brokers', async () => {
  const about = await client.send(apis.describeCluster, 2, {
    includeClusterAuthorizedOperations: false,
    includeFencedBrokers: true,
  })
  expect(about).toMatchObject({
    clusterId: running.broker.clusterId,
    controllerId: 1,
    brokers: [{ brokerId: 1, host: 'broker', port: 9092, isFenced: false }],
  })
  const controllers = await client.send(apis.describeCluster, 1, {
    includeClusterAuthorizedOperations: false,
    endpointType: 2,
  })
  expect(errorName(controllers.errorCode)).toBe('MISMATCHED_ENDPOINT_TYPE')
})

test('tools that ask for reassignments, the quorum and producers are content', async () => {
  await running.createTopic('orders')
  const moved = await client.send(apis.listPartitionReassignments, 0, { topics: null })
  expect(moved).toMatchObject({ errorCode: 0, topics: [] })
  const quorum = await client.send(apis.describeQuorum, 2, {
    topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
  })
  expect(quorum.topics[0].partitions[0]).toMatchObject({ errorCode: 0, leaderId: 1 })
  expect(quorum.nodes[0].nodeId).toBe(1)
  const producers = await client.send(apis.describeProducers, 0, {
    topics: [{ name: 'orders', partitionIndexes: [0, 1] }],
  })
  expect(producers.topics[0].partitions.map(({ errorCode }) => errorName(errorCode))).toEqual([
    'NONE',
    'UNKNOWN_TOPIC_OR_PARTITION',
  ])
})

test('SASL is refused on a listener without it', async () => {
  const { errorCode } = await client.send(apis.saslHandshake, 1, { mechanism: 'PLAIN' })
  expect(errorName(errorCode)).toBe('ILLEGAL_SASL_STATE')
  const auth = await client.send(apis.saslAuthenticate, 2, { authBytes: Buffer.from('x') })
  expect(errorName(auth.errorCode)).toBe('ILLEGAL_SASL_STATE')
})

test('ApiVersions lists what is served, and Produce from 0 on for old librdkafka', async () => {
  const { apiKeys } = await client.send(apis.apiVersions, 4, {
    clientSoftwareName: 'test',
    clientSoftwareVersion: '1.0',
  })
  const range = (key: number) => {
    const found = apiKeys.find(({ apiKey }) => apiKey === key)
    return found && [found.minVersion, found.maxVersion]
  }
  expect(range(0)).toEqual([0, 13])
  expect(range(1)).toEqual([4, 18])
  expect(range(24)).toBeUndefined()
  const refused = await client.send(apis.apiVersions, 3, {
    clientSoftwareName: '-bad-',
    clientSoftwareVersion: '1',
  })
  expect(errorName(refused.errorCode)).toBe('INVALID_REQUEST')
  const elsewhere = await client.send(apis.apiVersions, 5, {
    clientSoftwareName: 'test',
    clientSoftwareVersion: '1.0',
    clusterId: 'another',
  })
  expect(errorName(elsewhere.errorCode)).toBe('REBOOTSTRAP_REQUIRED')
})
