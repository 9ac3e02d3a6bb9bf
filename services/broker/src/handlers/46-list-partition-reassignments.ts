// ListPartitionReassignments (KIP-455)
// What is being moved: replicas to be added or removed.

import type { TopicImage } from '@sluice/core/cluster/image'
import { apis } from '@sluice/protocol/apis'
import { handler } from '../handler.ts'

export const listPartitionReassignments = handler(
  apis.listPartitionReassignments,
  {
    min: 0,
    max: 0,
    failed: (_request, { errorCode, message }) => ({
      errorCode,
      errorMessage: message,
      topics: [],
    }),
  },
  (broker, request) => {
    const { image } = broker.cluster
    const asked = request.topics?.flatMap(({ name, partitionIndexes }) => {
      const topic = image.topic(name)
      return topic ? [moving(topic, (index) => partitionIndexes.includes(index))] : []
    })
    const topics = asked ?? [...image.topics()].map((topic) => moving(topic, () => true))
    const moved = topics.filter(({ partitions }) => partitions.length > 0)
    return { errorCode: 0, errorMessage: null, topics: moved }
  },
)

function moving(topic: TopicImage, isAsked: (index: number) => boolean) {
  const partitions = topic.partitions.filter(
    ({ index, addingReplicas, removingReplicas }) =>
      isAsked(index) && addingReplicas.length + removingReplicas.length > 0,
  )
  return {
    name: topic.name,
    partitions: partitions.map(({ index, replicas, addingReplicas, removingReplicas }) => ({
      partitionIndex: index,
      replicas,
      addingReplicas,
      removingReplicas,
    })),
  }
}
