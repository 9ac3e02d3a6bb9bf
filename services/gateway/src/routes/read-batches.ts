// Answers of record batches as the log has them. What lies between two offsets does not change any more, so
// it may be kept (ETag, Cache-Control) and fetched in parts (Range).

import { crc32c } from '@sluice/protocol/records/crc32c'
import { fixedReply } from '../byte-range.ts'
import { encodeCursor } from '../cursor.ts'
import type { Answer } from '../endpoints.ts'
import { failed, type Outcome } from '../problem.ts'
import { throttled } from '../rate-limits.ts'
import { joinBatches, type RawBatches, readRaw } from '../raw-read.ts'
import { formatEndOffsets, formatRecordPosition } from '../record-headers.ts'
import {
  conditionsOf,
  fixedCaching,
  type ReadCall,
  type ReadRoutesOptions,
  types,
  whileWaiting,
} from './read-call.ts'

export async function answerBatches(options: ReadRoutesOptions, call: ReadCall): Promise<Answer> {
  const { responder, traffic } = options
  const read = await readWaiting(options, call)
  if (!read.ok) return read.problem
  const { batches, partition, closed, endOffset, next, topicId } = read.value
  const caching = closed ? fixedCaching(call.wanted) : undefined
  const standing = {
    'next-cursor': encodeCursor(next),
    'high-watermark': formatEndOffsets({ [partition]: endOffset }),
    'cache-control': caching ?? 'no-store',
  }
  if (batches.length === 0) return responder.empty(204, standing)
  const bytes = joinBatches(batches) as Buffer<ArrayBuffer>
  const [{ firstOffset }] = batches
  const { lastOffset } = batches[batches.length - 1]
  traffic.bytesOut += bytes.length
  traffic.recordsOut += lastOffset - firstOffset + 1
  const headers = {
    'content-type': types.batches,
    'record-position': formatRecordPosition([{ partition, firstOffset, lastOffset }]),
    ...standing,
  }
  if (!caching) return responder.body(bytes, 200, headers)
  const place = `${topicId}-${partition}-${firstOffset}-${lastOffset}`
  const etag = `"${place}-${crc32c(bytes).toString(16)}"`
  return fixedReply({ bytes, etag, headers }, conditionsOf(call.request), responder)
}

function readWaiting(options: ReadRoutesOptions, call: ReadCall): Promise<Outcome<RawBatches>> {
  const { client, clock, tails } = options
  const { wanted, query } = call
  const held = throttled(client, 'fetch')
  if (held) return Promise.resolve(failed(held))
  if (query.wait === 0) return readRaw(options, wanted, () => Promise.resolve(false))
  const deadlineMs = clock.monotonic() + query.wait
  return whileWaiting(options, call, ({ signal }) =>
    readRaw(options, wanted, async ({ topic, isolation }, { partition, offset }) => {
      const timeoutMs = deadlineMs - clock.monotonic()
      if (timeoutMs <= 0 || signal.aborted) return false
      const positions = new Map([[partition, offset]])
      return tails.wait({ topic, isolation, positions }, { timeoutMs, signal })
    }),
  )
}
