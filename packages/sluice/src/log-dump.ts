// `sluice log dump`: files of logs, printed and checked. An index is checked by the log beside it, so a
// segment comes first, then what belongs to it, then what belongs to the log as a whole.

import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import {
  parsePartitionFolderName,
  parseSegmentFileName,
  type SegmentFileKind,
  segmentFileName,
} from '@sluice/core/log/file-names'
import type { DumpOptions } from './commands/log.ts'
import { Failure, unreadable, usageFailure } from './failure.ts'
import { dumpOffsetIndex, dumpTimeIndex, dumpTransactionIndex } from './index-dump.ts'
import { findingText, type LogFinding } from './log-finding.ts'
import { Output } from './output.ts'
import { dumpSegment, type IndexedBatch } from './segment-dump.ts'
import {
  dumpCheckpoint,
  dumpDedup,
  dumpPartitionMetadata,
  dumpSnapshot,
  isCheckpoint,
} from './state-dump.ts'

const offsetsTopicName = '__consumer_offsets'
/** In this order a segment's files are printed. */
const kinds: readonly SegmentFileKind[] = [
  'log',
  'index',
  'timeindex',
  'txnindex',
  'snapshot',
  'dedup',
]

export async function dumpLogs(paths: readonly string[], options: DumpOptions): Promise<void> {
  const printer = new Printer(options)
  for (const given of paths) {
    for (const file of filesOf(given)) await printer.print(file, dumpFile(file, options))
  }
  const { mismatches, files, damaged } = printer
  if (mismatches === 0) return
  const found = mismatches === 1 ? 'one mismatch' : `${mismatches} mismatches`
  throw new Failure(`${found} in ${damaged} of ${files} files`)
}

class Printer {
  readonly #options: DumpOptions
  readonly #output = new Output()
  mismatches = 0
  files = 0
  damaged = 0

  constructor(options: DumpOptions) {
    this.#options = options
  }

  async print(file: string, findings: Iterable<LogFinding>): Promise<void> {
    const before = this.mismatches
    this.files += 1
    if (!this.#options.json) this.#line(`${this.files > 1 ? '\n' : ''}Dumping ${file}`)
    for (const finding of readable(file, findings)) {
      if (finding.kind === 'mismatch') this.mismatches += 1
      const wanted = finding.kind === 'mismatch' || finding.kind === 'summary'
      if (this.#options.check && !wanted) continue
      const { kind, fields } = finding
      this.#line(
        this.#options.json ? JSON.stringify({ file, kind, ...fields }) : findingText(finding),
      )
      if (this.#output.full) await this.#output.flush()
    }
    await this.#output.flush()
    if (this.mismatches > before) this.damaged += 1
  }

  #line(text: string): void {
    this.#output.add(Buffer.from(`${text}\n`))
  }
}

/** A file that cannot be read is a Failure, not a bug. */
function* readable(file: string, findings: Iterable<LogFinding>): Generator<LogFinding> {
  try {
    yield* findings
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error
    throw unreadable(file, error)
  }
}

/** A file itself, or those of a folder, segment by segment. */
export function filesOf(given: string): string[] {
  let isFolder: boolean
  try {
    isFolder = statSync(given).isDirectory()
  } catch (error) {
    throw unreadable(given, error)
  }
  if (!isFolder) return [given]
  const names = readdirSync(given)
  const segments = names.flatMap((name) => {
    const parsed = parseSegmentFileName(name)
    return parsed === undefined ? [] : [{ name, ...parsed }]
  })
  segments.sort((a, b) => a.offset - b.offset || kinds.indexOf(a.kind) - kinds.indexOf(b.kind))
  const others = names.filter((name) => isCheckpoint(name) || name === 'partition.metadata').sort()
  const found = [...segments.map(({ name }) => name), ...others]
  if (found.length === 0) throw usageFailure(`${given} holds no files of a log`)
  return found.map((name) => path.join(given, name))
}

export function* dumpFile(file: string, options: DumpOptions): Generator<LogFinding> {
  const name = path.basename(file)
  if (isCheckpoint(name)) return yield* dumpCheckpoint(file, name)
  if (name === 'partition.metadata') return yield* dumpPartitionMetadata(file)
  const parsed = parseSegmentFileName(name)
  if (parsed === undefined) throw usageFailure(`${file}: no file of a log is called so`)
  const { kind, offset: baseOffset } = parsed
  switch (kind) {
    case 'log': {
      const records = options.records ?? false
      const offsetsTopic = isOffsetsTopic(file)
      return yield* dumpSegment(file, { baseOffset, records, offsetsTopic, onBatch: () => {} })
    }
    case 'index':
      return yield* dumpOffsetIndex(file, { baseOffset, batches: batchesBeside(file, baseOffset) })
    case 'timeindex':
      return yield* dumpTimeIndex(file, { baseOffset, batches: batchesBeside(file, baseOffset) })
    case 'txnindex':
      return yield* dumpTransactionIndex(file)
    case 'snapshot':
      return yield* dumpSnapshot(file)
    case 'dedup':
      return yield* dumpDedup(file)
  }
}

function isOffsetsTopic(file: string): boolean {
  const folder = path.basename(path.dirname(path.resolve(file)))
  return parsePartitionFolderName(folder)?.topic === offsetsTopicName
}

/** The batches of the segment that an index belongs to; undefined where the log is not there. */
function batchesBeside(file: string, baseOffset: number): IndexedBatch[] | undefined {
  const log = path.join(path.dirname(file), segmentFileName(baseOffset, 'log'))
  if (!statSync(log, { throwIfNoEntry: false })?.isFile()) return undefined
  const batches: IndexedBatch[] = []
  const walk = dumpSegment(log, {
    baseOffset,
    records: false,
    offsetsTopic: false,
    onBatch: (batch) => batches.push(batch),
  })
  // What is wrong with the log is told with the log.
  for (const _ of walk);
  return batches
}
