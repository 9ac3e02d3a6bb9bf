// Reads a whole partition by bare Fetch requests: the judge's own reader, which shares little with the
// consumers that it judges. It checks each batch's CRC.

import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { listOffsets } from '@sluice/core/kafka-client/list-offsets'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { batchCrc, batchHeaderBytes, readBatchHeader } from '@sluice/protocol/records/batch'
import { decodeRecords } from '@sluice/protocol/records/record'
import { recordValue } from './client-machine.ts'
import { name, type Place } from './history.ts'

/** Where topics have names. */
const fetchVersionMax = 12
/** Small, so that the log is read in many pieces. */
const fetchBytes = 4_000

export interface ReadRecord {
  readonly offset: number
  readonly key: string
  readonly value: string
}

export interface WholeLog {
  readonly startOffset: number
  readonly records: ReadRecord[]
}

export async function readLog(client: KafkaClient, place: Place): Promise<WholeLog> {
  const records: WholeLog['records'] = []
  const query = { ...place, at: 'earliest' } as const
  const [{ offset: startOffset }] = await listOffsets(client, [query])
  for (let offset = startOffset; ; ) {
    const answer = await fetchFrom(client, place, offset)
    if (answer.errorCode !== errors.NONE) {
      throw new Error(`${name(place)}@${offset} is read with error ${answer.errorCode}`)
    }
    const read = decodeFetched(answer.records, place, offset)
    if (read.nextOffset === offset) {
      if (offset < answer.highWatermark) throw new Error(`${name(place)}@${offset} is not served`)
      return { startOffset, records }
    }
    records.push(...read.records)
    offset = read.nextOffset
  }
}

async function fetchFrom(client: KafkaClient, { topic, partition }: Place, fetchOffset: number) {
  const metadata = await client.metadata([topic])
  const node = metadata.topics.get(topic)?.partitions[partition]?.leader ?? -1
  const body = {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: fetchBytes }] }],
    forgottenTopicsData: [],
  }
  const options = { maxVersion: fetchVersionMax }
  const response = await client.request(apis.fetch, { node }, body, options)
  return response.responses[0].partitions[0]
}

/**
 * The records at `from` and behind it, and the offset behind the last batch, which compaction may have left
 * without records; a batch that is cut off at the end is left out.
 */
function decodeFetched(buffer: Buffer | null, place: Place, from: number) {
  const records: ReadRecord[] = []
  let nextOffset = from
  if (buffer === null) return { records, nextOffset }
  for (let at = 0; at + batchHeaderBytes <= buffer.length; ) {
    const { batchBytes, crc, baseOffset, lastOffsetDelta } = readBatchHeader(buffer, at)
    if (at + batchBytes > buffer.length) break
    if (batchCrc(buffer, at) !== crc) throw new Error(`${name(place)}@${baseOffset}: wrong CRC`)
    for (const record of decodeRecords(buffer, at)) {
      const { offset, key } = record
      if (offset >= from) records.push({ offset, key: `${key}`, value: recordValue(record) })
    }
    at += batchBytes
    nextOffset = baseOffset + lastOffsetDelta + 1
  }
  return { records, nextOffset }
}
