// What the log files of a disk hold, read without the log's own code.
//
//   flushedEnds     by topic id and partition, how far a power loss now would be sure to leave them: recovery
//                   must find all of it
//   writtenValues   by folder, all values in them

import type { MemoryDisk } from '@sluice/core/host/memory/disk'
import { batchHeaderBytes, readBatchHeader } from '@sluice/protocol/records/batch'
import { decodeRecords } from '@sluice/protocol/records/record'
import { recordValue } from './client-machine.ts'
import type { Position } from './history.ts'
import { tableTopic } from './table-history.ts'

const compacted = [tableTopic, '__consumer_offsets']

export function flushedEnds(disk: MemoryDisk): Map<string, number> {
  const files = disk.flushedFiles()
  const ends = new Map<string, number>()
  for (const { folder, base, content } of segments(files)) {
    const key = keyOf(files, folder)
    // Behind a gap nothing counts, unless compaction makes some: recovery stops there.
    const gaps = compacted.some((topic) => folder.includes(`/${topic}-`))
    const follows = (offset: number, before: number) =>
      gaps ? offset >= before : offset === before
    if (ends.has(key) && !follows(base, ends.get(key) ?? 0)) continue
    let end = base
    for (const at of batches(content)) {
      const { baseOffset, lastOffsetDelta } = readBatchHeader(content, at)
      if (!follows(baseOffset, end)) break
      end = baseOffset + lastOffsetDelta + 1
    }
    ends.set(key, end)
  }
  return ends
}

/** `<topic id>/<partition>`; the folder may be that of an earlier topic of its name. */
function keyOf(files: ReadonlyMap<string, Buffer>, folder: string): string {
  const metadata = files.get(`${folder}/partition.metadata`)?.toString() ?? ''
  const topicId = /^topic_id: (.+)$/m.exec(metadata)?.[1] ?? 'unknown'
  return `${topicId}/${folder.slice(folder.lastIndexOf('-') + 1)}`
}

export function writtenValues(disk: MemoryDisk): Map<string, Position[]> {
  const logs = new Map<string, Position[]>()
  for (const { folder, content } of segments(disk.writtenFiles())) {
    const name = folder.slice(folder.lastIndexOf('/') + 1)
    const values = logs.get(name) ?? []
    logs.set(name, values)
    for (const at of batches(content)) {
      for (const record of decodeRecords(content, at)) {
        values.push([record.offset, recordValue(record)])
      }
    }
  }
  return logs
}

function segments(files: ReadonlyMap<string, Buffer>) {
  const paths = [...files.keys()].filter((path) => path.endsWith('.log')).sort()
  return paths.map((path) => {
    const slash = path.lastIndexOf('/')
    const base = Number.parseInt(path.slice(slash + 1), 10)
    return { folder: path.slice(0, slash), base, content: files.get(path) as Buffer }
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
