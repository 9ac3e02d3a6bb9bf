// Lookup: from what a request names to the partition that this broker leads, or to Kafka's error.

import type { TopicImage } from '@sluice/core/cluster/image'
import type { Partition } from '@sluice/core/partition/partition'
import { errors } from '@sluice/protocol/errors'
import { zeroUuid } from '@sluice/protocol/schema'
import type { Broker } from './broker.ts'

/** A partition of a request: newer versions name topics by id, older ones by name. */
export interface TopicRef {
  readonly name: string
  readonly topicId: string
}

/** The partition, or the error code that says why there is none here. */
export function findPartition(broker: Broker, topic: TopicRef, index: number): Partition | number {
  const byId = topic.topicId !== zeroUuid
  const found = byId
    ? broker.partitions.getById(topic.topicId, index)
    : broker.partitions.get(topic.name, index)
  if (found) return found
  const { image } = broker.cluster
  const known = byId ? image.topicById(topic.topicId) : image.topic(topic.name)
  if (!known) return byId ? errors.UNKNOWN_TOPIC_ID : errors.UNKNOWN_TOPIC_OR_PARTITION
  if (!known.partitions[index]) return errors.UNKNOWN_TOPIC_OR_PARTITION
  if (broker.partitions.isOffline(known.id, index)) return errors.KAFKA_STORAGE_ERROR
  return errors.NOT_LEADER_OR_FOLLOWER
}

/** Bits of AclOperation that a principal without restrictions has. */
export const topicOperations = bits([3, 4, 5, 6, 7, 8, 10, 11])
export const groupOperations = bits([3, 6, 8, 10, 11])
export const clusterOperations = bits([5, 7, 8, 9, 10, 11, 12])

/** What stands for "not asked for". */
export const operationsOmitted = -2147483648

function bits(operations: readonly number[]): number {
  return operations.reduce((sum, operation) => sum | (1 << operation), 0)
}

/**
 * Where a partition is. One whose disk failed has no leader: with no other replica nobody can take over
 * (Kafka's controller says the same).
 */
export function replicasOf(broker: Broker, topic: TopicImage, index: number) {
  const { leader, leaderEpoch, replicas, isr } = topic.partitions[index]
  const offlineReplicas = replicas.filter((id) => isOffline(broker, topic, index, id))
  const leaderId = offlineReplicas.includes(leader) ? -1 : leader
  return {
    errorCode: leaderId === -1 ? errors.LEADER_NOT_AVAILABLE : 0,
    leaderId,
    leaderEpoch,
    replicaNodes: replicas,
    isrNodes: isr,
    offlineReplicas,
  }
}

function isOffline(broker: Broker, topic: TopicImage, index: number, id: number): boolean {
  if (id !== broker.nodeId) return broker.cluster.image.broker(id)?.fenced ?? true
  return broker.partitions.isOffline(topic.id, index)
}
