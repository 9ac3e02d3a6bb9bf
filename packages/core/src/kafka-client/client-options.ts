// The options of this client out of Kafka's client configs (`-X name=value`, client .properties files).

import type { ConsumerConfig, ProducerConfig } from '../config/client-config.ts'
import { type AssignorName, assignors } from './assignors.ts'
import type { ConsumerOptions } from './consumer.ts'
import type { GroupConsumerOptions } from './group-consumer.ts'
import type { KafkaClientOptions } from './kafka-client.ts'
import type { ProducerOptions } from './producer.ts'

const acksByName = { all: -1, '-1': -1, '0': 0, '1': 1 } as const

/** By Java class or by short name. */
const assignorsByName: Readonly<Record<string, AssignorName>> = {
  range: 'range',
  roundrobin: 'roundrobin',
  sticky: 'sticky',
  'cooperative-sticky': 'cooperative-sticky',
  'org.apache.kafka.clients.consumer.RangeAssignor': 'range',
  'org.apache.kafka.clients.consumer.RoundRobinAssignor': 'roundrobin',
  'org.apache.kafka.clients.consumer.StickyAssignor': 'sticky',
  'org.apache.kafka.clients.consumer.CooperativeStickyAssignor': 'cooperative-sticky',
}

type ClientTimes = Pick<KafkaClientOptions, 'requestTimeoutMs' | 'metadataMaxAgeMs' | 'backoff'>
type GroupSettings = Omit<GroupConsumerOptions, 'group' | 'topics'>

export function clientOptions(config: ProducerConfig | ConsumerConfig): ClientTimes {
  return {
    requestTimeoutMs: config['request.timeout.ms'],
    metadataMaxAgeMs: config['metadata.max.age.ms'],
    backoff: { firstMs: config['retry.backoff.ms'], maxMs: config['retry.backoff.max.ms'] },
  }
}

export function producerOptions(config: ProducerConfig): ProducerOptions {
  const acks = acksByName[config.acks]
  const codec = config['compression.type']
  const inFlightMax = config['max.in.flight.requests.per.connection']
  return {
    acks,
    codec,
    level: levelOf(config),
    // As Kafka does where idempotence is left at its default and something speaks against it.
    idempotent: config['enable.idempotence'] && acks === -1 && inFlightMax <= 5,
    inFlightMax,
    lingerMs: config['linger.ms'],
    batchBytes: config['batch.size'],
    requestBytesMax: config['max.request.size'],
    deliveryTimeoutMs: config['delivery.timeout.ms'],
    bufferBytes: config['buffer.memory'],
    retriesMax: config.retries,
  }
}

export function consumerOptions(config: ConsumerConfig): ConsumerOptions {
  const isolated = config['isolation.level'] === 'read_committed'
  return {
    offsetReset: config['auto.offset.reset'] as ConsumerOptions['offsetReset'],
    isolation: isolated ? 'read_committed' : 'read_uncommitted',
    minBytes: config['fetch.min.bytes'],
    maxBytes: config['fetch.max.bytes'],
    partitionMaxBytes: config['max.partition.fetch.bytes'],
    maxWaitMs: config['fetch.max.wait.ms'],
    checkCrcs: config['check.crcs'],
    allowAutoTopicCreation: config['allow.auto.create.topics'],
  }
}

export type GroupOptionsResult =
  | { ok: true; options: GroupSettings }
  | { ok: false; message: string }

export function groupConsumerOptions(config: ConsumerConfig): GroupOptionsResult {
  const names: AssignorName[] = []
  for (const name of config['partition.assignment.strategy']) {
    const assignor = assignorsByName[name]
    if (assignor === undefined) {
      const message = `there is no assignor ${name} here; there are ${Object.keys(assignors).join(', ')}`
      return { ok: false, message }
    }
    names.push(assignor)
  }
  const options: GroupSettings = {
    ...consumerOptions(config),
    assignors: names,
    instanceId: config['group.instance.id'] ?? undefined,
    sessionTimeoutMs: config['session.timeout.ms'],
    rebalanceTimeoutMs: config['max.poll.interval.ms'],
    heartbeatIntervalMs: config['heartbeat.interval.ms'],
    autoCommit: config['enable.auto.commit'],
    autoCommitIntervalMs: config['auto.commit.interval.ms'],
  }
  return { ok: true, options }
}

function levelOf(config: ProducerConfig): number | undefined {
  switch (config['compression.type']) {
    case 'gzip':
      return config['compression.gzip.level']
    case 'lz4':
      return config['compression.lz4.level']
    case 'zstd':
      return config['compression.zstd.level']
    default:
      return undefined
  }
}
