// groupLag: how far a group is behind the ends of the partitions that it committed for or reads, and who
// of it reads them.

import { errors } from '@sluice/protocol/errors'
import type { GroupDescription, MemberDescription } from './group-description.ts'
import type { CommittedOffset } from './group-offsets.ts'
import type { KafkaClient } from './kafka-client.ts'
import { listOffsets } from './list-offsets.ts'
import { inOrder, keyOf, type TopicPartition } from './topic-partition.ts'

export interface PartitionLag extends TopicPartition {
  /** The next offset to be read; null where none is committed. */
  readonly committed: number | null
  readonly leaderEpoch: number | null
  readonly metadata: string | null
  /** Of the next record that will be written; null where the partition is gone or has no leader. */
  readonly end: number | null
  /** Records between the two; null where one of them is not known. */
  readonly lag: number | null
  /** Who reads it now. */
  readonly member: MemberDescription | null
}

export interface GroupLag extends GroupDescription {
  /** By topic and partition. */
  readonly partitions: readonly PartitionLag[]
}

export async function groupLag(
  client: KafkaClient,
  description: GroupDescription,
  { offsets, timeoutMs }: { offsets: readonly CommittedOffset[]; timeoutMs: number },
): Promise<GroupLag> {
  const committed = new Map(offsets.map((offset) => [keyOf(offset), offset]))
  const readers = new Map<string, MemberDescription>()
  const places = new Map<string, TopicPartition>()
  for (const place of offsets) places.set(keyOf(place), place)
  for (const member of description.members) {
    for (const place of member.assignment) {
      readers.set(keyOf(place), member)
      places.set(keyOf(place), place)
    }
  }
  const wanted = [...places.values()].sort(inOrder)
  const queries = wanted.map(
    ({ topic, partition }) => ({ topic, partition, at: 'latest' }) as const,
  )
  const ends = queries.length === 0 ? [] : await listOffsets(client, queries, { timeoutMs })
  const partitions = ends.map(({ topic, partition, error, offset }) => {
    const key = keyOf({ topic, partition })
    const end = error === errors.NONE ? offset : null
    return { ...lagOf(committed.get(key), end), topic, partition, member: readers.get(key) ?? null }
  })
  return { ...description, partitions }
}

function lagOf(of: CommittedOffset | undefined, end: number | null) {
  if (of === undefined || of.offset < 0) {
    return { committed: null, leaderEpoch: null, metadata: null, end, lag: null }
  }
  const { offset: committed, metadata } = of
  const leaderEpoch = of.leaderEpoch < 0 ? null : of.leaderEpoch
  return { committed, leaderEpoch, metadata, end, lag: end === null ? null : end - committed }
}
