// deleteRecords: moves the start of partitions forward (KIP-107), at their leaders.

import { apis } from '@sluice/protocol/apis'
import type { KafkaClient } from './kafka-client.ts'
import { askLeaders, type PartitionAnswer } from './leader-requests.ts'
import { byTopic, type TopicPartition } from './topic-partition.ts'

export interface RecordsToDelete extends TopicPartition {
  /** All records before it go; 'end' is the high watermark. */
  readonly before: number | 'end'
}

export interface DeletedRecords extends PartitionAnswer {
  /** The first offset that is still there. */
  readonly startOffset: number
}

const highWatermark = -1

/** In the order of `wanted`, each partition with its own error. */
export function deleteRecords(
  client: KafkaClient,
  wanted: readonly RecordsToDelete[],
  { timeoutMs }: { timeoutMs: number },
): Promise<DeletedRecords[]> {
  return askLeaders(client, wanted, {
    ask: async (node, some) => {
      const topics = [...byTopic(some)].map(([name, ofTopic]) => ({
        name,
        partitions: ofTopic.map(({ partition, before }) => {
          return { partitionIndex: partition, offset: before === 'end' ? highWatermark : before }
        }),
      }))
      const body = { topics, timeoutMs: client.requestTimeoutMs }
      const response = await client.request(apis.deleteRecords, { node }, body)
      return response.topics.flatMap(({ name: topic, partitions }) =>
        partitions.map(({ partitionIndex: partition, errorCode: error, lowWatermark }) => {
          return { topic, partition, error, startOffset: lowWatermark }
        }),
      )
    },
    failed: ({ topic, partition }, error) => ({ topic, partition, error, startOffset: -1 }),
    timeoutMs,
  })
}
