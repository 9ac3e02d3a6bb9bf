// Delivery: what becomes of the records of one send() call, told once for all of them.

import type { KafkaError } from './kafka-error.ts'

/** Where a record was stored. */
export interface RecordPosition {
  readonly partition: number
  /** -1 where the broker does not tell: acks=0, or a repetition of a batch that it stored long ago. */
  readonly offset: number
  /** The record's own time, or the broker's where the topic takes LogAppendTime. */
  readonly timestamp: number
}

/** By the record's place in the call. */
export type RecordOutcome = RecordPosition | KafkaError

export class Delivery {
  /** Resolves when each record has its outcome; never rejects. */
  readonly done: Promise<Delivery>
  /** Whole when `done` has resolved. */
  readonly outcomes: RecordOutcome[]
  /** The first error among the outcomes. */
  failure: KafkaError | undefined
  #open: number
  #resolve!: (delivery: Delivery) => void

  constructor(recordCount: number) {
    this.outcomes = new Array<RecordOutcome>(recordCount)
    this.#open = recordCount
    this.done = new Promise((resolve) => {
      this.#resolve = resolve
    })
    if (recordCount === 0) this.#resolve(this)
  }

  stored(slot: number, position: RecordPosition): void {
    this.outcomes[slot] = position
    if (--this.#open === 0) this.#resolve(this)
  }

  failed(slot: number, error: KafkaError): void {
    this.outcomes[slot] = error
    this.failure ??= error
    if (--this.#open === 0) this.#resolve(this)
  }

  /** Fails records `from` and following; those before it have gone their way. */
  failedFrom(from: number, error: KafkaError): void {
    for (let slot = from; slot < this.outcomes.length; slot++) this.failed(slot, error)
  }
}
