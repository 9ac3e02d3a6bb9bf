// Dedup: the keyed batches of one log within its window (sluice.dedup.window.ms): by the hash of an
// Idempotency-Key it finds where the batch that was sent under it lies, and whether another body was.
//
//   oldest                    newest
//   | entry | entry | entry | entry |          a ring in typed arrays, in the order of offsets
//        ^--- table: key hash -> its place     open addressing, linear probing
//
// An entry leaves when it is older than the window, never before: where sluice.dedup.entries.max of them are
// younger, no further key is taken. Retention leaves them alone, because a request that was stored and
// whose records are gone was stored all the same; a cut of the log takes those that it cuts.

import { keyHashBytes } from '@sluice/protocol/records/key-mark'

export interface DedupLimits {
  readonly dedupWindowMs: number
  readonly dedupEntriesMax: number
}

/** Where a keyed batch lies. */
export interface KeyedPlace {
  readonly baseOffset: number
  readonly count: number
  /** What its records have that came without a time of their own. */
  readonly timestampMs: number
}

export type KeyVerdict =
  | { readonly kind: 'new' }
  | { readonly kind: 'full' }
  | { readonly kind: 'other-body' }
  | { readonly kind: 'repeated'; readonly place: KeyedPlace }

/** Words of 32 bits of a mark that are kept: four of the key hash, two of the body hash. */
const keyWords = keyHashBytes / 4
const markWords = keyWords + 2
const entriesMin = 16

const isNew: KeyVerdict = Object.freeze({ kind: 'new' })
const isFull: KeyVerdict = Object.freeze({ kind: 'full' })
const isOther: KeyVerdict = Object.freeze({ kind: 'other-body' })

/** The columns of the ring; entry i of each belongs together. */
interface Columns {
  readonly marks: Uint32Array
  readonly baseOffsets: Float64Array
  readonly counts: Uint32Array
  /** When it was appended: by this the window is measured. Never falls from one to the next. */
  readonly timesMs: Float64Array
  readonly timestampsMs: Float64Array
}

/** Of the very many logs that know no key. */
const noColumns: Columns = newColumns(0)
const noSlots = new Int32Array(0)

export class Dedup {
  readonly #limits: () => DedupLimits
  #columns = noColumns
  /** Of the ring: a power of two, or 0 as long as no key was ever used. */
  #capacity = 0
  #oldest = 0
  #size = 0
  /** Places plus 1; 0 is empty. Twice as large as the ring. */
  #table = noSlots

  constructor(limits: () => DedupLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#size
  }

  draft(nowMs: () => number): DedupDraft {
    return new DedupDraft(this, nowMs)
  }

  /** What is known of the key of `mark`, `drafted` further keys counted in. */
  check(mark: Buffer, nowMs: number, drafted: number): KeyVerdict {
    this.expire(nowMs)
    const place = this.#find(mark)
    if (place < 0) {
      return this.#size + drafted < this.#limits().dedupEntriesMax ? isNew : isFull
    }
    const { marks, baseOffsets, counts, timestampsMs } = this.#columns
    for (let word = keyWords; word < markWords; word++) {
      if (marks[place * markWords + word] !== wordOf(mark, word)) return isOther
    }
    return {
      kind: 'repeated',
      place: {
        baseOffset: baseOffsets[place],
        count: counts[place],
        timestampMs: timestampsMs[place],
      },
    }
  }

  /** The batch of `mark` is in the log, above all others here. */
  add(mark: Buffer, place: KeyedPlace, nowMs: number): void {
    if (this.#size === this.#capacity) this.#resize(Math.max(entriesMin, this.#capacity * 2))
    const at = this.#at(this.#size)
    const { marks, baseOffsets, counts, timesMs, timestampsMs } = this.#columns
    for (let word = 0; word < markWords; word++) marks[at * markWords + word] = wordOf(mark, word)
    baseOffsets[at] = place.baseOffset
    counts[at] = place.count
    timestampsMs[at] = place.timestampMs
    timesMs[at] = this.#size === 0 ? nowMs : Math.max(nowMs, timesMs[this.#at(this.#size - 1)])
    this.#size += 1
    this.#index(at)
  }

  /** As add(), of a batch that is read from the log again: it was appended at about its time. */
  replay(mark: Buffer, place: KeyedPlace, nowMs: number): void {
    const timeMs = Math.min(place.timestampMs, nowMs)
    if (this.#isExpired(timeMs, nowMs)) return
    this.add(mark, place, timeMs)
  }

  /** Lets go of what is older than the window, and of the memory for it. */
  expire(nowMs: number): void {
    while (this.#size > 0 && this.#isExpired(this.#columns.timesMs[this.#oldest], nowMs)) {
      this.#unindex(this.#oldest)
      this.#oldest = this.#at(1)
      this.#size -= 1
    }
    if (this.#capacity > entriesMin && this.#size <= this.#capacity / 8) {
      this.#resize(this.#capacity / 2)
    }
  }

  /** The log ends at `endOffset` now: what reached beyond is not in it. */
  truncate(endOffset: number): void {
    while (this.#size > 0) {
      const newest = this.#at(this.#size - 1)
      const { baseOffsets, counts } = this.#columns
      if (baseOffsets[newest] + counts[newest] <= endOffset) return
      this.#unindex(newest)
      this.#size -= 1
    }
  }

  clear(): void {
    this.#columns = noColumns
    this.#table = noSlots
    this.#capacity = 0
    this.#oldest = 0
    this.#size = 0
  }

  /** All entries, for a snapshot: column by column, oldest first. */
  encode(): Buffer {
    const columns = this.#copyOfColumns(this.#size)
    return Buffer.concat(allColumns(columns).map(bytesOf))
  }

  /** Starts over from what encode() gave; false where `content` cannot be that. */
  load(content: Buffer): boolean {
    this.clear()
    const size = content.length / entryBytes
    if (!Number.isInteger(size)) return false
    const loaded = newColumns(size)
    let at = 0
    for (const column of allColumns(loaded)) {
      const bytes = bytesOf(column)
      content.copy(bytes, 0, at, at + bytes.length)
      at += bytes.length
    }
    if (size === 0) return true
    this.#columns = loaded
    this.#capacity = size
    this.#size = size
    this.#resize(powerOfTwo(size))
    return true
  }

  #isExpired(timeMs: number, nowMs: number): boolean {
    return nowMs - timeMs >= this.#limits().dedupWindowMs
  }

  /** The place in the ring of the entry that is the `nth` from the oldest. */
  #at(nth: number): number {
    return (this.#oldest + nth) % this.#capacity
  }

  /** The place of the entry with the key of `mark`; -1 where there is none. */
  #find(mark: Buffer): number {
    if (this.#size === 0) return -1
    const mask = this.#table.length - 1
    for (let slot = wordOf(mark, 0) & mask; this.#table[slot] !== 0; slot = (slot + 1) & mask) {
      const place = this.#table[slot] - 1
      if (this.#hasKey(place, mark)) return place
    }
    return -1
  }

  #hasKey(place: number, mark: Buffer): boolean {
    const { marks } = this.#columns
    for (let word = 0; word < keyWords; word++) {
      if (marks[place * markWords + word] !== wordOf(mark, word)) return false
    }
    return true
  }

  /** An older entry of the same key stays in the ring until it expires, and is not found any more. */
  #index(place: number): void {
    const mask = this.#table.length - 1
    let slot = this.#columns.marks[place * markWords] & mask
    while (this.#table[slot] !== 0 && !this.#haveSameKey(this.#table[slot] - 1, place)) {
      slot = (slot + 1) & mask
    }
    this.#table[slot] = place + 1
  }

  #haveSameKey(one: number, other: number): boolean {
    const { marks } = this.#columns
    for (let word = 0; word < keyWords; word++) {
      if (marks[one * markWords + word] !== marks[other * markWords + word]) return false
    }
    return true
  }

  /** Takes a place out of the table, and closes the gap in the run of slots behind it. */
  #unindex(place: number): void {
    const { marks } = this.#columns
    const mask = this.#table.length - 1
    let gap = marks[place * markWords] & mask
    while (this.#table[gap] !== place + 1) {
      if (this.#table[gap] === 0) return
      gap = (gap + 1) & mask
    }
    for (let slot = (gap + 1) & mask; this.#table[slot] !== 0; slot = (slot + 1) & mask) {
      const home = marks[(this.#table[slot] - 1) * markWords] & mask
      // It may move back where the gap lies between its home and its slot.
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue
      this.#table[gap] = this.#table[slot]
      gap = slot
    }
    this.#table[gap] = 0
  }

  #resize(capacity: number): void {
    this.#columns = this.#copyOfColumns(capacity)
    this.#capacity = capacity
    this.#oldest = 0
    this.#table = new Int32Array(capacity * 2)
    for (let place = 0; place < this.#size; place++) this.#index(place)
  }

  /** Room for `capacity` entries, those there are at its beginning. */
  #copyOfColumns(capacity: number): Columns {
    const copy = newColumns(capacity)
    const from = allColumns(this.#columns)
    const to = allColumns(copy)
    const first = Math.min(this.#size, this.#capacity - this.#oldest)
    for (let i = 0; i < from.length; i++) {
      const width = widths[i]
      const column = from[i]
      to[i].set(column.subarray(this.#oldest * width, (this.#oldest + first) * width))
      to[i].set(column.subarray(0, (this.#size - first) * width), first * width)
    }
    return copy
  }
}

/** Keyed batches of an append that is not written yet: a request may repeat one of them. */
export class DedupDraft {
  readonly #dedup: Dedup
  readonly #nowMs: () => number
  /** By key hash. */
  #drafted: Map<string, { readonly mark: Buffer; readonly place: KeyedPlace }> | undefined

  constructor(dedup: Dedup, nowMs: () => number) {
    this.#dedup = dedup
    this.#nowMs = nowMs
  }

  check(mark: Buffer): KeyVerdict {
    const drafted = this.#drafted?.get(nameOf(mark))
    if (drafted === undefined) {
      return this.#dedup.check(mark, this.#nowMs(), this.#drafted?.size ?? 0)
    }
    for (let word = keyWords; word < markWords; word++) {
      if (wordOf(mark, word) !== wordOf(drafted.mark, word)) return isOther
    }
    return { kind: 'repeated', place: drafted.place }
  }

  remember(mark: Buffer, place: KeyedPlace): void {
    this.#drafted ??= new Map()
    this.#drafted.set(nameOf(mark), { mark, place })
  }
}

type Column = Uint32Array | Float64Array

/** Elements of an entry in each of the columns, in the order of allColumns(). */
const widths = [1, 1, 1, markWords, 1]
const entryBytes = 3 * 8 + markWords * 4 + 4

function newColumns(entries: number): Columns {
  return {
    marks: new Uint32Array(entries * markWords),
    baseOffsets: new Float64Array(entries),
    counts: new Uint32Array(entries),
    timesMs: new Float64Array(entries),
    timestampsMs: new Float64Array(entries),
  }
}

function allColumns(columns: Columns): Column[] {
  const { baseOffsets, timesMs, timestampsMs, marks, counts } = columns
  return [baseOffsets, timesMs, timestampsMs, marks, counts]
}

function bytesOf(column: Column): Buffer {
  return Buffer.from(column.buffer, column.byteOffset, column.byteLength)
}

function wordOf(mark: Buffer, word: number): number {
  const at = word * 4
  return (mark[at] | (mark[at + 1] << 8) | (mark[at + 2] << 16) | (mark[at + 3] << 24)) >>> 0
}

function nameOf(mark: Buffer): string {
  return mark.toString('latin1', 0, keyHashBytes)
}

function powerOfTwo(atLeast: number): number {
  let power = entriesMin
  while (power < atLeast) power *= 2
  return power
}
