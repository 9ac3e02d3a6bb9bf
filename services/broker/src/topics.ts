// Topics as Metadata and DescribeTopicPartitions ask for them: creation on first use.

import type { NewTopic } from '@sluice/core/cluster/controller'
import type { Mutations } from '@sluice/core/cluster/create-topics'
import { isInternalTopic } from '@sluice/core/cluster/topic-name'
import type { Broker } from './broker.ts'

/**
 * Creates the topics that are not there, with the defaults of the broker. What a client hears is how
 * things stand afterwards; an error stands beside each name that could not be created.
 */
export async function createOnDemand(
  broker: Broker,
  names: readonly string[],
  mutations?: Mutations,
): Promise<ReadonlyMap<string, number>> {
  const missing = names.filter((name) => !broker.cluster.image.topic(name))
  const topics = missing.map((name) => ({ name, ...shapeOf(broker, name) }))
  const outcomes = await broker.cluster.controller.createTopics(topics, {
    validateOnly: false,
    mutations,
  })
  return new Map(outcomes.map((outcome, i) => [missing[i], outcome.ok ? 0 : outcome.error]))
}

/** Kafka's own topics have a shape of their own. */
function shapeOf(broker: Broker, name: string): Omit<NewTopic, 'name'> {
  if (!isInternalTopic(name)) return { partitions: -1, replicationFactor: -1, configs: {} }
  const { config } = broker
  const live = [...broker.cluster.image.brokers()].length
  return {
    partitions: config['offsets.topic.num.partitions'],
    // A cluster smaller than the factor is a developer's: its groups work nevertheless.
    replicationFactor: Math.min(config['offsets.topic.replication.factor'], live),
    configs: {
      'cleanup.policy': 'compact',
      'compression.type': 'producer',
      'segment.bytes': String(config['offsets.topic.segment.bytes']),
    },
  }
}
