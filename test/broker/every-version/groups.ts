// Groups and their offsets at every version.

import { apis } from '@sluice/protocol/apis'
import { zeroUuid } from '@sluice/protocol/schema'
import { expect } from 'vitest'
import { type Check, check, errorsIn, type Ground, type Topic, unknownId } from './ground.ts'

const nowhere: Topic = { name: 'nowhere', id: unknownId }

const findCoordinator = check(apis.findCoordinator, [0, 6], async (ground, version) => {
  const several = version >= 4
  const ask = (keyType: number) =>
    ground.client.send(apis.findCoordinator, version, {
      ...(several ? { coordinatorKeys: ['a', 'b'] } : { key: 'a' }),
      ...(version >= 1 && { keyType }),
    })
  const here = { errorCode: 0, nodeId: 1, host: 'broker', port: 9092 }
  const answer = await ask(0)
  if (several) expect(answer.coordinators).toMatchObject([{ key: 'a', ...here }, { key: 'b' }])
  else expect(answer).toMatchObject(here)
  if (version === 0) return
  expect(new Set(errorsIn(several ? (await ask(9)).coordinators : await ask(9)))).toEqual(
    new Set(['INVALID_REQUEST']),
  )
})

const offsetCommit = check(apis.offsetCommit, [2, 10], async (ground, version) => {
  const topic = await ground.topic()
  const byId = version >= 10
  const groupId = ground.fresh('group')
  const commit = ({ name, id }: Topic, given: { generation?: number; memberId?: string } = {}) => {
    const offset = { committedOffset: version, committedMetadata: 'note' }
    const partitions = [{ partitionIndex: 0, ...offset }]
    return ground.client.send(apis.offsetCommit, version, {
      groupId,
      generationIdOrMemberEpoch: given.generation ?? -1,
      memberId: given.memberId ?? '',
      topics: [{ ...(byId ? { topicId: id } : { name }), partitions }],
    })
  }
  const { topics } = await commit(topic)
  expect(topics).toMatchObject([
    {
      name: byId ? '' : topic.name,
      topicId: byId ? topic.id : zeroUuid,
      partitions: [{ partitionIndex: 0, errorCode: 0 }],
    },
  ])
  expect(await ground.offsetOf(groupId, topic)).toBe(version)
  expect(errorsIn(await commit(nowhere))).toEqual([
    byId ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION',
  ])
  const ghost = { generation: 3, memberId: 'ghost' }
  expect(errorsIn(await commit(topic, ghost))).toEqual(['UNKNOWN_MEMBER_ID'])
})

const offsetFetch = check(apis.offsetFetch, [1, 10], async (ground, version) => {
  const topic = await ground.topic()
  const groupId = await ground.committed(topic)
  const found = { partitionIndex: 0, committedOffset: 7, metadata: 'note', errorCode: 0 }
  const nothing = { partitionIndex: 1, committedOffset: -1, metadata: '', errorCode: 0 }
  const partitionIndexes = [0, 1]
  if (version >= 8) {
    const named = version >= 10 ? { topicId: topic.id } : { name: topic.name }
    const { groups } = await ground.client.send(apis.offsetFetch, version, {
      groups: [
        { groupId, topics: [{ ...named, partitionIndexes }] },
        { groupId, topics: null },
      ],
    })
    const [some, all] = groups
    const partitions = [{ ...found, committedLeaderEpoch: 0 }, nothing]
    expect(some).toMatchObject({ groupId, errorCode: 0, topics: [{ ...named, partitions }] })
    expect(all).toMatchObject({ groupId, topics: [{ ...named, partitions: [found] }] })
    if (version < 10) return
    const unknown = await ground.client.send(apis.offsetFetch, version, {
      groups: [{ groupId, topics: [{ topicId: unknownId, partitionIndexes: [0] }] }],
    })
    expect(errorsIn(unknown.groups[0].topics)).toEqual(['UNKNOWN_TOPIC_ID'])
    return
  }
  const ask = (topics: { name: string; partitionIndexes: number[] }[] | null) =>
    ground.client.send(apis.offsetFetch, version, { groupId, topics })
  const { topics } = await ask([{ name: topic.name, partitionIndexes }])
  const committedLeaderEpoch = version >= 5 ? 0 : -1
  expect(topics).toMatchObject([
    { name: topic.name, partitions: [{ ...found, committedLeaderEpoch }, nothing] },
  ])
  if (version === 1) return
  expect((await ask(null)).topics).toMatchObject([{ name: topic.name, partitions: [found] }])
})

function join(ground: Ground, version: number, groupId: string, memberId: string) {
  return ground.client.send(apis.joinGroup, version, {
    groupId,
    sessionTimeoutMs: 60_000,
    rebalanceTimeoutMs: 60_000,
    memberId,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('wishes') }],
  })
}

const joinGroup = check(apis.joinGroup, [0, 9], async (ground, version) => {
  const groupId = ground.fresh('group')
  const first = await join(ground, version, groupId, '')
  // KIP-394: from version 4 on a member comes back with the id that it was given.
  expect(errorsIn(first)).toEqual([version >= 4 ? 'MEMBER_ID_REQUIRED' : 'NONE'])
  const joined = version >= 4 ? await join(ground, version, groupId, first.memberId) : first
  expect(joined).toMatchObject({
    errorCode: 0,
    generationId: 1,
    protocolType: version >= 7 ? 'consumer' : null,
    protocolName: 'range',
    leader: joined.memberId,
    skipAssignment: false,
    members: [{ memberId: joined.memberId, metadata: Buffer.from('wishes') }],
  })
  expect(errorsIn(await join(ground, version, groupId, 'ghost'))).toEqual(['UNKNOWN_MEMBER_ID'])
  expect(errorsIn(await join(ground, version, '', ''))).toEqual(['INVALID_GROUP_ID'])
})

const syncGroup = check(apis.syncGroup, [0, 5], async (ground, version) => {
  const groupId = ground.fresh('group')
  const { memberId, generationId } = await join(ground, 3, groupId, '')
  const sync = (given: { generationId: number; protocolName?: string }) =>
    ground.client.send(apis.syncGroup, version, {
      groupId,
      memberId,
      generationId: given.generationId,
      ...(version >= 5 && {
        protocolType: 'consumer',
        protocolName: given.protocolName ?? 'range',
      }),
      assignments: [{ memberId, assignment: Buffer.from('all of it') }],
    })
  expect(errorsIn(await sync({ generationId: generationId + 1 }))).toEqual(['ILLEGAL_GENERATION'])
  const other = await sync({ generationId, protocolName: 'sticky' })
  expect(errorsIn(other)).toEqual([version >= 5 ? 'INCONSISTENT_GROUP_PROTOCOL' : 'NONE'])
  expect(await sync({ generationId })).toMatchObject({
    errorCode: 0,
    protocolType: version >= 5 ? 'consumer' : null,
    protocolName: version >= 5 ? 'range' : null,
    assignment: Buffer.from('all of it'),
  })
})

const heartbeat = check(apis.heartbeat, [0, 4], async (ground, version) => {
  const member = await ground.member()
  const beat = async (given: object = {}) =>
    errorsIn(await ground.client.send(apis.heartbeat, version, { ...member, ...given }))
  expect(await beat()).toEqual(['NONE'])
  expect(await beat({ generationId: 9 })).toEqual(['ILLEGAL_GENERATION'])
  expect(await beat({ memberId: 'ghost' })).toEqual(['UNKNOWN_MEMBER_ID'])
  if (version < 3) return
  expect(await beat({ groupInstanceId: 'nobody' })).toEqual(['UNKNOWN_MEMBER_ID'])
})

const leaveGroup = check(apis.leaveGroup, [0, 5], async (ground, version) => {
  const { groupId, memberId } = await ground.member()
  const leave = () =>
    ground.client.send(apis.leaveGroup, version, {
      groupId,
      ...(version >= 3 ? { members: [{ memberId }] } : { memberId }),
    })
  // From version 3 on each of the members has a code of its own.
  const outcome = (code: string) => (version >= 3 ? ['NONE', code] : [code])
  expect(errorsIn(await leave())).toEqual(outcome('NONE'))
  const { groups } = await ground.client.send(apis.describeGroups, 5, { groups: [groupId] })
  expect(groups).toMatchObject([{ groupState: 'Empty', members: [] }])
  expect(errorsIn(await leave())).toEqual(outcome('UNKNOWN_MEMBER_ID'))
})

const describeGroups = check(apis.describeGroups, [0, 6], async (ground, version) => {
  const { groupId, memberId } = await ground.member()
  const { groups } = await ground.client.send(apis.describeGroups, version, {
    groups: [groupId, 'nobody'],
    ...(version >= 3 && { includeAuthorizedOperations: true }),
  })
  const member = { memberId, clientId: 'test', clientHost: '/broker', groupInstanceId: null }
  const memberAssignment = Buffer.from('all of it')
  expect(groups[0]).toMatchObject({
    groupId,
    errorCode: 0,
    groupState: 'Stable',
    protocolType: 'consumer',
    protocolData: 'range',
    members: [{ ...member, memberMetadata: Buffer.from('wishes'), memberAssignment }],
  })
  // READ, DELETE, DESCRIBE and the configs
  if (version >= 3) expect(groups[0].authorizedOperations).toBe(0b1101_0100_1000)
  expect(groups[1]).toMatchObject({ groupId: 'nobody', groupState: 'Dead', members: [] })
  expect(errorsIn(groups[1])).toEqual([version >= 6 ? 'GROUP_ID_NOT_FOUND' : 'NONE'])
})

const listGroups = check(apis.listGroups, [0, 5], async (ground, version) => {
  const { groupId } = await ground.member()
  const empty = await ground.committed(await ground.topic())
  const list = async (filter: { statesFilter?: string[]; typesFilter?: string[] } = {}) =>
    (await ground.client.send(apis.listGroups, version, filter)).groups
  const all = await list()
  expect(all).toContainEqual(
    expect.objectContaining({
      groupId,
      protocolType: 'consumer',
      groupState: version >= 4 ? 'Stable' : '',
      groupType: version >= 5 ? 'classic' : '',
    }),
  )
  expect(all).toContainEqual(expect.objectContaining({ groupId: empty, protocolType: '' }))
  if (version < 4) return
  const stable = (await list({ statesFilter: ['Stable'] })).map((one) => one.groupId)
  expect([stable.includes(groupId), stable.includes(empty)]).toEqual([true, false])
  if (version < 5) return
  expect(await list({ typesFilter: ['share'] })).toEqual([])
})

const deleteGroups = check(apis.deleteGroups, [0, 3], async (ground, version) => {
  const topic = await ground.topic()
  const empty = await ground.committed(topic)
  const { groupId: busy } = await ground.member()
  const answer = await ground.client.send(apis.deleteGroups, version, {
    groupsNames: [empty, busy, 'nobody'],
  })
  expect(answer.results.map(({ groupId }) => groupId)).toEqual([empty, busy, 'nobody'])
  expect(errorsIn(answer)).toEqual(['NONE', 'NON_EMPTY_GROUP', 'GROUP_ID_NOT_FOUND'])
  const says = version >= 3 ? expect.any(String) : null
  expect(answer.results.map(({ errorMessage }) => errorMessage)).toEqual([null, says, says])
  expect(await ground.offsetOf(empty, topic)).toBe(-1)
})

const offsetDelete = check(apis.offsetDelete, [0, 0], async (ground, version) => {
  const topic = await ground.topic()
  const groupId = await ground.committed(topic)
  const remove = async (group: string, name: string) =>
    errorsIn(
      await ground.client.send(apis.offsetDelete, version, {
        groupId: group,
        topics: [{ name, partitions: [{ partitionIndex: 0 }] }],
      }),
    )
  expect(await remove(groupId, 'nowhere')).toEqual(['NONE', 'UNKNOWN_TOPIC_OR_PARTITION'])
  expect(await remove(groupId, topic.name)).toEqual(['NONE', 'NONE'])
  expect(await ground.offsetOf(groupId, topic)).toBe(-1)
  expect(await remove('nobody', topic.name)).toEqual(['GROUP_ID_NOT_FOUND'])
})

export const groupChecks: readonly Check[] = [
  findCoordinator,
  offsetCommit,
  offsetFetch,
  joinGroup,
  syncGroup,
  heartbeat,
  leaveGroup,
  describeGroups,
  listGroups,
  deleteGroups,
  offsetDelete,
]
