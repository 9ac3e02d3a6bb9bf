import { errors } from '@sluice/protocol/errors'
import { describe, expect, test } from 'vitest'
import { CoordinatorWorld, caller, commitOf, elected, groupId, home } from './coordinator-world.ts'

describe('who answers for a group', () => {
  test('nobody before an election: NOT_COORDINATOR', async () => {
    const world = new CoordinatorWorld()
    expect((await world.join('')).errorCode).toBe(errors.NOT_COORDINATOR)
    expect((await world.sync('m', 1)).errorCode).toBe(errors.NOT_COORDINATOR)
    expect(world.heartbeat('m', 1)).toBe(errors.NOT_COORDINATOR)
    expect((await world.leave('m')).errorCode).toBe(errors.NOT_COORDINATOR)
    expect(await world.commit(1)).toEqual([errors.NOT_COORDINATOR])
    expect(await world.committed()).toBe(errors.NOT_COORDINATOR)
    expect(await world.coordinator.deleteGroups([groupId])).toEqual([errors.NOT_COORDINATOR])
    expect(world.coordinator.describe([groupId], caller(5))[0].errorCode).toBe(
      errors.NOT_COORDINATOR,
    )
  })

  test('while it loads: COORDINATOR_LOAD_IN_PROGRESS, and heartbeats are well', async () => {
    const world = new CoordinatorWorld()
    const open = world.log.holdLoads()
    const loaded = world.coordinator.onElected(home)
    expect((await world.join('')).errorCode).toBe(errors.COORDINATOR_LOAD_IN_PROGRESS)
    expect(world.heartbeat('m', 1)).toBe(errors.NONE)
    expect(await world.commit(1)).toEqual([errors.COORDINATOR_LOAD_IN_PROGRESS])
    expect(world.coordinator.list({ states: [], types: [] }).errorCode).toBe(
      errors.COORDINATOR_LOAD_IN_PROGRESS,
    )
    open()
    await loaded
    expect(await world.commit(1)).toEqual([errors.NONE])
  })

  test('a load that failed is tried again', async () => {
    const world = new CoordinatorWorld()
    world.log.loadFailures.push(errors.KAFKA_STORAGE_ERROR)
    const loaded = world.coordinator.onElected(home)
    await world.clock.runFor(999)
    expect(await world.committed()).toBe(errors.COORDINATOR_LOAD_IN_PROGRESS)
    await world.clock.runFor(1)
    await loaded
    expect(await world.committed()).toEqual({})
  })

  test('a resignation sends away whoever waits', async () => {
    const world = await elected()
    const { memberId } = await world.join('')
    const joining = world.join(memberId)
    world.coordinator.onResigned(home)
    expect((await joining).errorCode).toBe(errors.NOT_COORDINATOR)
    expect(world.heartbeat(memberId, 1)).toBe(errors.NOT_COORDINATOR)
  })

  test('a broker that ends sends them away too, and lets commits under way finish', async () => {
    const world = await elected()
    const { memberId } = await world.join('')
    const joining = world.join(memberId)
    world.log.held = true
    const commit = world.commit(1, { groupId: 'other' })
    const closed = world.coordinator.close()
    expect((await joining).errorCode).toBe(errors.NOT_COORDINATOR)
    expect(await world.commit(2)).toEqual([errors.COORDINATOR_NOT_AVAILABLE])
    world.log.release()
    expect(await commit).toEqual([errors.NONE])
    await closed
  })

  test('requests that no group is needed for', async () => {
    const world = await elected()
    const ask = (group: string, sessionTimeoutMs: number) =>
      world.coordinator.join(
        {
          groupId: group,
          sessionTimeoutMs,
          rebalanceTimeoutMs: 1,
          memberId: '',
          groupInstanceId: null,
          protocolType: 'consumer',
          protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
          reason: null,
        },
        caller(6),
      )
    expect(await ask('', 10_000)).toMatchObject({
      errorCode: errors.INVALID_GROUP_ID,
      generationId: -1,
      // null is not sayable before v7
      protocolName: '',
    })
    expect((await ask(groupId, 5999)).errorCode).toBe(errors.INVALID_SESSION_TIMEOUT)
    expect((await ask(groupId, 1_800_001)).errorCode).toBe(errors.INVALID_SESSION_TIMEOUT)
    expect(world.coordinator.list({ states: [], types: [] }).groups).toEqual([])
  })
})

describe('members', () => {
  test('join, sync, heartbeat, leave', async () => {
    const world = await elected()
    const first = await world.join('')
    expect(first.errorCode).toBe(errors.MEMBER_ID_REQUIRED)
    expect(first.memberId).toMatch(/^client-.{22}$/)
    const joining = world.join(first.memberId)
    await world.clock.runFor(1)
    const joined = await joining
    expect(joined).toMatchObject({ errorCode: 0, generationId: 1, leader: first.memberId })
    const synced = await world.sync(first.memberId, 1, { [first.memberId]: 'all' })
    expect(synced.assignment.toString()).toBe('all')
    expect(world.heartbeat(first.memberId, 1)).toBe(errors.NONE)
    expect(world.heartbeat(first.memberId, 2)).toBe(errors.ILLEGAL_GENERATION)
    const [described] = world.coordinator.describe([groupId], caller(5))
    expect(described).toMatchObject({ groupState: 'Stable', protocolData: 'range' })
    expect(described.members[0]).toMatchObject({ clientHost: '/127.0.0.1', clientId: 'client' })
    expect(described.members[0].memberAssignment.toString()).toBe('all')
    expect(await world.leave(first.memberId)).toMatchObject({
      errorCode: 0,
      members: [{ errorCode: 0 }],
    })
    expect(await world.leave(first.memberId)).toMatchObject({
      errorCode: 0,
      members: [{ errorCode: errors.UNKNOWN_MEMBER_ID }],
    })
    expect(await world.leave(first.memberId, 2)).toEqual({ errorCode: errors.UNKNOWN_MEMBER_ID })
  })

  test('a session ends by the clock, and one timer is enough for all heartbeats', async () => {
    const world = await elected()
    const member = await world.stableMember()
    const before = world.clock.eventsRun
    for (let i = 0; i < 100; i++) {
      await world.clock.runFor(100)
      expect(world.heartbeat(member, 1)).toBe(errors.NONE)
    }
    expect(world.clock.eventsRun - before).toBeLessThan(5)
    await world.clock.runFor(9999)
    expect(world.coordinator.describe([groupId], caller(5))[0].groupState).toBe('Stable')
    await world.clock.runFor(1)
    expect(world.coordinator.describe([groupId], caller(5))[0].groupState).toBe('Empty')
    expect(world.heartbeat(member, 1)).toBe(errors.UNKNOWN_MEMBER_ID)
  })

  test('a stable group goes on under the next coordinator', async () => {
    const world = await elected()
    const member = await world.stableMember()
    await world.failOver()
    expect(world.heartbeat(member, 1)).toBe(errors.NONE)
    const synced = await world.sync(member, 1)
    expect(synced.assignment.toString()).toBe('all')
    await world.clock.runFor(10_000)
    expect(world.heartbeat(member, 1)).toBe(errors.UNKNOWN_MEMBER_ID)
    // The empty generation was stored: it is what the coordinator after this one finds.
    await world.failOver()
    expect(world.coordinator.describe([groupId], caller(5))[0]).toMatchObject({
      groupState: 'Empty',
      protocolType: 'consumer',
    })
  })

  test('an assignment that could not be stored sends everybody back to join', async () => {
    const world = await elected()
    const { memberId } = await world.join('')
    const joining = world.join(memberId)
    await world.clock.runFor(1)
    await joining
    world.log.failures.push(errors.NOT_ENOUGH_REPLICAS)
    const synced = await world.sync(memberId, 1, { [memberId]: 'all' })
    expect(synced.errorCode).toBe(errors.COORDINATOR_NOT_AVAILABLE)
    expect(world.heartbeat(memberId, 1)).toBe(errors.REBALANCE_IN_PROGRESS)
    const again = await world.join(memberId)
    expect(again.generationId).toBe(2)
  })

  test('strangers leave nothing behind', async () => {
    const world = await elected()
    await world.join('')
    expect(world.coordinator.list({ states: [], types: [] }).groups).toHaveLength(1)
    await world.clock.runFor(10_000)
    expect(world.coordinator.list({ states: [], types: [] }).groups).toEqual([])
    expect((await world.join('somebody')).errorCode).toBe(errors.UNKNOWN_MEMBER_ID)
    expect(world.coordinator.list({ states: [], types: [] }).groups).toEqual([])
    expect(world.log.partitions[home]).toEqual([])
  })
})

describe('committed offsets', () => {
  test('are visible once their record is in the log, and not before', async () => {
    const world = await elected()
    await world.commit(5)
    world.log.held = true
    const commit = world.commit(6)
    expect(await world.committed()).toEqual({ 't-0': 5 })
    const stable = world.committed({ stable: true })
    world.log.release()
    expect(await commit).toEqual([errors.NONE])
    expect(await stable).toEqual({ 't-0': 6 })
    expect(await world.committed()).toEqual({ 't-0': 6 })
  })

  test('apply in log order, whatever the order of the answers', async () => {
    const world = await elected()
    world.log.held = true
    const commits = [world.commit(1), world.commit(2), world.commit(3)]
    world.log.release({ reversed: true })
    await Promise.all(commits)
    expect(await world.committed()).toEqual({ 't-0': 3 })
    world.log.held = false
    await world.failOver()
    expect(await world.committed()).toEqual({ 't-0': 3 })
  })

  test('stay as they were when the log does not take them', async () => {
    const world = await elected()
    await world.commit(1)
    world.log.failures.push(errors.NOT_ENOUGH_REPLICAS, errors.KAFKA_STORAGE_ERROR)
    expect(await world.commit(2)).toEqual([errors.COORDINATOR_NOT_AVAILABLE])
    expect(await world.commit(3)).toEqual([errors.NOT_COORDINATOR])
    expect(await world.committed()).toEqual({ 't-0': 1 })
  })

  test('bug class 26: survive the coordinator, with all that the client said', async () => {
    const world = await elected()
    const offsets = [
      { ...commitOf('t', 3, 42, 'my note'), leaderEpoch: 7, topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' },
    ]
    await world.commit(0, { offsets })
    await world.failOver()
    const view = await world.coordinator.fetchOffsets(groupId, { stable: false })
    expect(typeof view === 'number' ? view : view.get('t', 3)).toMatchObject({
      offset: 42,
      metadata: 'my note',
      leaderEpoch: 7,
      topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
    })
  })

  test('need the member and the generation that is', async () => {
    const world = await elected()
    const commitAs = (memberId: string, generation: number) =>
      world.commit(1, { memberId, generation })
    expect(await commitAs('m', 3)).toEqual([errors.GROUP_ID_NOT_FOUND])
    const member = await world.stableMember()
    expect(await commitAs(member, 1)).toEqual([errors.NONE])
    expect(await commitAs(member, 0)).toEqual([errors.ILLEGAL_GENERATION])
    expect(await commitAs('m', 1)).toEqual([errors.UNKNOWN_MEMBER_ID])
    // A simple consumer, while the group has members
    expect(await commitAs('', -1)).toEqual([errors.UNKNOWN_MEMBER_ID])
  })

  test('of an unknown group are an illegal generation to old clients', async () => {
    const world = await elected()
    const request = {
      groupId,
      memberId: 'm',
      instanceId: null,
      generation: 1,
      retentionTimeMs: -1,
      offsets: [commitOf('t', 0, 1)],
    }
    expect(await world.coordinator.commitOffsets(request, 8)).toEqual([errors.ILLEGAL_GENERATION])
  })

  test('with metadata that is too large fail alone', async () => {
    const world = await elected({ 'offset.metadata.max.bytes': '3' })
    const offsets = [commitOf('t', 0, 1, 'abc'), commitOf('t', 1, 1, 'abcd'), commitOf('t', 2, 1)]
    expect(await world.commit(0, { offsets })).toEqual([0, errors.OFFSET_METADATA_TOO_LARGE, 0])
    expect(await world.committed()).toEqual({ 't-0': 1, 't-2': 1 })
  })

  test('are not answered by a coordinator that resigned meanwhile', async () => {
    const world = await elected()
    world.log.held = true
    const commit = world.commit(1)
    world.coordinator.onResigned(home)
    world.log.release()
    expect(await commit).toEqual([errors.NOT_COORDINATOR])
  })
})

describe('lists', () => {
  test('by state and type', async () => {
    const world = await elected()
    await world.stableMember()
    const ids = (states: string[], types: string[]) =>
      world.coordinator.list({ states, types }).groups
    expect(ids([], [])).toEqual([
      { groupId, protocolType: 'consumer', groupState: 'Stable', groupType: 'classic' },
    ])
    expect(ids(['stable', 'Empty'], ['Classic'])).toHaveLength(1)
    expect(ids(['Empty'], [])).toEqual([])
    expect(ids([], ['consumer', 'share'])).toEqual([])
  })
})

describe('bug class 24 (KAFKA-13636 and others):', () => {
  test('offsets do not expire while the group is unstable', async () => {
    const world = await elected({
      'offsets.retention.minutes': '10',
      'offsets.retention.check.interval.ms': '1200000',
    })
    const stays = await world.stableMember(['now'])
    const joining = world.join('', { version: 3, topics: ['t'] })
    await world.join(stays, { topics: ['now'] })
    const { memberId: leaves = '' } = await joining
    await Promise.all([world.sync(leaves, 2), world.sync(stays, 2, { [leaves]: 't' })])
    await world.commit(1, { memberId: leaves, generation: 2 })
    for (let i = 0; i < 133; i++) {
      await world.clock.runFor(9000)
      for (const memberId of [stays, leaves]) world.heartbeat(memberId, 2)
    }
    // The one who reads 't' leaves, maybe to come back; the group is looked at while it waits for the other.
    await world.leave(leaves)
    await world.clock.runFor(5000)
    expect(world.coordinator.describe([groupId], caller(5))[0].groupState).toBe(
      'PreparingRebalance',
    )
    expect(await world.committed()).toEqual({ 't-0': 1 })
  })

  test('a coordinator that comes back shows what was committed meanwhile', async () => {
    const world = await elected()
    await world.commit(1)
    const first = world.coordinator
    first.onResigned(home)
    const second = new CoordinatorWorld({}, world.log)
    await second.coordinator.onElected(home)
    await second.commit(2)
    second.coordinator.onResigned(home)
    await first.onElected(home)
    expect(await world.committed()).toEqual({ 't-0': 2 })
  })

  test('an assignment is stored whole or not at all', async () => {
    const world = await elected()
    const { memberId } = await world.join('')
    const joining = world.join(memberId)
    await world.clock.runFor(1)
    await joining
    const large = 'x'.repeat(500_000)
    const synced = await world.sync(memberId, 1, { [memberId]: large })
    expect(synced.assignment.length).toBe(large.length)
    await world.failOver()
    expect((await world.sync(memberId, 1)).assignment.length).toBe(large.length)
  })
})

describe('foreign records in the log', () => {
  test('are skipped: groups of other protocols, damaged keys', async () => {
    const world = await elected()
    await world.commit(1)
    const value = Buffer.from('0000', 'hex')
    for (const key of ['0003000167', '0001', 'ffff', '']) {
      world.log.partitions[home].push({ key: Buffer.from(key, 'hex'), value, timestamp: 0 })
    }
    await world.commit(2)
    await world.failOver()
    expect(await world.committed()).toEqual({ 't-0': 2 })
  })
})
