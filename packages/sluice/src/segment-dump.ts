// A segment's file, batch by batch, checked: its CRCs, that offsets grow, and, where records are asked for,
// that they read as the batch's header says. What the indexes are checked by is kept for each batch.

import { isUtf8 } from 'node:buffer'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { readRecord } from '@sluice/core/group/records'
import {
  type BatchHeader,
  batchCrc,
  batchHeaderBytes,
  currentMagic,
  readBatchHeader,
} from '@sluice/protocol/records/batch'
import { controlType } from '@sluice/protocol/records/control'
import { decodeRecords, type Record } from '@sluice/protocol/records/record'
import { RecordsError } from '@sluice/protocol/records/records-error'
import { type Fields, type LogFinding, mismatch, summary } from './log-finding.ts'

/** Where a batch lies, and what indexes say of it. */
export interface IndexedBatch {
  readonly position: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly maxTimestamp: number
}

export interface SegmentOptions {
  readonly baseOffset: number
  readonly records: boolean
  /** Records are those of __consumer_offsets. */
  readonly offsetsTopic: boolean
  /** Gets every batch that is whole, in order. */
  readonly onBatch: (batch: IndexedBatch, header: BatchHeader) => void
}

/** A length beyond this is damage: no request is as large. */
const batchBytesMax = 256 * 1024 * 1024

export function* dumpSegment(file: string, options: SegmentOptions): Generator<LogFinding> {
  const source = openSync(file, 'r')
  try {
    yield* dumpBatches(source, fstatSync(source).size, options)
  } finally {
    closeSync(source)
  }
}

function* dumpBatches(
  source: number,
  fileBytes: number,
  options: SegmentOptions,
): Generator<LogFinding> {
  let position = 0
  let nextOffset = options.baseOffset
  let batches = 0
  let records = 0
  while (position < fileBytes) {
    const batch = readBatch(source, position, fileBytes)
    if (typeof batch === 'string') {
      const rest = fileBytes - position
      yield mismatch(`${batch}: ${rest} bytes are no batch`, { position, bytes: rest })
      break
    }
    const header = readBatchHeader(batch, 0)
    const lastOffset = header.baseOffset + header.lastOffsetDelta
    const isValid = batchCrc(batch, 0) === header.crc
    yield { kind: 'batch', fields: batchFields(header, { position, isValid }) }
    if (!isValid) yield mismatch('the CRC of a batch is wrong', { position })
    if (header.baseOffset < nextOffset) {
      const found = { position, baseOffset: header.baseOffset, expected: nextOffset }
      yield mismatch('offsets do not grow', found)
    }
    if (options.records && isValid) yield* dumpRecords(batch, { header, position, options })
    const { baseOffset, maxTimestamp } = header
    options.onBatch({ position, baseOffset, lastOffset, maxTimestamp }, header)
    batches += 1
    records += header.recordCount
    nextOffset = Math.max(nextOffset, lastOffset + 1)
    position += header.batchBytes
  }
  yield summary({ batches, records, nextOffset, bytes: fileBytes })
}

/** The whole batch at `position`, or why there is none. */
function readBatch(source: number, position: number, fileBytes: number): Buffer | string {
  if (position + batchHeaderBytes > fileBytes) return 'the file ends within the header of a batch'
  const head = readAt(source, position, batchHeaderBytes)
  const { batchBytes, magic } = readBatchHeader(head, 0)
  if (batchBytes < batchHeaderBytes || batchBytes > batchBytesMax) {
    return `a batch cannot be ${batchBytes} bytes long`
  }
  if (magic !== currentMagic) return `record format ${magic} is not known`
  if (position + batchBytes > fileBytes) return 'the file ends within a batch'
  return readAt(source, position, batchBytes)
}

function readAt(source: number, position: number, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(bytes)
  let read = 0
  while (read < bytes) {
    const more = readSync(source, buffer, read, bytes - read, position + read)
    if (more === 0) return buffer.fill(0, read)
    read += more
  }
  return buffer
}

function batchFields(
  header: BatchHeader,
  { position, isValid }: { position: number; isValid: boolean },
): Fields {
  const { baseOffset, recordCount, baseSequence, lastOffsetDelta, hasDeleteHorizon } = header
  return {
    baseOffset,
    lastOffset: baseOffset + lastOffsetDelta,
    count: recordCount,
    baseSequence,
    lastSequence: baseSequence < 0 ? -1 : (baseSequence + lastOffsetDelta) % 2 ** 31,
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    partitionLeaderEpoch: header.leaderEpoch,
    isTransactional: header.transactional,
    isControl: header.control,
    deleteHorizonMs: hasDeleteHorizon ? header.baseTimestamp : null,
    position,
    [header.logAppendTime ? 'LogAppendTime' : 'CreateTime']: header.maxTimestamp,
    size: header.batchBytes,
    magic: header.magic,
    compresscodec: header.codec,
    crc: header.crc,
    isvalid: isValid,
  }
}

function* dumpRecords(
  batch: Buffer,
  { header, position, options }: { header: BatchHeader; position: number; options: SegmentOptions },
): Generator<LogFinding> {
  let records: Record[]
  try {
    records = decodeRecords(batch, 0)
  } catch (error) {
    if (!(error instanceof RecordsError)) throw error
    yield mismatch(error.message, { position })
    return
  }
  let last = -1
  for (const record of records) {
    if (record.offset <= last || record.offset > header.baseOffset + header.lastOffsetDelta) {
      yield mismatch('a record has an offset outside of its batch', {
        position,
        offset: record.offset,
      })
    }
    last = record.offset
    yield { kind: 'record', fields: recordFields(record, header, options) }
  }
}

function recordFields(record: Record, header: BatchHeader, options: SegmentOptions): Fields {
  const { offset, timestamp, key, value, headers } = record
  const { baseSequence } = header
  return {
    offset,
    [header.logAppendTime ? 'LogAppendTime' : 'CreateTime']: timestamp,
    keySize: key?.length ?? -1,
    valueSize: value?.length ?? -1,
    ...(baseSequence >= 0 && { sequence: (baseSequence + offset - header.baseOffset) % 2 ** 31 }),
    headerKeys: headers.map((of) => of.key),
    ...contentOf(record, header, options),
  }
}

function contentOf(record: Record, header: BatchHeader, { offsetsTopic }: SegmentOptions): Fields {
  const { key, value } = record
  if (header.control) return { endTxnMarker: controlType(key).toUpperCase() }
  const read = offsetsTopic ? readRecord(record) : undefined
  switch (read?.kind) {
    case 'offset': {
      const { groupId, topic, partition } = read.key
      const { committed } = read
      const payload = committed && { offset: committed.offset, metadata: committed.metadata }
      return { key: `offset_commit::group=${groupId},partition=${topic}-${partition}`, payload }
    }
    case 'group': {
      const { group } = read
      const payload = group && {
        protocol: group.metadata.protocolName,
        generation: group.metadata.generation,
        members: group.metadata.members.length,
      }
      return { key: `group_metadata::group=${read.groupId}`, payload }
    }
    default:
      return { key: textOf(key), payload: textOf(value) }
  }
}

function textOf(bytes: Buffer | null): string | null {
  if (bytes === null) return null
  return isUtf8(bytes) ? bytes.toString('utf8') : `base64:${bytes.toString('base64')}`
}
