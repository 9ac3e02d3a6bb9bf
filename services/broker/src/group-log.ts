// GroupLog: __consumer_offsets as the group coordinator needs it, over this broker's partitions.

import { groupOffsetsTopic } from '@sluice/core/cluster/topic-name'
import type { OffsetsLog, OffsetsRecord, StoredRecord } from '@sluice/core/group/offsets-log'
import { Slices } from '@sluice/core/lib/slices'
import type { Partition } from '@sluice/core/partition/partition'
import { errors } from '@sluice/protocol/errors'
import {
  batchHeaderBytes,
  type Codec,
  codecs,
  readBatchHeader,
} from '@sluice/protocol/records/batch'
import { decodeRecords, encodeBatch } from '@sluice/protocol/records/record'
import type { Broker } from './broker.ts'
import { createOnDemand } from './topics.ts'

export class GroupLog implements OffsetsLog {
  readonly #broker: () => Broker
  /** Resolves when the coordinator has taken up the partitions that this broker leads. */
  readonly #elected: () => Promise<void>

  constructor(broker: () => Broker, elected: () => Promise<void>) {
    this.#broker = broker
    this.#elected = elected
  }

  get partitionCount(): number {
    const { cluster, config } = this.#broker()
    const topic = cluster.image.topic(groupOffsetsTopic)
    return topic?.partitions.length ?? config['offsets.topic.num.partitions']
  }

  async ensure(): Promise<number> {
    const broker = this.#broker()
    if (!broker.cluster.image.topic(groupOffsetsTopic)) {
      const outcomes = await createOnDemand(broker, [groupOffsetsTopic])
      const error = outcomes.get(groupOffsetsTopic) ?? 0
      if (error !== 0 && error !== errors.TOPIC_ALREADY_EXISTS) return error
    }
    await this.#elected()
    return 0
  }

  async append(
    index: number,
    records: readonly OffsetsRecord[],
  ): Promise<{ error: number; message?: string }> {
    const { partitions, config } = this.#broker()
    const partition = partitions.get(groupOffsetsTopic, index)
    if (!partition) return { error: errors.NOT_LEADER_OR_FOLLOWER }
    const codec: Codec = codecs[config['offsets.topic.compression.codec']] ?? 'none'
    return partition.produce(encodeBatch({ records: [...records], codec }), {
      acks: -1,
      timeoutMs: config['offsets.commit.timeout.ms'],
      origin: 'coordinator',
    })
  }

  async load(index: number, each: (record: StoredRecord) => void): Promise<{ error: number }> {
    const { partitions, config, host } = this.#broker()
    const partition = partitions.get(groupOffsetsTopic, index)
    if (!partition) return { error: errors.NOT_LEADER_OR_FOLLOWER }
    const slices = new Slices(host.clock)
    let offset = partition.log.startOffset
    while (offset < partition.highWatermark && !partition.closed) {
      const read = await readOrFail(partition, offset, config['offsets.load.buffer.size'])
      if (typeof read === 'number') return { error: read }
      if (!read.ok) return { error: errors.OFFSET_OUT_OF_RANGE }
      offset = await deliver(read.records, offset, each, slices)
      read.release()
    }
    return { error: partition.closed ? errors.NOT_LEADER_OR_FOLLOWER : 0 }
  }
}

async function readOrFail(partition: Partition, offset: number, maxBytes: number) {
  try {
    const request = { offset, maxBytes, isolation: 'uncommitted', wholeFirstBatch: true } as const
    return await partition.read(request)
  } catch (cause) {
    return partition.readFailed(cause)
  }
}

/** Passes on the records of whole batches from `offset` on. @returns where to go on. */
async function deliver(
  records: Buffer,
  offset: number,
  each: (record: StoredRecord) => void,
  slices: Slices,
): Promise<number> {
  let next = offset
  let at = 0
  while (at + batchHeaderBytes <= records.length) {
    const header = readBatchHeader(records, at)
    if (at + header.batchBytes > records.length) break
    if (!header.control) {
      for (const record of decodeRecords(records, at)) if (record.offset >= offset) each(record)
    }
    next = header.baseOffset + header.lastOffsetDelta + 1
    at += header.batchBytes
    await slices.pause()
  }
  return next
}
