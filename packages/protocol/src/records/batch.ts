// The header of a record batch of format 2 (KIP-98), read and patched in place.
//
//   0 baseOffset:8  8 length:4  12 leaderEpoch:4  16 magic:1  17 crc:4  21 attributes:2  23 lastOffsetDelta:4
//   27 baseTimestamp:8  35 maxTimestamp:8  43 producerId:8  51 producerEpoch:2  53 baseSequence:4  57 count:4
//
// `length` counts from byte 12 on. The CRC covers byte 21 to the end, so base offset and leader epoch
// may be written into a batch without touching the rest; anything later needs the CRC again.

import { crc32cRange } from './crc32c.ts'

/** Bytes of a batch before its first record. */
export const batchHeaderBytes = 61
/** Bytes of a batch that its length field does not count: base offset and the length itself. */
export const batchLengthPrefixBytes = 12
/** The only record format there is: 0 and 1 went away with Kafka 4.0 (KIP-724). */
export const currentMagic = 2
export const noTimestamp = -1
export const noProducerId = -1
export const noSequence = -1

export type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** By the number in the low three bits of a batch's attributes. */
export const codecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

export const batchField = {
  baseOffset: 0,
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
} as const

export const attributeBits = {
  codec: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  deleteHorizon: 0x40,
  /** Ours, of the byte that Kafka leaves alone: see key-mark.ts. */
  keyMark: 0x4000,
} as const

export interface BatchHeader {
  /** Where the batch begins in its buffer. */
  readonly at: number
  /** The whole batch, with the 12 bytes before what its length field counts. */
  readonly batchBytes: number
  readonly baseOffset: number
  readonly leaderEpoch: number
  readonly magic: number
  readonly crc: number
  readonly attributes: number
  /** 'none' where the attributes name a codec that does not exist: see `codecOf`. */
  readonly codec: Codec
  readonly logAppendTime: boolean
  readonly transactional: boolean
  readonly control: boolean
  readonly hasDeleteHorizon: boolean
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/** Reads the header at `at`. The caller has made sure that 61 bytes are there; nothing else is checked. */
export function readBatchHeader(buffer: Buffer, at: number): BatchHeader {
  if (at < 0 || at + batchHeaderBytes > buffer.length) {
    throw new RangeError(`no batch header at byte ${at} of ${buffer.length}`)
  }
  const attributes = (buffer[at + 21] << 8) | buffer[at + 22]
  return {
    at,
    batchBytes: batchLengthPrefixBytes + readInt32(buffer, at + 8),
    baseOffset: readInt64(buffer, at),
    leaderEpoch: readInt32(buffer, at + 12),
    magic: (buffer[at + 16] << 24) >> 24,
    crc: readInt32(buffer, at + 17) >>> 0,
    attributes,
    codec: codecOf(attributes) ?? 'none',
    logAppendTime: (attributes & attributeBits.logAppendTime) !== 0,
    transactional: (attributes & attributeBits.transactional) !== 0,
    control: (attributes & attributeBits.control) !== 0,
    hasDeleteHorizon: (attributes & attributeBits.deleteHorizon) !== 0,
    lastOffsetDelta: readInt32(buffer, at + 23),
    baseTimestamp: readInt64(buffer, at + 27),
    maxTimestamp: readInt64(buffer, at + 35),
    producerId: readInt64(buffer, at + 43),
    producerEpoch: (((buffer[at + 51] << 8) | buffer[at + 52]) << 16) >> 16,
    baseSequence: readInt32(buffer, at + 53),
    recordCount: readInt32(buffer, at + 57),
  }
}

/** The codec that batch attributes name; undefined for the numbers that mean none (5 to 7). */
export function codecOf(attributes: number): Codec | undefined {
  return codecs[attributes & attributeBits.codec]
}

/** Gives a batch its place in a log. These fields lie outside the CRC. */
export function patchBatch(
  buffer: Buffer,
  at: number,
  place: { baseOffset: number; leaderEpoch: number },
): void {
  writeInt64(buffer, at, place.baseOffset)
  writeInt32(buffer, at + batchField.leaderEpoch, place.leaderEpoch)
}

/** Marks a batch as stamped by the broker and computes its CRC again. The records keep their own times. */
export function stampLogAppendTime(buffer: Buffer, at: number, timestampMs: number): void {
  buffer[at + batchField.attributes + 1] |= attributeBits.logAppendTime
  writeMaxTimestamp(buffer, at, timestampMs)
}

/** Sets the greatest timestamp of a batch and computes its CRC again. */
export function writeMaxTimestamp(buffer: Buffer, at: number, timestampMs: number): void {
  writeInt64(buffer, at + batchField.maxTimestamp, timestampMs)
  writeInt32(buffer, at + batchField.crc, batchCrc(buffer, at))
}

/** The CRC that the batch at `at` should carry. The whole batch must be in the buffer. */
export function batchCrc(buffer: Buffer, at: number): number {
  const end = at + batchLengthPrefixBytes + readInt32(buffer, at + batchField.length)
  if (end < at + batchHeaderBytes || end > buffer.length) {
    throw new RangeError(`the batch at byte ${at} does not end within ${buffer.length} bytes`)
  }
  return crc32cRange(buffer, at + batchField.attributes, end)
}

export function readInt32(buffer: Uint8Array, at: number): number {
  return (buffer[at] << 24) | (buffer[at + 1] << 16) | (buffer[at + 2] << 8) | buffer[at + 3]
}

/** A number beyond 2^53 comes out rounded; whoever relies on the exact value checks that it is safe. */
export function readInt64(buffer: Uint8Array, at: number): number {
  return readInt32(buffer, at) * 0x1_0000_0000 + (readInt32(buffer, at + 4) >>> 0)
}

export function writeInt32(buffer: Uint8Array, at: number, value: number): void {
  buffer[at] = value >>> 24
  buffer[at + 1] = value >>> 16
  buffer[at + 2] = value >>> 8
  buffer[at + 3] = value
}

export function writeInt64(buffer: Uint8Array, at: number, value: number): void {
  writeInt32(buffer, at, Math.floor(value / 0x1_0000_0000))
  writeInt32(buffer, at + 4, value % 0x1_0000_0000)
}
