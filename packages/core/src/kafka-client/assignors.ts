// Assignors of the classic group protocol, by the names under which clients know them. range and roundrobin give
// what Java's assignors of these names give; the sticky ones give shares as even, and move as little as they can.

import {
  type Assignor,
  type GroupAssignment,
  type GroupMember,
  inOrder,
  inTopicOrder,
  type PartitionCounts,
} from './assignor.ts'
import { assignCooperatively, assignSticky } from './sticky-assignor.ts'
import type { TopicPartition } from './topic-partition.ts'

export type AssignorName = 'range' | 'roundrobin' | 'sticky' | 'cooperative-sticky'

export const assignors: Readonly<Record<AssignorName, Assignor>> = {
  range: assignRange,
  roundrobin: assignRoundRobin,
  sticky: assignSticky,
  'cooperative-sticky': assignCooperatively,
}

/**
 * Whether members keep their partitions while the group rebalances (KIP-429). As in Java, one assignor that
 * cannot do with it is enough, and all give everything up first.
 */
export function rebalanceCooperatively(names: readonly AssignorName[]): boolean {
  return names.every((name) => name === 'cooperative-sticky')
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
