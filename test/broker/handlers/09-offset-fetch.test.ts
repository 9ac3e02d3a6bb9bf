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
  server = await TestBroker.start({ config: groupConfig })
  client = await server.connect()
  topicId = await server.createTopic('orders', { partitions: 3 })
  await client.send(apis.findCoordinator, 4, { coordinatorKeys: ['readers', 'others'] })
  for (const [groupId, offset] of [
    ['readers', 10],
    ['others', 20],
  ] as const) {
    await client.send(apis.offsetCommit, 8, {
      groupId,
      memberId: '',
      topics: [
        {
          name: 'orders',
          partitions: [0, 1].map((partitionIndex) => ({
            partitionIndex,
            committedOffset: offset + partitionIndex,
            committedLeaderEpoch: 3,
            committedMetadata: 'note',
          })),
        },
      ],
    })
  }
})
afterAll(() => server.close())

const none = { committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: 0 }

test.each([1, 2, 3, 4, 5, 6, 7])('v%i: partitions of one group', async (version) => {
  const answer = await client.send(apis.offsetFetch, version, {
    groupId: 'readers',
    topics: [{ name: 'orders', partitionIndexes: [1, 2] }],
  })
  expect(answer.errorCode).toBe(errors.NONE)
  expect(answer.topics).toMatchObject([
    {
      name: 'orders',
      partitions: [
        {
          partitionIndex: 1,
          committedOffset: 11,
          committedLeaderEpoch: version >= 5 ? 3 : -1,
          metadata: 'note',
          errorCode: 0,
        },
        { partitionIndex: 2, ...none },
      ],
    },
  ])
})

test.each([2, 3, 4, 5, 6, 7])('v%i: null asks for everything', async (version) => {
  const answer = await client.send(apis.offsetFetch, version, { groupId: 'readers', topics: null })
  expect(answer.topics).toHaveLength(1)
  expect(answer.topics[0].partitions.map(({ committedOffset }) => committedOffset)).toEqual([
    10, 11,
  ])
})

test.each([8, 9, 10])('v%i: several groups, all topics or some', async (version) => {
  const named = version >= 10 ? { topicId } : { name: 'orders', topicId: zeroUuid }
  const answer = await client.send(apis.offsetFetch, version, {
    groups: [
      { groupId: 'readers', topics: null },
      { groupId: 'others', topics: [{ ...named, partitionIndexes: [0, 2] }] },
      { groupId: 'nobody', topics: [{ ...named, partitionIndexes: [0] }] },
    ],
    requireStable: true,
  })
  expect(answer.groups).toMatchObject([
    { groupId: 'readers', errorCode: 0, topics: [{ ...named, partitions: [{}, {}] }] },
    {
      groupId: 'others',
      topics: [
        {
          ...named,
          partitions: [
            { partitionIndex: 0, committedOffset: 20, committedLeaderEpoch: 3, metadata: 'note' },
            { partitionIndex: 2, ...none },
          ],
        },
      ],
    },
    { groupId: 'nobody', topics: [{ partitions: [{ partitionIndex: 0, ...none }] }] },
  ])
})

test('v10: a topic id that nobody knows', async () => {
  const answer = await client.send(apis.offsetFetch, 10, {
    groups: [
      {
        groupId: 'readers',
        topics: [{ topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partitionIndexes: [0] }],
      },
    ],
  })
  expect(answer.groups[0].topics[0].partitions).toMatchObject([
    { ...none, partitionIndex: 0, errorCode: errors.UNKNOWN_TOPIC_ID },
  ])
})

test('a new topic of an old name has no committed offsets (KIP-516)', async () => {
  await server.createTopic('again')
  await client.send(apis.offsetCommit, 8, {
    groupId: 'readers',
    memberId: '',
    topics: [
      {
        name: 'again',
        partitions: [{ partitionIndex: 0, committedOffset: 7, committedMetadata: '' }],
      },
    ],
  })
  const fetchAgain = async () => {
    const answer = await client.send(apis.offsetFetch, 7, {
      groupId: 'readers',
      topics: [{ name: 'again', partitionIndexes: [0] }],
    })
    return answer.topics[0].partitions[0].committedOffset
  }
  expect(await fetchAgain()).toBe(7)
  await client.send(apis.deleteTopics, 6, {
    topics: [{ name: 'again', topicId: zeroUuid }],
    timeoutMs: 5000,
  })
  await server.createTopic('again')
  expect(await fetchAgain()).toBe(-1)
})

test.each([1, 2, 7, 8, 10])('v%i: by a broker that does not coordinate', async (version) => {
  const other = await TestBroker.start({ config: groupConfig })
  try {
    const stranger = await other.connect()
    await other.createTopic('orders')
    const topics = [{ name: 'orders', partitionIndexes: [0] }]
    const answer = await stranger.send(
      apis.offsetFetch,
      version,
      version >= 8
        ? { groups: [{ groupId: 'readers', topics: null }] }
        : { groupId: 'readers', topics },
    )
    if (version >= 8) expect(answer.groups[0].errorCode).toBe(errors.NOT_COORDINATOR)
    else if (version >= 2) expect(answer.errorCode).toBe(errors.NOT_COORDINATOR)
    else expect(answer.topics[0].partitions[0].errorCode).toBe(errors.NOT_COORDINATOR)
  } finally {
    await other.close()
  }
})
