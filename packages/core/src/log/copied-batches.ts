// Copied batches: an append that another log has decided on already. Offsets and leader epochs stay as they
// are, and no sequence is checked; only where a segment ends is this log's own affair.
//
// Whoever copies checks: a batch whose CRC does not fit, or that does not follow what is there, is refused
// with all behind it.

import {
  type BatchHeader,
  batchCrc,
  batchHeaderBytes,
  readBatchHeader,
} from '@sluice/protocol/records/batch'
import type { AppendPart, PlannedBatch } from './append-plan.ts'
import type { LogConfig } from './log-config.ts'
import { type GaugedSegment, RollGauge } from './roll.ts'

/** Batches of one leader epoch. */
export interface CopiedRun {
  readonly leaderEpoch: number
  readonly batches: readonly BatchHeader[]
}

/** The copy cannot go on: what is to be copied is damaged, or belongs to another history. */
export class CopyError extends Error {
  override readonly name = 'CopyError'
}

/** Whole batches, taken apart by leader epoch. Throws CopyError where one may not follow `endOffset`. */
export function copiedRuns(records: Buffer, endOffset: number): CopiedRun[] {
  const runs: { leaderEpoch: number; batches: BatchHeader[] }[] = []
  let next = endOffset
  for (let at = 0; at + batchHeaderBytes <= records.length; ) {
    const header = readBatchHeader(records, at)
    check(records, header, next)
    const run = runs.at(-1)
    if (run?.leaderEpoch === header.leaderEpoch) run.batches.push(header)
    else runs.push({ leaderEpoch: header.leaderEpoch, batches: [header] })
    next = header.baseOffset + header.lastOffsetDelta + 1
    at += header.batchBytes
  }
  return runs
}

export interface CopyContext {
  readonly config: LogConfig
  readonly segment: GaugedSegment
  readonly nowMs: () => number
}

/** What goes into which segment. */
export function planCopy(records: Buffer, run: CopiedRun, context: CopyContext): AppendPart[] {
  const { config, segment, nowMs } = context
  const parts: AppendPart[] = []
  let gauge = new RollGauge(segment, config)
  for (const header of run.batches) {
    const { at, batchBytes, baseOffset, lastOffsetDelta, maxTimestamp } = header
    const lastOffset = baseOffset + lastOffsetDelta
    // What the log remembers of keys, its copy takes over as a whole.
    const keyMark = undefined
    const batch: PlannedBatch = { header, bytes: batchBytes, lastOffset, maxTimestamp, keyMark }
    const rolls = gauge.mustRoll(batch, nowMs)
    if (rolls) gauge = new RollGauge(emptySegment(baseOffset, nowMs()), config)
    if (rolls || parts.length === 0) {
      parts.push({ newSegmentAt: rolls ? baseOffset : undefined, buffers: [], batches: [] })
    }
    gauge.add(batch)
    const part = parts[parts.length - 1]
    part.batches.push(batch)
    part.buffers.push(records.subarray(at, at + batchBytes))
  }
  return parts
}

function check(records: Buffer, header: BatchHeader, next: number): void {
  const { at, batchBytes, baseOffset, crc } = header
  if (batchBytes < batchHeaderBytes || at + batchBytes > records.length) {
    throw new CopyError(`the batch at offset ${baseOffset} is not whole`)
  }
  if (baseOffset < next) {
    throw new CopyError(`a batch at offset ${baseOffset} does not follow offset ${next - 1}`)
  }
  if (batchCrc(records, at) !== crc >>> 0) {
    throw new CopyError(`the batch at offset ${baseOffset} is damaged: its CRC does not fit`)
  }
}

function emptySegment(baseOffset: number, createdMs: number): GaugedSegment {
  return {
    baseOffset,
    sizeBytes: 0,
    indexEntries: 0,
    bytesSinceEntry: 0,
    firstTimestampMs: -1,
    createdMs,
    rollJitterMs: 0,
  }
}
