// listOffsets: offsets by time, from the leaders of the partitions, each asked once for all of its own.

import { apis } from '@sluice/protocol/apis'
import type { KafkaClient } from './kafka-client.ts'
import { askLeaders } from './leader-requests.ts'
import { byTopic, type TopicPartition } from './topic-partition.ts'

export type Isolation = 'read_uncommitted' | 'read_committed'

/** A time in milliseconds, or an end of the log; 'max-timestamp' is the record with the greatest time. */
export type OffsetSpec = 'earliest' | 'latest' | 'max-timestamp' | { readonly timestampMs: number }

export interface OffsetQuery extends TopicPartition {
  readonly at: OffsetSpec
}

export interface ListedOffset extends TopicPartition {
  /** A Kafka error code; then the rest says nothing. */
  readonly error: number
  /** -1 where no record is as late as the time asked for. */
  readonly offset: number
  readonly timestamp: number
  readonly leaderEpoch: number
}

export const isolationLevel: Readonly<Record<Isolation, number>> = {
  read_uncommitted: 0,
  read_committed: 1,
}

const notAReplica = -1
const endTimestamps = { latest: -1, earliest: -2, 'max-timestamp': -3 } as const

/** The offsets in the order of the queries, each with its own error; retried as askLeaders says. */
export function listOffsets(
  client: KafkaClient,
  queries: readonly OffsetQuery[],
  options: { isolation?: Isolation; timeoutMs?: number } = {},
): Promise<ListedOffset[]> {
  const { isolation = 'read_uncommitted', timeoutMs } = options
  return askLeaders(client, queries, {
    ask: (node, some) => askLeader(client, { node, isolation }, some),
    failed: ({ topic, partition }, error) => {
      return { topic, partition, error, offset: -1, timestamp: -1, leaderEpoch: -1 }
    },
    timeoutMs,
  })
}

async function askLeader(
  client: KafkaClient,
  { node, isolation }: { node: number; isolation: Isolation },
  queries: readonly OffsetQuery[],
): Promise<ListedOffset[]> {
  const topics = [...byTopic(queries)].map(([name, ofTopic]) => ({
    name,
    partitions: ofTopic.map(({ partition, at }) => ({
      partitionIndex: partition,
      timestamp: typeof at === 'object' ? at.timestampMs : endTimestamps[at],
      currentLeaderEpoch: client.topic(name)?.partitions[partition]?.leaderEpoch ?? -1,
    })),
  }))
  const response = await client.request(
    apis.listOffsets,
    { node },
    {
      replicaId: notAReplica,
      isolationLevel: isolationLevel[isolation],
      topics,
      timeoutMs: client.requestTimeoutMs,
    },
  )
  return response.topics.flatMap(({ name: topic, partitions }) =>
    partitions.map(
      ({ partitionIndex: partition, errorCode: error, offset, timestamp, leaderEpoch }) => {
        return { topic, partition, error, offset, timestamp, leaderEpoch }
      },
    ),
  )
}
