import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { zeroUuid } from '@sluice/protocol/schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { groupConfig } from '../requests.ts'
import { TestBroker, type TestClient } from '../test-broker.ts'

let server: TestBroker
let client: TestClient
let topicId: string

beforeAll(async () => {
  server = await TestBroker.start({ config: { ...groupConfig, 'offset.metadata.max.bytes': '10' } })
  client = await server.connect()
  topicId = await server.createTopic('orders', { partitions: 2 })
  await client.send(apis.findCoordinator, 4, { coordinatorKeys: ['readers'] })
})
afterAll(() => server.close())

const versions = [2, 3, 4, 5, 6, 7, 8, 9, 10]

function commit(
  version: number,
  more: {
    groupId?: string
    generation?: number
    memberId?: string
    name?: string
    id?: string
    partitions?: { index: number; offset: number; metadata?: string | null }[]
  } = {},
) {
  const partitions = more.partitions ?? [{ index: 0, offset: version }]
  return client.send(apis.offsetCommit, version, {
    groupId: more.groupId ?? 'readers',
    generationIdOrMemberEpoch: more.generation ?? -1,
    memberId: more.memberId ?? '',
    topics: [
      {
        name: more.name ?? 'orders',
        topicId: more.id ?? (version >= 10 ? topicId : zeroUuid),
        partitions: partitions.map(({ index, offset, metadata = null }) => ({
          partitionIndex: index,
          committedOffset: offset,
          committedMetadata: metadata,
        })),
      },
    ],
  })
}

async function fetchOne(groupId = 'readers', index = 0) {
  const fetched = await client.send(apis.offsetFetch, 8, {
    groups: [{ groupId, topics: [{ name: 'orders', partitionIndexes: [index] }] }],
  })
  return fetched.groups[0].topics[0].partitions[0]
}

test.each(versions)('v%i commits', async (version) => {
  const answer = await commit(version)
  expect(answer.topics).toHaveLength(1)
  expect(answer.topics[0].partitions).toEqual([{ partitionIndex: 0, errorCode: errors.NONE }])
  expect(version >= 10 ? answer.topics[0].topicId : answer.topics[0].name).toBe(
    version >= 10 ? topicId : 'orders',
  )
  expect(await fetchOne()).toMatchObject({ committedOffset: version, metadata: '' })
})

test.each(versions)('v%i: each partition has its own error', async (version) => {
  const answer = await commit(version, {
    partitions: [
      { index: 0, offset: 100 + version, metadata: 'is short' },
      { index: 1, offset: 1, metadata: 'is much too long' },
      { index: 2, offset: 1 },
      { index: -1, offset: 1 },
    ],
  })
  expect(answer.topics[0].partitions.map(({ errorCode }) => errorCode)).toEqual([
    errors.NONE,
    errors.OFFSET_METADATA_TOO_LARGE,
    errors.UNKNOWN_TOPIC_OR_PARTITION,
    errors.UNKNOWN_TOPIC_OR_PARTITION,
  ])
  expect(await fetchOne()).toMatchObject({ committedOffset: 100 + version, metadata: 'is short' })
})

test.each(versions)('v%i: a topic that is not there', async (version) => {
  const answer = await commit(version, { name: 'nothing', id: 'AAAAAAAAAAAAAAAAAAAAAQ' })
  expect(answer.topics[0].partitions[0].errorCode).toBe(
    version >= 10 ? errors.UNKNOWN_TOPIC_ID : errors.UNKNOWN_TOPIC_OR_PARTITION,
  )
})

test.each(versions)('v%i: a member of no group', async (version) => {
  const answer = await commit(version, { groupId: 'nobody', generation: 1, memberId: 'm' })
  expect(answer.topics[0].partitions[0].errorCode).toBe(
    version >= 9 ? errors.GROUP_ID_NOT_FOUND : errors.ILLEGAL_GENERATION,
  )
})

test('a retention of the request’s own is kept with the offset', async () => {
  await client.send(apis.offsetCommit, 4, {
    groupId: 'short',
    memberId: '',
    retentionTimeMs: 1,
    topics: [
      {
        name: 'orders',
        partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: '' }],
      },
    ],
  })
  const view = await server.broker.groups.fetchOffsets('short', { stable: true })
  const committed = typeof view === 'number' ? undefined : view.get('orders', 0)
  expect(committed?.expireTimestampMs).toBe((committed?.commitTimestampMs ?? 0) + 1)
})
