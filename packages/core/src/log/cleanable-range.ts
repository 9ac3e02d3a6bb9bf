// What of a log the cleaner may clean, and which log is next. Pure, by Kafka's rules.
//
//   | clean    | dirty             | uncleanable               |
//   0          first dirty         end                         log end
//              (the checkpoint)
//
// Never cleaned: the last segment; what is not committed or not stable; what is younger than
// min.compaction.lag.ms; what is not on the disk for good. A log is cleaned when more than
// min.cleanable.dirty.ratio of it is dirty, or when a dirty record is older than max.compaction.lag.ms;
// the dirtiest one first.

import type { LogConfig } from './log-config.ts'

export interface CleanableSegment {
  readonly baseOffset: number
  readonly sizeBytes: number
}

/** A segment before the last one, with what a rule has to know of it; -1 where it has no timestamp. */
export interface DirtySegment extends CleanableSegment {
  readonly firstTimestampMs: number
  readonly largestTimestampMs: number
}

export interface CleanableLog {
  /** All of the log, oldest first; the last one is appended to. */
  readonly segments: readonly CleanableSegment[]
  /** Those of them with dirty records, the last one of the log aside. */
  readonly dirty: readonly DirtySegment[]
  readonly firstDirtyOffset: number
  /** The last stable offset, or the high watermark: what is below is committed. */
  readonly stableOffset: number
  readonly flushedOffset: number
  readonly config: LogConfig
  readonly nowMs: number
}

export interface CleanableRange {
  readonly firstDirtyOffset: number
  /** Where a segment begins; the first dirty offset where there is nothing to clean. */
  readonly endOffset: number
  readonly cleanBytes: number
  readonly dirtyBytes: number
  /** By how much max.compaction.lag.ms is exceeded. */
  readonly overdueMs: number
}

/** Where the dirty part of a log begins: what is written down, if the log has not changed since. */
export function firstDirtyOffset(
  checkpoint: number,
  { startOffset, endOffset }: { startOffset: number; endOffset: number },
): number {
  return checkpoint < startOffset || checkpoint > endOffset ? startOffset : checkpoint
}

export function cleanableRange(log: CleanableLog): CleanableRange {
  const { segments, firstDirtyOffset } = log
  const limit = uncleanableOffset(log)
  // A segment is cleaned whole or not at all.
  const first = Math.max(
    0,
    segments.findLastIndex(({ baseOffset }) => baseOffset <= limit),
  )
  const endOffset = Math.max(firstDirtyOffset, segments[first].baseOffset)
  let cleanBytes = 0
  let dirtyBytes = 0
  segments.slice(0, first).forEach(({ sizeBytes }, i) => {
    // The segment in which the dirty part begins counts as dirty.
    if (segments[i + 1].baseOffset <= firstDirtyOffset) cleanBytes += sizeBytes
    else dirtyBytes += sizeBytes
  })
  return { firstDirtyOffset, endOffset, cleanBytes, dirtyBytes, overdueMs: overdueMs(log) }
}

/** The share of the log that is dirty. */
export function dirtyRatio({ cleanBytes, dirtyBytes }: CleanableRange): number {
  return dirtyBytes === 0 ? 0 : dirtyBytes / (cleanBytes + dirtyBytes)
}

export function isDue(range: CleanableRange, config: LogConfig): boolean {
  if (range.dirtyBytes === 0) return false
  return range.overdueMs > 0 || dirtyRatio(range) > config.minCleanableRatio
}

function uncleanableOffset(log: CleanableLog): number {
  const { segments, dirty, stableOffset, flushedOffset, config, nowMs } = log
  const { minCompactionLagMs } = config
  const last = segments[segments.length - 1]
  const limit = Math.min(last.baseOffset, stableOffset, flushedOffset)
  if (minCompactionLagMs <= 0) return limit
  const young = dirty.find((one) => one.largestTimestampMs > nowMs - minCompactionLagMs)
  return Math.min(limit, young?.baseOffset ?? limit)
}

function overdueMs({ dirty, config, nowMs }: CleanableLog): number {
  const dueMs = nowMs - config.maxCompactionLagMs
  let oldestMs = Number.POSITIVE_INFINITY
  for (const { firstTimestampMs } of dirty) {
    if (firstTimestampMs > 0) oldestMs = Math.min(oldestMs, firstTimestampMs)
  }
  return Math.max(0, dueMs - oldestMs)
}
