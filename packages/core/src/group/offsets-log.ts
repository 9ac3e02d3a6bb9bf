// OffsetsLog: what the coordinator needs of __consumer_offsets. The broker provides it over its
// partitions; there is one writer a partition, its coordinator.

import type { RecordHeader } from '@sluice/protocol/records/record'

export interface OffsetsRecord {
  readonly key: Buffer
  /** null: a tombstone. */
  readonly value: Buffer | null
  readonly timestamp: number
  readonly headers?: readonly RecordHeader[]
}

export interface StoredRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

export interface OffsetsLog {
  /** Partitions of the topic, or those it will have when it is created. */
  readonly partitionCount: number
  /** Creates the topic when it is not there; 0 or a Kafka error code. */
  ensure(): Promise<number>
  /**
   * Appends the records as one batch with acks=all. The order of calls is the order in the log. An
   * error of REQUEST_TIMED_OUT leaves open whether the records are there.
   */
  append(partition: number, records: readonly OffsetsRecord[]): Promise<{ error: number }>
  /** Calls `each` with every record of the partition, in order; its buffers die with the call. */
  load(partition: number, each: (record: StoredRecord) => void): Promise<{ error: number }>
}
