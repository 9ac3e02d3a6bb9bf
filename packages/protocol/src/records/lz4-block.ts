// One LZ4 block in JavaScript: for platforms where the native library does not load.
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
  const output = Buffer.allocUnsafe(input.length + Math.ceil(input.length / 255) + 16)
  const table = new Int32Array(1 << hashBits).fill(-1)
  const matchEnd = input.length - lastLiterals
  let to = 0
  let literalAt = 0
  let at = 0
  while (at < input.length - matchStartLimit) {
    const word = readWord(input, at)
    const hash = Math.imul(word, 0x9e3779b1) >>> (32 - hashBits)
    const candidate = table[hash]
    table[hash] = at
    if (candidate < 0 || at - candidate > windowBytes || readWord(input, candidate) !== word) {
      at++
      continue
    }
    let length = matchBytesMin
    while (at + length < matchEnd && input[candidate + length] === input[at + length]) length++
    const literals = at - literalAt
    const code = length - matchBytesMin
    output[to++] = (Math.min(literals, nibbleMax) << 4) | Math.min(code, nibbleMax)
    to = writeRest(output, to, literals)
    output.set(input.subarray(literalAt, at), to)
    to += literals
    output[to++] = at - candidate
    output[to++] = (at - candidate) >>> 8
    to = writeRest(output, to, code)
    at += length
    literalAt = at
  }
  const literals = input.length - literalAt
  output[to++] = Math.min(literals, nibbleMax) << 4
  to = writeRest(output, to, literals)
  output.set(input.subarray(literalAt), to)
  return output.subarray(0, to + literals)
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

function readWord(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
}
