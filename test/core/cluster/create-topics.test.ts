import { type NewTopic, planMorePartitions, planTopic } from '@sluice/core/cluster/create-topics'
import { MetadataImage } from '@sluice/core/cluster/image'
import { place } from '@sluice/core/cluster/placement'
import { brokerConfig } from '@sluice/core/config/broker-config'
import { errorName } from '@sluice/protocol/errors'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const topic = (given: Partial<NewTopic> = {}): NewTopic => ({
  name: 'orders',
  partitions: -1,
  replicationFactor: -1,
  configs: {},
  ...given,
})

function context(options: { brokers?: number; topics?: string[] } = {}) {
  const image = new MetadataImage('cluster')
  const { brokers = 1, topics = [] } = options
  for (let id = 1; id <= brokers; id++) {
    const broker = { id, epoch: 1, directoryId: '', rack: null, endpoints: [], fenced: false }
    image.apply(0, [{ kind: 'broker', broker }])
  }
  for (const name of topics) {
    image.apply(0, [
      { kind: 'topic', topic: { id: `id of ${name}`, name, internal: false, partitions: [] } },
    ])
  }
  const resolved = brokerConfig({ 'num.partitions': '3' })
  if (!resolved.ok) throw new Error('bad config')
  return { image, config: resolved.config, draw: () => 0 }
}

function refusalOf(given: Partial<NewTopic>, at = context()) {
  const plan = planTopic(topic(given), at)
  return plan.ok ? 'ok' : errorName(plan.error)
}

describe('planTopic', () => {
  test('takes the defaults of the broker', () => {
    const plan = planTopic(topic(), context())
    expect(plan.ok && plan.partitions.map(({ replicas, leader }) => [replicas, leader])).toEqual([
      [[1], 1],
      [[1], 1],
      [[1], 1],
    ])
  })

  test('refuses bad names, and names that collide', () => {
    for (const name of ['', '.', '..', 'a b', 'ü', 'a/b', 'x'.repeat(250)]) {
      expect(refusalOf({ name })).toBe('INVALID_TOPIC_EXCEPTION')
    }
    expect(refusalOf({ name: 'x'.repeat(249) })).toBe('ok')
    const at = context({ topics: ['a.b', 'taken'] })
    expect(refusalOf({ name: 'a_b' }, at)).toBe('INVALID_TOPIC_EXCEPTION')
    expect(refusalOf({ name: 'taken' }, at)).toBe('TOPIC_ALREADY_EXISTS')
    expect(refusalOf({ name: 'a-b' }, at)).toBe('ok')
  })

  test('refuses numbers that cannot be', () => {
    expect(refusalOf({ partitions: 0 })).toBe('INVALID_PARTITIONS')
    expect(refusalOf({ partitions: -2 })).toBe('INVALID_PARTITIONS')
    expect(refusalOf({ partitions: 10_001 })).toBe('POLICY_VIOLATION')
    expect(refusalOf({ replicationFactor: 0 })).toBe('INVALID_REPLICATION_FACTOR')
    expect(refusalOf({ replicationFactor: 2 })).toBe('INVALID_REPLICATION_FACTOR')
    expect(refusalOf({ replicationFactor: 2 }, context({ brokers: 2 }))).toBe('ok')
    expect(refusalOf({ configs: { 'retention.ms': 'soon' } })).toBe('INVALID_CONFIG')
    expect(refusalOf({ configs: { 'no.such': '1' } })).toBe('INVALID_CONFIG')
  })

  test('checks assignments by hand', () => {
    const assigned = (...brokers: number[][]) => ({
      assignments: brokers.map((one, index) => ({ index, brokers: one })),
    })
    const at = context({ brokers: 2 })
    expect(refusalOf(assigned([1, 2], [2, 1]), at)).toBe('ok')
    expect(refusalOf({ ...assigned([1]), partitions: 1 }, at)).toBe('INVALID_REQUEST')
    expect(refusalOf({ ...assigned([1]), replicationFactor: 1 }, at)).toBe('INVALID_REQUEST')
    for (const bad of [[[]], [[1, 1]], [[3]], [[1], [1, 2]]]) {
      expect(refusalOf(assigned(...bad), at)).toBe('INVALID_REPLICA_ASSIGNMENT')
    }
    const gap = { assignments: [{ index: 1, brokers: [1] }] }
    expect(refusalOf(gap, at)).toBe('INVALID_REPLICA_ASSIGNMENT')
    const twice = {
      assignments: [
        { index: 0, brokers: [1] },
        { index: 0, brokers: [2] },
      ],
    }
    expect(refusalOf(twice, at)).toBe('INVALID_REPLICA_ASSIGNMENT')
  })

  test('adds partitions, and does not take any away', () => {
    const at = context()
    const plan = planTopic(topic({ partitions: 2 }), at)
    if (!plan.ok) throw new Error(plan.message)
    const grown = { id: 'id', name: 'orders', internal: false, partitions: plan.partitions }
    const more = (count: number, assignments: { brokers: number[] }[] | null = null) => {
      const result = planMorePartitions({ topic: grown, count, assignments }, at)
      return result.ok ? result.partitions.map(({ index }) => index) : errorName(result.error)
    }
    expect(more(4)).toEqual([2, 3])
    expect(more(2)).toBe('INVALID_PARTITIONS')
    expect(more(1)).toBe('INVALID_PARTITIONS')
    expect(more(3, [{ brokers: [1] }])).toEqual([2])
    expect(more(4, [{ brokers: [1] }])).toBe('INVALID_REPLICA_ASSIGNMENT')
    expect(more(3, [{ brokers: [9] }])).toBe('INVALID_REPLICA_ASSIGNMENT')
  })
})

test('placement spreads leaders evenly and never puts a partition on one broker twice', () => {
  const shape = fc
    .record({
      brokers: fc.integer({ min: 1, max: 8 }),
      partitions: fc.integer({ min: 1, max: 60 }),
    })
    .chain((given) =>
      fc.record({
        brokers: fc.constant(given.brokers),
        partitions: fc.constant(given.partitions),
        replicationFactor: fc.integer({ min: 1, max: given.brokers }),
        start: fc.integer({ min: 0, max: given.brokers - 1 }),
      }),
    )
  fc.assert(
    fc.property(shape, ({ brokers, ...rest }) => {
      const ids = Array.from({ length: brokers }, (_, i) => 10 + i)
      const placed = place({ brokers: ids, ...rest })
      expect(placed).toHaveLength(rest.partitions)
      const led = new Map<number, number>()
      for (const replicas of placed) {
        expect(new Set(replicas).size).toBe(rest.replicationFactor)
        led.set(replicas[0], (led.get(replicas[0]) ?? 0) + 1)
      }
      const counts = ids.map((id) => led.get(id) ?? 0)
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
    }),
    { numRuns: 100 },
  )
})
