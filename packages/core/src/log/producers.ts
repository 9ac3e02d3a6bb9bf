// Producers: the idempotent producers of one log, those that were silent longest first. One that was silent
// for producer.id.expiration.ms is not known any more (Kafka looks for such ones from time to time; here
// they are found when they come back, and swept to give back the memory), nor are those beyond a number.

import type { BatchHeader } from '@sluice/protocol/records/batch'
import { noProducerId } from '@sluice/protocol/records/batch'
import {
  noEpoch,
  ProducerState,
  type SequencedBatch,
  type SequenceVerdict,
} from './producer-state.ts'

/** Some 300 bytes each. A log with more producers within a day forgets the longest silent. */
const producersMax = 100_000

/** Batches of an append that is not written yet: they follow one another, and may still be refused. */
export class ProducersDraft {
  readonly #find: (producerId: number) => ProducerState | undefined
  readonly #drafted: Map<number, ProducerState>

  /** `find` gives what is in the log already. */
  constructor(
    find: (producerId: number) => ProducerState | undefined,
    drafted: Map<number, ProducerState> = new Map(),
  ) {
    this.#find = find
    this.#drafted = drafted
  }

  /** As it is now, whatever becomes of this one. */
  copy(): ProducersDraft {
    const drafted = new Map([...this.#drafted].map(([id, state]) => [id, state.clone()]))
    return new ProducersDraft(this.#find, drafted)
  }

  check(batch: SequencedBatch): SequenceVerdict {
    return this.#state(batch.producerId).check(batch)
  }

  remember(batch: SequencedBatch, lastOffset: number): void {
    const { producerId } = batch
    let state = this.#drafted.get(producerId)
    if (state === undefined) {
      state = this.#state(producerId).clone()
      this.#drafted.set(producerId, state)
    }
    state.remember(batch, lastOffset)
  }

  #state(producerId: number): ProducerState {
    const known = this.#drafted.get(producerId) ?? this.#find(producerId)
    return known ?? new ProducerState(producerId, noEpoch, 0)
  }
}

export class Producers {
  readonly #expirationMs: () => number
  /** In the order of their last batches. */
  #states = new Map<number, ProducerState>()
  /** The last of them: a batch of the same one again changes no order. */
  #newest: ProducerState | undefined

  /** `expirationMs` may change: producer.id.expiration.ms is altered while brokers run. */
  constructor(expirationMs: () => number) {
    this.#expirationMs = expirationMs
  }

  get size(): number {
    return this.#states.size
  }

  /**
   * The first offset of the oldest open transaction, above which nothing is stable. Transactions are
   * not accepted yet, so there is none.
   */
  get firstUnstableOffset(): number | undefined {
    return undefined
  }

  states(): ProducerState[] {
    return [...this.#states.values()]
  }

  draft(nowMs: () => number): ProducersDraft {
    return new ProducersDraft((producerId) => this.#find(producerId, nowMs()))
  }

  /** A batch of whatever producer, or none, is in the log. It was checked before, or replayed from there. */
  appended(batch: BatchHeader | SequencedBatch, lastOffset: number, nowMs: number): void {
    const { producerId, producerEpoch } = batch
    if (producerId === noProducerId) return
    // A transaction's marker: it has no sequence.
    if ('control' in batch && batch.control) return
    const known = this.#find(producerId, nowMs)
    const state = known ?? new ProducerState(producerId, producerEpoch, nowMs)
    state.remember(batch, lastOffset)
    state.lastSeenMs = nowMs
    if (state === this.#newest) return
    // Taken out and put in again: the order is that of their last batches.
    if (!this.#states.delete(producerId)) this.#forgetOldest()
    this.#states.set(producerId, state)
    this.#newest = state
  }

  /** Starts over from `states`, in their order. */
  reset(states: readonly ProducerState[]): void {
    this.#states = new Map(states.map((state) => [state.producerId, state]))
    this.#newest = undefined
  }

  /** Gives back the memory of those that are not known any more. */
  sweep(nowMs: number): void {
    const expirationMs = this.#expirationMs()
    for (const [producerId, state] of this.#states) {
      if (nowMs - state.lastSeenMs < expirationMs) return
      this.#states.delete(producerId)
    }
  }

  #find(producerId: number, nowMs: number): ProducerState | undefined {
    const state = this.#states.get(producerId)
    if (state === undefined || nowMs - state.lastSeenMs >= this.#expirationMs()) return undefined
    return state
  }

  #forgetOldest(): void {
    if (this.#states.size < producersMax) return
    for (const producerId of this.#states.keys()) {
      this.#states.delete(producerId)
      return
    }
  }
}
