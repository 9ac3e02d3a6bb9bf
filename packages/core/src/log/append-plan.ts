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
import type { AppendTerms, Verdict } from '@sluice/protocol/extensions'
import { type BatchHeader, noProducerId, patchBatch } from '@sluice/protocol/records/batch'
import { keyMarkTimeMs } from '@sluice/protocol/records/key-mark'
import { assert } from '../lib/assert.ts'
import type { Dedup, DedupDraft, KeyedPlace } from './dedup.ts'
import type { LogConfig } from './log-config.ts'
import type { RememberedBatch, SequenceVerdict } from './producer-state.ts'
import type { Producers, ProducersDraft } from './producers.ts'
import { type GaugedSegment, RollGauge } from './roll.ts'
import type { PlacedBatch } from './segment-indexes.ts'

export interface AppendRequest {
  /** Whole batches, validated. They must stay as they are until the append has settled. */
  readonly records: Buffer
  readonly batches: readonly BatchHeader[]
  /** Under which it is appended; then it is one batch. */
  readonly terms?: AppendTerms
}

export type AppendOutcome =
  | {
      readonly ok: true
      readonly baseOffset: number
      readonly lastOffset: number
      /** -1 where the records keep their producer's time. */
      readonly logAppendTimeMs: number
      readonly duplicate: boolean
      /** Where the request has terms, and it is a duplicate. */
      readonly verdict?: Verdict
    }
  | AppendRefusal

export interface AppendRefusal {
  readonly ok: false
  readonly error: number
  readonly message: string
  readonly verdict?: Verdict
}

export interface PlannedBatch extends PlacedBatch {
  readonly header: BatchHeader
  /** Of a keyed batch. */
  readonly keyMark: Buffer | undefined
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
  readonly dedup: Dedup
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
  /** Made when the first keyed batch comes. */
  #keys: DedupDraft | undefined
  #gauge: RollGauge

  constructor(context: PlanContext) {
    this.#context = context
    this.endOffset = context.endOffset
    this.#draft = context.producers.draft(context.nowMs)
    this.#gauge = new RollGauge(context.segment, context.config)
  }

  take(request: AppendRequest): AppendOutcome {
    const { records, batches, terms } = request
    assert(batches.length > 0, 'an append has a batch')
    const settled =
      (terms && this.#checkTerms(terms, batches[0])) ??
      this.#checkSize(records) ??
      this.#checkSequences(batches, terms)
    if (settled !== undefined) return settled
    const baseOffset = this.endOffset
    const keyMark = terms?.keyMark
    for (const header of batches) this.#place(records, header, keyMark)
    if (keyMark !== undefined)
      this.#keys?.remember(keyMark, keyedPlace(keyMark, batches[0], baseOffset))
    return {
      ok: true,
      baseOffset,
      lastOffset: this.endOffset - 1,
      logAppendTimeMs: logAppendTime(batches[0]),
      duplicate: false,
    }
  }

  /** A repetition is told of first, whatever the log's end is by now. */
  #checkTerms(
    { keyMark, expectedEnd }: AppendTerms,
    header: BatchHeader,
  ): AppendOutcome | undefined {
    let full = false
    if (keyMark !== undefined) {
      const { dedup, nowMs } = this.#context
      this.#keys ??= dedup.draft(nowMs)
      const known = this.#keys.check(keyMark)
      if (known.kind === 'repeated') return repeatedOutcome(known.place, header)
      if (known.kind === 'other-body') return otherBody
      full = known.kind === 'full'
    }
    if (expectedEnd !== undefined && expectedEnd !== this.endOffset) {
      return endMoved(expectedEnd, this.endOffset)
    }
    return full ? dedupFull : undefined
  }

  #checkSize(records: Buffer): AppendOutcome | undefined {
    const { segmentBytes } = this.#context.config
    if (records.length <= segmentBytes) return undefined
    const message = `${records.length} bytes do not fit a segment of ${segmentBytes}`
    return { ok: false, error: errors.RECORD_LIST_TOO_LARGE, message }
  }

  /** Undefined when every batch comes next in its producer's sequence. */
  #checkSequences(
    batches: readonly BatchHeader[],
    terms: AppendTerms | undefined,
  ): AppendOutcome | undefined {
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
      if (verdict.kind === 'duplicate') return duplicateOutcome(verdict.of, header, terms)
      return sequenceRefusal(verdict, terms)
    }
    return undefined
  }

  #place(records: Buffer, header: BatchHeader, keyMark: Buffer | undefined): void {
    const { leaderEpoch, nowMs } = this.#context
    patchBatch(records, header.at, { baseOffset: this.endOffset, leaderEpoch })
    const batch: PlannedBatch = {
      header,
      bytes: header.batchBytes,
      lastOffset: this.endOffset + header.lastOffsetDelta,
      maxTimestamp: header.maxTimestamp,
      keyMark,
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

function duplicateOutcome(
  of: RememberedBatch,
  header: BatchHeader,
  terms: AppendTerms | undefined,
): AppendOutcome {
  const verdict = terms && repeated(of.offsetDelta + 1, -1)
  return {
    verdict,
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

function sequenceRefusal(
  { error, message, epoch, nextSequence }: Extract<SequenceVerdict, { kind: 'refused' }>,
  terms: AppendTerms | undefined,
): AppendRefusal {
  const verdict: Verdict = { kind: 'out-of-sequence', epoch, nextSequence }
  return { ok: false, error, message, verdict: terms && verdict }
}

function repeatedOutcome(place: KeyedPlace, header: BatchHeader): AppendOutcome {
  const { baseOffset, count, timestampMs } = place
  return {
    ok: true,
    baseOffset,
    lastOffset: baseOffset + count - 1,
    logAppendTimeMs: header.logAppendTime ? timestampMs : -1,
    duplicate: true,
    verdict: repeated(count, timestampMs),
  }
}

function repeated(count: number, timestampMs: number): Verdict {
  return { kind: 'repeated', count, timestampMs }
}

const otherBody: AppendRefusal = {
  ok: false,
  error: errors.INVALID_REQUEST,
  message: 'the key was used for another body',
  verdict: { kind: 'other-body' },
}

const dedupFull: AppendRefusal = {
  ok: false,
  error: errors.THROTTLING_QUOTA_EXCEEDED,
  message: 'the partition knows as many keys as sluice.dedup.entries.max allows',
  verdict: { kind: 'dedup-full' },
}

function endMoved(expected: number, endOffset: number): AppendRefusal {
  const message = `the log ends at offset ${endOffset}, not ${expected}`
  const verdict: Verdict = { kind: 'end-moved', endOffset }
  return { ok: false, error: errors.INVALID_REQUEST, message, verdict }
}

/** Where a keyed batch lies in the log; `header` as the producer made it. */
export function keyedPlace(mark: Buffer, header: BatchHeader, baseOffset: number): KeyedPlace {
  const timestampMs = header.logAppendTime ? header.maxTimestamp : keyMarkTimeMs(mark)
  return { baseOffset, count: header.lastOffsetDelta + 1, timestampMs }
}
