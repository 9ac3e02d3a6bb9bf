// application/vnd.kafka.recordbatch: record batches of format 2, one after the other, as they stand in a log.
// They are checked and given to the broker as they are: compressed ones are not opened. What places a batch
// in a log (base offset, leader epoch) is taken away; it lies outside the CRC.

import {
  batchCrc,
  batchField,
  batchHeaderBytes,
  batchLengthPrefixBytes,
  currentMagic,
  patchBatch,
  readBatchHeader,
  readInt32,
} from '@sluice/protocol/records/batch'
import { clearKeyMark } from '@sluice/protocol/records/key-mark'
import { done, failed, type Outcome } from './problem.ts'

/** Batches of one request: each is a request of its own to the broker. */
const batchesMax = 1000
const lengthEnd = batchLengthPrefixBytes

/** Views on `body`, which is patched. */
export function parseRecordBatches(body: Buffer): Outcome<Buffer[]> {
  const batches: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const index = batches.length
    if (index === batchesMax) {
      const detail = `a request holds at most ${batchesMax} batches`
      return failed({ code: 'too_many_records', detail })
    }
    const left = body.length - at
    const bytes = left < lengthEnd ? 0 : lengthEnd + readInt32(body, at + batchField.length)
    const wrong = flawOf(body, at, { left, bytes })
    if (wrong !== undefined) return failed(invalidBatch(index, wrong))
    const batch = body.subarray(at, at + bytes)
    patchBatch(batch, 0, { baseOffset: 0, leaderEpoch: -1 })
    clearKeyMark(batch)
    batches.push(batch)
    at += bytes
  }
  if (batches.length > 0) return done(batches)
  return failed({ code: 'invalid_request', detail: 'there is no record batch in the request' })
}

function flawOf(
  body: Buffer,
  at: number,
  { left, bytes }: { left: number; bytes: number },
): string | undefined {
  if (left < batchHeaderBytes) return 'it is cut off'
  const magic = body[at + batchField.magic]
  if (magic !== currentMagic) return `its format is ${magic}, only ${currentMagic} is taken`
  if (bytes < batchHeaderBytes || bytes > left) return 'it is cut off, or its length is wrong'
  const { crc, control, transactional, recordCount } = readBatchHeader(body, at)
  if (batchCrc(body, at) !== crc) return 'its CRC is wrong'
  if (control) return 'it is a control batch'
  if (transactional) return 'it belongs to a transaction'
  if (recordCount <= 0) return 'it has no records'
  return undefined
}

function invalidBatch(index: number, flaw: string) {
  const detail = `batch ${index}: ${flaw}`
  const errors = [{ index, code: 'invalid_record', detail }]
  return { code: 'invalid_record' as const, detail: `nothing was stored: ${detail}`, errors }
}
