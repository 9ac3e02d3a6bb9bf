// A partition that this broker leads: where records are accepted, committed and read.
//
//   produce -> validate -> inbox -> (turn's end) one Log.append -> high watermark -> outcomes, listeners
//
// One writer: all produces of one turn of the event loop become one append, and nothing is answered
// before its records are in the log. When the disk fails the partition goes offline and says
// KAFKA_STORAGE_ERROR from then on: there is no false acknowledgement, and never the code -1, which
// breaks the sequence of an idempotent Java producer (KAFKA-14034).

import { errors } from '@sluice/protocol/errors'
import type { AppendTerms, Verdict } from '@sluice/protocol/extensions'
import type { BatchHeader } from '@sluice/protocol/records/batch'
import type { RecordError } from '@sluice/protocol/records/record-scan'
import type { TopicConfig } from '../config/topic-config.ts'
import type { Clock } from '../host/clock.ts'
import { DiskError } from '../host/disk.ts'
import type { Logger } from '../host/logger.ts'
import { assert } from '../lib/assert.ts'
import { Bag, type BagItem } from '../lib/bag.ts'
import type { AppendOutcome, AppendRequest, Log } from '../log/log.ts'
import { isFailure } from '../log/log-dir.ts'
import type { LogReadRequest } from '../log/log-read.ts'
import type { LogRead } from '../log/log-records.ts'
import { admit } from './admission.ts'
import type { Acks, CommitStrategy } from './commit-replicated.ts'
import { isEmptied, readPast } from './emptied-batches.ts'
import type { Turn } from './turn.ts'

/** Requests that may wait for one partition's disk, and their bytes. */
const inboxRequestsMax = 10_000
const inboxBytesMax = 256 * 1024 * 1024

export interface ProduceOptions {
  readonly acks: Acks
  readonly timeoutMs: number
  /** Only the cluster itself writes to internal topics. */
  readonly origin: 'client' | 'coordinator'
  /** Append only under these. */
  readonly terms?: AppendTerms
}

export interface ProduceOutcome {
  readonly error: number
  readonly baseOffset: number
  /** -1 unless the topic stamps the time of append. */
  readonly logAppendTimeMs: number
  readonly logStartOffset: number
  readonly message?: string
  readonly recordErrors?: readonly RecordError[]
  readonly verdict?: Verdict
}

export type Isolation = 'uncommitted' | 'committed'

export interface ReadRequest {
  readonly offset: number
  readonly maxBytes: number
  readonly isolation: Isolation
  /** Return the first batch even if it is larger than maxBytes. */
  readonly wholeFirstBatch: boolean
}

/** Told when the high watermark moves by so many bytes; 0: the start moved, or the partition went away. */
export interface AdvanceListener extends BagItem {
  advanced(bytes: number): void
}

export interface PartitionOptions {
  readonly topic: string
  readonly topicId: string
  readonly index: number
  readonly internal: boolean
  readonly leaderEpoch: number
  readonly log: Log
  readonly config: () => TopicConfig
  /** sluice.validate=deep: open compressed batches too. */
  readonly deepValidation: boolean
  readonly commit: CommitStrategy
  readonly clock: Clock
  readonly turn: Turn
  readonly logger: Logger
  /** The disk failed under this partition. */
  readonly onDiskFailure: (cause: Error) => void
}

interface Pending extends AppendRequest {
  readonly records: Buffer
  readonly batches: BatchHeader[]
  readonly terms: AppendTerms | undefined
  readonly done: (outcome: ProduceOutcome) => void
}

export class Partition {
  readonly topic: string
  readonly topicId: string
  readonly index: number
  readonly internal: boolean
  /** Counted for the metrics. */
  bytesIn = 0
  recordsIn = 0
  bytesOut = 0
  readonly listeners = new Bag<AdvanceListener>()
  readonly #options: PartitionOptions
  #leaderEpoch: number
  #highWatermark: number
  #log: Log
  /** While another log takes the place of this one: appends and reads wait. */
  #replacing: PromiseWithResolvers<void> | undefined
  #closed = false
  #offline = false
  #inbox: Pending[] = []
  #inboxBytes = 0
  #drainScheduled = false
  #appending = false
  readonly #settledWaiters: (() => void)[] = []
  readonly #appendWaiters: (() => void)[] = []

  constructor(options: PartitionOptions) {
    this.#options = options
    this.topic = options.topic
    this.topicId = options.topicId
    this.index = options.index
    this.internal = options.internal
    this.#log = options.log
    this.#leaderEpoch = options.leaderEpoch
    this.#highWatermark = options.commit.appended(options.log.endOffset)
  }

  /** Produces whose records are not appended yet. */
  get waitingAppends(): number {
    return this.#inbox.length
  }

  /** Another one once its records have moved to another disk. */
  get log(): Log {
    return this.#log
  }

  get leaderEpoch(): number {
    return this.#leaderEpoch
  }

  /** Records below it are committed. */
  get highWatermark(): number {
    return this.#highWatermark
  }

  /** Below it no transaction is open. There are none yet. */
  get lastStableOffset(): number {
    return this.#highWatermark
  }

  get config(): TopicConfig {
    return this.#options.config()
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Its disk failed. */
  get offline(): boolean {
    return this.#offline
  }

  produce(records: Buffer, options: ProduceOptions): Promise<ProduceOutcome> {
    return new Promise((resolve) => {
      this.submit(records, options, resolve)
    })
  }

  /**
   * As produce(), without a promise: `done` is called once, at once or at a turn's end. `records` must
   * stay untouched until then.
   */
  submit(records: Buffer, options: ProduceOptions, done: (outcome: ProduceOutcome) => void): void {
    const refused = this.#refusal(options)
    if (refused !== 0) {
      done(this.#refused(refused))
      return
    }
    const { config, clock, deepValidation } = this.#options
    const admitted = admit(records, {
      config: config(),
      origin: options.origin,
      deep: deepValidation,
      nowMs: clock.now(),
      keyMark: options.terms?.keyMark,
    })
    if (!admitted.ok) {
      const { error, message, recordErrors } = admitted
      done({ ...this.#refused(error), message, recordErrors })
      return
    }
    if (this.#inbox.length >= inboxRequestsMax || this.#inboxBytes >= inboxBytesMax) {
      done({ ...this.#refused(errors.REQUEST_TIMED_OUT), message: 'the disk is too slow' })
      return
    }
    const { terms } = options
    this.#inbox.push({ records: admitted.records, batches: admitted.batches, terms, done })
    this.#inboxBytes += admitted.records.length
    this.#scheduleDrain()
  }

  /** Whether a batch was stored under the key of the mark, or of another body; appends nothing. */
  lookUpKey(keyMark: Buffer): ProduceOutcome {
    if (this.#closed) return this.#refused(errors.NOT_LEADER_OR_FOLLOWER)
    if (this.#offline) return this.#refused(errors.KAFKA_STORAGE_ERROR)
    const known = this.log.lookUpKey(keyMark)
    if (known.kind === 'other-body') {
      return { ...this.#refused(errors.INVALID_REQUEST), verdict: { kind: 'other-body' } }
    }
    const logStartOffset = this.log.startOffset
    const unknown = { error: 0, baseOffset: -1, logAppendTimeMs: -1, logStartOffset }
    if (known.kind !== 'repeated') return unknown
    const { baseOffset, count, timestampMs } = known.place
    return { ...unknown, baseOffset, verdict: { kind: 'repeated', count, timestampMs } }
  }

  /** Committed records from `offset` on; what Log.read says of buffers holds here. */
  read(request: ReadRequest): LogRead | Promise<LogRead> {
    const { offset, maxBytes, isolation, wholeFirstBatch } = request
    const upTo = isolation === 'committed' ? this.lastStableOffset : this.#highWatermark
    return this.#readUpTo({ offset, maxBytes, upTo, wholeFirstBatch })
  }

  #readUpTo(request: LogReadRequest): LogRead | Promise<LogRead> {
    if (this.#replacing !== undefined) {
      return this.#replacing.promise.then(() => this.#readUpTo(request))
    }
    const read = this.log.read(request)
    if (read instanceof Promise) return read.then((settled) => this.#pastEmptied(settled, request))
    return this.#pastEmptied(read, request)
  }

  #pastEmptied(read: LogRead, request: LogReadRequest): LogRead | Promise<LogRead> {
    if (!isEmptied(read) || this.#closed) return read
    return readPast(read, (offset) => this.#readUpTo({ ...request, offset }))
  }

  /**
   * Where an epoch ends, as the log knows it, and the leader's own, in which nothing may have been written yet:
   * that one began at the end of the log.
   */
  endOffsetForEpoch(epoch: number): { epoch: number; endOffset: number } {
    const { log } = this
    if (epoch <= log.latestEpoch || epoch > this.#leaderEpoch) return log.endOffsetForEpoch(epoch)
    const isBetween = epoch < this.#leaderEpoch && log.latestEpoch >= 0
    return { epoch: isBetween ? log.latestEpoch : epoch, endOffset: log.endOffset }
  }

  /** 0, or why a client that believes in `leaderEpoch` may not go on (-1: it does not say). */
  checkEpoch(leaderEpoch: number): number {
    if (leaderEpoch === -1 || leaderEpoch === this.#leaderEpoch) return 0
    return leaderEpoch < this.#leaderEpoch
      ? errors.FENCED_LEADER_EPOCH
      : errors.UNKNOWN_LEADER_EPOCH
  }

  /** Forgets the records below `offset` (DeleteRecords). @returns 0 or an error. */
  deleteRecordsBefore(offset: number): number {
    if (this.#closed) return errors.NOT_LEADER_OR_FOLLOWER
    if (this.#offline) return errors.KAFKA_STORAGE_ERROR
    if (offset < 0 || offset > this.#highWatermark) return errors.OFFSET_OUT_OF_RANGE
    if (offset > this.log.startOffset) this.log.advanceStartOffset(offset)
    this.#notify(0)
    return 0
  }

  /** Drops the segments that the topic does not keep any more. */
  async applyRetention(nowMs: number): Promise<{ removedSegments: number }> {
    const startBefore = this.log.startOffset
    const result = await this.log.applyRetention(nowMs, this.#highWatermark)
    if (this.log.startOffset > startBefore) this.#notify(0)
    return result
  }

  /**
   * Runs `replace` while no append is under way; what comes in waits. The log that it brings, a copy that ends
   * where this one ends, takes its place; where it brings none, or fails, this one stays.
   */
  async replaceLog(replace: () => Promise<Log | undefined>): Promise<void> {
    assert(this.#replacing === undefined, 'a log is replaced once at a time')
    const replacing = Promise.withResolvers<void>()
    this.#replacing = replacing
    try {
      while (this.#appending) {
        await new Promise<void>((resolve) => {
          this.#appendWaiters.push(resolve)
        })
      }
      const log = await replace()
      if (log === undefined) return
      assert(log.endOffset === this.#log.endOffset, 'a copy is whole before it counts')
      this.#log = log
    } finally {
      this.#replacing = undefined
      replacing.resolve()
      this.#goOn()
    }
  }

  /**
   * Reading or cleaning its log failed. Where that was the disk, the whole log directory is offline with
   * it, as in Kafka; a log that is damaged fails alone. @returns the error code of the answer.
   */
  readFailed(cause: unknown): number {
    const { logger, onDiskFailure } = this.#options
    if (this.#closed) return errors.NOT_LEADER_OR_FOLLOWER
    const partition = `${this.topic}-${this.index}`
    if (isFailure(cause) && !this.#offline) {
      logger.error(
        { partition, cause },
        'the disk failed under its log: the log directory goes offline',
      )
      this.takeOffline()
      onDiskFailure(cause)
    }
    const damaged = cause instanceof DiskError && cause.kind === 'damaged'
    return damaged ? errors.CORRUPT_MESSAGE : errors.KAFKA_STORAGE_ERROR
  }

  /** The disk under the partition failed: nothing is accepted or read any more. */
  takeOffline(): void {
    if (this.#offline) return
    this.#offline = true
    this.#refuseInbox(errors.KAFKA_STORAGE_ERROR)
    this.#notify(0)
  }

  /** Stops accepting; what waits is refused. The log itself is closed or deleted by its owner. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#refuseInbox(errors.NOT_LEADER_OR_FOLLOWER)
    this.#notify(0)
  }

  /** Resolves when no append is under way and none waits. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#settledWaiters.push(resolve)
      this.#tellSettled()
    })
  }

  #refusal(options: ProduceOptions): number {
    if (this.#closed) return errors.NOT_LEADER_OR_FOLLOWER
    if (this.#offline) return errors.KAFKA_STORAGE_ERROR
    if (this.internal && options.origin === 'client') return errors.INVALID_TOPIC_EXCEPTION
    return this.#options.commit.refusal(options.acks)
  }

  #refused(error: number): ProduceOutcome {
    assert(error !== errors.UNKNOWN_SERVER_ERROR, 'Produce is never answered with -1')
    return { error, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1 }
  }

  #refuseInbox(error: number): void {
    const waiting = this.#inbox
    this.#inbox = []
    this.#inboxBytes = 0
    for (const { done } of waiting) done(this.#refused(error))
    this.#tellSettled()
  }

  #scheduleDrain(): void {
    if (this.#drainScheduled || this.#appending || this.#replacing !== undefined) return
    this.#drainScheduled = true
    this.#options.turn.at('append', this.#drain)
  }

  readonly #drain = (): void => {
    this.#drainScheduled = false
    if (this.#appending || this.#replacing !== undefined || this.#inbox.length === 0) return
    const requests = this.#inbox
    this.#inbox = []
    this.#inboxBytes = 0
    const bytesBefore = this.log.sizeBytes
    let outcomes: AppendOutcome[] | Promise<AppendOutcome[]>
    try {
      outcomes = this.log.append(requests, this.#leaderEpoch)
    } catch (cause) {
      this.#appendFailed(requests, cause)
      this.#goOn()
      return
    }
    if (!(outcomes instanceof Promise)) {
      this.#appended(requests, outcomes, this.log.sizeBytes - bytesBefore)
      this.#goOn()
      return
    }
    this.#appending = true
    outcomes.then(
      (settled) => {
        this.#appending = false
        this.#appended(requests, settled, this.log.sizeBytes - bytesBefore)
        this.#goOn()
      },
      (cause) => {
        this.#appending = false
        this.#appendFailed(requests, cause)
        this.#goOn()
      },
    )
  }

  /** After an append: the next one, or word to those who wait for the last. */
  #goOn(): void {
    for (const resolve of this.#appendWaiters.splice(0)) resolve()
    if (this.#inbox.length > 0) this.#scheduleDrain()
    else this.#tellSettled()
  }

  #tellSettled(): void {
    if (this.#appending || this.#replacing !== undefined || this.#inbox.length > 0) return
    for (const resolve of this.#settledWaiters.splice(0)) resolve()
  }

  #appended(requests: readonly Pending[], outcomes: readonly AppendOutcome[], bytes: number): void {
    assert(outcomes.length === requests.length, 'one outcome for each append')
    const committed = this.#options.commit.appended(this.log.endOffset)
    assert(committed >= this.#highWatermark, 'the high watermark never goes back')
    const advanced = committed > this.#highWatermark
    this.#highWatermark = committed
    const logStartOffset = this.log.startOffset
    for (let i = 0; i < requests.length; i++) {
      const outcome = outcomes[i]
      if (outcome.ok && !outcome.duplicate) this.#count(requests[i])
      requests[i].done(
        outcome.ok
          ? {
              error: 0,
              baseOffset: outcome.baseOffset,
              logAppendTimeMs: outcome.logAppendTimeMs,
              logStartOffset,
              verdict: outcome.verdict,
            }
          : {
              ...this.#refused(outcome.error),
              message: outcome.message,
              verdict: outcome.verdict,
            },
      )
    }
    if (advanced) this.#notify(Math.max(bytes, 1))
  }

  #count({ records, batches }: Pending): void {
    this.bytesIn += records.length
    for (const { recordCount } of batches) this.recordsIn += recordCount
  }

  #appendFailed(requests: readonly Pending[], cause: unknown): void {
    const { logger, onDiskFailure } = this.#options
    const name = `${this.topic}-${this.index}`
    for (const { done } of requests) done(this.#refused(errors.KAFKA_STORAGE_ERROR))
    // A full disk took nothing and may have room again later; reading goes on.
    if (cause instanceof DiskError && cause.kind === 'no-space') {
      logger.error({ partition: name, cause }, 'no space left on the disk: append refused')
      return
    }
    logger.error({ partition: name, cause }, 'append failed: the partition goes offline')
    this.takeOffline()
    onDiskFailure(cause instanceof Error ? cause : new Error(String(cause)))
  }

  #notify(bytes: number): void {
    if (this.listeners.size === 0) return
    // A copy, for who has heard enough takes itself out.
    for (const listener of [...this.listeners.items]) listener.advanced(bytes)
  }
}
