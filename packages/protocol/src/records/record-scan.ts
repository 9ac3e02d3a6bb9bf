// scanRecords: hops over the records of a batch without making an object of any of them, and says whether
// they are laid out as their header claims.

import { type BatchHeader, noTimestamp } from './batch.ts'
import type { RecordBytes } from './record.ts'
import { RecordCursor } from './record-cursor.ts'
import type { RecordError } from './validate.ts'

export interface RecordRules {
  requireKeys: boolean
  /** Records without a timestamp (-1) are exempt from both. */
  earliestTimestampMs: number
  latestTimestampMs: number
}

export interface RecordsScan {
  maxTimestamp: number
  /** Why the bytes are not what the header says; then nothing else counts. */
  malformed: string | undefined
  /** Records that are well-formed and break a rule. */
  recordErrors: RecordError[] | undefined
  /** One of them because of its timestamp. */
  untimely: boolean
}

/** More than anybody reads, and little enough to answer with. */
const recordErrorsMax = 100

export function scanRecords(
  records: RecordBytes,
  header: BatchHeader,
  rules: RecordRules,
): RecordsScan {
  const scan: RecordsScan = {
    maxTimestamp: noTimestamp,
    malformed: undefined,
    recordErrors: undefined,
    untimely: false,
  }
  const cursor = new RecordCursor(records.bytes, records.start, records.end)
  for (let index = 0; index < header.recordCount; index++) {
    const length = cursor.varint()
    const end = cursor.at + length
    if (cursor.failed || length < 0 || end > cursor.end) {
      scan.malformed = `record ${index} of ${header.recordCount} is cut off`
      return scan
    }
    cursor.int8() // attributes: none are defined
    const timestamp = header.baseTimestamp + cursor.varlong()
    const offsetDelta = cursor.varint()
    if (offsetDelta !== index) {
      scan.malformed = `record ${index} has the offset delta ${offsetDelta}`
      return scan
    }
    const keyBytes = cursor.varint()
    cursor.skip(keyBytes)
    cursor.skip(cursor.varint())
    skipHeaders(cursor)
    if (cursor.failed || cursor.at !== end) {
      scan.malformed = `record ${index} does not fill its length`
      return scan
    }
    if (keyBytes < 0 && rules.requireKeys) {
      refuse(scan, index, 'a compacted topic takes no record without a key')
    } else if (timestamp !== noTimestamp) {
      if (timestamp > rules.latestTimestampMs || timestamp < rules.earliestTimestampMs) {
        scan.untimely = true
        refuse(scan, index, `timestamp ${timestamp} is out of range`)
      }
    }
    if (timestamp > scan.maxTimestamp) scan.maxTimestamp = timestamp
  }
  if (cursor.at !== records.end) scan.malformed = 'bytes follow the last record'
  return scan
}

function skipHeaders(cursor: RecordCursor): void {
  const count = cursor.varint()
  if (count === 0) return
  // Each header takes two bytes at the least: a false count ends when the bytes do.
  if (count < 0) cursor.fail()
  for (let index = 0; index < count && !cursor.failed; index++) {
    const keyBytes = cursor.varint()
    if (keyBytes < 0) cursor.fail()
    cursor.skip(keyBytes)
    cursor.skip(cursor.varint())
  }
}

function refuse(scan: RecordsScan, batchIndex: number, message: string): void {
  scan.recordErrors ??= []
  if (scan.recordErrors.length < recordErrorsMax) scan.recordErrors.push({ batchIndex, message })
}
