// ProducerState: what a log remembers of one idempotent producer: its epoch and its last five batches.
//
//   same epoch   sequence follows the last one ................ append
//                range of one of the five ..................... duplicate: its offsets are given again
//                anything else ................................ OUT_OF_ORDER_SEQUENCE_NUMBER
//   newer epoch  sequence 0 ................................... append, what was remembered is forgotten
//                anything else ................................ OUT_OF_ORDER_SEQUENCE_NUMBER
//   older epoch  .............................................. INVALID_PRODUCER_EPOCH
//   not known    (never seen, or idle for too long) ........... append at whatever sequence
//
// The last line is Kafka's since 2.5 (KIP-360): UNKNOWN_PRODUCER_ID is no longer said to a producer.

import { errors } from '@sluice/protocol/errors'
import { assert } from '../lib/assert.ts'

/** As many requests as an idempotent producer may have under way. */
export const rememberedBatchesMax = 5
export const noEpoch = -1
const sequenceMax = 2 ** 31 - 1

/** A batch that was appended. */
export interface RememberedBatch {
  readonly lastSequence: number
  readonly lastOffset: number
  /** Its number of records, less one. */
  readonly offsetDelta: number
  readonly timestampMs: number
}

/** What is to be known of a batch to place it in its producer's sequence. */
export interface SequencedBatch {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly lastOffsetDelta: number
  readonly maxTimestamp: number
}

export type SequenceVerdict =
  | { readonly kind: 'append' }
  | { readonly kind: 'duplicate'; readonly of: RememberedBatch }
  | {
      readonly kind: 'refused'
      readonly error: number
      readonly message: string
      /** What would be taken. */
      readonly epoch: number
      readonly nextSequence: number
    }

const append: SequenceVerdict = Object.freeze({ kind: 'append' })

export class ProducerState {
  readonly producerId: number
  epoch: number
  coordinatorEpoch = -1
  /** Of the newest batch; as in Kafka its greatest record timestamp. */
  lastTimestampMs = -1
  /** Where its open transaction begins; -1 while there is none. */
  currentTxnFirstOffset = -1
  /** By our clock, for expiry: timestamps are whatever the producer says. */
  lastSeenMs: number
  /** Oldest first. */
  readonly batches: RememberedBatch[] = []

  constructor(producerId: number, epoch: number, nowMs: number) {
    this.producerId = producerId
    this.epoch = epoch
    this.lastSeenMs = nowMs
  }

  clone(): ProducerState {
    const copy = new ProducerState(this.producerId, this.epoch, this.lastSeenMs)
    copy.coordinatorEpoch = this.coordinatorEpoch
    copy.lastTimestampMs = this.lastTimestampMs
    copy.currentTxnFirstOffset = this.currentTxnFirstOffset
    copy.batches.push(...this.batches)
    return copy
  }

  get lastBatch(): RememberedBatch | undefined {
    return this.batches.at(-1)
  }

  check(batch: SequencedBatch): SequenceVerdict {
    const { producerEpoch, baseSequence } = batch
    if (producerEpoch === this.epoch) {
      const duplicate = this.#duplicateOf(batch)
      if (duplicate !== undefined) return { kind: 'duplicate', of: duplicate }
    }
    const { epoch } = this
    if (producerEpoch < epoch) {
      const nextSequence = nextSequenceAfter(this.lastBatch)
      const message = `epoch ${producerEpoch} of producer ${this.producerId} is older than ${this.epoch}`
      const error = errors.INVALID_PRODUCER_EPOCH
      return { kind: 'refused', error, message, epoch, nextSequence }
    }
    if (this.epoch === noEpoch) return append
    const sameEpoch = producerEpoch === this.epoch
    const nextSequence = sameEpoch ? nextSequenceAfter(this.lastBatch) : 0
    if (baseSequence === nextSequence) return append
    const error = errors.OUT_OF_ORDER_SEQUENCE_NUMBER
    const message = `sequence ${baseSequence} of producer ${this.producerId} where ${nextSequence} comes next`
    return { kind: 'refused', error, message, epoch: producerEpoch, nextSequence }
  }

  /** The batch is in the log, its last record at `lastOffset`. */
  remember(batch: SequencedBatch, lastOffset: number): void {
    if (batch.producerEpoch !== this.epoch) {
      this.batches.length = 0
      this.epoch = batch.producerEpoch
    }
    if (this.batches.length === rememberedBatchesMax) this.batches.shift()
    this.batches.push({
      lastSequence: lastSequence(batch),
      lastOffset,
      offsetDelta: batch.lastOffsetDelta,
      timestampMs: batch.maxTimestamp,
    })
    this.lastTimestampMs = batch.maxTimestamp
  }

  #duplicateOf(batch: SequencedBatch): RememberedBatch | undefined {
    const last = lastSequence(batch)
    for (const remembered of this.batches) {
      if (remembered.lastSequence !== last) continue
      if (remembered.offsetDelta === batch.lastOffsetDelta) return remembered
    }
    return undefined
  }
}

/** Sequences count records and begin again at 0 after 2^31 - 1. */
export function sequenceAfter(sequence: number, records: number): number {
  assert(records >= 0, 'sequences grow')
  return (sequence + records) % (sequenceMax + 1)
}

function lastSequence(batch: SequencedBatch): number {
  return sequenceAfter(batch.baseSequence, batch.lastOffsetDelta)
}

function nextSequenceAfter(last: RememberedBatch | undefined): number {
  return last === undefined ? 0 : sequenceAfter(last.lastSequence, 1)
}
