// ProducerBatch: records on their way to one partition, with whom to tell what became of each.
//
//   waiting -> in flight -> settled          back to waiting as often as it is retried

import { batchHeaderBytes, type Codec } from '@sluice/protocol/records/batch'
import { encodeBatch } from '@sluice/protocol/records/record'
import type { RecordInput } from '@sluice/protocol/records/record-writer'
import type { BufferPool } from '../lib/buffer-pool.ts'
import type { Delivery } from './delivery.ts'
import type { KafkaError } from './kafka-error.ts'

/** By which a broker knows a batch again (KIP-98). */
export interface BatchIdentity {
  readonly producerId: number
  readonly producerEpoch: number
  /** Counts on without end; on the wire it begins again at 0 after 2^31 - 1. */
  readonly sequence: number
}

/** How batches of a producer are encoded. */
export interface BatchEncoding {
  readonly codec: Codec
  readonly level: number | undefined
  readonly buffers: BufferPool
}

const sequenceCount = 2 ** 31
/** Smaller batches are cheaper to allocate than to keep. */
const pooledBytesMin = 8 * 1024

export class ProducerBatch {
  /** Its place among the batches of its partition; kept by what is split off. */
  readonly order: number
  readonly createdMs: number
  /** The most bytes that it takes uncompressed. */
  bytes = batchHeaderBytes
  /** Nothing is added any more; it goes out as soon as it can. */
  sealed = false
  attempts = 0
  /** It was sent and nobody knows whether it is in the log: a retry must be the same batch. */
  outcomeUnknown = false
  /** Its records have their outcome. */
  settled = false
  #identity: BatchIdentity | undefined
  #encoded: Buffer | undefined
  #pooled = false
  readonly #records: RecordInput[] = []
  readonly #deliveries: Delivery[] = []
  readonly #slots: number[] = []

  constructor(order: number, createdMs: number) {
    this.order = order
    this.createdMs = createdMs
  }

  get recordCount(): number {
    return this.#records.length
  }

  get identity(): BatchIdentity | undefined {
    return this.#identity
  }

  set identity(identity: BatchIdentity | undefined) {
    this.#identity = identity
    this.#encoded = undefined
  }

  /** `bytes` is recordBytesMax(record). */
  add(record: RecordInput, bytes: number, delivery: Delivery, slot: number): void {
    this.bytes += bytes
    this.#records.push(record)
    this.#deliveries.push(delivery)
    this.#slots.push(slot)
  }

  encode({ codec, level, buffers }: BatchEncoding): Buffer {
    if (this.#encoded !== undefined) return this.#encoded
    const pooled = codec === 'none' && this.bytes >= pooledBytesMin
    const allocate = pooled ? (bytes: number) => buffers.take(bytes) : undefined
    const records = this.#records
    this.#encoded = encodeBatch({ records, codec, level, allocate, ...this.#onWire() })
    this.#pooled = pooled
    return this.#encoded
  }

  /** Nobody sends the encoded batch any more, nor is sending it. */
  reuse(buffers: BufferPool): void {
    if (this.#encoded !== undefined && this.#pooled) buffers.give(Buffer.from(this.#encoded.buffer))
    this.#encoded = undefined
  }

  /** `baseOffset` and `logAppendTimeMs` as the broker answered, -1 for what it does not say. */
  succeed(partition: number, baseOffset: number, logAppendTimeMs: number): void {
    if (this.settled) return
    this.#settle()
    for (let index = 0; index < this.#records.length; index++) {
      const offset = baseOffset < 0 ? -1 : baseOffset + index
      const timestamp = logAppendTimeMs >= 0 ? logAppendTimeMs : this.#records[index].timestamp
      this.#deliveries[index].stored(this.#slots[index], { partition, offset, timestamp })
    }
  }

  fail(error: KafkaError): void {
    if (this.settled) return
    this.#settle()
    for (let index = 0; index < this.#records.length; index++) {
      this.#deliveries[index].failed(this.#slots[index], error)
    }
  }

  /** Fails the records that the broker named and returns a batch of the others. */
  without(refused: ReadonlyMap<number, KafkaError>): ProducerBatch {
    const rest = this.#successor()
    this.#settle()
    for (let index = 0; index < this.#records.length; index++) {
      const error = refused.get(index)
      if (error === undefined) this.#move(index, rest)
      else this.#deliveries[index].failed(this.#slots[index], error)
    }
    return rest
  }

  /** Two batches of half the records each, in order. */
  split(): [ProducerBatch, ProducerBatch] {
    const halves: [ProducerBatch, ProducerBatch] = [this.#successor(), this.#successor()]
    this.#settle()
    const middle = this.#records.length >> 1
    for (let index = 0; index < this.#records.length; index++) {
      this.#move(index, halves[index < middle ? 0 : 1])
    }
    return halves
  }

  /** For records split off: as old as this one, as often tried, and never filled up. */
  #successor(): ProducerBatch {
    const batch = new ProducerBatch(this.order, this.createdMs)
    batch.sealed = true
    batch.attempts = this.attempts
    return batch
  }

  #onWire() {
    if (this.#identity === undefined) return undefined
    const { producerId, producerEpoch, sequence } = this.#identity
    return { producerId, producerEpoch, baseSequence: sequence % sequenceCount }
  }

  #move(index: number, to: ProducerBatch): void {
    to.bytes += Math.ceil(this.bytes / this.#records.length)
    to.#records.push(this.#records[index])
    to.#deliveries.push(this.#deliveries[index])
    to.#slots.push(this.#slots[index])
  }

  #settle(): void {
    this.settled = true
    this.#encoded = undefined
  }
}
