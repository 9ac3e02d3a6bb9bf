// fetchPartitions: one Fetch request to one leader, without a session (KIP-227): each names all it wants.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { FetchResponse } from '@sluice/protocol/messages/01-fetch'
import { zeroUuid } from '@sluice/protocol/schema'
import type { FetchedBytes } from './fetched-batches.ts'
import type { KafkaClient } from './kafka-client.ts'
import { KafkaError } from './kafka-error.ts'
import { type Isolation, isolationLevel } from './list-offsets.ts'

export interface WantedPartition {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface FetchOptions {
  readonly isolation: Isolation
  readonly minBytes: number
  readonly maxBytes: number
  readonly partitionMaxBytes: number
  /** How long the broker waits for `minBytes`. Takes a lane of its own unless it is 0. */
  readonly maxWaitMs: number
  readonly lane?: string
}

/** What a leader answered of one partition; `bytes` is empty with an error. */
export interface FetchedPartition extends FetchedBytes {
  readonly error: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
}

/** From version 13 on a topic is named by its id (KIP-516). */
const lastVersionByName = 12
const noSession = { sessionId: 0, sessionEpoch: -1 }
const noBytes = Buffer.alloc(0)

/**
 * The answers in the order of `wanted`. Rejects with KafkaError where the whole request failed; with
 * THROTTLING_QUOTA_EXCEEDED where the client may have nothing for a while.
 */
export async function fetchPartitions(
  client: KafkaClient,
  nodeId: number,
  wanted: readonly WantedPartition[],
  options: FetchOptions,
): Promise<FetchedPartition[]> {
  const { isolation, minBytes, maxBytes, maxWaitMs, lane } = options
  const { topics, namedById } = topicsOf(client, wanted, options.partitionMaxBytes)
  const response = await client.request(
    apis.fetch,
    { node: nodeId },
    {
      maxWaitMs,
      minBytes,
      maxBytes,
      isolationLevel: isolationLevel[isolation],
      ...noSession,
      topics: [...topics.values()],
    },
    {
      lane,
      maxVersion: namedById ? undefined : lastVersionByName,
      timeoutMs: client.requestTimeoutMs + maxWaitMs,
    },
  )
  if (response.errorCode !== errors.NONE) throw new KafkaError(response.errorCode)
  // A client that has used up its quota is answered at once, with nothing (KIP-219).
  if (response.throttleTimeMs > 0 && response.responses.length === 0) {
    const detail = `the quota on what is fetched is used up for ${response.throttleTimeMs} ms`
    throw new KafkaError(errors.THROTTLING_QUOTA_EXCEEDED, detail)
  }
  return answersOf(wanted, topics, response)
}

interface WantedTopic {
  readonly topic: string
  readonly topicId: string
  readonly partitions: {
    readonly partition: number
    readonly currentLeaderEpoch: number
    readonly fetchOffset: number
    readonly partitionMaxBytes: number
  }[]
}

function topicsOf(
  client: KafkaClient,
  wanted: readonly WantedPartition[],
  partitionMaxBytes: number,
): { topics: Map<string, WantedTopic>; namedById: boolean } {
  const topics = new Map<string, WantedTopic>()
  let namedById = true
  for (const { topic: name, partition, offset } of wanted) {
    const known = client.topic(name)
    let topic = topics.get(name)
    if (topic === undefined) {
      const topicId = known?.id ?? zeroUuid
      if (topicId === zeroUuid) namedById = false
      topic = { topic: name, topicId, partitions: [] }
      topics.set(name, topic)
    }
    const currentLeaderEpoch = known?.partitions[partition]?.leaderEpoch ?? -1
    topic.partitions.push({ partition, currentLeaderEpoch, fetchOffset: offset, partitionMaxBytes })
  }
  return { topics, namedById }
}

function answersOf(
  wanted: readonly WantedPartition[],
  topics: ReadonlyMap<string, WantedTopic>,
  response: FetchResponse,
): FetchedPartition[] {
  const answers = new Map<string, FetchResponse['responses'][number]['partitions'][number]>()
  for (const { topic, topicId, partitions } of response.responses) {
    for (const answer of partitions)
      answers.set(`${topic || topicId}/${answer.partitionIndex}`, answer)
  }
  return wanted.map(({ topic, partition }) => {
    const byName = answers.get(`${topic}/${partition}`)
    const answer = byName ?? answers.get(`${topics.get(topic)?.topicId}/${partition}`)
    return {
      topic,
      partition,
      error: answer === undefined ? errors.UNKNOWN_SERVER_ERROR : answer.errorCode,
      bytes: (answer?.errorCode === errors.NONE ? answer.records : null) ?? noBytes,
      aborted: answer?.abortedTransactions ?? [],
      highWatermark: answer?.highWatermark ?? -1,
      lastStableOffset: answer?.lastStableOffset ?? -1,
      logStartOffset: answer?.logStartOffset ?? -1,
    }
  })
}
