// The producers of a log as of an offset, in files named by it. `.snapshot` is Kafka's (version 1) and
// has the last batch of each producer only. `.dedup` is ours: the batches before that one, so that a
// resent batch is known again after a clean restart, too, and the keys of idempotent requests (dedup.ts).
//
//   .snapshot  version:2 crc32c:4 count:4 | producer id:8 epoch:2 last sequence:4 last offset:8
//              offset delta:4 timestamp:8 coordinator epoch:4 transaction's first offset:8 | …
//   .dedup     version:2 crc32c:4 count:4 | producer id:8 epoch:2 last sequence:4 last offset:8
//              offset delta:4 timestamp:8 | … | keys               (one a batch, oldest first)
//
// Both CRCs cover what follows them.

import { readInt32, readInt64, writeInt32, writeInt64 } from '@sluice/protocol/records/batch'
import { crc32c } from '@sluice/protocol/records/crc32c'
import { ProducerState, type RememberedBatch, rememberedBatchesMax } from './producer-state.ts'

const snapshotVersion = 1
const dedupVersion = 2
const crcAt = 2
const countAt = 6
const headerBytes = 10
const snapshotEntryBytes = 46
const dedupEntryBytes = 34
const noKeys: Buffer = Buffer.alloc(0)

export function encodeSnapshot(states: readonly ProducerState[]): Buffer {
  const content = newContent(snapshotVersion, states.length, snapshotEntryBytes)
  let at = headerBytes
  for (const state of states) {
    const last = state.lastBatch
    writeBatch(content, at, state, last ?? { ...noBatch, timestampMs: state.lastTimestampMs })
    writeInt32(content, at + 34, state.coordinatorEpoch)
    writeInt64(content, at + 38, state.currentTxnFirstOffset)
    at += snapshotEntryBytes
  }
  return seal(content)
}

/** The states, or undefined where the file is not what it was when it was written. */
export function decodeSnapshot(content: Buffer, nowMs: number): ProducerState[] | undefined {
  if (!isSound(content, snapshotVersion)) return undefined
  if (endOfEntries(content, snapshotEntryBytes) !== content.length) return undefined
  const states: ProducerState[] = []
  for (let at = headerBytes; at < content.length; at += snapshotEntryBytes) {
    const state = new ProducerState(readInt64(content, at), content.readInt16BE(at + 8), nowMs)
    const last = readBatch(content, at)
    if (last.lastOffset >= 0) state.batches.push(last)
    state.lastTimestampMs = last.timestampMs
    state.coordinatorEpoch = readInt32(content, at + 34)
    state.currentTxnFirstOffset = readInt64(content, at + 38)
    states.push(state)
  }
  return states
}

/** Undefined where the snapshot says it all. `keys` is what Dedup.encode() gave. */
export function encodeDedup(states: readonly ProducerState[], keys = noKeys): Buffer | undefined {
  const count = states.reduce((sum, { batches }) => sum + Math.max(0, batches.length - 1), 0)
  if (count === 0 && keys.length === 0) return undefined
  const content = newContent(dedupVersion, count, dedupEntryBytes, keys.length)
  let at = headerBytes
  for (const state of states) {
    for (const batch of state.batches.slice(0, -1)) {
      writeBatch(content, at, state, batch)
      at += dedupEntryBytes
    }
  }
  content.set(keys, at)
  return seal(content)
}

/** What encodeDedup() was given, of a file that addDedup() took. */
export function keysOfDedup(content: Buffer): Buffer {
  return content.subarray(endOfEntries(content, dedupEntryBytes))
}

/** Puts the batches of a `.dedup` file before those that its snapshot gave; false where it is damaged. */
export function addDedup(content: Buffer, states: readonly ProducerState[]): boolean {
  if (!isSound(content, dedupVersion) || endOfEntries(content, dedupEntryBytes) > content.length) {
    return false
  }
  const older = new Map<number, RememberedBatch[]>()
  const byId = new Map(states.map((state) => [state.producerId, state]))
  const end = endOfEntries(content, dedupEntryBytes)
  for (let at = headerBytes; at < end; at += dedupEntryBytes) {
    const producerId = readInt64(content, at)
    const state = byId.get(producerId)
    const batch = readBatch(content, at)
    if (state === undefined || state.epoch !== content.readInt16BE(at + 8)) continue
    if (state.lastBatch === undefined || batch.lastOffset >= state.lastBatch.lastOffset) continue
    const batches = older.get(producerId)
    if (batches === undefined) older.set(producerId, [batch])
    else if (batches.length < rememberedBatchesMax - 1) batches.push(batch)
  }
  for (const [producerId, batches] of older) byId.get(producerId)?.batches.unshift(...batches)
  return true
}

const noBatch: RememberedBatch = {
  lastSequence: -1,
  lastOffset: -1,
  offsetDelta: 0,
  timestampMs: -1,
}

function writeBatch(
  content: Buffer,
  at: number,
  state: ProducerState,
  batch: RememberedBatch,
): void {
  writeInt64(content, at, state.producerId)
  content.writeInt16BE(state.epoch, at + 8)
  writeInt32(content, at + 10, batch.lastSequence)
  writeInt64(content, at + 14, batch.lastOffset)
  writeInt32(content, at + 22, batch.offsetDelta)
  writeInt64(content, at + 26, batch.timestampMs)
}

function readBatch(content: Buffer, at: number): RememberedBatch {
  return {
    lastSequence: readInt32(content, at + 10),
    lastOffset: readInt64(content, at + 14),
    offsetDelta: readInt32(content, at + 22),
    timestampMs: readInt64(content, at + 26),
  }
}

function newContent(version: number, count: number, entryBytes: number, moreBytes = 0): Buffer {
  const content = Buffer.alloc(headerBytes + count * entryBytes + moreBytes)
  content.writeInt16BE(version, 0)
  writeInt32(content, countAt, count)
  return content
}

function seal(content: Buffer): Buffer {
  writeInt32(content, crcAt, crc32c(content.subarray(countAt)))
  return content
}

function isSound(content: Buffer, version: number): boolean {
  if (content.length < headerBytes || content.readInt16BE(0) !== version) return false
  return content.readUInt32BE(crcAt) === crc32c(content.subarray(countAt))
}

function endOfEntries(content: Buffer, entryBytes: number): number {
  return headerBytes + readInt32(content, countAt) * entryBytes
}
