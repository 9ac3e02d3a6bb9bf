// TopicDescription: a topic with its partitions and the configs that were set, and its text, which is the
// one that Kafka's kafka-topics tool prints, to the tab.

import { Admin } from '@sluice/core/kafka-client/admin'
import type { ConfigEntry } from '@sluice/core/kafka-client/configs'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { DescribeTopicPartitionsResponse } from '@sluice/protocol/messages/75-describe-topic-partitions'

export interface TopicDescription {
  readonly name: string
  readonly id: string
  /** A Kafka error code; then there is nothing else. */
  readonly error: number
  readonly internal: boolean
  readonly partitions: PartitionDescription[]
  readonly configs: Readonly<Record<string, string>>
}

export interface PartitionDescription {
  readonly partition: number
  /** -1: there is none. */
  readonly leader: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly elr: readonly number[] | null
  readonly lastKnownElr: readonly number[] | null
}

/** DescribeConfigs' source of what nobody set. */
const defaultSource = 5

export async function readTopics(
  client: KafkaClient,
  names: readonly string[],
): Promise<TopicDescription[]> {
  const partitions = await readPartitions(client, names)
  const configs = await readConfigs(client, names)
  return [...names].sort().map((name) => {
    const found = partitions.get(name)
    return {
      name,
      id: found?.id ?? '',
      error: found?.error ?? errors.UNKNOWN_TOPIC_OR_PARTITION,
      internal: found?.internal ?? false,
      partitions: found?.partitions ?? [],
      configs: configs.get(name) ?? {},
    }
  })
}

export function topicText({ name, id, partitions, configs }: TopicDescription): string {
  const settings = Object.entries(configs).map(([key, value]) => `${key}=${value}`)
  const head = [
    `Topic: ${name}`,
    `TopicId: ${id}`,
    `PartitionCount: ${partitions.length}`,
    `ReplicationFactor: ${partitions[0]?.replicas.length ?? 0}`,
    `Configs: ${settings.join(',')}`,
  ]
  const rows = partitions.map((of) => partitionText(name, of))
  return [head.join('\t'), ...rows, ''].join('\n')
}

function partitionText(topic: string, of: PartitionDescription): string {
  const cells = [
    `Topic: ${topic}`,
    `Partition: ${of.partition}`,
    `Leader: ${of.leader < 0 ? 'none' : of.leader}`,
    `Replicas: ${of.replicas.join(',')}`,
    `Isr: ${of.isr.join(',')}`,
    `Elr: ${of.elr?.join(',') ?? 'N/A'}`,
    `LastKnownElr: ${of.lastKnownElr?.join(',') ?? 'N/A'}`,
  ]
  return `\t${cells.join('\t')}`
}

type FoundTopic = Omit<TopicDescription, 'name' | 'configs'>

/** Page by page: a broker answers with so many partitions at most. */
async function readPartitions(
  client: KafkaClient,
  names: readonly string[],
): Promise<Map<string, FoundTopic>> {
  const found = new Map<string, FoundTopic>()
  if (names.length === 0) return found
  const topics = [...names].sort().map((name) => ({ name }))
  let cursor: DescribeTopicPartitionsResponse['nextCursor'] = null
  do {
    const from = cursor
    const response: DescribeTopicPartitionsResponse = await client.retry(() =>
      client.request(apis.describeTopicPartitions, 'any', { topics, cursor: from }),
    )
    for (const topic of response.topics) {
      const name = topic.name ?? ''
      const before = found.get(name)
      const partitions = topic.partitions.map(toPartition)
      if (before) before.partitions.push(...partitions)
      else {
        const { errorCode: error, topicId: id, isInternal: internal } = topic
        found.set(name, { id, error, internal, partitions })
      }
    }
    cursor = response.nextCursor
  } while (cursor !== null)
  return found
}

function toPartition(
  of: DescribeTopicPartitionsResponse['topics'][number]['partitions'][number],
): PartitionDescription {
  return {
    partition: of.partitionIndex,
    leader: of.leaderId,
    replicas: of.replicaNodes,
    isr: of.isrNodes,
    elr: of.eligibleLeaderReplicas,
    lastKnownElr: of.lastKnownElr,
  }
}

/** What differs from the defaults, as Kafka's tool shows it: set on the topic or at the broker. */
async function readConfigs(
  client: KafkaClient,
  names: readonly string[],
): Promise<Map<string, Readonly<Record<string, string>>>> {
  const resources = names.map((name) => ({ type: 'topic', name }) as const)
  const described = await new Admin(client).describeConfigs(resources)
  const set = ({ source }: ConfigEntry) => source !== defaultSource
  return new Map(
    described.map(({ name, configs }) => {
      return [name, Object.fromEntries(configs.filter(set).map((of) => [of.name, of.value ?? '']))]
    }),
  )
}
