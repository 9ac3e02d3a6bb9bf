// Batches that the log cleaner left without records, so that a segment or a producer keeps its end. Beside others
// they do no harm, but what is read for a client is never those alone while there are records behind them: kafkajs
// takes an answer without records for the end of the log, and asks for the same offset again for ever. At the end
// of the log they are given: by them a client learns that it has read it all.

import { batchField, batchHeaderBytes, readInt32 } from '@sluice/protocol/records/batch'
import { batchBytesAt, lastOffsetAt } from '../log/batch-selection.ts'
import type { LogRead, LogRecords } from '../log/log-records.ts'

/** Whether there are batches in it, and no records in any of them. */
export function isEmptied(read: LogRead): read is LogRecords {
  if (!read.ok) return false
  const { records } = read
  if (records.length === 0) return false
  for (let at = 0; at + batchHeaderBytes <= records.length; at += batchBytesAt(records, at)) {
    if (readInt32(records, at + batchField.recordCount) !== 0) return false
  }
  return true
}

/**
 * What `readFrom` gives from the offset behind `emptied`, or `emptied` itself where there is nothing. The other
 * one is released; both are where reading on fails.
 */
export function readPast(
  emptied: LogRecords,
  readFrom: (offset: number) => LogRead | Promise<LogRead>,
): LogRead | Promise<LogRead> {
  const fail = (cause: unknown): never => {
    emptied.release()
    throw cause
  }
  try {
    const further = readFrom(offsetBehind(emptied.records))
    if (further instanceof Promise) return further.then((read) => either(emptied, read), fail)
    return either(emptied, further)
  } catch (cause) {
    return fail(cause)
  }
}

function either(emptied: LogRecords, further: LogRead): LogRead {
  if (!further.ok || further.bytes === 0) return emptied
  emptied.release()
  return further
}

function offsetBehind(records: Buffer): number {
  let behind = 0
  for (let at = 0; at + batchHeaderBytes <= records.length; at += batchBytesAt(records, at)) {
    behind = lastOffsetAt(records, at) + 1
  }
  return behind
}
