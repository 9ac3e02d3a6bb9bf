import type { GroupMember } from '@sluice/core/kafka-client/assignor'
import { type AssignorName, assignors } from '@sluice/core/kafka-client/assignors'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

function member(memberId: string, topics: string[], instanceId: string | null = null): GroupMember {
  return { memberId, instanceId, topics, owned: [], generation: -1 }
}

function sharesOf(
  name: keyof typeof assignors,
  members: GroupMember[],
  counts: [string, number][],
) {
  const shares = assignors[name](members, new Map(counts))
  return Object.fromEntries(
    [...shares].map(([id, share]) => [
      id,
      share.map(({ topic, partition }) => `${topic}${partition}`).join(' '),
    ]),
  )
}

describe('range', () => {
  // The example of Java's RangeAssignor.
  test('runs of each topic, the first members get one more', () => {
    const members = [member('b', ['x', 'y']), member('a', ['y', 'x'])]
    const counts: [string, number][] = [
      ['x', 3],
      ['y', 3],
    ]
    expect(sharesOf('range', members, counts)).toEqual({ a: 'x0 x1 y0 y1', b: 'x2 y2' })
  })

  test('only those who asked for a topic get of it', () => {
    const members = [member('a', ['x']), member('b', ['x', 'y']), member('c', ['y'])]
    const counts: [string, number][] = [
      ['y', 2],
      ['x', 5],
      ['z', 4],
    ]
    expect(sharesOf('range', members, counts)).toEqual({ a: 'x0 x1 x2', b: 'x3 x4 y0', c: 'y1' })
  })

  test('more members than partitions: the last get nothing', () => {
    const members = ['c', 'a', 'b'].map((id) => member(id, ['x']))
    expect(sharesOf('range', members, [['x', 2]])).toEqual({ a: 'x0', b: 'x1', c: '' })
  })

  test('static members keep their order over restarts', () => {
    const members = [member('new', ['x'], 'one'), member('old', ['x'], 'two'), member('a', ['x'])]
    expect(sharesOf('range', members, [['x', 3]])).toEqual({ new: 'x0', old: 'x1', a: 'x2' })
  })
})

describe('roundrobin', () => {
  // The two examples of Java's RoundRobinAssignor.
  test('all partitions dealt out in turn', () => {
    const members = [member('C1', ['x', 'y']), member('C0', ['x', 'y'])]
    const counts: [string, number][] = [
      ['x', 3],
      ['y', 3],
    ]
    expect(sharesOf('roundrobin', members, counts)).toEqual({ C0: 'x0 x2 y1', C1: 'x1 y0 y2' })
  })

  test('members that did not ask for a topic are passed over', () => {
    const members = [
      member('C0', ['t0']),
      member('C1', ['t0', 't1']),
      member('C2', ['t0', 't1', 't2']),
    ]
    const counts: [string, number][] = [
      ['t0', 1],
      ['t1', 2],
      ['t2', 3],
    ]
    expect(sharesOf('roundrobin', members, counts)).toEqual({
      C0: 't00',
      C1: 't10',
      C2: 't11 t20 t21 t22',
    })
  })
})

const names = Object.keys(assignors) as AssignorName[]

test('every partition that somebody asked for goes to one who asked for it', () => {
  const topics = ['t0', 't1', 't2', 't3']
  const wanted = fc.array(fc.subarray(topics), { minLength: 1, maxLength: 6 })
  const counts = fc.array(fc.nat(9), { minLength: 4, maxLength: 4 })
  fc.assert(
    fc.property(wanted, counts, fc.constantFrom(...names), (wishes, sizes, name) => {
      const members = wishes.map((wish, index) => member(`member ${index}`, wish))
      const shares = assignors[name](
        members,
        new Map(topics.map((topic, index) => [topic, sizes[index]])),
      )
      const given = [...shares].flatMap(([id, share]) =>
        share.map(({ topic, partition }) => {
          expect(members.find(({ memberId }) => memberId === id)?.topics).toContain(topic)
          return `${topic}-${partition}`
        }),
      )
      const expected = topics.flatMap((topic, index) =>
        wishes.some((wish) => wish.includes(topic))
          ? Array.from({ length: sizes[index] }, (_, partition) => `${topic}-${partition}`)
          : [],
      )
      expect(given.sort()).toEqual(expected.sort())
    }),
  )
})
