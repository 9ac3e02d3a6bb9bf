// Reading a log across its segments. What is lately written or read comes at once; else by a promise.
// The bytes belong to the reader until it gives them back with release().

import type { Wanted } from './batch-selection.ts'
import type { Reading } from './disk-reads.ts'
import { type LogRead, noRecords } from './log-records.ts'
import type { ReadPositions } from './read-positions.ts'
import type { Segment } from './segment.ts'
import { readSegment, type SegmentBatches } from './segment-read.ts'
import type { SharedReads } from './shared-reads.ts'

export interface LogReadRequest {
  readonly offset: number
  readonly maxBytes: number
  /** Exclusive: the high watermark, the last stable offset or the end. */
  readonly upTo: number
  /** Return the first batch even if it is larger than maxBytes. */
  readonly wholeFirstBatch: boolean
}

/** The index of the segment in which `offset` would be. */
export function segmentIndexFor(segments: readonly Segment[], offset: number): number {
  let low = 0
  let high = segments.length - 1
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (segments[middle].baseOffset <= offset) low = middle
    else high = middle - 1
  }
  return low
}

export interface ReadContext {
  /** May lose its first ones and gain others during a read. */
  readonly segments: readonly Segment[]
  readonly positions: ReadPositions
  readonly shared: SharedReads
}

export function* readLog(context: ReadContext, wanted: Wanted): Reading<LogRead> {
  const { segments, positions } = context
  const known = positions.find(wanted.offset)
  if (known !== undefined && !known.segment.retired) {
    const read = yield* readSegment(known.segment, wanted, known.position)
    if (read !== undefined) return give(context, wanted, known.segment, read)
  }
  let index = segmentIndexFor(segments, wanted.offset)
  while (index < segments.length) {
    const segment = segments[index]
    const read = yield* readSegment(segment, wanted)
    if (read !== undefined) return give(context, wanted, segment, read)
    // The offsets from here to the next segment are not in use (compaction).
    index = segments.indexOf(segment) + 1
    if (index === 0) index = segmentIndexFor(segments, wanted.offset)
    else if (segments[index]?.baseOffset >= wanted.upTo) break
  }
  return noRecords
}

function give(
  { positions, shared }: ReadContext,
  wanted: Wanted,
  segment: Segment,
  read: SegmentBatches,
): LogRead {
  const { buffer, start, end, next } = read
  const { buffers } = segment.resources
  if (start === end) {
    buffers.give(buffer)
    return noRecords
  }
  positions.remember({ offset: next.offset, segment, position: next.position })
  return shared.share(wanted, buffer.subarray(start, end), () => buffers.give(buffer))
}
