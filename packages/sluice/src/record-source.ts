// RecordSource: where `sluice consume` takes records from: partitions of one's own choice, from an offset
// of one's own choice, or the share of a group's member, from where the group left off.

import type { ConsumerConfig } from '@sluice/core/config/client-config'
import { consumerOptions, groupConsumerOptions } from '@sluice/core/kafka-client/client-options'
import { Consumer, type FetchedRecords } from '@sluice/core/kafka-client/consumer'
import { GroupConsumer } from '@sluice/core/kafka-client/group-consumer'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import {
  type ListedOffset,
  listOffsets,
  type OffsetSpec,
} from '@sluice/core/kafka-client/list-offsets'
import { errorName, errors } from '@sluice/protocol/errors'
import type { ConsumeOptions } from './commands/consume.ts'
import { Failure, usageFailure } from './failure.ts'

export interface RecordSource {
  poll(maxWaitMs: number): Promise<FetchedRecords[]>
  /** Whether all that was there at the start has been read. */
  readonly atEnd: boolean
  /** Records from `offset` on were fetched and not printed: they are not to be committed. */
  unread(partition: number, offset: number): void
  /** Lets a poll() that waits return. */
  interrupt(): void
  close(): Promise<void>
}

interface SourceOptions {
  readonly config: ConsumerConfig
  readonly options: ConsumeOptions
}

export function openSource(
  client: KafkaClient,
  topic: string,
  settings: SourceOptions,
): Promise<RecordSource> {
  const { config, options } = settings
  if (config['group.id'] === null) return openPartitions(client, topic, settings)
  if (options.partition !== undefined || options.offset !== undefined) {
    throw usageFailure('--partition and --offset do not go with a group', 'the group decides')
  }
  return openGroup(client, topic, { ...settings, group: config['group.id'] })
}

async function openGroup(
  client: KafkaClient,
  topic: string,
  { config, options, group }: SourceOptions & { group: string },
): Promise<RecordSource> {
  const partitions = await partitionsOf(client, topic, config['allow.auto.create.topics'])
  const ends = await endsOf(client, topic, { partitions, config, options })
  const settings = groupConsumerOptions(config)
  if (!settings.ok) throw usageFailure(settings.message)
  const member = new GroupConsumer(client, {
    ...settings.options,
    ...(options.fromBeginning && { offsetReset: 'earliest' as const }),
    group,
    topics: [topic],
  })
  return {
    poll: (maxWaitMs) => member.poll(maxWaitMs),
    get atEnd() {
      const share = member.assignment
      return (
        share.length > 0 &&
        share.every(({ partition }) => {
          const position = member.position({ topic, partition })?.position
          return position !== undefined && position >= ends[partition]
        })
      )
    },
    unread: (partition, offset) => member.seek({ topic, partition }, offset),
    interrupt() {},
    close: () => member.close(),
  }
}

async function openPartitions(
  client: KafkaClient,
  topic: string,
  { config, options }: SourceOptions,
): Promise<RecordSource> {
  const all = await partitionsOf(client, topic, config['allow.auto.create.topics'])
  const partitions = options.partition ?? all
  const missing = partitions.find((partition) => !all.includes(partition))
  if (missing !== undefined) {
    throw new Failure(`${topic} has ${all.length} partitions, there is no ${missing}`)
  }
  const ends = await endsOf(client, topic, { partitions, config, options })
  const consumer = new Consumer(client, consumerOptions(config))
  const starts = await startsOf(client, topic, { partitions, config, options })
  consumer.assign(
    partitions.map((partition, index) => ({ topic, partition, offset: starts?.[index] })),
  )
  return {
    poll: (maxWaitMs) => consumer.poll(maxWaitMs),
    get atEnd() {
      return partitions.every((partition, index) => {
        const position = consumer.position({ topic, partition })?.position
        return position !== undefined && position >= ends[index]
      })
    },
    unread() {},
    interrupt: () => consumer.interrupt(),
    async close() {
      consumer.close()
    },
  }
}

async function partitionsOf(
  client: KafkaClient,
  topic: string,
  allowAutoTopicCreation: boolean,
): Promise<number[]> {
  const attempt = async () => {
    const { topics } = await client.metadata([topic], { refresh: true, allowAutoTopicCreation })
    const found = topics.get(topic)
    const error = found?.error ?? errors.UNKNOWN_TOPIC_OR_PARTITION
    if (error !== errors.NONE) throw new KafkaError(error, `topic ${topic}: ${errorName(error)}`)
    return found?.partitions.map(({ index }) => index) ?? []
  }
  // A topic that was just created has no leader for a moment.
  const createTimeoutMs = 5000
  return client.retry(attempt, { timeoutMs: createTimeoutMs })
}

interface PartitionsOptions extends SourceOptions {
  readonly partitions: readonly number[]
}

/** The ends as they are now; nothing is looked up when nobody asked for them. */
async function endsOf(
  client: KafkaClient,
  topic: string,
  { partitions, config, options }: PartitionsOptions,
): Promise<number[]> {
  if (!options.untilEnd) return partitions.map(() => Number.POSITIVE_INFINITY)
  return lookUp(client, topic, { partitions, at: 'latest', config })
}

/** Where to begin; undefined: by auto.offset.reset. */
async function startsOf(
  client: KafkaClient,
  topic: string,
  { partitions, config, options }: PartitionsOptions,
): Promise<(number | OffsetSpec)[] | undefined> {
  const offset = options.fromBeginning ? 'earliest' : options.offset
  if (offset === undefined) return undefined
  if (typeof offset === 'string' || offset >= 0) return partitions.map(() => offset)
  const earliest = await lookUp(client, topic, { partitions, at: 'earliest', config })
  const latest = await lookUp(client, topic, { partitions, at: 'latest', config })
  return latest.map((end, index) => Math.max(earliest[index], end + offset))
}

async function lookUp(
  client: KafkaClient,
  topic: string,
  query: { partitions: readonly number[]; at: OffsetSpec; config: ConsumerConfig },
): Promise<number[]> {
  const { partitions, at, config } = query
  const queries = partitions.map((partition) => ({ topic, partition, at }))
  const isolation = config['isolation.level']
  const listed = await listOffsets(client, queries, { isolation })
  return listed.map((found: ListedOffset) => {
    if (found.error === errors.NONE) return found.offset
    throw new KafkaError(found.error, `offsets of ${topic}-${found.partition}`)
  })
}
