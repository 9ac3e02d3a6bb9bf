// describeLogDirs: what a broker has in its log directories, and how much room there is (KIP-113, KIP-827).

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { KafkaClient } from './kafka-client.ts'
import { KafkaError } from './kafka-error.ts'
import { byTopic, type TopicPartition } from './topic-partition.ts'

export interface StoredReplica extends TopicPartition {
  readonly sizeBytes: number
  /** How far it is behind the high watermark, or behind the replica that it is to replace. */
  readonly offsetLag: number
  /** It is being moved here from another directory. */
  readonly future: boolean
}

export interface LogDir {
  readonly path: string
  /** A Kafka error code: KAFKA_STORAGE_ERROR where the directory has failed. */
  readonly error: number
  readonly replicas: readonly StoredReplica[]
  /** Of the volume; null where the broker cannot tell. */
  readonly totalBytes: number | null
  readonly usableBytes: number | null
}

/** Of all partitions, or of some. */
export async function describeLogDirs(
  client: KafkaClient,
  node: number,
  partitions?: readonly TopicPartition[],
): Promise<LogDir[]> {
  const topics =
    partitions === undefined
      ? null
      : [...byTopic(partitions)].map(([topic, ofTopic]) => {
          return { topic, partitions: ofTopic.map(({ partition }) => partition) }
        })
  await client.metadata([])
  const response = await client.request(apis.describeLogDirs, { node }, { topics })
  if (response.errorCode !== errors.NONE) throw new KafkaError(response.errorCode)
  return response.results.map(
    ({ errorCode: error, logDir: path, totalBytes, usableBytes, topics }) => {
      const replicas = topics.flatMap(({ name: topic, partitions: some }) =>
        some.map(({ partitionIndex: partition, partitionSize, offsetLag, isFutureKey }) => {
          return { topic, partition, sizeBytes: partitionSize, offsetLag, future: isFutureKey }
        }),
      )
      return {
        path,
        error,
        replicas,
        totalBytes: known(totalBytes),
        usableBytes: known(usableBytes),
      }
    },
  )
}

function known(bytes: number): number | null {
  return bytes < 0 ? null : bytes
}
