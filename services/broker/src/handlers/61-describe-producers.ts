// DescribeProducers (KIP-664)
// The idempotent producers that a partition remembers.

import type { Partition } from '@sluice/core/partition/partition'
import { apis } from '@sluice/protocol/apis'
import { errorText } from '@sluice/protocol/error-texts'
import { zeroUuid } from '@sluice/protocol/schema'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'
import { findPartition } from '../lookup.ts'

export const describeProducers = handler(
  apis.describeProducers,
  {
    min: 0,
    max: 0,
    failed: (request, { errorCode }) => ({
      topics: request.topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((index) => failed(index, errorCode)),
      })),
    }),
  },
  (broker, request) => ({
    topics: request.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((index) => describe(broker, name, index)),
    })),
  }),
)

function describe(broker: Broker, name: string, index: number) {
  const partition = findPartition(broker, { name, topicId: zeroUuid }, index)
  if (typeof partition === 'number') return failed(index, partition)
  return {
    partitionIndex: index,
    errorCode: 0,
    errorMessage: null,
    activeProducers: producersOf(partition),
  }
}

function producersOf({ log }: Partition) {
  return log.producers().map((producer) => ({
    producerId: producer.producerId,
    producerEpoch: producer.epoch,
    lastSequence: producer.batches.at(-1)?.lastSequence ?? -1,
    lastTimestamp: producer.lastTimestampMs,
    coordinatorEpoch: producer.coordinatorEpoch,
    currentTxnStartOffset: producer.currentTxnFirstOffset,
  }))
}

function failed(partitionIndex: number, errorCode: number) {
  return { partitionIndex, errorCode, errorMessage: errorText(errorCode), activeProducers: [] }
}
