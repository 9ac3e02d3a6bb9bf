// Placement: which brokers hold the replicas of new partitions. Pure. Leaders go round the brokers from
// a drawn start, further replicas to the next ones, shifted after each round so that the partitions of
// one leader do not all share their followers.

import { assert } from '../lib/assert.ts'

export interface PlacementOptions {
  /** Live brokers, ascending. */
  readonly brokers: readonly number[]
  readonly partitions: number
  readonly replicationFactor: number
  /** Where to begin, 0 <= start < brokers.length. */
  readonly start: number
}

/** Replicas of each partition, the preferred leader first. */
export function place({
  brokers,
  partitions,
  replicationFactor,
  start,
}: PlacementOptions): number[][] {
  const count = brokers.length
  assert(replicationFactor >= 1, 'a partition has a replica')
  assert(replicationFactor <= count, 'each replica has a broker of its own')
  return Array.from({ length: partitions }, (_, index) => {
    const leader = (start + index) % count
    const shift = Math.floor(index / count)
    const replicas = [brokers[leader]]
    for (let n = 0; n < replicationFactor - 1; n++) {
      const step = 1 + ((shift + n) % (count - 1))
      replicas.push(brokers[(leader + step) % count])
    }
    return replicas
  })
}
