// The queue against a model of a leader that checks sequences as Kafka does, over a network that loses
// requests and answers: what comes out must be every record once, in order, whatever happened.

import { Delivery } from '@sluice/core/kafka-client/delivery'
import { PartitionQueue } from '@sluice/core/kafka-client/partition-queue'
import type { ProducerBatch } from '@sluice/core/kafka-client/producer-batch'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const record = { timestamp: 1, key: null, value: null }

function queueOf(options: { inFlightMax?: number; idempotent?: boolean } = {}): PartitionQueue {
  return new PartitionQueue('topic', 0, { inFlightMax: 5, idempotent: true, ...options })
}

/** Adds a sealed batch of `count` records. */
function fill(queue: PartitionQueue, count: number): ProducerBatch {
  const batch = queue.openBatch(10, 1e6, 0)
  const delivery = new Delivery(count)
  for (let slot = 0; slot < count; slot++) batch.add(record, 10, delivery, slot)
  batch.sealed = true
  return batch
}

function takeAll(queue: PartitionQueue): ProducerBatch[] {
  const taken: ProducerBatch[] = []
  while (queue.canTake()) taken.push(queue.take())
  return taken
}

describe('order', () => {
  test('the first batch goes alone until the broker knows the producer', () => {
    const queue = queueOf()
    for (let index = 0; index < 8; index++) fill(queue, 2)
    expect(takeAll(queue)).toEqual([]) // no producer id yet
    expect(queue.needsIdentity).toBe(true)
    queue.adopt({ producerId: 9, producerEpoch: 0 })
    const [first, ...others] = takeAll(queue)
    expect(first.identity).toEqual({ producerId: 9, producerEpoch: 0, sequence: 0 })
    expect(others).toEqual([])
    queue.acknowledged(first)
    expect(takeAll(queue).map((batch) => batch.identity?.sequence)).toEqual([2, 4, 6, 8, 10])
  })

  test('what comes back goes first and alone', () => {
    const queue = queueOf({ idempotent: false })
    const batches = [1, 2, 3, 4].map(() => fill(queue, 1))
    expect(takeAll(queue)).toEqual(batches)
    queue.lost(batches[2], 0)
    queue.lost(batches[0], 0)
    expect(queue.canTake()).toBe(false)
    queue.acknowledged(batches[1])
    queue.acknowledged(batches[3])
    expect(takeAll(queue)).toEqual([batches[0]])
    queue.acknowledged(batches[0])
    expect(takeAll(queue)).toEqual([batches[2]])
  })

  test('a full batch is closed, and the open one takes what fits', () => {
    const queue = queueOf()
    const first = queue.openBatch(40, 150, 0)
    first.add(record, 40, new Delivery(1), 0)
    expect(queue.openBatch(40, 150, 1)).toBe(first)
    first.add(record, 40, new Delivery(1), 0)
    const second = queue.openBatch(40, 150, 1)
    expect(second).not.toBe(first)
    expect(first.sealed).toBe(true)
    queue.seal()
    expect(second.sealed).toBe(true)
  })
})

describe('numbers', () => {
  test('a lost batch keeps its own, a refused one gives them up', () => {
    const queue = queueOf()
    queue.adopt({ producerId: 9, producerEpoch: 0 })
    const [first, second, third] = [3, 3, 3].map((count) => fill(queue, count))
    queue.take()
    queue.acknowledged(first)
    takeAll(queue)
    queue.lost(second, 0)
    queue.refused(third, [third], 0)
    expect(takeAll(queue)).toEqual([second])
    expect(second.identity?.sequence).toBe(3)
    // It turns out not to be there, and is refused: too large. Its halves take its numbers.
    const halves = second.split()
    queue.refused(second, halves, 0)
    expect(takeAll(queue)).toEqual([halves[0]])
    queue.acknowledged(halves[0])
    expect(takeAll(queue)).toEqual([halves[1]])
    queue.acknowledged(halves[1])
    takeAll(queue)
    expect([...halves, third].map((batch) => batch.identity?.sequence)).toEqual([3, 4, 6])
  })

  test('a lost batch that was stored after all does not turn the count back', () => {
    const queue = queueOf()
    queue.adopt({ producerId: 9, producerEpoch: 0 })
    const [first, second, third] = [2, 2, 2].map((count) => fill(queue, count))
    queue.take()
    queue.acknowledged(first)
    takeAll(queue)
    queue.lost(second, 0) // stored, but the answer was "timed out"
    queue.acknowledged(third)
    takeAll(queue)
    queue.acknowledged(second)
    const fourth = fill(queue, 1)
    takeAll(queue)
    expect(fourth.identity?.sequence).toBe(6)
  })

  test('when a batch is given up that may be stored, the epoch goes up once nothing is open', () => {
    const queue = queueOf()
    queue.adopt({ producerId: 9, producerEpoch: 0 })
    const [first, second, third, fourth] = [1, 1, 1, 1].map((count) => fill(queue, count))
    queue.take()
    queue.acknowledged(first)
    takeAll(queue)
    queue.dropped(second, true)
    queue.lost(third, 0)
    queue.lost(fourth, 0)
    expect(takeAll(queue)).toEqual([third])
    expect(third.identity).toMatchObject({ producerEpoch: 0, sequence: 2 })
    queue.refused(third, [third], 0) // out of order: the given-up one was not stored
    expect(takeAll(queue)).toEqual([third])
    expect(third.identity).toMatchObject({ producerEpoch: 1, sequence: 0 })
    queue.acknowledged(third)
    expect(takeAll(queue)).toEqual([fourth])
    expect(fourth.identity).toMatchObject({ producerEpoch: 1, sequence: 1 })
  })

  test('the last epoch is followed by another producer id', () => {
    const queue = queueOf()
    queue.adopt({ producerId: 9, producerEpoch: 32767 })
    const batch = fill(queue, 1)
    queue.take()
    queue.renew('epoch')
    queue.refused(batch, [batch], 0)
    expect(queue.canTake()).toBe(false)
    expect(queue.needsIdentity).toBe(true)
    queue.adopt({ producerId: 10, producerEpoch: 0 })
    expect(takeAll(queue)).toEqual([batch])
    expect(batch.identity).toEqual({ producerId: 10, producerEpoch: 0, sequence: 0 })
  })
})

/** A leader's producer state for one partition: epoch, next sequence, the last five batches. */
class ModelLeader {
  readonly log: number[] = []
  #epoch = -1
  #next = -1
  #recent: string[] = []

  append(
    batch: ProducerBatch,
    records: readonly number[],
  ): 'stored' | 'duplicate' | 'out-of-order' {
    const { producerEpoch, sequence } = batch.identity as {
      producerEpoch: number
      sequence: number
    }
    const name = `${producerEpoch}/${sequence}/${records.length}`
    if (this.#recent.includes(name)) return 'duplicate'
    const isNew = this.#epoch < 0
    const begins = producerEpoch > this.#epoch && sequence === 0
    const follows = producerEpoch === this.#epoch && sequence === this.#next
    if (!isNew && !begins && !follows) return 'out-of-order'
    this.#epoch = producerEpoch
    this.#next = sequence + records.length
    this.#recent = [...this.#recent.slice(-4), name]
    this.log.push(...records)
    return 'stored'
  }

  /** The producer expired, or retention took all that it wrote. */
  forget(): void {
    this.#epoch = -1
    this.#next = -1
    this.#recent = []
  }
}

/** What happens to the oldest request under way. */
type Fate = 'answered' | 'request-lost' | 'answer-lost' | 'refused' | 'timed-out' | 'forget'

const fates = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<Fate>('answered') },
    {
      weight: 4,
      arbitrary: fc.constantFrom<Fate>('request-lost', 'answer-lost', 'refused', 'timed-out'),
    },
  ),
  { minLength: 5, maxLength: 60 },
)

test('every record once and in order, whatever is lost', () => {
  fc.assert(
    fc.property(
      fates,
      fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 25 }),
      (script, sizes) => {
        const queue = queueOf()
        const leader = new ModelLeader()
        const recordsOf = new Map<ProducerBatch, number[]>()
        let written = 0
        for (const size of sizes) {
          const records = Array.from({ length: size }, () => written++)
          recordsOf.set(fill(queue, size), records)
        }
        queue.adopt({ producerId: 1, producerEpoch: 0 })
        // Requests over one connection: they arrive in order, and when one is lost, all behind it are.
        let cut = false
        let turn = 0
        const underWay: ProducerBatch[] = []
        for (let steps = 0; !queue.isIdle && steps < 2000; steps++) {
          underWay.push(...takeAll(queue))
          const batch = underWay.shift()
          if (batch === undefined) break
          const fate = turn < script.length ? script[turn++] : 'answered'
          if (cut || fate === 'request-lost') {
            cut = underWay.length > 0
            queue.lost(batch, 0)
            continue
          }
          if (fate === 'refused') {
            // Too few replicas, say: that is found before the sequence is looked at.
            if (batch.outcomeUnknown) queue.lost(batch, 0)
            else queue.refused(batch, [batch], 0)
            continue
          }
          const result = leader.append(batch, recordsOf.get(batch) as number[])
          if (result === 'out-of-order') {
            if (queue.isExpected(batch)) queue.renew('epoch')
            queue.refused(batch, [batch], 0)
          } else if (fate === 'answer-lost') {
            cut = underWay.length > 0
            queue.lost(batch, 0)
          } else if (fate === 'timed-out') {
            queue.lost(batch, 0) // the broker says so itself; the connection stays
          } else {
            queue.acknowledged(batch)
          }
        }
        expect(leader.log).toEqual(Array.from({ length: written }, (_, index) => index))
      },
    ),
    { numRuns: 1500 },
  )
})
