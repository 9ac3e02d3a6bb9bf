// findRecord: the first record of a batch that is late enough, without making an object of any: a few
// kilobytes that compress well may hold millions of records.

import { errors } from '../errors.ts'
import { readBatchHeader } from './batch.ts'
import { openRecords } from './record.ts'
import { RecordCursor } from './record-cursor.ts'
import { RecordsError } from './records-error.ts'

export interface FoundRecord {
  readonly offset: number
  readonly timestamp: number
}

/**
 * The first record of the batch at `at` that is neither before `offset` nor older than `timestamp`. The
 * batch's CRC has been checked before. Throws RecordsError when its records do not open or do not read.
 */
export function findRecord(buffer: Buffer, at: number, from: FoundRecord): FoundRecord | undefined {
  const header = readBatchHeader(buffer, at)
  const { bytes, start, end } = openRecords(buffer, header)
  const cursor = new RecordCursor(bytes, start, end)
  for (let index = 0; index < header.recordCount; index++) {
    const length = cursor.varint()
    const next = cursor.at + length
    cursor.int8()
    const timestampDelta = cursor.varlong()
    const offset = header.baseOffset + cursor.varint()
    if (cursor.failed || cursor.at > next || next > end) {
      throw new RecordsError(errors.CORRUPT_MESSAGE, `record ${index} of a batch is cut off`)
    }
    const timestamp = header.logAppendTime
      ? header.maxTimestamp
      : header.baseTimestamp + timestampDelta
    if (offset >= from.offset && timestamp >= from.timestamp) return { offset, timestamp }
    cursor.at = next
  }
  return undefined
}
