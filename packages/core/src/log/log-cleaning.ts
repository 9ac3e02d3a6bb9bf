// LogCleaning: the log cleaner's side of one log: what can be cleaned of it, and one cleaning at a time.
//
//   range      which part is dirty and may be cleaned (cleanable-range.ts)
//   map        the last offset of each key in it, as far as the map's memory goes
//   groups     oldest first, each: read, filtered, written, flushed, exchanged
//   done       the first dirty offset moves, and is written down
//
// The work runs beside the log's own jobs; only the exchange is one of them. Whoever cuts, closes or deletes
// the log ends a cleaning first, and it has ended when he goes on. A segment that retention removes from under
// it ends it, too. A cleaning that is not finished has changed nothing, or whole groups: each state is a log
// with all its latest values.

import { join } from 'node:path/posix'
import { DiskError } from '../host/disk.ts'
import { assert } from '../lib/assert.ts'
import type { LastOfProducer } from './batch-retention.ts'
import {
  type CleanableRange,
  cleanableRange,
  type DirtySegment,
  firstDirtyOffset,
} from './cleanable-range.ts'
import { CleanedTransactions } from './cleaned-transactions.ts'
import {
  type CleanedPart,
  CleaningAborted,
  type CleaningMeans,
  CleaningPass,
} from './cleaning-pass.ts'
import { runReads } from './disk-reads.ts'
import { parseSegmentFileName } from './file-names.ts'
import type { LogConfig } from './log-config.ts'
import type { LogOptions } from './log-options.ts'
import type { LogState } from './log-state.ts'
import { fillMap } from './map-building.ts'
import { offsetEntryBytes } from './offset-index.ts'
import { OffsetMap } from './offset-map.ts'
import { cleanedSegment } from './recovery.ts'
import type { Segment } from './segment.ts'
import { SegmentCleaning } from './segment-cleaning.ts'
import { type GroupedSegment, segmentGroups } from './segment-groups.ts'
import { findBatch } from './segment-read.ts'
import { timeEntryBytes } from './time-index.ts'
import { type AbortedTransaction, decodeTransactionIndex } from './transaction-index.ts'

export interface CleaningResult {
  /** Up to here the log is clean now: the end of the range, or where the map was full. */
  readonly endOffset: number
  readonly bytesRead: number
  readonly bytesWritten: number
  readonly recordsWritten: number
  /** Of the offset map: how full it was, from 0 to 1. */
  readonly mapUtilization: number
}

interface Part extends CleanedPart, GroupedSegment {}

interface TransactionIndexes {
  readonly transactions: readonly AbortedTransaction[]
  /** Of the segments that have one. */
  readonly bases: ReadonlySet<number>
}

const hashKeyBytes = 16

/** Runs one job of the log; where it fails the log has failed. */
type RunJob = <T>(job: () => Promise<T>) => Promise<T>

export class LogCleaning {
  readonly #options: LogOptions
  readonly #state: LogState
  readonly #job: RunJob
  #running: Promise<unknown> | undefined
  /** Who wants it not to run. */
  #refusals = 0

  constructor(options: LogOptions, state: LogState, job: RunJob) {
    this.#options = options
    this.#state = state
    this.#job = job
  }

  /** Undefined where there is nothing to look at: the log is not compacted, or has but one segment. */
  range(stableOffset: number): Promise<CleanableRange> | undefined {
    const nothing = this.#state.segments.length === 1 || !this.#wanted
    if (nothing || this.#running !== undefined) return undefined
    // As a job: flushing, cutting and removing are not half done.
    return this.#job(() => this.#range(stableOffset))
  }

  /** Cleans `range`. Rejects with CleaningAborted, or with what is wrong. */
  async clean(range: CleanableRange, means: CleaningMeans): Promise<CleaningResult> {
    assert(this.#running === undefined, 'one cleaning at a time')
    if (!this.#wanted) throw new CleaningAborted('the log wants to be left alone')
    const cleaning = this.#clean(range, means)
    const settled = cleaning.then(
      () => {},
      () => {},
    )
    this.#running = settled
    try {
      return await cleaning
    } finally {
      this.#running = undefined
    }
  }

  /** Nothing is cleaned any more; resolves when a cleaning under way has ended. */
  async stop(): Promise<void> {
    this.#refusals += 1
    await this.#running
  }

  /** Nothing is cleaned meanwhile. */
  async stoppedWhile<T>(task: () => Promise<T>): Promise<T> {
    try {
      await this.stop()
      return await task()
    } finally {
      this.#refusals -= 1
    }
  }

  get #config(): LogConfig {
    return this.#options.config()
  }

  get #wanted(): boolean {
    return this.#refusals === 0 && this.#config.cleanupPolicy.compact
  }

  async #range(stableOffset: number): Promise<CleanableRange> {
    const { segments, durability } = this.#state
    const firstDirty = firstDirtyOffset(this.#state.firstDirtyOffset, this.#state)
    const dirty: DirtySegment[] = []
    for (const [i, segment] of segments.slice(0, -1).entries()) {
      if (segments[i + 1].baseOffset > firstDirty) dirty.push(await this.#dirtySegment(segment))
    }
    const unsealed = segments.find(({ sealed }) => !sealed)
    return cleanableRange({
      segments,
      dirty,
      firstDirtyOffset: firstDirty,
      stableOffset,
      flushedOffset: Math.min(
        durability.recoveryPoint,
        unsealed?.baseOffset ?? durability.recoveryPoint,
      ),
      config: this.#config,
      nowMs: this.#options.clock.now(),
    })
  }

  /** Timestamps are read only where a rule asks for them. */
  async #dirtySegment(segment: Segment): Promise<DirtySegment> {
    const { baseOffset, sizeBytes } = segment
    const { minCompactionLagMs, maxCompactionLagMs } = this.#config
    let firstTimestampMs = -1
    let largestTimestampMs = -1
    if (maxCompactionLagMs !== Number.POSITIVE_INFINITY) {
      const first = await runReads(findBatch(segment, baseOffset))
      firstTimestampMs = first?.maxTimestamp ?? -1
    }
    if (minCompactionLagMs > 0) {
      largestTimestampMs = (await segment.largestTimestamp(this.#state.context)).timestampMs
    }
    return { baseOffset, sizeBytes, firstTimestampMs, largestTimestampMs }
  }

  async #clean(range: CleanableRange, means: CleaningMeans): Promise<CleaningResult> {
    const { checkpoints } = this.#options
    const pass = new CleaningPass(means, () => this.#wanted)
    const parts = await this.#job(async () => {
      await this.#state.endExchange()
      return this.#parts(range.endOffset)
    })
    const indexes = await this.#transactionIndexes()
    const map = await this.#fillMap(range, parts, pass, indexes)
    const endOffset = map.latestOffset + 1
    // A start after a crash must not take the gaps for damage, nor read sequences out of what has gaps.
    await checkpoints.saveRecoveryPoints()
    pass.check()
    await this.#cleanGroups(parts, { map, pass, indexes })
    await this.#job(async () => {
      this.#state.firstDirtyOffset = endOffset
      await checkpoints.saveFirstDirtyOffsets()
    })
    const { bytesRead, bytesWritten, recordsWritten } = pass
    const mapUtilization = map.utilization
    return { endOffset, bytesRead, bytesWritten, recordsWritten, mapUtilization }
  }

  /** The segments below `endOffset`, as they are now. */
  #parts(endOffset: number): Part[] {
    const { segments } = this.#state
    const within = segments.filter(({ baseOffset }) => baseOffset < endOffset)
    return within.map((segment, i) => {
      const { baseOffset, sizeBytes, indexes } = segment
      return {
        segment,
        baseOffset,
        sizeBytes,
        endOffset: segments[i + 1]?.baseOffset ?? this.#state.endOffset,
        offsetIndexBytes: indexes.offsets.count * offsetEntryBytes,
        timeIndexBytes: indexes.times.count * timeEntryBytes,
      }
    })
  }

  async #fillMap(
    { firstDirtyOffset, endOffset }: CleanableRange,
    parts: readonly Part[],
    pass: CleaningPass,
    indexes: TransactionIndexes,
  ): Promise<OffsetMap> {
    const map = new OffsetMap({
      hashKey: this.#options.random.bytes(hashKeyBytes),
      bytesMax: pass.means.mapBytes,
      loadFactor: pass.means.mapLoadFactor,
      keys: endOffset - firstDirtyOffset,
    })
    const dirty = parts.filter((part) => part.endOffset > firstDirtyOffset)
    const from = dirty[0]?.baseOffset ?? endOffset
    const transactions = new CleanedTransactions()
    transactions.expect(indexes.transactions.filter(({ lastOffset }) => lastOffset >= from))
    await fillMap(map, { parts: dirty, firstDirtyOffset, endOffset }, transactions, pass)
    return map
  }

  async #cleanGroups(
    parts: readonly Part[],
    { map, pass, indexes }: { map: OffsetMap; pass: CleaningPass; indexes: TransactionIndexes },
  ): Promise<void> {
    const config = this.#config
    const { segmentBytes, indexMaxBytes } = config
    const mapped = parts.filter(({ baseOffset }) => baseOffset <= map.latestOffset)
    const transactions = new CleanedTransactions()
    transactions.expect(indexes.transactions)
    const cleaning = new SegmentCleaning({
      pass,
      map,
      producers: this.#producers(),
      transactions,
      transactionIndexes: indexes.bases,
      config,
    })
    for (const group of segmentGroups(mapped, { segmentBytes, indexMaxBytes })) {
      await this.#cleanGroup(group, cleaning)
    }
  }

  async #cleanGroup(group: readonly Part[], cleaning: SegmentCleaning): Promise<void> {
    const { baseOffset } = group[0]
    const { createdMs } = group[group.length - 1].segment
    const cleaned = cleanedSegment(this.#options, { baseOffset, createdMs })
    // What an earlier attempt left.
    await cleaned.remove()
    try {
      await cleaning.run(group, cleaned)
    } catch (error) {
      await this.#drop(cleaned)
      throw error
    }
    const exchanged = await this.#job(async () => {
      if (!this.#isThere(group)) return false
      await this.#state.exchange(
        group.map(({ segment }) => segment),
        cleaned,
      )
      return true
    })
    if (exchanged) return
    await this.#drop(cleaned)
    throw new CleaningAborted('segments were removed')
  }

  /** The segments are in the log, one behind the other, as they were. */
  #isThere(group: readonly Part[]): boolean {
    const { segments } = this.#state
    const at = segments.indexOf(group[0].segment)
    if (at < 0) return false
    return group.every(({ segment, sizeBytes }, i) => {
      return segments[at + i] === segment && segment.sizeBytes === sizeBytes
    })
  }

  /** Those of the whole log: what is aborted is marked in a later segment, perhaps. */
  async #transactionIndexes(): Promise<TransactionIndexes> {
    const { disk, folder } = this.#options
    const transactions: AbortedTransaction[] = []
    const bases = new Set<number>()
    for (const { name } of await disk.list(folder)) {
      const file = parseSegmentFileName(name)
      if (file?.kind !== 'txnindex') continue
      const path = join(folder, name)
      const content = decodeTransactionIndex(await disk.readFile(path))
      if (content === undefined) throw new DiskError('damaged', 'read the transactions of', path)
      transactions.push(...content)
      bases.add(file.offset)
    }
    return { transactions, bases }
  }

  /** What cannot be removed now is at the next start. */
  async #drop(cleaned: Segment): Promise<void> {
    try {
      await cleaned.remove()
    } catch (cause) {
      if (!(cause instanceof DiskError)) throw cause
      this.#options.logger.warn({ segment: cleaned.path, cause }, 'could not be removed')
    }
  }

  #producers(): Map<number, LastOfProducer> {
    return new Map(
      this.#state.producers.states().map(({ producerId, epoch, lastBatch }) => {
        return [producerId, { dataOffset: lastBatch?.lastOffset ?? -1, epoch }]
      }),
    )
  }
}
