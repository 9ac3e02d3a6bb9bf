// TimeIndex: from timestamps to offsets. An entry says: up to the batch whose last offset this is, no
// record is younger than this timestamp. Only timestamps greater than all before make an entry, beside
// entries of the offset index; one more is made when the segment is closed, and by it the segment's age
// is known for retention.
//
//   .timeindex   timestamp:8  offset - base:4     (big-endian, both ascending)

import { readInt32, readInt64, writeInt32, writeInt64 } from '@sluice/protocol/records/batch'
import { assert } from '../lib/assert.ts'
import type { Reading } from './disk-reads.ts'
import type { EntryFile } from './entry-file.ts'
import { relativeOffsetMax } from './offset-index.ts'

export const timeEntryBytes = 12

export interface TimestampOffset {
  readonly timestampMs: number
  /** The last offset of the batch that holds the record. */
  readonly offset: number
}

const scratch = Buffer.alloc(timeEntryBytes)

export class TimeIndex {
  readonly file: EntryFile
  readonly #baseOffset: number

  constructor(file: EntryFile, baseOffset: number) {
    this.file = file
    this.#baseOffset = baseOffset
  }

  get count(): number {
    return this.file.count
  }

  /** The caller sees to it that timestamps grow from entry to entry. */
  append(entry: TimestampOffset): void {
    const relative = entry.offset - this.#baseOffset
    assert(relative >= 0 && relative <= relativeOffsetMax, 'an indexed offset is near its base')
    writeInt64(scratch, 0, entry.timestampMs)
    writeInt32(scratch, 8, relative)
    this.file.append(scratch)
  }

  /** The entry with the greatest timestamp <= `timestampMs`; undefined before the first. */
  *lookup(timestampMs: number, resident: boolean): Reading<TimestampOffset | undefined> {
    const holds = (page: Buffer, at: number) => readInt64(page, at) <= timestampMs
    const found = yield* this.file.findLast(holds, resident)
    return found === undefined ? undefined : this.#read(found.page, found.at)
  }

  *last(resident: boolean): Reading<TimestampOffset | undefined> {
    if (this.count === 0) return undefined
    const { page, at } = yield* this.file.entry(this.count - 1, resident)
    return this.#read(page, at)
  }

  /** How many entries lie below `offset`. */
  *countBelow(offset: number, resident: boolean): Reading<number> {
    const relative = offset - this.#baseOffset
    const holds = (page: Buffer, at: number) => readInt32(page, at + 8) < relative
    const found = yield* this.file.findLast(holds, resident)
    return found === undefined ? 0 : found.index + 1
  }

  #read(page: Buffer, at: number): TimestampOffset {
    return {
      timestampMs: readInt64(page, at),
      offset: this.#baseOffset + readInt32(page, at + 8),
    }
  }
}
