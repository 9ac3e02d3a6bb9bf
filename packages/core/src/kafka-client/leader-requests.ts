// askLeaders: questions about partitions, each put to the leader of its partition, and again where that
// moved, is not ready or was not reached. A leader is asked once for all that concerns it.

import { errors } from '@sluice/protocol/errors'
import type { KafkaClient } from './kafka-client.ts'
import { asKafkaError, KafkaError } from './kafka-error.ts'
import { pointsToStaleMetadata } from './stale-metadata.ts'
import { keyOf, type TopicPartition } from './topic-partition.ts'

export interface PartitionAnswer extends TopicPartition {
  /** A Kafka error code; then the rest says nothing. */
  readonly error: number
}

export interface LeaderExchange<Q extends TopicPartition, A extends PartitionAnswer> {
  /** One request to one leader, which names each partition once. */
  readonly ask: (node: number, queries: readonly Q[]) => Promise<readonly A[]>
  /** What stands for an answer that there is not. */
  readonly failed: (query: Q, error: number) => A
  readonly timeoutMs?: number
}

/**
 * The answers in the order of the queries. What can be retried is, until `timeoutMs` (a missing partition
 * once); then and for other errors the code is in the answer. Rejects only when the cluster cannot be
 * reached at all.
 */
export async function askLeaders<Q extends TopicPartition, A extends PartitionAnswer>(
  client: KafkaClient,
  queries: readonly Q[],
  exchange: LeaderExchange<Q, A>,
): Promise<A[]> {
  const answers = new Map<Q, A>()
  let attempts = 0
  const attempt = async () => {
    attempts += 1
    const open = queries.filter((query) => (answers.get(query)?.error ?? -1) !== errors.NONE)
    await askOnce(client, open, { exchange, answers })
    for (const query of open) {
      const error = new KafkaError(answers.get(query)?.error ?? errors.UNKNOWN_SERVER_ERROR)
      // What the client knew may be old; what it has just asked for is not.
      const missing = error.code === errors.UNKNOWN_TOPIC_OR_PARTITION && attempts > 1
      if (error.retriable && !missing) throw error
    }
  }
  try {
    await client.retry(attempt, { timeoutMs: exchange.timeoutMs })
  } catch (error) {
    if (answers.size < queries.length) throw error
  }
  return queries.map((query) => answers.get(query) as A)
}

interface LeaderQueries<Q> {
  readonly node: number
  readonly queries: Q[]
}

async function askOnce<Q extends TopicPartition, A extends PartitionAnswer>(
  client: KafkaClient,
  queries: readonly Q[],
  { exchange, answers }: { exchange: LeaderExchange<Q, A>; answers: Map<Q, A> },
): Promise<void> {
  const metadata = await client.metadata([...new Set(queries.map(({ topic }) => topic))])
  // By leader, and by how often a partition came before: a request names each once.
  const requests = new Map<string, LeaderQueries<Q>>()
  const asked = new Map<string, number>()
  for (const query of queries) {
    const topic = metadata.topics.get(query.topic)
    const leader = topic?.partitions[query.partition]?.leader
    if (leader === undefined || leader < 0) {
      client.forgetTopic(query.topic)
      const none = topic?.error || errors.UNKNOWN_TOPIC_OR_PARTITION
      answers.set(
        query,
        exchange.failed(query, leader === undefined ? none : errors.LEADER_NOT_AVAILABLE),
      )
      continue
    }
    const before = asked.get(keyOf(query)) ?? 0
    asked.set(keyOf(query), before + 1)
    const key = `${leader}/${before}`
    const request = requests.get(key)
    if (request !== undefined) request.queries.push(query)
    else requests.set(key, { node: leader, queries: [query] })
  }
  await Promise.all(
    [...requests.values()].map(async (request) => {
      const found = await askLeader(exchange, request)
      for (const query of request.queries) {
        const answer =
          found.get(keyOf(query)) ?? exchange.failed(query, errors.UNKNOWN_SERVER_ERROR)
        if (pointsToStaleMetadata(answer.error)) client.forgetTopic(query.topic)
        answers.set(query, answer)
      }
    }),
  )
}

async function askLeader<Q extends TopicPartition, A extends PartitionAnswer>(
  { ask, failed }: LeaderExchange<Q, A>,
  { node, queries }: LeaderQueries<Q>,
): Promise<Map<string, A>> {
  let answers: readonly A[]
  try {
    answers = await ask(node, queries)
  } catch (thrown) {
    const { code } = asKafkaError(thrown)
    answers = queries.map((query) => failed(query, code))
  }
  return new Map(answers.map((answer) => [keyOf(answer), answer]))
}
