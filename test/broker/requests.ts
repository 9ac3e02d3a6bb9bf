// Requests as a test states them, whole.

import type { FetchRequest } from '@sluice/protocol/messages/01-fetch'
import { zeroUuid } from '@sluice/protocol/schema'

export function fetchRequestOf(given: {
  topic?: string
  topicId?: string
  partitions?: readonly number[]
  offset?: number
  sessionId?: number
  sessionEpoch?: number
  maxWaitMs?: number
  minBytes?: number
  maxBytes?: number
  partitionMaxBytes?: number
  isolationLevel?: number
  currentLeaderEpoch?: number
  replicaId?: number
}): FetchRequest {
  const { topic = 'orders', topicId = zeroUuid, partitions = [] } = given
  return {
    clusterId: null,
    replicaId: given.replicaId ?? -1,
    replicaState: { replicaId: -1, replicaEpoch: -1 },
    maxWaitMs: given.maxWaitMs ?? 0,
    minBytes: given.minBytes ?? 1,
    maxBytes: given.maxBytes ?? 1_000_000,
    isolationLevel: given.isolationLevel ?? 0,
    sessionId: given.sessionId ?? 0,
    sessionEpoch: given.sessionEpoch ?? -1,
    topics:
      partitions.length === 0
        ? []
        : [
            {
              topic,
              topicId,
              partitions: partitions.map((partition) => ({
                partition,
                currentLeaderEpoch: given.currentLeaderEpoch ?? -1,
                fetchOffset: given.offset ?? 0,
                lastFetchedEpoch: -1,
                logStartOffset: -1,
                partitionMaxBytes: given.partitionMaxBytes ?? 1_000_000,
                replicaDirectoryId: zeroUuid,
                highWatermark: 9223372036854775807n,
              })),
            },
          ],
    forgottenTopicsData: [],
    rackId: '',
  }
}

/** Groups without the wait for more members, in few partitions. */
export const groupConfig = {
  'offsets.topic.num.partitions': '2',
  'group.initial.rebalance.delay.ms': '0',
}
