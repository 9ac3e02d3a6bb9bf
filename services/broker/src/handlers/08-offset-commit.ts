// OffsetCommit
// v3 throttle time · v5 no retention of its own (KIP-211) · v6 leader epochs (KIP-320) · v7 static
// members (KIP-345) · v8 flexible · v9 GROUP_ID_NOT_FOUND (KIP-848) · v10 topics by id (KIP-848)

import type { TopicImage } from '@sluice/core/cluster/image'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { OffsetCommitRequest } from '@sluice/protocol/messages/08-offset-commit'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'

const firstVersionWithIds = 10

export const offsetCommit = handler(
  apis.offsetCommit,
  {
    min: 2,
    max: 10,
    failed: (request, { errorCode }) => answer(request, () => errorCode),
  },
  async (broker, request, { apiVersion }) => {
    const topics = request.topics.map((topic) => find(broker, topic, apiVersion))
    const known = (topic: number, partition: number) => {
      const found = topics[topic]
      if (typeof found === 'number') return found
      return found.partitions[partition] ? errors.NONE : errors.UNKNOWN_TOPIC_OR_PARTITION
    }
    const offsets = request.topics.flatMap(({ partitions }, index) => {
      const topic = topics[index]
      if (typeof topic === 'number') return []
      return partitions
        .filter(({ partitionIndex }) => known(index, partitionIndex) === errors.NONE)
        .map((asked) => ({
          topic: topic.name,
          topicId: topic.id,
          partition: asked.partitionIndex,
          offset: asked.committedOffset,
          leaderEpoch: asked.committedLeaderEpoch,
          metadata: asked.committedMetadata,
        }))
    })
    if (offsets.length === 0) return answer(request, known)
    const commit = {
      groupId: request.groupId,
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      generation: request.generationIdOrMemberEpoch,
      retentionTimeMs: request.retentionTimeMs,
      offsets,
    }
    const outcomes = (await broker.groups.commitOffsets(commit, apiVersion)).values()
    return answer(request, (topic, partition) => {
      const error = known(topic, partition)
      return error === errors.NONE ? (outcomes.next().value ?? errors.NONE) : error
    })
  },
)

/** One error for each partition that was asked about, in the order of the request. */
function answer(
  request: OffsetCommitRequest,
  errorOf: (topicIndex: number, partitionIndex: number) => number,
) {
  return {
    topics: request.topics.map(({ name, topicId, partitions }, index) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: errorOf(index, partitionIndex),
      })),
    })),
  }
}

function find(
  broker: Broker,
  { name, topicId }: { name: string; topicId: string },
  apiVersion: number,
): TopicImage | number {
  const { image } = broker.cluster
  if (apiVersion >= firstVersionWithIds) {
    return image.topicById(topicId) ?? errors.UNKNOWN_TOPIC_ID
  }
  return image.topic(name) ?? errors.UNKNOWN_TOPIC_OR_PARTITION
}
