// listOffsets: offsets by time, from the leaders of the partitions, each asked once for all of its own.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { ListOffsetsResponse } from '@sluice/protocol/messages/02-list-offsets'
import type { KafkaClient } from './kafka-client.ts'
import { asKafkaError, KafkaError } from './kafka-error.ts'
import { pointsToStaleMetadata } from './stale-metadata.ts'

export type Isolation = 'read_uncommitted' | 'read_committed'

/** A time in milliseconds, or an end of the log; 'max-timestamp' is the record with the greatest time. */
export type OffsetSpec = 'earliest' | 'latest' | 'max-timestamp' | { readonly timestampMs: number }

export interface OffsetQuery {
  readonly topic: string
  readonly partition: number
  readonly at: OffsetSpec
}

export interface ListedOffset {
  readonly topic: string
  readonly partition: number
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

/**
 * The offsets in the order of the queries. What can be retried is, until `timeoutMs` (a missing partition
 * once); then and for other errors the code is in the result. Rejects only when the cluster cannot be reached at all.
 */
export async function listOffsets(
  client: KafkaClient,
  queries: readonly OffsetQuery[],
  options: { isolation?: Isolation; timeoutMs?: number } = {},
): Promise<ListedOffset[]> {
  const { isolation = 'read_uncommitted', timeoutMs } = options
  const results = new Map<OffsetQuery, ListedOffset>()
  let attempts = 0
  const attempt = async () => {
    attempts += 1
    const open = queries.filter((query) => (results.get(query)?.error ?? -1) !== errors.NONE)
    await askLeaders(client, open, { isolation, results })
    for (const query of open) {
      const error = new KafkaError(results.get(query)?.error ?? errors.UNKNOWN_SERVER_ERROR)
      // What the client knew may be old; what it has just asked for is not.
      const missing = error.code === errors.UNKNOWN_TOPIC_OR_PARTITION && attempts > 1
      if (error.retriable && !missing) throw error
    }
  }
  try {
    await client.retry(attempt, { timeoutMs })
  } catch (error) {
    if (results.size < queries.length) throw error
  }
  return queries.map((query) => results.get(query) as ListedOffset)
}

async function askLeaders(
  client: KafkaClient,
  queries: readonly OffsetQuery[],
  { isolation, results }: { isolation: Isolation; results: Map<OffsetQuery, ListedOffset> },
): Promise<void> {
  const metadata = await client.metadata([...new Set(queries.map((query) => query.topic))])
  // Requests by leader, and by how often a partition came before: a request names each once.
  const requests = new Map<string, { node: number; queries: OffsetQuery[] }>()
  const asked = new Map<string, number>()
  for (const query of queries) {
    const topic = metadata.topics.get(query.topic)
    const partition = topic?.partitions[query.partition]
    if (partition === undefined) {
      client.forgetTopic(query.topic)
      results.set(query, failed(query, topic?.error || errors.UNKNOWN_TOPIC_OR_PARTITION))
    } else if (partition.leader < 0) {
      client.forgetTopic(query.topic)
      results.set(query, failed(query, errors.LEADER_NOT_AVAILABLE))
    } else {
      const name = keyOf(query)
      const before = asked.get(name) ?? 0
      asked.set(name, before + 1)
      const key = `${partition.leader}/${before}`
      const request = requests.get(key)
      if (request !== undefined) request.queries.push(query)
      else requests.set(key, { node: partition.leader, queries: [query] })
    }
  }
  const asking = [...requests.values()].map(async ({ node, queries: some }) => {
    const answers = await askLeader(client, { node, isolation }, some)
    for (const query of some) {
      const answer = answers.get(keyOf(query))
      const result = answer ?? failed(query, errors.UNKNOWN_SERVER_ERROR)
      if (pointsToStaleMetadata(result.error)) client.forgetTopic(query.topic)
      results.set(query, result)
    }
  })
  await Promise.all(asking)
}

async function askLeader(
  client: KafkaClient,
  { node, isolation }: { node: number; isolation: Isolation },
  queries: readonly OffsetQuery[],
): Promise<Map<string, ListedOffset>> {
  const topics = new Map<string, Asked[]>()
  for (const { topic, partition, at } of queries) {
    const partitions = topics.get(topic) ?? []
    topics.set(topic, partitions)
    const timestamp = typeof at === 'object' ? at.timestampMs : endTimestamps[at]
    const known = client.topic(topic)?.partitions[partition]
    const currentLeaderEpoch = known?.leaderEpoch ?? -1
    partitions.push({ partitionIndex: partition, timestamp, currentLeaderEpoch })
  }
  const answers = new Map<string, ListedOffset>()
  let response: ListOffsetsResponse
  try {
    response = await client.request(
      apis.listOffsets,
      { node },
      {
        replicaId: notAReplica,
        isolationLevel: isolationLevel[isolation],
        topics: [...topics].map(([name, partitions]) => ({ name, partitions })),
        timeoutMs: client.requestTimeoutMs,
      },
    )
  } catch (thrown) {
    const { code } = asKafkaError(thrown)
    for (const query of queries) {
      answers.set(keyOf(query), failed(query, code))
    }
    return answers
  }
  for (const { name: topic, partitions } of response.topics) {
    for (const answer of partitions) {
      const { partitionIndex: partition, errorCode: error, offset, timestamp, leaderEpoch } = answer
      answers.set(`${topic}/${partition}`, {
        topic,
        partition,
        error,
        offset,
        timestamp,
        leaderEpoch,
      })
    }
  }
  return answers
}

function keyOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`
}

interface Asked {
  readonly partitionIndex: number
  readonly timestamp: number
  readonly currentLeaderEpoch: number
}

function failed({ topic, partition }: OffsetQuery, error: number): ListedOffset {
  return { topic, partition, error, offset: -1, timestamp: -1, leaderEpoch: -1 }
}
