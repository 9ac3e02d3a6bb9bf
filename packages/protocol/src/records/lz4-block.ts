// One LZ4 block in JavaScript: for platforms where the native library does not load, and for levels that it does
// not have.
//
//   sequence = token:1 literalLength* literal* offset:2 matchLength*      the last one ends after its literals
//   token    = literal length (high four bits, 15 = more follows), match length - 4 (low four bits, likewise)

const matchBytesMin = 4
/** The format asks for literals in the last five bytes and no match that starts in the last twelve. */
const lastLiterals = 5
const matchStartLimit = 12
const windowBytes = 65_535
const hashBits = 14
const nibbleMax = 15

/**
 * Decodes a block from `input[from..end)` to `output` at `at`; matches may reach back to the start of
 * `output` (linked blocks do). Returns where the output ends, or -1 when the block is malformed or
 * does not fit.
 */
export function decodeLz4Block(
  input: Uint8Array,
  from: number,
  end: number,
  output: Uint8Array,
  at: number,
): number {
  let source = from
  let to = at
  while (source < end) {
    const token = input[source++]
    let literals = token >>> 4
    if (literals === nibbleMax) {
      let byte = 255
      while (byte === 255 && source < end) {
        byte = input[source++]
        literals += byte
      }
    }
    if (source + literals > end || to + literals > output.length) return -1
    output.set(input.subarray(source, source + literals), to)
    source += literals
    to += literals
    if (source === end) return to
    if (source + 2 > end) return -1
    const offset = input[source] | (input[source + 1] << 8)
    source += 2
    let length = (token & nibbleMax) + matchBytesMin
    if (length === nibbleMax + matchBytesMin) {
      let byte = 255
      while (byte === 255 && source < end) {
        byte = input[source++]
        length += byte
      }
    }
    if (offset === 0 || offset > to || to + length > output.length) return -1
    for (const stop = to + length; to < stop; to++) output[to] = output[to - offset]
  }
  return -1 // a block ends with literals, never with a match
}

/** Encodes one block: greedy, one candidate a position. */
export function encodeLz4Block(input: Uint8Array): Buffer {
  const output = blockBuffer(input)
  const table = new Int32Array(1 << hashBits).fill(-1)
  let to = 0
  let literalAt = 0
  let at = 0
  while (at < input.length - matchStartLimit) {
    const word = readWord(input, at)
    const hash = hashOf(word)
    const candidate = table[hash]
    table[hash] = at
    if (candidate < 0 || at - candidate > windowBytes || readWord(input, candidate) !== word) {
      at++
      continue
    }
    const length = matchLength(input, candidate, at)
    to = writeMatch(output, to, input, { literalAt, at, from: candidate, length })
    at += length
    literalAt = at
  }
  return output.subarray(0, writeLastLiterals(output, to, input, literalAt))
}

/** As encodeLz4Block, smaller and slower: the longest match of up to `candidates` at each position. */
export function encodeLz4BlockDeep(input: Uint8Array, candidates: number): Buffer {
  const output = blockBuffer(input)
  const newest = new Int32Array(1 << hashBits).fill(-1)
  /** The position before, with the same hash. */
  const before = new Int32Array(input.length)
  const end = input.length - matchStartLimit
  let known = 0
  let to = 0
  let literalAt = 0
  let at = 0
  while (at < end) {
    for (; known < at; known++) {
      const hash = hashOf(readWord(input, known))
      before[known] = newest[hash]
      newest[hash] = known
    }
    let from = -1
    let length = matchBytesMin - 1
    let candidate = newest[hashOf(readWord(input, at))]
    for (let left = candidates; left > 0 && candidate >= 0; left--) {
      if (at - candidate > windowBytes) break
      // One that is longer agrees in the byte behind the longest so far, too.
      if (input[candidate + length] === input[at + length]) {
        const found = matchLength(input, candidate, at)
        if (found > length) {
          from = candidate
          length = found
        }
      }
      candidate = before[candidate]
    }
    if (from < 0) {
      at++
      continue
    }
    to = writeMatch(output, to, input, { literalAt, at, from, length })
    at += length
    literalAt = at
  }
  return output.subarray(0, writeLastLiterals(output, to, input, literalAt))
}

/** Room for any block, one that does not shrink included. */
function blockBuffer(input: Uint8Array): Buffer {
  return Buffer.allocUnsafe(input.length + Math.ceil(input.length / 255) + 16)
}

function matchLength(input: Uint8Array, from: number, at: number): number {
  const limit = input.length - lastLiterals - at
  let length = 0
  while (length < limit && input[from + length] === input[at + length]) length++
  return length
}

interface Match {
  readonly literalAt: number
  readonly at: number
  readonly from: number
  readonly length: number
}

/** Literals up to the match, and the match. @returns where the output goes on. */
function writeMatch(output: Buffer, start: number, input: Uint8Array, match: Match): number {
  const { literalAt, at, from, length } = match
  let to = start
  const literals = at - literalAt
  const code = length - matchBytesMin
  output[to++] = (Math.min(literals, nibbleMax) << 4) | Math.min(code, nibbleMax)
  to = writeRest(output, to, literals)
  output.set(input.subarray(literalAt, at), to)
  to += literals
  output[to++] = at - from
  output[to++] = (at - from) >>> 8
  return writeRest(output, to, code)
}

function writeLastLiterals(output: Buffer, start: number, input: Uint8Array, at: number): number {
  let to = start
  const literals = input.length - at
  output[to++] = Math.min(literals, nibbleMax) << 4
  to = writeRest(output, to, literals)
  output.set(input.subarray(at), to)
  return to + literals
}

/** What a length has beyond its nibble: bytes of 255, then the remainder. */
function writeRest(output: Uint8Array, at: number, length: number): number {
  let to = at
  if (length < nibbleMax) return to
  let rest = length - nibbleMax
  for (; rest >= 255; rest -= 255) output[to++] = 255
  output[to++] = rest
  return to
}

function hashOf(word: number): number {
  return Math.imul(word, 0x9e3779b1) >>> (32 - hashBits)
}

function readWord(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
}
