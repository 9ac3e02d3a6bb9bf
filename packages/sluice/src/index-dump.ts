// The indexes of a segment, entry by entry, checked against the batches that its log has.

import { readFileSync } from 'node:fs'
import { offsetEntryBytes } from '@sluice/core/log/offset-index'
import { timeEntryBytes } from '@sluice/core/log/time-index'
import { decodeTransactionIndex } from '@sluice/core/log/transaction-index'
import { readInt32, readInt64 } from '@sluice/protocol/records/batch'
import { entry, type LogFinding, mismatch, summary } from './log-finding.ts'
import type { IndexedBatch } from './segment-dump.ts'

export interface IndexOptions {
  readonly baseOffset: number
  /** In the order of the log; undefined where the log is not there to check by. */
  readonly batches: readonly IndexedBatch[] | undefined
}

/** Kafka keeps the index of an active segment at its full size: zeros follow the last entry. */
function* entriesOf(content: Buffer, entryBytes: number): Generator<number> {
  for (let at = 0; at + entryBytes <= content.length; at += entryBytes) {
    if (at > 0 && content.subarray(at, at + entryBytes).every((byte) => byte === 0)) return
    yield at
  }
}

export function* dumpOffsetIndex(
  file: string,
  { baseOffset, batches }: IndexOptions,
): Generator<LogFinding> {
  const content = readFileSync(file)
  const byPosition = new Map(batches?.map((batch) => [batch.position, batch]))
  let entries = 0
  let last = { offset: -1, position: -1 }
  for (const at of entriesOf(content, offsetEntryBytes)) {
    const offset = baseOffset + readInt32(content, at)
    const position = readInt32(content, at + 4)
    const found = { offset, position }
    yield entry(found)
    if (offset <= last.offset || position <= last.position) {
      yield mismatch('entries do not grow', found)
    }
    const batch = byPosition.get(position)
    if (batches !== undefined && batch === undefined) {
      yield mismatch('no batch begins where an entry points to', found)
    } else if (batch !== undefined && batch.lastOffset !== offset) {
      const { lastOffset } = batch
      yield mismatch('an entry names another batch than the one it points to', {
        ...found,
        lastOffset,
      })
    }
    entries += 1
    last = found
  }
  yield* rest(content, offsetEntryBytes)
  yield summary({ entries, bytes: content.length })
}

export function* dumpTimeIndex(
  file: string,
  { baseOffset, batches }: IndexOptions,
): Generator<LogFinding> {
  const content = readFileSync(file)
  let entries = 0
  let last = { timestamp: -1, offset: -1 }
  let next = 0
  let maxTimestamp = -1
  for (const at of entriesOf(content, timeEntryBytes)) {
    const timestamp = readInt64(content, at)
    const offset = baseOffset + readInt32(content, at + 8)
    const found = { timestamp, offset }
    yield entry(found)
    if (timestamp <= last.timestamp || offset < last.offset)
      yield mismatch('entries do not grow', found)
    if (batches !== undefined) {
      // The greatest time up to the batch with that offset.
      for (; next < batches.length && batches[next].baseOffset <= offset; next++) {
        maxTimestamp = Math.max(maxTimestamp, batches[next].maxTimestamp)
      }
      if ((batches[next - 1]?.lastOffset ?? -1) < offset) {
        yield mismatch('an entry names an offset that the log does not have', found)
      } else if (maxTimestamp !== timestamp) {
        yield mismatch('an entry has another time than the log up to there', {
          ...found,
          maxTimestamp,
        })
      }
    }
    entries += 1
    last = found
  }
  yield* rest(content, timeEntryBytes)
  yield summary({ entries, bytes: content.length })
}

export function* dumpTransactionIndex(file: string): Generator<LogFinding> {
  const content = readFileSync(file)
  const transactions = decodeTransactionIndex(content)
  if (transactions === undefined) yield mismatch('it is not a transaction index')
  for (const transaction of transactions ?? []) yield entry({ ...transaction })
  yield summary({ entries: transactions?.length ?? 0, bytes: content.length })
}

function* rest(content: Buffer, entryBytes: number): Generator<LogFinding> {
  const bytes = content.length % entryBytes
  if (bytes > 0) yield mismatch('the file ends within an entry', { bytes })
}
