// GET …/records: stateless reads. Accept says how: a JSON page, values as text, server-sent events, or one
// record as it is. Nothing is kept here between two requests; a cursor holds it all.

import type { Clock } from '@sluice/core/host/clock'
import type { Logger } from '@sluice/core/host/logger'
import { decodeCursor } from '../cursor.ts'
import { type Answer, type Endpoints, type GatewayRequest, headerOfRequest } from '../endpoints.ts'
import { eventStream } from '../event-stream.ts'
import {
  type GatewayLimits,
  pageBytesDefault,
  pageRecordsDefault,
  pageRecordsMax,
} from '../limits.ts'
import type { ReadLimits } from '../log-reader.ts'
import { negotiate } from '../media-types.ts'
import {
  type OpenedReader,
  openReader,
  type ReadRequest,
  type ReadServices,
} from '../open-reader.ts'
import { problemResponses } from '../openapi.ts'
import { pageSchema, pageText, readPage } from '../page.ts'
import { parsePartition, partitionParam, topicParam } from '../parameters.ts'
import { done, failed, type Outcome, type Problem } from '../problem.ts'
import type { ReadFrom } from '../read-from.ts'
import { type ReadQuery, readQuerySchema } from '../read-query.ts'
import { problemText, type Responder } from '../responder.ts'
import { singleRecord } from '../single-record.ts'
import type { OpenStream, Streams } from '../streams.ts'
import { textStream } from '../text-stream.ts'
import { findTopic } from '../topic-lookup.ts'
import type { Traffic } from '../traffic.ts'
import { WalkingCursor } from '../walking-cursor.ts'

export interface ReadRoutesOptions extends ReadServices {
  readonly endpoints: Endpoints
  readonly responder: Responder
  readonly clock: Clock
  readonly limits: GatewayLimits
  readonly streams: Streams
  readonly traffic: Traffic
  readonly logger: Logger
}

const json = 'application/json'
const text = 'text/plain'
const events = 'text/event-stream'
const bytes = 'application/octet-stream'
const offered = [json, text, events, bytes] as const

/** Proxies must neither keep nor hold back nor change what streams. */
const streamHeaders = {
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}
const streamRecordsMax = Number.POSITIVE_INFINITY
const streamBytesMax = Number.POSITIVE_INFINITY
/** Of a stream's first read. */
const firstBytesMax = 256 * 1024

/** What one read needs at hand. */
interface Read {
  readonly request: GatewayRequest
  readonly query: ReadQuery
  readonly wanted: ReadRequest
}

export function addReadRoutes(options: ReadRoutesOptions): void {
  const { endpoints, limits } = options
  const query = readQuerySchema(limits.waitMsMax)
  const documentation = {
    method: 'get' as const,
    tags: ['Records'],
    responses: {
      200: {
        description: 'Records, as Accept asks',
        content: {
          [json]: { schema: pageSchema },
          [text]: { schema: { type: 'string' as const } },
          [events]: { schema: { type: 'string' as const } },
          [bytes]: { schema: { type: 'string' as const, format: 'binary' } },
        },
      },
      204: { description: 'The one record has no value (application/octet-stream)' },
      ...problemResponses,
    },
  }
  endpoints.addDocumented(
    {
      ...documentation,
      path: '/v1/topics/{topic}/records',
      operationId: 'read',
      summary: 'Read records: page, long poll, text, server-sent events',
      request: { params: topicParam, query },
    },
    (request) => read(options, query, request, undefined),
  )
  endpoints.addDocumented(
    {
      ...documentation,
      path: '/v1/topics/{topic}/partitions/{partition}/records',
      operationId: 'readPartition',
      summary: 'Read records of one partition',
      request: { params: partitionParam, query },
    },
    (request) => {
      const partition = parsePartition(request.req.param('partition'))
      return partition.ok ? read(options, query, request, partition.value) : partition.problem
    },
  )
}

async function read(
  options: ReadRoutesOptions,
  schema: ReturnType<typeof readQuerySchema>,
  request: GatewayRequest,
  partition: number | undefined,
): Promise<Answer> {
  const type = negotiate(headerOfRequest(request, 'accept'), offered)
  if (!type) {
    return { code: 'not_acceptable', detail: `records are served as ${offered.join(', ')}` }
  }
  const query = options.endpoints.parseQuery(schema, request)
  if (!query.ok) return query.problem
  const contradiction = contradictionIn(query.value, type, partition)
  if (contradiction) return { code: 'invalid_parameter', detail: contradiction }
  const from = startOf(query.value, type, request)
  if (!from.ok) return from.problem
  const topic = request.req.param('topic') ?? ''
  if (request.req.raw.method === 'HEAD') return head(options, topic, type)
  const wanted: ReadRequest = {
    topic,
    partitions: partition === undefined ? query.value.partition : [partition],
    from: from.value,
    committed: query.value.isolation === 'committed',
    key: query.value.key,
    clamp: query.value.clamp,
    limits: limitsOf(query.value, type),
  }
  const one: Read = { request, query: query.value, wanted }
  if (type === events) return answerEvents(options, one)
  if (type === text) return answerText(options, one)
  return type === json ? answerPage(options, one) : answerBytes(options, one)
}

async function head(
  { client, responder }: ReadRoutesOptions,
  topic: string,
  type: string,
): Promise<Answer> {
  const found = await findTopic(client, topic)
  return found.ok ? responder.empty(200, { 'content-type': type }) : found.problem
}

function contradictionIn(
  query: ReadQuery,
  type: (typeof offered)[number],
  partition: number | undefined,
): string | undefined {
  if (partition !== undefined && query.partition !== undefined) {
    return 'partition: the path names the partition already'
  }
  if (query.follow && (type === json || type === bytes)) {
    return 'follow: pages are followed by their cursor; text/plain and text/event-stream stream'
  }
  if (type === events && query.max_bytes !== undefined) {
    return 'max_bytes: an event stream has no end; max_records may give it one'
  }
  if (type === bytes && (query.max_records ?? 1) !== 1) {
    return 'max_records: application/octet-stream is one record'
  }
  return undefined
}

/** A client that comes back to its event stream says where it was, and that wins. */
function startOf(query: ReadQuery, type: string, request: GatewayRequest): Outcome<ReadFrom> {
  const lastEventId = type === events ? headerOfRequest(request, 'last-event-id') : undefined
  if (!lastEventId) return done(query.from)
  const cursor = decodeCursor(lastEventId)
  if (cursor) return done({ kind: 'cursor', cursor })
  return failed({ code: 'invalid_cursor', detail: 'Last-Event-ID is no id of this API' })
}

function limitsOf(query: ReadQuery, type: (typeof offered)[number]): ReadLimits {
  switch (type) {
    case json:
      return {
        maxRecords: query.max_records ?? pageRecordsDefault,
        maxBytes: query.max_bytes ?? pageBytesDefault,
      }
    case bytes:
      return { maxRecords: 1, maxBytes: query.max_bytes ?? pageBytesDefault }
    default:
      return {
        maxRecords: query.max_records ?? pageRecordsMax,
        maxBytes: Math.min(query.max_bytes ?? streamBytesMax, firstBytesMax),
      }
  }
}

async function answerPage(options: ReadRoutesOptions, one: Read): Promise<Answer> {
  const page = await waitForPage(options, one)
  if (!page.ok) return page.problem
  const { reader, records } = page.value
  const body = pageText(reader, records, one.query.format)
  options.traffic.recordsOut += records.length
  options.traffic.bytesOut += body.length
  return options.responder.body(body, 200, { 'content-type': json, 'cache-control': 'no-store' })
}

async function answerBytes(options: ReadRoutesOptions, one: Read): Promise<Answer> {
  const page = await waitForPage(options, one)
  if (!page.ok) return page.problem
  const [record] = page.value.records
  if (!record) return { code: 'record_not_found', detail: 'there is no record at this position' }
  options.traffic.recordsOut += 1
  options.traffic.bytesOut += record.bytes
  return singleRecord(record, options.responder)
}

/** Opens a reader; a page that is still empty waits as the query asks. */
async function waitForPage(options: ReadRoutesOptions, { request, query, wanted }: Read) {
  const opened = await openReader(options, wanted)
  if (!opened.ok) return opened
  const { reader, first } = opened.value
  if (first.length > 0 || query.wait === 0) return done({ reader, records: first })
  const stream = options.streams.open()
  if (!stream) return failed(overloaded)
  const gone = request.req.raw.signal
  gone.addEventListener('abort', stream.abort, { once: true })
  try {
    const { limits } = wanted
    const { clock } = options
    const waiting = { clock, limits, waitMs: query.wait, signal: stream.signal }
    const records = await readPage(reader, waiting)
    return records.ok ? done({ reader, records: records.value }) : records
  } finally {
    gone.removeEventListener('abort', stream.abort)
    stream.close()
  }
}

async function answerText(options: ReadRoutesOptions, one: Read): Promise<Answer> {
  const { follow, max_records, max_bytes, wait } = one.query
  const opening = { ...one, type: 'text/plain; charset=utf-8', waitMs: follow ? 0 : wait }
  return withStream(options, opening, ({ reader, first }, stream) => {
    if (!follow) reader.endHere()
    return textStream(reader, {
      first,
      recordsMax: max_records ?? streamRecordsMax,
      bytesMax: max_bytes ?? streamBytesMax,
      follow,
      clock: options.clock,
      ageMsMax: options.limits.streamAgeMsMax,
      stream,
      traffic: options.traffic,
      breakOff: (problem) => breakOff(options, one, problem),
    })
  })
}

async function answerEvents(options: ReadRoutesOptions, one: Read): Promise<Answer> {
  const { endpoints, clock, limits, streams, traffic } = options
  return withStream(
    options,
    { ...one, type: events, waitMs: 0 },
    ({ reader, start, first }, stream) =>
      eventStream({
        reader,
        cursor: new WalkingCursor(start),
        first,
        format: one.query.format,
        recordsMax: one.query.max_records ?? streamRecordsMax,
        clock,
        ageMsMax: limits.streamAgeMsMax,
        heartbeatMs: limits.heartbeatMs,
        streams,
        stream,
        traffic,
        problemText: (problem) => problemText(problem, endpoints.problemContext(one.request)),
        breakOff: (error) => breakOff(options, one, error),
      }),
  )
}

/** A text that is to end waits for its first record as a page does. */
async function openAndWait(
  options: ReadRoutesOptions,
  { wanted, waitMs }: Read & { readonly waitMs: number },
  { signal }: OpenStream,
): Promise<Outcome<OpenedReader>> {
  const opened = await openReader(options, wanted)
  if (!opened.ok || opened.value.first.length > 0 || waitMs === 0) return opened
  const { clock } = options
  const waiting = { clock, limits: wanted.limits, waitMs, signal }
  const first = await readPage(opened.value.reader, waiting)
  return first.ok ? done({ ...opened.value, first: first.value }) : first
}

async function withStream(
  options: ReadRoutesOptions,
  one: Read & { readonly type: string; readonly waitMs: number },
  body: (opened: OpenedReader, stream: OpenStream) => ReadableStream<Uint8Array>,
): Promise<Answer> {
  const stream = options.streams.open()
  if (!stream) return overloaded
  const opened = await openAndWait(options, one, stream)
  if (!opened.ok) {
    stream.close()
    return opened.problem
  }
  const headers = { 'content-type': one.type, ...streamHeaders }
  return options.responder.body(body(opened.value, stream), 200, headers)
}

/** A response that has begun and cannot be finished must not look finished. */
function breakOff({ logger }: ReadRoutesOptions, { request }: Read, why: unknown): void {
  logger.warn({ path: request.req.path, why }, 'a stream was broken off')
  request.env.incoming?.socket.destroy()
}

const overloaded: Problem = {
  code: 'overloaded',
  detail: 'there are as many streams as there may be',
}
