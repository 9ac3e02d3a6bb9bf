// Reading a segment: a position from the offset index (or one that is known), then from batch header to
// batch header. An index entry is believed only if the log agrees: the batch at its position must end at
// its offset. One that does not condemns the index, and reading begins at the segment's first byte.

import {
  batchField,
  batchHeaderBytes,
  currentMagic,
  readInt64,
} from '@sluice/protocol/records/batch'
import { DiskError, type DiskFile } from '../host/disk.ts'
import { batchBytesAt, lastOffsetAt, selectBatches, type Wanted } from './batch-selection.ts'
import type { Reading } from './disk-reads.ts'
import type { OffsetPosition } from './offset-index.ts'
import type { ResidentRanges } from './residency.ts'
import type { LogResources } from './resources.ts'
import type { SegmentIndexes } from './segment-indexes.ts'
import type { TimestampOffset } from './time-index.ts'

/** A read takes no more at once, however much is asked for: a larger one would hold up the loop. */
const readBytesMax = 1024 * 1024
/** And no less: what stands behind a batch is likely to be wanted next, or to be hopped over. */
const readBytesMin = 16 * 1024

/** What of a segment its readers need. */
export interface ReadableSegment {
  readonly baseOffset: number
  readonly path: string
  readonly sizeBytes: number
  readonly sealed: boolean
  readonly resources: LogResources
  readonly resident: ResidentRanges
  readonly indexes: SegmentIndexes
  readonly indexesDamaged: boolean
  distrustIndexes(): void
  /** Its file; hold the segment while more than one call needs it. */
  open(): DiskFile
  hold(): void
  letGo(): void
}

export interface SegmentBatches {
  /** To be given back to the resources. The batches are its bytes `start` up to `end`; there may be none. */
  readonly buffer: Buffer
  readonly start: number
  readonly end: number
  /** The offset behind the batches, and where in the segment it is to be looked for. */
  readonly next: OffsetPosition
}

/**
 * Batches as selectBatches says; undefined where every batch of the segment ends before the offset.
 * `position` is known to be that of a batch at or before the offset.
 */
export function* readSegment(
  segment: ReadableSegment,
  wanted: Wanted,
  position?: number,
): Reading<SegmentBatches | undefined> {
  segment.hold()
  try {
    if (position !== undefined) return yield* readFrom(segment, wanted, position)
    const entry = yield* lookup(segment, wanted.offset)
    if (entry !== undefined) return yield* readFrom(segment, wanted, entry.position, entry)
    return yield* readFrom(segment, wanted, 0)
  } finally {
    segment.letGo()
  }
}

export interface FoundBatch {
  readonly position: number
  readonly batchBytes: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly maxTimestamp: number
}

/** The batch that holds `offset`, or else the first one behind it. */
export function* findBatch(
  segment: ReadableSegment,
  offset: number,
): Reading<FoundBatch | undefined> {
  const wanted = { offset, upTo: Number.POSITIVE_INFINITY, maxBytes: 0, wholeFirstBatch: false }
  const read = yield* readSegment(segment, wanted)
  if (read === undefined) return undefined
  const { buffer, start, next } = read
  const found = {
    position: next.position,
    batchBytes: batchBytesAt(buffer, start),
    baseOffset: readInt64(buffer, start),
    lastOffset: lastOffsetAt(buffer, start),
    maxTimestamp: readInt64(buffer, start + batchField.maxTimestamp),
  }
  segment.resources.buffers.give(buffer)
  return found
}

/** Whether the log has a batch with this timestamp that ends at this offset. */
export function* agreesWithLog(segment: ReadableSegment, entry: TimestampOffset): Reading<boolean> {
  const found = yield* findBatch(segment, entry.offset)
  return found?.lastOffset === entry.offset && found.maxTimestamp === entry.timestampMs
}

/** The greatest timestamp, by the time index's last entry; undefined where that turns out wrong. */
export function* lastIndexedTimestamp(
  segment: ReadableSegment,
): Reading<TimestampOffset | undefined> {
  const none = { timestampMs: -1, offset: segment.baseOffset }
  if (segment.sizeBytes === 0) return none
  const last = yield* segment.indexes.times.last(!segment.sealed)
  if (last !== undefined) return (yield* agreesWithLog(segment, last)) ? last : undefined
  // Only a segment without timestamps has no entry.
  const first = yield* findBatch(segment, segment.baseOffset)
  return first?.maxTimestamp === -1 ? none : undefined
}

/** An offset before which no record of the segment is as young as `timestampMs`. */
export function* offsetBefore(segment: ReadableSegment, timestampMs: number): Reading<number> {
  if (segment.indexesDamaged) return segment.baseOffset
  const entry = yield* segment.indexes.times.lookup(timestampMs - 1, !segment.sealed)
  if (entry === undefined) return segment.baseOffset
  if (yield* agreesWithLog(segment, entry)) return entry.offset + 1
  segment.distrustIndexes()
  return segment.baseOffset
}

function* lookup(segment: ReadableSegment, offset: number): Reading<OffsetPosition | undefined> {
  if (segment.indexesDamaged) return undefined
  const entry = yield* segment.indexes.offsets.lookup(offset, !segment.sealed)
  if (entry === undefined) return undefined
  if (entry.position >= 0 && entry.position < segment.sizeBytes) return entry
  segment.distrustIndexes()
  return undefined
}

/** `entry` is what the index says of the batch at `from`, where it was asked. */
function* readFrom(
  segment: ReadableSegment,
  wanted: Wanted,
  from: number,
  entry?: OffsetPosition,
): Reading<SegmentBatches | undefined> {
  const { buffers } = segment.resources
  let position = from
  let bytes = Math.max(readBytesMin, Math.min(wanted.maxBytes, readBytesMax))
  let claim = entry
  while (position < segment.sizeBytes) {
    const length = Math.min(bytes, segment.sizeBytes - position)
    const buffer = buffers.take(length)
    const got = yield* fill(segment, buffer, length, position)
    if (claim !== undefined && !isBatchEndingAt(buffer, got, claim.offset)) {
      buffers.give(buffer)
      segment.distrustIndexes()
      claim = undefined
      position = 0
      continue
    }
    claim = undefined
    const selection = selectBatches(buffer, got, wanted)
    if (selection.kind === 'batches') {
      const { start, end } = selection
      return { buffer, start, end, next: { offset: selection.next, position: position + end } }
    }
    buffers.give(buffer)
    position += selection.at
    if (position === segment.sizeBytes) return undefined
    const whole = selection.kind === 'more' && position + selection.bytes <= segment.sizeBytes
    if (!whole || got < length) {
      throw new DiskError('damaged', `find a batch at byte ${position} of`, segment.path)
    }
    bytes = Math.max(bytes, selection.bytes)
  }
  return undefined
}

function* fill(
  segment: ReadableSegment,
  buffer: Buffer,
  length: number,
  position: number,
): Reading<number> {
  const resident = segment.resident.holds(position, position + length)
  const target = buffer.subarray(0, length)
  try {
    const got = yield { file: segment.open(), target, position, resident }
    if (!resident) segment.resident.used(position, position + got)
    return got
  } catch (error) {
    segment.resources.buffers.give(buffer)
    throw error
  }
}

function isBatchEndingAt(buffer: Buffer, length: number, offset: number): boolean {
  if (length < batchHeaderBytes || buffer[batchField.magic] !== currentMagic) return false
  return lastOffsetAt(buffer, 0) === offset && readInt64(buffer, 0) <= offset
}
