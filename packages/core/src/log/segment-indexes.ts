// SegmentIndexes: the offset index and the time index of one segment, and when each gets an entry: both
// together, once more than index.interval.bytes of log stand behind the last one.

import { runReads } from './disk-reads.ts'
import { EntryFile } from './entry-file.ts'
import type { LogConfig } from './log-config.ts'
import { OffsetIndex, offsetEntryBytes } from './offset-index.ts'
import type { LogResources } from './resources.ts'
import type { SegmentNames } from './segment-names.ts'
import { TimeIndex, type TimestampOffset, timeEntryBytes } from './time-index.ts'

export interface SegmentIndexesOptions {
  readonly names: SegmentNames
  readonly baseOffset: number
  readonly resources: Pick<LogResources, 'files' | 'pages'>
  /** Bytes in the two files; undefined where there is none. */
  readonly offsetIndexBytes: number | undefined
  readonly timeIndexBytes: number | undefined
}

/** A batch in its place. */
export interface PlacedBatch {
  readonly bytes: number
  readonly lastOffset: number
  readonly maxTimestamp: number
}

/** What decides when the next entries are made. */
export interface IndexPlace {
  /** Bytes of log behind the last entry. */
  readonly bytesSinceEntry: number
  readonly largest: TimestampOffset
  /** The timestamp of the last entry of the time index; -1 where there is none. */
  readonly lastIndexedMs: number
}

export class SegmentIndexes {
  readonly offsets: OffsetIndex
  readonly times: TimeIndex
  readonly #foundBytes: { readonly index: number; readonly timeindex: number }
  #bytesSinceEntry = 0
  #largest: TimestampOffset
  #lastIndexedMs = -1

  constructor(options: SegmentIndexesOptions) {
    const { names, baseOffset, resources } = options
    const entries = (kind: 'index' | 'timeindex', entryBytes: number, fileBytes?: number) =>
      new EntryFile({
        openFile: () => names.open(kind, true),
        entryBytes,
        resources,
        savedCount: fileBytes === undefined ? undefined : Math.floor(fileBytes / entryBytes),
      })
    this.offsets = new OffsetIndex(
      entries('index', offsetEntryBytes, options.offsetIndexBytes),
      baseOffset,
    )
    this.times = new TimeIndex(
      entries('timeindex', timeEntryBytes, options.timeIndexBytes),
      baseOffset,
    )
    const { offsetIndexBytes = 0, timeIndexBytes = 0 } = options
    this.#foundBytes = { index: offsetIndexBytes, timeindex: timeIndexBytes }
    this.#largest = { timestampMs: -1, offset: baseOffset }
  }

  /** The greatest timestamp of the batches added; -1 where none has one. */
  get largest(): TimestampOffset {
    return this.#largest
  }

  get bytesSinceEntry(): number {
    return this.#bytesSinceEntry
  }

  /** The batch stands at `position`, behind all that were added before. */
  add(batch: PlacedBatch, position: number, intervalBytes: number): void {
    if (batch.maxTimestamp > this.#largest.timestampMs) {
      this.#largest = { timestampMs: batch.maxTimestamp, offset: batch.lastOffset }
    }
    if (this.#bytesSinceEntry > intervalBytes) {
      this.offsets.append(batch.lastOffset, position)
      this.#indexLargest()
      this.#bytesSinceEntry = 0
    }
    this.#bytesSinceEntry += batch.bytes
  }

  /** Where it stands, as far as that is not to be seen from the files. */
  get place(): IndexPlace {
    return {
      bytesSinceEntry: this.#bytesSinceEntry,
      largest: this.#largest,
      lastIndexedMs: this.#lastIndexedMs,
    }
  }

  /** The files in which something may be. */
  get filled(): ('index' | 'timeindex')[] {
    const files = { index: this.offsets.file, timeindex: this.times.file }
    const kinds = ['index', 'timeindex'] as const
    return kinds.filter((kind) => this.#foundBytes[kind] > 0 || !files[kind].empty)
  }

  /** Goes on where the files end. */
  resume(place: IndexPlace): void {
    this.offsets.file.goOn()
    this.times.file.goOn()
    this.#bytesSinceEntry = place.bytesSinceEntry
    this.#largest = place.largest
    this.#lastIndexedMs = place.lastIndexedMs
  }

  /** Drops the entries of the batch at `position`, whose first offset is `offset`, and of those behind it. */
  async truncate(cut: { position: number; offset: number }): Promise<void> {
    const offsets = await runReads(this.offsets.countBelow(cut.position, false))
    const times = await runReads(this.times.countBelow(cut.offset, false))
    await this.offsets.file.truncate(offsets)
    await this.times.file.truncate(times)
  }

  /** Adds the entry by which the segment's age is known, and makes both files whole and durable. */
  async save(): Promise<void> {
    this.#indexLargest()
    await this.offsets.file.save()
    await this.times.file.save()
  }

  /** The segment is closed: saved, and not held in memory any more. */
  seal(): void {
    this.offsets.file.seal()
    this.times.file.seal()
  }

  async close(): Promise<void> {
    await this.offsets.file.close()
    await this.times.file.close()
  }

  #indexLargest(): void {
    if (this.#largest.timestampMs <= this.#lastIndexedMs) return
    this.times.append(this.#largest)
    this.#lastIndexedMs = this.#largest.timestampMs
  }
}

/** Entries that fit beside a time index entry kept for the closing of the segment. */
export function indexEntriesMax(config: LogConfig): number {
  const offsets = Math.floor(config.indexMaxBytes / offsetEntryBytes)
  const times = Math.floor(config.indexMaxBytes / timeEntryBytes) - 1
  return Math.max(1, Math.min(offsets, times))
}
