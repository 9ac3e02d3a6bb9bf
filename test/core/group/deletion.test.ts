// How groups and their offsets go: deleted by somebody, with their topic, or when nobody needed them for long.

import { errors } from '@sluice/protocol/errors'
import { describe, expect, test } from 'vitest'
import { caller, commitOf, elected, groupId } from './coordinator-world.ts'

const minuteMs = 60_000
const retention = {
  'offsets.retention.minutes': '10',
  'offsets.retention.check.interval.ms': '1000',
}

describe('deleting', () => {
  test('a group: with its offsets, those on their way too', async () => {
    const world = await elected()
    await world.commit(1, { partition: 0 })
    world.log.held = true
    const commit = world.commit(2, { partition: 1 })
    const deleted = world.coordinator.deleteGroups([groupId, 'nobody-knows-it'])
    // While it goes nobody gets in.
    expect(await world.commit(3)).toEqual([errors.COORDINATOR_NOT_AVAILABLE])
    expect((await world.join('', { version: 3 })).errorCode).toBe(errors.COORDINATOR_NOT_AVAILABLE)
    world.log.held = false
    world.log.release()
    expect(await commit).toEqual([errors.NONE])
    expect((await deleted)[0]).toBe(errors.NONE)
    expect(await world.committed()).toEqual({})
    await world.failOver()
    expect(await world.committed()).toEqual({})
    expect(world.coordinator.describe([groupId], caller(6))[0]).toMatchObject({
      errorCode: errors.GROUP_ID_NOT_FOUND,
      groupState: 'Dead',
    })
    expect(world.coordinator.describe([groupId], caller(5))[0]).toMatchObject({
      errorCode: errors.NONE,
      groupState: 'Dead',
    })
    expect(await world.coordinator.deleteGroups([groupId])).toEqual([errors.GROUP_ID_NOT_FOUND])
  })

  test('a group with more offsets than one record batch holds tombstones for', async () => {
    const world = await elected()
    const offsets = Array.from({ length: 5000 }, (_, index) => commitOf('t', index, index))
    await world.commit(0, { offsets })
    expect(await world.coordinator.deleteGroups([groupId])).toEqual([errors.NONE])
    expect(Math.max(...world.log.batchSizes)).toBe(5000)
    expect(world.log.batchSizes.slice(1).every((size) => size < 1000)).toBe(true)
    await world.failOver()
    expect(await world.committed()).toEqual({})
  })

  test('a group with members is refused', async () => {
    const world = await elected()
    await world.stableMember()
    expect(await world.coordinator.deleteGroups([groupId])).toEqual([errors.NON_EMPTY_GROUP])
  })

  test('a group whose tombstone could not be written is as it was', async () => {
    const world = await elected()
    await world.commit(1)
    world.log.failures.push(errors.NOT_ENOUGH_REPLICAS)
    expect(await world.coordinator.deleteGroups([groupId])).toEqual([
      errors.COORDINATOR_NOT_AVAILABLE,
    ])
    expect(await world.committed()).toEqual({ 't-0': 1 })
    expect(await world.commit(2)).toEqual([errors.NONE])
    expect(await world.coordinator.deleteGroups([groupId])).toEqual([errors.NONE])
  })

  test('offsets: not of topics that the group reads', async () => {
    const world = await elected()
    const memberId = await world.stableMember(['t'])
    const offsets = [commitOf('t', 0, 1), commitOf('old', 0, 1), commitOf('old', 1, 1)]
    await world.commit(0, { memberId, generation: 1, offsets })
    const topics = ['t', 'old', 'never'].map((name) => ({
      name,
      partitions: [{ partitionIndex: 0 }],
    }))
    const body = await world.coordinator.deleteOffsets({ groupId, topics })
    expect(body.errorCode).toBe(errors.NONE)
    expect(body.topics.map(({ partitions }) => partitions[0].errorCode)).toEqual([
      errors.GROUP_SUBSCRIBED_TO_TOPIC,
      errors.NONE,
      errors.NONE,
    ])
    expect(await world.committed()).toEqual({ 't-0': 1, 'old-1': 1 })
    await world.failOver()
    expect(await world.committed()).toEqual({ 't-0': 1, 'old-1': 1 })
  })

  test('the last offset: the group stays until the next look for expired ones', async () => {
    const world = await elected(retention)
    const listed = () =>
      world.coordinator.list({ states: [], types: [] }).groups?.map((one) => one.groupId)
    await world.commit(1)
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0 }] }]
    expect((await world.coordinator.deleteOffsets({ groupId, topics })).errorCode).toBe(0)
    expect([await world.committed(), listed()]).toEqual([{}, [groupId]])
    await world.failOver(retention)
    expect(listed()).toEqual([groupId])
    await world.clock.runFor(1001)
    expect(listed()).toEqual([])
    await world.failOver(retention)
    expect(listed()).toEqual([])
    // As DeleteGroups finds it in Kafka: it is there to be deleted meanwhile.
    await world.commit(1)
    await world.coordinator.deleteOffsets({ groupId, topics })
    expect(await world.coordinator.deleteGroups([groupId])).toEqual([errors.NONE])
    expect(listed()).toEqual([])
  })

  test('offsets of a deleted topic go with it, those on their way too', async () => {
    const world = await elected()
    const offsets = [commitOf('t', 0, 1), commitOf('kept', 0, 1)]
    await world.commit(0, { offsets })
    world.log.held = true
    const commit = world.commit(2, { partition: 1 })
    const deleted = world.coordinator.topicsDeleted(['t'])
    world.log.release()
    await Promise.all([commit, deleted])
    expect(await world.committed()).toEqual({ 'kept-0': 1 })
    world.log.held = false
    await world.failOver()
    expect(await world.committed()).toEqual({ 'kept-0': 1 })
  })
})

describe('expiry', () => {
  test('a simple consumer: a while after its last commit, and the group goes with the last', async () => {
    const world = await elected(retention)
    await world.commit(1, { partition: 0 })
    await world.clock.runFor(5 * minuteMs)
    await world.commit(1, { partition: 1 })
    await world.clock.runFor(5 * minuteMs + 1000)
    expect(await world.committed()).toEqual({ 't-1': 1 })
    await world.clock.runFor(5 * minuteMs)
    expect(world.coordinator.list({ states: [], types: [] }).groups).toEqual([])
    await world.failOver(retention)
    expect(world.coordinator.list({ states: [], types: [] }).groups).toEqual([])
  })

  test('a group: a while after it lost its last member, whenever it committed', async () => {
    const world = await elected(retention)
    const memberId = await world.stableMember()
    await world.commit(1, { memberId, generation: 1 })
    for (let i = 0; i < 200; i++) {
      await world.clock.runFor(9000)
      expect(world.heartbeat(memberId, 1)).toBe(errors.NONE)
    }
    expect(await world.committed()).toEqual({ 't-0': 1 })
    await world.leave(memberId)
    await world.clock.runFor(9 * minuteMs)
    // The clock of the retention goes on under the next coordinator.
    await world.failOver(retention)
    await world.clock.runFor(minuteMs - 1000)
    expect(await world.committed()).toEqual({ 't-0': 1 })
    await world.clock.runFor(2000)
    expect(await world.committed()).toEqual({})
    expect(world.coordinator.list({ states: [], types: [] }).groups).toEqual([])
  })

  test('a live group: topics that it reads no longer', async () => {
    const world = await elected(retention)
    const memberId = await world.stableMember(['t'])
    const offsets = [commitOf('t', 0, 1), commitOf('old', 0, 1)]
    await world.commit(0, { memberId, generation: 1, offsets })
    for (let i = 0; i < 70; i++) {
      await world.clock.runFor(9000)
      world.heartbeat(memberId, 1)
    }
    expect(await world.committed()).toEqual({ 't-0': 1 })
  })

  test('spares an offset with a newer commit on its way', async () => {
    const world = await elected(retention)
    await world.commit(1)
    await world.clock.runFor(10 * minuteMs - 500)
    world.log.held = true
    const commit = world.commit(2)
    await world.clock.runFor(2000)
    world.log.held = false
    world.log.release()
    expect(await commit).toEqual([errors.NONE])
    expect(await world.committed()).toEqual({ 't-0': 2 })
    await world.failOver(retention)
    expect(await world.committed()).toEqual({ 't-0': 2 })
  })

  test('a retention of the client’s own, as old ones could ask for', async () => {
    const world = await elected(retention)
    await world.commit(1, { partition: 0, retentionTimeMs: minuteMs })
    await world.commit(1, { partition: 1, retentionTimeMs: 20 * minuteMs })
    await world.clock.runFor(2 * minuteMs)
    expect(await world.committed()).toEqual({ 't-1': 1 })
    await world.clock.runFor(10 * minuteMs)
    expect(await world.committed()).toEqual({ 't-1': 1 })
    await world.clock.runFor(10 * minuteMs)
    expect(await world.committed()).toEqual({})
  })
})
