// Logs for tests: on a disk in memory, by default one where everything is done at once.

import type { Clock } from '@sluice/core/host/clock'
import type { Disk, DiskError } from '@sluice/core/host/disk'
import { silentLogger } from '@sluice/core/host/logger'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { type AppendOutcome, type AppendRequest, Log } from '@sluice/core/log/log'
import type { LogConfig } from '@sluice/core/log/log-config'
import type { LogOptions } from '@sluice/core/log/log-options'
import type { LogRead } from '@sluice/core/log/log-records'
import { newLogResources } from '@sluice/core/log/resources'
import { type BatchHeader, readBatchHeader } from '@sluice/protocol/records/batch'
import { decodeRecords, encodeBatch } from '@sluice/protocol/records/record'

export const folder = '/data/t-0'
export const startMs = Date.UTC(2026, 0, 1)

/** A clock that stands still until it is told; what is deferred runs at the next turn. */
export class HandClock implements Clock {
  nowMs = startMs
  readonly #timers: { atMs: number; run: () => void }[] = []

  now(): number {
    return this.nowMs
  }

  monotonic(): number {
    return this.nowMs
  }

  setTimer(delayMs: number, run: () => void) {
    const timer = { atMs: this.nowMs + delayMs, run }
    this.#timers.push(timer)
    return {
      cancel: () => {
        const at = this.#timers.indexOf(timer)
        if (at >= 0) this.#timers.splice(at, 1)
      },
    }
  }

  defer(run: () => void): void {
    setImmediate(run)
  }

  advance(ms: number): void {
    this.nowMs += ms
    for (const timer of this.#timers.filter(({ atMs }) => atMs <= this.nowMs)) {
      this.#timers.splice(this.#timers.indexOf(timer), 1)
      timer.run()
    }
  }
}

export const defaultConfig: LogConfig = {
  segmentBytes: 1024 * 1024,
  segmentMs: Number.POSITIVE_INFINITY,
  segmentJitterMs: 0,
  indexIntervalBytes: 4096,
  indexMaxBytes: 10 * 1024 * 1024,
  retentionMs: Number.POSITIVE_INFINITY,
  retentionBytes: Number.POSITIVE_INFINITY,
  flushMessages: Number.POSITIVE_INFINITY,
  flushMs: Number.POSITIVE_INFINITY,
  maxMessageBytes: 1_048_588,
  dedupWindowMs: 900_000,
  dedupEntriesMax: 500_000,
  cleanupPolicy: { delete: true, compact: false },
  minCleanableRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.POSITIVE_INFINITY,
  deleteRetentionMs: 86_400_000,
}

export interface LogSetUp extends Partial<Omit<LogOptions, 'config' | 'disk' | 'clock'>> {
  readonly disk?: Disk
  readonly clock?: Clock
  readonly config?: Partial<LogConfig>
  readonly failures?: DiskError[]
}

export async function openLog(setUp: LogSetUp = {}): Promise<Log> {
  const { config, failures = [], disk = new MemoryDisk(), clock = new HandClock(), ...rest } = setUp
  const merged = { ...defaultConfig, ...config }
  const options: LogOptions = {
    clock,
    random: new SeededRandom(1),
    disk,
    logger: silentLogger,
    folder,
    topic: 't',
    topicId: 'AAAAAAAAAAAAAAAAAAAAAg',
    partition: 0,
    config: () => merged,
    recoveryPoint: 0,
    startOffset: 0,
    firstDirtyOffset: 0,
    cleanShutdown: false,
    producerExpirationMs: () => 86_400_000,
    resources: newLogResources(),
    checkpoints: {
      saveRecoveryPoints: async () => {},
      saveStartOffsets: async () => {},
      saveFirstDirtyOffsets: async () => {},
    },
    onFailure: (error) => failures.push(error),
    ...rest,
  }
  await disk.makeFolder(options.folder)
  return Log.open(options)
}

export interface BatchShape {
  /** Records in it, each of `valueBytes`. */
  readonly records?: number
  readonly valueBytes?: number
  /** Of the first record; each further one is a millisecond younger. */
  readonly timestampMs?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly logAppendTime?: number
  readonly value?: string
}

export function batch(shape: BatchShape = {}): AppendRequest {
  const { records = 1, valueBytes = 20, timestampMs = startMs, value, ...producer } = shape
  const bytes = encodeBatch({
    ...producer,
    records: Array.from({ length: records }, (_, i) => ({
      timestamp: timestampMs + i,
      key: null,
      value: value === undefined ? Buffer.alloc(valueBytes, i + 1) : Buffer.from(value),
    })),
  })
  return { records: bytes, batches: [readBatchHeader(bytes, 0)] }
}

/** Several batches in one request. */
export function request(...parts: AppendRequest[]): AppendRequest {
  const records = Buffer.concat(parts.map((part) => part.records))
  const batches: BatchHeader[] = []
  let at = 0
  for (const part of parts) {
    batches.push(readBatchHeader(records, at))
    at += part.records.length
  }
  return { records, batches }
}

export async function append(
  log: Log,
  request: AppendRequest,
  leaderEpoch = 0,
): Promise<AppendOutcome> {
  const [outcome] = await log.append([request], leaderEpoch)
  return outcome
}

export interface FetchedBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly leaderEpoch: number
  readonly values: string[]
}

/** What a read shows, taken apart; given back. */
export function batchesOf(read: LogRead): FetchedBatch[] {
  if (!read.ok) throw new Error(read.error)
  const batches: FetchedBatch[] = []
  for (let at = 0; at < read.records.length; ) {
    const header = readBatchHeader(read.records, at)
    const { baseOffset, lastOffsetDelta, leaderEpoch } = header
    const values = decodeRecords(read.records, at).map(({ value }) => String(value))
    batches.push({ baseOffset, lastOffset: baseOffset + lastOffsetDelta, leaderEpoch, values })
    at += header.batchBytes
  }
  read.release()
  return batches
}

export async function fetch(
  log: Log,
  offset: number,
  options: { maxBytes?: number; upTo?: number; wholeFirstBatch?: boolean } = {},
): Promise<FetchedBatch[]> {
  const { maxBytes = 1024 * 1024, upTo = log.endOffset, wholeFirstBatch = true } = options
  return batchesOf(await log.read({ offset, maxBytes, upTo, wholeFirstBatch }))
}

/** The whole log, value by value, by offset. */
export async function readAll(log: Log): Promise<Map<number, string>> {
  const values = new Map<number, string>()
  let offset = log.startOffset
  while (offset < log.endOffset) {
    const batches = await fetch(log, offset)
    if (batches.length === 0) break
    for (const { baseOffset, values: found } of batches) {
      found.forEach((value, i) => {
        if (baseOffset + i >= log.startOffset) values.set(baseOffset + i, value)
      })
    }
    offset = batches[batches.length - 1].lastOffset + 1
  }
  return values
}
