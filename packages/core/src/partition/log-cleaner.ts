// LogCleaner: compacts the logs of topics with cleanup.policy=compact, the dirtiest first, as many at a time
// as log.cleaner.threads says (one event loop does the work of all; more let one read while another is
// looked at). When nothing is to do it looks again after log.cleaner.backoff.ms.
//
// A log that cannot be cleaned, since a segment of it is damaged, is left alone until the next start; the
// others go on. One whose disk is full, or that was cut or closed meanwhile, is tried again later; a disk that
// fails takes its log directory offline.

import type { BrokerConfig } from '../config/broker-config.ts'
import type { Clock, Timer } from '../host/clock.ts'
import { DiskError } from '../host/disk.ts'
import type { Logger } from '../host/logger.ts'
import { Throttle } from '../lib/throttle.ts'
import { type CleanableRange, dirtyRatio, isDue } from '../log/cleanable-range.ts'
import { CleaningAborted } from '../log/cleaning-pass.ts'
import type { Log } from '../log/log.ts'
import type { CleaningResult } from '../log/log-cleaning.ts'
import { isFailure } from '../log/log-dir.ts'
import type { Partition } from './partition.ts'

export interface LogCleanerOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly config: () => BrokerConfig
  readonly partitions: Iterable<Partition>
}

interface Candidate {
  readonly partition: Partition
  readonly range: CleanableRange
}

/** Of the last round or cleaning; in Kafka's meanings. */
export interface CleanerFigures {
  uncleanablePartitions: number
  uncleanableBytes: number
  /** Of the dirtiest log, 0 to 1. */
  dirtyRatioMax: number
  lastRoundMs: number
  compactionDelayMs: number
  mapUtilization: number
  /** Bytes written for one byte read. */
  recopyRatio: number
  cleaningMs: number
  cleanings: number
}

/** A table of more slots would not be one typed array. */
const mapBytesMax = 2 ** 31 - 1

export class LogCleaner {
  readonly figures: CleanerFigures
  readonly #options: LogCleanerOptions
  readonly #throttle: Throttle
  readonly #running = new Map<Log, Promise<void>>()
  readonly #uncleanable = new Set<Log>()
  /** Those that failed for a reason that may pass, and when they are tried again. */
  readonly #laterAtMs = new Map<Log, number>()
  #timer: Timer | undefined
  #wake: () => void = () => {}
  #closed = false
  readonly #done: Promise<void>

  constructor(options: LogCleanerOptions) {
    const { clock, config } = options
    this.#options = options
    this.#throttle = new Throttle(clock, () => config()['log.cleaner.io.max.bytes.per.second'])
    this.figures = {
      uncleanablePartitions: 0,
      uncleanableBytes: 0,
      dirtyRatioMax: 0,
      lastRoundMs: clock.now(),
      compactionDelayMs: 0,
      mapUtilization: 0,
      recopyRatio: 0,
      cleaningMs: 0,
      cleanings: 0,
    }
    this.#done = this.#run()
  }

  /** Resolves when the cleanings under way have ended. */
  async close(): Promise<void> {
    this.#closed = true
    this.#wake()
    await Promise.all([...this.#running.keys()].map((log) => log.cleaning.stop()))
    await Promise.all(this.#running.values())
    await this.#done
  }

  async #run(): Promise<void> {
    const { config } = this.#options
    if (!config()['log.cleaner.enable']) return
    while (!this.#closed) {
      await this.#rest()
      while (!this.#closed && this.#running.size < config()['log.cleaner.threads']) {
        const next = await this.#dirtiest()
        if (next === undefined || this.#closed) break
        this.#start(next)
      }
    }
  }

  /** Until a cleaning has ended, or for log.cleaner.backoff.ms. */
  #rest(): Promise<void> {
    const { clock, config } = this.#options
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#timer?.cancel()
        resolve()
      }
      this.#timer = clock.setTimer(Math.max(1, config()['log.cleaner.backoff.ms']), resolve)
    })
  }

  async #dirtiest(): Promise<Candidate | undefined> {
    const candidates = await this.#candidates()
    const due = candidates.filter(({ partition, range }) => isDue(range, partition.log.config))
    this.figures.compactionDelayMs = Math.max(0, ...due.map(({ range }) => range.overdueMs))
    this.figures.dirtyRatioMax = Math.max(0, ...candidates.map(({ range }) => dirtyRatio(range)))
    return due.reduce<Candidate | undefined>(
      (best, one) =>
        best === undefined || dirtyRatio(one.range) > dirtyRatio(best.range) ? one : best,
      undefined,
    )
  }

  async #candidates(): Promise<Candidate[]> {
    const { clock, partitions } = this.#options
    const nowMs = clock.now()
    const candidates: Candidate[] = []
    const uncleanable = new Set<Log>()
    let uncleanableBytes = 0
    this.figures.lastRoundMs = nowMs
    for (const partition of [...partitions]) {
      const { log } = partition
      if (this.#closed) return []
      if (partition.closed || partition.offline || log.failure !== undefined) continue
      if ((this.#laterAtMs.get(log) ?? 0) > nowMs) continue
      this.#laterAtMs.delete(log)
      const known = this.#uncleanable.has(log)
      if (known) uncleanable.add(log)
      const range = await this.#range(partition)
      if (range === undefined) continue
      if (known) uncleanableBytes += range.dirtyBytes
      else candidates.push({ partition, range })
    }
    // Those that are gone are forgotten.
    for (const log of this.#uncleanable) if (!uncleanable.has(log)) this.#uncleanable.delete(log)
    this.figures.uncleanablePartitions = this.#uncleanable.size
    this.figures.uncleanableBytes = uncleanableBytes
    return candidates
  }

  async #range(partition: Partition): Promise<CleanableRange | undefined> {
    try {
      return await partition.log.cleaning.range(partition.lastStableOffset)
    } catch (cause) {
      this.#failed(partition, cause)
      return undefined
    }
  }

  #start(candidate: Candidate): void {
    const { log } = candidate.partition
    const cleaning = this.#clean(candidate).finally(() => {
      this.#running.delete(log)
      this.#wake()
    })
    this.#running.set(log, cleaning)
  }

  async #clean({ partition, range }: Candidate): Promise<void> {
    const { clock, config, logger } = this.#options
    const { topic, index, log } = partition
    const threads = Math.max(1, config()['log.cleaner.threads'])
    const startedMs = clock.monotonic()
    try {
      const result = await log.cleaning.clean(range, {
        clock,
        throttle: this.#throttle,
        mapBytes: Math.min(mapBytesMax, config()['log.cleaner.dedupe.buffer.size'] / threads),
        mapLoadFactor: config()['log.cleaner.io.buffer.load.factor'],
        // The other half is for what is written.
        bufferBytes: Math.floor(config()['log.cleaner.io.buffer.size'] / threads / 2),
      })
      const cleaningMs = Math.round(clock.monotonic() - startedMs)
      this.#count(result, cleaningMs)
      const { firstDirtyOffset: from } = range
      const { endOffset: to, bytesRead, bytesWritten } = result
      const fields = { topic, partition: index, from, to, bytesRead, bytesWritten, cleaningMs }
      logger.info(fields, 'log cleaned')
    } catch (cause) {
      this.#failed(partition, cause)
    }
  }

  #count(result: CleaningResult, cleaningMs: number): void {
    const { figures } = this
    figures.cleanings += 1
    figures.cleaningMs = cleaningMs
    figures.mapUtilization = result.mapUtilization
    figures.recopyRatio = result.bytesWritten / Math.max(1, result.bytesRead)
  }

  #failed(partition: Partition, cause: unknown): void {
    const { clock, config, logger } = this.#options
    const { topic, index, log } = partition
    // Closed, deleted or failed meanwhile: others have said so.
    if (partition.closed || partition.offline || log.closed || log.failure !== undefined) return
    if (isFailure(cause)) {
      partition.readFailed(cause)
      return
    }
    const full = cause instanceof DiskError && cause.kind === 'no-space'
    if (full || cause instanceof CleaningAborted) {
      this.#laterAtMs.set(log, clock.now() + config()['log.cleaner.backoff.ms'])
      if (full) logger.warn({ topic, partition: index, cause }, 'no space to clean a log')
      return
    }
    this.#uncleanable.add(log)
    this.figures.uncleanablePartitions = this.#uncleanable.size
    logger.error({ topic, partition: index, cause }, 'log cannot be cleaned: it is left as it is')
  }
}
