// OffsetDelete (KIP-496): takes back committed offsets of topics that the group does not read.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { handler } from '../handler.ts'

export const offsetDelete = handler(
  apis.offsetDelete,
  { min: 0, max: 0, failed: (_request, { errorCode }) => ({ errorCode, topics: [] }) },
  async (broker, { groupId, topics }) => {
    const { image } = broker.cluster
    const known = topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.filter(
        ({ partitionIndex }) => image.topic(name)?.partitions[partitionIndex] !== undefined,
      ),
    }))
    const answer = await broker.groups.deleteOffsets({ groupId, topics: known })
    if (answer.errorCode !== errors.NONE) return answer
    const outcomes = new Map(
      answer.topics.map(({ name, partitions }) => [
        name,
        new Map(partitions.map((each) => [each.partitionIndex, each.errorCode])),
      ]),
    )
    return {
      errorCode: errors.NONE,
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: outcomes.get(name)?.get(partitionIndex) ?? errors.UNKNOWN_TOPIC_OR_PARTITION,
        })),
      })),
    }
  },
)
