// LogState: what a log consists of, and the steps that change it: adding what was appended, rolling,
// cutting, removing, flushing. Whoever calls sees to it that the steps do not meet: see Log.

import { type AppendPlan, keyedPlace, type PlannedBatch } from './append-plan.ts'
import type { ClosedState } from './closed-logs.ts'
import type { Dedup } from './dedup.ts'
import { Durability } from './durability.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { LogOptions } from './log-options.ts'
import { segmentIndexFor } from './log-read.ts'
import type { Producers } from './producers.ts'
import { ReadPositions } from './read-positions.ts'
import { type LoadedLog, newSegment, replayBatches, scanContext } from './recovery.ts'
import { expiredSegments, type RetainedSegment } from './retention.ts'
import type { ScanContext, Segment } from './segment.ts'
import { SharedReads } from './shared-reads.ts'
import { type Snapshot, type SnapshotFiles, takeSnapshot } from './snapshot-files.ts'

export class LogState {
  /** Oldest first, never empty. */
  readonly segments: Segment[]
  readonly epochs: LeaderEpochs
  readonly producers: Producers
  readonly dedup: Dedup
  readonly durability: Durability
  readonly positions = new ReadPositions()
  readonly shared = new SharedReads()
  startOffset: number
  endOffset: number
  sizeBytes: number
  /** Where the log is about to start, once that is written down. */
  startOffsetToSave: number
  /** Below it the log cleaner has been. */
  firstDirtyOffset: number
  /** Files of replaced segments, going when their last readers are done. */
  readonly #removals = new Set<Promise<void>>()
  /** An exchange that counts and that a full disk has cut short: it is ended before anything is built on it. */
  #exchange: { readonly old: readonly Segment[]; readonly cleaned: Segment } | undefined
  readonly #options: LogOptions
  readonly #snapshots: SnapshotFiles
  readonly #onIndexesDamaged: (segment: Segment) => void

  constructor(
    options: LogOptions,
    loaded: LoadedLog,
    onIndexesDamaged: (segment: Segment) => void,
  ) {
    this.#options = options
    this.#onIndexesDamaged = onIndexesDamaged
    this.segments = loaded.segments
    this.epochs = loaded.epochs
    this.producers = loaded.producers
    this.dedup = loaded.dedup
    this.#snapshots = loaded.snapshots
    this.startOffset = loaded.startOffset
    this.startOffsetToSave = loaded.startOffset
    this.firstDirtyOffset = options.firstDirtyOffset
    this.endOffset = loaded.endOffset
    this.sizeBytes = loaded.segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    const { disk, folder } = options
    const { segments, epochs, snapshots, recoveryPoint } = loaded
    this.durability = new Durability({ disk, folder, segments, epochs, snapshots, recoveryPoint })
    for (const segment of segments) this.#watch(segment)
  }

  /** The segment that is appended to. */
  get last(): Segment {
    return this.segments[this.segments.length - 1]
  }

  /** How a log that is closed was left; undefined where its files have to be looked at. */
  get closedState(): ClosedState | undefined {
    const { segments, last, endOffset, epochs, producers, dedup } = this
    if (this.#exchange !== undefined) return undefined
    if (segments.some(({ indexesDamaged }) => indexesDamaged)) return undefined
    return {
      segments: segments.map(({ files }) => files),
      snapshotOffsets: this.#snapshots.offsets,
      endOffset,
      place: last.place,
      epochs: epochs.starts,
      remembers: producers.size > 0 || dedup.size > 0,
    }
  }

  get context(): ScanContext {
    return scanContext(this.#options)
  }

  /** All parts of `plan` are written, those behind the first to `newSegments`. */
  commit(plan: AppendPlan, newSegments: readonly Segment[], leaderEpoch: number): void {
    const { indexIntervalBytes } = this.#options.config()
    const nowMs = this.#options.clock.now()
    this.epochs.assign(leaderEpoch, this.endOffset)
    let begun = 0
    for (const { newSegmentAt, batches } of plan.parts) {
      if (newSegmentAt !== undefined) this.#begin(newSegments[begun++])
      const { last } = this
      for (const batch of batches) {
        last.add(batch, indexIntervalBytes)
        this.producers.appended(batch.header, batch.lastOffset, nowMs)
        if (batch.keyMark !== undefined) this.#rememberKey(batch, nowMs)
        this.sizeBytes += batch.bytes
      }
      this.endOffset = batches[batches.length - 1].lastOffset + 1
    }
  }

  /** Begins a new segment, unless the last one is empty. */
  roll(): void {
    if (this.last.sizeBytes === 0) return
    const segment = newSegment(this.#options, this.endOffset)
    segment.open()
    this.#begin(segment)
  }

  async close(): Promise<void> {
    for (const segment of this.segments) await segment.close()
    await Promise.all(this.#removals)
  }

  /** Makes everything durable and writes down the producers, for a log that ends cleanly. */
  async flushForGood(): Promise<void> {
    const { endOffset } = this
    await this.durability.flushForGood(endOffset)
    if (this.#snapshots.newestOffset === endOffset) return
    await this.#snapshots.write(this.#snapshotAt(endOffset))
  }

  /** Cuts off the batch that holds `offset` and all behind it. */
  async truncateTo(offset: number): Promise<void> {
    if (offset >= this.endOffset) return
    await this.endExchange()
    const first = segmentIndexFor(this.segments, offset) + 1
    await this.#remove(this.segments.splice(first))
    const { last } = this
    const bytesBefore = last.sizeBytes
    this.endOffset = Math.min(await last.truncate(this.context, offset), this.endOffset)
    this.sizeBytes -= bytesBefore - last.sizeBytes
    // The batch began with records that were deleted: nothing is left at all.
    if (this.endOffset < this.startOffset) return this.restartAt(this.startOffset)
    this.epochs.truncateFromEnd(this.endOffset)
    this.dedup.truncate(this.endOffset)
    await this.#reloadProducers()
    await this.#cut()
  }

  /** Drops everything; the log goes on at `offset`. */
  async restartAt(offset: number): Promise<void> {
    await this.endExchange()
    await this.#remove(this.segments.splice(0))
    this.endOffset = offset
    this.startOffset = offset
    this.startOffsetToSave = offset
    this.firstDirtyOffset = 0
    this.producers.reset([])
    this.dedup.clear()
    this.epochs.clear()
    await this.#snapshots.removeAll()
    const first = newSegment(this.#options, offset)
    first.open()
    this.#watch(first)
    this.segments.push(first)
    this.durability.startAt(offset)
    await this.#cut()
    await this.#options.checkpoints.saveStartOffsets()
  }

  advanceStart(offset: number): void {
    if (offset <= this.startOffset) return
    this.startOffset = offset
    this.startOffsetToSave = Math.max(this.startOffsetToSave, offset)
    this.epochs.truncateFromStart(offset)
  }

  /** How many of the oldest segments retention removes. */
  countExpired(nowMs: number, highWatermark: number): Promise<number> {
    const { startOffset } = this
    const config = this.#options.config()
    const segments = this.segments.map((segment, i) => this.#retained(segment, i))
    return expiredSegments(segments, { config, nowMs, highWatermark, startOffset })
  }

  /** The last segment is not among them. */
  async removeOldest(count: number): Promise<void> {
    const startOffset = this.segments[count].baseOffset
    // Written down first: after a crash the log must not start further back than was seen.
    this.startOffsetToSave = Math.max(this.startOffsetToSave, startOffset)
    await this.#options.checkpoints.saveStartOffsets()
    const removed = this.segments.splice(0, count)
    this.advanceStart(startOffset)
    for (const segment of removed) await this.#snapshots.removeAt(segment.baseOffset)
    await this.#remove(removed)
  }

  /**
   * Puts `cleaned`, which is sealed, in the place of `old`, neighbours in this log. Whoever reads them goes
   * on. segment-swap.ts says what a crash leaves, and why in this order. No other exchange is half done.
   */
  async exchange(old: readonly Segment[], cleaned: Segment): Promise<void> {
    const { disk, folder } = this.#options
    await cleaned.rename('.swap')
    await disk.flushFolder(folder)
    this.#watch(cleaned)
    this.segments.splice(this.segments.indexOf(old[0]), old.length, cleaned)
    this.sizeBytes += cleaned.sizeBytes
    this.positions.forget()
    this.shared.forget()
    for (const segment of old) {
      segment.retire()
      this.sizeBytes -= segment.sizeBytes
    }
    this.#exchange = { old, cleaned }
    await this.endExchange()
  }

  /** What is left of an exchange to do, where there was no room for it: names alone. */
  async endExchange(): Promise<void> {
    if (this.#exchange === undefined) return
    const { disk, folder } = this.#options
    const { old, cleaned } = this.#exchange
    for (const segment of old) await segment.rename('.deleted')
    // Retention may have taken it meanwhile.
    if (!cleaned.retired) await cleaned.rename('')
    for (const segment of old.slice(1)) await this.#snapshots.removeAt(segment.baseOffset)
    // One that came back after a power loss would stand beside its successor.
    await disk.flushFolder(folder)
    this.#exchange = undefined
    for (const segment of old) this.#removeWhenFree(segment)
  }

  #removeWhenFree(segment: Segment): void {
    const removal = segment
      .remove()
      .catch((cause) => {
        this.#options.logger.warn({ segment: segment.path, cause }, 'could not be removed')
      })
      .finally(() => this.#removals.delete(removal))
    this.#removals.add(removal)
  }

  #begin(segment: Segment): void {
    this.#watch(segment)
    this.segments.push(segment)
    this.durability.folderChanged()
    this.durability.add(this.#snapshotAt(segment.baseOffset))
  }

  #snapshotAt(offset: number): Snapshot {
    return takeSnapshot(offset, this.producers.states(), this.dedup)
  }

  #rememberKey({ keyMark, header, lastOffset }: PlannedBatch, nowMs: number): void {
    if (keyMark === undefined) return
    const baseOffset = lastOffset - header.lastOffsetDelta
    this.dedup.add(keyMark, keyedPlace(keyMark, header, baseOffset), nowMs)
  }

  #watch(segment: Segment): void {
    segment.onIndexesDamaged = () => this.#onIndexesDamaged(segment)
  }

  #retained(segment: Segment, index: number): RetainedSegment {
    return {
      sizeBytes: segment.sizeBytes,
      endOffset: this.segments[index + 1]?.baseOffset ?? this.endOffset,
      youngestMs: async () => {
        const { timestampMs } = await segment.largestTimestamp(this.context)
        return timestampMs >= 0 ? timestampMs : segment.createdMs
      },
    }
  }

  /** Removes the files of segments that were taken out. */
  async #remove(segments: readonly Segment[]): Promise<void> {
    if (segments.length === 0) return
    this.positions.forget()
    this.shared.forget()
    for (const segment of segments) {
      segment.retire()
      this.sizeBytes -= segment.sizeBytes
    }
    for (const segment of segments) await segment.remove()
    // One that came back after a power loss would stand in the way of what is appended later.
    await this.#options.disk.flushFolder(this.#options.folder)
  }

  /** The log ends further back now: nothing on the disk may say otherwise before it grows again. */
  async #cut(): Promise<void> {
    this.positions.forget()
    this.shared.forget()
    this.durability.cut(this.endOffset)
    this.firstDirtyOffset = Math.min(this.firstDirtyOffset, this.endOffset)
    await this.#snapshots.removeAbove(this.endOffset)
    await this.epochs.save()
    await this.#options.checkpoints.saveFirstDirtyOffsets()
    await this.#options.checkpoints.saveRecoveryPoints()
  }

  /** As of the end of the log, after a cut. */
  async #reloadProducers(): Promise<void> {
    if (this.producers.size === 0) return
    const snapshot = await this.#snapshots.loadNewest(this.endOffset, this.#options.clock.now())
    this.producers.reset(snapshot?.states ?? [])
    const range = { from: snapshot?.offset ?? 0, to: this.endOffset }
    await replayBatches({ producers: this.producers }, this.segments, range, this.context)
  }
}
