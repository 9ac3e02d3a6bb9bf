// Answers that are whole before they are sent: a page as JSON, one record as it is, several as they are.

import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { crc32c } from '@sluice/protocol/records/crc32c'
import { fixedReply } from '../byte-range.ts'
import type { Answer } from '../endpoints.ts'
import type { LogReader } from '../log-reader.ts'
import { multipartBody } from '../multipart.ts'
import { openReader } from '../open-reader.ts'
import { pageText, readPage } from '../page.ts'
import { done, failed, type Outcome } from '../problem.ts'
import { throttled } from '../rate-limits.ts'
import type { ReadRecord } from '../read-record.ts'
import { recordHeaders } from '../record-headers.ts'
import {
  conditionsOf,
  fixedCaching,
  type ReadCall,
  type ReadRoutesOptions,
  standingHeaders,
  types,
  whileWaiting,
} from './read-call.ts'

const notKept = { 'cache-control': 'no-store' }

export async function answerPage(options: ReadRoutesOptions, call: ReadCall): Promise<Answer> {
  const page = await waitForPage(options, call)
  if (!page.ok) return page.problem
  const { reader, records } = page.value
  const body = pageText(reader, records, call.query)
  options.traffic.recordsOut += records.length
  options.traffic.bytesOut += body.length
  return options.responder.body(body, 200, { 'content-type': types.json, ...notKept })
}

/** 204 for a null value: an empty one is 200. */
export async function answerRecord(options: ReadRoutesOptions, call: ReadCall): Promise<Answer> {
  const { responder, traffic } = options
  const page = await waitForPage(options, call)
  if (!page.ok) return page.problem
  const { reader, records } = page.value
  const [one] = records
  if (!one) return { code: 'record_not_found', detail: 'there is no record at this position' }
  traffic.recordsOut += 1
  traffic.bytesOut += one.bytes
  const { partition, record } = one
  const { value, offset } = record
  const caching = fixedCaching(call.wanted)
  const headers = {
    ...recordHeaders(partition, record),
    ...standingHeaders(reader),
    'cache-control': caching ?? 'no-store',
  }
  if (!value) return responder.empty(204, headers)
  const typed = { 'content-type': types.bytes, ...headers }
  const bytes = new Uint8Array(value)
  if (caching === undefined) return responder.body(bytes, 200, typed)
  const { topicId } = reader.cursor()
  const etag = `"${topicId}-${partition}-${offset}-${crc32c(value).toString(16)}"`
  return fixedReply({ bytes, etag, headers: typed }, conditionsOf(call.request), responder)
}

export async function answerParts(options: ReadRoutesOptions, call: ReadCall): Promise<Answer> {
  const { responder, traffic, client } = options
  const page = await waitForPage(options, call)
  if (!page.ok) return page.problem
  const { reader, records } = page.value
  const headers = { ...standingHeaders(reader), ...notKept }
  // A multipart body has at least one part.
  if (records.length === 0) return responder.empty(204, headers)
  const boundary = `records-${client.random.uuid()}`
  const body = multipartBody(records, boundary)
  traffic.recordsOut += records.length
  traffic.bytesOut += body.length
  const type = `${types.parts}; boundary=${boundary}`
  return responder.body(new Uint8Array(body), 200, { 'content-type': type, ...headers })
}

interface Page {
  readonly reader: LogReader
  readonly records: readonly ReadRecord[]
}

/** Opens a reader; a page that is still empty waits as the query asks. */
async function waitForPage(options: ReadRoutesOptions, call: ReadCall): Promise<Outcome<Page>> {
  const { query, wanted } = call
  const { client } = options
  const held = throttled(client, 'fetch')
  if (held) return failed(held)
  const opened = await openReader(options, wanted)
  if (!opened.ok) return opened
  const { reader, first } = opened.value
  if (first.length > 0 || query.wait === 0) return unlessThrottled(client, reader, first)
  return whileWaiting(options, call, async ({ signal }) => {
    const { limits } = wanted
    const { clock } = options
    const records = await readPage(reader, { clock, limits, waitMs: query.wait, signal })
    return records.ok ? unlessThrottled(client, reader, records.value) : records
  })
}

/** A page is not empty where there is more, but for a quota. */
function unlessThrottled(
  client: KafkaClient,
  reader: LogReader,
  records: readonly ReadRecord[],
): Outcome<Page> {
  const empty = records.length === 0 && !reader.caughtUp
  const held = empty ? throttled(client, 'fetch') : undefined
  return held ? failed(held) : done({ reader, records })
}
