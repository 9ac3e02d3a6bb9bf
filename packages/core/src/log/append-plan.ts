// AppendPlan: what one append would do to the log, worked out before anything is written: which requests
// go in, at which offsets, and where a segment ends and the next begins.
//
//   requests    A      B (duplicate)      C            D (refused)
//   parts     | A  C's first batches | C's other batches |
//               the last segment       a new one
//
// Offsets and leader epoch are patched into the records; nothing else changes. A request is taken whole or
// not at all.

import { errors } from '@sluice/protocol/errors'
import { type BatchHeader, noProducerId, patchBatch } from '@sluice/protocol/records/batch'
import { assert } from '../lib/assert.ts'
import type { LogConfig } from './log-config.ts'
import type { RememberedBatch } from './producer-state.ts'
import type { Producers, ProducersDraft } from './producers.ts'
import { type GaugedSegment, RollGauge } from './roll.ts'
import type { PlacedBatch } from './segment-indexes.ts'

export interface AppendRequest {
  /** Whole batches, validated. They must stay as they are until the append has settled. */
  readonly records: Buffer
  readonly batches: readonly BatchHeader[]
}

export type AppendOutcome =
  | {
      readonly ok: true
      readonly baseOffset: number
      readonly lastOffset: number
      /** -1 where the records keep their producer's time. */
      readonly logAppendTimeMs: number
      readonly duplicate: boolean
    }
  | { readonly ok: false; readonly error: number; readonly message: string }

export interface PlannedBatch extends PlacedBatch {
  readonly header: BatchHeader
}

/** What goes into one segment. */
export interface AppendPart {
  /** Of the new segment that it begins; undefined where it goes into the last one. */
  readonly newSegmentAt: number | undefined
  readonly buffers: Buffer[]
  readonly batches: PlannedBatch[]
}

export interface AppendPlan {
  /** None where no request brings anything. */
  readonly parts: readonly AppendPart[]
  readonly outcomes: AppendOutcome[]
  readonly endOffset: number
}

export interface PlanContext {
  readonly config: LogConfig
  readonly endOffset: number
  readonly leaderEpoch: number
  readonly segment: GaugedSegment
  readonly producers: Producers
  readonly nowMs: () => number
}

export function planAppend(requests: readonly AppendRequest[], context: PlanContext): AppendPlan {
  const planner = new Planner(context)
  const outcomes = requests.map((request) => planner.take(request))
  return { parts: planner.parts, outcomes, endOffset: planner.endOffset }
}

class Planner {
  readonly parts: AppendPart[] = []
  endOffset: number
  readonly #context: PlanContext
  #draft: ProducersDraft
  #gauge: RollGauge

  constructor(context: PlanContext) {
    this.#context = context
    this.endOffset = context.endOffset
    this.#draft = context.producers.draft(context.nowMs)
    this.#gauge = new RollGauge(context.segment, context.config)
  }

  take(request: AppendRequest): AppendOutcome {
    const { records, batches } = request
    assert(batches.length > 0, 'an append has a batch')
    const refused = this.#checkSize(records) ?? this.#checkSequences(batches)
    if (refused !== undefined) return refused
    const baseOffset = this.endOffset
    for (const header of batches) this.#place(records, header)
    return {
      ok: true,
      baseOffset,
      lastOffset: this.endOffset - 1,
      logAppendTimeMs: logAppendTime(batches[0]),
      duplicate: false,
    }
  }

  #checkSize(records: Buffer): AppendOutcome | undefined {
    const { segmentBytes } = this.#context.config
    if (records.length <= segmentBytes) return undefined
    const message = `${records.length} bytes do not fit a segment of ${segmentBytes}`
    return { ok: false, error: errors.RECORD_LIST_TOO_LARGE, message }
  }

  /** Undefined when every batch comes next in its producer's sequence. */
  #checkSequences(batches: readonly BatchHeader[]): AppendOutcome | undefined {
    const before = batches.length > 1 ? this.#draft.copy() : this.#draft
    let lastOffset = this.endOffset - 1
    for (const header of batches) {
      lastOffset += header.lastOffsetDelta + 1
      if (header.producerId === noProducerId || header.control) continue
      const verdict = this.#draft.check(header)
      if (verdict.kind === 'append') {
        this.#draft.remember(header, lastOffset)
        continue
      }
      this.#draft = before
      if (verdict.kind === 'duplicate') return duplicateOutcome(verdict.of, header)
      return { ok: false, error: verdict.error, message: verdict.message }
    }
    return undefined
  }

  #place(records: Buffer, header: BatchHeader): void {
    const { leaderEpoch, nowMs } = this.#context
    patchBatch(records, header.at, { baseOffset: this.endOffset, leaderEpoch })
    const batch: PlannedBatch = {
      header,
      bytes: header.batchBytes,
      lastOffset: this.endOffset + header.lastOffsetDelta,
      maxTimestamp: header.maxTimestamp,
    }
    const rolls = this.#gauge.mustRoll(batch, nowMs)
    if (rolls) this.#gauge = this.#gaugeOfNewSegment()
    if (rolls || this.parts.length === 0) {
      const newSegmentAt = rolls ? this.endOffset : undefined
      this.parts.push({ newSegmentAt, buffers: [], batches: [] })
    }
    this.#gauge.add(batch)
    const part = this.parts[this.parts.length - 1]
    part.batches.push(batch)
    addBytes(part.buffers, records, header.at, header.at + header.batchBytes)
    this.endOffset = batch.lastOffset + 1
  }

  #gaugeOfNewSegment(): RollGauge {
    const { config, nowMs } = this.#context
    return new RollGauge(
      {
        baseOffset: this.endOffset,
        sizeBytes: 0,
        indexEntries: 0,
        bytesSinceEntry: 0,
        firstTimestampMs: -1,
        createdMs: nowMs(),
        rollJitterMs: 0,
      },
      config,
    )
  }
}

/** One view for all batches of a request that follow one another. */
function addBytes(buffers: Buffer[], records: Buffer, from: number, to: number): void {
  const last = buffers.at(-1)
  if (last !== undefined && last.buffer === records.buffer) {
    const start = last.byteOffset - records.byteOffset
    if (start >= 0 && start + last.length === from) {
      buffers[buffers.length - 1] = records.subarray(start, to)
      return
    }
  }
  buffers.push(from === 0 && to === records.length ? records : records.subarray(from, to))
}

function duplicateOutcome(of: RememberedBatch, header: BatchHeader): AppendOutcome {
  return {
    ok: true,
    baseOffset: of.lastOffset - of.offsetDelta,
    lastOffset: of.lastOffset,
    logAppendTimeMs: header.logAppendTime ? of.timestampMs : -1,
    duplicate: true,
  }
}

function logAppendTime(header: BatchHeader): number {
  return header.logAppendTime ? header.maxTimestamp : -1
}
