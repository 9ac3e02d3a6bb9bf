// JoinGroup, SyncGroup, Heartbeat and LeaveGroup together, in each version that clients combine.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { groupConfig } from '../requests.ts'
import { TestBroker, type TestClient } from '../test-broker.ts'

let server: TestBroker
let client: TestClient

beforeAll(async () => {
  server = await TestBroker.start({ config: groupConfig })
  client = await server.connect()
  await client.send(apis.findCoordinator, 4, { coordinatorKeys: ['any'] })
})
afterAll(() => server.close())

const protocol = { protocolType: 'consumer', protocolName: 'range' }

function join(version: number, groupId: string, memberId: string, instance: string | null = null) {
  return client.send(apis.joinGroup, version, {
    groupId,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId,
    ...(version >= 5 && { groupInstanceId: instance }),
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('topics') }],
  })
}

test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])('JoinGroup v%i and what follows', async (version) => {
  const groupId = `group-${version}`
  const first = await join(version, groupId, '')
  const given = first.errorCode === errors.MEMBER_ID_REQUIRED
  expect(given).toBe(version >= 4)
  const joined = given ? await join(version, groupId, first.memberId) : first
  expect(joined).toMatchObject({
    errorCode: errors.NONE,
    generationId: 1,
    protocolName: 'range',
    protocolType: version >= 7 ? 'consumer' : null,
    leader: joined.memberId,
  })
  expect(joined.memberId).toMatch(/^test-/)
  expect(joined.members).toHaveLength(1)
  expect(joined.members[0].metadata.toString()).toBe('topics')
  const { memberId } = joined

  const syncVersion = Math.min(version, 5)
  const synced = await client.send(apis.syncGroup, syncVersion, {
    groupId,
    generationId: 1,
    memberId,
    ...(syncVersion >= 5 && protocol),
    assignments: [{ memberId, assignment: Buffer.from('all of it') }],
  })
  expect(synced.errorCode).toBe(errors.NONE)
  expect(synced.assignment.toString()).toBe('all of it')
  expect(synced.protocolName).toBe(syncVersion >= 5 ? 'range' : null)

  const beat = (generationId: number) =>
    client.send(apis.heartbeat, Math.min(version, 4), { groupId, generationId, memberId })
  expect((await beat(1)).errorCode).toBe(errors.NONE)
  expect((await beat(0)).errorCode).toBe(errors.ILLEGAL_GENERATION)

  const leaveVersion = Math.min(version, 5)
  const leave = () =>
    client.send(
      apis.leaveGroup,
      leaveVersion,
      leaveVersion >= 3 ? { groupId, members: [{ memberId }] } : { groupId, memberId },
    )
  const left = await leave()
  expect(left.errorCode).toBe(errors.NONE)
  const again = await leave()
  if (leaveVersion >= 3) {
    expect(left.members).toMatchObject([{ memberId, errorCode: errors.NONE }])
    expect(again.members).toMatchObject([{ memberId, errorCode: errors.UNKNOWN_MEMBER_ID }])
  } else {
    expect(again.errorCode).toBe(errors.UNKNOWN_MEMBER_ID)
  }
  expect((await beat(1)).errorCode).toBe(errors.UNKNOWN_MEMBER_ID)
})

test.each([0, 4, 6, 7, 9])('JoinGroup v%i says its errors', async (version) => {
  const answer = await join(version, '', '')
  expect(answer).toMatchObject({
    errorCode: errors.INVALID_GROUP_ID,
    generationId: -1,
    protocolName: version >= 7 ? null : '',
    members: [],
  })
  expect((await join(version, 'unknown', 'somebody')).errorCode).toBe(errors.UNKNOWN_MEMBER_ID)
})

test('a SyncGroup that does not say which protocol it follows is refused', async () => {
  for (const given of [{}, { protocolType: 'consumer' }, { protocolName: 'range' }]) {
    const { errorCode } = await client.send(apis.syncGroup, 5, {
      groupId: 'group',
      generationId: 1,
      memberId: 'member',
      assignments: [],
      ...given,
    })
    expect(errorCode).toBe(errors.INCONSISTENT_GROUP_PROTOCOL)
  }
})

test('a restarted static member goes on without a rebalance, its other self is fenced', async () => {
  const groupId = 'static'
  const joined = await join(9, groupId, '', 'one')
  const { memberId } = joined
  await client.send(apis.syncGroup, 5, {
    groupId,
    generationId: 1,
    memberId,
    groupInstanceId: 'one',
    ...protocol,
    assignments: [{ memberId, assignment: Buffer.from('p0') }],
  })
  const back = await join(9, groupId, '', 'one')
  expect(back).toMatchObject({ errorCode: 0, generationId: 1, skipAssignment: true })
  expect(back.memberId).not.toBe(memberId)
  const beat = await client.send(apis.heartbeat, 4, {
    groupId,
    generationId: 1,
    memberId,
    groupInstanceId: 'one',
  })
  expect(beat.errorCode).toBe(errors.FENCED_INSTANCE_ID)
  // An administrator removes it by its instance.
  const left = await client.send(apis.leaveGroup, 5, {
    groupId,
    members: [{ memberId: '', groupInstanceId: 'one', reason: 'retired' }],
  })
  expect(left.members).toMatchObject([{ groupInstanceId: 'one', errorCode: 0 }])
})

test('bytes that a member sent stay what they were when the connection goes on', async () => {
  const groupId = 'bytes'
  const { memberId } = await join(9, groupId, '')
  const joining = join(9, groupId, memberId)
  // More requests on the same connection: whatever buffer the first one lay in is used again.
  const noise = Array.from({ length: 50 }, (_, i) =>
    client.send(apis.heartbeat, 4, {
      groupId: `x${i}`,
      generationId: 1,
      memberId: 'y'.repeat(500),
    }),
  )
  await Promise.all(noise)
  const joined = await joining
  expect(joined.members[0].metadata.toString()).toBe('topics')
  const described = await client.send(apis.describeGroups, 5, { groups: [groupId] })
  expect(described.groups[0]).toMatchObject({ groupState: 'CompletingRebalance' })
})
