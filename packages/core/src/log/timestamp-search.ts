// Finding records by their time. The segments' greatest timestamps and the time index narrow it down to a
// batch; in it the records themselves are looked at (a compressed batch is opened).

import { batchCrc, batchField, readInt32, readInt64 } from '@sluice/protocol/records/batch'
import { findRecord } from '@sluice/protocol/records/find-record'
import { RecordsError } from '@sluice/protocol/records/records-error'
import { lastOffsetAt } from './batch-selection.ts'
import { runReads } from './disk-reads.ts'
import type { AcceptBatch, ScanContext, Segment } from './segment.ts'
import { findBatch, offsetBefore } from './segment-read.ts'

export interface TimestampedOffset {
  readonly offset: number
  readonly timestampMs: number
  readonly leaderEpoch: number
}

export interface SearchRange {
  /** Of the log, oldest first; the caller sees to it that they stay. */
  readonly segments: readonly Segment[]
  readonly startOffset: number
  readonly endOffset: number
}

/** The first record that is not older than `timestampMs`. */
export async function offsetForTimestamp(
  range: SearchRange,
  timestampMs: number,
  context: ScanContext,
): Promise<TimestampedOffset | undefined> {
  for (const segment of range.segments) {
    const largest = await segment.largestTimestamp(context)
    if (largest.timestampMs < timestampMs) continue
    const before = await runReads(offsetBefore(segment, timestampMs))
    const startOffset = Math.max(range.startOffset, before)
    const found = await firstRecord(segment, { ...range, startOffset }, timestampMs, context)
    if (found !== undefined) return found
  }
  return undefined
}

/** The youngest record; of several of one age the first. */
export async function offsetOfLargestTimestamp(
  range: SearchRange,
  context: ScanContext,
): Promise<TimestampedOffset | undefined> {
  let youngestMs = -1
  for (const segment of range.segments) {
    const largest = await segment.largestTimestamp(context)
    const inRange = largest.offset >= range.startOffset
    const ageMs = inRange ? largest.timestampMs : await largestFrom(segment, range, context)
    youngestMs = Math.max(youngestMs, ageMs)
  }
  if (youngestMs === -1) return undefined
  const found = await offsetForTimestamp(range, youngestMs, context)
  if (found !== undefined) return found
  // The youngest time is that of a batch from which compaction took the record: it is looked for again.
  let leftMs = -1
  for (const segment of range.segments) {
    leftMs = Math.max(leftMs, await largestFrom(segment, range, context))
  }
  return leftMs === -1 ? undefined : offsetForTimestamp(range, leftMs, context)
}

/** The greatest timestamp of the batches with records that reach `startOffset`; -1 where there is none. */
async function largestFrom(
  segment: Segment,
  { startOffset }: SearchRange,
  context: ScanContext,
): Promise<number> {
  const first = await runReads(findBatch(segment, startOffset))
  if (first === undefined) return -1
  let largestMs = -1
  const visit: AcceptBatch = (buffer, at) => {
    if (readInt32(buffer, at + batchField.recordCount) > 0) {
      largestMs = Math.max(largestMs, readInt64(buffer, at + batchField.maxTimestamp))
    }
    return true
  }
  await segment.scan(context, { from: first.position, to: segment.sizeBytes, visit })
  return largestMs
}

async function firstRecord(
  segment: Segment,
  range: { startOffset: number; endOffset: number },
  timestampMs: number,
  context: ScanContext,
): Promise<TimestampedOffset | undefined> {
  const first = await runReads(findBatch(segment, range.startOffset))
  if (first === undefined) return undefined
  let found: TimestampedOffset | undefined
  const visit: AcceptBatch = (buffer, at) => {
    if (readInt64(buffer, at) >= range.endOffset) return false
    if (readInt64(buffer, at + batchField.maxTimestamp) < timestampMs) return true
    found = recordInBatch(buffer, at, range.startOffset, timestampMs)
    return found === undefined
  }
  await segment.scan(context, { from: first.position, to: segment.sizeBytes, visit })
  return found
}

function recordInBatch(
  buffer: Buffer,
  at: number,
  startOffset: number,
  timestampMs: number,
): TimestampedOffset | undefined {
  const leaderEpoch = readInt32(buffer, at + batchField.leaderEpoch)
  try {
    if (batchCrc(buffer, at) === readInt32(buffer, at + batchField.crc) >>> 0) {
      const found = findRecord(buffer, at, { offset: startOffset, timestamp: timestampMs })
      return found && { offset: found.offset, timestampMs: found.timestamp, leaderEpoch }
    }
  } catch (cause) {
    if (!(cause instanceof RecordsError)) throw cause
  }
  // Damaged, or never was what it claims to be: whoever fetches it from there will find that out, too.
  const offset = Math.min(lastOffsetAt(buffer, at), Math.max(startOffset, readInt64(buffer, at)))
  return { offset, timestampMs, leaderEpoch }
}

/** Runs `find` over all segments as they are now; none of them is closed or removed meanwhile. */
export async function holdingAll<T>(
  log: SearchRange,
  find: (range: SearchRange) => Promise<T>,
): Promise<T> {
  const { startOffset, endOffset } = log
  const segments = [...log.segments]
  for (const segment of segments) segment.hold()
  try {
    return await find({ segments, startOffset, endOffset })
  } finally {
    for (const segment of segments) segment.letGo()
  }
}
