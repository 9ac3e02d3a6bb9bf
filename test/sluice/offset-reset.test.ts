import {
  type PartitionFacts,
  planReset,
  type Strategy,
} from '@sluice/core/kafka-client/offset-reset'
import { describe, expect, test } from 'vitest'
import { parseOffsets } from '../../packages/sluice/src/offset-file.ts'

/** A log from 2 to 10 with the offset 7 committed. */
const facts: PartitionFacts = {
  topic: 'orders',
  partition: 0,
  committed: 7,
  start: 2,
  end: 10,
  atTime: 5,
}

function planned(strategy: Strategy, changes: Partial<PartitionFacts> = {}) {
  const plan = planReset(strategy, [{ ...facts, ...changes }])
  return plan.ok ? [plan.offsets[0].offset, plan.offsets[0].note] : plan.message
}

describe('a reset goes', () => {
  test('to the ends, and to where it is', () => {
    expect(planned({ to: 'earliest' })).toEqual([2, null])
    expect(planned({ to: 'latest' })).toEqual([10, null])
    expect(planned({ to: 'current' })).toEqual([7, null])
    const uncommitted = planned({ to: 'current' }, { committed: null })
    expect(uncommitted).toEqual([10, 'nothing is committed: the end'])
  })

  test.each([
    [5, [5, null]],
    [2, [2, null]],
    [10, [10, null]],
    [1, [2, '1 is before the start']],
    [11, [10, '11 is behind the end']],
  ])('to offset %d within the log', (offset, expected) => {
    expect(planned({ to: 'offset', offset })).toEqual(expected)
  })

  test('on and back, from what is committed', () => {
    expect(planned({ to: 'shift', by: 2 })).toEqual([9, null])
    expect(planned({ to: 'shift', by: -5 })).toEqual([2, null])
    expect(planned({ to: 'shift', by: -8 })).toEqual([2, '-1 is before the start'])
    expect(planned({ to: 'shift', by: 4 })).toEqual([10, '11 is behind the end'])
    expect(planned({ to: 'shift', by: 1 }, { committed: null })).toMatch(/^orders-0: nothing is/)
  })

  test('to a time, or to the end where none is so late', () => {
    expect(planned({ to: 'time', timestampMs: 1 })).toEqual([5, null])
    const late = planned({ to: 'time', timestampMs: 1 }, { atTime: null })
    expect(late).toEqual([10, 'no record is so late: the end'])
  })

  test('to what a file says', () => {
    const offsets = new Map([['orders/0', 3]])
    expect(planned({ to: 'file', offsets })).toEqual([3, null])
  })
})

test('a file has lines of one group, or of several', () => {
  const text = '"orders",0,5\r\n\nbilling,orders,1,6\nother,orders,2,7\n'
  const offsets = parseOffsets(text, { file: 'offsets.csv', group: 'billing' })
  expect([...offsets.values()]).toEqual([
    { topic: 'orders', partition: 0, offset: 5 },
    { topic: 'orders', partition: 1, offset: 6 },
  ])
  expect(() => parseOffsets('orders,0,5\norders,0', { file: 'f', group: 'g' })).toThrow(
    "f:2: 'orders,0' is not of the form topic,partition,offset",
  )
})
