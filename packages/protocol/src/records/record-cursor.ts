// RecordCursor: walks the records of a batch in place. It never reads past `end` and never throws: a
// malformed number sets `failed`, and everything read after that is 0.
//
//   record = length:varint attributes:1 timestampDelta:varlong offsetDelta:varint
//            key:bytes value:bytes headerCount:varint (key:bytes value:bytes)*
//   bytes  = length:varint byte*
//
// varint and varlong are zigzag-coded; a length of -1 means null.

const varintBytesMax = 5
const varlongBytesMax = 10
const payload = 0x7f
const more = 0x80

export class RecordCursor {
  readonly bytes: Uint8Array
  readonly end: number
  at: number
  failed = false

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  int8(): number {
    if (this.at >= this.end) return this.fail()
    return this.bytes[this.at++]
  }

  varint(): number {
    if (this.at >= this.end) return this.fail()
    const first = this.bytes[this.at]
    if (first < more) {
      this.at++
      return (first >>> 1) ^ -(first & 1)
    }
    const limit = Math.min(this.end, this.at + varintBytesMax)
    let raw = first & payload
    let shift = 7
    for (let at = this.at + 1; at < limit; at++, shift += 7) {
      const byte = this.bytes[at]
      raw |= (byte & payload) << shift
      if (byte < more) {
        this.at = at + 1
        return (raw >>> 1) ^ -(raw & 1)
      }
    }
    return this.fail()
  }

  /** As a number: exact up to 2^53, which is what a timestamp may be. */
  varlong(): number {
    if (this.at >= this.end) return this.fail()
    const first = this.bytes[this.at]
    if (first < more) {
      this.at++
      return (first >>> 1) ^ -(first & 1)
    }
    const limit = Math.min(this.end, this.at + varlongBytesMax)
    let raw = first & payload
    let weight = 128
    for (let at = this.at + 1; at < limit; at++, weight *= 128) {
      const byte = this.bytes[at]
      raw += (byte & payload) * weight
      if (byte < more) {
        this.at = at + 1
        return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
      }
    }
    return this.fail()
  }

  /** Hops over `length` bytes; a negative length (null) is none. */
  skip(length: number): void {
    if (length <= 0) return
    if (length > this.end - this.at) this.fail()
    else this.at += length
  }

  /** Marks the rest as malformed: everything read from now on is 0. */
  fail(): number {
    this.failed = true
    this.at = this.end
    return 0
  }
}
