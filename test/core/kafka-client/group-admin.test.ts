import { GroupAdmin } from '@sluice/core/kafka-client/group-admin'
import { GroupConsumer } from '@sluice/core/kafka-client/group-consumer'
import { commitOffsets } from '@sluice/core/kafka-client/group-offsets'
import { Producer } from '@sluice/core/kafka-client/producer'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { describe, expect, test } from 'vitest'
import { Cluster, scripted } from './cluster.ts'

async function withRecords(counts: readonly number[]): Promise<Cluster> {
  const cluster = await Cluster.start()
  await cluster.createTopic('topic', counts.length)
  const producer = new Producer(cluster.client, { lingerMs: 0 })
  for (const [partition, count] of counts.entries()) {
    for (let index = 0; index < count; index++) {
      await producer.send('topic', [{ key: null, value: null, partition }])
    }
  }
  return cluster
}

/** A broker that coordinates every group, and answers as it is told. */
async function scriptedCoordinator() {
  const { broker, client } = await scripted()
  const { host, port } = broker.address
  const found = { errorCode: 0, errorMessage: null, nodeId: 1, host, port }
  broker.on(apis.findCoordinator, ({ coordinatorKeys }) => ({
    coordinators: coordinatorKeys.map((key) => ({ key, ...found })),
  }))
  return { broker, client }
}

async function joined(cluster: Cluster, options: { topics?: string[]; clientId?: string } = {}) {
  const { topics = ['topic'], clientId = 'reader' } = options
  const client = cluster.newClient({ clientId })
  const member = new GroupConsumer(client, { group: 'readers', topics })
  while (member.assignment.length === 0) await member.poll(20)
  return member
}

test('groups are listed, by state and type too', async () => {
  await using cluster = await withRecords([1])
  const member = await joined(cluster)
  await commitOffsets(cluster.client, 'absent', [{ topic: 'topic', partition: 0, offset: 1 }])
  const admin = new GroupAdmin(cluster.client)
  const absent = { group: 'absent', protocolType: '', state: 'Empty' }
  const readers = { group: 'readers', protocolType: 'consumer', state: 'Stable' }
  const rest = { type: 'classic', coordinator: 1 }
  expect(await admin.list()).toEqual([
    { ...absent, ...rest },
    { ...readers, ...rest },
  ])
  expect(await admin.list({ states: ['stable'] })).toEqual([{ ...readers, ...rest }])
  expect(await admin.list({ states: ['Empty', 'Dead'] })).toEqual([{ ...absent, ...rest }])
  expect(await admin.list({ types: ['consumer'] })).toEqual([])
  expect(await admin.list({ types: ['classic'] })).toHaveLength(2)
  await member.close()
})

test('a filter that the broker is too old for is refused, not left out', async () => {
  const { broker, client } = await scripted()
  broker.maxVersions.set(apis.listGroups, 4)
  broker.on(apis.listGroups, () => ({ errorCode: 0, groups: [] }))
  const admin = new GroupAdmin(client)
  expect(await admin.list({ states: ['Stable'] })).toEqual([])
  await expect(admin.list({ types: ['classic'] })).rejects.toMatchObject({
    name: 'UNSUPPORTED_VERSION',
    message: 'the broker cannot list groups by type',
  })
  client.close()
  await broker.stop()
})

test('a group is described with its members and what each reads', async () => {
  await using cluster = await withRecords([1, 1])
  const member = await joined(cluster, { clientId: 'first' })
  const admin = new GroupAdmin(cluster.client)
  const [group, missing] = await admin.describe(['readers', 'missing'])
  expect(group).toMatchObject({
    group: 'readers',
    error: errors.NONE,
    state: 'Stable',
    protocolType: 'consumer',
    protocol: 'range',
    coordinator: 1,
  })
  expect(group.members).toHaveLength(1)
  expect(group.members[0]).toMatchObject({ clientId: 'first', instanceId: null, topics: ['topic'] })
  expect(group.members[0].host).toMatch(/^\//)
  expect(group.members[0].assignment).toEqual([
    { topic: 'topic', partition: 0 },
    { topic: 'topic', partition: 1 },
  ])
  expect(missing).toMatchObject({ group: 'missing', error: errors.GROUP_ID_NOT_FOUND, members: [] })
  expect(missing.message).toMatch(/missing/)
  await member.close()
})

test('what older brokers say of a group that there is not means the same', async () => {
  const { broker, client } = await scriptedCoordinator()
  broker.maxVersions.set(apis.describeGroups, 5)
  const nothing = { errorCode: 0, protocolType: '', protocolData: '', members: [] }
  broker.on(apis.describeGroups, ({ groups }) => ({
    groups: groups.map((groupId: string) => ({ ...nothing, groupId, groupState: 'Dead' })),
  }))
  const [missing] = await new GroupAdmin(client).describe(['missing'])
  expect(missing.error).toBe(errors.GROUP_ID_NOT_FOUND)
  client.close()
  await broker.stop()
})

test("members with bytes that are no consumer's have no topics and no partitions", async () => {
  const { broker, client } = await scriptedCoordinator()
  const member = { memberId: 'm', clientId: 'connect-1', clientHost: '/127.0.0.1' }
  const bytes = { memberMetadata: Buffer.from([9]), memberAssignment: Buffer.from('no assignment') }
  broker.on(apis.describeGroups, () => ({
    groups: [
      {
        errorCode: 0,
        groupId: 'connect',
        groupState: 'Stable',
        protocolType: 'connect',
        protocolData: 'sessioned',
        members: [{ ...member, ...bytes }],
      },
    ],
  }))
  const [group] = await new GroupAdmin(client).describe(['connect'])
  expect(group.members).toMatchObject([{ memberId: 'm', topics: null, assignment: [] }])
  client.close()
  await broker.stop()
})

test('lag: what is committed, what is read, and what is neither', async () => {
  await using cluster = await withRecords([5, 3, 2])
  await cluster.createTopic('other', 1)
  await commitOffsets(cluster.client, 'readers', [
    { topic: 'topic', partition: 0, offset: 2, leaderEpoch: 0, metadata: 'note' },
    { topic: 'other', partition: 0, offset: 0 },
  ])
  const member = await joined(cluster)
  const [group] = await new GroupAdmin(cluster.client).lag(['readers'])
  const rows = group.partitions.map(({ topic, partition, committed, end, lag }) => {
    return [topic, partition, committed, end, lag]
  })
  expect(rows).toEqual([
    ['other', 0, 0, 0, 0],
    ['topic', 0, 2, 5, 3],
    ['topic', 1, null, 3, null],
    ['topic', 2, null, 2, null],
  ])
  expect(group.partitions[1]).toMatchObject({ leaderEpoch: 0, metadata: 'note' })
  expect(group.partitions.map((of) => of.member?.clientId)).toEqual([
    undefined,
    'reader',
    'reader',
    'reader',
  ])
  const [missing] = await new GroupAdmin(cluster.client).lag(['missing'])
  expect(missing).toMatchObject({ error: errors.GROUP_ID_NOT_FOUND, partitions: [] })
  await member.close()
})

describe('offsets', () => {
  const place = { topic: 'topic', partition: 0 }

  test('are altered where the group is empty or new', async () => {
    await using cluster = await withRecords([5])
    const admin = new GroupAdmin(cluster.client)
    const altered = await admin.alterOffsets('readers', [
      { ...place, offset: 3, leaderEpoch: 0, metadata: 'moved' },
      { topic: 'missing', partition: 0, offset: 1 },
    ])
    expect(altered).toEqual([
      { ...place, error: errors.NONE },
      { topic: 'missing', partition: 0, error: errors.UNKNOWN_TOPIC_OR_PARTITION },
    ])
    expect(await admin.offsets('readers')).toEqual([
      { ...place, offset: 3, leaderEpoch: 0, metadata: 'moved', error: errors.NONE },
    ])
    const [none] = await admin.offsets('readers', {
      partitions: [{ topic: 'topic', partition: 7 }],
    })
    expect(none.offset).toBe(-1)
    expect(await admin.offsets('missing')).toEqual([])
  })

  test("are not altered behind a member's back", async () => {
    await using cluster = await withRecords([5])
    const member = await joined(cluster)
    const admin = new GroupAdmin(cluster.client)
    const [refused] = await admin.alterOffsets('readers', [{ ...place, offset: 0 }])
    expect(refused.error).toBe(errors.UNKNOWN_MEMBER_ID)
    await member.close()
  })

  test('wait for a coordinator that is loading', async () => {
    await using cluster = await withRecords([5])
    cluster.faults.fail('OffsetCommit', errors.COORDINATOR_LOAD_IN_PROGRESS, { times: 2 })
    const admin = new GroupAdmin(cluster.client)
    const [altered] = await admin.alterOffsets('readers', [{ ...place, offset: 1 }])
    expect(altered.error).toBe(errors.NONE)
  })

  test('are deleted, unless a member reads the topic', async () => {
    await using cluster = await withRecords([5])
    await cluster.createTopic('other', 1)
    const other = { topic: 'other', partition: 0 }
    const offsets = [
      { ...place, offset: 1 },
      { ...other, offset: 0 },
    ]
    await commitOffsets(cluster.client, 'readers', offsets)
    const member = await joined(cluster)
    const admin = new GroupAdmin(cluster.client)
    expect(await admin.deleteOffsets('readers', [place, other])).toEqual([
      { ...place, error: errors.GROUP_SUBSCRIBED_TO_TOPIC },
      { ...other, error: errors.NONE },
    ])
    expect(await admin.offsets('readers')).toMatchObject([{ ...place, offset: 1 }])
    const missing = admin.deleteOffsets('missing', [place])
    await expect(missing).rejects.toMatchObject({ name: 'GROUP_ID_NOT_FOUND' })
    await member.close()
  })
})

test('groups without members are deleted', async () => {
  await using cluster = await withRecords([5])
  const member = await joined(cluster)
  await commitOffsets(cluster.client, 'absent', [{ topic: 'topic', partition: 0, offset: 1 }])
  const admin = new GroupAdmin(cluster.client)
  const outcomes = await admin.delete(['readers', 'absent', 'missing'])
  expect(outcomes.map(({ group, error }) => [group, error])).toEqual([
    ['readers', errors.NON_EMPTY_GROUP],
    ['absent', errors.NONE],
    ['missing', errors.GROUP_ID_NOT_FOUND],
  ])
  expect((await admin.list()).map(({ group }) => group)).toEqual(['readers'])
  await member.close()
})
