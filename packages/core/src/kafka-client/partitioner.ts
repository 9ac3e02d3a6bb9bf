// Partitioners: which partition a record without one of its own goes to.
//
//   default      with a key: murmur2 of the key, as Java's client; without: sticky (KIP-794): one partition
//                until a batch worth of bytes went there, then another one drawn at random
//   round-robin  one after the other, keyed or not

import type { Random } from '../host/random.ts'
import { murmur2 } from './murmur2.ts'

export type PartitionerName = 'default' | 'round-robin'

export interface Partitioner {
  /** `recordBytes` is about what the record takes in a batch. */
  partition(key: Uint8Array | null, recordBytes: number, partitionCount: number): number
}

/** One for each topic: it remembers where it is. */
export function createPartitioner(
  name: PartitionerName,
  options: { random: Random; stickyBytes: number },
): Partitioner {
  if (name === 'round-robin') return new RoundRobinPartitioner(options.random)
  return new DefaultPartitioner(options)
}

/** The partition of a key among `partitionCount`, as Java's client takes it. */
export function partitionOfKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fff_ffff) % partitionCount
}

class DefaultPartitioner implements Partitioner {
  readonly #random: Random
  readonly #stickyBytes: number
  #current = -1
  #bytesHere = 0

  constructor(options: { random: Random; stickyBytes: number }) {
    this.#random = options.random
    this.#stickyBytes = options.stickyBytes
  }

  partition(key: Uint8Array | null, recordBytes: number, partitionCount: number): number {
    if (key !== null) return partitionOfKey(key, partitionCount)
    if (this.#current < 0 || this.#bytesHere >= this.#stickyBytes) {
      this.#current = this.#random.integer(partitionCount)
      this.#bytesHere = 0
    }
    // A recreated topic may have fewer partitions than the one that was drawn from.
    if (this.#current >= partitionCount) this.#current = this.#random.integer(partitionCount)
    this.#bytesHere += recordBytes
    return this.#current
  }
}

class RoundRobinPartitioner implements Partitioner {
  #next: number

  constructor(random: Random) {
    this.#next = random.integer(2 ** 16)
  }

  partition(_key: Uint8Array | null, _recordBytes: number, partitionCount: number): number {
    this.#next = (this.#next + 1) % partitionCount
    return this.#next
  }
}
