// Snappy as Kafka clients write it: the framing of snappy-java ("xerial"), or one raw block (librdkafka,
// older Go clients). Both are read, as Kafka does; the framing is written, which every client reads.
//
//   stream = 0x82 'SNAPPY' 0x00 version:4 compatible:4 (length:4 block)*      big-endian

import { createRequire } from 'node:module'
import { errors } from '../errors.ts'
import { RecordsError } from './records-error.ts'
import { decodeSnappyBlock, encodeSnappyBlock, snappyLength } from './snappy-block.ts'

interface NativeSnappy {
  compressSync(input: Uint8Array): Buffer
  uncompressSync(input: Uint8Array): Buffer
}

const streamHeader = Buffer.from([
  0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1,
])
const magicBytes = 8
/** What snappy-java takes by default: its readers size their buffers by it. */
const blockBytes = 32 * 1024
/** No element decodes to more than 64 bytes from less than 3, so a larger claim is a lie. */
const expansionMax = 32

let native: NativeSnappy | undefined | null = null // null: not tried yet

export function compressSnappy(input: Buffer): Buffer {
  const compressBlock = loadNative()?.compressSync ?? encodeSnappyBlock
  const parts: Buffer[] = [streamHeader]
  for (let at = 0; at < input.length; at += blockBytes) {
    const block = compressBlock(input.subarray(at, at + blockBytes))
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32BE(block.length, 0)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

/** Throws RecordsError: INVALID_RECORD for what is not Snappy, MESSAGE_TOO_LARGE beyond `maxBytes`. */
export function decompressSnappy(input: Buffer, maxBytes: number): Buffer {
  if (!isStreamHeader(input, 0)) return decompressBlock(input, maxBytes)
  const blocks: Buffer[] = []
  let bytes = 0
  for (let at = streamHeader.length; at < input.length; ) {
    if (isStreamHeader(input, at)) {
      at += streamHeader.length // streams may follow each other
      continue
    }
    const length = at + 4 <= input.length ? input.readUInt32BE(at) : Number.POSITIVE_INFINITY
    const start = at + 4
    if (start + length > input.length) throw malformed('a block is cut off')
    const block = decompressBlock(input.subarray(start, start + length), maxBytes - bytes)
    bytes += block.length
    blocks.push(block)
    at = start + length
  }
  return blocks.length === 1 ? blocks[0] : Buffer.concat(blocks, bytes)
}

function decompressBlock(input: Buffer, maxBytes: number): Buffer {
  const claimed = snappyLength(input)
  if (claimed === undefined) throw malformed('its length is missing')
  // Checked before anything is allocated: the length is whatever the sender wrote.
  if (claimed.length > maxBytes) {
    throw new RecordsError(
      errors.MESSAGE_TOO_LARGE,
      `Snappy data claims ${claimed.length} bytes where ${maxBytes} are allowed`,
    )
  }
  if (claimed.length > input.length * expansionMax) throw malformed('its length is impossible')
  const library = loadNative()
  if (library === undefined) {
    const output = decodeSnappyBlock(input)
    if (output === undefined) throw malformed('a block does not decode')
    return output
  }
  try {
    return library.uncompressSync(input)
  } catch (cause) {
    throw malformed('a block does not decode', cause)
  }
}

function isStreamHeader(input: Buffer, at: number): boolean {
  if (at + streamHeader.length > input.length) return false
  return input.compare(streamHeader, 0, magicBytes, at, at + magicBytes) === 0
}

function malformed(detail: string, cause?: unknown): RecordsError {
  return new RecordsError(errors.INVALID_RECORD, `malformed Snappy data: ${detail}`, cause)
}

function loadNative(): NativeSnappy | undefined {
  if (native === null) {
    try {
      native = createRequire(import.meta.url)('snappy') as NativeSnappy
    } catch {
      native = undefined // no prebuilt binary for this platform
    }
  }
  return native
}
