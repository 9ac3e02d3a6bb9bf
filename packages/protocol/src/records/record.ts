// Records of a batch as objects: decoded for whoever reads them one by one, encoded for a producer.
// Keys and values are views on the batch (on the decompressed bytes where it is compressed): they stay
// valid as long as nobody writes into that buffer.

import { errors } from '../errors.ts'
import {
  attributeBits,
  type BatchHeader,
  batchField,
  batchHeaderBytes,
  batchLengthPrefixBytes,
  type Codec,
  codecOf,
  codecs,
  currentMagic,
  noProducerId,
  noSequence,
  noTimestamp,
  readBatchHeader,
  writeInt32,
  writeInt64,
} from './batch.ts'
import { compress, decompress } from './compression.ts'
import { crc32cRange } from './crc32c.ts'
import { RecordCursor } from './record-cursor.ts'
import { type RecordInput, recordBytesMax, writeRecord } from './record-writer.ts'
import { RecordsError } from './records-error.ts'

/** What the records of one batch may decompress to where the caller sets no limit of its own. */
export const decompressedBytesMax = 128 * 1024 * 1024

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

export interface Record {
  readonly offset: number
  /** Milliseconds since 1970; of the batch where the broker stamped it. -1 for none. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/** A record to be encoded. */
export interface BatchInput {
  /** At least one. */
  readonly records: readonly RecordInput[]
  readonly baseOffset?: number
  readonly leaderEpoch?: number
  readonly codec?: Codec
  readonly level?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
  readonly control?: boolean
  /** Its first record has a key mark (key-mark.ts). */
  readonly keyMark?: boolean
  /** Set: the batch is marked LogAppendTime and carries this time. */
  readonly logAppendTime?: number
  /** Gives at least so many bytes of memory for the batch uncompressed. Default: Node's. */
  readonly allocate?: (bytes: number) => Buffer
}

const noHeaders: readonly RecordHeader[] = Object.freeze([])

/** The records' bytes of a batch, decompressed where needed, and the bounds within which they lie. */
export interface RecordBytes {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/** Throws RecordsError where the records do not decompress within `maxBytes`. */
export function openRecords(
  buffer: Buffer,
  header: BatchHeader,
  maxBytes = decompressedBytesMax,
): RecordBytes {
  const start = header.at + batchHeaderBytes
  const end = header.at + header.batchBytes
  const codec = codecOf(header.attributes)
  if (codec === undefined) {
    const message = `no codec has the number ${header.attributes & attributeBits.codec}`
    throw new RecordsError(errors.UNSUPPORTED_COMPRESSION_TYPE, message)
  }
  if (codec === 'none' || start === end) return { bytes: buffer, start, end }
  const bytes = decompress(codec, buffer.subarray(start, end), maxBytes)
  return { bytes, start: 0, end: bytes.length }
}

/**
 * Decodes the batch at `at`. Its CRC has been checked before (`batchCrc`). Throws RecordsError when the
 * batch is not whole, of another format, or its records do not read as its header says.
 */
export function decodeRecords(
  buffer: Buffer,
  at: number,
  options: { maxBytes?: number } = {},
): Record[] {
  if (at + batchHeaderBytes > buffer.length) throw malformed('its header is cut off')
  const header = readBatchHeader(buffer, at)
  if (header.magic !== currentMagic) throw malformed(`its format is ${header.magic}, not 2`)
  if (header.batchBytes < batchHeaderBytes || at + header.batchBytes > buffer.length) {
    throw malformed('its length is wrong')
  }
  const { bytes, start, end } = openRecords(buffer, header, options.maxBytes)
  const cursor = new RecordCursor(bytes, start, end)
  // A record takes seven bytes at the least, so a false count cannot reserve memory it does not have.
  if (header.recordCount < 0 || header.recordCount > (end - start) / recordBytesMin) {
    throw malformed(`it cannot hold ${header.recordCount} records`)
  }
  const records = new Array<Record>(header.recordCount)
  for (let index = 0; index < records.length; index++) {
    records[index] = readRecord(cursor, bytes, header)
  }
  if (cursor.at !== end) throw malformed('bytes follow its last record')
  return records
}

/** length, attributes, timestamp delta, offset delta, key length, value length, header count: a byte each. */
export const recordBytesMin = 7

function readRecord(cursor: RecordCursor, bytes: Buffer, header: BatchHeader): Record {
  const length = cursor.varint()
  const end = cursor.at + length
  if (length < 0 || end > cursor.end) throw malformed('a record is cut off')
  cursor.int8() // attributes: none are defined
  const timestampDelta = cursor.varlong()
  const offsetDelta = cursor.varint()
  const key = readBytes(cursor, bytes)
  const value = readBytes(cursor, bytes)
  const headerCount = cursor.varint()
  const headers = headerCount === 0 ? noHeaders : readHeaders(cursor, bytes, headerCount)
  if (cursor.failed || cursor.at !== end) throw malformed('a record does not fill its length')
  return {
    offset: header.baseOffset + offsetDelta,
    timestamp: header.logAppendTime ? header.maxTimestamp : header.baseTimestamp + timestampDelta,
    key,
    value,
    headers,
  }
}

function readHeaders(cursor: RecordCursor, bytes: Buffer, count: number): RecordHeader[] {
  if (count < 0 || count > cursor.end - cursor.at) throw malformed(`a record has ${count} headers`)
  const headers: RecordHeader[] = []
  for (let index = 0; index < count; index++) {
    const key = readBytes(cursor, bytes)
    if (key === null) throw malformed('the key of a header is null')
    headers.push({ key: key.toString('utf8'), value: readBytes(cursor, bytes) })
  }
  return headers
}

function readBytes(cursor: RecordCursor, bytes: Buffer): Buffer | null {
  const length = cursor.varint()
  if (length < 0) return null
  const at = cursor.at
  cursor.skip(length)
  return bytes.subarray(at, cursor.at)
}

/** Encodes one batch; offsets, and sequences where there are any, count up from the first record's. */
export function encodeBatch(batch: BatchInput): Buffer {
  const { records, allocate = Buffer.allocUnsafe } = batch
  if (records.length === 0) throw new RangeError('a batch needs at least one record')
  const baseTimestamp = records[0].timestamp
  let bound = batchHeaderBytes
  let maxTimestamp = noTimestamp
  for (const record of records) {
    bound += recordBytesMax(record)
    if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp
  }
  const plain = allocate(bound)
  let end = batchHeaderBytes
  for (let index = 0; index < records.length; index++) {
    end = writeRecord(plain, end, records[index], index, baseTimestamp)
  }
  const codec = batch.codec ?? 'none'
  const buffer = codec === 'none' ? plain.subarray(0, end) : packed(plain, end, codec, batch.level)
  writeHeader(buffer, batch, { codec, baseTimestamp, maxTimestamp })
  return buffer
}

function packed(plain: Buffer, end: number, codec: Codec, level: number | undefined): Buffer {
  const body = compress(codec, plain.subarray(batchHeaderBytes, end), level)
  const buffer = Buffer.allocUnsafe(batchHeaderBytes + body.length)
  buffer.set(body, batchHeaderBytes)
  return buffer
}

function writeHeader(
  buffer: Buffer,
  batch: BatchInput,
  times: { codec: Codec; baseTimestamp: number; maxTimestamp: number },
): void {
  const attributes =
    codecs.indexOf(times.codec) |
    (batch.logAppendTime === undefined ? 0 : attributeBits.logAppendTime) |
    (batch.transactional ? attributeBits.transactional : 0) |
    (batch.control ? attributeBits.control : 0) |
    (batch.keyMark ? attributeBits.keyMark : 0)
  writeInt64(buffer, batchField.baseOffset, batch.baseOffset ?? 0)
  writeInt32(buffer, batchField.length, buffer.length - batchLengthPrefixBytes)
  writeInt32(buffer, batchField.leaderEpoch, batch.leaderEpoch ?? -1)
  buffer[batchField.magic] = currentMagic
  buffer.writeInt16BE(attributes, batchField.attributes)
  writeInt32(buffer, batchField.lastOffsetDelta, batch.records.length - 1)
  writeInt64(buffer, batchField.baseTimestamp, times.baseTimestamp)
  writeInt64(buffer, batchField.maxTimestamp, batch.logAppendTime ?? times.maxTimestamp)
  writeInt64(buffer, batchField.producerId, batch.producerId ?? noProducerId)
  buffer.writeInt16BE(batch.producerEpoch ?? -1, batchField.producerEpoch)
  writeInt32(buffer, batchField.baseSequence, batch.baseSequence ?? noSequence)
  writeInt32(buffer, batchField.recordCount, batch.records.length)
  writeInt32(buffer, batchField.crc, crc32cRange(buffer, batchField.attributes, buffer.length))
}

function malformed(detail: string): RecordsError {
  return new RecordsError(errors.CORRUPT_MESSAGE, `malformed record batch: ${detail}`)
}
