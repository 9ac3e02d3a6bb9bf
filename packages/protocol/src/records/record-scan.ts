// scanRecords: hops over the records of a batch without making an object of any of them, and says whether
// they are laid out as their header claims.
//
// Two ways over the same bytes: a plain record, as almost all are, is hopped over with nothing but local
// numbers (hopPlain); any other, and the last ones of a batch, by the cursor, which knows every case.

import { type BatchHeader, noTimestamp } from './batch.ts'
import type { RecordBytes } from './record.ts'
import { RecordCursor } from './record-cursor.ts'

/** One record that was refused, by its index in the batch: Produce 8 and newer answers with these. */
export interface RecordError {
  batchIndex: number
  message: string
}

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
/** What the numbers of a plain record take at most: four varints of four bytes, and the attributes. */
const plainNumbersBytesMax = 4 * 4 + 1 + 1

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
  let index = hopPlain(cursor, header, rules, scan)
  while (index < header.recordCount) {
    if (!scanOne(cursor, index, header, rules, scan)) return scan
    index += 1
    if (index < header.recordCount) index = hopPlain(cursor, header, rules, scan, index)
  }
  if (cursor.at !== records.end) scan.malformed = 'bytes follow the last record'
  return scan
}

/**
 * Hops over records from `index` on as long as they are plain: numbers of at most four bytes, no headers, no
 * rule broken, and not so near the end that a number could be cut off. Leaves `cursor` at the first that is
 * not. @returns its index.
 */
function hopPlain(
  cursor: RecordCursor,
  header: BatchHeader,
  rules: RecordRules,
  scan: RecordsScan,
  from = 0,
): number {
  const { bytes, end } = cursor
  const { recordCount, baseTimestamp } = header
  const keyBytesMin = rules.requireKeys ? 0 : -1
  const { earliestTimestampMs, latestTimestampMs } = rules
  const lastStart = end - plainNumbersBytesMax
  let { maxTimestamp } = scan
  let start = cursor.at
  let index = from
  for (; index < recordCount; index++) {
    let at = start
    if (at > lastStart) break
    let number = shortVarint(bytes, at)
    at += number & 7
    const recordEnd = at + unzigzag(number >>> 3)
    if (number === tooLong) break

    at += 1 // attributes: none are defined
    number = shortVarint(bytes, at)
    at += number & 7
    const timestamp = baseTimestamp + unzigzag(number >>> 3)
    if (number === tooLong || timestamp > latestTimestampMs || timestamp < earliestTimestampMs)
      break

    number = shortVarint(bytes, at)
    at += number & 7
    if (number === tooLong || number >>> 3 !== index << 1) break

    number = shortVarint(bytes, at)
    const keyBytes = unzigzag(number >>> 3)
    if (number === tooLong || keyBytes < keyBytesMin) break
    at += (number & 7) + Math.max(keyBytes, 0)
    if (at > lastStart) break

    number = shortVarint(bytes, at)
    at += (number & 7) + Math.max(unzigzag(number >>> 3), 0)
    // The count of headers, 0, is the record's last byte.
    if (number === tooLong || at >= end || at + 1 !== recordEnd || bytes[at] !== 0) break
    if (timestamp > maxTimestamp) maxTimestamp = timestamp
    start = recordEnd
  }
  scan.maxTimestamp = maxTimestamp
  cursor.at = start
  return index
}

const tooLong = 0

/**
 * A varint of at most four bytes, as two numbers in one: the value, still zigzag-coded, above the lowest
 * three bits, and how many bytes it takes in those; or tooLong. There must be four bytes at `at`.
 */
function shortVarint(bytes: Uint8Array, at: number): number {
  let byte = bytes[at]
  if (byte <= 0x7f) return (byte << 3) | 1
  let value = byte & 0x7f
  byte = bytes[at + 1]
  value |= (byte & 0x7f) << 7
  if (byte <= 0x7f) return (value << 3) | 2
  byte = bytes[at + 2]
  value |= (byte & 0x7f) << 14
  if (byte <= 0x7f) return (value << 3) | 3
  byte = bytes[at + 3]
  value |= byte << 21
  return byte <= 0x7f ? (value << 3) | 4 : tooLong
}

function unzigzag(raw: number): number {
  return (raw >>> 1) ^ -(raw & 1)
}

/** Any record, with every rule. @returns whether it is well-formed; `scan` says what is wrong. */
function scanOne(
  cursor: RecordCursor,
  index: number,
  header: BatchHeader,
  rules: RecordRules,
  scan: RecordsScan,
): boolean {
  const length = cursor.varint()
  const end = cursor.at + length
  if (cursor.failed || length < 0 || end > cursor.end) {
    scan.malformed = `record ${index} of ${header.recordCount} is cut off`
    return false
  }
  cursor.int8() // attributes: none are defined
  const timestamp = header.baseTimestamp + cursor.varlong()
  const offsetDelta = cursor.varint()
  if (offsetDelta !== index) {
    scan.malformed = `record ${index} has the offset delta ${offsetDelta}`
    return false
  }
  const keyBytes = cursor.varint()
  cursor.skip(keyBytes)
  cursor.skip(cursor.varint())
  skipHeaders(cursor)
  if (cursor.failed || cursor.at !== end) {
    scan.malformed = `record ${index} does not fill its length`
    return false
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
  return true
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
