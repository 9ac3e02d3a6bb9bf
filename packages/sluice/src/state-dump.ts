// What lies beside the segments of a log: producers, leader epochs, the topic's id, and checkpoints of a
// data folder, entry by entry, checked as far as each can be by itself.

import { readFileSync } from 'node:fs'
import { addDedup, decodeSnapshot } from '@sluice/core/log/producer-snapshot'
import { entry, type LogFinding, mismatch, summary } from './log-finding.ts'

export function* dumpSnapshot(file: string): Generator<LogFinding> {
  const content = readFileSync(file)
  const states = decodeSnapshot(content, 0)
  if (states === undefined)
    yield mismatch('it is not the snapshot that was written: its CRC is wrong')
  for (const state of states ?? []) {
    const { producerId, epoch, coordinatorEpoch, currentTxnFirstOffset, lastTimestampMs } = state
    const last = state.lastBatch
    const lastSequence = last?.lastSequence ?? -1
    const offsetDelta = last?.offsetDelta ?? 0
    yield entry({
      producerId,
      producerEpoch: epoch,
      coordinatorEpoch,
      currentTxnFirstOffset: currentTxnFirstOffset < 0 ? null : currentTxnFirstOffset,
      lastTimestamp: lastTimestampMs,
      firstSequence: lastSequence < 0 ? -1 : (lastSequence - offsetDelta + 2 ** 31) % 2 ** 31,
      lastSequence,
      lastOffset: last?.lastOffset ?? -1,
      offsetDelta,
    })
  }
  yield summary({ producers: states?.length ?? 0, bytes: content.length })
}

/** Ours: older batches of producers, and keys of idempotent requests. */
export function* dumpDedup(file: string): Generator<LogFinding> {
  const content = readFileSync(file)
  if (!addDedup(content, [])) yield mismatch('it is not what was written: its CRC is wrong')
  yield summary({ bytes: content.length })
}

export function* dumpPartitionMetadata(file: string): Generator<LogFinding> {
  const text = readFileSync(file, 'utf8')
  const topicId = /^version: 0\ntopic_id: ([\w-]{22})\n?$/.exec(text)?.[1]
  if (topicId === undefined) yield mismatch('it names no topic id')
  else yield summary({ topicId })
}

const checkpointFields: Readonly<Record<string, readonly string[]>> = {
  'leader-epoch-checkpoint': ['epoch', 'startOffset'],
  'recovery-point-offset-checkpoint': ['topic', 'partition', 'offset'],
  'log-start-offset-checkpoint': ['topic', 'partition', 'offset'],
  'replication-offset-checkpoint': ['topic', 'partition', 'offset'],
  'cleaner-offset-checkpoint': ['topic', 'partition', 'offset'],
}

export function isCheckpoint(name: string): boolean {
  return Object.hasOwn(checkpointFields, name)
}

export function* dumpCheckpoint(file: string, name: string): Generator<LogFinding> {
  const [version, count, ...lines] = readFileSync(file, 'utf8').split('\n')
  if (lines.at(-1) === '') lines.pop()
  if (version !== '0' || count !== String(lines.length)) {
    yield mismatch('it is not whole', { version, count, lines: lines.length })
  }
  const names = checkpointFields[name]
  let last: readonly number[] = [-1, -1]
  for (const line of lines) {
    const values = line.split(' ')
    const numbers = values.slice(-2).map(Number)
    if (values.length !== names.length || !numbers.every(Number.isSafeInteger)) {
      yield mismatch('a line does not read', { line })
      continue
    }
    const fields = names.map((of, index) => [
      of,
      of === 'topic' ? values[index] : Number(values[index]),
    ])
    yield entry(Object.fromEntries(fields))
    const grows = numbers[0] > last[0] && numbers[1] >= last[1]
    if (name === 'leader-epoch-checkpoint' && !grows) yield mismatch('epochs do not grow', { line })
    last = numbers
  }
  yield summary({ entries: lines.length })
}
