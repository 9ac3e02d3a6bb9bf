// Assignor: who of the members of a group reads which partitions. A pure function of what the members said of
// themselves; the leader runs one that all of them know.

import type { TopicPartition } from './topic-partition.ts'

export interface GroupMember {
  readonly memberId: string
  /** Of a static member: its place in the order is kept over restarts. */
  readonly instanceId: string | null
  readonly topics: readonly string[]
  /** What it had when it joined, or has still; assignors that are not sticky do not care. */
  readonly owned: readonly TopicPartition[]
  /** In which it was given `owned`; of two that claim one partition the later is right. */
  readonly generation: number
}

/** Topics that there are, with the number of their partitions. */
export type PartitionCounts = ReadonlyMap<string, number>

/** A share, maybe empty, for each member. */
export type GroupAssignment = ReadonlyMap<string, readonly TopicPartition[]>

export type Assignor = (members: readonly GroupMember[], counts: PartitionCounts) => GroupAssignment

/** Static members by their instance first, then the others by their ids. */
export function inOrder(members: readonly GroupMember[]): GroupMember[] {
  return [...members].sort((a, b) => {
    if (a.instanceId !== null && b.instanceId !== null) return compare(a.instanceId, b.instanceId)
    if (a.instanceId !== null) return -1
    if (b.instanceId !== null) return 1
    return compare(a.memberId, b.memberId)
  })
}

export function inTopicOrder(counts: PartitionCounts): [string, number][] {
  return [...counts].sort(([a], [b]) => compare(a, b))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
