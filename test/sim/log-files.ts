// What the log files of a disk hold, read without the log's own code, by partition (`topic-0`).
//
//   flushedEnds     how far a power loss now would be sure to leave them: recovery must find all of it
//   writtenValues   all values in them

import type { MemoryDisk } from '@sluice/core/host/memory/disk'
import { batchHeaderBytes, readBatchHeader } from '@sluice/protocol/records/batch'
import { decodeRecords } from '@sluice/protocol/records/record'
import { decodeValue } from './client-machine.ts'
import type { Position } from './history.ts'

export function flushedEnds(disk: MemoryDisk): Map<string, number> {
  const ends = new Map<string, number>()
  for (const { partition, base, content } of segments(disk.flushedFiles())) {
    // Behind a gap nothing counts: recovery stops there.
    if (ends.has(partition) && ends.get(partition) !== base) continue
    let end = base
    for (const at of batches(content)) {
      const { baseOffset, lastOffsetDelta } = readBatchHeader(content, at)
      if (baseOffset !== end) break
      end = baseOffset + lastOffsetDelta + 1
    }
    ends.set(partition, end)
  }
  return ends
}

export function writtenValues(disk: MemoryDisk): Map<string, Position[]> {
  const logs = new Map<string, Position[]>()
  for (const { partition, content } of segments(disk.writtenFiles())) {
    const values = logs.get(partition) ?? []
    logs.set(partition, values)
    for (const at of batches(content)) {
      for (const { offset, value } of decodeRecords(content, at)) {
        values.push([offset, decodeValue(value)])
      }
    }
  }
  return logs
}

function segments(files: ReadonlyMap<string, Buffer>) {
  const paths = [...files.keys()].filter((path) => path.endsWith('.log')).sort()
  return paths.map((path) => {
    const [partition, file] = path.split('/').slice(-2)
    return { partition, base: Number.parseInt(file, 10), content: files.get(path) as Buffer }
  })
}

/** Where whole batches begin. */
function* batches(content: Buffer): Generator<number> {
  for (let at = 0; at + batchHeaderBytes <= content.length; ) {
    const { batchBytes } = readBatchHeader(content, at)
    if (batchBytes < batchHeaderBytes || at + batchBytes > content.length) return
    yield at
    at += batchBytes
  }
}
