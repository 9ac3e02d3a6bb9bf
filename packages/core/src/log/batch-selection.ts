// selectBatches: cuts whole batches out of bytes read from a segment. It hops from header to header:
//
//   bytes read   | batch | batch | batch that holds the offset | batch | batch | half a ba
//   selected                     |<------------------------------------------->|
//
// The first selected batch is the one whose last offset is at or behind the wanted offset, so that a fetch
// at an offset inside a batch gets that whole batch. Nothing at or above `upTo` is ever selected, and no
// half batch.

import {
  batchField,
  batchHeaderBytes,
  batchLengthPrefixBytes,
  readInt32,
  readInt64,
} from '@sluice/protocol/records/batch'

export interface Wanted {
  readonly offset: number
  /** Batches that reach this offset are not shown. */
  readonly upTo: number
  readonly maxBytes: number
  /** The first batch is selected even if it is larger than maxBytes. */
  readonly wholeFirstBatch: boolean
}

export type Selection =
  /** Bytes `start` up to `end`; empty where nothing may be shown. `next` is the offset behind them. */
  | {
      readonly kind: 'batches'
      readonly start: number
      readonly end: number
      readonly next: number
    }
  /** The batch at `at` may be wanted and is not whole here: read at least `bytes` from there. */
  | { readonly kind: 'more'; readonly at: number; readonly bytes: number }
  /** At `at` there is no batch. */
  | { readonly kind: 'corrupt'; readonly at: number }

/** `buffer` begins with a batch, and `length` bytes of it count. */
export function selectBatches(buffer: Buffer, length: number, wanted: Wanted): Selection {
  let start = 0
  let bytes = 0
  let last = -1
  for (; ; start += bytes) {
    if (start + batchHeaderBytes > length) {
      return { kind: 'more', at: start, bytes: batchHeaderBytes }
    }
    bytes = batchBytesAt(buffer, start)
    if (bytes < batchHeaderBytes) return { kind: 'corrupt', at: start }
    last = lastOffsetAt(buffer, start)
    if (last >= wanted.offset) break
  }
  const nothing: Selection = { kind: 'batches', start, end: start, next: wanted.offset }
  if (last >= wanted.upTo) return nothing
  if (bytes > wanted.maxBytes && !wanted.wholeFirstBatch) return nothing
  if (start + bytes > length) return { kind: 'more', at: start, bytes }
  return selectFrom(buffer, length, start, wanted)
}

/** The batch at `start` is whole and wanted: takes those behind it as far as they are, too. */
function selectFrom(buffer: Buffer, length: number, start: number, wanted: Wanted): Selection {
  const limit = Math.min(length, start + wanted.maxBytes)
  let lastAt = start
  let end = start + batchBytesAt(buffer, start)
  while (end + batchHeaderBytes <= limit) {
    const bytes = batchBytesAt(buffer, end)
    if (bytes < batchHeaderBytes || end + bytes > limit) break
    if (lastOffsetAt(buffer, end) >= wanted.upTo) break
    lastAt = end
    end += bytes
  }
  return { kind: 'batches', start, end, next: lastOffsetAt(buffer, lastAt) + 1 }
}

export function batchBytesAt(buffer: Buffer, at: number): number {
  return batchLengthPrefixBytes + readInt32(buffer, at + batchField.length)
}

export function lastOffsetAt(buffer: Buffer, at: number): number {
  return readInt64(buffer, at) + readInt32(buffer, at + batchField.lastOffsetDelta)
}
