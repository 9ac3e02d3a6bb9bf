// One look at the log for readers: what a leader has of some partitions, decoded.

import { fetchPartitions } from '@sluice/core/kafka-client/fetch'
import { readBatches } from '@sluice/core/kafka-client/fetched-batches'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import type { Isolation } from '@sluice/core/kafka-client/list-offsets'
import { errors } from '@sluice/protocol/errors'
import { batchHeaderBytes, readBatchHeader } from '@sluice/protocol/records/batch'
import { ReadRecord } from './read-record.ts'

export interface FetchFrom {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface LookOptions {
  readonly isolation: Isolation
  readonly maxBytes: number
  /** 0: answer with what is there. More needs a lane of its own: it holds up all that is behind it. */
  readonly maxWaitMs: number
  readonly lane?: string
}

export interface PartitionFetch {
  readonly partition: number
  /** A Kafka error code; the rest then says nothing. */
  readonly error: number
  readonly records: readonly ReadRecord[]
  /** Where to go on. */
  readonly nextOffset: number
  /** Readers of this isolation see what lies before it. */
  readonly endOffset: number
  /** Of the last batch; -1 where there was none. */
  readonly leaderEpoch: number
}

/** Of reads that wait for nothing: a broker that holds them back holds up nothing else. */
export const readLane = 'read'

/** Below this a share of `maxBytes` would make many requests of one. */
const partitionBytesMin = 16 * 1024

/** All partitions have `node` as their leader. Rejects with KafkaError where the whole request failed. */
export async function look(
  client: KafkaClient,
  node: number,
  from: readonly FetchFrom[],
  options: LookOptions,
): Promise<PartitionFetch[]> {
  const { isolation, maxBytes, lane = readLane } = options
  const partitionMaxBytes = Math.max(partitionBytesMin, Math.floor(maxBytes / from.length))
  const fetched = await fetchPartitions(client, node, from, {
    ...options,
    lane,
    minBytes: 1,
    partitionMaxBytes,
  })
  return fetched.map((fetch, index): PartitionFetch => {
    const { offset } = from[index]
    const { partition, error, bytes, lastStableOffset, highWatermark } = fetch
    const none = { partition, records: [], nextOffset: offset, endOffset: -1, leaderEpoch: -1 }
    if (error !== errors.NONE) return { ...none, error }
    const committed = isolation === 'read_committed' && lastStableOffset >= 0
    const endOffset = committed ? lastStableOffset : highWatermark
    try {
      const { records, nextOffset } = readBatches(fetch, offset, { checkCrcs: true })
      const read = records.map((record) => new ReadRecord(partition, record))
      const leaderEpoch = lastLeaderEpoch(bytes)
      return { partition, error: errors.NONE, records: read, nextOffset, endOffset, leaderEpoch }
    } catch (thrown) {
      if (!(thrown instanceof KafkaError)) throw thrown
      return { ...none, error: thrown.code }
    }
  })
}

/** The epoch of the last whole batch; `bytes` was read as batches before. */
function lastLeaderEpoch(bytes: Buffer): number {
  let leaderEpoch = -1
  for (let at = 0; at + batchHeaderBytes <= bytes.length; ) {
    const header = readBatchHeader(bytes, at)
    at += header.batchBytes
    if (at <= bytes.length) leaderEpoch = header.leaderEpoch
  }
  return leaderEpoch
}
