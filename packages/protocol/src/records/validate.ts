// validateBatches: whether bytes from a Produce request may go into a log, and the error code if not.
// The rules and codes are those of Kafka 4 (ProduceRequest, UnifiedLog, LogValidator), in its order.
//
//   too short, cut off, two batches, format 0 or 1, first offset not 0 .... INVALID_RECORD
//   length impossible, format unknown, CRC wrong .......................... CORRUPT_MESSAGE
//   batch beyond max.message.bytes ........................................ MESSAGE_TOO_LARGE
//   counts, offset deltas, control batch, sequence, record layout, key .... INVALID_RECORD
//   timestamp out of range or marked LogAppendTime ........................ INVALID_TIMESTAMP
//   codec unknown, or not in this runtime ................................. UNSUPPORTED_COMPRESSION_TYPE

import { errors } from '../errors.ts'
import {
  attributeBits,
  type BatchHeader,
  batchCrc,
  batchField,
  batchHeaderBytes,
  batchLengthPrefixBytes,
  codecOf,
  currentMagic,
  noProducerId,
  noTimestamp,
  readBatchHeader,
  readInt32,
  writeMaxTimestamp,
} from './batch.ts'
import { decompressedBytesMax, openRecords, type RecordBytes, recordBytesMin } from './record.ts'
import { type RecordError, type RecordRules, type RecordsScan, scanRecords } from './record-scan.ts'
import { RecordsError } from './records-error.ts'

export interface ValidateOptions {
  /** The topic's max.message.bytes. */
  maxBatchBytes: number
  /** 'client' (default): exactly one batch, from offset 0, no control records. */
  origin?: 'client' | 'coordinator'
  /** The topic is compacted: every record needs a key. Opens compressed batches. */
  requireKeys?: boolean
  /** Opens compressed batches and checks their records too. */
  deep?: boolean
  /** Bounds of record timestamps where the topic keeps the client's (message.timestamp.before/after.max.ms). */
  earliestTimestampMs?: number
  latestTimestampMs?: number
  decompressedBytesMax?: number
}

export type ValidationFailure = {
  ok: false
  /** A Kafka error code. */
  error: number
  message: string
  recordErrors?: RecordError[]
}

export type Validation = { ok: true; batches: BatchHeader[] } | ValidationFailure

/** The shortest a batch of any format can claim to be: what a record of format 0 takes. */
const lengthFieldMin = 14
/** Enough to see the length and the format. */
const bytesUpToMagic = 17

/**
 * Checks `buffer`, which must end where its batches end. A wrong `maxTimestamp` of an uncompressed batch
 * is set right in place, as Kafka does, because the time index relies on it (older Go clients write it wrong).
 */
export function validateBatches(buffer: Buffer, options: ValidateOptions): Validation {
  const batches: BatchHeader[] = []
  let at = 0
  do {
    const malformed = checkExtent(buffer, at)
    if (malformed !== undefined) return malformed
    const end = at + batchLengthPrefixBytes + readInt32(buffer, at + batchField.length)
    if (end < buffer.length && options.origin !== 'coordinator') {
      return invalid('a produce request holds exactly one batch a partition')
    }
    const header = readBatchHeader(buffer, at)
    const failure = checkBatch(buffer, header, options)
    if (failure !== undefined) return failure
    const checked = checkRecords(buffer, header, options)
    if ('ok' in checked) return checked
    batches.push(checked)
    at = end
  } while (at < buffer.length)
  return { ok: true, batches }
}

/** Whether a whole batch of format 2 begins at `at`. */
function checkExtent(buffer: Buffer, at: number): ValidationFailure | undefined {
  if (buffer.length - at < bytesUpToMagic) return invalid('there is no whole record batch')
  const length = readInt32(buffer, at + batchField.length)
  if (length < lengthFieldMin) return corrupt(`a batch cannot have the length ${length}`)
  const magic = buffer[at + batchField.magic]
  if (magic > currentMagic) return corrupt(`there is no record format ${magic}`)
  if (length > buffer.length - at - batchLengthPrefixBytes) return invalid('the batch is cut off')
  if (magic !== currentMagic) {
    return invalid(`record format ${magic} is no longer accepted, only format 2 is`)
  }
  if (length < batchHeaderBytes - batchLengthPrefixBytes) {
    return corrupt(`a batch cannot have the length ${length}`)
  }
  return undefined
}

/** What the header alone tells, and the CRC. */
function checkBatch(
  buffer: Buffer,
  header: BatchHeader,
  options: ValidateOptions,
): ValidationFailure | undefined {
  const ofClient = options.origin !== 'coordinator'
  if (ofClient && header.baseOffset !== 0) {
    return invalid(`the first offset of a batch must be 0, not ${header.baseOffset}`)
  }
  if (header.batchBytes > options.maxBatchBytes) {
    const message = `the batch has ${header.batchBytes} bytes, the topic takes ${options.maxBatchBytes}`
    return { ok: false, error: errors.MESSAGE_TOO_LARGE, message }
  }
  const crc = batchCrc(buffer, header.at)
  if (crc !== header.crc)
    return corrupt(`the CRC is ${hex(crc)}, the batch says ${hex(header.crc)}`)
  const { recordCount, lastOffsetDelta } = header
  if (recordCount <= 0) return invalid(`a batch cannot hold ${recordCount} records`)
  if (lastOffsetDelta !== recordCount - 1) {
    return invalid(`the last offset delta is ${lastOffsetDelta} with ${recordCount} records`)
  }
  if (ofClient && header.control) return invalid('clients may not write control records')
  if (header.producerId !== noProducerId) {
    if (!Number.isSafeInteger(header.producerId)) return invalid('there is no such producer id')
    if (ofClient && header.baseSequence < 0) {
      return invalid(`the sequence of an idempotent producer cannot be ${header.baseSequence}`)
    }
  }
  if (codecOf(header.attributes) === undefined) {
    const message = `no codec has the number ${header.attributes & attributeBits.codec}`
    return { ok: false, error: errors.UNSUPPORTED_COMPRESSION_TYPE, message }
  }
  return checkTimestamps(header, options)
}

function checkTimestamps(
  header: BatchHeader,
  options: ValidateOptions,
): ValidationFailure | undefined {
  if (header.logAppendTime && options.origin !== 'coordinator') {
    return untimely('a producer cannot set the timestamp type to LogAppendTime')
  }
  const { baseTimestamp, maxTimestamp } = header
  if (!Number.isSafeInteger(baseTimestamp) || !Number.isSafeInteger(maxTimestamp)) {
    return untimely('a timestamp is out of range')
  }
  // Of batches that are not opened the header has to do; in the others every record is looked at.
  if (header.codec !== 'none') {
    const tooLate = maxTimestamp > (options.latestTimestampMs ?? Number.POSITIVE_INFINITY)
    const tooEarly = baseTimestamp < (options.earliestTimestampMs ?? Number.NEGATIVE_INFINITY)
    if (tooLate) return untimely(`timestamp ${maxTimestamp} is out of range`)
    if (tooEarly && baseTimestamp !== noTimestamp) {
      return untimely(`timestamp ${baseTimestamp} is out of range`)
    }
  }
  return undefined
}

/** Hops over the records. Returns the header, read again where it had to be set right. */
function checkRecords(
  buffer: Buffer,
  header: BatchHeader,
  options: ValidateOptions,
): BatchHeader | ValidationFailure {
  const compressed = header.codec !== 'none'
  const bytesMax = options.decompressedBytesMax ?? decompressedBytesMax
  if (header.recordCount > bytesMax / recordBytesMin) {
    // Nobody could open it, and offsets would be used up by the billion.
    return invalid(`a batch cannot hold ${header.recordCount} records`)
  }
  if (compressed && options.deep !== true && options.requireKeys !== true) return header
  let opened: RecordBytes
  try {
    opened = openRecords(buffer, header, bytesMax)
  } catch (error) {
    if (!(error instanceof RecordsError)) throw error
    return { ok: false, error: error.code, message: error.message }
  }
  const rules: RecordRules = {
    requireKeys: options.requireKeys === true,
    earliestTimestampMs: options.earliestTimestampMs ?? Number.NEGATIVE_INFINITY,
    latestTimestampMs: options.latestTimestampMs ?? Number.POSITIVE_INFINITY,
  }
  const scan = scanRecords(opened, header, rules)
  if (scan.malformed !== undefined) return invalid(scan.malformed)
  if (scan.recordErrors !== undefined) return recordFailure(scan)
  if (header.logAppendTime || scan.maxTimestamp === header.maxTimestamp) return header
  writeMaxTimestamp(buffer, header.at, scan.maxTimestamp)
  return readBatchHeader(buffer, header.at)
}

function recordFailure(scan: RecordsScan): ValidationFailure {
  const recordErrors = scan.recordErrors ?? []
  if (scan.untimely) {
    const message = 'one or more records have been rejected due to invalid timestamp'
    return { ok: false, error: errors.INVALID_TIMESTAMP, message, recordErrors }
  }
  const message = `${recordErrors.length} records have been rejected: ${recordErrors[0].message}`
  return { ok: false, error: errors.INVALID_RECORD, message, recordErrors }
}

function invalid(message: string): ValidationFailure {
  return { ok: false, error: errors.INVALID_RECORD, message }
}

function corrupt(message: string): ValidationFailure {
  return { ok: false, error: errors.CORRUPT_MESSAGE, message }
}

function untimely(message: string): ValidationFailure {
  return { ok: false, error: errors.INVALID_TIMESTAMP, message }
}

function hex(crc: number): string {
  return `0x${crc.toString(16).padStart(8, '0')}`
}
