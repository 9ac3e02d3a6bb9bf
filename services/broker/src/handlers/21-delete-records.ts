// DeleteRecords (KIP-107)
// v2 flexible. An offset of -1 means the high watermark. Answered when the new starts are durable.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { zeroUuid } from '@sluice/protocol/schema'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'
import { findPartition } from '../lookup.ts'

const toHighWatermark = -1

export const deleteRecords = handler(
  apis.deleteRecords,
  {
    min: 0,
    max: 2,
    failed: (request, { errorCode }) => ({
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          lowWatermark: -1,
          errorCode,
        })),
      })),
    }),
  },
  async (broker, request) => {
    const topics = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, offset }) => ({
        partitionIndex,
        ...deleteBefore(broker, { name, index: partitionIndex, offset }),
      })),
    }))
    // What a client was told is gone must not come back with a restart: the start never goes back.
    await broker.partitions.checkpointStartOffsets()
    return {
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((answer) => unlessLost(broker, name, answer)),
      })),
    }
  },
)

interface Answer {
  readonly partitionIndex: number
  readonly lowWatermark: number
  readonly errorCode: number
}

/** Its disk may have failed while the start was to be written down: it may come back with the records. */
function unlessLost(broker: Broker, name: string, answer: Answer): Answer {
  if (answer.errorCode !== errors.NONE) return answer
  const found = findPartition(broker, { name, topicId: zeroUuid }, answer.partitionIndex)
  if (typeof found !== 'number' && found.log.failure === undefined) return answer
  const errorCode = typeof found === 'number' ? found : errors.KAFKA_STORAGE_ERROR
  return { ...answer, lowWatermark: -1, errorCode }
}

function deleteBefore(broker: Broker, at: { name: string; index: number; offset: number }) {
  const partition = findPartition(broker, { name: at.name, topicId: zeroUuid }, at.index)
  if (typeof partition === 'number') return { lowWatermark: -1, errorCode: partition }
  if (partition.internal) return { lowWatermark: -1, errorCode: errors.INVALID_TOPIC_EXCEPTION }
  // A topic without any policy (KIP-1161) is trimmed like this alone.
  const policy = partition.config['cleanup.policy']
  if (policy.includes('compact') && !policy.includes('delete')) {
    return { lowWatermark: -1, errorCode: errors.POLICY_VIOLATION }
  }
  const offset = at.offset === toHighWatermark ? partition.highWatermark : at.offset
  const errorCode = partition.deleteRecordsBefore(offset)
  return { lowWatermark: errorCode === 0 ? partition.log.startOffset : -1, errorCode }
}
