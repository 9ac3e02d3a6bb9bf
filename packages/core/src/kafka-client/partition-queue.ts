// PartitionQueue: the batches of one partition, waiting and in flight, in the order in which they must
// reach the log; and for an idempotent producer the sequence numbers by which the broker checks that.
//
//   waiting [retried..., sealed..., open]  --take-->  in flight [oldest...]  --answer-->  settled | back
//
// Rules that keep order and exclude duplicates:
// - What comes back goes to the front, and goes out alone: nothing else is sent until it is through. So a
//   batch that may be in the log is always among the latest five there, by which the broker knows it.
// - Until the broker has acknowledged a batch under an identity, one batch is in flight at a time: a broker
//   that does not know a producer takes whatever sequence comes first.
// - A batch that may be in the log keeps its identity (the broker knows it again), also when a repetition
//   is refused. One that was refused and never lost is not in the log, nor is any sent after it: they get
//   new numbers. So does one that the broker finds out of order: it looked for it in the log.
// - When numbers are used up for nothing (a batch failed for good and may be in the log), the epoch of this
//   partition goes up, after all that may be in the log was settled under the old one. Brokers keep
//   producer epochs by partition unless there is a transaction, so other partitions are not concerned.

import { assert } from '../lib/assert.ts'
import { ProducerBatch } from './producer-batch.ts'

export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

const producerEpochMax = 2 ** 15 - 1

export class PartitionQueue {
  readonly topic: string
  readonly index: number
  /** No batch leaves before this (monotonic): what is left of a backoff. */
  retryAtMs = 0
  readonly #inFlightMax: number
  readonly #idempotent: boolean
  readonly #waiting: ProducerBatch[] = []
  readonly #inFlight: ProducerBatch[] = []
  #batchCount = 0
  #identity: ProducerIdentity | undefined
  #nextSequence = 0
  /** What the broker expects next, by what it acknowledged. */
  #expectedSequence = 0
  /** It acknowledged a batch under this identity. */
  #known = false
  #renewal: 'none' | 'epoch' | 'producer' = 'none'

  constructor(topic: string, index: number, options: { inFlightMax: number; idempotent: boolean }) {
    this.topic = topic
    this.index = index
    this.#inFlightMax = options.inFlightMax
    this.#idempotent = options.idempotent
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#inFlight.length === 0
  }

  get head(): ProducerBatch | undefined {
    return this.#waiting[0]
  }

  get waiting(): readonly ProducerBatch[] {
    return this.#waiting
  }

  get inFlight(): readonly ProducerBatch[] {
    return this.#inFlight
  }

  /** The batch that a record of `bytes` goes into; the one before it is sealed when this is a new one. */
  openBatch(bytes: number, batchBytesMax: number, nowMs: number): ProducerBatch {
    const last = this.#waiting.at(-1)
    if (last !== undefined && !last.sealed && last.bytes + bytes <= batchBytesMax) return last
    if (last !== undefined) last.sealed = true
    const batch = new ProducerBatch(this.#batchCount++, nowMs)
    this.#waiting.push(batch)
    return batch
  }

  /** Everything that waits may leave at once. */
  seal(): void {
    const last = this.#waiting.at(-1)
    if (last !== undefined) last.sealed = true
  }

  /** Whether the first batch may be sent, as far as order goes. Settles numbers where that is due. */
  canTake(): boolean {
    const head = this.#waiting[0]
    if (head === undefined || this.#inFlight.length >= this.#inFlightMax) return false
    if (this.#inFlight.length > 0) {
      if (head.attempts > 0 || this.#inFlight[0].attempts > 1) return false
      if (this.#renewal !== 'none') return false
      return !this.#idempotent || this.#known
    }
    if (!this.#idempotent) return true
    this.#renumber()
    return this.#identity !== undefined
  }

  /** Whether it waits for a producer id. */
  get needsIdentity(): boolean {
    return this.#idempotent && this.#identity === undefined && this.#waiting.length > 0
  }

  adopt(identity: ProducerIdentity): void {
    assert(this.#identity === undefined, 'a partition has one producer id at a time')
    this.#identity = identity
    this.#nextSequence = 0
    this.#expectedSequence = 0
    this.#known = false
  }

  /** Takes the first batch; canTake() has just said that it may go. */
  take(): ProducerBatch {
    const batch = this.#waiting.shift()
    assert(batch !== undefined, 'there is a batch to take')
    batch.sealed = true
    batch.attempts += 1
    this.#inFlight.push(batch)
    if (this.#identity !== undefined && batch.identity === undefined) {
      batch.identity = { ...this.#identity, sequence: this.#nextSequence }
      this.#nextSequence += batch.recordCount
    }
    return batch
  }

  /** The batch is in the log. */
  acknowledged(batch: ProducerBatch): void {
    this.#land(batch)
    if (batch.identity === undefined || !this.#isCurrent(batch)) return
    this.#known = true
    // Never back: a batch that was lost may turn out to be stored after the one behind it was acknowledged.
    const after = batch.identity.sequence + batch.recordCount
    this.#expectedSequence = Math.max(this.#expectedSequence, after)
  }

  /** The batch is not in the log and is tried again (or what was split off it is). */
  refused(batch: ProducerBatch, again: readonly ProducerBatch[], retryAtMs: number): void {
    this.#land(batch)
    batch.outcomeUnknown = false
    this.#putBack(again, retryAtMs)
  }

  /** Nobody knows whether the batch is in the log; it is tried again as it is. */
  lost(batch: ProducerBatch, retryAtMs: number): void {
    this.#land(batch)
    batch.outcomeUnknown = true
    this.#putBack([batch], retryAtMs)
  }

  /** The batch failed for good, on its way or waiting. `mayBeStored`: its numbers are used up, perhaps. */
  dropped(batch: ProducerBatch, mayBeStored: boolean): void {
    const index = this.#waiting.indexOf(batch)
    if (index >= 0) this.#waiting.splice(index, 1)
    else this.#land(batch)
    if (mayBeStored && this.#isCurrent(batch)) this.renew('epoch')
  }

  /** Whether the broker, which found the batch out of order, should have expected just this one. */
  isExpected(batch: ProducerBatch): boolean {
    return this.#isCurrent(batch) && batch.identity?.sequence === this.#expectedSequence
  }

  /** The numbers are no good any more: take a new epoch, or a new producer id. */
  renew(what: 'epoch' | 'producer'): void {
    if (!this.#idempotent) return
    if (this.#renewal !== 'producer') this.#renewal = what
  }

  #isCurrent(batch: ProducerBatch): boolean {
    const { identity } = batch
    if (identity === undefined || this.#identity === undefined) return false
    return (
      identity.producerId === this.#identity.producerId &&
      identity.producerEpoch === this.#identity.producerEpoch
    )
  }

  #land(batch: ProducerBatch): void {
    const index = this.#inFlight.indexOf(batch)
    assert(index >= 0, 'the batch was in flight')
    this.#inFlight.splice(index, 1)
  }

  /** To where they came from: what was split off goes before the rest of what it was part of. */
  #putBack(batches: readonly ProducerBatch[], retryAtMs: number): void {
    this.retryAtMs = Math.max(this.retryAtMs, retryAtMs)
    if (batches.length === 0) return
    const behind = this.#waiting.findIndex((other) => other.order >= batches[0].order)
    this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, ...batches)
  }

  /** Nothing is in flight: what may be in the log keeps its numbers, the rest is numbered again. */
  #renumber(): void {
    let kept = 0
    let next = this.#expectedSequence
    for (const batch of this.#waiting) {
      if (batch.identity === undefined || !batch.outcomeUnknown) break
      next = Math.max(next, batch.identity.sequence + batch.recordCount)
      kept += 1
    }
    for (let index = kept; index < this.#waiting.length; index++) {
      const batch = this.#waiting[index]
      if (batch.identity === undefined) break
      batch.identity = undefined
      batch.outcomeUnknown = false
    }
    this.#nextSequence = next
    if (kept === 0) this.#applyRenewal()
  }

  #applyRenewal(): void {
    const renewal = this.#renewal
    const identity = this.#identity
    this.#renewal = 'none'
    if (renewal === 'none' || identity === undefined) return
    this.#identity = undefined
    if (renewal === 'producer' || identity.producerEpoch === producerEpochMax) return
    this.adopt({ ...identity, producerEpoch: identity.producerEpoch + 1 })
  }
}
