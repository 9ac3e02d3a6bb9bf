// The committed offsets of one group, as far as they are in the log: an offset is visible here only
// after its record was appended. What is still on its way is counted per partition, so that whoever
// deletes (a group, a topic, expiry) knows of it: log order is the order of the appends.

import { assert } from '../lib/assert.ts'

export interface CommittedOffset {
  readonly offset: number
  /** -1: the client did not say. */
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestampMs: number
  /** -1: it goes by the retention of the broker. */
  readonly expireTimestampMs: number
  /** Of the topic that it was committed for; zeroUuid when that is not known. */
  readonly topicId: string
}

/** Committed offsets to look at; they change under the reader with each commit. */
export interface OffsetView {
  get(topic: string, partition: number): CommittedOffset | undefined
  topics(): IterableIterator<[topic: string, partitions: ReadonlyMap<number, CommittedOffset>]>
}

export class GroupOffsets implements OffsetView {
  readonly #topics = new Map<string, Map<number, CommittedOffset>>()
  readonly #inFlight = new Map<string, Map<number, number>>()
  #count = 0

  /** Committed offsets. */
  get count(): number {
    return this.#count
  }

  /** Nothing is committed and nothing is on its way. */
  get isEmpty(): boolean {
    return this.#count === 0 && this.#inFlight.size === 0
  }

  get(topic: string, partition: number): CommittedOffset | undefined {
    return this.#topics.get(topic)?.get(partition)
  }

  set(topic: string, partition: number, committed: CommittedOffset): void {
    let partitions = this.#topics.get(topic)
    if (!partitions) {
      partitions = new Map()
      this.#topics.set(topic, partitions)
    }
    if (!partitions.has(partition)) this.#count += 1
    partitions.set(partition, committed)
  }

  delete(topic: string, partition: number): void {
    const partitions = this.#topics.get(topic)
    if (!partitions?.delete(partition)) return
    this.#count -= 1
    if (partitions.size === 0) this.#topics.delete(topic)
  }

  topics(): IterableIterator<[topic: string, partitions: ReadonlyMap<number, CommittedOffset>]> {
    return this.#topics.entries()
  }

  /** A record for the partition (an offset or a tombstone) is about to be appended. */
  begin(topic: string, partition: number): void {
    let partitions = this.#inFlight.get(topic)
    if (!partitions) {
      partitions = new Map()
      this.#inFlight.set(topic, partitions)
    }
    partitions.set(partition, (partitions.get(partition) ?? 0) + 1)
  }

  /** That record was appended, or it never will be. */
  end(topic: string, partition: number): void {
    const partitions = this.#inFlight.get(topic)
    const count = partitions?.get(partition)
    assert(partitions && count, 'what ends has begun')
    if (count > 1) partitions.set(partition, count - 1)
    else if (partitions.size > 1) partitions.delete(partition)
    else this.#inFlight.delete(topic)
  }

  isInFlight(topic: string, partition: number): boolean {
    return this.#inFlight.get(topic)?.has(partition) ?? false
  }

  /** It is committed, or a record for it is on its way. */
  has(topic: string, partition: number): boolean {
    return this.get(topic, partition) !== undefined || this.isInFlight(topic, partition)
  }

  /** Partitions of `topic` (default: of all topics) that are committed or on their way. */
  *known(only?: string): Generator<[topic: string, partition: number]> {
    for (const [topic, partitions] of this.#topics) {
      if (only !== undefined && topic !== only) continue
      for (const partition of partitions.keys()) yield [topic, partition]
    }
    for (const [topic, partitions] of this.#inFlight) {
      if (only !== undefined && topic !== only) continue
      for (const partition of partitions.keys()) {
        if (!this.get(topic, partition)) yield [topic, partition]
      }
    }
  }
}

/** Of a group that has committed nothing. */
export const noOffsets: OffsetView = new GroupOffsets()
