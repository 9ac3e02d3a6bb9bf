// Segment: one file of a log, `<base offset>.log`, nothing but batches one behind the other, and its
// indexes. Only the last segment of a log is appended to; one before it is sealed: durable, its indexes
// in their files. Whoever reads holds the segment; what closes or removes it waits until nobody does.

import { batchField, readInt64 } from '@sluice/protocol/records/batch'
import type { Clock } from '../host/clock.ts'
import { type Disk, DiskError, type DiskFile } from '../host/disk.ts'
import { assert } from '../lib/assert.ts'
import { type ScannedFile, scanBatches } from './batch-scan.ts'
import { batchBytesAt, lastOffsetAt } from './batch-selection.ts'
import { runReads } from './disk-reads.ts'
import type { SegmentFiles } from './log-folder.ts'
import { offsetEntryBytes } from './offset-index.ts'
import type { ClosableFile } from './open-files.ts'
import { ResidentRanges } from './residency.ts'
import type { LogResources } from './resources.ts'
import type { GaugedSegment } from './roll.ts'
import { type IndexPlace, type PlacedBatch, SegmentIndexes } from './segment-indexes.ts'
import { SegmentNames, type SegmentSuffix } from './segment-names.ts'
import { findBatch, lastIndexedTimestamp, type ReadableSegment } from './segment-read.ts'
import { type TimestampOffset, timeEntryBytes } from './time-index.ts'

export interface SegmentOptions {
  readonly disk: Disk
  readonly folder: string
  readonly baseOffset: number
  /** Of its files, while it is not in use: '.cleaned'. */
  readonly suffix?: SegmentSuffix
  readonly resources: LogResources
  readonly createdMs: number
  readonly rollJitterMs: number
  /** What is there of its files; undefined for one that is not there. */
  readonly sizeBytes: number
  readonly offsetIndexBytes: number | undefined
  readonly timeIndexBytes: number | undefined
}

/** What is known of a segment that is appended to, beside what its files say. */
export interface SegmentPlace extends IndexPlace {
  readonly firstTimestampMs: number
}

export interface ScanContext {
  readonly clock: Clock
  readonly intervalBytes: number
  /** The log is being opened: what is small is read at once, as its folder was. */
  readonly opening?: boolean
}

/** Whether the batch at `at` may stand where it does. */
export type AcceptBatch = (buffer: Buffer, at: number, position: number) => boolean

export class Segment implements GaugedSegment, ReadableSegment, ClosableFile {
  readonly baseOffset: number
  readonly createdMs: number
  readonly rollJitterMs: number
  readonly resources: LogResources
  readonly resident: ResidentRanges
  readonly #options: SegmentOptions
  readonly #names: SegmentNames
  #indexes: SegmentIndexes
  #indexesDamaged = false
  /** Called when an index entry turns out wrong. */
  onIndexesDamaged: (() => void) | undefined
  #file: DiskFile | undefined
  #sizeBytes: number
  #flushedBytes: number
  #firstTimestampMs = -1
  /** Undefined while it has not been read from the time index. */
  #largest: TimestampOffset | undefined
  #sealed: boolean
  /** Taken out of its log. */
  #retired = false
  #holders = 0
  #whenFree: (() => void)[] = []

  /** A segment that has bytes is taken to be sealed until it is recovered or resumed. */
  constructor(options: SegmentOptions) {
    this.#options = options
    this.#names = new SegmentNames(options)
    this.baseOffset = options.baseOffset
    this.createdMs = options.createdMs
    this.rollJitterMs = options.rollJitterMs
    this.resources = options.resources
    this.resident = new ResidentRanges(options.resources.residency)
    this.#sizeBytes = options.sizeBytes
    this.#flushedBytes = options.sizeBytes
    this.#sealed = options.sizeBytes > 0
    this.#indexes = this.#newIndexes(options.offsetIndexBytes, options.timeIndexBytes)
    if (options.sizeBytes === 0) this.#largest = this.#indexes.largest
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  get indexes(): SegmentIndexes {
    return this.#indexes
  }

  /** Its files as they are when all of it is written. */
  get files(): SegmentFiles {
    const { offsets, times } = this.#indexes
    return {
      baseOffset: this.baseOffset,
      sizeBytes: this.#sizeBytes,
      offsetIndexBytes: offsets.count * offsetEntryBytes,
      timeIndexBytes: times.count * timeEntryBytes,
    }
  }

  get indexEntries(): number {
    return Math.max(this.#indexes.offsets.count, this.#indexes.times.count)
  }

  get bytesSinceEntry(): number {
    return this.#indexes.bytesSinceEntry
  }

  get firstTimestampMs(): number {
    return this.#firstTimestampMs
  }

  /** An entry was found to be wrong: nothing is looked up until the indexes are built again. */
  get indexesDamaged(): boolean {
    return this.#indexesDamaged
  }

  get sealed(): boolean {
    return this.#sealed
  }

  get retired(): boolean {
    return this.#retired
  }

  get path(): string {
    return this.#names.path('log')
  }

  /** The file; created where it is a new segment's. Hold the segment while more than one call needs it. */
  open(): DiskFile {
    this.#file ??= this.#names.open('log', !this.#sealed)
    this.resources.files.used(this)
    return this.#file
  }

  closeIfIdle(unflushed: boolean): boolean {
    if (this.#holders > 0 || (this.#flushedBytes < this.#sizeBytes && !unflushed)) return false
    this.#file?.close().catch(() => {})
    this.#file = undefined
    return true
  }

  /** As write(), on the thread pool: for who has time. */
  async writeLater(buffers: readonly Uint8Array[]): Promise<void> {
    await this.#holding((file) => file.appendLater(buffers))
  }

  /** Fills `target` from byte `position` on, on the thread pool. @returns the bytes read. */
  async readLater(target: Buffer, position: number): Promise<number> {
    const got = await this.#holding((file) => file.read(target, position))
    this.resources.residency.usedBytes += got
    return got
  }

  writeTransactionIndex(content: Buffer): Promise<void> {
    return this.#options.disk.replaceFile(this.#names.path('txnindex'), content)
  }

  /** Behind the end, and with no other effect until add(). Throws and waits as DiskFile.append. */
  write(buffers: readonly Uint8Array[]): undefined | Promise<void> {
    assert(!this.#sealed, 'only the last segment of a log grows')
    const pending = this.open().append(buffers)
    if (pending === undefined) return undefined
    this.hold()
    return pending.finally(() => this.letGo())
  }

  /** The batch has been written, behind all that were added before. */
  add(batch: PlacedBatch, intervalBytes: number): void {
    const position = this.#sizeBytes
    if (position === 0) this.#firstTimestampMs = batch.maxTimestamp
    this.#indexes.add(batch, position, intervalBytes)
    this.#largest = this.#indexes.largest
    this.#sizeBytes = position + batch.bytes
    this.resident.used(position, this.#sizeBytes)
  }

  hold(): void {
    this.#holders += 1
  }

  letGo(): void {
    assert(this.#holders > 0, 'a segment is let go once for each time it is held')
    this.#holders -= 1
    if (this.#holders > 0) return
    const waiting = this.#whenFree
    this.#whenFree = []
    for (const resolve of waiting) resolve()
  }

  /** Resolves when nobody reads. */
  async whenFree(): Promise<void> {
    while (this.#holders > 0) {
      await new Promise<void>((resolve) => {
        this.#whenFree.push(resolve)
      })
    }
  }

  distrustIndexes(): void {
    if (this.#indexesDamaged) return
    this.#indexesDamaged = true
    this.onIndexesDamaged?.()
  }

  /** Its files are called so from now on. Reads go on. */
  rename(suffix: SegmentSuffix): Promise<void> {
    return this.#names.rename(suffix)
  }

  /** It belongs to its log no more; reads under way go on. */
  retire(): void {
    this.#retired = true
  }

  /** Cuts off what was written and not added. */
  async cutUnadded(): Promise<void> {
    await this.whenFree()
    await this.#holding((file) => file.truncate(this.#sizeBytes))
  }

  /** The greatest timestamp of a record, -1 where none has one. Builds damaged indexes again. */
  async largestTimestamp(context: ScanContext): Promise<TimestampOffset> {
    if (this.#largest !== undefined) return this.#largest
    const indexed = await this.#indexedTimestamp()
    if (indexed === undefined) {
      this.distrustIndexes()
      return this.#scanLargest(context)
    }
    this.#largest ??= indexed
    return this.#largest
  }

  async flush(): Promise<void> {
    const sizeBytes = this.#sizeBytes
    if (this.#flushedBytes === sizeBytes) return
    await this.#holding((file) => file.flush())
    this.#flushedBytes = Math.max(this.#flushedBytes, sizeBytes)
  }

  /** Nothing more will be appended: makes records and indexes durable. */
  async seal(): Promise<void> {
    await this.flush()
    if (this.#sealed) return
    await this.#indexes.save()
    this.#indexes.seal()
    this.#sealed = true
  }

  /** Closes the files once nobody reads. */
  async close(): Promise<void> {
    await this.whenFree()
    const file = this.#file
    this.#file = undefined
    this.resources.files.closed(this)
    await file?.close()
    await this.#indexes.close()
  }

  /** Closes the files and removes them. */
  async remove(): Promise<void> {
    await this.close()
    await this.#names.unlink(['log', 'index', 'timeindex', 'txnindex'])
  }

  /**
   * Reads the whole file as after a crash: what `accept` refuses, or is no batch, is cut off with all
   * behind it, and the indexes are built again. Nobody reads meanwhile. @returns the bytes cut off.
   */
  async recover(context: ScanContext, accept: AcceptBatch): Promise<number> {
    const fileBytes = this.#sizeBytes
    this.#flushedBytes = 0
    this.#sealed = false
    await this.#addAgain(context, fileBytes, accept)
    if (this.#sizeBytes === fileBytes) return 0
    await this.#cutFile(this.#sizeBytes)
    return fileBytes - this.#sizeBytes
  }

  /** For indexes that turned out wrong. Nobody reads or appends meanwhile; the log stays as it is. */
  async rebuildIndexes(context: ScanContext): Promise<void> {
    const sizeBytes = this.#sizeBytes
    await this.#addAgain(context, sizeBytes, () => true)
    this.#sizeBytes = sizeBytes
    if (!this.#sealed) return
    await this.#indexes.save()
    this.#indexes.seal()
  }

  /**
   * Makes ready for appending, after a clean end or a cut. @returns the offset behind the last batch, or
   * undefined where log and indexes do not fit each other.
   */
  async resume(context: ScanContext): Promise<number | undefined> {
    const lastTime = await runReads(lastIndexedTimestamp(this))
    const entry = await runReads(this.#indexes.offsets.last(false))
    const from = entry?.position ?? 0
    if (lastTime === undefined || from < 0 || from > this.#sizeBytes) return undefined
    let next = this.baseOffset
    let largest = lastTime
    const visit: AcceptBatch = (buffer, at, position) => {
      const batch = placedBatch(buffer, at)
      const expected = position === from ? entry?.offset : undefined
      if (expected !== undefined && batch.lastOffset !== expected) return false
      // An entry for this batch is missing.
      if (position - from > context.intervalBytes) return false
      next = batch.lastOffset + 1
      if (batch.maxTimestamp > largest.timestampMs) {
        largest = { timestampMs: batch.maxTimestamp, offset: batch.lastOffset }
      }
      return true
    }
    const end = await this.scan(context, { from, to: this.#sizeBytes, visit })
    if (end !== this.#sizeBytes) return undefined
    const lastIndexedMs = lastTime.timestampMs
    const first = await runReads(findBatch(this, this.baseOffset))
    const firstTimestampMs = first?.maxTimestamp ?? -1
    this.goOn({ bytesSinceEntry: end - from, largest, lastIndexedMs, firstTimestampMs })
    return next
  }

  /** Makes ready for appending, as it was when it was closed. */
  goOn(place: SegmentPlace): void {
    this.#indexes.resume(place)
    this.#firstTimestampMs = place.firstTimestampMs
    this.#largest = place.largest
    this.#sealed = false
  }

  /** By it a segment goes on that was closed. */
  get place(): SegmentPlace {
    return { ...this.#indexes.place, firstTimestampMs: this.#firstTimestampMs }
  }

  /** Cuts off the batch that holds `offset` and all behind it. @returns the offset where it ends now. */
  async truncate(context: ScanContext, offset: number): Promise<number> {
    const found = await runReads(findBatch(this, offset))
    if (found === undefined) return offset
    const { position, baseOffset } = found
    await this.#indexes.truncate({ position, offset: baseOffset })
    await this.#cutFile(position)
    this.#sizeBytes = position
    this.#largest = undefined
    this.resident.cut(position)
    const resumed = this.#indexesDamaged ? undefined : await this.resume(context)
    if (resumed === undefined) await this.recover(context, () => true)
    // In a gap, as compaction leaves them, the batch begins behind the offset.
    return Math.min(baseOffset, offset)
  }

  /** For good: a power loss must not mix what was cut with what is appended in its place. */
  async #cutFile(sizeBytes: number): Promise<void> {
    await this.#holding(async (file) => {
      await file.truncate(sizeBytes)
      await file.flush()
    })
    this.#flushedBytes = sizeBytes
  }

  /** Undefined, too, where the log itself does not read: what does may still tell. */
  async #indexedTimestamp(): Promise<TimestampOffset | undefined> {
    try {
      return await runReads(lastIndexedTimestamp(this))
    } catch (error) {
      const unreadable = ['io', 'damaged']
      if (error instanceof DiskError && unreadable.includes(error.kind)) return undefined
      throw error
    }
  }

  async #scanLargest(context: ScanContext): Promise<TimestampOffset> {
    let largest: TimestampOffset = { timestampMs: -1, offset: this.baseOffset }
    const visit: AcceptBatch = (buffer, at) => {
      const { maxTimestamp, lastOffset } = placedBatch(buffer, at)
      if (maxTimestamp <= largest.timestampMs) return true
      largest = { timestampMs: maxTimestamp, offset: lastOffset }
      return true
    }
    await this.scan(context, { from: 0, to: this.#sizeBytes, visit })
    return largest
  }

  /** Adds the batches up to byte `to` to indexes begun anew, and stops at the first that is not accepted. */
  async #addAgain(context: ScanContext, to: number, accept: AcceptBatch): Promise<void> {
    await this.#indexes.close()
    await this.#names.unlink(this.#indexes.filled)
    this.#indexes = this.#newIndexes()
    this.#indexesDamaged = false
    this.#sizeBytes = 0
    this.#firstTimestampMs = -1
    this.#largest = this.#indexes.largest
    const visit: AcceptBatch = (buffer, at, position) => {
      if (!accept(buffer, at, position)) return false
      this.add(placedBatch(buffer, at), context.intervalBytes)
      return true
    }
    await this.scan(context, { from: 0, to, visit })
  }

  /** Shows the batches from byte `from` up to `to` to `visit`; see scanBatches. */
  scan(
    context: ScanContext,
    stretch: { from: number; to: number; visit: AcceptBatch },
  ): Promise<number> {
    const { clock, opening } = context
    const small = opening ? this.#options.disk.readSmallSync(this.path) : undefined
    if (small !== undefined) return scanBatches({ file: inMemory(small), clock, ...stretch })
    return this.#holding((file) => scanBatches({ file, clock, ...stretch }))
  }

  async #holding<T>(work: (file: DiskFile) => Promise<T>): Promise<T> {
    this.hold()
    try {
      return await work(this.open())
    } finally {
      this.letGo()
    }
  }

  #newIndexes(offsetIndexBytes?: number, timeIndexBytes?: number): SegmentIndexes {
    const { baseOffset, resources } = this.#options
    const files = { offsetIndexBytes, timeIndexBytes }
    return new SegmentIndexes({ names: this.#names, baseOffset, resources, ...files })
  }
}

function inMemory(content: Buffer): ScannedFile {
  return { read: async (target, position) => content.copy(target, 0, position) }
}

export function placedBatch(buffer: Buffer, at: number): PlacedBatch {
  return {
    bytes: batchBytesAt(buffer, at),
    lastOffset: lastOffsetAt(buffer, at),
    maxTimestamp: readInt64(buffer, at + batchField.maxTimestamp),
  }
}
