// What a request to create topics (or partitions) comes to: for each topic the partitions it gets, or
// Kafka's error. Pure: it reads the image and draws, the controller writes.

import { errors } from '@sluice/protocol/errors'
import type { BrokerConfig } from '../config/broker-config.ts'
import { validateTopicConfig } from '../config/topic-config.ts'
import type { ConfigOverrides, MetadataImage, PartitionImage, TopicImage } from './image.ts'
import { place } from './placement.ts'
import { type Refusal, refusal } from './refusal.ts'
import { invalidTopicName } from './topic-name.ts'

/** Partitions that one request may create, in all its topics together, as in Kafka. */
export const partitionsPerRequestMax = 10_000

export interface NewTopic {
  readonly name: string
  /** -1: num.partitions of the broker. */
  readonly partitions: number
  /** -1: default.replication.factor of the broker. */
  readonly replicationFactor: number
  /** Replicas by partition, instead of the two above, which must be -1 then. */
  readonly assignments?: readonly { readonly index: number; readonly brokers: readonly number[] }[]
  readonly configs: ConfigOverrides
}

export type NewPartitions =
  | { readonly ok: true; readonly partitions: readonly PartitionImage[] }
  | Refusal

export interface PlanContext {
  readonly image: MetadataImage
  readonly config: BrokerConfig
  /** Draws an integer below the limit. */
  readonly draw: (limit: number) => number
}

/** How many partitions whoever asks may create and delete (KIP-599). */
export interface Mutations {
  /** Whether so many may be created or deleted now. */
  take(partitions: number): boolean
}

export const unlimited: Mutations = { take: () => true }

export function overQuota(): Refusal {
  return refusal(errors.THROTTLING_QUOTA_EXCEEDED, 'The throttling quota has been exceeded.')
}

/** The partitions of a topic that is to be. */
export function planTopic(topic: NewTopic, context: PlanContext): NewPartitions {
  const { image, config } = context
  const badName = invalidTopicName(topic.name)
  if (badName) return refusal(errors.INVALID_TOPIC_EXCEPTION, badName)
  if (image.topic(topic.name)) {
    return refusal(errors.TOPIC_ALREADY_EXISTS, `Topic '${topic.name}' already exists.`)
  }
  const other = image.collidingName(topic.name)
  if (other !== undefined) {
    const message = `Topic '${topic.name}' collides with existing topic: ${other}`
    return refusal(errors.INVALID_TOPIC_EXCEPTION, message)
  }
  const badConfig = validateTopicConfig(config, topic.configs)[0]
  if (badConfig) return refusal(errors.INVALID_CONFIG, badConfig.message)
  if (topic.assignments && topic.assignments.length > 0) return planAssigned(topic, image)
  return planPlaced(
    {
      partitions: topic.partitions === -1 ? config['num.partitions'] : topic.partitions,
      replicationFactor:
        topic.replicationFactor === -1
          ? config['default.replication.factor']
          : topic.replicationFactor,
      from: 0,
    },
    context,
  )
}

export interface MorePartitions {
  readonly topic: TopicImage
  /** Partitions afterwards. */
  readonly count: number
  /** Replicas of each new partition; null: placed by the controller. */
  readonly assignments: readonly { readonly brokers: readonly number[] }[] | null
}

/** The partitions to add to a topic. */
export function planMorePartitions(more: MorePartitions, context: PlanContext): NewPartitions {
  const { topic, count, assignments } = more
  const before = topic.partitions.length
  if (count === before) {
    return refusal(errors.INVALID_PARTITIONS, `Topic already has ${before} partition(s).`)
  }
  if (count < before) {
    const message = `The topic ${topic.name} currently has ${before} partition(s); ${count} would not be an increase.`
    return refusal(errors.INVALID_PARTITIONS, message)
  }
  const added = count - before
  if (added > partitionsPerRequestMax) return tooManyPartitions()
  const replicationFactor = topic.partitions[0].replicas.length
  if (assignments === null) {
    return planPlaced({ partitions: added, replicationFactor, from: before }, context)
  }
  if (assignments.length !== added) {
    const message =
      `Attempted to add ${added} additional partition(s), ` +
      `but only ${assignments.length} assignment(s) were specified.`
    return refusal(errors.INVALID_REPLICA_ASSIGNMENT, message)
  }
  return assigned(
    assignments.map(({ brokers }, n) => ({ index: before + n, brokers })),
    { image: context.image, replicationFactor },
  )
}

export function tooManyPartitions(): Refusal {
  return refusal(errors.POLICY_VIOLATION, 'Excessively large number of partitions per request.')
}

function planPlaced(
  wanted: { partitions: number; replicationFactor: number; from: number },
  { image, draw }: PlanContext,
): NewPartitions {
  const { partitions, replicationFactor, from } = wanted
  if (partitions < 1) {
    const message = 'Number of partitions was set to an invalid non-positive value.'
    return refusal(errors.INVALID_PARTITIONS, message)
  }
  if (replicationFactor < 1) {
    const message = 'Replication factor must be larger than 0, or -1 to use the default value.'
    return refusal(errors.INVALID_REPLICATION_FACTOR, message)
  }
  if (partitions > partitionsPerRequestMax) return tooManyPartitions()
  const brokers = [...image.brokers()].filter(({ fenced }) => !fenced).map(({ id }) => id)
  brokers.sort((a, b) => a - b)
  if (replicationFactor > brokers.length) {
    const message =
      `Unable to replicate the partition ${replicationFactor} time(s): The target replication ` +
      `factor of ${replicationFactor} cannot be reached because only ${brokers.length} broker(s) ` +
      'are registered.'
    return refusal(errors.INVALID_REPLICATION_FACTOR, message)
  }
  const start = draw(brokers.length)
  const placed = place({ brokers, partitions, replicationFactor, start })
  return { ok: true, partitions: placed.map((replicas, n) => newPartition(from + n, replicas)) }
}

function planAssigned(topic: NewTopic, image: MetadataImage): NewPartitions {
  if (topic.replicationFactor !== -1) {
    const message =
      'A manual partition assignment was specified, but replication factor was not set to -1.'
    return refusal(errors.INVALID_REQUEST, message)
  }
  if (topic.partitions !== -1) {
    const message =
      'A manual partition assignment was specified, but numPartitions was not set to -1.'
    return refusal(errors.INVALID_REQUEST, message)
  }
  const assignments = [...(topic.assignments ?? [])].sort((a, b) => a.index - b.index)
  for (let index = 0; index < assignments.length; index++) {
    if (assignments[index].index === index) continue
    const message =
      assignments[index].index === assignments[index - 1]?.index
        ? `Found multiple manual partition assignments for partition ${assignments[index].index}`
        : 'partitions should be a consecutive 0-based integer sequence'
    return refusal(errors.INVALID_REPLICA_ASSIGNMENT, message)
  }
  return assigned(assignments, { image, replicationFactor: assignments[0].brokers.length })
}

function assigned(
  assignments: readonly { readonly index: number; readonly brokers: readonly number[] }[],
  { image, replicationFactor }: { image: MetadataImage; replicationFactor: number },
): NewPartitions {
  const wrong = (message: string) => refusal(errors.INVALID_REPLICA_ASSIGNMENT, message)
  for (const { index, brokers } of assignments) {
    if (brokers.length === 0) {
      return wrong('The manual partition assignment includes an empty replica list.')
    }
    const twice = brokers.find((id, at) => brokers.indexOf(id) !== at)
    if (twice !== undefined) {
      return wrong(`The manual partition assignment includes the broker ${twice} more than once.`)
    }
    const stranger = brokers.find((id) => !image.broker(id))
    if (stranger !== undefined) {
      return wrong(
        `The manual partition assignment includes broker ${stranger}, but no such broker is registered.`,
      )
    }
    if (brokers.length !== replicationFactor) {
      return wrong(
        `The manual partition assignment includes a partition with ${brokers.length} replica(s), ` +
          'but this is not consistent with previous partitions, which have ' +
          `${replicationFactor} replica(s).`,
      )
    }
    if (index < 0) return wrong('partitions should be a consecutive 0-based integer sequence')
  }
  return {
    ok: true,
    partitions: assignments.map(({ index, brokers }) => newPartition(index, [...brokers])),
  }
}

function newPartition(index: number, replicas: readonly number[]): PartitionImage {
  return {
    index,
    leader: replicas[0],
    leaderEpoch: 0,
    partitionEpoch: 0,
    replicas,
    isr: replicas,
    elr: [],
    lastKnownElr: [],
    addingReplicas: [],
    removingReplicas: [],
  }
}
