// LZ4 frames, as Kafka has them in record batches of format 2 (independent blocks, header checksum right).
//
//   frame = magic:4 flags:1 blockSize:1 [contentSize:8] [dictionary:4] headerChecksum:1
//           (size:4 bytes [checksum:4])* 0:4 [contentChecksum:4]              little-endian
//   size  = bytes of the block; the top bit says that they are stored as they are

import { createRequire } from 'node:module'
import { errors } from '../errors.ts'
import { decodeLz4Block, encodeLz4Block, encodeLz4BlockDeep } from './lz4-block.ts'
import { RecordsError } from './records-error.ts'
import { xxhash32 } from './xxhash32.ts'

interface NativeLz4 {
  compressFrameSync(input: Buffer): Buffer
  decompressFrameSync(input: Buffer): Buffer
}

const magic = 0x184d2204
const headerBytesMin = 7
const storedBit = 0x8000_0000
const flag = {
  version1: 0x40,
  independent: 0x20,
  blockChecksum: 0x10,
  contentSize: 0x08,
  contentChecksum: 0x04,
  dictionary: 0x01,
} as const
const versionMask = 0xc0
/** No block decodes to more than this many times its size: a length byte of 255 stands for 255 bytes. */
const expansionMax = 255
/** Of the frames written here; the smallest there is, and what Kafka's own writer takes. */
const ownBlockBytes = 64 * 1024
const ownBlockCode = 0x40

interface Block {
  at: number
  end: number
  stored: boolean
}

interface Frame {
  blocks: Block[]
  /** Where the frame ends in its input. */
  end: number
  /** The most bytes that it can decode to. */
  boundBytes: number
  contentChecksumAt: number | undefined
}

let native: NativeLz4 | undefined | null = null // null: not tried yet

/** Kafka's default level, at which its clients compress fast; at any other they search, the longer the higher. */
const fastLevel = 9
/** Candidates for a match at the highest levels: the event loop waits for a search. */
const candidatesMax = 64

/** `level` is Kafka's compression.lz4.level, 1 to 17. */
export function compressLz4(input: Buffer, level = fastLevel): Buffer {
  if (level !== fastLevel) return encodeLz4Frame(input, Math.min(2 ** (level - 1), candidatesMax))
  return loadNative()?.compressFrameSync(input) ?? encodeLz4Frame(input)
}

/** Throws RecordsError: INVALID_RECORD for what is not LZ4, MESSAGE_TOO_LARGE beyond `maxBytes`. */
export function decompressLz4(input: Buffer, maxBytes: number): Buffer {
  const frame = readFrame(input)
  const library = loadNative()
  // The native decoder has no limit of its own: it only gets frames that cannot exceed it.
  if (library === undefined || frame.boundBytes > maxBytes)
    return decodeFrame(input, frame, maxBytes)
  try {
    return library.decompressFrameSync(input.subarray(0, frame.end))
  } catch (cause) {
    throw malformed('a block does not decode', cause)
  }
}

/** The frame codec in JavaScript: the fallback, and the way to decode within an exact limit. */
export function decodeLz4Frame(input: Buffer, maxBytes: number): Buffer {
  return decodeFrame(input, readFrame(input), maxBytes)
}

/** `candidates`: how many are looked at for the longest match; default: one, without a search. */
export function encodeLz4Frame(input: Buffer, candidates?: number): Buffer {
  const header = Buffer.allocUnsafe(headerBytesMin)
  header.writeUInt32LE(magic, 0)
  header[4] = flag.version1 | flag.independent
  header[5] = ownBlockCode
  header[6] = xxhash32(header, 4, 6) >>> 8
  const parts: Buffer[] = [header]
  for (let at = 0; at < input.length; at += ownBlockBytes) {
    const plain = input.subarray(at, at + ownBlockBytes)
    const packed =
      candidates === undefined ? encodeLz4Block(plain) : encodeLz4BlockDeep(plain, candidates)
    const stored = packed.length >= plain.length
    const block = stored ? plain : packed
    const size = Buffer.allocUnsafe(4)
    size.writeUInt32LE(block.length + (stored ? storedBit : 0), 0)
    parts.push(size, block)
  }
  parts.push(Buffer.alloc(4))
  return Buffer.concat(parts)
}

/** Finds the blocks of a frame without decoding them, and what they can grow to at most. */
function readFrame(input: Buffer): Frame {
  if (input.length < headerBytesMin) throw malformed('its header is cut off')
  if (input.readUInt32LE(0) !== magic) throw malformed('it does not begin with the magic number')
  const flags = input[4]
  if ((flags & versionMask) !== flag.version1) throw malformed('its version is unknown')
  if (flags & flag.dictionary) throw malformed('it needs a dictionary')
  const blockCode = (input[5] >>> 4) & 7
  if (blockCode < 4) throw malformed('its block size is unknown')
  const blockBytesMax = 1 << (8 + 2 * blockCode)
  const checksumAt = flags & flag.contentSize ? 14 : 6
  if (checksumAt >= input.length) throw malformed('its header is cut off')
  if (input[checksumAt] !== ((xxhash32(input, 4, checksumAt) >>> 8) & 0xff)) {
    throw malformed('the checksum of its header is wrong')
  }
  const blocks: Block[] = []
  let boundBytes = 0
  for (let at = checksumAt + 1; ; ) {
    if (at + 4 > input.length) throw malformed('a block is cut off')
    const size = input.readUInt32LE(at)
    at += 4
    if (size === 0) {
      const hasChecksum = (flags & flag.contentChecksum) !== 0
      const end = at + (hasChecksum ? 4 : 0)
      if (end > input.length) throw malformed('its checksum is cut off')
      return { blocks, end, boundBytes, contentChecksumAt: hasChecksum ? at : undefined }
    }
    const stored = size >= storedBit
    const bytes = stored ? size - storedBit : size
    const end = at + bytes
    if (bytes > blockBytesMax || end > input.length) throw malformed('a block is cut off')
    blocks.push({ at, end, stored })
    boundBytes += stored ? bytes : Math.min(blockBytesMax, bytes * expansionMax)
    at = end + (flags & flag.blockChecksum ? 4 : 0)
  }
}

function decodeFrame(input: Buffer, frame: Frame, maxBytes: number): Buffer {
  const output = Buffer.allocUnsafe(Math.min(frame.boundBytes, maxBytes))
  let to = 0
  for (const block of frame.blocks) {
    if (block.stored) {
      if (to + block.end - block.at > output.length) throw tooLarge(maxBytes)
      output.set(input.subarray(block.at, block.end), to)
      to += block.end - block.at
      continue
    }
    to = decodeLz4Block(input, block.at, block.end, output, to)
    if (to >= 0) continue
    throw frame.boundBytes > maxBytes ? tooLarge(maxBytes) : malformed('a block does not decode')
  }
  if (frame.contentChecksumAt !== undefined) {
    if (input.readUInt32LE(frame.contentChecksumAt) !== xxhash32(output, 0, to)) {
      throw malformed('its checksum is wrong')
    }
  }
  return output.subarray(0, to)
}

function malformed(detail: string, cause?: unknown): RecordsError {
  return new RecordsError(errors.INVALID_RECORD, `malformed LZ4 frame: ${detail}`, cause)
}

function tooLarge(maxBytes: number): RecordsError {
  return new RecordsError(
    errors.MESSAGE_TOO_LARGE,
    `LZ4 data decodes to more than ${maxBytes} bytes`,
  )
}

function loadNative(): NativeLz4 | undefined {
  if (native === null) {
    try {
      native = createRequire(import.meta.url)('lz4-napi') as NativeLz4
    } catch {
      native = undefined // no prebuilt binary for this platform
    }
  }
  return native
}
