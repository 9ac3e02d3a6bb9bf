// JSON as it stands in a buffer (UTF-8): walked once, held to what JSON.parse would take, and nothing made of
// it. What the walk passes is told as a range of bytes, so that text becomes a record without being copied.
//
// A walk knows no errors. What is not JSON or nests too deep ends it: `false`, and whoever wants to know why
// parses it (json-body.ts).

import { unescapeJson } from './json-unescape.ts'

const space = 0x20
const tab = 0x09
const lineFeed = 0x0a
const carriageReturn = 0x0d
const backslash = 0x5c
const zero = 0x30
const nine = 0x39
const letterU = 0x75

export const quote = 0x22
export const comma = 0x2c
export const colon = 0x3a
export const openBracket = 0x5b
export const closeBracket = 0x5d
export const openBrace = 0x7b
export const closeBrace = 0x7d

/** Up to here a string is looked at byte by byte: a call to search it would cost more. */
const shortBytes = 24

export class JsonBytes {
  readonly bytes: Buffer
  readonly #depthMax: number
  /** The same memory, four bytes a number. */
  readonly #words: Int32Array
  /** The next ones, where they are still ahead. */
  #quoteAt = -1
  #backslashAt = -1
  #at = 0
  #start = 0
  #end = 0
  #escaped = false

  /** `bytes` is valid UTF-8. */
  constructor(bytes: Buffer, depthMax: number) {
    this.bytes = bytes
    this.#depthMax = depthMax
    this.#words = new Int32Array(bytes.buffer, 0, bytes.buffer.byteLength >> 2)
  }

  /** Where the string passed last begins and ends, without its quotes; of any other value its whole text. */
  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#end
  }

  /** Whether there are escapes in the string passed last. */
  get escaped(): boolean {
    return this.#escaped
  }

  /** What comes next, behind white space; -1 at the end. */
  peek(): number {
    const { bytes } = this
    let at = this.#at
    while (at < bytes.length && isSpace(bytes[at])) at += 1
    this.#at = at
    return at < bytes.length ? bytes[at] : -1
  }

  /** Passes one character of punctuation. */
  take(mark: number): boolean {
    if (this.peek() !== mark) return false
    this.#at += 1
    return true
  }

  /** Passes a string. */
  string(): boolean {
    if (this.peek() !== quote) return false
    const start = this.#at + 1
    const end = this.#stringEnd(start)
    if (end < 0) return false
    this.#start = start
    this.#end = end
    this.#at = end + 1
    return true
  }

  /** Passes any value, within so many others. */
  value(depth: number): boolean {
    const first = this.peek()
    if (first === quote) return this.string()
    const start = this.#at
    if (!this.#notString(first, depth)) return false
    this.#start = start
    this.#end = this.#at
    return true
  }

  /** What the string passed last says, in UTF-8: a view, unless it has escapes. */
  text(): Buffer {
    const inside = this.bytes.subarray(this.#start, this.#end)
    return this.#escaped ? unescapeJson(inside) : inside
  }

  /** Whether the string or value passed last is `ascii`, letter by letter. */
  is(ascii: string): boolean {
    const { bytes } = this
    const start = this.#start
    if (this.#end - start !== ascii.length) return false
    for (let index = 0; index < ascii.length; index++) {
      if (bytes[start + index] !== ascii.charCodeAt(index)) return false
    }
    return true
  }

  /** The value passed last as a whole number of at most `digitsMax` digits; -1 where it is none. */
  whole(digitsMax: number): number {
    const { bytes } = this
    if (this.#end - this.#start > digitsMax) return -1
    let number = 0
    for (let at = this.#start; at < this.#end; at++) {
      const digit = bytes[at] - zero
      if (digit < 0 || digit > 9) return -1
      number = number * 10 + digit
    }
    return number
  }

  #notString(first: number, depth: number): boolean {
    switch (first) {
      case openBrace:
        return this.#object(depth + 1)
      case openBracket:
        return this.#array(depth + 1)
      case 0x74:
        return this.#literal('true')
      case 0x66:
        return this.#literal('false')
      case 0x6e:
        return this.#literal('null')
      default:
        return this.#number()
    }
  }

  #object(depth: number): boolean {
    if (depth > this.#depthMax) return false
    this.#at += 1
    if (this.take(closeBrace)) return true
    do {
      if (!this.string() || !this.take(colon) || !this.value(depth)) return false
    } while (this.take(comma))
    return this.take(closeBrace)
  }

  #array(depth: number): boolean {
    if (depth > this.#depthMax) return false
    this.#at += 1
    if (this.take(closeBracket)) return true
    do {
      if (!this.value(depth)) return false
    } while (this.take(comma))
    return this.take(closeBracket)
  }

  #literal(word: string): boolean {
    for (let index = 0; index < word.length; index++) {
      if (this.bytes[this.#at + index] !== word.charCodeAt(index)) return false
    }
    this.#at += word.length
    return true
  }

  #number(): boolean {
    const { bytes } = this
    if (bytes[this.#at] === 0x2d) this.#at += 1
    if (bytes[this.#at] === zero) this.#at += 1
    else if (!this.#digits()) return false
    if (bytes[this.#at] === 0x2e) {
      this.#at += 1
      if (!this.#digits()) return false
    }
    const exponent = bytes[this.#at]
    if (exponent !== 0x65 && exponent !== 0x45) return true
    const sign = bytes[this.#at + 1]
    this.#at += sign === 0x2b || sign === 0x2d ? 2 : 1
    return this.#digits()
  }

  /** At least one. */
  #digits(): boolean {
    const { bytes } = this
    let at = this.#at
    while (bytes[at] >= zero && bytes[at] <= nine) at += 1
    const found = at > this.#at
    this.#at = at
    return found
  }

  /** Where the string's closing quote is; -1: it is none. Notes whether there are escapes in it. */
  #stringEnd(start: number): number {
    const { bytes } = this
    this.#escaped = false
    for (let at = start; ; ) {
      at = this.#runEnd(at)
      if (at < 0 || bytes[at] === quote) return at
      this.#escaped = true
      at = escapeEnd(bytes, at)
      if (at < 0) return -1
    }
  }

  /** The next quote or backslash, and no control character before it; -1: not so. */
  #runEnd(from: number): number {
    const { bytes } = this
    const long = from + shortBytes
    for (let at = from; at < long; at++) {
      const byte = bytes[at]
      if (byte === quote || byte === backslash) return at
      if (!(byte >= space)) return -1
    }
    // Both are known from the last search where they are not passed: the text is searched once.
    if (this.#quoteAt < long) this.#quoteAt = indexOf(bytes, quote, long)
    if (this.#backslashAt < long) this.#backslashAt = indexOf(bytes, backslash, long)
    const end = Math.min(this.#quoteAt, this.#backslashAt)
    return end === bytes.length || this.#hasControl(long, end) ? -1 : end
  }

  /** Whether one of the bytes is below a space: four at a time, where a borrow shows those that are. */
  #hasControl(from: number, to: number): boolean {
    const { bytes } = this
    const words = this.#words
    const { byteOffset } = bytes
    let at = from
    for (; at < to && ((at + byteOffset) & 3) !== 0; at++) if (bytes[at] < space) return true
    const lastWord = (to + byteOffset) >> 2
    let word = (at + byteOffset) >> 2
    let found = 0
    for (; word + 3 < lastWord; word += 4) {
      const a = words[word]
      const b = words[word + 1]
      const c = words[word + 2]
      const d = words[word + 3]
      found |= ((a - 0x2020_2020) & ~a) | ((b - 0x2020_2020) & ~b)
      found |= ((c - 0x2020_2020) & ~c) | ((d - 0x2020_2020) & ~d)
    }
    for (; word < lastWord; word++) found |= (words[word] - 0x2020_2020) & ~words[word]
    if ((found & 0x8080_8080) !== 0) return true
    for (at = Math.max(at, lastWord * 4 - byteOffset); at < to; at++) {
      if (bytes[at] < space) return true
    }
    return false
  }
}

function isSpace(byte: number): boolean {
  return byte === space || byte === lineFeed || byte === carriageReturn || byte === tab
}

/** From `from` on; the length where there is none. */
function indexOf(bytes: Buffer, byte: number, from: number): number {
  const found = bytes.indexOf(byte, from)
  return found < 0 ? bytes.length : found
}

/** Where the escape that begins at `at` ends; -1: it is none. */
function escapeEnd(bytes: Buffer, at: number): number {
  switch (bytes[at + 1]) {
    case quote:
    case backslash:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return at + 2
    case letterU:
      return isHex(bytes, at + 2) ? at + 6 : -1
    default:
      return -1
  }
}

/** Whether four hexadecimal digits stand at `at`. */
function isHex(bytes: Buffer, at: number): boolean {
  for (let index = at; index < at + 4; index++) {
    const byte = bytes[index]
    const letter = byte | 0x20
    if (!((byte >= zero && byte <= nine) || (letter >= 0x61 && letter <= 0x66))) return false
  }
  return true
}
