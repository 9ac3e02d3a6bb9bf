// Compacted logs for tests: keyed batches, a cleaning at once, and what a reader sees of a log.

import type { Clock } from '@sluice/core/host/clock'
import { Throttle } from '@sluice/core/lib/throttle'
import type { CleanableRange } from '@sluice/core/log/cleanable-range'
import type { CleaningMeans } from '@sluice/core/log/cleaning-pass'
import type { AppendRequest, Log } from '@sluice/core/log/log'
import type { CleaningResult } from '@sluice/core/log/log-cleaning'
import type { LogConfig } from '@sluice/core/log/log-config'
import {
  type BatchHeader,
  batchCrc,
  type Codec,
  readBatchHeader,
} from '@sluice/protocol/records/batch'
import { decodeRecords, encodeBatch } from '@sluice/protocol/records/record'
import { startMs } from './fixture.ts'

/** Small segments, one for a few batches, and every byte dirty enough. */
export const compactConfig: Partial<LogConfig> = {
  cleanupPolicy: { delete: false, compact: true },
  segmentBytes: 600,
  indexIntervalBytes: 100,
  minCleanableRatio: 0,
  deleteRetentionMs: 1000,
}

/** `null`: a tombstone. */
export type Pairs = readonly (readonly [key: string | null, value: string | null])[]

export interface KeyedShape {
  readonly codec?: Codec
  readonly timestampMs?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
  readonly logAppendTime?: number
}

export function keyed(pairs: Pairs, shape: KeyedShape = {}): AppendRequest {
  const { timestampMs = startMs, ...rest } = shape
  const bytes = encodeBatch({
    ...rest,
    records: pairs.map(([key, value], i) => ({
      timestamp: timestampMs + i,
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
    })),
  })
  return { records: bytes, batches: [readBatchHeader(bytes, 0)] }
}

/** A transaction's marker. */
export function marker(type: 'commit' | 'abort', producer: { id: number; epoch: number }) {
  const key = Buffer.from([0, 0, 0, type === 'commit' ? 1 : 0])
  const bytes = encodeBatch({
    control: true,
    transactional: true,
    producerId: producer.id,
    producerEpoch: producer.epoch,
    records: [{ timestamp: startMs, key, value: Buffer.alloc(6) }],
  })
  return { records: bytes, batches: [readBatchHeader(bytes, 0)] }
}

export function means(clock: Clock, overrides: Partial<CleaningMeans> = {}): CleaningMeans {
  return {
    clock,
    mapBytes: 1024 * 1024,
    mapLoadFactor: 0.9,
    bufferBytes: 4096,
    throttle: new Throttle(clock, () => Number.MAX_VALUE),
    ...overrides,
  }
}

/** Seals what is not sealed, so that it can be cleaned. */
export async function cleanableRange(log: Log): Promise<CleanableRange> {
  await log.flush()
  const range = await log.cleaning.range(log.endOffset)
  if (range === undefined) throw new Error('nothing to clean')
  return range
}

export async function clean(
  log: Log,
  clock: Clock,
  overrides: Partial<CleaningMeans> = {},
): Promise<CleaningResult> {
  return log.cleaning.clean(await cleanableRange(log), means(clock, overrides))
}

export interface SeenRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: string | null
  readonly value: string | null
}

export interface SeenBatch {
  readonly header: BatchHeader
  readonly records: SeenRecord[]
}

/** All batches from the start offset on, each with its CRC checked. */
export async function batchesIn(log: Log): Promise<SeenBatch[]> {
  const seen: SeenBatch[] = []
  for (let offset = log.startOffset; offset < log.endOffset; ) {
    const request = { offset, maxBytes: 1000, upTo: log.endOffset, wholeFirstBatch: true }
    const read = await log.read(request)
    if (!read.ok) throw new Error(read.error)
    if (read.bytes === 0) break
    const records = Buffer.from(read.records)
    read.release()
    for (let at = 0; at < records.length; ) {
      const header = readBatchHeader(records, at)
      if (batchCrc(records, at) !== header.crc) throw new Error(`wrong CRC at ${header.baseOffset}`)
      seen.push({ header, records: decodeRecords(records, at).map(seenRecord) })
      at += header.batchBytes
      offset = header.baseOffset + header.lastOffsetDelta + 1
    }
  }
  return seen
}

function seenRecord({ offset, timestamp, key, value }: ReturnType<typeof decodeRecords>[number]) {
  const text = (bytes: Buffer | null) => (bytes === null ? null : String(bytes))
  return { offset, timestamp, key: text(key), value: text(value) }
}

export async function recordsIn(log: Log): Promise<SeenRecord[]> {
  return (await batchesIn(log)).flatMap(({ records }) => records)
}

/** What a table of the log's keys holds after reading all of it: tombstones delete. */
export function latest(records: readonly SeenRecord[]): Map<string, string> {
  const table = new Map<string, string>()
  for (const { key, value } of records) {
    if (key === null) continue
    if (value === null) table.delete(key)
    else table.set(key, value)
  }
  return table
}
