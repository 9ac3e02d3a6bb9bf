import type { FetchedRecords } from '@sluice/core/kafka-client/consumer'
import { GroupConsumer, type GroupConsumerOptions } from '@sluice/core/kafka-client/group-consumer'
import { commitOffsets, fetchOffsets } from '@sluice/core/kafka-client/group-offsets'
import { Producer } from '@sluice/core/kafka-client/producer'
import { errors } from '@sluice/protocol/errors'
import { describe, expect, test, vi } from 'vitest'
import { Cluster } from './cluster.ts'

async function filled(partitions: number, records: number): Promise<Cluster> {
  const cluster = await Cluster.start()
  await cluster.createTopic('topic', partitions)
  await fill(cluster, { partitions, from: 0, to: records })
  return cluster
}

async function fill(cluster: Cluster, range: { partitions: number; from: number; to: number }) {
  const producer = new Producer(cluster.client, { lingerMs: 0 })
  for (let index = range.from; index < range.to; index++) {
    const partition = index % range.partitions
    await producer.send('topic', [{ key: null, value: Buffer.from(`${index}`), partition }])
  }
  await producer.close()
}

function member(cluster: Cluster, options: Partial<GroupConsumerOptions> = {}): GroupConsumer {
  return new GroupConsumer(cluster.newClient(), {
    group: 'group',
    topics: ['topic'],
    offsetReset: 'earliest',
    heartbeatIntervalMs: 10,
    maxWaitMs: 20,
    rebalanceTimeoutMs: 10_000,
    ...options,
  })
}

function numbersOf(fetched: readonly FetchedRecords[]): number[] {
  return fetched.flatMap(({ records }) => records.map(({ value }) => Number(value)))
}

/** Polls all members in turn until `done`. */
async function pollUntil(members: readonly GroupConsumer[], done: (numbers: number[]) => boolean) {
  const numbers: number[] = []
  while (!done(numbers)) {
    const polled = await Promise.all(members.map((one) => one.poll(50)))
    for (const fetched of polled) numbers.push(...numbersOf(fetched))
  }
  return numbers.sort((a, b) => a - b)
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

describe('one member', () => {
  test('reads all, commits, and the next one goes on there', async () => {
    await using cluster = await filled(3, 30)
    const first = member(cluster)
    expect(await pollUntil([first], (numbers) => numbers.length === 30)).toEqual(upTo(30))
    expect(first.assignment).toHaveLength(3)
    await first.close()
    await fill(cluster, { partitions: 3, from: 30, to: 36 })
    const second = member(cluster)
    expect(await pollUntil([second], (numbers) => numbers.length === 6)).toEqual([
      30, 31, 32, 33, 34, 35,
    ])
    await second.close()
  })

  test('without auto commit reads again what it did not commit', async () => {
    await using cluster = await filled(1, 10)
    const first = member(cluster, { autoCommit: false })
    await pollUntil([first], (numbers) => numbers.length === 10)
    await first.commit([{ topic: 'topic', partition: 0, offset: 4, metadata: 'note' }])
    expect(await first.committed()).toEqual([
      { topic: 'topic', partition: 0, offset: 4, leaderEpoch: -1, metadata: 'note', error: 0 },
    ])
    await first.close()
    const second = member(cluster, { autoCommit: false })
    const again = await pollUntil([second], (numbers) => numbers.length === 6)
    expect(again).toEqual([4, 5, 6, 7, 8, 9])
    await second.commit()
    const committed = await fetchOffsets(cluster.client, 'group')
    expect(committed).toMatchObject([{ topic: 'topic', partition: 0, offset: 10 }])
    await second.close()
  })

  test('commits what it has given out, by the clock', async () => {
    await using cluster = await filled(1, 10)
    const one = member(cluster, { autoCommitIntervalMs: 30 })
    await pollUntil([one], (numbers) => numbers.length === 10)
    const committed = async () => {
      await one.poll(5)
      return fetchOffsets(cluster.client, 'group')
    }
    await expect.poll(committed).toMatchObject([{ offset: 10 }])
    await one.close()
  })

  test('says when there is no offset to begin at', async () => {
    await using cluster = await filled(1, 1)
    const one = member(cluster, { offsetReset: 'none' })
    await expect(pollUntil([one], () => false)).rejects.toMatchObject({
      name: 'OFFSET_OUT_OF_RANGE',
    })
    await one.close()
  })

  test('waits for a topic that is not there yet', async () => {
    await using cluster = await Cluster.start({ 'auto.create.topics.enable': 'false' })
    const one = member(cluster)
    expect(await one.poll(30)).toEqual([])
    await cluster.createTopic('topic', 2)
    await fill(cluster, { partitions: 2, from: 0, to: 4 })
    expect(await pollUntil([one], (numbers) => numbers.length === 4)).toEqual(upTo(4))
    await one.close()
  })

  test('goes on after the coordinator forgot it, moved, or was not ready', async () => {
    await using cluster = await filled(1, 5)
    const one = member(cluster)
    await pollUntil([one], (numbers) => numbers.length === 5)
    // A forgotten member has lost its partitions: it goes on where the group committed.
    await one.commit()
    cluster.faults.fail('Heartbeat', errors.UNKNOWN_MEMBER_ID, { times: 1 })
    cluster.faults.fail('JoinGroup', errors.COORDINATOR_LOAD_IN_PROGRESS, { times: 1 })
    cluster.faults.fail('JoinGroup', errors.NOT_COORDINATOR, { times: 1 })
    cluster.faults.fail('SyncGroup', errors.REBALANCE_IN_PROGRESS, { times: 1 })
    const revoked = vi.fn()
    await fill(cluster, { partitions: 1, from: 5, to: 8 })
    const numbers = await pollUntil([one], (seen) => seen.includes(7))
    // What it got before it noticed comes again: nothing of that was committed.
    expect([...new Set(numbers)]).toEqual([5, 6, 7])
    expect(revoked).not.toHaveBeenCalled()
    await one.close()
  })

  test('an error that stays is told', async () => {
    await using cluster = await filled(1, 1)
    cluster.faults.fail('JoinGroup', errors.GROUP_MAX_SIZE_REACHED, { times: 1 })
    const one = member(cluster)
    await expect(pollUntil([one], () => false)).rejects.toMatchObject({
      name: 'GROUP_MAX_SIZE_REACHED',
    })
    await one.close()
  })
})

describe('several members', () => {
  test('share the partitions as they come and go, and each record is read', async () => {
    await using cluster = await filled(4, 40)
    const seen: number[] = []
    const poll = async (members: GroupConsumer[], done: () => boolean) => {
      while (!done()) {
        const polled = await Promise.all(members.map((one) => one.poll(20)))
        for (const fetched of polled) seen.push(...numbersOf(fetched))
      }
    }
    const shares = (members: GroupConsumer[]) => members.map((one) => one.assignment.length)
    const first = member(cluster, { assignors: ['roundrobin', 'range'] })
    await poll([first], () => seen.length === 40)
    const second = member(cluster, { assignors: ['roundrobin'] })
    await poll([first, second], () => shares([first, second]).join() === '2,2')
    const third = member(cluster, { assignors: ['roundrobin'] })
    const fourth = member(cluster, { assignors: ['roundrobin'] })
    const all = [first, second, third, fourth]
    await poll(all, () => shares(all).join() === '1,1,1,1')
    await fill(cluster, { partitions: 4, from: 40, to: 60 })
    await poll(all, () => new Set(seen).size === 60)
    await second.close()
    await third.close()
    await poll([first, fourth], () => shares([first, fourth]).join() === '2,2')
    await fill(cluster, { partitions: 4, from: 60, to: 80 })
    await poll([first, fourth], () => new Set(seen).size === 80)
    // Everybody commits before it gives a partition up, so nothing was read twice.
    expect(seen.sort((a, b) => a - b)).toEqual(upTo(80))
    await first.close()
    await fourth.close()
  })

  test('a member is told what it gets and what it gives up', async () => {
    await using cluster = await filled(2, 2)
    const told: string[] = []
    const first = member(cluster, {
      onAssigned: (share) => told.push(`+${share.length}`),
      onRevoked: (share) => told.push(`-${share.length}`),
    })
    await pollUntil([first], (numbers) => numbers.length === 2)
    const second = member(cluster)
    await pollUntil([first, second], () => second.assignment.length === 1)
    expect(told).toEqual(['+2', '-2', '+1'])
    await Promise.all([first.close(), second.close()])
  })

  test('who does not poll loses its share to the others, and comes back with the next poll', async () => {
    await using cluster = await filled(2, 2)
    const lazy = member(cluster, { rebalanceTimeoutMs: 150, sessionTimeoutMs: 10_000 })
    await pollUntil([lazy], (numbers) => numbers.length === 2)
    const busy = member(cluster)
    await pollUntil([busy], () => busy.assignment.length === 2)
    await pollUntil([busy, lazy], () => busy.assignment.length === 1)
    expect(lazy.assignment).toHaveLength(1)
    await Promise.all([lazy.close(), busy.close()])
  })

  test('a member that closes while it joins does not hold the group up', async () => {
    await using cluster = await filled(2, 2)
    const first = member(cluster)
    await pollUntil([first], (numbers) => numbers.length === 2)
    const second = member(cluster)
    expect(await second.poll(5)).toEqual([])
    await second.close()
    await fill(cluster, { partitions: 2, from: 2, to: 4 })
    expect(await pollUntil([first], (numbers) => numbers.length === 2)).toEqual([2, 3])
    await first.close()
  })
})

describe('cooperative members (KIP-429)', () => {
  const cooperative = (cluster: Cluster, options: Partial<GroupConsumerOptions> = {}) =>
    member(cluster, { assignors: ['cooperative-sticky'], ...options })

  test('keep what they are to keep, and nothing is read twice', async () => {
    await using cluster = await filled(6, 60)
    const told: string[] = []
    const seen: number[] = []
    const poll = async (members: GroupConsumer[], done: () => boolean) => {
      while (!done()) {
        const polled = await Promise.all(members.map((one) => one.poll(20)))
        for (const fetched of polled) seen.push(...numbersOf(fetched))
      }
    }
    const partitionsOf = (one: GroupConsumer) => one.assignment.map(({ partition }) => partition)
    const first = cooperative(cluster, {
      onAssigned: (share) => told.push(`+${share.length}`),
      onRevoked: (share) => told.push(`-${share.length}`),
    })
    await poll([first], () => seen.length === 60)
    const before = partitionsOf(first)
    const second = cooperative(cluster)
    const third = cooperative(cluster)
    const all = [first, second, third]
    await poll(all, () => all.every((one) => one.assignment.length === 2))
    // What it has left is of what it had, and it was told of those alone that went.
    for (const partition of partitionsOf(first)) expect(before).toContain(partition)
    const lost = told.filter((text) => text.startsWith('-')).map((text) => Number(text.slice(1)))
    expect(lost.reduce((sum, count) => sum + count, 0)).toBe(4)
    await fill(cluster, { partitions: 6, from: 60, to: 90 })
    await poll(all, () => seen.length === 90)
    const kept = partitionsOf(first)
    await second.close()
    await poll([first, third], () => first.assignment.length + third.assignment.length === 6)
    expect(partitionsOf(first)).toEqual(expect.arrayContaining(kept))
    await fill(cluster, { partitions: 6, from: 90, to: 120 })
    await poll([first, third], () => seen.length === 120)
    expect(seen.sort((a, b) => a - b)).toEqual(upTo(120))
    await Promise.all([first.close(), third.close()])
  })

  test('read on while the group waits for somebody', async () => {
    await using cluster = await filled(2, 2)
    const first = cooperative(cluster)
    await pollUntil([first], (numbers) => numbers.length === 2)
    // The second is let in and does not come back for its assignment for a while.
    const second = cooperative(cluster)
    const lazy = cooperative(cluster)
    await pollUntil([first, lazy], () => lazy.assignment.length === 1)
    await second.poll(1)
    await fill(cluster, { partitions: 2, from: 2, to: 8 })
    // lazy does not poll, so the rebalance cannot end; first has its partition and its records all the same.
    const numbers = await pollUntil([first, second], (seen) => seen.length >= 3)
    expect(new Set(numbers.map((number) => number % 2)).size).toBe(1)
    // By a heartbeat it learns of the second, and commits nothing from then on.
    const commit = async () => {
      await first.poll(1)
      return first.commit().then(
        () => 'committed',
        ({ name }) => name,
      )
    }
    await expect.poll(commit).toBe('REBALANCE_IN_PROGRESS')
    await Promise.all([first.close(), second.close(), lazy.close()])
  })

  test('a member that was forgotten has lost all: it goes on where the group committed', async () => {
    await using cluster = await filled(2, 4)
    const told: string[] = []
    const one = cooperative(cluster, {
      autoCommit: false,
      // The rebalance waits so long for the member that it was.
      rebalanceTimeoutMs: 1_000,
      onAssigned: (share) => told.push(`+${share.length}`),
      onRevoked: (share) => told.push(`-${share.length}`),
    })
    await pollUntil([one], (numbers) => numbers.length === 4)
    await one.commit([{ topic: 'topic', partition: 0, offset: 1 }])
    cluster.faults.fail('Heartbeat', errors.UNKNOWN_MEMBER_ID, { times: 1 })
    const again = await pollUntil([one], (numbers) => numbers.length === 3)
    expect(again).toEqual([1, 2, 3])
    expect(told).toEqual(['+2', '-2', '+2'])
    await one.close()
  })

  test('and members that know other assignors as well give all up, as they must', async () => {
    await using cluster = await filled(2, 2)
    const told: string[] = []
    const first = member(cluster, {
      assignors: ['range', 'cooperative-sticky'],
      onRevoked: (share) => told.push(`-${share.length}`),
    })
    await pollUntil([first], (numbers) => numbers.length === 2)
    const second = member(cluster, { assignors: ['range'] })
    await pollUntil([first, second], () => second.assignment.length === 1)
    expect(told).toEqual(['-2'])
    await Promise.all([first.close(), second.close()])
  })
})

test('sticky members get again what they had', async () => {
  await using cluster = await filled(6, 6)
  const sticky = () => member(cluster, { assignors: ['sticky'] })
  const [first, second] = [sticky(), sticky()]
  const sizes = () => [first, second].map((one) => one.assignment.length).join()
  await pollUntil([first, second], () => sizes() === '3,3')
  const before = [first, second].map((one) => one.assignment)
  const third = sticky()
  await pollUntil([first, second, third], () => sizes() === '2,2' && third.assignment.length === 2)
  for (const [index, one] of [first, second].entries()) {
    expect(before[index]).toEqual(expect.arrayContaining(one.assignment))
  }
  await Promise.all([first.close(), second.close(), third.close()])
})

test('a static member comes back to its share without a rebalance', async () => {
  await using cluster = await filled(4, 8)
  const told: string[] = []
  const first = member(cluster, { onRevoked: (share) => told.push(`-${share.length}`) })
  const start = () => member(cluster, { instanceId: 'one' })
  const before = start()
  await pollUntil([first, before], () => before.assignment.length === 2)
  const share = before.assignment
  told.length = 0
  await before.close()
  const now = start()
  await pollUntil([first, now], () => now.assignment.length > 0)
  expect(now.assignment).toEqual(share)
  expect(told).toEqual([])
  await Promise.all([first.close(), now.close()])
})

test('partitions added to a topic are read', async () => {
  await using cluster = await filled(1, 1)
  const client = cluster.newClient({ metadataMaxAgeMs: 50 })
  const one = new GroupConsumer(client, {
    group: 'group',
    topics: ['topic'],
    offsetReset: 'earliest',
    heartbeatIntervalMs: 10,
  })
  await pollUntil([one], (numbers) => numbers.length === 1)
  const { apis } = await import('@sluice/protocol/apis')
  await cluster.client.request(apis.createPartitions, 'any', {
    topics: [{ name: 'topic', count: 2, assignments: null }],
    timeoutMs: 1000,
    validateOnly: false,
  })
  await pollUntil([one], () => one.assignment.length === 2)
  await one.close()
})

test('offsets of a group without members are set from outside', async () => {
  await using cluster = await filled(2, 2)
  const offsets = [{ topic: 'topic', partition: 1, offset: 1 }]
  await commitOffsets(cluster.client, 'outside', offsets)
  expect(await fetchOffsets(cluster.client, 'outside')).toMatchObject(offsets)
  const asked = [0, 1].map((partition) => ({ topic: 'topic', partition }))
  expect(await fetchOffsets(cluster.client, 'outside', asked)).toMatchObject([
    { partition: 0, offset: -1, error: 0 },
    { partition: 1, offset: 1, error: 0 },
  ])
})
