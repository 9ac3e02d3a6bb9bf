// Opens a reader for a request: the topic looked up, the partitions chosen, `from` resolved, and the first
// records read, so that what is wrong is known before a response begins.

import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import type { Isolation } from '@sluice/core/kafka-client/list-offsets'
import type { TopicMetadata } from '@sluice/core/kafka-client/metadata-cache'
import type { Cursor, Position } from './cursor.ts'
import { LogReader, type ReadLimits } from './log-reader.ts'
import { done, failed, type Outcome, type Problem } from './problem.ts'
import type { ReadFrom } from './read-from.ts'
import type { ReadRecord } from './read-record.ts'
import { moveIntoRange, startPositions } from './read-start.ts'
import type { RecordFilter } from './record-filter.ts'
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
  readonly filter: RecordFilter
  /** Where to end, in the one partition that is read. */
  readonly to: number | undefined
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
  return withCurrentTopic(services, request, () => tryOpen(services, request))
}

/** A second attempt, where the topic that we remembered was replaced: who asks by name means the new one. */
export async function withCurrentTopic<T>(
  { client }: ReadServices,
  { topic, from }: ReadRequest,
  attempt: () => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const first = await attempt()
  if (first.ok || first.problem.code !== 'topic_replaced' || from.kind === 'cursor') return first
  client.forgetTopic(topic)
  return attempt()
}

/** What is read, and from where. */
export interface ReadStart {
  readonly topic: TopicMetadata
  readonly isolation: Isolation
  readonly selection: Pick<Cursor, 'allPartitions' | 'filter'>
  readonly positions: readonly Position[]
}

export async function startOfRead(
  { client }: ReadServices,
  request: ReadRequest,
): Promise<Outcome<ReadStart>> {
  const found = await findTopic(client, request.topic)
  if (!found.ok) return found
  const topic = found.value
  const partitions = selectPartitions(topic, request.partitions)
  if (!partitions.ok) return partitions
  if (request.to !== undefined && partitions.value.length !== 1) return failed(onePartition)
  const isolation = request.committed ? 'read_committed' : 'read_uncommitted'
  const selection = {
    allPartitions: request.partitions === undefined,
    filter: request.filter.hash,
  }
  const positions = await startPositions(request.from, {
    client,
    topic,
    partitions: partitions.value,
    isolation,
    selection,
  })
  return positions.ok
    ? done({ topic, isolation, selection, positions: positions.value })
    : positions
}

const onePartition: Problem = {
  code: 'invalid_parameter',
  detail: 'to=offset:N needs one partition: …/partitions/{p}/records or partition=p',
}

async function tryOpen(
  services: ReadServices,
  request: ReadRequest,
): Promise<Outcome<OpenedReader>> {
  const started = await startOfRead(services, request)
  if (!started.ok) return started
  const { topic, isolation, selection, positions } = started.value
  const { clamp, filter, to } = request
  const { client } = services
  const outOfRange = (position: Position) =>
    moveIntoRange(position, { client, topic, isolation, clamp })
  const reader = new LogReader({ ...services, ...started.value, filter, to, outOfRange })
  const start = { topicId: topic.id, ...selection, positions }
  const first = await reader.read(request.limits)
  return first.ok ? done({ reader, start, first: first.value }) : first
}
