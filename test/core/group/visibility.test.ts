// What a coordinator shows is what a replay of its log shows, whatever was committed, deleted, expired,
// answered late, out of order or with an error.

import { errors } from '@sluice/protocol/errors'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CoordinatorWorld, commitOf, home } from './coordinator-world.ts'

const topics = ['a', 'b']
const retention = {
  'offsets.retention.minutes': '1',
  'offsets.retention.check.interval.ms': '5000',
}

const move = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('commit'), what: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('hold'), what: fc.nat(1) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('release'), what: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('fail'), what: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deleteTopic'), what: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deleteGroup'), what: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deleteOffset'), what: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait'), what: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('failOver'), what: fc.nat(1) }) },
)

class Play {
  readonly world = new CoordinatorWorld(retention)
  /** Offsets only grow here: what is shown for a partition must not go back but by a deletion. */
  #lastOffset = 0
  #deletions = 0
  #deletionsUnderWay = 0
  /** Offsets expired while appends were held back: they go when one of these is released. */
  #expiryHeld = false
  #shown: { offsets: Record<string, number>; deletions: number } = { offsets: {}, deletions: 0 }
  readonly #underWay: Promise<unknown>[] = []

  async step({ kind, what }: { kind: string; what: number }): Promise<void> {
    const { world } = this
    const { coordinator, log } = world
    switch (kind) {
      case 'commit': {
        const commit = commitOf(topics[what % 2], what >> 1, ++this.#lastOffset)
        this.#underWay.push(world.commit(0, { offsets: [commit] }))
        break
      }
      case 'hold':
        log.held = true
        break
      case 'release':
        log.release({ reversed: what === 1 })
        if (this.#expiryHeld) this.#deletions += 1
        break
      case 'fail':
        log.failures.push(errors.NOT_ENOUGH_REPLICAS)
        break
      case 'deleteTopic':
        this.#deleting(coordinator.topicsDeleted([topics[what]]))
        break
      case 'deleteGroup':
        this.#deleting(coordinator.deleteGroups(['readers']))
        break
      case 'deleteOffset': {
        const partitions = [{ partitionIndex: what >> 1 }]
        const request = { groupId: 'readers', topics: [{ name: topics[what % 2], partitions }] }
        this.#deleting(coordinator.deleteOffsets(request))
        break
      }
      case 'wait':
        await world.clock.runFor(what * 1000)
        // Expiry is a deletion too.
        this.#deletions += 1
        this.#expiryHeld ||= log.held
        break
      default:
        await this.quiesce()
        this.#expiryHeld = false
        await world.failOver(retention)
    }
    await new Promise((resolve) => setImmediate(resolve))
    await this.#look()
  }

  /** Lets all that is under way come to its end. */
  async quiesce(): Promise<void> {
    this.world.log.held = false
    this.world.log.failures.length = 0
    this.world.log.release()
    let done = false
    const all = Promise.all(this.#underWay.splice(0)).then(() => {
      done = true
    })
    expect(await this.world.clock.runUntil(() => done, 1000)).toBe(true)
    await all
  }

  #deleting(deletion: Promise<unknown>): void {
    this.#deletionsUnderWay += 1
    const done = deletion.then(() => {
      this.#deletionsUnderWay -= 1
      this.#deletions += 1
    })
    this.#underWay.push(done)
  }

  async #look(): Promise<void> {
    const offsets = await this.world.committed()
    if (typeof offsets === 'number') return
    if (this.#deletions === this.#shown.deletions && this.#deletionsUnderWay === 0) {
      for (const [partition, offset] of Object.entries(this.#shown.offsets)) {
        expect(offsets[partition]).toBeGreaterThanOrEqual(offset)
      }
    }
    this.#shown = { offsets, deletions: this.#deletions }
  }
}

test('what is shown is what the log says, and it does not go back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(move, { maxLength: 40 }), async (moves) => {
      const play = new Play()
      await play.world.coordinator.onElected(home)
      for (const step of moves) await play.step(step)
      await play.quiesce()
      const shown = await play.world.committed()
      const groups = play.world.coordinator.list({ states: [], types: [] }).groups
      await play.world.failOver(retention)
      expect(await play.world.committed()).toEqual(shown)
      expect(play.world.coordinator.list({ states: [], types: [] }).groups).toEqual(groups)
    }),
    { numRuns: 500 },
  )
})
