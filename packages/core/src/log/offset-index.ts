// OffsetIndex: from offsets to file positions, about one entry every index.interval.bytes of log. As in
// Kafka an entry names the *last* offset of the batch that begins at its position.
//
//   .index   offset - base:4  position:4     (big-endian, both ascending)

import { readInt32, writeInt32 } from '@sluice/protocol/records/batch'
import { assert } from '../lib/assert.ts'
import type { Reading } from './disk-reads.ts'
import type { EntryFile } from './entry-file.ts'

export const offsetEntryBytes = 8
/** Offsets in indexes are relative to the segment's base: a signed 32-bit number. */
export const relativeOffsetMax = 2 ** 31 - 1

export interface OffsetPosition {
  readonly offset: number
  readonly position: number
}

const scratch = Buffer.alloc(offsetEntryBytes)

export class OffsetIndex {
  readonly file: EntryFile
  readonly #baseOffset: number

  constructor(file: EntryFile, baseOffset: number) {
    this.file = file
    this.#baseOffset = baseOffset
  }

  get count(): number {
    return this.file.count
  }

  append(offset: number, position: number): void {
    const relative = offset - this.#baseOffset
    assert(relative >= 0 && relative <= relativeOffsetMax, 'an indexed offset is near its base')
    writeInt32(scratch, 0, relative)
    writeInt32(scratch, 4, position)
    this.file.append(scratch)
  }

  /** The entry with the greatest offset <= `offset`; undefined before the first. */
  *lookup(offset: number, resident: boolean): Reading<OffsetPosition | undefined> {
    const relative = offset - this.#baseOffset
    const found = yield* this.file.findLast((page, at) => readInt32(page, at) <= relative, resident)
    return found === undefined ? undefined : this.#read(found.page, found.at)
  }

  *last(resident: boolean): Reading<OffsetPosition | undefined> {
    if (this.count === 0) return undefined
    const { page, at } = yield* this.file.entry(this.count - 1, resident)
    return this.#read(page, at)
  }

  /** How many entries name batches before `position`. */
  *countBelow(position: number, resident: boolean): Reading<number> {
    const holds = (page: Buffer, at: number) => readInt32(page, at + 4) < position
    const found = yield* this.file.findLast(holds, resident)
    return found === undefined ? 0 : found.index + 1
  }

  #read(page: Buffer, at: number): OffsetPosition {
    return {
      offset: this.#baseOffset + readInt32(page, at),
      position: readInt32(page, at + 4),
    }
  }
}
