// Writes the primitives of Kafka's wire into a list of buffers. Small things go into slabs shared
// by many messages; record batches join the list as they are. What was handed out is never written
// again, so a slab lives as long as the last message that has a part of it.
import { EncodeError } from './codec-error.ts'
import type { UnknownTag } from './unknown-tag.ts'
import { uuidTexts } from './uuid-texts.ts'

const slabBytes = 64 * 1024
const stringBytesMax = 0x7fff

export class Writer {
  #slab = Buffer.allocUnsafeSlow(slabBytes)
  /** Where the part of the slab that is not handed out yet begins. */
  #start = 0
  #at = 0
  #done: Buffer[] = []
  #doneBytes = 0

  /** Begins a message; drops what a failed one left behind. */
  begin(): void {
    this.#at = this.#start
    this.#done = []
    this.#doneBytes = 0
  }

  /** Bytes since begin(). */
  get length(): number {
    return this.#doneBytes + this.#at - this.#start
  }

  finish(): Buffer[] {
    this.#cut()
    const buffers = this.#done
    this.#done = []
    this.#doneBytes = 0
    return buffers
  }

  bool(value: boolean): void {
    if (typeof value !== 'boolean') bad('bool', value)
    this.int8(value ? 1 : 0)
  }

  int8(value: number): void {
    if ((value << 24) >> 24 !== value) bad('int8', value)
    const at = this.#make(1)
    this.#slab[at] = value
  }

  int16(value: number): void {
    if ((value << 16) >> 16 !== value) bad('int16', value)
    this.#put16(value)
  }

  uint16(value: number): void {
    if ((value & 0xffff) !== value) bad('uint16', value)
    this.#put16(value)
  }

  int32(value: number): void {
    if ((value | 0) !== value) bad('int32', value)
    this.#put32(value)
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) bad('uint32', value)
    this.#put32(value)
  }

  int64(value: number): void {
    if (!Number.isSafeInteger(value)) bad('int64', value)
    const high = Math.floor(value / 0x1_0000_0000)
    this.#put32(high)
    this.#put32(value - high * 0x1_0000_0000)
  }

  /** Only reading clamps. */
  clampedInt64(value: number): void {
    this.int64(value)
  }

  bigint64(value: bigint): void {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) bad('int64', value)
    const at = this.#make(8)
    this.#slab.writeBigInt64BE(value, at)
  }

  float64(value: number): void {
    if (typeof value !== 'number') bad('float64', value)
    const at = this.#make(8)
    this.#slab.writeDoubleBE(value, at)
  }

  uuid(value: string): void {
    if (typeof value !== 'string' || value.length !== 22) bad('uuid', value)
    const at = this.#make(16)
    if (!uuidTexts.write(value, this.#slab, at)) bad('uuid', value)
  }

  string(value: string): void {
    if (typeof value !== 'string') bad('string', value)
    if (value.length <= stringBytesMax) {
      const at = this.#make(2 + value.length * 3)
      const bytes = this.#slab.write(value, at + 2)
      if (bytes <= stringBytesMax) {
        this.#slab[at] = bytes >> 8
        this.#slab[at + 1] = bytes
        this.#at = at + 2 + bytes
        return
      }
    }
    throw new EncodeError(`a string of more than ${stringBytesMax} bytes`)
  }

  stringOrNull(value: string | null): void {
    if (value === null) this.#put16(-1)
    else this.string(value)
  }

  compactString(value: string): void {
    if (typeof value !== 'string') bad('string', value)
    // A prefix of one byte is certain for up to 42 UTF-16 units: names and ids, almost everything.
    const bytes = value.length <= 42 ? -1 : Buffer.byteLength(value)
    if (bytes > stringBytesMax) {
      throw new EncodeError(`a string of more than ${stringBytesMax} bytes`)
    }
    if (bytes >= 0) {
      this.uvarint(bytes + 1)
      const at = this.#make(bytes)
      this.#slab.write(value, at)
      return
    }
    const at = this.#make(1 + value.length * 3)
    const written = this.#slab.write(value, at + 1)
    this.#slab[at] = written + 1
    this.#at = at + 1 + written
  }

  compactStringOrNull(value: string | null): void {
    if (value === null) this.compactNull()
    else this.compactString(value)
  }

  bytes(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) bad('bytes', value)
    this.#put32(value.length)
    this.raw(value)
  }

  bytesOrNull(value: Uint8Array | null): void {
    if (value === null) this.#put32(-1)
    else this.bytes(value)
  }

  compactBytes(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) bad('bytes', value)
    this.uvarint(value.length + 1)
    this.raw(value)
  }

  compactBytesOrNull(value: Uint8Array | null): void {
    if (value === null) this.compactNull()
    else this.compactBytes(value)
  }

  /** Copies the bytes, without a length. */
  raw(value: Uint8Array): void {
    const at = this.#make(value.length)
    this.#slab.set(value, at)
  }

  /** The buffers join the message as they are: leave them alone until it is sent. */
  records(value: Uint8Array | readonly Uint8Array[] | null): void {
    if (value === null) this.#put32(-1)
    else {
      this.int32(bytesOf(value))
      this.#attach(value)
    }
  }

  compactRecords(value: Uint8Array | readonly Uint8Array[] | null): void {
    if (value === null) this.compactNull()
    else {
      this.uvarint(bytesOf(value) + 1)
      this.#attach(value)
    }
  }

  arrayLength(value: readonly unknown[]): void {
    if (!Array.isArray(value)) bad('array', value)
    this.#put32(value.length)
  }

  arrayNull(): void {
    this.#put32(-1)
  }

  compactArrayLength(value: readonly unknown[]): void {
    if (!Array.isArray(value)) bad('array', value)
    this.uvarint(value.length + 1)
  }

  compactNull(): void {
    this.uvarint(0)
  }

  uvarint(value: number): void {
    if (value < 0x80) {
      const at = this.#make(1)
      this.#slab[at] = value
      return
    }
    let at = this.#make(5)
    let left = value
    while (left > 0x7f) {
      this.#slab[at++] = (left & 0x7f) | 0x80
      left >>>= 7
    }
    this.#slab[at++] = left
    this.#at = at
  }

  /** Reserves room for a tag's size; give the result to endTag() when the content is written. */
  beginTag(tag: number): number {
    this.uvarint(tag)
    this.#make(1)
    return this.#at - this.#start
  }

  endTag(mark: number): void {
    const content = this.#start + mark
    const size = this.#at - content
    if (size < 0x80) {
      this.#slab[content - 1] = size
      return
    }
    // Rare: the size takes more than the one byte that was kept free for it.
    const copy = Buffer.from(this.#slab.subarray(content, this.#at))
    this.#at = content - 1
    this.uvarint(size)
    this.raw(copy)
  }

  /** How many of them there are; refuses those that the schema knows, or that stand there twice. */
  unknownTagCount(tags: readonly UnknownTag[], known: readonly number[]): number {
    const seen = new Set(known)
    for (const { tag } of tags) {
      if (seen.has(tag)) throw new EncodeError(`tag ${tag} is given twice`)
      if (tag >>> 0 !== tag) bad('tag', tag)
      seen.add(tag)
    }
    return tags.length
  }

  /** Writes those in [from, to): tags stand in ascending order, known and unknown ones together. */
  unknownTags(tags: readonly UnknownTag[], from: number, to: number): void {
    const some = tags.filter(({ tag }) => tag >= from && tag < to)
    for (const { tag, data } of some.sort((a, b) => a.tag - b.tag)) {
      this.uvarint(tag)
      this.uvarint(data.length)
      this.raw(data)
    }
  }

  refuse(): never {
    throw new EncodeError('the version cannot carry it')
  }

  /** For a version without tagged fields. */
  noTags(tags: readonly UnknownTag[]): void {
    if (tags.length > 0) throw new EncodeError('the version has no tagged fields')
  }

  /** Writes `value` over the four bytes at the very start of the message: a frame's size. */
  patchSize(value: number): void {
    const first = this.#done[0] ?? this.#slab.subarray(this.#start, this.#at)
    first.writeInt32BE(value, 0)
  }

  #put16(value: number): void {
    const at = this.#make(2)
    const slab = this.#slab
    slab[at] = value >> 8
    slab[at + 1] = value
  }

  #put32(value: number): void {
    const at = this.#make(4)
    const slab = this.#slab
    slab[at] = value >>> 24
    slab[at + 1] = value >>> 16
    slab[at + 2] = value >>> 8
    slab[at + 3] = value
  }

  /** Room for `bytes`, possibly in another slab: look at #slab only afterwards. */
  #make(bytes: number): number {
    if (this.#at + bytes > this.#slab.length) this.#grow(bytes)
    const at = this.#at
    this.#at = at + bytes
    return at
  }

  // The part in work moves to a new slab whole: marks are relative to its start and stay good.
  #grow(bytes: number): void {
    const used = this.#at - this.#start
    const slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, 2 * (used + bytes)))
    slab.set(this.#slab.subarray(this.#start, this.#at))
    this.#slab = slab
    this.#start = 0
    this.#at = used
  }

  #cut(): void {
    if (this.#at === this.#start) return
    this.#done.push(this.#slab.subarray(this.#start, this.#at))
    this.#doneBytes += this.#at - this.#start
    this.#start = this.#at
  }

  #attach(value: Uint8Array | readonly Uint8Array[]): void {
    this.#cut()
    for (const one of value instanceof Uint8Array ? [value] : value) {
      if (one.length === 0) continue
      this.#done.push(Buffer.from(one.buffer, one.byteOffset, one.length))
      this.#doneBytes += one.length
    }
  }
}

function bytesOf(value: Uint8Array | readonly Uint8Array[]): number {
  if (value instanceof Uint8Array) return value.length
  if (!Array.isArray(value)) bad('records', value)
  return value.reduce((sum, one) => sum + one.length, 0)
}

function bad(kind: string, value: unknown): never {
  throw new EncodeError(value === undefined ? 'is missing' : `${String(value)} is not of ${kind}`)
}
