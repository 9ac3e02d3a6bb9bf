// When a segment must end, by Kafka's rules: the next batch would exceed segment.bytes; it is younger than
// the segment's first batch by more than segment.ms (by the clock where that has no timestamp); an index
// is full; its offsets cannot be told relative to the base. A RollGauge runs ahead of the segment over
// batches that are about to be appended.

import type { LogConfig } from './log-config.ts'
import { relativeOffsetMax } from './offset-index.ts'
import { indexEntriesMax, type PlacedBatch } from './segment-indexes.ts'

export interface GaugedSegment {
  readonly baseOffset: number
  readonly sizeBytes: number
  readonly indexEntries: number
  readonly bytesSinceEntry: number
  /** Of the first batch; -1 where it has none. */
  readonly firstTimestampMs: number
  readonly createdMs: number
  readonly rollJitterMs: number
}

export class RollGauge {
  readonly #config: LogConfig
  readonly #segment: GaugedSegment
  #sizeBytes: number
  #indexEntries: number
  #bytesSinceEntry: number
  #firstTimestampMs: number

  constructor(segment: GaugedSegment, config: LogConfig) {
    this.#config = config
    this.#segment = segment
    this.#sizeBytes = segment.sizeBytes
    this.#indexEntries = segment.indexEntries
    this.#bytesSinceEntry = segment.bytesSinceEntry
    this.#firstTimestampMs = segment.firstTimestampMs
  }

  /** Whether `batch` must go to a new segment. An empty segment takes any batch. */
  mustRoll(batch: PlacedBatch, nowMs: () => number): boolean {
    if (this.#sizeBytes === 0) return false
    const { segmentBytes, segmentMs } = this.#config
    if (this.#sizeBytes + batch.bytes > segmentBytes) return true
    if (this.#indexEntries >= indexEntriesMax(this.#config)) return true
    if (batch.lastOffset - this.#segment.baseOffset > relativeOffsetMax) return true
    if (segmentMs === Number.POSITIVE_INFINITY) return false
    return this.#waitedMs(batch, nowMs) > segmentMs - this.#segment.rollJitterMs
  }

  add(batch: PlacedBatch): void {
    if (this.#sizeBytes === 0) this.#firstTimestampMs = batch.maxTimestamp
    if (this.#bytesSinceEntry > this.#config.indexIntervalBytes) {
      this.#indexEntries += 1
      this.#bytesSinceEntry = 0
    }
    this.#sizeBytes += batch.bytes
    this.#bytesSinceEntry += batch.bytes
  }

  #waitedMs(batch: PlacedBatch, nowMs: () => number): number {
    if (this.#firstTimestampMs >= 0) return batch.maxTimestamp - this.#firstTimestampMs
    return nowMs() - this.#segment.createdMs
  }
}
