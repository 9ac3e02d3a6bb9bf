// Committed offsets of a group: read from and written to its coordinator.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { OffsetFetchResponse } from '@sluice/protocol/messages/09-offset-fetch'
import { atCoordinator, type Send } from './coordinator-request.ts'
import type { KafkaClient } from './kafka-client.ts'
import { KafkaError } from './kafka-error.ts'
import type { PartitionAnswer } from './leader-requests.ts'
import { byTopic, keyOf, type TopicPartition } from './topic-partition.ts'

export interface OffsetToCommit extends TopicPartition {
  /** Of the next record to be read. */
  readonly offset: number
  readonly leaderEpoch?: number
  readonly metadata?: string
}

export interface CommittedOffset extends TopicPartition {
  /** -1 where nothing was committed. */
  readonly offset: number
  /** Of the last record that was read; -1 where it was not told. */
  readonly leaderEpoch: number
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
/** Codes that say of the whole group what stands at each of its partitions; a repetition may help. */
const wholeGroup: ReadonlySet<number> = new Set([
  errors.COORDINATOR_LOAD_IN_PROGRESS,
  errors.COORDINATOR_NOT_AVAILABLE,
  errors.NOT_COORDINATOR,
  errors.REQUEST_TIMED_OUT,
])
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
  await atCoordinator(client, group, options, async (send) => {
    for (const { topic, partition, error } of await sendCommit(send, {
      group,
      offsets,
      ...options,
    })) {
      if (error !== errors.NONE) throw new KafkaError(error, `${topic}-${partition}`)
    }
  })
}

/**
 * Commits for nobody of the group, which has to be empty. In the order of the offsets, each with its own
 * error; those of a coordinator that is not ready are retried.
 */
export async function alterOffsets(
  client: KafkaClient,
  group: string,
  offsets: readonly OffsetToCommit[],
  options: OffsetOptions = {},
): Promise<PartitionAnswer[]> {
  if (offsets.length === 0) return []
  return atCoordinator(client, group, options, async (send) => {
    const answers = await sendCommit(send, { group, offsets })
    for (const { error } of answers) {
      if (wholeGroup.has(error)) throw new KafkaError(error, group)
    }
    const found = new Map(answers.map((answer) => [keyOf(answer), answer]))
    return offsets.map((offset) => {
      const { topic, partition } = offset
      const none = { topic, partition, error: errors.UNKNOWN_SERVER_ERROR }
      return found.get(keyOf(offset)) ?? none
    })
  })
}

interface Commit {
  readonly group: string
  readonly offsets: readonly OffsetToCommit[]
  readonly by?: Committer
}

async function sendCommit(
  send: Send,
  { group, offsets, by = nobody }: Commit,
): Promise<PartitionAnswer[]> {
  const topics = [...byTopic(offsets)].map(([name, partitions]) => ({
    name,
    partitions: partitions.map(({ partition, offset, leaderEpoch = -1, metadata = '' }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: leaderEpoch,
      committedMetadata: metadata,
    })),
  }))
  const response = await send(apis.offsetCommit, (version) => ({
    groupId: group,
    generationIdOrMemberEpoch: by.generationId,
    memberId: by.memberId,
    ...(version >= 7 ? { groupInstanceId: by.instanceId } : {}),
    topics,
  }))
  return response.topics.flatMap(({ name: topic, partitions }) =>
    partitions.map(({ partitionIndex: partition, errorCode: error }) => {
      return { topic, partition, error }
    }),
  )
}

/**
 * What is committed for `partitions`, or for all of the group without. `stable`, the default, waits for
 * transactions that are about to move an offset.
 */
export async function fetchOffsets(
  client: KafkaClient,
  group: string,
  partitions?: readonly TopicPartition[],
  options: OffsetOptions & { stable?: boolean } = {},
): Promise<CommittedOffset[]> {
  const { stable = true } = options
  const topics =
    partitions === undefined
      ? null
      : [...byTopic(partitions)].map(([name, ofTopic]) => ({
          name,
          partitionIndexes: ofTopic.map(({ partition }) => partition),
        }))
  return atCoordinator(client, group, options, async (send) => {
    const response = await send(apis.offsetFetch, (version) => {
      const requireStable = stable && version >= requireStableVersion
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
    for (const answer of partitions) {
      const { partitionIndex: partition, committedOffset, metadata, errorCode: error } = answer
      // A pending transaction will move it: ask again.
      if (error === errors.UNSTABLE_OFFSET_COMMIT) throw new KafkaError(error)
      const offset = error === errors.NONE ? committedOffset : -1
      const leaderEpoch = answer.committedLeaderEpoch
      offsets.push({ topic: name, partition, offset, leaderEpoch, metadata, error })
    }
  }
  return offsets
}
