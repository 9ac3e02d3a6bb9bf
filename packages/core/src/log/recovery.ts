// Opening a log. After a clean end the last segment is taken up where it stopped, without a look into the
// files where it is known how they were left. After any other end all from the recovery point's segment on is
// read: batch for batch it must be what an append would have put there, and at the first that is not the log
// is cut, with all behind it.
//
//                          recovery point        torn
//   | segment | segment | segment |  | segment | batch | bat        the log
//   | untouched         | read, indexes built again    |cut|
//
// Below the recovery point everything had been flushed: what does not read there is damage to the disk, not
// a torn write. Its CRC is left to the readers; cutting the log there would lose what is sound behind it.

import { join } from 'node:path/posix'
import {
  batchCrc,
  batchField,
  noProducerId,
  readBatchHeader,
  readInt32,
  readInt64,
} from '@sluice/protocol/records/batch'
import { hasKeyMark, readKeyMark } from '@sluice/protocol/records/key-mark'
import { keyedPlace } from './append-plan.ts'
import { lastOffsetAt } from './batch-selection.ts'
import type { ClosedState } from './closed-logs.ts'
import { Dedup } from './dedup.ts'
import { runReads } from './disk-reads.ts'
import { LeaderEpochs, leaderEpochFileName, noLeaderEpoch } from './leader-epochs.ts'
import { readLogFolder, type SegmentFiles } from './log-folder.ts'
import type { LogOptions } from './log-options.ts'
import { segmentIndexFor } from './log-read.ts'
import { offsetEntryBytes, relativeOffsetMax } from './offset-index.ts'
import { Producers } from './producers.ts'
import { type AcceptBatch, type ScanContext, Segment } from './segment.ts'
import { findBatch } from './segment-read.ts'
import { SnapshotFiles, takeSnapshot } from './snapshot-files.ts'
import { timeEntryBytes } from './time-index.ts'

export interface LoadedLog {
  /** At least one; the last one is ready to be appended to. */
  readonly segments: Segment[]
  readonly startOffset: number
  readonly endOffset: number
  readonly recoveryPoint: number
  /** Files were made or removed. */
  readonly filesChanged: boolean
  readonly epochs: LeaderEpochs
  readonly producers: Producers
  readonly dedup: Dedup
  readonly snapshots: SnapshotFiles
}

/** What a log knows of the batches in it, to find a repetition. */
interface Memory {
  readonly producers: Producers
  readonly dedup?: Dedup
}

export async function loadLog(options: LogOptions, closed?: ClosedState): Promise<LoadedLog> {
  const { disk, clock, folder } = options
  const files = closed ?? (await readLogFolder(disk, clock, folder))
  const epochs = new LeaderEpochs(disk, join(folder, leaderEpochFileName))
  await epochs.load(closed?.epochs)
  const snapshots = new SnapshotFiles({ disk, folder, offsets: files.snapshotOffsets })
  const segments = files.segments.map((one) => segmentOf(options, one))
  const loader = new Loader(options, { segments, epochs, snapshots })
  try {
    return await loader.load(files.segments, closed)
  } catch (error) {
    for (const segment of segments) await segment.close()
    throw error
  }
}

/** A segment that begins at `baseOffset` and has no file yet. */
export function newSegment(options: LogOptions, baseOffset: number): Segment {
  const none = { sizeBytes: 0, offsetIndexBytes: undefined, timeIndexBytes: undefined }
  return segmentOf(options, { baseOffset, ...none })
}

/** A segment that the log cleaner is going to write. */
export function cleanedSegment(
  { disk, folder, resources }: LogOptions,
  place: { baseOffset: number; createdMs: number },
): Segment {
  const none = { sizeBytes: 0, offsetIndexBytes: undefined, timeIndexBytes: undefined }
  const suffix = '.cleaned'
  return new Segment({ disk, folder, resources, ...place, ...none, rollJitterMs: 0, suffix })
}

function segmentOf(options: LogOptions, files: SegmentFiles): Segment {
  const { disk, folder, resources, clock, random } = options
  const { segmentMs, segmentJitterMs } = options.config()
  return new Segment({
    disk,
    folder,
    resources,
    baseOffset: files.baseOffset,
    createdMs: clock.now(),
    rollJitterMs: Math.floor(random.number() * Math.min(segmentJitterMs, segmentMs)),
    sizeBytes: files.sizeBytes,
    offsetIndexBytes: files.offsetIndexBytes,
    timeIndexBytes: files.timeIndexBytes,
  })
}

export function scanContext(options: LogOptions): ScanContext {
  return { clock: options.clock, intervalBytes: options.config().indexIntervalBytes }
}

/** Tells `memory` of the batches from offset `from` up to `to`. */
export async function replayBatches(
  memory: Memory,
  segments: readonly Segment[],
  range: { from: number; to: number },
  context: ScanContext,
): Promise<void> {
  if (range.from >= range.to) return
  const nowMs = context.clock.now()
  const visit: AcceptBatch = (buffer, at) => {
    if (lastOffsetAt(buffer, at) >= range.to) return false
    replayBatch(memory, buffer, at, nowMs)
    return true
  }
  for (const segment of segments.slice(segmentIndexFor(segments, range.from))) {
    if (segment.baseOffset >= range.to) return
    const first = await runReads(findBatch(segment, range.from))
    if (first === undefined) continue
    await segment.scan(context, { from: first.position, to: segment.sizeBytes, visit })
  }
}

function replayBatch(memory: Memory, buffer: Buffer, at: number, nowMs: number): void {
  const { producers, dedup } = memory
  if (dedup !== undefined && hasKeyMark(buffer, at)) {
    const header = readBatchHeader(buffer, at)
    const mark = readKeyMark(buffer, header)
    if (mark !== undefined) dedup.replay(mark, keyedPlace(mark, header, header.baseOffset), nowMs)
  }
  if (readInt64(buffer, at + batchField.producerId) === noProducerId) return
  producers.appended(readBatchHeader(buffer, at), lastOffsetAt(buffer, at), nowMs)
}

interface Parts {
  readonly segments: Segment[]
  readonly epochs: LeaderEpochs
  readonly snapshots: SnapshotFiles
}

class Loader {
  readonly #options: LogOptions
  readonly #context: ScanContext
  readonly #segments: Segment[]
  readonly #epochs: LeaderEpochs
  readonly #snapshots: SnapshotFiles
  readonly #producers: Producers
  readonly #dedup: Dedup
  #endOffset = 0
  /** Of the last batch that was read: it never goes back. */
  #epoch = noLeaderEpoch

  constructor(options: LogOptions, { segments, epochs, snapshots }: Parts) {
    this.#options = options
    this.#context = { ...scanContext(options), opening: true }
    this.#segments = segments
    this.#epochs = epochs
    this.#snapshots = snapshots
    this.#producers = new Producers(options.producerExpirationMs)
    this.#dedup = new Dedup(options.config)
  }

  async load(files: readonly SegmentFiles[], closed?: ClosedState): Promise<LoadedLog> {
    const { cleanShutdown, logger, folder } = this.#options
    const resumed = cleanShutdown && (await (closed ? this.#goOn(closed) : this.#resume()))
    if (!resumed) await this.#recover()
    await this.#dropEmpty()
    await this.#rebuildMissingIndexes(files)
    await this.#checkStart()
    const startOffset = Math.max(this.#options.startOffset, this.#segments[0].baseOffset)
    this.#epochs.truncateFromEnd(this.#endOffset)
    this.#epochs.truncateFromStart(startOffset)
    await this.#snapshots.removeAbove(this.#endOffset)
    await this.#snapshots.removeStray(new Set(this.#segments.map((one) => one.baseOffset)))
    const endOffset = this.#endOffset
    logger.debug({ folder, startOffset, endOffset, resumed }, 'log opened')
    return {
      segments: this.#segments,
      startOffset,
      endOffset,
      recoveryPoint: resumed ? endOffset : Math.min(this.#options.recoveryPoint, endOffset),
      filesChanged: !resumed,
      epochs: this.#epochs,
      producers: this.#producers,
      dedup: this.#dedup,
      snapshots: this.#snapshots,
    }
  }

  async #goOn({ place, endOffset, remembers }: ClosedState): Promise<true> {
    this.#segments[this.#segments.length - 1].goOn(place)
    this.#endOffset = endOffset
    if (remembers) await this.#loadProducers(endOffset)
    return true
  }

  /** False where the last segment is not as a clean end leaves it. */
  async #resume(): Promise<boolean> {
    const last = this.#segments.at(-1)
    if (last === undefined) return false
    const endOffset = await last.resume(this.#context)
    if (endOffset === undefined) return false
    this.#endOffset = endOffset
    await this.#loadProducers(endOffset)
    return true
  }

  async #recover(): Promise<void> {
    const first = segmentIndexFor(this.#segments, this.#options.recoveryPoint)
    this.#endOffset = this.#segments[first]?.baseOffset ?? 0
    // Later ones may speak of batches that the crash has taken.
    await this.#snapshots.removeAbove(Math.max(this.#endOffset, this.#options.recoveryPoint))
    await this.#loadProducers(this.#endOffset)
    for (let i = first; i < this.#segments.length; i++) {
      const segment = this.#segments[i]
      if (i > first) {
        // A gap: records between were lost, and with them all sense of what follows.
        if (!this.#isNext(segment.baseOffset) || this.#isHollow(i)) return this.#cutSegments(i)
        await this.#segments[i - 1].seal()
        const states = this.#producers.states()
        await this.#snapshots.write(takeSnapshot(segment.baseOffset, states, this.#dedup))
      }
      const cutBytes = await this.#recoverSegment(i)
      if (cutBytes > 0) return this.#cutSegments(i + 1, cutBytes)
    }
  }

  async #cutSegments(kept: number, cutBytes = 0): Promise<void> {
    const { disk, folder, logger } = this.#options
    const removed = this.#segments.splice(kept)
    const endOffset = this.#endOffset
    const segmentsRemoved = removed.length
    logger.warn({ folder, endOffset, cutBytes, segmentsRemoved }, 'log cut where a crash tore it')
    for (const segment of removed.toReversed()) await segment.remove()
    // One that came back after a power loss would stand in the way of what is appended now.
    if (segmentsRemoved > 0) await disk.flushFolder(folder)
  }

  /** Compaction leaves gaps; elsewhere offsets follow each other, at least where no flush had passed. */
  #isNext(baseOffset: number): boolean {
    const { recoveryPoint, config } = this.#options
    if (config().cleanupPolicy.compact || this.#endOffset < recoveryPoint) {
      return baseOffset >= this.#endOffset
    }
    return baseOffset === this.#endOffset
  }

  /** Of a compacted log, too, an empty last segment behind a gap says only that what came before it was lost. */
  #isHollow(index: number): boolean {
    const { baseOffset, sizeBytes } = this.#segments[index]
    const last = index === this.#segments.length - 1
    const gap = baseOffset > this.#endOffset && this.#endOffset >= this.#options.recoveryPoint
    return last && sizeBytes === 0 && gap
  }

  /** @returns the bytes cut off. */
  async #recoverSegment(index: number): Promise<number> {
    const segment = this.#segments[index]
    const nextBase = this.#segments[index + 1]?.baseOffset ?? Number.POSITIVE_INFINITY
    const nowMs = this.#options.clock.now()
    const memory = { producers: this.#producers, dedup: this.#dedup }
    this.#endOffset = segment.baseOffset
    return segment.recover(this.#context, (buffer, at) => {
      const batchEpoch = readInt32(buffer, at + batchField.leaderEpoch)
      const lastOffset = lastOffsetAt(buffer, at)
      if (!this.#isSound(buffer, at, segment.baseOffset)) return false
      if (lastOffset >= nextBase || batchEpoch < this.#epoch) return false
      this.#epoch = batchEpoch
      this.#epochs.assign(batchEpoch, readInt64(buffer, at))
      replayBatch(memory, buffer, at, nowMs)
      this.#endOffset = lastOffset + 1
      return true
    })
  }

  #isSound(buffer: Buffer, at: number, segmentBase: number): boolean {
    const baseOffset = readInt64(buffer, at)
    const lastOffset = lastOffsetAt(buffer, at)
    if (!Number.isSafeInteger(baseOffset) || lastOffset < baseOffset) return false
    if (!this.#isNext(baseOffset) || lastOffset - segmentBase > relativeOffsetMax) return false
    if (lastOffset < this.#options.recoveryPoint) return true
    return batchCrc(buffer, at) === readInt32(buffer, at + batchField.crc) >>> 0
  }

  async #loadProducers(upTo: number): Promise<void> {
    const nowMs = this.#options.clock.now()
    const snapshot = await this.#snapshots.loadNewest(upTo, nowMs, this.#dedup)
    this.#producers.reset(snapshot?.states ?? [])
    const memory = { producers: this.#producers, dedup: this.#dedup }
    const range = { from: snapshot?.offset ?? 0, to: upTo }
    if (this.#segments.length === 0) return
    await replayBatches(memory, this.#segments, range, this.#context)
  }

  /** Sealed segments without whole indexes: those that are wrong inside are found out by their readers. */
  async #rebuildMissingIndexes(files: readonly SegmentFiles[]): Promise<void> {
    for (const file of files) {
      const segment = this.#segments.find(({ baseOffset }) => baseOffset === file.baseOffset)
      if (segment === undefined || !segment.sealed) continue
      const { offsetIndexBytes = -1, timeIndexBytes = -1 } = file
      if (offsetIndexBytes % offsetEntryBytes === 0 && timeIndexBytes % timeEntryBytes === 0)
        continue
      await segment.rebuildIndexes(this.#context)
    }
  }

  /** Segments in which nothing is, the last one aside. */
  async #dropEmpty(): Promise<void> {
    const empty = this.#segments.slice(0, -1).filter(({ sizeBytes }) => sizeBytes === 0)
    for (const segment of empty) {
      await segment.remove()
      this.#segments.splice(this.#segments.indexOf(segment), 1)
    }
  }

  /** There is a last segment, and the log does not begin behind its end. */
  async #checkStart(): Promise<void> {
    const { startOffset } = this.#options
    if (this.#segments.length > 0 && startOffset <= this.#endOffset) return
    if (this.#segments.length > 0) await this.#cutSegments(0)
    const first = newSegment(this.#options, startOffset)
    first.open()
    this.#segments.push(first)
    this.#epochs.clear()
    this.#producers.reset([])
    this.#dedup.clear()
    this.#endOffset = startOffset
  }
}
