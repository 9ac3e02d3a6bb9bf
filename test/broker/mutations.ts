// Ways to damage a frame. Each takes a whole frame with its size in front and gives one back; all but
// `misstateSize` leave the size true, so that what follows on the connection is read as meant.

import type { SeededRandom } from '@sluice/core/host/memory/random'

type Mutation = (frame: Buffer, random: SeededRandom) => Buffer

const sizeBytes = 4
const tellingNumbers = [
  -1, 0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 1_000_000, 0x7fffffff, -0x80000000,
]

/** A range within the frame, behind its size. */
function range(frame: Buffer, random: SeededRandom): { from: number; to: number } {
  const from = sizeBytes + random.integer(frame.length - sizeBytes)
  return { from, to: from + 1 + random.integer(Math.min(frame.length - from, 16)) }
}

function resized(...parts: Buffer[]): Buffer {
  const frame = Buffer.concat(parts)
  frame.writeInt32BE(frame.length - sizeBytes, 0)
  return frame
}

const flipBits: Mutation = (frame, random) => {
  for (let left = 1 + random.integer(8); left > 0; left--) {
    const at = sizeBytes + random.integer(frame.length - sizeBytes)
    frame[at] ^= 1 << random.integer(8)
  }
  return frame
}

const fillRange: Mutation = (frame, random) => {
  const { from, to } = range(frame, random)
  return frame.fill(random.pick([0x00, 0xff, 0x80]), from, to)
}

const writeNumber: Mutation = (frame, random) => {
  const value = random.pick(tellingNumbers)
  const bytes = random.pick([2, 4, 8])
  const at = sizeBytes + random.integer(frame.length - sizeBytes)
  if (at + bytes > frame.length) return frame
  if (bytes === 2) frame.writeInt16BE((value << 16) >> 16, at)
  else if (bytes === 4) frame.writeInt32BE(value, at)
  else frame.writeBigInt64BE(random.chance(0.5) ? 2n ** 63n - 1n : BigInt(value), at)
  return frame
}

const cutRange: Mutation = (frame, random) => {
  const { from, to } = range(frame, random)
  return resized(frame.subarray(0, from), frame.subarray(to))
}

const cutTail: Mutation = (frame, random) => resized(frame.subarray(0, range(frame, random).from))

const repeatRange: Mutation = (frame, random) => {
  const { from, to } = range(frame, random)
  const repeated = Array.from({ length: 1 + random.integer(20) }, () => frame.subarray(from, to))
  return resized(frame.subarray(0, to), ...repeated, frame.subarray(to))
}

const insertNoise: Mutation = (frame, random) => {
  const { from } = range(frame, random)
  const noise = random.bytes(1 + random.integer(30))
  return resized(frame.subarray(0, from), noise, frame.subarray(from))
}

const misstateSize: Mutation = (frame, random) => {
  frame.writeInt32BE(random.pick([...tellingNumbers, frame.length, frame.length - 5]), 0)
  return frame
}

const mutations = [
  ...[flipBits, flipBits, fillRange, writeNumber, writeNumber],
  ...[cutRange, cutTail, repeatRange, insertNoise, misstateSize],
]

/** The frame, damaged in one to three ways. */
export function damaged(frame: Buffer, random: SeededRandom): Buffer {
  let result: Buffer = Buffer.from(frame)
  for (let left = 1 + random.integer(3); left > 0; left--) {
    if (result.length > sizeBytes) result = random.pick(mutations)(result, random)
  }
  return result
}
