// The tail of one partition: who waits behind its end, and the last few chunks that came, so that readers
// who are a moment behind take them from here and not from the log.

import type { Isolation } from '@sluice/core/kafka-client/list-offsets'
import type { TopicMetadata } from '@sluice/core/kafka-client/metadata-cache'
import type { PartitionFetch } from './log-fetch.ts'

/** Chunks kept, and the bytes of records in them. */
const chunksMax = 16
const chunkBytesMax = 1024 * 1024

interface Chunk {
  readonly fetch: PartitionFetch
  readonly fromOffset: number
  readonly bytes: number
}

interface Waiter {
  readonly offset: number
  readonly wake: () => void
}

export class PartitionTail {
  readonly key: string
  readonly topic: TopicMetadata
  readonly partition: number
  readonly isolation: Isolation
  /** Whoever polls it; identity only. */
  lane: object | undefined
  /** Its readers are about to be woken, because it cannot be polled. */
  wakeDue = false
  /** Where the next poll begins; -1 before the first. */
  #offset = -1
  #chunks: Chunk[] = []
  #bytes = 0
  readonly #waiters = new Set<Waiter>()

  constructor(key: string, topic: TopicMetadata, partition: number, isolation: Isolation) {
    this.key = key
    this.topic = topic
    this.partition = partition
    this.isolation = isolation
  }

  get waiting(): number {
    return this.#waiters.size
  }

  /** Whether something behind `offset` has come already. */
  reaches(offset: number): boolean {
    return offset < this.#offset
  }

  /** Calls `wake` when something at or behind `offset` has come; returns how to stop that. */
  join(offset: number, wake: () => void): () => void {
    const waiter = { offset, wake }
    this.#waiters.add(waiter)
    return () => {
      this.#waiters.delete(waiter)
    }
  }

  /** The lowest offset that somebody waits for, where chunks do not lead there without a gap. */
  pollFrom(): number {
    let lowest = Number.POSITIVE_INFINITY
    for (const { offset } of this.#waiters) lowest = Math.min(lowest, offset)
    if (lowest !== this.#offset && Number.isFinite(lowest)) {
      this.#offset = lowest
      this.#chunks = []
      this.#bytes = 0
    }
    return this.#offset
  }

  push(fetch: PartitionFetch): void {
    if (fetch.nextOffset > this.#offset) this.#keep(fetch)
    // One that is woken leaves the set, with all that belongs to the same reader.
    for (const waiter of this.#waiters) {
      if (waiter.offset < this.#offset) waiter.wake()
    }
  }

  /** Everything at hand from `offset` on, as one; undefined where it is not at hand or is nothing. */
  recent(offset: number): PartitionFetch | undefined {
    if (offset >= this.#offset) return undefined
    const newest = this.#chunks.at(-1)
    // A reader that keeps up asks for that alone.
    if (newest?.fromOffset === offset) return newest.fetch
    const first = this.#chunks.findIndex(
      ({ fromOffset, fetch }) => fromOffset <= offset && offset < fetch.nextOffset,
    )
    if (first < 0) return undefined
    const last = this.#chunks[this.#chunks.length - 1].fetch
    const records = this.#chunks
      .slice(first)
      .flatMap((chunk) => chunk.fetch.records)
      .filter((record) => record.offset >= offset)
    return { ...last, records }
  }

  wake(): void {
    for (const waiter of this.#waiters) waiter.wake()
  }

  #keep(fetch: PartitionFetch): void {
    const bytes = fetch.records.reduce((sum, record) => sum + record.bytes, 0)
    this.#chunks.push({ fetch, fromOffset: this.#offset, bytes })
    this.#bytes += bytes
    this.#offset = fetch.nextOffset
    while (this.#chunks.length > chunksMax || this.#bytes > chunkBytesMax) {
      const dropped = this.#chunks.shift()
      if (!dropped) return
      this.#bytes -= dropped.bytes
    }
  }
}
