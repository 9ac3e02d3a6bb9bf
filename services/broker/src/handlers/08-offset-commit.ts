// OffsetCommit
// v3 throttle time · v5 no retention of its own (KIP-211) · v6 leader epochs (KIP-320) · v7 static
// members (KIP-345) · v8 flexible · v9 GROUP_ID_NOT_FOUND (KIP-848) · v10 topics by id (KIP-848)

import type { TopicImage } from '@sluice/core/cluster/image'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { OffsetCommitRequest } from '@sluice/protocol/messages/08-offset-commit'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'

type Asked = OffsetCommitRequest['topics'][number]['partitions'][number]

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
    const refused = (topic: number, { partitionIndex, committedOffset }: Asked) => {
      const found = topics[topic]
      if (typeof found === 'number') return found
      if (!found.partitions[partitionIndex]) return errors.UNKNOWN_TOPIC_OR_PARTITION
      // Read as the nearest number: it is refused rather than stored as something else.
      const beyond = Math.abs(committedOffset) === Number.MAX_SAFE_INTEGER
      return beyond ? errors.INVALID_COMMIT_OFFSET_SIZE : errors.NONE
    }
    const offsets = request.topics.flatMap(({ partitions }, index) => {
      const topic = topics[index]
      if (typeof topic === 'number') return []
      return partitions
        .filter((asked) => refused(index, asked) === errors.NONE)
        .map((asked) => ({
          topic: topic.name,
          topicId: topic.id,
          partition: asked.partitionIndex,
          offset: asked.committedOffset,
          leaderEpoch: asked.committedLeaderEpoch,
          metadata: asked.committedMetadata,
        }))
    })
    if (offsets.length === 0) return answer(request, refused)
    const commit = {
      groupId: request.groupId,
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      generation: request.generationIdOrMemberEpoch,
      retentionTimeMs: request.retentionTimeMs,
      offsets,
    }
    const outcomes = (await broker.groups.commitOffsets(commit, apiVersion)).values()
    return answer(request, (topic, asked) => {
      const error = refused(topic, asked)
      return error === errors.NONE ? (outcomes.next().value ?? errors.NONE) : error
    })
  },
)

/** One error for each partition that was asked about, in the order of the request. */
function answer(
  request: OffsetCommitRequest,
  errorOf: (topicIndex: number, asked: Asked) => number,
) {
  return {
    topics: request.topics.map(({ name, topicId, partitions }, index) => ({
      name,
      topicId,
      partitions: partitions.map((asked) => ({
        partitionIndex: asked.partitionIndex,
        errorCode: errorOf(index, asked),
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
