// Retention: which of a log's oldest segments go. A segment goes whole, never one above the high
// watermark, and none before those older than it.
//
//   retention.ms       its youngest record is older than that
//   retention.bytes    what stands behind it is as many bytes already
//   log start offset   it ends at or below that (records were deleted)

import type { LogConfig } from './log-config.ts'

export interface RetainedSegment {
  readonly sizeBytes: number
  /** The offset behind its last record. */
  readonly endOffset: number
  /** The greatest timestamp; where no record has one, the time it was opened. */
  readonly youngestMs: () => Promise<number>
}

export interface RetentionContext {
  readonly config: LogConfig
  readonly nowMs: number
  readonly highWatermark: number
  readonly startOffset: number
}

/** How many of `segments`, oldest first, go. */
export async function expiredSegments(
  segments: readonly RetainedSegment[],
  context: RetentionContext,
): Promise<number> {
  const { config, nowMs, highWatermark, startOffset } = context
  let remainingBytes = segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  let count = 0
  for (const segment of segments) {
    if (segment.sizeBytes === 0 || segment.endOffset > highWatermark) break
    remainingBytes -= segment.sizeBytes
    const deleted = segment.endOffset <= startOffset
    const surplus = config.cleanupPolicy.delete && remainingBytes >= config.retentionBytes
    if (!deleted && !surplus && !(await isTooOld(segment, config, nowMs))) break
    count += 1
  }
  return count
}

async function isTooOld(
  segment: RetainedSegment,
  config: LogConfig,
  nowMs: number,
): Promise<boolean> {
  if (!config.cleanupPolicy.delete || config.retentionMs === Number.POSITIVE_INFINITY) return false
  return nowMs - (await segment.youngestMs()) > config.retentionMs
}
