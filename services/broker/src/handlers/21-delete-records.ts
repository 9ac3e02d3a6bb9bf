// DeleteRecords (KIP-107)
// v2 flexible. An offset of -1 means the high watermark.

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
  (broker, request) => ({
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, offset }) => ({
        partitionIndex,
        ...deleteBefore(broker, { name, index: partitionIndex, offset }),
      })),
    })),
  }),
)

function deleteBefore(broker: Broker, at: { name: string; index: number; offset: number }) {
  const partition = findPartition(broker, { name: at.name, topicId: zeroUuid }, at.index)
  if (typeof partition === 'number') return { lowWatermark: -1, errorCode: partition }
  if (partition.internal) return { lowWatermark: -1, errorCode: errors.INVALID_TOPIC_EXCEPTION }
  if (!partition.config['cleanup.policy'].includes('delete')) {
    return { lowWatermark: -1, errorCode: errors.POLICY_VIOLATION }
  }
  const offset = at.offset === toHighWatermark ? partition.highWatermark : at.offset
  const errorCode = partition.deleteRecordsBefore(offset)
  return { lowWatermark: errorCode === 0 ? partition.log.startOffset : -1, errorCode }
}
