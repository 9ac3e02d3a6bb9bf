// OffsetForLeaderEpoch (KIP-101, KIP-279, KIP-320)
// v3 replica id · v4 flexible. Where an epoch ends here: how a client finds out that it was truncated.

import { apis } from '@sluice/protocol/apis'
import { zeroUuid } from '@sluice/protocol/schema'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'
import { findPartition } from '../lookup.ts'

interface Asked {
  readonly partition: number
  readonly currentLeaderEpoch: number
  readonly leaderEpoch: number
}

export const offsetForLeaderEpoch = handler(
  apis.offsetForLeaderEpoch,
  {
    min: 2,
    max: 4,
    failed: (request, { errorCode }) => ({
      topics: request.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition }) => ({ partition, errorCode })),
      })),
    }),
  },
  (broker, request) => ({
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((asked) => ({
        partition: asked.partition,
        ...endOf(broker, topic, asked),
      })),
    })),
  }),
)

function endOf(broker: Broker, name: string, asked: Asked) {
  const partition = findPartition(broker, { name, topicId: zeroUuid }, asked.partition)
  if (typeof partition === 'number') return { errorCode: partition }
  const errorCode = partition.checkEpoch(asked.currentLeaderEpoch)
  if (errorCode !== 0) return { errorCode }
  const { epoch, endOffset } = partition.endOffsetForEpoch(asked.leaderEpoch)
  return { errorCode, leaderEpoch: epoch, endOffset }
}
