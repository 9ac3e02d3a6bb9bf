// Filling an offset map from the dirty part of a log: the last offset of every key that has a record there.
// Batches of aborted transactions do not count, and markers have no keys. Where the map is full it ends, in
// the middle of a batch if it must: what is behind is left for the next pass.

import { type BatchHeader, readBatchHeader } from '@sluice/protocol/records/batch'
import { RecordWalk } from '@sluice/protocol/records/record-walk'
import type { CleanedTransactions } from './cleaned-transactions.ts'
import type { CleanedPart, CleaningPass } from './cleaning-pass.ts'
import { checkBatch } from './cleaning-reader.ts'
import { markerOf } from './marker.ts'
import type { OffsetMap } from './offset-map.ts'

export interface MappedRange {
  /** Those that hold the range, in order. */
  readonly parts: readonly CleanedPart[]
  readonly firstDirtyOffset: number
  readonly endOffset: number
}

/** `map.latestOffset` says how far it got. `transactions` begins with the first of the parts. */
export async function fillMap(
  map: OffsetMap,
  range: MappedRange,
  transactions: CleanedTransactions,
  pass: CleaningPass,
): Promise<void> {
  const { parts, firstDirtyOffset, endOffset } = range
  map.mapped(firstDirtyOffset - 1)
  for (const [i, part] of parts.entries()) {
    if (await addPart(map, part, transactions, pass)) return
    // Offsets that no batch has, up to the next segment.
    map.mapped((parts[i + 1]?.baseOffset ?? endOffset) - 1)
  }
}

/** @returns whether the map is full. */
async function addPart(
  map: OffsetMap,
  part: CleanedPart,
  transactions: CleanedTransactions,
  pass: CleaningPass,
): Promise<boolean> {
  for (let position = 0; position < part.sizeBytes; ) {
    const batches = await pass.read(part, position)
    for (let at = 0; at < batches.length; ) {
      checkBatch(part.segment, batches, at, position + at)
      const header = readBatchHeader(batches, at)
      if (!addBatch(map, batches, header, transactions)) return true
      at += header.batchBytes
      await pass.pause()
    }
    position += batches.length
  }
  return false
}

/** @returns false where the map is full. */
function addBatch(
  map: OffsetMap,
  buffer: Buffer,
  header: BatchHeader,
  transactions: CleanedTransactions,
): boolean {
  const { producerId, transactional, control } = header
  const lastOffset = header.baseOffset + header.lastOffsetDelta
  const batch = { producerId, transactional, lastOffset }
  if (control) transactions.sawMarker(batch, markerOf(buffer, header))
  else if (!transactions.sawData(batch) && lastOffset > map.latestOffset) {
    const walk = new RecordWalk(buffer, header)
    while (walk.next()) {
      // Below it stands what was clean before.
      if (walk.offset <= map.latestOffset || walk.keyBytes < 0) continue
      if (map.put(walk.bytes, walk.keyAt, walk.keyBytes, walk.offset)) continue
      map.mapped(walk.offset - 1)
      return false
    }
  }
  map.mapped(Math.max(map.latestOffset, lastOffset))
  return true
}
