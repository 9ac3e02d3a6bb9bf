// Consumes records: reads until it was enough (--max, --until-end, --timeout) or a signal comes, and
// prints no faster than its reader takes it.

import { type ConsumerConfig, consumerConfig } from '@sluice/core/config/client-config'
import type { ConfigEntry } from '@sluice/core/config/config-entry'
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
import { bootstrapOf, invalidConfigs, withClient } from './client.ts'
import type { ConsumeOptions } from './commands/consume.ts'
import { Failure, usageFailure } from './failure.ts'
import { Output } from './output.ts'
import { recordPrinter } from './record-format.ts'

/** Where records come from: partitions of one's own choice, or those of a group member. */
interface Source {
  poll(maxWaitMs: number): Promise<FetchedRecords[]>
  /** Whether all that was there at the start has been read. */
  readonly atEnd: boolean
  /** Records from `offset` on were fetched and not printed: they are not to be committed. */
  unread(partition: number, offset: number): void
  /** Lets a poll() that waits return. */
  interrupt(): void
  close(): Promise<void>
}

/** A poll waits so long at most, so that the end is noticed where it brings no record. */
const pollMs = 500

export async function consume(topic: string, options: ConsumeOptions): Promise<void> {
  const given: ConfigEntry[] = [...(options.config ?? [])]
  if (options.group !== undefined) given.push({ name: 'group.id', value: options.group })
  const resolved = consumerConfig(given)
  if (!resolved.ok) throw invalidConfigs(resolved.errors)
  const { config } = resolved
  const bootstrap = bootstrapOf(options.bootstrap, config, given)
  await withClient(bootstrap, config, async (client) => {
    const source = await openSource(client, topic, { config, options })
    let interrupted = false
    const interrupt = () => {
      if (interrupted) process.exit(1)
      interrupted = true
      source.interrupt()
    }
    process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
    try {
      await print(source, options, () => interrupted)
    } finally {
      await source.close()
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    }
  })
}

async function print(
  source: Source,
  options: ConsumeOptions,
  interrupted: () => boolean,
): Promise<void> {
  const { max = Number.POSITIVE_INFINITY, timeout = Number.POSITIVE_INFINITY } = options
  const output = new Output()
  const printRecord = recordPrinter(options.format, { output, keySeparator: options.keySeparator })
  let printed = 0
  let lastRecordMs = performance.now()
  while (printed < max && !interrupted()) {
    if (options.untilEnd && source.atEnd) break
    const idleMs = performance.now() - lastRecordMs
    if (idleMs >= timeout) break
    const fetched = await source.poll(Math.min(pollMs, timeout - idleMs))
    for (const { partition, records } of fetched) {
      const some = Math.min(records.length, max - printed)
      for (let index = 0; index < some; index++) {
        printRecord(records[index], partition)
        if (output.full) await output.flush()
      }
      if (some < records.length) source.unread(partition, records[some].offset)
      printed += some
    }
    await output.flush()
    if (fetched.length > 0) lastRecordMs = performance.now()
  }
}

interface SourceOptions {
  readonly config: ConsumerConfig
  readonly options: ConsumeOptions
}

function openSource(client: KafkaClient, topic: string, settings: SourceOptions): Promise<Source> {
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
): Promise<Source> {
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
): Promise<Source> {
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
