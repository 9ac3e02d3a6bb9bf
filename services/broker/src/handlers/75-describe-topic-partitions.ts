// DescribeTopicPartitions (KIP-966)
// Topics in the order of their names, at most so many partitions a page; the cursor says where the next
// page begins.

import type { TopicImage } from '@sluice/core/cluster/image'
import { invalidTopicName } from '@sluice/core/cluster/topic-name'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { DescribeTopicPartitionsRequest } from '@sluice/protocol/messages/75-describe-topic-partitions'
import { zeroUuid } from '@sluice/protocol/schema'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'
import { replicasOf, topicOperations } from '../lookup.ts'

interface Cursor {
  readonly topicName: string
  readonly partitionIndex: number
}

export const describeTopicPartitions = handler(
  apis.describeTopicPartitions,
  {
    min: 0,
    max: 0,
    failed: (request, { errorCode }) => refused(request, errorCode),
  },
  (broker, request) => {
    const { cursor } = request
    if (cursor && !isCursor(cursor, request)) return refused(request, errors.INVALID_REQUEST)
    const limit = Math.min(
      request.responsePartitionLimit,
      broker.config['max.request.partition.size.limit'],
    )
    const topics: (ReturnType<typeof describe> | ReturnType<typeof unknown>)[] = []
    let room = Math.max(limit, 1)
    for (const name of wantedNames(broker, request)) {
      const from = cursor?.topicName === name ? cursor.partitionIndex : 0
      const topic = broker.cluster.image.topic(name)
      if (!topic) {
        topics.push(unknown(name))
        continue
      }
      if (room === 0) return { topics, nextCursor: { topicName: name, partitionIndex: from } }
      const page = topic.partitions.slice(from, from + room)
      topics.push(describe(broker, topic, page))
      room -= page.length
      const next = from + page.length
      if (next < topic.partitions.length) {
        return { topics, nextCursor: { topicName: name, partitionIndex: next } }
      }
    }
    return { topics, nextCursor: null as Cursor | null }
  },
)

/** It points to a partition of what is asked about. */
function isCursor(
  { topicName, partitionIndex }: Cursor,
  { topics }: DescribeTopicPartitionsRequest,
) {
  if (partitionIndex < 0) return false
  return topics.length === 0 || topics.some(({ name }) => name === topicName)
}

function refused({ topics }: DescribeTopicPartitionsRequest, errorCode: number) {
  return {
    topics: topics.map(({ name }) => ({ ...unknown(name), errorCode })),
    nextCursor: null as Cursor | null,
  }
}

/** From the cursor on. No names at all stands for every topic. */
function wantedNames(broker: Broker, request: DescribeTopicPartitionsRequest): string[] {
  const all = request.topics.length === 0
  const names = all
    ? [...broker.cluster.image.topics()].map(({ name }) => name)
    : [...new Set(request.topics.map(({ name }) => name))]
  const from = request.cursor?.topicName ?? ''
  return names.filter((name) => name >= from).sort()
}

function describe(broker: Broker, topic: TopicImage, partitions: TopicImage['partitions']) {
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: partitions.map(({ index, elr, lastKnownElr }) => ({
      partitionIndex: index,
      ...replicasOf(broker, topic, index),
      eligibleLeaderReplicas: elr,
      lastKnownElr,
    })),
    topicAuthorizedOperations: topicOperations,
  }
}

function unknown(name: string) {
  const errorCode = invalidTopicName(name)
    ? errors.INVALID_TOPIC_EXCEPTION
    : errors.UNKNOWN_TOPIC_OR_PARTITION
  return {
    errorCode,
    name,
    topicId: zeroUuid,
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations: topicOperations,
  }
}
