// The cluster at every version: what is served, brokers, features, quotas, directories, replicas.

import { apis } from '@sluice/protocol/apis'
import { zeroUuid } from '@sluice/protocol/schema'
import { expect } from 'vitest'
import { type Check, check, errorsIn, type Ground } from './ground.ts'

const apiVersions = check(apis.apiVersions, [0, 5], async (ground, version) => {
  const ask = (given: object = {}) =>
    ground.client.send(apis.apiVersions, version, {
      ...(version >= 3 && { clientSoftwareName: 'test', clientSoftwareVersion: '1' }),
      ...given,
    })
  const answer = await ask()
  const own = { apiKey: apis.apiVersions.key, minVersion: 0, maxVersion: 5 }
  expect(answer.apiKeys).toContainEqual(expect.objectContaining(own))
  const features = answer.supportedFeatures.map(({ name }) => name)
  expect(features.includes('metadata.version')).toBe(version >= 3)
  // Those that start at 0 are for clients that can read so (KAFKA-17492).
  expect(features.includes('group.version')).toBe(version >= 4)
  expect(answer.finalizedFeaturesEpoch).toBe(
    version >= 3 ? ground.server.broker.cluster.image.version : -1,
  )
  if (version < 3) return
  expect(errorsIn(await ask({ clientSoftwareName: '-bad-' }))).toEqual(['INVALID_REQUEST'])
  if (version < 5) return
  const { clusterId } = ground.server.broker
  expect(errorsIn(await ask({ clusterId, nodeId: 1 }))).toEqual(['NONE'])
  expect(errorsIn(await ask({ clusterId, nodeId: 2 }))).toEqual(['REBOOTSTRAP_REQUIRED'])
})

const saslHandshake = check(apis.saslHandshake, [0, 1], async (ground, version) => {
  const answer = await ground.client.send(apis.saslHandshake, version, { mechanism: 'PLAIN' })
  expect(errorsIn(answer)).toEqual(['ILLEGAL_SASL_STATE'])
  expect(answer.mechanisms).toEqual([])
})

const saslAuthenticate = check(apis.saslAuthenticate, [0, 2], async (ground, version) => {
  const authBytes = Buffer.from('token')
  const answer = await ground.client.send(apis.saslAuthenticate, version, { authBytes })
  expect(errorsIn(answer)).toEqual(['ILLEGAL_SASL_STATE'])
  expect(answer.errorMessage).toContain('SaslAuthenticate')
  expect(answer.sessionLifetimeMs).toBe(0)
})

const acl = { resourceType: 2, principal: 'User:a', host: '*', operation: 3, permissionType: 3 }
const anyOf = { resourceNameFilter: null, principalFilter: null, hostFilter: null }
const aclFilter = { ...anyOf, resourceTypeFilter: 2, operation: 1, permissionType: 1 }

const describeAcls = check(apis.describeAcls, [1, 3], async (ground, version) => {
  const answer = await ground.client.send(apis.describeAcls, version, aclFilter)
  expect(errorsIn(answer)).toEqual(['SECURITY_DISABLED'])
  expect(answer.errorMessage).toBe('No Authorizer is configured on the broker')
})

const createAcls = check(apis.createAcls, [1, 3], async (ground, version) => {
  const creations = ['a', 'b'].map((resourceName) => ({ ...acl, resourceName }))
  const answer = await ground.client.send(apis.createAcls, version, { creations })
  expect(errorsIn(answer)).toEqual(['SECURITY_DISABLED', 'SECURITY_DISABLED'])
  expect(answer.results[0].errorMessage).toBe('No Authorizer is configured.')
})

const deleteAcls = check(apis.deleteAcls, [1, 3], async (ground, version) => {
  const filters = [aclFilter, aclFilter]
  const answer = await ground.client.send(apis.deleteAcls, version, { filters })
  expect(errorsIn(answer)).toEqual(['SECURITY_DISABLED', 'SECURITY_DISABLED'])
  expect(answer.filterResults[0].errorMessage).toBe('No Authorizer is configured.')
})

/** One that was there once: it leads nothing and answers nobody. */
async function awayBroker(ground: Ground): Promise<void> {
  const away = { id: 2, directoryId: 'AAAAAAAAAAAAAAAAAAAAAg', rack: 'r2', fenced: true }
  const endpoints = [{ listener: 'PLAINTEXT', host: 'away', port: 9092 }]
  await ground.server.broker.cluster.controller.registerBroker({ ...away, endpoints })
}

const describeCluster = check(apis.describeCluster, [0, 2], async (ground, version) => {
  await awayBroker(ground)
  const ask = (given: object = {}) =>
    ground.client.send(apis.describeCluster, version, {
      includeClusterAuthorizedOperations: true,
      ...given,
    })
  const { clusterId } = ground.server.broker
  const answer = await ask()
  expect(answer).toMatchObject({ errorCode: 0, clusterId, controllerId: 1, endpointType: 1 })
  expect(answer.brokers).toMatchObject([{ brokerId: 1, host: 'broker', port: 9092 }])
  // CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, the configs and IDEMPOTENT_WRITE
  expect(answer.clusterAuthorizedOperations).toBe(0b1_1111_1010_0000)
  if (version < 1) return
  expect(errorsIn(await ask({ endpointType: 2 }))).toEqual(['MISMATCHED_ENDPOINT_TYPE'])
  if (version < 2) return
  const { brokers } = await ask({ includeFencedBrokers: true })
  const fenced = brokers.map(({ brokerId, isFenced }) => [brokerId, isFenced])
  expect(fenced).toEqual([
    [1, false],
    [2, true],
  ])
})

const unregisterBroker = check(apis.unregisterBroker, [0, 0], async (ground, version) => {
  await awayBroker(ground)
  const unregister = async () =>
    errorsIn(await ground.client.send(apis.unregisterBroker, version, { brokerId: 2 }))
  expect(await unregister()).toEqual(['NONE'])
  expect(ground.server.broker.cluster.image.broker(2)).toBeUndefined()
  expect(await unregister()).toEqual(['BROKER_ID_NOT_REGISTERED'])
})

const describeQuorum = check(apis.describeQuorum, [0, 2], async (ground, version) => {
  const answer = await ground.client.send(apis.describeQuorum, version, {
    topics: [
      { topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] },
      { topicName: 'orders', partitions: [{ partitionIndex: 0 }] },
    ],
  })
  const [quorum, other] = answer.topics
  const [{ currentVoters, ...partition }] = quorum.partitions
  expect(partition).toMatchObject({ errorCode: 0, leaderId: 1, observers: [] })
  expect(currentVoters).toMatchObject([{ replicaId: 1, logEndOffset: partition.highWatermark }])
  expect(currentVoters[0].lastFetchTimestamp > 0).toBe(version >= 1)
  expect(currentVoters[0].replicaDirectoryId !== zeroUuid).toBe(version >= 2)
  const node = { nodeId: 1, listeners: [{ name: 'PLAINTEXT', host: 'broker', port: 9092 }] }
  expect(answer.nodes).toMatchObject(version >= 2 ? [node] : [])
  expect(errorsIn(other)).toEqual(['UNKNOWN_TOPIC_OR_PARTITION'])
})

const updateFeatures = check(apis.updateFeatures, [0, 2], async (ground, version) => {
  const update = (feature: string, maxVersionLevel: number) =>
    ground.client.send(apis.updateFeatures, version, {
      featureUpdates: [
        {
          feature,
          maxVersionLevel,
          ...(version >= 1 ? { upgradeType: 2 } : { allowDowngrade: true }),
        },
      ],
    })
  const level = 28 - version
  const answer = await update('metadata.version', level)
  expect(answer.errorCode).toBe(0)
  expect(answer.results.map(({ feature }) => feature)).toEqual(
    version <= 1 ? ['metadata.version'] : [],
  )
  const software = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }
  const { finalizedFeatures } = await ground.client.send(apis.apiVersions, 3, software)
  expect(finalizedFeatures).toMatchObject([{ name: 'metadata.version', maxVersionLevel: level }])
  const refused = await update('group.version', 1)
  expect(errorsIn(refused)).toEqual(['INVALID_UPDATE_VERSION'])
  expect(refused.errorMessage).toContain('group.version')
})

const ofClient = (clientId: string) => [{ entityType: 'client-id', entityName: clientId }]

function alterQuota(ground: Ground, version: number, clientId: string, key: string) {
  return ground.client.send(apis.alterClientQuotas, version, {
    entries: [{ entity: ofClient(clientId), ops: [{ key, value: 1024, remove: false }] }],
    validateOnly: false,
  })
}

function findQuota(ground: Ground, version: number, clientId: string) {
  return ground.client.send(apis.describeClientQuotas, version, {
    components: [{ entityType: 'client-id', matchType: 0, match: clientId }],
    strict: true,
  })
}

const byteRate = 'producer_byte_rate'

const alterClientQuotas = check(apis.alterClientQuotas, [0, 1], async (ground, version) => {
  const clientId = ground.fresh('client')
  const { entries } = await alterQuota(ground, version, clientId, byteRate)
  expect(entries).toMatchObject([{ errorCode: 0, entity: ofClient(clientId) }])
  const found = await findQuota(ground, 1, clientId)
  expect(found.entries).toMatchObject([{ values: [{ key: byteRate, value: 1024 }] }])
  const refused = await alterQuota(ground, version, clientId, 'no_such_rate')
  expect(errorsIn(refused)).toEqual(['INVALID_REQUEST'])
})

const describeClientQuotas = check(apis.describeClientQuotas, [0, 1], async (ground, version) => {
  const clientId = ground.fresh('client')
  await alterQuota(ground, 1, clientId, byteRate)
  const { errorCode, entries } = await findQuota(ground, version, clientId)
  expect(errorCode).toBe(0)
  expect(entries).toMatchObject([
    { entity: ofClient(clientId), values: [{ key: byteRate, value: 1024 }] },
  ])
  expect((await findQuota(ground, version, 'nobody')).entries).toEqual([])
})

const describeUserScramCredentials = check(
  apis.describeUserScramCredentials,
  [0, 0],
  async (ground, version) => {
    const ask = (names: string[] | null) =>
      ground.client.send(apis.describeUserScramCredentials, version, {
        users: names?.map((name) => ({ name })) ?? null,
      })
    expect(await ask(null)).toMatchObject({ errorCode: 0, errorMessage: null, results: [] })
    expect((await ask([])).results).toEqual([])
    const named = await ask(['alice', 'bob', 'bob'])
    expect(errorsIn(named)).toEqual(['NONE', 'RESOURCE_NOT_FOUND', 'DUPLICATE_RESOURCE'])
    expect(named.results[0]).toMatchObject({
      user: 'alice',
      errorMessage: 'Attempt to describe a user credential that does not exist: alice',
    })
  },
)

const describeLogDirs = check(apis.describeLogDirs, [1, 5], async (ground, version) => {
  const { name } = await ground.topic(['a'])
  const ask = (topics: { topic: string; partitions: number[] }[] | null) =>
    ground.client.send(apis.describeLogDirs, version, { topics })
  const { results } = await ask([{ topic: name, partitions: [0] }])
  expect(results).toMatchObject([{ errorCode: 0, logDir: '/data', topics: [{ name }] }])
  const [{ topics, totalBytes, usableBytes, isCordoned }] = results
  const bytes = ground.server.broker.partitions.get(name, 0)?.log.sizeBytes
  expect(topics[0].partitions).toMatchObject([
    { partitionIndex: 0, partitionSize: bytes, offsetLag: 0, isFutureKey: false },
  ])
  expect([totalBytes > 0, usableBytes > 0]).toEqual([version >= 4, version >= 4])
  expect(isCordoned).toBe(false)
  expect((await ask(null)).results[0].topics.map((one) => one.name)).toContain(name)
  expect((await ask([])).results[0].topics).toEqual([])
})

const alterReplicaLogDirs = check(apis.alterReplicaLogDirs, [1, 2], async (ground, version) => {
  const { name } = await ground.topic(['a'])
  const move = (path: string, topic: string) =>
    ground.client.send(apis.alterReplicaLogDirs, version, {
      dirs: [{ path, topics: [{ name: topic, partitions: [0] }] }],
    })
  const { results } = await move('/data', name)
  expect(results).toMatchObject([
    { topicName: name, partitions: [{ partitionIndex: 0, errorCode: 0 }] },
  ])
  expect(errorsIn(await move('/nowhere', name))).toEqual(['LOG_DIR_NOT_FOUND'])
  expect(errorsIn(await move('/data', 'nowhere'))).toEqual(['UNKNOWN_TOPIC_OR_PARTITION'])
})

const electLeaders = check(apis.electLeaders, [0, 2], async (ground, version) => {
  const { name } = await ground.topic()
  const elect = (given: { topic: string; partitions: number[] }[] | null, electionType = 1) =>
    ground.client.send(apis.electLeaders, version, {
      ...(version >= 1 && { electionType }),
      topicPartitions: given,
    })
  const { replicaElectionResults: found } = await elect([{ topic: name, partitions: [0, 7] }])
  expect(found).toMatchObject([{ topic: name, partitionResult: [{ partitionId: 0 }, {}] }])
  expect(errorsIn(found)).toEqual(['ELECTION_NOT_NEEDED', 'UNKNOWN_TOPIC_OR_PARTITION'])
  expect((await elect(null)).replicaElectionResults).toEqual([])
  if (version >= 1) expect(errorsIn(await elect(null, 9))).toEqual(['INVALID_REQUEST'])
})

function reassign(ground: Ground, version: number, name: string, replicas: number[] | null) {
  return ground.client.send(apis.alterPartitionReassignments, version, {
    topics: [{ name, partitions: [{ partitionIndex: 0, replicas }] }],
  })
}

const alterPartitionReassignments = check(
  apis.alterPartitionReassignments,
  [0, 1],
  async (ground, version) => {
    const { name } = await ground.topic()
    await awayBroker(ground)
    const codes = async (replicas: number[] | null) =>
      errorsIn(await reassign(ground, version, name, replicas)).slice(1)
    const replicas = () => ground.server.broker.cluster.image.topic(name)?.partitions[0].replicas
    expect(await codes([1, 2])).toEqual(['NONE'])
    expect(replicas()).toEqual([1, 2])
    expect(await codes(null)).toEqual(['NONE'])
    expect(replicas()).toEqual([1])
    expect(await codes(null)).toEqual(['NO_REASSIGNMENT_IN_PROGRESS'])
    expect(await codes([9])).toEqual(['INVALID_REPLICA_ASSIGNMENT'])
    if (version < 1) return
    const refused = await ground.client.send(apis.alterPartitionReassignments, version, {
      allowReplicationFactorChange: false,
      topics: [{ name, partitions: [{ partitionIndex: 0, replicas: [1, 2] }] }],
    })
    expect(refused.allowReplicationFactorChange).toBe(false)
    expect(errorsIn(refused)).toEqual(['NONE', 'INVALID_REPLICATION_FACTOR'])
  },
)

const listPartitionReassignments = check(
  apis.listPartitionReassignments,
  [0, 0],
  async (ground, version) => {
    const { name } = await ground.topic()
    await awayBroker(ground)
    await reassign(ground, 1, name, [1, 2])
    const ask = async (topics: { name: string; partitionIndexes: number[] }[] | null) =>
      (await ground.client.send(apis.listPartitionReassignments, version, { topics })).topics
    const moving = { partitionIndex: 0, replicas: [1, 2], addingReplicas: [2] }
    const partitions = [{ ...moving, removingReplicas: [] }]
    expect(await ask(null)).toMatchObject([{ name, partitions }])
    expect(await ask([{ name, partitionIndexes: [0] }])).toMatchObject([{ name, partitions }])
    await reassign(ground, 1, name, null)
    expect(await ask(null)).toEqual([])
  },
)

export const clusterChecks: readonly Check[] = [
  apiVersions,
  saslHandshake,
  saslAuthenticate,
  describeCluster,
  describeAcls,
  createAcls,
  deleteAcls,
  unregisterBroker,
  describeQuorum,
  updateFeatures,
  alterClientQuotas,
  describeClientQuotas,
  describeUserScramCredentials,
  describeLogDirs,
  alterReplicaLogDirs,
  electLeaders,
  alterPartitionReassignments,
  listPartitionReassignments,
]
