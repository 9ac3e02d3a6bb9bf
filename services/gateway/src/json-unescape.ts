// What a JSON string with escapes says, in UTF-8: written straight from the bytes of one to the bytes of the
// other. Half a surrogate pair, which UTF-8 has no place for, becomes U+FFFD, as where a string is encoded.

const backslash = 0x5c
const letterU = 0x75
const replacement = 0xfffd

/** Up to here bytes are copied one by one: a call would cost more. */
const shortBytes = 24

/** `escaped` is the inside of a valid JSON string. */
export function unescapeJson(escaped: Buffer): Buffer {
  // No escape is shorter than what it stands for.
  const text = Buffer.allocUnsafe(escaped.length)
  let length = 0
  for (let at = 0; at < escaped.length; ) {
    const run = runEnd(escaped, at)
    if (run - at > shortBytes) escaped.copy(text, length, at, run)
    else for (let index = at; index < run; index++) text[length + index - at] = escaped[index]
    length += run - at
    if (run === escaped.length) break
    if (escaped[run + 1] !== letterU) {
      text[length++] = escapedByte(escaped[run + 1])
      at = run + 2
      continue
    }
    let point = hexAt(escaped, run + 2)
    at = run + 6
    if (point >= 0xd800 && point < 0xe000) {
      const low = point < 0xdc00 ? lowSurrogateAt(escaped, at) : 0
      if (low > 0) {
        point = 0x1_0000 + ((point & 0x3ff) << 10) + (low & 0x3ff)
        at += 6
      } else point = replacement
    }
    length = writePoint(text, length, point)
  }
  return text.subarray(0, length)
}

/** The next backslash, or the end. */
function runEnd(escaped: Buffer, from: number): number {
  const long = Math.min(from + shortBytes, escaped.length)
  for (let at = from; at < long; at++) if (escaped[at] === backslash) return at
  const found = escaped.indexOf(backslash, long)
  return found < 0 ? escaped.length : found
}

/** 0: none is escaped there. */
function lowSurrogateAt(escaped: Buffer, at: number): number {
  if (escaped[at] !== backslash || escaped[at + 1] !== letterU) return 0
  const point = hexAt(escaped, at + 2)
  return point >= 0xdc00 && point < 0xe000 ? point : 0
}

/** Of the letter behind a backslash. */
function escapedByte(letter: number): number {
  switch (letter) {
    case 0x62:
      return 0x08
    case 0x66:
      return 0x0c
    case 0x6e:
      return 0x0a
    case 0x72:
      return 0x0d
    case 0x74:
      return 0x09
    default:
      return letter
  }
}

/** Four hexadecimal digits. */
function hexAt(bytes: Uint8Array, at: number): number {
  let value = 0
  for (let index = at; index < at + 4; index++) {
    const digit = bytes[index]
    value = (value << 4) | (digit <= 0x39 ? digit & 0x0f : (digit & 0x07) + 9)
  }
  return value
}

/** Writes a code point at `at` and returns where it ends. */
function writePoint(text: Uint8Array, at: number, point: number): number {
  let end = at
  if (point < 0x80) text[end++] = point
  else if (point < 0x800) text[end++] = 0xc0 | (point >> 6)
  else if (point < 0x1_0000) {
    text[end++] = 0xe0 | (point >> 12)
    text[end++] = 0x80 | ((point >> 6) & 0x3f)
  } else {
    text[end++] = 0xf0 | (point >> 18)
    text[end++] = 0x80 | ((point >> 12) & 0x3f)
    text[end++] = 0x80 | ((point >> 6) & 0x3f)
  }
  if (point >= 0x80) text[end++] = 0x80 | (point & 0x3f)
  return end
}
