// GET …/records: stateless reads. Accept says how: a JSON page, NDJSON, values as text, server-sent events,
// records as they are, or batches as they are. Nothing is kept here between two requests; a cursor holds it all.

import { decodeCursor } from '../cursor.ts'
import { type Answer, type GatewayRequest, headerOfRequest } from '../endpoints.ts'
import { pageBytesDefault, pageRecordsDefault, pageRecordsMax } from '../limits.ts'
import type { ReadLimits } from '../log-reader.ts'
import { negotiate } from '../media-types.ts'
import type { ReadRequest } from '../open-reader.ts'
import { problemResponses } from '../openapi.ts'
import { pageSchema } from '../page.ts'
import { parsePartition, partitionParam, topicParam } from '../parameters.ts'
import { done, failed, type Outcome } from '../problem.ts'
import { parseLastEventId, type ReadFrom } from '../read-from.ts'
import { type ReadQuery, readQuerySchema } from '../read-query.ts'
import { RecordFilter } from '../record-filter.ts'
import { findTopic } from '../topic-lookup.ts'
import { answerBatches } from './read-batches.ts'
import {
  offered,
  type ReadCall,
  type ReadRoutesOptions,
  type ReadType,
  types,
} from './read-call.ts'
import { answerPage, answerParts, answerRecord } from './read-page.ts'
import { answerEvents, answerLines, answerText } from './read-stream.ts'

/** Of a stream's first read. */
const firstBytesMax = 256 * 1024

const asText = { schema: { type: 'string' as const } }
const asBytes = { schema: { type: 'string' as const, format: 'binary' } }

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
          [types.json]: { schema: pageSchema },
          [types.ndjson]: asText,
          [types.text]: asText,
          [types.events]: asText,
          [types.bytes]: asBytes,
          [types.parts]: asBytes,
          [types.batches]: asBytes,
        },
      },
      204: {
        description:
          'The one record has no value (application/octet-stream), there is nothing yet ' +
          '(multipart/mixed, record batches), or no more to come (text/event-stream)',
      },
      206: { description: 'The part of fixed bytes that Range asks for' },
      304: { description: 'Fixed bytes that If-None-Match has already' },
      429: {
        ...problemResponses.default,
        description: 'A quota is used up (Retry-After, RateLimit); streams wait instead',
      },
      ...problemResponses,
    },
  }
  endpoints.addDocumented(
    {
      ...documentation,
      path: '/v1/topics/{topic}/records',
      operationId: 'read',
      summary: 'Read records: page, long poll, NDJSON, text, server-sent events, raw',
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
  if (isDamagedCursor(request.req.query('from'))) {
    return { code: 'invalid_cursor', detail: 'from: this is no cursor, or not all of one' }
  }
  const query = options.endpoints.parseQuery(schema, request)
  if (!query.ok) return query.problem
  const contradiction = contradictionIn(query.value, type, partition)
  if (contradiction) return { code: 'invalid_parameter', detail: contradiction }
  const topic = request.req.param('topic') ?? ''
  const from = startOf(query.value, type, request, topic)
  if (!from.ok) return from.problem
  if (request.req.raw.method === 'HEAD') return head(options, topic, type)
  const { key, header } = query.value
  const wanted: ReadRequest = {
    topic,
    partitions: partition === undefined ? query.value.partition : [partition],
    from: from.value,
    to: query.value.to,
    committed: query.value.isolation === 'committed',
    filter: new RecordFilter(key === undefined ? undefined : Buffer.from(key), header),
    clamp: query.value.clamp,
    limits: limitsOf(query.value, type),
  }
  return answers[type](options, { request, type, query: query.value, wanted })
}

const answers: {
  readonly [T in ReadType]: (options: ReadRoutesOptions, call: ReadCall) => Promise<Answer>
} = {
  [types.json]: answerPage,
  [types.ndjson]: answerLines,
  [types.text]: answerText,
  [types.events]: answerEvents,
  [types.bytes]: answerRecord,
  [types.parts]: answerParts,
  [types.batches]: answerBatches,
}

async function head(
  { client, responder }: ReadRoutesOptions,
  topic: string,
  type: string,
): Promise<Answer> {
  const found = await findTopic(client, topic)
  return found.ok ? responder.empty(200, { 'content-type': type }) : found.problem
}

const followed: readonly ReadType[] = [types.ndjson, types.text, types.events]

function contradictionIn(
  query: ReadQuery,
  type: ReadType,
  partition: number | undefined,
): string | undefined {
  if (partition !== undefined && query.partition !== undefined) {
    return 'partition: the path names the partition already'
  }
  if (query.follow && !followed.includes(type)) {
    return `follow: pages are followed by their cursor; ${followed.join(', ')} stream`
  }
  if (query.batch && type !== types.events) return 'batch: it is for text/event-stream'
  if (type === types.events && query.max_bytes !== undefined) {
    return 'max_bytes: an event stream has no end; max_records may give it one'
  }
  if (type === types.bytes && (query.max_records ?? 1) !== 1) {
    return 'max_records: application/octet-stream is one record; several are multipart/mixed'
  }
  if (query.from.kind === 'offset' && query.to !== undefined && query.to < query.from.offset) {
    return 'to: it lies before from'
  }
  if (type !== types.batches) return undefined
  if (query.max_records !== undefined) return 'max_records: max_bytes limits record batches'
  if (query.key !== undefined || query.header.length > 0) {
    return 'key, header: record batches are not looked into'
  }
  return undefined
}

function isDamagedCursor(from: string | undefined): boolean {
  return from?.startsWith('cursor:') === true && !decodeCursor(from.slice('cursor:'.length))
}

/** A client that comes back to its event stream says where it was, and that wins. */
function startOf(
  query: ReadQuery,
  type: ReadType,
  request: GatewayRequest,
  topic: string,
): Outcome<ReadFrom> {
  const id = type === types.events ? headerOfRequest(request, 'last-event-id') : undefined
  if (!id) return done(query.from)
  const from = parseLastEventId(id, topic, query.from)
  if (from) return done(from)
  return failed({
    code: 'invalid_cursor',
    detail: 'Last-Event-ID is neither an id of this API nor positions of this topic',
  })
}

function limitsOf(query: ReadQuery, type: ReadType): ReadLimits {
  switch (type) {
    case types.json:
    case types.parts:
    case types.batches:
      return {
        maxRecords: query.max_records ?? pageRecordsDefault,
        maxBytes: query.max_bytes ?? pageBytesDefault,
      }
    case types.bytes:
      return { maxRecords: 1, maxBytes: query.max_bytes ?? pageBytesDefault }
    default:
      return {
        maxRecords: query.max_records ?? pageRecordsMax,
        maxBytes: Math.min(query.max_bytes ?? firstBytesMax, firstBytesMax),
      }
  }
}
