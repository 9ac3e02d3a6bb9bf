// Cursor: where a reader stands in every partition that it reads, as one opaque string. A reader that
// comes back with it goes on with no gap and no duplicate, on any gateway; nothing is kept here.
//
//   base64url of  version:1  flags:1  topic id:16  filter:4  count:varint
//                 count x (partition:varint  next offset:varint  leader epoch + 1:varint)  check:4
//
// flags bit 0: the reader reads all partitions, those that are added later too. `check` is the CRC32C of
// what stands before it: a cursor cut or altered on the way is refused, not followed.

import { crc32c } from '@sluice/protocol/records/crc32c'

export interface Position {
  readonly partition: number
  /** The next offset to read. */
  readonly offset: number
  /** Leader epoch of the record before `offset`; -1 where it is not known. */
  readonly leaderEpoch: number
}

export interface Cursor {
  /** As Kafka prints it: 22 characters of base64url. */
  readonly topicId: string
  readonly allPartitions: boolean
  /** Hash of the filter of the read; 0 without one. */
  readonly filter: number
  /** Ascending by partition. */
  readonly positions: readonly Position[]
}

const version = 1
const headBytes = 22
const checkBytes = 4
/** Kafka's tools stop well below this; a longer cursor is no cursor. */
const positionsMax = 100_000
const varintBytesMax = 8

export function encodeCursor(cursor: Cursor): string {
  const { positions } = cursor
  const buffer = Buffer.allocUnsafe(
    headBytes + varintBytesMax * (1 + 3 * positions.length) + checkBytes,
  )
  buffer[0] = version
  buffer[1] = cursor.allPartitions ? 1 : 0
  buffer.write(cursor.topicId, 2, 16, 'base64url')
  buffer.writeUInt32BE(cursor.filter, 18)
  let at = writeVarint(buffer, headBytes, positions.length)
  for (const position of positions) {
    at = writeVarint(buffer, at, position.partition)
    at = writeVarint(buffer, at, position.offset)
    at = writeVarint(buffer, at, position.leaderEpoch + 1)
  }
  buffer.writeUInt32BE(crc32c(buffer.subarray(0, at)), at)
  return buffer.toString('base64url', 0, at + checkBytes)
}

/** undefined: not a cursor of ours. */
export function decodeCursor(text: string): Cursor | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return undefined
  const buffer = Buffer.from(text, 'base64url')
  const end = buffer.length - checkBytes
  if (end <= headBytes || buffer[0] !== version || buffer[1] > 1) return undefined
  if (crc32c(buffer.subarray(0, end)) !== buffer.readUInt32BE(end)) return undefined
  const input = { buffer, at: headBytes, end }
  const count = readVarint(input)
  if (count > positionsMax) return undefined
  const positions: Position[] = []
  for (let index = 0; index < count; index += 1) {
    const partition = readVarint(input)
    const offset = readVarint(input)
    const leaderEpoch = readVarint(input) - 1
    if (!Number.isSafeInteger(partition + offset + leaderEpoch)) return undefined
    positions.push({ partition, offset, leaderEpoch })
  }
  if (input.at !== end) return undefined
  return {
    topicId: buffer.toString('base64url', 2, 18),
    allPartitions: buffer[1] === 1,
    filter: buffer.readUInt32BE(18),
    positions,
  }
}

function writeVarint(buffer: Buffer, at: number, value: number): number {
  let rest = value
  let next = at
  while (rest > 0x7f) {
    buffer[next] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
    next += 1
  }
  buffer[next] = rest
  return next + 1
}

/** NaN when the varint is cut off or longer than a safe integer can be. */
function readVarint(input: { buffer: Buffer; at: number; end: number }): number {
  let value = 0
  let scale = 1
  for (let length = 0; length < varintBytesMax && input.at < input.end; length += 1) {
    const byte = input.buffer[input.at]
    input.at += 1
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value
    scale *= 0x80
  }
  return Number.NaN
}
