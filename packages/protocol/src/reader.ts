// Reads the primitives of Kafka's wire from one buffer. Nothing is trusted before it is checked: a
// length against the bytes left, a count against what its elements must take at least, a varint
// against its five bytes. Buffers that it yields are views on the input.
import { DecodeError } from './codec-error.ts'
import type { UnknownTag } from './unknown-tag.ts'
import { uuidTexts } from './uuid-texts.ts'

export const arrayLengthMax = 1_000_000
export const taggedFieldsMax = 10_000
/**
 * Array elements and tagged fields of one message, all together. An element of three bytes becomes an
 * object of a hundred, so without it a frame within the size limit could still exhaust the heap.
 */
export const elementsMax = 2_000_000

export class Reader {
  readonly buffer: Buffer
  at: number
  end: number
  #elementsLeft = elementsMax

  constructor(buffer: Buffer, at = 0, end = buffer.length) {
    this.buffer = buffer
    this.at = at
    this.end = end
  }

  bool(): boolean {
    return this.int8() !== 0
  }

  int8(): number {
    return (this.buffer[this.#take(1)] << 24) >> 24
  }

  int16(): number {
    const at = this.#take(2)
    return ((this.buffer[at] << 24) | (this.buffer[at + 1] << 16)) >> 16
  }

  uint16(): number {
    const at = this.#take(2)
    return (this.buffer[at] << 8) | this.buffer[at + 1]
  }

  int32(): number {
    const at = this.#take(4)
    const b = this.buffer
    return (b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3]
  }

  uint32(): number {
    return this.int32() >>> 0
  }

  int64(): number {
    const high = this.int32()
    const low = this.int32()
    const value = high * 0x1_0000_0000 + (low >>> 0)
    if (!Number.isSafeInteger(value)) throw new DecodeError('int64 is past 2^53')
    return value
  }

  /** A value past 2^53 comes out as the nearest safe integer. */
  clampedInt64(): number {
    const high = this.int32()
    const low = this.int32()
    const value = high * 0x1_0000_0000 + (low >>> 0)
    if (Number.isSafeInteger(value)) return value
    return value > 0 ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER
  }

  bigint64(): bigint {
    return this.buffer.readBigInt64BE(this.#take(8))
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.#take(8))
  }

  uuid(): string {
    return uuidTexts.read(this.buffer, this.#take(16))
  }

  string(): string {
    return this.#text(this.#notNull(this.int16()))
  }

  stringOrNull(): string | null {
    const length = this.int16()
    return length < 0 ? null : this.#text(length)
  }

  compactString(): string {
    return this.#text(this.#compactLength())
  }

  compactStringOrNull(): string | null {
    const length = this.uvarint() - 1
    return length < 0 ? null : this.#text(length)
  }

  bytes(): Buffer {
    return this.#view(this.#notNull(this.int32()))
  }

  bytesOrNull(): Buffer | null {
    const length = this.int32()
    return length < 0 ? null : this.#view(length)
  }

  compactBytes(): Buffer {
    return this.#view(this.#compactLength())
  }

  compactBytesOrNull(): Buffer | null {
    const length = this.uvarint() - 1
    return length < 0 ? null : this.#view(length)
  }

  /** The count of an array whose elements take `elementBytesMin` (>= 1) each at the very least. */
  arrayLength(elementBytesMin: number): number {
    return this.#count(this.#notNull(this.int32()), elementBytesMin)
  }

  /** As arrayLength; -1 for null. */
  arrayLengthOrNull(elementBytesMin: number): number {
    const length = this.int32()
    return length < 0 ? -1 : this.#count(length, elementBytesMin)
  }

  compactArrayLength(elementBytesMin: number): number {
    return this.#count(this.#compactLength(), elementBytesMin)
  }

  compactArrayLengthOrNull(elementBytesMin: number): number {
    const length = this.uvarint() - 1
    return length < 0 ? -1 : this.#count(length, elementBytesMin)
  }

  /** The marker of a nullable struct: false for null. */
  present(): boolean {
    return this.int8() >= 0
  }

  uvarint(): number {
    const first = this.buffer[this.#take(1)]
    return first < 0x80 ? first : this.#longUvarint(first)
  }

  /** The tagged fields of a struct that knows none. Undefined when there are none, as usual. */
  unknownTags(): UnknownTag[] | undefined {
    let tags: UnknownTag[] | undefined
    for (let left = this.tagCount(); left > 0; left--) {
      const tag = this.uvarint()
      const outerEnd = this.enterTag()
      tags = this.unknownTag(tags, tag)
      this.leaveTag(outerEnd)
    }
    return tags
  }

  tagCount(): number {
    const count = this.uvarint()
    if (count === 0) return 0
    if (count > taggedFieldsMax) throw new DecodeError(`${count} tagged fields`)
    this.#claim(count)
    return count
  }

  /** Reads a tag's size and narrows the reader to it; returns the end to give to leaveTag(). */
  enterTag(): number {
    const size = this.uvarint()
    const outerEnd = this.end
    if (size > outerEnd - this.at) this.#cutOff()
    this.end = this.at + size
    return outerEnd
  }

  leaveTag(outerEnd: number): void {
    if (this.at !== this.end) throw new DecodeError('a tagged field is longer than its content')
    this.end = outerEnd
  }

  /** Appends the tagged field the reader stands in. */
  unknownTag(tags: UnknownTag[] | undefined, tag: number): UnknownTag[] {
    const one = { tag, data: this.#view(this.end - this.at) }
    if (tags === undefined) return [one]
    tags.push(one)
    return tags
  }

  #take(bytes: number): number {
    const at = this.at
    if (bytes > this.end - at) this.#cutOff()
    this.at = at + bytes
    return at
  }

  #view(length: number): Buffer {
    const at = this.#take(length)
    return this.buffer.subarray(at, at + length)
  }

  #text(length: number): string {
    const at = this.#take(length)
    return length === 0 ? '' : this.buffer.toString('utf8', at, at + length)
  }

  #count(count: number, elementBytesMin: number): number {
    if (count > arrayLengthMax) throw new DecodeError(`an array of ${count} elements`)
    if (count * elementBytesMin > this.end - this.at) this.#cutOff()
    this.#claim(count)
    return count
  }

  #claim(elements: number): void {
    this.#elementsLeft -= elements
    if (this.#elementsLeft < 0) throw new DecodeError(`more than ${elementsMax} elements in all`)
  }

  #compactLength(): number {
    return this.#notNull(this.uvarint() - 1)
  }

  #notNull(length: number): number {
    if (length < 0) throw new DecodeError('null where the version allows none')
    return length
  }

  #longUvarint(first: number): number {
    let value = first & 0x7f
    for (let shift = 7; shift < 28; shift += 7) {
      const next = this.buffer[this.#take(1)]
      value |= (next & 0x7f) << shift
      if (next < 0x80) return value
    }
    const last = this.buffer[this.#take(1)]
    if (last > 0x0f) throw new DecodeError('a varint of more than 32 bits')
    return value + last * 0x1000_0000
  }

  #cutOff(): never {
    throw new DecodeError(`cut off: ${this.end - this.at} bytes left`)
  }
}
