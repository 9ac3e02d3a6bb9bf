// One raw Snappy block in JavaScript: for platforms where the native library does not load.
//
//   block   = length:uvarint element*
//   element = tag:1 ...     low two bits: 0 literal, 1 copy (4-11 bytes, offset < 2^11),
//                           2 copy (1-64 bytes, offset < 2^16), 3 copy (1-64 bytes, offset < 2^32)

/** Matches reach back at most this far, so that two bytes hold every offset written here. */
const windowBytes = 65_535
const matchBytesMin = 4
const copyBytesMax = 64
const hashBits = 14

/** The length that a block claims to decode to, and where its elements begin; undefined if cut off. */
export function snappyLength(input: Uint8Array): { length: number; at: number } | undefined {
  let length = 0
  for (let at = 0; at < input.length && at < 5; at++) {
    length += (input[at] & 0x7f) * 2 ** (7 * at)
    if (input[at] < 0x80) return length < 2 ** 32 ? { length, at: at + 1 } : undefined
  }
  return undefined
}

/** Decodes a block; undefined when it is malformed. The caller has bounded the claimed length. */
export function decodeSnappyBlock(input: Uint8Array): Buffer | undefined {
  const claimed = snappyLength(input)
  if (claimed === undefined) return undefined
  const output = Buffer.allocUnsafe(claimed.length)
  let from = claimed.at
  let to = 0
  while (from < input.length) {
    const tag = input[from++]
    let length = (tag >>> 2) + 1
    if ((tag & 3) === 0) {
      if (length > 60) {
        const extra = length - 60
        length = readLittle(input, from, extra) + 1
        from += extra
      }
      if (from + length > input.length || to + length > output.length) return undefined
      output.set(input.subarray(from, from + length), to)
      from += length
      to += length
      continue
    }
    let offset: number
    if ((tag & 3) === 1) {
      length = ((tag >>> 2) & 7) + 4
      offset = ((tag >>> 5) << 8) | input[from++]
    } else {
      const bytes = (tag & 3) === 2 ? 2 : 4
      offset = readLittle(input, from, bytes)
      from += bytes
    }
    if (from > input.length || offset === 0 || offset > to) return undefined
    if (to + length > output.length) return undefined
    // Byte by byte: a copy may overlap what it writes (that is how runs are coded).
    for (const end = to + length; to < end; to++) output[to] = output[to - offset]
  }
  return to === output.length ? output : undefined
}

/** Encodes one block: greedy, one candidate a position. */
export function encodeSnappyBlock(input: Uint8Array): Buffer {
  const output = Buffer.allocUnsafe(snappyBoundBytes(input.length))
  const table = new Int32Array(1 << hashBits).fill(-1)
  let to = writeLength(output, input.length)
  let literalAt = 0
  let at = 0
  while (at + matchBytesMin <= input.length) {
    const word = readWord(input, at)
    const hash = Math.imul(word, 0x1e35a7bd) >>> (32 - hashBits)
    const candidate = table[hash]
    table[hash] = at
    if (candidate < 0 || at - candidate > windowBytes || readWord(input, candidate) !== word) {
      at++
      continue
    }
    to = writeLiteral(output, to, input, literalAt, at)
    let length = matchBytesMin
    while (at + length < input.length && input[candidate + length] === input[at + length]) length++
    to = writeCopies(output, to, at - candidate, length)
    at += length
    literalAt = at
  }
  to = writeLiteral(output, to, input, literalAt, input.length)
  return output.subarray(0, to)
}

/** Incompressible input grows by at most the length and a tag with each literal. */
function snappyBoundBytes(inputBytes: number): number {
  return 32 + inputBytes + Math.ceil(inputBytes / 6)
}

function writeLength(output: Uint8Array, length: number): number {
  let rest = length
  let to = 0
  for (; rest >= 0x80; rest >>>= 7) output[to++] = (rest & 0x7f) | 0x80
  output[to++] = rest
  return to
}

function writeLiteral(output: Buffer, at: number, input: Uint8Array, from: number, end: number) {
  const length = end - from
  if (length === 0) return at
  let to = at
  if (length <= 60) {
    output[to++] = (length - 1) << 2
  } else {
    const extra = length <= 0x100 ? 1 : length <= 0x1_0000 ? 2 : length <= 0x100_0000 ? 3 : 4
    output[to++] = (59 + extra) << 2
    to = output.writeUIntLE(length - 1, to, extra)
  }
  output.set(input.subarray(from, end), to)
  return to + length
}

function writeCopies(output: Uint8Array, at: number, offset: number, length: number): number {
  let to = at
  for (let rest = length; rest > 0; ) {
    const bytes = Math.min(rest, copyBytesMax)
    output[to++] = ((bytes - 1) << 2) | 2
    output[to++] = offset
    output[to++] = offset >>> 8
    rest -= bytes
  }
  return to
}

function readWord(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
}

/** Bytes past the end read as 0; the caller's bounds check that follows catches them. */
function readLittle(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let index = count - 1; index >= 0; index--) value = value * 256 + (bytes[at + index] ?? 0)
  return value
}
