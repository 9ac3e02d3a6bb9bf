// Cleaning a group of neighbouring segments into one new segment, `<base>.log.cleaned`: their batches, read
// in order, without the records that nobody needs any more. The old ones are only read; the new one is flushed
// before anybody sees it.

import { type BatchHeader, readBatchHeader } from '@sluice/protocol/records/batch'
import { emptyBatch, filterBatch } from '@sluice/protocol/records/filter-batch'
import type { RecordWalk } from '@sluice/protocol/records/record-walk'
import { BatchRetention, type LastOfProducer, staysInLog } from './batch-retention.ts'
import type { CleanedTransactions } from './cleaned-transactions.ts'
import type { CleanedPart, CleaningPass } from './cleaning-pass.ts'
import { checkBatch } from './cleaning-reader.ts'
import type { LogConfig } from './log-config.ts'
import { markerOf } from './marker.ts'
import type { OffsetMap } from './offset-map.ts'
import { placedBatch, type Segment } from './segment.ts'
import type { PlacedBatch } from './segment-indexes.ts'
import { encodeTransactionIndex } from './transaction-index.ts'

export interface SegmentCleaningOptions {
  readonly pass: CleaningPass
  readonly map: OffsetMap
  readonly producers: ReadonlyMap<number, LastOfProducer>
  /** Carried over from group to group. */
  readonly transactions: CleanedTransactions
  /** Base offsets of segments that have a transaction index. */
  readonly transactionIndexes: ReadonlySet<number>
  readonly config: LogConfig
}

/** Written bytes that wait for the flush at most: the disk gets them evenly. */
const unflushedBytesMax = 32 * 1024 * 1024

export class SegmentCleaning {
  readonly #options: SegmentCleaningOptions
  readonly #retention: BatchRetention
  #unflushedBytes = 0

  constructor(options: SegmentCleaningOptions) {
    const { pass, producers, transactions } = options
    this.#options = options
    this.#retention = new BatchRetention({ nowMs: pass.nowMs, producers, transactions })
  }

  /** Writes what stays of `group` to `cleaned`, which is empty, and makes it durable. */
  async run(group: readonly CleanedPart[], cleaned: Segment): Promise<void> {
    const { pass, transactions, transactionIndexes } = this.#options
    for (const part of group) await this.#copy(part, part === group[group.length - 1], cleaned)
    // There, if empty, where there was one: it takes the place of the old one.
    if (group.some(({ baseOffset }) => transactionIndexes.has(baseOffset))) {
      await cleaned.writeTransactionIndex(encodeTransactionIndex(transactions.retained))
    }
    transactions.retained = []
    await cleaned.seal()
    pass.check()
  }

  async #copy(part: CleanedPart, last: boolean, cleaned: Segment): Promise<void> {
    const { pass } = this.#options
    for (let position = 0; position < part.sizeBytes; ) {
      const batches = await pass.read(part, position)
      const output = new Output()
      for (let at = 0; at < batches.length; ) {
        checkBatch(part.segment, batches, at, position + at)
        const header = readBatchHeader(batches, at)
        const isLast = last && position + at + header.batchBytes === part.sizeBytes
        this.#filter(batches, header, isLast, output)
        at += header.batchBytes
        await pass.pause()
      }
      position += batches.length
      await this.#write(output, cleaned)
    }
  }

  #filter(buffer: Buffer, header: BatchHeader, last: boolean, output: Output): void {
    const { map, pass, config } = this.#options
    const { nowMs } = pass
    const marker = markerOf(buffer, header)
    const verdict = this.#retention.judge(header, { last, marker })
    const { discardsRecords, staysEmpty, marksHorizon } = verdict
    const lastOffset = header.baseOffset + header.lastOffsetDelta
    const beyond = lastOffset > map.latestOffset
    const context = { map, nowMs }
    const keeps = (walk: RecordWalk) => header.control || staysInLog(walk, header, context)
    // A tombstone behind what was mapped has removed nothing yet: its time has not begun.
    const horizonMs = beyond ? undefined : nowMs + config.deleteRetentionMs
    const filtered = discardsRecords
      ? ({ kind: 'empty' } as const)
      : filterBatch(buffer, header, { keeps, horizonMs, marksHorizon })
    if (filtered.kind !== 'empty') pass.recordsWritten += filtered.records
    if (filtered.kind === 'same') {
      output.add(buffer.subarray(header.at, header.at + header.batchBytes))
    } else if (filtered.kind === 'changed') output.add(filtered.batch)
    else if (staysEmpty) output.add(emptyBatch(buffer, header))
  }

  async #write({ buffers, batches, bytes }: Output, cleaned: Segment): Promise<void> {
    const { pass, config } = this.#options
    if (bytes === 0) return
    await cleaned.writeLater(buffers)
    for (const batch of batches) cleaned.add(batch, config.indexIntervalBytes)
    pass.bytesWritten += bytes
    this.#unflushedBytes += bytes
    if (this.#unflushedBytes > unflushedBytesMax) {
      await cleaned.flush()
      this.#unflushedBytes = 0
    }
    await pass.spend(bytes)
  }
}

/** Batches to be written at once. */
class Output {
  readonly buffers: Buffer[] = []
  readonly batches: PlacedBatch[] = []
  bytes = 0

  add(batch: Buffer): void {
    this.buffers.push(batch)
    this.batches.push(placedBatch(batch, 0))
    this.bytes += batch.length
  }
}
