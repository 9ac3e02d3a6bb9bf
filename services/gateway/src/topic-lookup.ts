// What is known of a topic, or the problem that there is none. A look never creates it.

import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import type { TopicMetadata } from '@sluice/core/kafka-client/metadata-cache'
import { errors } from '@sluice/protocol/errors'
import { done, failed, type Outcome } from './problem.ts'
import { kafkaProblem } from './problems.ts'

export async function findTopic(
  client: KafkaClient,
  name: string,
  options: { refresh?: boolean } = {},
): Promise<Outcome<TopicMetadata>> {
  const { topics } = await client.metadata([name], options)
  const topic = topics.get(name)
  if (topic?.error === errors.NONE) return done(topic)
  const code = topic?.error ?? errors.UNKNOWN_TOPIC_OR_PARTITION
  const unknown = code === errors.UNKNOWN_TOPIC_OR_PARTITION
  return failed(kafkaProblem(code, unknown ? `there is no topic ${name}` : undefined))
}

/** The topic's partitions among `wanted` (all without), ascending. */
export function selectPartitions(
  topic: TopicMetadata,
  wanted: readonly number[] | undefined,
): Outcome<number[]> {
  const count = topic.partitions.length
  if (!wanted) return done(topic.partitions.map(({ index }) => index))
  const missing = wanted.find((partition) => partition >= count)
  if (missing !== undefined) {
    const detail = `${topic.name} has ${count} partitions, there is no ${missing}`
    return failed({ code: 'partition_not_found', detail })
  }
  return done([...new Set(wanted)].sort((a, b) => a - b))
}
