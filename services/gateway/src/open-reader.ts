// Opens a reader for a request: the topic looked up, the partitions chosen, `from` resolved, and the first
// records read, so that what is wrong is known before a response begins.

import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import type { Cursor } from './cursor.ts'
import { LogReader, type ReadLimits } from './log-reader.ts'
import { done, type Outcome } from './problem.ts'
import type { ReadFrom } from './read-from.ts'
import { filterHash } from './read-query.ts'
import type { ReadRecord } from './read-record.ts'
import { moveIntoRange, startPositions } from './read-start.ts'
import type { Tails } from './tails.ts'
import { findTopic, selectPartitions } from './topic-lookup.ts'

export interface ReadServices {
  readonly client: KafkaClient
  readonly tails: Tails
}

export interface ReadRequest {
  readonly topic: string
  /** All without. */
  readonly partitions: readonly number[] | undefined
  readonly from: ReadFrom
  readonly committed: boolean
  readonly key: string | undefined
  readonly clamp: boolean
  /** Of the first read. */
  readonly limits: ReadLimits
}

export interface OpenedReader {
  readonly reader: LogReader
  /** Where it stood before the first read. */
  readonly start: Cursor
  readonly first: readonly ReadRecord[]
}

export async function openReader(
  services: ReadServices,
  request: ReadRequest,
): Promise<Outcome<OpenedReader>> {
  const opened = await tryOpen(services, request)
  if (opened.ok || opened.problem.code !== 'topic_replaced') return opened
  if (request.from.kind === 'cursor') return opened
  // It was the topic that we remembered: the new one is as good for who asks by name.
  services.client.forgetTopic(request.topic)
  return tryOpen(services, request)
}

async function tryOpen(
  { client, tails }: ReadServices,
  request: ReadRequest,
): Promise<Outcome<OpenedReader>> {
  const found = await findTopic(client, request.topic)
  if (!found.ok) return found
  const topic = found.value
  const partitions = selectPartitions(topic, request.partitions)
  if (!partitions.ok) return partitions
  const isolation = request.committed ? 'read_committed' : 'read_uncommitted'
  const key = request.key === undefined ? undefined : Buffer.from(request.key)
  const selection = { allPartitions: request.partitions === undefined, filter: filterHash(key) }
  const positions = await startPositions(request.from, {
    client,
    topic,
    partitions: partitions.value,
    isolation,
    selection,
  })
  if (!positions.ok) return positions
  const { clamp } = request
  const reader = new LogReader({
    client,
    tails,
    topic,
    isolation,
    selection,
    positions: positions.value,
    key,
    outOfRange: (position) => moveIntoRange(position, { client, topic, isolation, clamp }),
  })
  const start = { topicId: topic.id, ...selection, positions: positions.value }
  const first = await reader.read(request.limits)
  return first.ok ? done({ reader, start, first: first.value }) : first
}
