// Well-formed requests that ask for what cannot be, and the error codes of Apache Kafka 4.2's answers to
// them. They are asked of a broker with the topic `orders` of two empty partitions.
//
// Where Kafka says UNKNOWN_SERVER_ERROR or nothing at all the entry says so: there the code is ours.

import { type Api, apis } from '@sluice/protocol/apis'
import { errorName } from '@sluice/protocol/errors'
import { type Encodable, type Message, zeroUuid } from '@sluice/protocol/schema'
import { fetchRequestOf } from './requests.ts'
import { batchOf, type TestClient } from './test-broker.ts'

export interface BadRequest {
  readonly name: string
  /** Every error code in the answer, in its order. */
  readonly ask: (client: TestClient) => Promise<string[]>
  readonly errors: readonly string[]
}

function bad<Q extends Message>(
  name: string,
  [api, version, body]: readonly [Api<Q, Message>, number, Encodable<Q>],
  errors: string,
): BadRequest {
  return {
    name,
    ask: async (client) => errorsIn(await client.send(api, version, body)),
    errors: errors.split(' '),
  }
}

function errorsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(errorsIn)
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return []
  return Object.entries(value).flatMap(([name, one]) =>
    name === 'errorCode' ? [errorName(one)] : errorsIn(one),
  )
}

const unknownId = 'c2x1aWNlLWJlbmNoLXRlcw'
/** Read as the largest number there is, written as Java's Long.MAX_VALUE: see `beyond`. */
const marker = 0x0123_4567_89ab
const longMax = 2n ** 63n - 1n

/** The request with Long.MAX_VALUE in place of the marker: no schema of ours would write it. */
function beyond<Q extends Message>(
  name: string,
  asked: readonly [Api<Q, Message>, number, Encodable<Q>],
  errors: string,
): BadRequest {
  const patch = (frame: Buffer) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64BE(BigInt(marker))
    frame.writeBigInt64BE(longMax, frame.indexOf(bytes))
  }
  const [api, version, body] = asked
  const ask = async (client: TestClient) => errorsIn(await client.send(api, version, body, patch))
  return { name, ask, errors: errors.split(' ') }
}

function produce(given: { topic?: string; partition?: number; acks?: number; records?: Buffer }) {
  const { topic = 'orders', partition = 0, acks = -1, records = batchOf(['x']) } = given
  const topicData = [{ name: topic, partitionData: [{ index: partition, records }] }]
  return [apis.produce, 9, { acks, timeoutMs: 1000, topicData }] as const
}

function fetch(given: Parameters<typeof fetchRequestOf>[0] = {}, version = 12) {
  return [apis.fetch, version, fetchRequestOf({ partitions: [0], ...given })] as const
}

function listOffsets(timestamp: number, version = 7, partition: object = {}) {
  const partitions = [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp, ...partition }]
  const topics = [{ name: 'orders', partitions }]
  return [apis.listOffsets, version, { replicaId: -1, isolationLevel: 0, topics }] as const
}

type NewTopic = Encodable<typeof apis.createTopics.request>['topics'][number]

function create(...topics: Partial<NewTopic>[]) {
  const good: NewTopic = {
    name: 'fresh',
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }
  const all = topics.map((topic) => ({ ...good, ...topic }))
  return [apis.createTopics, 7, { topics: all, timeoutMs: 1000, validateOnly: false }] as const
}

function assigned(...brokers: number[][]) {
  const assignments = brokers.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }))
  return create({ numPartitions: -1, replicationFactor: -1, assignments })
}

function withConfig(name: string, value: string | null) {
  return create({ configs: [{ name, value }] })
}

function metadata(version: number, topic: { name: string | null; topicId?: string }) {
  return [apis.metadata, version, { topics: [topic], allowAutoTopicCreation: true }] as const
}

function deleteRecords(offset: number, name = 'orders') {
  const topics = [{ name, partitions: [{ partitionIndex: 0, offset }] }]
  return [apis.deleteRecords, 2, { topics, timeoutMs: 1000 }] as const
}

function commit(given: { topic?: string; offset?: number; metadata?: string }) {
  const { topic = 'orders', offset = 1, metadata: committedMetadata = '' } = given
  const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata }]
  const topics = [{ name: topic, partitions }]
  const member = { generationIdOrMemberEpoch: -1, memberId: '' }
  return [apis.offsetCommit, 7, { groupId: 'g', ...member, topics }] as const
}

function join(given: {
  group?: string
  memberId?: string
  sessionTimeoutMs?: number
  protocols?: []
}) {
  const protocols = given.protocols ?? [{ name: 'range', metadata: Buffer.alloc(0) }]
  const { group = 'g', memberId = '', sessionTimeoutMs = 10_000 } = given
  const body = { groupId: group, memberId, sessionTimeoutMs, rebalanceTimeoutMs: 10_000 }
  return [apis.joinGroup, 5, { ...body, protocolType: 'consumer', protocols }] as const
}

const member = { groupId: 'nobody', generationId: 1, memberId: 'ghost' }

function alter(name: string, configOperation: number, resourceName = 'orders') {
  const configs = [{ name, configOperation, value: '1' }]
  const resources = [{ resourceType: 2, resourceName, configs }]
  return [apis.incrementalAlterConfigs, 1, { resources, validateOnly: false }] as const
}

const produces: BadRequest[] = [
  bad('Produce with acks 2', produce({ acks: 2 }), 'INVALID_REQUIRED_ACKS'),
  bad('Produce with acks -2', produce({ acks: -2 }), 'INVALID_REQUIRED_ACKS'),
  bad('Produce to no topic', produce({ topic: 'nowhere' }), 'UNKNOWN_TOPIC_OR_PARTITION'),
  bad('Produce to no partition', produce({ partition: 7 }), 'UNKNOWN_TOPIC_OR_PARTITION'),
  bad('Produce to partition -1', produce({ partition: -1 }), 'UNKNOWN_TOPIC_OR_PARTITION'),
  bad('Produce to a topic without a name', produce({ topic: '' }), 'UNKNOWN_TOPIC_OR_PARTITION'),
  bad('Produce to no legal name', produce({ topic: '../a b' }), 'UNKNOWN_TOPIC_OR_PARTITION'),
  bad(
    'Produce to a topic id that is none',
    [
      apis.produce,
      13,
      {
        acks: -1,
        timeoutMs: 1000,
        topicData: [{ topicId: unknownId, partitionData: [{ index: 0, records: batchOf(['x']) }] }],
      },
    ],
    'UNKNOWN_TOPIC_ID',
  ),
]

const reads: BadRequest[] = [
  bad('Fetch beyond the end', fetch({ offset: 1000 }), 'NONE OFFSET_OUT_OF_RANGE'),
  bad('Fetch at offset -1', fetch({ offset: -1 }), 'NONE OFFSET_OUT_OF_RANGE'),
  beyond('Fetch at Long.MAX_VALUE', fetch({ offset: marker }), 'NONE OFFSET_OUT_OF_RANGE'),
  bad('Fetch of no topic', fetch({ topic: 'nowhere' }), 'NONE UNKNOWN_TOPIC_OR_PARTITION'),
  bad('Fetch of no topic id', fetch({ topicId: unknownId }, 13), 'NONE UNKNOWN_TOPIC_ID'),
  bad('Fetch of no partition', fetch({ partitions: [9] }), 'NONE UNKNOWN_TOPIC_OR_PARTITION'),
  bad('Fetch of partition -1', fetch({ partitions: [-1] }), 'NONE UNKNOWN_TOPIC_OR_PARTITION'),
  bad('Fetch with maxBytes 0', fetch({ maxBytes: 0 }), 'NONE NONE'),
  // Kafka: UNKNOWN_SERVER_ERROR for the next three.
  bad('Fetch with maxBytes -1', fetch({ maxBytes: -1 }), 'NONE NONE'),
  bad('Fetch with partitionMaxBytes -1', fetch({ partitionMaxBytes: -1 }), 'NONE NONE'),
  bad('Fetch with isolation level 7', fetch({ isolationLevel: 7 }), 'NONE NONE'),
  bad('Fetch with maxWaitMs -1', fetch({ maxWaitMs: -1, minBytes: 1e6 }), 'NONE NONE'),
  bad('Fetch in a newer epoch', fetch({ currentLeaderEpoch: 9 }), 'NONE UNKNOWN_LEADER_EPOCH'),
  bad(
    'Fetch in no session',
    fetch({ sessionId: 77, sessionEpoch: 3 }),
    'FETCH_SESSION_ID_NOT_FOUND',
  ),
  // Kafka: NOT_LEADER_OR_FOLLOWER, as it knows the replica's number from KRaft; here nobody replicates.
  bad('Fetch as a replica', fetch({ replicaId: 1 }), 'NONE TOPIC_AUTHORIZATION_FAILED'),
  bad('ListOffsets for no time', listOffsets(-7), 'UNSUPPORTED_VERSION'),
  bad('ListOffsets for -3 before version 7', listOffsets(-3, 6), 'UNSUPPORTED_VERSION'),
  bad(
    'ListOffsets in a newer epoch',
    listOffsets(-1, 7, { currentLeaderEpoch: 9 }),
    'UNKNOWN_LEADER_EPOCH',
  ),
  bad(
    'ListOffsets of partition -1',
    listOffsets(-1, 7, { partitionIndex: -1 }),
    'UNKNOWN_TOPIC_OR_PARTITION',
  ),
  beyond('ListOffsets for Long.MAX_VALUE', listOffsets(marker), 'NONE'),
  bad('DeleteRecords beyond the end', deleteRecords(1000), 'OFFSET_OUT_OF_RANGE'),
  bad('DeleteRecords before -2', deleteRecords(-2), 'OFFSET_OUT_OF_RANGE'),
  bad('DeleteRecords of no topic', deleteRecords(0, 'nowhere'), 'UNKNOWN_TOPIC_OR_PARTITION'),
  beyond('DeleteRecords before Long.MAX_VALUE', deleteRecords(marker), 'OFFSET_OUT_OF_RANGE'),
]

const topics: BadRequest[] = [
  bad('a topic without a name', create({ name: '' }), 'INVALID_TOPIC_EXCEPTION'),
  bad('a topic called ..', create({ name: '..' }), 'INVALID_TOPIC_EXCEPTION'),
  bad('a topic name with a space', create({ name: 'a b' }), 'INVALID_TOPIC_EXCEPTION'),
  bad('a topic name with a slash', create({ name: '../orders' }), 'INVALID_TOPIC_EXCEPTION'),
  bad('a topic name of 250 letters', create({ name: 'x'.repeat(250) }), 'INVALID_TOPIC_EXCEPTION'),
  bad('a topic that is there', create({ name: 'orders' }), 'TOPIC_ALREADY_EXISTS'),
  bad('the metadata topic', create({ name: '__cluster_metadata' }), 'INVALID_REQUEST'),
  bad('a topic twice in a request', create({}, {}), 'INVALID_REQUEST'),
  bad('a topic of 0 partitions', create({ numPartitions: 0 }), 'INVALID_PARTITIONS'),
  bad('a topic of -2 partitions', create({ numPartitions: -2 }), 'INVALID_PARTITIONS'),
  bad('a topic of 2^31 - 1 partitions', create({ numPartitions: 2 ** 31 - 1 }), 'POLICY_VIOLATION'),
  bad('replication factor 0', create({ replicationFactor: 0 }), 'INVALID_REPLICATION_FACTOR'),
  bad('replication factor 3', create({ replicationFactor: 3 }), 'INVALID_REPLICATION_FACTOR'),
  bad('a config that is none', withConfig('no.such.config', '1'), 'INVALID_CONFIG'),
  bad('a config of the wrong type', withConfig('retention.ms', 'soon'), 'INVALID_CONFIG'),
  bad('a config out of range', withConfig('segment.bytes', '1'), 'INVALID_CONFIG'),
  bad('a config that is no choice', withConfig('cleanup.policy', 'forget'), 'INVALID_CONFIG'),
  bad('a config without a value', withConfig('retention.ms', null), 'INVALID_CONFIG'),
  bad('a replica on no broker', assigned([99]), 'INVALID_REPLICA_ASSIGNMENT'),
  bad('two replicas on a broker', assigned([1, 1]), 'INVALID_REPLICA_ASSIGNMENT'),
  bad('no replica at all', assigned([]), 'INVALID_REPLICA_ASSIGNMENT'),
  bad(
    'replicas and a number of them',
    create({ assignments: [{ partitionIndex: 0, brokerIds: [1] }] }),
    'INVALID_REQUEST',
  ),
  bad(
    'fewer partitions than there are',
    [
      apis.createPartitions,
      3,
      {
        topics: [{ name: 'orders', count: 1, assignments: null }],
        timeoutMs: 1000,
        validateOnly: false,
      },
    ],
    'INVALID_PARTITIONS',
  ),
  bad(
    'the end of no topic',
    [apis.deleteTopics, 5, { topicNames: ['nowhere'], timeoutMs: 1000 }],
    'UNKNOWN_TOPIC_OR_PARTITION',
  ),
  bad(
    'the end of no topic id',
    [apis.deleteTopics, 6, { topics: [{ name: null, topicId: unknownId }], timeoutMs: 1000 }],
    'UNKNOWN_TOPIC_ID',
  ),
  bad(
    'the end of nothing',
    [apis.deleteTopics, 6, { topics: [{ name: null, topicId: zeroUuid }], timeoutMs: 1000 }],
    'INVALID_REQUEST',
  ),
  bad('Metadata of no legal name', metadata(9, { name: 'a b' }), 'INVALID_TOPIC_EXCEPTION NONE'),
  bad('Metadata by id before version 12', metadata(11, { name: null }), 'INVALID_REQUEST NONE'),
  bad('Metadata of no topic', metadata(9, { name: 'nowhere' }), 'UNKNOWN_TOPIC_OR_PARTITION NONE'),
  bad(
    'Metadata of no topic id',
    metadata(12, { name: null, topicId: unknownId }),
    'UNKNOWN_TOPIC_ID NONE',
  ),
  bad(
    'a page of partitions from partition -1 on',
    [
      apis.describeTopicPartitions,
      0,
      { topics: [{ name: 'orders' }], cursor: { topicName: 'orders', partitionIndex: -1 } },
    ],
    'INVALID_REQUEST',
  ),
  bad('a topic config that is none', alter('no.such.config', 0), 'INVALID_CONFIG'),
  // Kafka: UNKNOWN_SERVER_ERROR.
  bad('an operation on a config that is none', alter('retention.ms', 9), 'INVALID_REQUEST'),
  bad(
    'the configs of no topic',
    [
      apis.describeConfigs,
      4,
      { resources: [{ resourceType: 2, resourceName: 'nowhere', configurationKeys: null }] },
    ],
    'UNKNOWN_TOPIC_OR_PARTITION',
  ),
  bad(
    'the configs of no kind of resource',
    [
      apis.describeConfigs,
      4,
      { resources: [{ resourceType: 77, resourceName: 'x', configurationKeys: null }] },
    ],
    'INVALID_REQUEST',
  ),
]

const groups: BadRequest[] = [
  bad(
    'a coordinator of no kind',
    [apis.findCoordinator, 3, { key: 'g', keyType: 9 }],
    'INVALID_REQUEST',
  ),
  bad('JoinGroup without a group', join({ group: '' }), 'INVALID_GROUP_ID'),
  bad('JoinGroup with a session of 1 ms', join({ sessionTimeoutMs: 1 }), 'INVALID_SESSION_TIMEOUT'),
  bad('JoinGroup without a protocol', join({ protocols: [] }), 'INCONSISTENT_GROUP_PROTOCOL'),
  bad('JoinGroup as a member that is none', join({ memberId: 'ghost' }), 'UNKNOWN_MEMBER_ID'),
  bad(
    'SyncGroup of no group',
    [apis.syncGroup, 4, { ...member, assignments: [] }],
    'UNKNOWN_MEMBER_ID',
  ),
  bad('Heartbeat to no group', [apis.heartbeat, 4, member], 'UNKNOWN_MEMBER_ID'),
  bad(
    'LeaveGroup of no group',
    [apis.leaveGroup, 4, { groupId: 'nobody', members: [{ memberId: 'ghost' }] }],
    'NONE UNKNOWN_MEMBER_ID',
  ),
  bad('OffsetCommit for no topic', commit({ topic: 'nowhere' }), 'UNKNOWN_TOPIC_OR_PARTITION'),
  bad(
    'OffsetCommit with 5,000 letters',
    commit({ metadata: 'x'.repeat(5000) }),
    'OFFSET_METADATA_TOO_LARGE',
  ),
  // Kafka keeps it. No number of ours does, so it is refused rather than altered.
  beyond(
    'OffsetCommit of Long.MAX_VALUE',
    commit({ offset: marker }),
    'INVALID_COMMIT_OFFSET_SIZE',
  ),
]

const others: BadRequest[] = [
  bad(
    'SaslHandshake without SASL',
    [apis.saslHandshake, 1, { mechanism: 'PLAIN' }],
    'ILLEGAL_SASL_STATE',
  ),
  bad(
    'SaslAuthenticate without SASL',
    [apis.saslAuthenticate, 2, { authBytes: Buffer.from('x') }],
    'ILLEGAL_SASL_STATE',
  ),
  bad(
    'ApiVersions from a nameless client',
    [apis.apiVersions, 3, { clientSoftwareName: '-bad-', clientSoftwareVersion: '1' }],
    'INVALID_REQUEST',
  ),
  bad(
    'InitProducerId with an empty transactional id',
    [apis.initProducerId, 4, { transactionalId: '', transactionTimeoutMs: 1000 }],
    'INVALID_REQUEST',
  ),
  bad(
    'InitProducerId with an id alone',
    [apis.initProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1000, producerId: 5 }],
    'INVALID_REQUEST',
  ),
  // Transactions are not there yet: refused at once with a final code.
  bad(
    'InitProducerId for a transaction',
    [apis.initProducerId, 4, { transactionalId: 't', transactionTimeoutMs: 1000 }],
    'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  ),
  bad(
    'OffsetForLeaderEpoch of no topic',
    [
      apis.offsetForLeaderEpoch,
      4,
      {
        replicaId: -1,
        topics: [
          {
            topic: 'nowhere',
            partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 }],
          },
        ],
      },
    ],
    'UNKNOWN_TOPIC_OR_PARTITION',
  ),
]

export const badRequests: readonly BadRequest[] = [
  ...produces,
  ...reads,
  ...topics,
  ...groups,
  ...others,
]
