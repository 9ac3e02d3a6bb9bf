// Committed offsets of a group: read from and written to its coordinator.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { OffsetFetchResponse } from '@sluice/protocol/messages/09-offset-fetch'
import type { TopicPartition } from './consumer.ts'
import { atCoordinator } from './coordinator-request.ts'
import type { KafkaClient } from './kafka-client.ts'
import { KafkaError } from './kafka-error.ts'

export interface OffsetToCommit extends TopicPartition {
  /** Of the next record to be read. */
  readonly offset: number
  readonly metadata?: string
}

export interface CommittedOffset extends TopicPartition {
  /** -1 where nothing was committed. */
  readonly offset: number
  readonly metadata: string | null
  readonly error: number
}

/** Who commits: a member in its generation, or nobody of the group (it must be empty then). */
export interface Committer {
  readonly memberId: string
  readonly generationId: number
  readonly instanceId: string | null
}

export interface OffsetOptions {
  readonly timeoutMs?: number
  readonly lane?: string
}

const nobody: Committer = { memberId: '', generationId: -1, instanceId: null }
/** From version 8 on a request asks for several groups. */
const groupsVersion = 8
/** From version 7 on it can ask to wait for transactions. */
const requireStableVersion = 7

/** Rejects with KafkaError when any of the offsets was not committed. */
export async function commitOffsets(
  client: KafkaClient,
  group: string,
  offsets: readonly OffsetToCommit[],
  options: OffsetOptions & { by?: Committer } = {},
): Promise<void> {
  if (offsets.length === 0) return
  const { memberId, generationId, instanceId } = options.by ?? nobody
  const topics = [...byTopic(offsets)].map(([name, partitions]) => ({
    name,
    partitions: partitions.map(({ partition, offset, metadata = '' }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedMetadata: metadata,
    })),
  }))
  await atCoordinator(client, group, options, async (send) => {
    const response = await send(apis.offsetCommit, (version) => ({
      groupId: group,
      generationIdOrMemberEpoch: generationId,
      memberId,
      ...(version >= 7 ? { groupInstanceId: instanceId } : {}),
      topics,
    }))
    for (const { name, partitions } of response.topics) {
      for (const { partitionIndex, errorCode } of partitions) {
        if (errorCode !== errors.NONE) throw new KafkaError(errorCode, `${name}-${partitionIndex}`)
      }
    }
  })
}

/** What is committed for `partitions`, or for all of the group without. */
export async function fetchOffsets(
  client: KafkaClient,
  group: string,
  partitions?: readonly TopicPartition[],
  options: OffsetOptions = {},
): Promise<CommittedOffset[]> {
  const topics =
    partitions === undefined
      ? null
      : [...byTopic(partitions)].map(([name, ofTopic]) => ({
          name,
          partitionIndexes: ofTopic.map(({ partition }) => partition),
        }))
  return atCoordinator(client, group, options, async (send) => {
    const response = await send(apis.offsetFetch, (version) => {
      const requireStable = version >= requireStableVersion
      if (version < groupsVersion) return { groupId: group, topics, requireStable }
      return { groups: [{ groupId: group, topics }], requireStable }
    })
    const answer = response.groups[0] ?? response
    if (answer.errorCode !== errors.NONE) throw new KafkaError(answer.errorCode, group)
    return committedIn(answer.topics)
  })
}

type AnsweredTopic =
  | OffsetFetchResponse['topics'][number]
  | OffsetFetchResponse['groups'][number]['topics'][number]

function committedIn(topics: readonly AnsweredTopic[]): CommittedOffset[] {
  const offsets: CommittedOffset[] = []
  for (const { name, partitions } of topics) {
    for (const { partitionIndex, committedOffset, metadata, errorCode } of partitions) {
      // A pending transaction will move it: ask again.
      if (errorCode === errors.UNSTABLE_OFFSET_COMMIT) throw new KafkaError(errorCode)
      const offset = errorCode === errors.NONE ? committedOffset : -1
      offsets.push({ topic: name, partition: partitionIndex, offset, metadata, error: errorCode })
    }
  }
  return offsets
}

export function byTopic<T extends TopicPartition>(items: readonly T[]): Map<string, T[]> {
  const topics = new Map<string, T[]>()
  for (const item of items) {
    const ofTopic = topics.get(item.topic)
    if (ofTopic === undefined) topics.set(item.topic, [item])
    else ofTopic.push(item)
  }
  return topics
}
