// Topics and configs at every version.

import { apis } from '@sluice/protocol/apis'
import { zeroUuid } from '@sluice/protocol/schema'
import { expect } from 'vitest'
import { type Check, check, errorsIn, unknownId } from './ground.ts'

const topicType = 2
const brokerType = 4
/** READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE and the configs */
const topicOperations = 0b1101_1111_1000
const operationsOmitted = -2147483648

const metadata = check(apis.metadata, [0, 13], async (ground, version) => {
  const { name, id } = await ground.topic()
  const ask = (topics: { name: string | null; topicId?: string }[] | null) =>
    ground.client.send(apis.metadata, version, {
      topics,
      ...(version >= 4 && { allowAutoTopicCreation: false }),
      ...(version >= 8 && { includeTopicAuthorizedOperations: true }),
    })
  const answer = await ask([{ name }])
  expect(answer).toMatchObject({
    brokers: [{ nodeId: 1, host: 'broker', port: 9092 }],
    clusterId: version >= 2 ? ground.server.broker.clusterId : null,
    controllerId: version >= 1 ? 1 : -1,
  })
  const partition = { errorCode: 0, partitionIndex: 0, leaderId: 1, replicaNodes: [1] }
  const leaderEpoch = version >= 7 ? 0 : -1
  const topic = {
    name,
    topicId: version >= 10 ? id : zeroUuid,
    partitions: [{ ...partition, isrNodes: [1], leaderEpoch, offlineReplicas: [] }],
    topicAuthorizedOperations: version >= 8 ? topicOperations : operationsOmitted,
  }
  expect(answer.topics).toMatchObject([topic])
  // In version 0 no names stand for all topics, later null does.
  const all = await ask(version === 0 ? [] : null)
  expect(all.topics).toContainEqual(expect.objectContaining({ name }))
  if (version >= 1) expect((await ask([])).topics).toEqual([])
  expect(errorsIn((await ask([{ name: 'a b' }])).topics)).toEqual(['INVALID_TOPIC_EXCEPTION'])
  if (version >= 4) {
    const unknown = await ask([{ name: 'nowhere' }])
    expect(errorsIn(unknown.topics)).toEqual(['UNKNOWN_TOPIC_OR_PARTITION'])
  }
  if (version < 12) return
  expect((await ask([{ name: null, topicId: id }])).topics).toMatchObject([topic])
  const unknownById = await ask([{ name: null, topicId: unknownId }])
  expect(errorsIn(unknownById.topics)).toEqual(['UNKNOWN_TOPIC_ID'])
})

const createTopics = check(apis.createTopics, [2, 7], async (ground, version) => {
  const name = ground.fresh('made')
  const create = (validateOnly: boolean) =>
    ground.client.send(apis.createTopics, version, {
      topics: [
        {
          name,
          numPartitions: 2,
          replicationFactor: 1,
          assignments: [],
          configs: [{ name: 'retention.ms', value: '1234' }],
        },
      ],
      timeoutMs: 5000,
      validateOnly,
    })
  const { image } = ground.server.broker.cluster
  expect(errorsIn(await create(true))).toEqual(['NONE'])
  expect(image.topic(name)).toBeUndefined()
  const { topics } = await create(false)
  const made = image.topic(name)
  expect(made?.partitions).toHaveLength(2)
  expect(topics).toMatchObject([
    {
      name,
      errorCode: 0,
      topicId: version >= 7 ? made?.id : zeroUuid,
      numPartitions: version >= 5 ? 2 : -1,
      replicationFactor: version >= 5 ? 1 : -1,
    },
  ])
  if (version >= 5) {
    const config = { name: 'retention.ms', value: '1234' }
    expect(topics[0].configs).toContainEqual(expect.objectContaining(config))
  }
  expect(await ground.config(topicType, name, 'retention.ms')).toBe('1234')
  expect(errorsIn(await create(false))).toEqual(['TOPIC_ALREADY_EXISTS'])
})

const deleteTopics = check(apis.deleteTopics, [1, 6], async (ground, version) => {
  const [byName, byId] = [await ground.topic(['a']), await ground.topic(['b'])]
  const some = version >= 6
  const named = (name: string) => ({ name, topicId: zeroUuid })
  const answer = await ground.client.send(apis.deleteTopics, version, {
    ...(some
      ? { topics: [named(byName.name), { name: null, topicId: byId.id }, named('nowhere')] }
      : { topicNames: [byName.name, byId.name, 'nowhere'] }),
    timeoutMs: 5000,
  })
  expect(answer.responses.map(({ name }) => name)).toEqual([byName.name, byId.name, 'nowhere'])
  expect(answer.responses[1].topicId).toBe(some ? byId.id : zeroUuid)
  expect(errorsIn(answer)).toEqual(['NONE', 'NONE', 'UNKNOWN_TOPIC_OR_PARTITION'])
  expect(answer.responses[2].errorMessage).toEqual(version >= 5 ? expect.any(String) : null)
  const { image } = ground.server.broker.cluster
  expect([image.topic(byName.name), image.topic(byId.name)]).toEqual([undefined, undefined])
})

const createPartitions = check(apis.createPartitions, [0, 3], async (ground, version) => {
  const { name } = await ground.topic()
  const grow = async (count: number, validateOnly = false) =>
    errorsIn(
      await ground.client.send(apis.createPartitions, version, {
        topics: [{ name, count, assignments: null }],
        timeoutMs: 5000,
        validateOnly,
      }),
    )
  const count = () => ground.server.broker.cluster.image.topic(name)?.partitions.length
  expect([await grow(3, true), count()]).toEqual([['NONE'], 1])
  expect([await grow(3), count()]).toEqual([['NONE'], 3])
  expect((await ground.client.produce(name, ['x'], { partition: 2 })).errorCode).toBe(0)
  expect(await grow(2)).toEqual(['INVALID_PARTITIONS'])
})

const describeTopicPartitions = check(
  apis.describeTopicPartitions,
  [0, 0],
  async (ground, version) => {
    const name = ground.fresh('wide')
    const topicId = await ground.server.createTopic(name, { partitions: 3 })
    const page = (cursor: { topicName: string; partitionIndex: number } | null) =>
      ground.client.send(apis.describeTopicPartitions, version, {
        topics: [{ name }],
        responsePartitionLimit: 2,
        cursor,
      })
    const first = await page(null)
    const alone = { errorCode: 0, leaderId: 1, replicaNodes: [1], isrNodes: [1] }
    const partitions = [0, 1].map((partitionIndex) => ({ partitionIndex, ...alone }))
    expect(first.topics).toMatchObject([{ name, topicId, errorCode: 0, partitions }])
    expect(first.nextCursor).toMatchObject({ topicName: name, partitionIndex: 2 })
    const last = await page(first.nextCursor)
    expect(last.topics).toMatchObject([{ partitions: [{ partitionIndex: 2, ...alone }] }])
    expect(last.nextCursor).toBeNull()
    expect(errorsIn(await page({ topicName: name, partitionIndex: -1 }))).toEqual([
      'INVALID_REQUEST',
    ])
  },
)

const describeConfigs = check(apis.describeConfigs, [1, 4], async (ground, version) => {
  const name = ground.fresh('configured')
  await ground.server.createTopic(name, { configs: { 'retention.ms': '1234' } })
  const answer = await ground.client.send(apis.describeConfigs, version, {
    resources: [
      { resourceType: topicType, resourceName: name, configurationKeys: ['retention.ms'] },
      { resourceType: brokerType, resourceName: '1', configurationKeys: ['log.dirs'] },
      { resourceType: topicType, resourceName: 'nowhere', configurationKeys: null },
    ],
    includeSynonyms: true,
    ...(version >= 3 && { includeDocumentation: true }),
  })
  const [ofTopic, ofBroker] = answer.results
  const longType = 5
  expect(ofTopic.configs).toMatchObject([
    {
      name: 'retention.ms',
      value: '1234',
      readOnly: false,
      configSource: 1,
      configType: version >= 3 ? longType : 0,
    },
  ])
  expect(ofTopic.configs[0].synonyms[0]).toMatchObject({ value: '1234', source: 1 })
  const { documentation } = ofTopic.configs[0]
  if (version >= 3) expect(documentation).toEqual(expect.any(String))
  expect(ofBroker.configs).toMatchObject([{ name: 'log.dirs', value: '/data', readOnly: true }])
  expect(errorsIn(answer)).toEqual(['NONE', 'NONE', 'UNKNOWN_TOPIC_OR_PARTITION'])
})

const alterConfigs = check(apis.alterConfigs, [0, 2], async (ground, version) => {
  const { name } = await ground.topic()
  const alter = async (value: string, validateOnly = false) =>
    errorsIn(
      await ground.client.send(apis.alterConfigs, version, {
        resources: [
          {
            resourceType: topicType,
            resourceName: name,
            configs: [{ name: 'retention.ms', value }],
          },
        ],
        validateOnly,
      }),
    )
  expect(await alter('1234')).toEqual(['NONE'])
  expect(await alter('4321', true)).toEqual(['NONE'])
  expect(await ground.config(topicType, name, 'retention.ms')).toBe('1234')
  expect(await alter('soon')).toEqual(['INVALID_CONFIG'])
})

const incrementalAlterConfigs = check(
  apis.incrementalAlterConfigs,
  [0, 1],
  async (ground, version) => {
    const { name: resourceName } = await ground.topic()
    const alter = async (name: string, configOperation: number, value: string | null) =>
      errorsIn(
        await ground.client.send(apis.incrementalAlterConfigs, version, {
          resources: [
            { resourceType: topicType, resourceName, configs: [{ name, configOperation, value }] },
          ],
          validateOnly: false,
        }),
      )
    const policy = () => ground.config(topicType, resourceName, 'cleanup.policy')
    const [set, remove, append, subtract] = [0, 1, 2, 3]
    expect(await alter('cleanup.policy', set, 'compact')).toEqual(['NONE'])
    expect(await alter('cleanup.policy', append, 'delete')).toEqual(['NONE'])
    expect(await policy()).toBe('compact,delete')
    expect(await alter('cleanup.policy', subtract, 'delete')).toEqual(['NONE'])
    expect(await policy()).toBe('compact')
    expect(await alter('cleanup.policy', remove, null)).toEqual(['NONE'])
    expect(await policy()).toBe('delete')
    expect(await alter('no.such.config', set, '1')).toEqual(['INVALID_CONFIG'])
  },
)

const listConfigResources = check(apis.listConfigResources, [0, 1], async (ground, version) => {
  const { name: resourceName } = await ground.topic()
  const ask = (resourceTypes: number[]) =>
    ground.client.send(apis.listConfigResources, version, version >= 1 ? { resourceTypes } : {})
  const answer = await ask([topicType])
  expect(errorsIn(answer)).toEqual(['NONE'])
  if (version === 0) {
    // It asks for subscriptions to client metrics alone, and there are none.
    expect(answer.configResources).toEqual([])
    return
  }
  const topic = expect.objectContaining({ resourceName, resourceType: topicType })
  const broker = expect.objectContaining({ resourceName: '1', resourceType: brokerType })
  expect(answer.configResources).toContainEqual(topic)
  expect(answer.configResources).not.toContainEqual(broker)
  expect((await ask([])).configResources).toContainEqual(broker)
  expect(errorsIn(await ask([77]))).toEqual(['UNSUPPORTED_VERSION'])
})

export const topicChecks: readonly Check[] = [
  metadata,
  createTopics,
  deleteTopics,
  createPartitions,
  describeTopicPartitions,
  describeConfigs,
  alterConfigs,
  incrementalAlterConfigs,
  listConfigResources,
]
