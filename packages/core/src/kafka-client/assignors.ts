// Assignors of the classic group protocol: who of the members reads which partitions. The leader of a group
// runs one that all members know; range and roundrobin give what Java's assignors of these names give.

import type { TopicPartition } from './topic-partition.ts'

export type AssignorName = 'range' | 'roundrobin'

export interface GroupMember {
  readonly memberId: string
  /** Of a static member: its place in the order is kept over restarts. */
  readonly instanceId: string | null
  readonly topics: readonly string[]
}

/** Topics that there are, with the number of their partitions. */
export type PartitionCounts = ReadonlyMap<string, number>

export type GroupAssignment = ReadonlyMap<string, TopicPartition[]>

export type Assignor = (members: readonly GroupMember[], counts: PartitionCounts) => GroupAssignment

export const assignors: Readonly<Record<AssignorName, Assignor>> = {
  range: assignRange,
  roundrobin: assignRoundRobin,
}

/** Each topic by itself: members in order get runs of partitions, the first ones one more. */
function assignRange(members: readonly GroupMember[], counts: PartitionCounts): GroupAssignment {
  const assignment = nothingFor(members)
  const ordered = inOrder(members)
  for (const [topic, count] of inTopicOrder(counts)) {
    const readers = ordered.filter((member) => member.topics.includes(topic))
    if (readers.length === 0) continue
    const each = Math.floor(count / readers.length)
    const oneMore = count % readers.length
    let partition = 0
    readers.forEach(({ memberId }, index) => {
      const end = partition + each + (index < oneMore ? 1 : 0)
      for (; partition < end; partition++) assignment.get(memberId)?.push({ topic, partition })
    })
  }
  return assignment
}

/** All partitions of all topics in one row, dealt out to the members in turn. */
function assignRoundRobin(
  members: readonly GroupMember[],
  counts: PartitionCounts,
): GroupAssignment {
  const assignment = nothingFor(members)
  const ordered = inOrder(members)
  let next = 0
  for (const [topic, count] of inTopicOrder(counts)) {
    if (!ordered.some((member) => member.topics.includes(topic))) continue
    for (let partition = 0; partition < count; partition++) {
      while (!ordered[next].topics.includes(topic)) next = (next + 1) % ordered.length
      assignment.get(ordered[next].memberId)?.push({ topic, partition })
      next = (next + 1) % ordered.length
    }
  }
  return assignment
}

function nothingFor(members: readonly GroupMember[]): Map<string, TopicPartition[]> {
  return new Map(members.map(({ memberId }) => [memberId, []]))
}

/** Static members by their instance first, then the others by their ids. */
function inOrder(members: readonly GroupMember[]): GroupMember[] {
  return [...members].sort((a, b) => {
    if (a.instanceId !== null && b.instanceId !== null) return compare(a.instanceId, b.instanceId)
    if (a.instanceId !== null) return -1
    if (b.instanceId !== null) return 1
    return compare(a.memberId, b.memberId)
  })
}

function inTopicOrder(counts: PartitionCounts): [string, number][] {
  return [...counts].sort(([a], [b]) => compare(a, b))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
