import type { GroupMember, PartitionCounts } from '@sluice/core/kafka-client/assignor'
import { assignCooperatively, assignSticky } from '@sluice/core/kafka-client/sticky-assignor'
import { keyOf, type TopicPartition } from '@sluice/core/kafka-client/topic-partition'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const topics = ['t0', 't1', 't2']

function member(memberId: string, more: Partial<GroupMember> = {}): GroupMember {
  return { memberId, instanceId: null, topics: ['t0'], owned: [], generation: -1, ...more }
}

const of = (topic: string, ...partitions: number[]): TopicPartition[] =>
  partitions.map((partition) => ({ topic, partition }))

/** The members as they come to the next rebalance: with what they were given. */
function comingBack(
  members: readonly GroupMember[],
  assignment: ReadonlyMap<string, readonly TopicPartition[]>,
  generation: number,
): GroupMember[] {
  return members.map((one) => ({ ...one, owned: assignment.get(one.memberId) ?? [], generation }))
}

const sizes = (assignment: ReadonlyMap<string, readonly TopicPartition[]>) =>
  [...assignment.values()].map((share) => share.length)

describe('sticky', () => {
  test('who leaves, leaves what it had to the others, who keep theirs', () => {
    const counts = new Map([['t0', 9]])
    const three = ['a', 'b', 'c'].map((id) => member(id))
    const before = assignSticky(three, counts)
    expect(sizes(before)).toEqual([3, 3, 3])
    const [, ...two] = comingBack(three, before, 1)
    const now = assignSticky(two, counts)
    for (const { memberId, owned } of two) {
      expect(now.get(memberId)).toEqual(expect.arrayContaining([...owned]))
    }
    expect(sizes(now).sort()).toEqual([4, 5])
  })

  test('who comes gets its share, and no other partition moves', () => {
    const counts = new Map([['t0', 100]])
    const three = ['b', 'c', 'd'].map((id) => member(id))
    const before = assignSticky(three, counts)
    const four = [member('a'), ...comingBack(three, before, 1)]
    const now = assignSticky(four, counts)
    expect(sizes(now)).toEqual([25, 25, 25, 25])
    const mine = new Set(now.get('a')?.map(keyOf))
    for (const { memberId } of three) {
      const left = before.get(memberId)?.filter((one) => !mine.has(keyOf(one)))
      expect(now.get(memberId)).toEqual(left)
    }
  })

  test('of two that claim a partition the later generation has it; of the same, neither', () => {
    const counts = new Map([['t0', 2]])
    const stale = member('a', { owned: of('t0', 0, 1), generation: 4 })
    const fresh = member('b', { owned: of('t0', 0), generation: 5 })
    expect(Object.fromEntries(assignSticky([stale, fresh], counts))).toEqual({
      a: of('t0', 1),
      b: of('t0', 0),
    })
    const twins = ['a', 'b'].map((id) => member(id, { owned: of('t0', 1), generation: 5 }))
    expect(sizes(assignSticky(twins, counts))).toEqual([1, 1])
  })

  test('what a member no longer asks for, or is not there any more, it loses', () => {
    const counts = new Map([
      ['t0', 1],
      ['t1', 1],
    ])
    const owned = [...of('t0', 0, 7), ...of('t1', 0), ...of('gone', 0)]
    const members = [member('a', { owned, generation: 1 }), member('b', { topics: ['t1'] })]
    expect(Object.fromEntries(assignSticky(members, counts))).toEqual({
      a: of('t0', 0),
      b: of('t1', 0),
    })
  })

  test('moves go over a third where two have no topic in common', () => {
    const counts = new Map([
      ['t0', 4],
      ['t1', 1],
    ])
    // a has four; c could read t1 alone, which b has; b could take of t0.
    const members = [
      member('a', { owned: of('t0', 0, 1, 2), generation: 1 }),
      member('b', { topics: ['t0', 't1'], owned: [...of('t1', 0), ...of('t0', 3)], generation: 1 }),
      member('c', { topics: ['t1'] }),
    ]
    const now = assignSticky(members, counts)
    expect(sizes(now)).toEqual([2, 2, 1])
    expect(now.get('c')).toEqual(of('t1', 0))
  })

  test('200 members, 2,000 partitions that one of them had: level, and in bounded time', () => {
    const counts = new Map([['t0', 2_000]])
    const all = of('t0', ...Array.from({ length: 2_000 }, (_, partition) => partition))
    const members = Array.from({ length: 200 }, (_, index) => member(`m${index}`))
    members[7] = member('m7', { owned: all, generation: 1 })
    expect(new Set(sizes(assignSticky(members, counts)))).toEqual(new Set([10]))
  })
})

const wishes = fc.array(fc.subarray(topics, { minLength: 1 }), { minLength: 1, maxLength: 6 })
const partitionCounts = fc
  .tuple(fc.nat(8), fc.nat(8), fc.nat(8))
  .map((each) => new Map(each.map((count, index) => [topics[index], count])))
/** Whatever members may claim, true or not. */
const claims = fc.array(fc.record({ topic: fc.constantFrom(...topics), partition: fc.nat(9) }), {
  maxLength: 6,
})
const group = fc
  .tuple(wishes, fc.array(fc.tuple(claims, fc.nat(2)), { minLength: 6, maxLength: 6 }))
  .map(([each, said]) =>
    each.map((wish, index) =>
      member(`m${index}`, { topics: wish, owned: said[index][0], generation: said[index][1] }),
    ),
  )

function expectLevel(members: readonly GroupMember[], counts: PartitionCounts): void {
  const assignment = assignSticky(members, counts)
  for (const share of assignment.values()) {
    for (const other of members) {
      const fewer = (assignment.get(other.memberId)?.length ?? 0) <= share.length - 2
      expect(fewer && share.some(({ topic }) => other.topics.includes(topic))).toBe(false)
    }
  }
}

describe('whatever the members claim', () => {
  test('nobody could take one from another and have no more than it', () => {
    fc.assert(fc.property(group, partitionCounts, expectLevel))
  })

  test('asked again with what came out, nothing moves', () => {
    fc.assert(
      fc.property(group, partitionCounts, (members, counts) => {
        const first = assignSticky(members, counts)
        const again = assignSticky(comingBack(members, first, 3), counts)
        const sorted = (shares: ReadonlyMap<string, readonly TopicPartition[]>) =>
          [...shares].map(([id, share]) => [id, share.map(keyOf).sort()])
        expect(sorted(again)).toEqual(sorted(first))
      }),
    )
  })

  test('cooperatively: nothing is given away before its owner let go, and all is given soon', () => {
    fc.assert(
      fc.property(group, partitionCounts, (members, counts) => {
        let now = members
        for (let generation = 3; ; generation++) {
          const assignment = assignCooperatively(now, counts)
          for (const [memberId, share] of assignment) {
            for (const partition of share) {
              const owners = now.filter(({ owned }) =>
                owned.some((one) => keyOf(one) === keyOf(partition)),
              )
              const free = owners.length === 0
              expect(free || owners.some((owner) => owner.memberId === memberId)).toBe(true)
            }
          }
          const next = comingBack(now, assignment, generation)
          // Whoever had to let go of something joins again.
          const gone = now.some(
            ({ owned }, index) =>
              !owned.every((one) => next[index].owned.some((kept) => keyOf(kept) === keyOf(one))),
          )
          now = next
          if (!gone) break
          expect(generation).toBeLessThan(8)
        }
        const given = now.flatMap(({ owned }) => owned.map(keyOf))
        const wanted = [...counts].flatMap(([topic, count]) =>
          members.some((one) => one.topics.includes(topic))
            ? Array.from({ length: count }, (_, partition) => keyOf({ topic, partition }))
            : [],
        )
        expect(given.sort()).toEqual(wanted.sort())
      }),
    )
  })
})
