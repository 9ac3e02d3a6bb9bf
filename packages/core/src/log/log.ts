// Log: the records of one partition on disk, in Kafka's format: segments in a row, of which the last one
// is appended to.
//
//   start offset              recovery point    end offset
//   v                         v                 v
//   | segment | segment | segment (the last)    |
//
// Appending is synchronous, one append at a time. What lasts (flushing, removing, cutting, closing) runs in
// a queue beside it. Cutting and closing want the log for themselves: reads and appends wait at the gate
// meanwhile. The state in memory moves only after the disk has done its part; once a flush has failed,
// nothing is appended any more.

import { dirname, join } from 'node:path/posix'
import type { Timer } from '../host/clock.ts'
import { DiskError } from '../host/disk.ts'
import { assert } from '../lib/assert.ts'
import { Limiter } from '../lib/limiter.ts'
import {
  type AppendOutcome,
  type AppendPlan,
  type AppendRequest,
  planAppend,
} from './append-plan.ts'
import { AppendWrite } from './append-write.ts'
import type { ClosedState } from './closed-logs.ts'
import { copiedRuns, planCopy } from './copied-batches.ts'
import type { KeyVerdict } from './dedup.ts'
import { runReads } from './disk-reads.ts'
import type { Durability } from './durability.ts'
import { deletedFolderName } from './file-names.ts'
import { LogCleaning } from './log-cleaning.ts'
import type { LogConfig } from './log-config.ts'
import type { LogOptions } from './log-options.ts'
import { type LogReadRequest, readLog } from './log-read.ts'
import { type LogRead, noRecords, outOfRange } from './log-records.ts'
import { LogState } from './log-state.ts'
import type { ProducerState } from './producer-state.ts'
import { type LoadedLog, loadLog, newSegment } from './recovery.ts'
import { applyRetention } from './retention-run.ts'
import type { Segment } from './segment.ts'
import {
  holdingAll,
  offsetForTimestamp,
  offsetOfLargestTimestamp,
  type SearchRange,
  type TimestampedOffset,
} from './timestamp-search.ts'

export type { AppendOutcome, AppendRequest } from './append-plan.ts'
export type { LogOptions } from './log-options.ts'
export type { TimestampedOffset } from './timestamp-search.ts'

/** Closed segments whose flush is still under way: beyond that appends wait for the disk. */
const unsealedSegmentsMax = 4

export class Log {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** The log cleaner's side of it. */
  readonly cleaning: LogCleaning
  readonly #options: LogOptions
  readonly #state: LogState
  readonly #nowMs: () => number
  /** Jobs that change the state or the disk beside appending: one at a time. */
  readonly #jobs = new Limiter(1)
  /** There while somebody has the log for himself, or waits for it. */
  #gate: Promise<void> | undefined
  #appending: Promise<unknown> | undefined
  #flushTimer: Timer | undefined
  #closed = false
  #failure: DiskError | undefined

  /** Opens the log in a folder, and brings it in order after a crash. Rejects with DiskError. */
  static async open(options: LogOptions, closed?: ClosedState): Promise<Log> {
    const log = new Log(options, await loadLog(options, closed))
    // What a crash left unflushed will be read, and acknowledged to those who send it again.
    await log.#flushWhereDue()
    return log
  }

  private constructor(options: LogOptions, loaded: LoadedLog) {
    this.topic = options.topic
    this.topicId = options.topicId
    this.partition = options.partition
    this.#options = options
    this.#nowMs = () => options.clock.now()
    this.#state = new LogState(options, loaded, (segment) => this.#rebuildIndexes(segment))
    if (loaded.filesChanged) this.#state.durability.folderChanged()
    this.cleaning = new LogCleaning(options, this.#state, (job) =>
      this.#job(() => this.#durably(job)),
    )
  }

  get startOffset(): number {
    return this.#state.startOffset
  }

  /** For the log start offset checkpoint: while old segments are being removed it is ahead of the start. */
  get startOffsetToSave(): number {
    return this.#state.startOffsetToSave
  }

  get folder(): string {
    return this.#options.folder
  }

  get config(): LogConfig {
    return this.#options.config()
  }

  /** Where the log cleaner goes on. */
  get firstDirtyOffset(): number {
    return this.#state.firstDirtyOffset
  }

  /** The offset that the next record gets. */
  get endOffset(): number {
    return this.#state.endOffset
  }

  get sizeBytes(): number {
    return this.#state.sizeBytes
  }

  get segmentCount(): number {
    return this.#state.segments.length
  }

  /** The leader epoch of the last batch; -1 where there is none. */
  get latestEpoch(): number {
    return this.#state.epochs.latest
  }

  /** Below it everything is on the disk for good. */
  get recoveryPoint(): number {
    return this.#state.durability.recoveryPoint
  }

  /** Where the first open transaction begins; undefined where none is open. */
  get firstUnstableOffset(): number | undefined {
    return this.#state.producers.firstUnstableOffset
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Why nothing can be appended any more, where that is so. */
  get failure(): DiskError | undefined {
    return this.#failure
  }

  /**
   * Appends in order; outcomes match `requests` one to one. Offsets and leader epoch are patched into the
   * records. Synchronous, unless the file is being flushed or is to be (flush.messages). Throws DiskError,
   * or rejects with it: nothing of the call is in the log then, unless it was the flush that failed.
   */
  append(
    requests: readonly AppendRequest[],
    leaderEpoch: number,
  ): AppendOutcome[] | Promise<AppendOutcome[]> {
    if (this.#gate !== undefined) return this.#gate.then(() => this.append(requests, leaderEpoch))
    this.#checkUsable('append to')
    assert(this.#appending === undefined, 'one append at a time')
    const { last, endOffset, producers, dedup } = this.#state
    const config = this.#options.config()
    const nowMs = this.#nowMs
    const context = { config, endOffset, leaderEpoch, segment: last, producers, dedup, nowMs }
    const plan = planAppend(requests, context)
    if (plan.parts.length === 0) {
      // What a repetition repeats may be unflushed still, where the flush that was to follow it failed.
      const flushed = this.#flushWhereDue()?.then(() => plan.outcomes)
      return flushed === undefined ? plan.outcomes : this.#whileAppending(flushed)
    }
    return this.#write(plan, leaderEpoch)
  }

  /**
   * Appends batches of another log of this partition as they are (a copy). Whoever copies is the only one
   * who appends. Rejects with CopyError where they may not stand here.
   */
  async appendCopied(records: Buffer): Promise<void> {
    for (const run of copiedRuns(records, this.endOffset)) {
      while (this.#gate !== undefined) await this.#gate
      this.#checkUsable('append to')
      const { config } = this
      const context = { config, segment: this.#state.last, nowMs: this.#nowMs }
      const parts = planCopy(records, run, context)
      await this.#write({ parts, outcomes: [], endOffset: this.endOffset }, run.leaderEpoch)
    }
  }

  /** Writes what was planned, all of it or nothing. */
  #write(plan: AppendPlan, leaderEpoch: number): AppendOutcome[] | Promise<AppendOutcome[]> {
    const { last } = this.#state
    const create = (baseOffset: number) => newSegment(this.#options, baseOffset)
    const write = new AppendWrite(plan.parts, { last, create })
    let pending: undefined | Promise<void>
    try {
      pending = write.run()
    } catch (error) {
      if (!write.leftSomething) throw error
      return this.#whileAppending(this.#undo(write, error))
    }
    if (pending === undefined) {
      const outcomes = this.#commit(plan, write.segments, leaderEpoch)
      return outcomes instanceof Promise ? this.#whileAppending(outcomes) : outcomes
    }
    const settled = pending.then(
      () => this.#commit(plan, write.segments, leaderEpoch),
      (error) => this.#undo(write, error),
    )
    return this.#whileAppending(settled)
  }

  /** Batches from the one that holds `offset` on, to be released. Throws DiskError, or rejects with it. */
  read(request: LogReadRequest): LogRead | Promise<LogRead> {
    if (this.#gate !== undefined) return this.#gate.then(() => this.read(request))
    if (this.#closed) throw new DiskError('closed', 'read', this.#options.folder)
    const { startOffset, endOffset, shared } = this.#state
    const { offset, maxBytes, wholeFirstBatch } = request
    if (offset < startOffset || offset > endOffset) return outOfRange
    const upTo = Math.min(request.upTo, endOffset)
    if (offset >= upTo) return noRecords
    const wanted = { offset, upTo, maxBytes, wholeFirstBatch }
    return shared.find(wanted) ?? runReads(readLog(this.#state, wanted))
  }

  /** The first record that is not older. */
  offsetForTimestamp(timestampMs: number): Promise<TimestampedOffset | undefined> {
    return this.#search((range) => offsetForTimestamp(range, timestampMs, this.#state.context))
  }

  /** The youngest record. */
  maxTimestamp(): Promise<TimestampedOffset | undefined> {
    return this.#search((range) => offsetOfLargestTimestamp(range, this.#state.context))
  }

  /** The largest epoch that is <= `epoch` and where it ends; both -1 where none is known (KIP-101, 279). */
  endOffsetForEpoch(epoch: number): { epoch: number; endOffset: number } {
    return this.#state.epochs.endOffsetFor(epoch, this.#state.endOffset)
  }

  /** The leader epoch in which the record at `offset` was written; -1 where that is not known. */
  epochAt(offset: number): number {
    return this.#state.epochs.epochAt(offset)
  }

  /** Remembers the producers and keys that another log of this partition knows, which ends where this ends. */
  adoptMemory(of: Log): void {
    assert(of.endOffset === this.endOffset, 'what is remembered lies in the log')
    this.#state.producers.reset(of.producers())
    this.#state.dedup.load(of.#state.dedup.encode())
  }

  producers(): ProducerState[] {
    return this.#state.producers.states()
  }

  /** What is known of the key of a mark. */
  lookUpKey(keyMark: Buffer): KeyVerdict {
    return this.#state.dedup.check(keyMark, this.#nowMs(), 0)
  }

  /** Gives back the memory of producers that were silent for producer.id.expiration.ms, and of old keys. */
  sweepProducers(): void {
    this.#state.dedup.expire(this.#nowMs())
    this.#state.producers.sweep(this.#nowMs())
  }

  /** Makes all durable that is in the log now. */
  async flush(): Promise<void> {
    await this.#job(async () => {
      this.#checkUsable('flush')
      await this.#durably((durability) => durability.flush(this.endOffset))
    })
  }

  /** Cuts off the batch that holds `offset` and all behind it; `offset` is not below the start offset. */
  async truncateTo(offset: number): Promise<void> {
    await this.#alone(() => {
      assert(offset >= this.startOffset, 'a log is cut behind its start (else: truncateFullyAt)')
      return this.#durably(() => this.#state.truncateTo(offset))
    })
  }

  /** Drops everything; the log goes on, empty, at `offset`. */
  async truncateFullyAt(offset: number): Promise<void> {
    await this.#alone(() => this.#durably(() => this.#state.restartAt(offset)))
  }

  /** Records below `to` are deleted: they are not read any more, and retention removes their segments. */
  advanceStartOffset(to: number): void {
    assert(to <= this.endOffset, 'a log does not start behind its end')
    this.#state.advanceStart(to)
  }

  /**
   * Removes the oldest segments as retention.ms, retention.bytes and the start offset say, none above the
   * high watermark. The last segment is closed first where it is to go, too.
   */
  applyRetention(nowMs: number, highWatermark: number): Promise<{ removedSegments: number }> {
    return applyRetention(
      this.#state,
      { nowMs, highWatermark },
      {
        job: (task) => this.#job(task),
        alone: (task) => this.#alone(task),
        seal: () => this.#sealInBackground(),
      },
    )
  }

  /** Flushes everything, writes down the producers, closes the files. Rejects where that failed. */
  async close(): Promise<ClosedState | undefined> {
    if (this.#closed) return undefined
    await this.#alone(async () => {
      this.#stop()
      try {
        if (this.#failure !== undefined) throw this.#failure
        await this.#durably(() => this.#state.flushForGood())
      } finally {
        await this.#state.close()
      }
    })
    return this.#state.closedState
  }

  /** The disk under it failed: nothing is written any more, and the files are closed. */
  abandon(cause: DiskError): void {
    this.#failure ??= cause
    if (this.#closed) return
    const close = async () => {
      this.#stop()
      await this.#state.close()
    }
    this.#alone(close).catch(() => {})
  }

  /** Closes the log without flushing it and renames its folder: its name is free. @returns the new name. */
  async detach(): Promise<string> {
    const { disk, folder, topic, partition, random } = this.#options
    const unique = random.bytes(16).toString('hex')
    const deleted = join(dirname(folder), deletedFolderName(topic, partition, unique))
    await this.#alone(async () => {
      this.#stop()
      await this.#state.close()
      await disk.rename(folder, deleted)
    })
    return deleted
  }

  #commit(
    plan: AppendPlan,
    segments: readonly Segment[],
    leaderEpoch: number,
  ): AppendOutcome[] | Promise<AppendOutcome[]> {
    const state = this.#state
    state.commit(plan, segments, leaderEpoch)
    const flushed = this.#flushWhereDue()
    if (flushed !== undefined) return flushed.then(() => plan.outcomes)
    if (segments.length === 0) return plan.outcomes
    const sealed = this.#sealInBackground()
    const behind = state.durability.unsealedSegments > unsealedSegmentsMax
    return behind ? sealed.then(() => plan.outcomes) : plan.outcomes
  }

  /** As flush.messages and flush.ms have it; a promise where it must be waited for. */
  #flushWhereDue(): undefined | Promise<void> {
    const { flushMessages, flushMs } = this.#options.config()
    const unflushed = this.endOffset - this.recoveryPoint
    if (unflushed >= flushMessages) return this.flush()
    if (unflushed > 0 && flushMs !== Number.POSITIVE_INFINITY) this.#flushWithin(flushMs)
    return undefined
  }

  /** Takes back what is written of a failed append, and tells why it failed. */
  async #undo(write: AppendWrite, cause: unknown): Promise<never> {
    if (write.leftSomething) await this.#job(() => this.#durably(() => write.undo()))
    throw cause
  }

  #whileAppending<T>(append: Promise<T>): Promise<T> {
    const settled = append.then(
      () => {},
      () => {},
    )
    this.#appending = settled
    settled.then(() => {
      this.#appending = undefined
    })
    return append
  }

  #flushWithin(delayMs: number): void {
    this.#flushTimer ??= this.#options.clock.setTimer(delayMs, () => {
      this.#flushTimer = undefined
      this.#inBackground((durability) => durability.flush(this.endOffset))
    })
  }

  /** The promise is for who wants to wait; it is not rejected. */
  #sealInBackground(): Promise<void> {
    return this.#inBackground((durability) => durability.flushSealed())
  }

  #rebuildIndexes(segment: Segment): void {
    const { logger } = this.#options
    logger.warn({ segment: segment.path }, 'index does not fit its log: it is built again')
    const { context } = this.#state
    const rebuild = async () => (segment.retired ? undefined : segment.rebuildIndexes(context))
    this.#alone(rebuild).catch((cause) => {
      if (this.#closed) return
      logger.error({ segment: segment.path, cause }, 'index could not be built again')
    })
  }

  async #search<T>(find: (range: SearchRange) => Promise<T>): Promise<T> {
    while (this.#gate !== undefined) await this.#gate
    this.#checkOpen('search')
    return holdingAll(this.#state, find)
  }

  /** Has the log for itself: no append, read, cleaning or other job. Rejects when it is closed. */
  async #alone<T>(task: () => Promise<T>): Promise<T> {
    const before = this.#gate
    const gate = Promise.withResolvers<void>()
    this.#gate = gate.promise
    try {
      await before
      // An append that fails queues a job of its own, so it is waited for outside the queue.
      await this.#appending
      return await this.cleaning.stoppedWhile(() =>
        this.#job(async () => {
          for (const segment of this.#state.segments) await segment.whenFree()
          return await task()
        }),
      )
    } finally {
      if (this.#gate === gate.promise) this.#gate = undefined
      gate.resolve()
    }
  }

  #job<T>(task: () => Promise<T>): Promise<T> {
    return this.#jobs.run(async () => {
      this.#checkOpen('work on')
      return await task()
    })
  }

  async #inBackground(flush: (durability: Durability) => Promise<void>): Promise<void> {
    const { logger, folder, resources } = this.#options
    const job = async () => {
      if (this.#closed || this.#failure !== undefined) return
      await this.#durably(flush)
    }
    try {
      await resources.backgroundFlushes.run(() => this.#jobs.run(job))
    } catch (cause) {
      logger.error({ folder, cause }, 'log could not be flushed')
    }
  }

  /** Runs what must not fail: where it does the log has failed, for good unless the disk is merely full. */
  async #durably<T>(task: (durability: Durability) => Promise<T>): Promise<T> {
    try {
      return await task(this.#state.durability)
    } catch (error) {
      const full = error instanceof DiskError && error.kind === 'no-space'
      if (!full || error.operation.startsWith('flush')) this.#fail(error)
      throw error
    }
  }

  #fail(cause: unknown): void {
    if (this.#failure !== undefined) return
    const { folder, onFailure } = this.#options
    this.#failure =
      cause instanceof DiskError ? cause : new DiskError('io', 'work on', folder, cause)
    onFailure(this.#failure)
  }

  #stop(): void {
    this.#closed = true
    this.#flushTimer?.cancel()
  }

  #checkOpen(operation: string): void {
    if (this.#closed) throw new DiskError('closed', operation, this.#options.folder)
  }

  #checkUsable(operation: string): void {
    this.#checkOpen(operation)
    if (this.#failure !== undefined) throw this.#failure
  }
}
