// DescribeGroups, ListGroups, DeleteGroups and OffsetDelete: what tools see of groups and do to them.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { groupConfig } from '../requests.ts'
import { TestBroker, type TestClient } from '../test-broker.ts'

let server: TestBroker
let client: TestClient
let memberId: string

beforeAll(async () => {
  server = await TestBroker.start({ config: groupConfig })
  client = await server.connect()
  await server.createTopic('orders', { partitions: 2 })
  await client.send(apis.findCoordinator, 4, { coordinatorKeys: ['readers'] })
  memberId = await stableMember('readers')
  await commit('simple')
})
afterAll(() => server.close())

async function stableMember(groupId: string): Promise<string> {
  const joined = await client.send(apis.joinGroup, 3, {
    groupId,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId: '',
    protocolType: 'consumer',
    // ConsumerProtocolSubscription v0: ["orders"], no user data
    protocols: [
      {
        name: 'range',
        metadata: Buffer.from(`0000000000010006${hex('orders')}ffffffff`, 'hex'),
      },
    ],
  })
  await client.send(apis.syncGroup, 3, {
    groupId,
    generationId: joined.generationId,
    memberId: joined.memberId,
    assignments: [{ memberId: joined.memberId, assignment: Buffer.from('all') }],
  })
  return joined.memberId
}

function hex(text: string): string {
  return Buffer.from(text).toString('hex')
}

function commit(groupId: string) {
  return client.send(apis.offsetCommit, 8, {
    groupId,
    memberId: '',
    topics: [
      {
        name: 'orders',
        partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }],
      },
    ],
  })
}

describe('DescribeGroups', () => {
  test.each([0, 1, 2, 3, 4, 5, 6])('v%i', async (version) => {
    const answer = await client.send(apis.describeGroups, version, {
      groups: ['readers', 'simple', 'nobody'],
      ...(version >= 3 && { includeAuthorizedOperations: true }),
    })
    const [readers, simple, nobody] = answer.groups
    expect(readers).toMatchObject({
      errorCode: 0,
      groupState: 'Stable',
      protocolType: 'consumer',
      protocolData: 'range',
      members: [{ memberId, clientId: 'test', clientHost: '/broker', groupInstanceId: null }],
    })
    expect(readers.members[0].memberAssignment.toString()).toBe('all')
    expect(simple).toMatchObject({ errorCode: 0, groupState: 'Empty', protocolType: '' })
    expect(nobody).toMatchObject({
      errorCode: version >= 6 ? errors.GROUP_ID_NOT_FOUND : errors.NONE,
      groupState: 'Dead',
    })
    // READ, DELETE, DESCRIBE and the configs
    if (version >= 3) expect(readers.authorizedOperations).toBe(0b1101_0100_1000)
  })
})

describe('ListGroups', () => {
  test.each([0, 1, 2, 3, 4, 5])('v%i', async (version) => {
    const answer = await client.send(apis.listGroups, version, {})
    const groups = answer.groups.toSorted((a, b) => a.groupId.localeCompare(b.groupId))
    expect(groups).toMatchObject([
      {
        groupId: 'readers',
        protocolType: 'consumer',
        groupState: version >= 4 ? 'Stable' : '',
        groupType: version >= 5 ? 'classic' : '',
      },
      { groupId: 'simple', protocolType: '' },
    ])
  })

  test('by state and by type', async () => {
    const ids = async (filter: { statesFilter?: string[]; typesFilter?: string[] }) => {
      const answer = await client.send(apis.listGroups, 5, filter)
      return answer.groups.map(({ groupId }) => groupId)
    }
    expect(await ids({ statesFilter: ['stable'] })).toEqual(['readers'])
    expect(await ids({ statesFilter: ['Empty'], typesFilter: ['classic'] })).toEqual(['simple'])
    expect(await ids({ typesFilter: ['consumer', 'share'] })).toEqual([])
  })
})

describe('OffsetDelete', () => {
  const remove = async (groupId: string, name: string, partitionIndex = 0) => {
    const topics = [{ name, partitions: [{ partitionIndex }] }]
    return await client.send(apis.offsetDelete, 0, { groupId, topics })
  }

  test('spares topics that the group reads', async () => {
    const answer = await remove('readers', 'orders')
    expect(answer.errorCode).toBe(errors.NONE)
    expect(answer.topics[0].partitions[0].errorCode).toBe(errors.GROUP_SUBSCRIBED_TO_TOPIC)
  })

  test('takes back what nobody reads', async () => {
    await commit('deleting')
    const answer = await remove('deleting', 'orders')
    expect(answer.topics[0].partitions[0].errorCode).toBe(errors.NONE)
    const fetched = await client.send(apis.offsetFetch, 7, { groupId: 'deleting', topics: null })
    expect(fetched.topics).toEqual([])
  })

  test('knows neither group nor topic', async () => {
    expect((await remove('nobody', 'orders')).errorCode).toBe(errors.GROUP_ID_NOT_FOUND)
    expect((await remove('', 'orders')).errorCode).toBe(errors.INVALID_GROUP_ID)
    const ofTopic = await remove('simple', 'nothing')
    expect(ofTopic.topics[0].partitions[0].errorCode).toBe(errors.UNKNOWN_TOPIC_OR_PARTITION)
    const ofPartition = await remove('simple', 'orders', 99)
    expect(ofPartition.topics[0].partitions[0].errorCode).toBe(errors.UNKNOWN_TOPIC_OR_PARTITION)
  })
})

describe('DeleteGroups', () => {
  test.each([0, 1, 2, 3])('v%i', async (version) => {
    await commit('doomed')
    // One that is named twice is deleted, and answered, once.
    const groupsNames = ['doomed', 'readers', 'nobody', 'doomed']
    const answer = await client.send(apis.deleteGroups, version, { groupsNames })
    expect(answer.results).toMatchObject([
      { groupId: 'doomed', errorCode: errors.NONE },
      { groupId: 'readers', errorCode: errors.NON_EMPTY_GROUP },
      { groupId: 'nobody', errorCode: errors.GROUP_ID_NOT_FOUND },
    ])
    if (version >= 3) expect(answer.results[1].errorMessage).toBeTruthy()
    const fetched = await client.send(apis.offsetFetch, 7, { groupId: 'doomed', topics: null })
    expect(fetched.topics).toEqual([])
  })
})
