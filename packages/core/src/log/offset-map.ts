// OffsetMap: the last offset of each key in the part of a log that is being cleaned, in 24 bytes a key,
// however long the key is: 16 of its hash, 8 of the offset. A table of fixed size with open addressing.
//
//   slot   hash:16  offset + 1:8       all zero: free
//
// When it has as many keys as its load factor allows it is full: the pass ends at the offset it got to
// (`latestOffset`), and the next pass goes on from there. So memory is bounded and no log is too large.

import { assert } from '../lib/assert.ts'
import { KeyHash } from './key-hash.ts'

export const offsetMapEntryBytes = 24
const slotWords = offsetMapEntryBytes / 4
const offsetLowAt = 4
const offsetHighAt = 5
const highWeight = 0x1_0000_0000

export class OffsetMap {
  /** Up to here all keys are in the map; -1: it is empty. */
  latestOffset = -1
  readonly #hash: KeyHash
  readonly #keysMax: number
  #slots: number
  #table: Int32Array
  #count = 0

  /** `keys`: how many it is to take, if `bytesMax` is enough for them; it may take fewer. */
  constructor(options: { hashKey: Buffer; bytesMax: number; loadFactor: number; keys: number }) {
    const { hashKey, bytesMax, loadFactor, keys } = options
    this.#hash = new KeyHash(hashKey)
    const slotsMax = Math.max(2, Math.floor(bytesMax / offsetMapEntryBytes))
    this.#slots = Math.min(slotsMax, Math.max(2, Math.ceil(keys / loadFactor) + 1))
    this.#keysMax = Math.max(1, Math.min(this.#slots - 1, Math.floor(this.#slots * loadFactor)))
    this.#table = new Int32Array(this.#slots * slotWords)
  }

  get count(): number {
    return this.#count
  }

  get sizeBytes(): number {
    return this.#slots * offsetMapEntryBytes
  }

  get utilization(): number {
    return this.#count / this.#slots
  }

  /** False where the map is full and the key is not in it. */
  put(bytes: Uint8Array, at: number, length: number, offset: number): boolean {
    this.#hash.take(bytes, at, length)
    const slot = this.#find()
    const table = this.#table
    if (isFree(table, slot)) {
      if (this.#count >= this.#keysMax) return false
      const { words } = this.#hash
      for (let i = 0; i < words.length; i++) table[slot + i] = words[i]
      this.#count += 1
    }
    const stored = offset + 1
    table[slot + offsetLowAt] = stored | 0
    table[slot + offsetHighAt] = Math.floor(stored / highWeight)
    return true
  }

  /** The last offset of the key; -1 where it is not in the map. */
  get(bytes: Uint8Array, at: number, length: number): number {
    this.#hash.take(bytes, at, length)
    const slot = this.#find()
    const table = this.#table
    return table[slot + offsetHighAt] * highWeight + (table[slot + offsetLowAt] >>> 0) - 1
  }

  /** All up to `offset` is in the map, keys or not. */
  mapped(offset: number): void {
    assert(offset >= this.latestOffset, 'a map is filled in the order of offsets')
    this.latestOffset = offset
  }

  /** The first word of the slot that has the hash, or of the free one where it would be put. */
  #find(): number {
    const table = this.#table
    const [a, b, c, d] = this.#hash.words
    const end = this.#slots * slotWords
    let slot = ((a >>> 0) % this.#slots) * slotWords
    while (!isFree(table, slot)) {
      const here = table[slot] === a && table[slot + 1] === b
      if (here && table[slot + 2] === c && table[slot + 3] === d) return slot
      slot += slotWords
      if (slot === end) slot = 0
    }
    return slot
  }
}

function isFree(table: Int32Array, slot: number): boolean {
  return table[slot + offsetLowAt] === 0 && table[slot + offsetHighAt] === 0
}
