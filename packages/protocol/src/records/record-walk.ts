// RecordWalk: goes over the records of a batch in place, for whoever has to look at millions of them: it
// is one object, moved from record to record, and copies nothing.
//
//   const walk = new RecordWalk(buffer, header)
//   while (walk.next()) if (walk.keyBytes >= 0) see(walk.bytes, walk.keyAt, walk.keyBytes)

import { errors } from '../errors.ts'
import type { BatchHeader } from './batch.ts'
import { openRecords } from './record.ts'
import { RecordCursor } from './record-cursor.ts'
import { RecordsError } from './records-error.ts'

export class RecordWalk {
  /** The batch's records, decompressed where they were compressed; all positions are of it. */
  readonly bytes: Buffer
  offset = -1
  timestamp = -1
  /** Where the record begins (its length field), where what follows its timestamp does, and where it ends. */
  start = 0
  restAt = 0
  end = 0
  keyAt = 0
  /** -1: it has no key. */
  keyBytes = -1
  /** -1: it has no value, it is a tombstone. */
  valueBytes = -1
  readonly #header: BatchHeader
  readonly #cursor: RecordCursor
  #left: number

  /** Throws RecordsError where the records do not open. */
  constructor(buffer: Buffer, header: BatchHeader) {
    const opened = openRecords(buffer, header)
    this.bytes = opened.bytes
    this.#header = header
    this.#cursor = new RecordCursor(opened.bytes, opened.start, opened.end)
    this.#left = header.recordCount
  }

  /** Goes to the next record; false behind the last. Throws RecordsError for what is no record. */
  next(): boolean {
    const cursor = this.#cursor
    if (this.#left <= 0) {
      if (cursor.at !== cursor.end) throw malformed('bytes follow its last record')
      return false
    }
    this.#left -= 1
    const header = this.#header
    this.start = cursor.at
    const length = cursor.varint()
    this.end = cursor.at + length
    cursor.int8() // attributes: none are defined
    const timestampDelta = cursor.varlong()
    this.restAt = cursor.at
    this.offset = header.baseOffset + cursor.varint()
    this.timestamp = header.logAppendTime
      ? header.maxTimestamp
      : header.baseTimestamp + timestampDelta
    this.keyBytes = Math.max(-1, cursor.varint())
    this.keyAt = cursor.at
    cursor.skip(this.keyBytes)
    this.valueBytes = Math.max(-1, cursor.varint())
    cursor.skip(this.valueBytes)
    if (cursor.failed || length < 0 || cursor.at > this.end || this.end > cursor.end) {
      throw malformed('a record is cut off')
    }
    cursor.at = this.end
    return true
  }
}

function malformed(detail: string): RecordsError {
  return new RecordsError(errors.CORRUPT_MESSAGE, `malformed record batch: ${detail}`)
}
