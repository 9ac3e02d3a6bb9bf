// POST …/records: produce. One record as it is, or several in one of the formats of produce-body.ts; answered
// when the broker has them as `acks` asks. All requests of one turn of the loop travel together (the producer
// batches by partition), except those under terms and whole batches (exact-produce.ts).

import { z } from '@hono/zod-openapi'
import type { Clock } from '@sluice/core/host/clock'
import type { RecordOutcome } from '@sluice/core/kafka-client/delivery'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import type { BufferPool } from '@sluice/core/lib/buffer-pool'
import { BodyRoom } from '../body-room.ts'
import type { EventAttribute } from '../cloud-events.ts'
import { type Answer, type Endpoints, type GatewayRequest, sourceOf } from '../endpoints.ts'
import { type ExactProduce, hashOf } from '../exact-produce.ts'
import type { GatewayLimits } from '../limits.ts'
import { acknowledgements, storeLines, summary } from '../line-produce.ts'
import { mediaTypeOf, negotiate } from '../media-types.ts'
import { problemResponses } from '../openapi.ts'
import { parsePartition, partitionNumber, partitionParam, topicParam } from '../parameters.ts'
import { done, failed, type Outcome, type Problem } from '../problem.ts'
import {
  batchesType,
  linesType,
  type ProduceBody,
  parseProduceBody,
  produceBodySchema,
} from '../produce-body.ts'
import {
  type Acks,
  explainProduceError,
  produceAnswer,
  produceResponseSchema,
  resultSchema,
} from '../produce-result.ts'
import { type ProduceTerms, parseProduceTerms } from '../produce-terms.ts'
import type { Producers } from '../producers.ts'
import { rateLimitHeaders, throttled } from '../rate-limits.ts'
import { type ProduceRecord, recordSchema } from '../record-json.ts'
import { type BodySource, bodyPieces, headerNames, headerOf, readBody } from '../request-body.ts'
import type { Responder } from '../responder.ts'
import type { Streams } from '../streams.ts'
import type { Traffic } from '../traffic.ts'

export interface ProduceRoutesOptions {
  readonly endpoints: Endpoints
  readonly responder: Responder
  readonly client: KafkaClient
  readonly producers: Producers
  readonly exact: ExactProduce
  readonly streams: Streams
  readonly clock: Clock
  readonly limits: GatewayLimits
  readonly traffic: Traffic
  /** Memory of bodies, used again. */
  readonly bodies: BufferPool
}

const querySchema = z.strictObject({
  acks: z.enum(['0', '1', 'all', '-1']).default('all').openapi({
    description: 'all: durable; 1: the leader has it; 0: do not wait',
  }),
  key: z.string().optional().openapi({ description: 'Key of a raw record' }),
  partition: partitionNumber.optional(),
  timestamp: z.string().optional().openapi({
    description: 'Of a raw record: milliseconds since 1970 or RFC 3339',
  }),
  values: z.enum(['true', 'false']).default('false').openapi({
    description: 'The JSON body is a value, or an array of values; or each line is one',
  }),
})

type ProduceQuery = z.output<typeof querySchema>
const defaultQuery: ProduceQuery = { acks: 'all', values: 'false' }

const headersSchema = z.object({
  'Record-Key': z.string().optional().openapi({ description: 'Key of a raw record; :base64:' }),
  'Record-Timestamp': z.string().optional().openapi({ description: 'Milliseconds or RFC 3339' }),
  'Record-Header': z.string().optional().openapi({
    description: 'Headers of a raw record, an RFC 9651 dictionary: trace=abc, raw=:AQID:',
  }),
  'Idempotency-Key': z.string().optional().openapi({
    description:
      'Stores the request once, however often it is sent; a string of RFC 9651 or a token',
  }),
  'If-Match': z.string().optional().openapi({
    description: 'Stores the request only where the partition ends at this offset: "42"',
  }),
  'Producer-Id': z.string().optional().openapi({
    description: 'With Producer-Epoch and Producer-Seq: an idempotent producer of Kafka',
  }),
  'Producer-Epoch': z.string().optional(),
  'Producer-Seq': z.string().optional().openapi({ description: 'Of the first record' }),
  Prefer: z.string().optional().openapi({ description: 'return=minimal: 204, Record-Position' }),
})

const repliesHeaders = {
  'Record-Position': { schema: { type: 'string' as const }, description: 'p=0;o=41..52' },
  'Idempotency-Replayed': {
    schema: { type: 'string' as const, enum: ['true'] },
    description: 'The request had been stored before: these are its positions',
  },
  RateLimit: {
    schema: { type: 'string' as const },
    description: 'Where the quota is used up: "produce";r=0;t=<seconds until there is more>',
  },
  ETag: { schema: { type: 'string' as const }, description: 'With If-Match: the new end offset' },
}

const problem = (description: string) => ({ ...problemResponses.default, description })

const documentation = {
  method: 'post' as const,
  tags: ['Records'],
  responses: {
    200: {
      description: 'All records are stored',
      headers: repliesHeaders,
      content: {
        'application/json': { schema: produceResponseSchema },
        [linesType]: { schema: resultSchema },
      },
    },
    204: {
      description: 'All records are stored (Prefer: return=minimal, or a repeated Producer-Seq)',
      headers: repliesHeaders,
    },
    207: {
      description: 'Some records are stored; the results say which',
      content: { 'application/json': { schema: produceResponseSchema } },
    },
    403: problem('A newer epoch of the producer has taken over'),
    409: problem('A request with this key is under way, or the sequence has a gap'),
    412: problem('The partition does not end where If-Match says'),
    413: problem('The body or a record is too large'),
    415: problem('The content type or encoding is not understood'),
    422: problem('A record is not valid, or the key was used for another request'),
    429: problem(
      'A quota is used up (Retry-After, RateLimit), or the partition knows all the keys it may',
    ),
    501: problem('The broker behind this gateway is not of Sluice'),
    ...problemResponses,
  },
}

const binary = { type: 'string' as const, format: 'binary' }
const event = { type: 'object' as const, required: ['id', 'source', 'specversion', 'type'] }

const body = {
  required: true,
  content: {
    'application/json': { schema: produceBodySchema },
    [linesType]: { schema: recordSchema },
    'application/cloudevents+json': { schema: event },
    'application/cloudevents-batch+json': { schema: { type: 'array' as const, items: event } },
    'application/vnd.stream.records': { schema: binary },
    [batchesType]: { schema: binary },
    'application/octet-stream': { schema: binary },
    'text/plain': { schema: { type: 'string' as const } },
    '*/*': { schema: binary },
  },
}

export function addProduceRoutes(options: ProduceRoutesOptions): void {
  const { endpoints } = options
  endpoints.addDocumented(
    {
      ...documentation,
      path: '/v1/topics/{topic}/records',
      operationId: 'produce',
      summary: 'Store records; keys choose the partition as in Java',
      request: { params: topicParam, query: querySchema, headers: headersSchema, body },
    },
    (request) => produce(options, request, undefined),
  )
  endpoints.addDocumented(
    {
      ...documentation,
      path: '/v1/topics/{topic}/partitions/{partition}/records',
      operationId: 'produceToPartition',
      summary: 'Store records in one partition',
      request: { params: partitionParam, query: querySchema, headers: headersSchema, body },
    },
    (request) => {
      const partition = parsePartition(request.req.param('partition'))
      return partition.ok ? produce(options, request, partition.value) : partition.problem
    },
  )
}

async function produce(
  options: ProduceRoutesOptions,
  request: GatewayRequest,
  pathPartition: number | undefined,
): Promise<Answer> {
  const source = sourceOf(request)
  const query = hasQuery(request) ? options.endpoints.parseQuery(querySchema, request) : noQuery
  if (!query.ok) return query.problem
  const { partition: queryPartition } = query.value
  const partition = pathPartition ?? queryPartition
  if (queryPartition !== undefined && queryPartition !== partition) return otherPartition
  const terms = parseProduceTerms(source)
  if (!terms.ok) return terms.problem
  const held = throttled(options.client, 'produce')
  if (held) return held
  const call: ProduceCall = {
    source,
    topic: request.req.param('topic') ?? '',
    partition,
    query: query.value,
    acks: query.value.acks === '-1' ? 'all' : query.value.acks,
    nowMs: options.clock.now(),
  }
  const isLines = mediaTypeOf(headerOf(source, 'content-type')) === linesType
  if (isLines && terms.value === undefined) return produceLines(options, call)
  const { acks } = call
  if (terms.value !== undefined && acks === '0') return unanswerable
  const producer = options.producers.of(acks)
  // Back-pressure: while the producer has no room, bodies stay in the clients' sockets.
  if (producer.full) await producer.room()
  const room = new BodyRoom(options.bodies)
  const bytes = await readBody(source, options.limits.bodyBytesMax, room)
  if (!bytes.ok) return bytes.problem
  const parsed = parseBody(options, call, bytes.value)
  if (!parsed.ok) return parsed.problem
  const { ids, batches } = parsed.value
  const records = intoPartition(parsed.value.records, partition)
  if (!records.ok) return records.problem
  options.traffic.bytesIn += bytes.value.length
  options.traffic.recordsIn += records.value.length
  const known = options.producers.checkTopic(call.topic)
  const checked = known instanceof Promise ? await known : known
  if (!checked.ok) return checked.problem
  if (terms.value !== undefined || batches !== undefined) {
    const body = { records: records.value, ids, batches }
    return produceExactly(options, { ...call, terms: terms.value ?? {}, bytes: bytes.value }, body)
  }
  const outcomes = await producer.sendEach(call.topic, records.value)
  // Records are views on the body, and one that failed may still wait for the answer to a batch.
  if (outcomes.every(isStored)) room.giveBack()
  const explain = explainer(options, call)
  const minimal = prefersMinimal(source)
  const headers = rateLimitHeaders(options.client, 'produce')
  return produceAnswer({ outcomes, ids, acks, minimal, explain, headers }, options.responder)
}

interface ProduceCall {
  readonly source: BodySource
  readonly topic: string
  /** Of the path or the query. */
  readonly partition: number | undefined
  readonly query: ProduceQuery
  readonly acks: Acks
  readonly nowMs: number
}

function parseBody(
  { limits }: ProduceRoutesOptions,
  { source, query, nowMs }: ProduceCall,
  body: Buffer,
): Outcome<ProduceBody> {
  const header = (name: string) => headerOf(source, name)
  return parseProduceBody(
    {
      body,
      contentType: header('content-type'),
      values: query.values === 'true',
      key: query.key,
      recordKey: header('record-key'),
      recordTimestamp: query.timestamp ?? header('record-timestamp'),
      recordHeader: header('record-header'),
      event: header('ce-specversion') === undefined ? undefined : eventAttributes(source),
      nowMs,
    },
    limits,
  )
}

/** As they come, with an acknowledgement a line or one answer about all of them. */
async function produceLines(options: ProduceRoutesOptions, call: ProduceCall): Promise<Answer> {
  const { limits, responder, traffic, producers } = options
  const { source, topic, partition, query, acks } = call
  const accepted = negotiate(headerOf(source, 'accept'), ['application/json', linesType] as const)
  if (accepted === undefined) {
    return { code: 'not_acceptable', detail: `application/json or ${linesType} is the answer here` }
  }
  const pieces = bodyPieces(source)
  if (!pieces.ok) return pieces.problem
  const known = producers.checkTopic(topic)
  const checked = known instanceof Promise ? await known : known
  if (!checked.ok) return checked.problem
  const stream = options.streams.open()
  if (!stream) return { code: 'overloaded', detail: `${limits.streamsMax} streams are open` }
  const { jsonDepthMax } = limits
  const values = query.values === 'true'
  const outcomes = storeLines({
    pieces: pieces.value,
    producer: producers.of(acks),
    topic,
    partition,
    lineBytesMax: limits.bodyBytesMax,
    options: () => ({ values, nowMs: options.clock.now(), jsonDepthMax }),
    stream,
    traffic,
  })
  const explain = explainer(options, call)
  if (accepted === linesType) {
    const headers = { 'content-type': linesType, 'cache-control': 'no-cache, no-transform' }
    return responder.body(acknowledgements(outcomes, { explain, stream }), 200, {
      ...headers,
      'x-accel-buffering': 'no',
    })
  }
  try {
    const resultsMax = prefersMinimal(source) ? 0 : limits.recordsMax
    return await summary(outcomes, { explain, acks, resultsMax }, responder)
  } finally {
    stream.close()
  }
}

/** Whole batches, or records under terms. */
async function produceExactly(
  options: ProduceRoutesOptions,
  call: ProduceCall & { readonly terms: ProduceTerms; readonly bytes: Buffer },
  { records, ids, batches }: ProduceBody,
): Promise<Answer> {
  const { client, exact, responder } = options
  const { source, topic, partition, acks, terms, nowMs } = call
  if (batches !== undefined && terms.producer !== undefined) return ownSequences
  await exact.room()
  const fingerprint = terms.idempotencyKey === undefined ? noBytes : fingerprintOf(call)
  const request = { topic, acks, terms, fingerprint, nowMs }
  const stored =
    batches === undefined
      ? await exact.storeRecords(request, records)
      : await exact.storeBatches(request, batches, partition)
  if (!stored.ok) return stored.problem
  const { outcomes, repeated } = stored.value
  const headers: { [name: string]: string } = { ...rateLimitHeaders(client, 'produce') }
  if (repeated && terms.idempotencyKey !== undefined) headers['idempotency-replayed'] = 'true'
  const last = outcomes.at(-1)
  if (terms.expectedEnd !== undefined && last !== undefined && 'offset' in last) {
    headers['etag'] = `"${last.offset + (last.count ?? 1)}"`
  }
  const minimal = prefersMinimal(source) || (repeated && terms.producer !== undefined)
  const explain = explainer(options, call)
  const answer = produceAnswer({ outcomes, ids, acks, minimal, explain, headers }, responder)
  if (!('detail' in answer) || terms.producer === undefined) return answer
  return withReceivedSequence(answer, terms.producer.sequence)
}

/** What a repetition must have in common with the first request: all that makes the records. */
function fingerprintOf({
  source,
  partition,
  query,
  bytes,
}: ProduceCall & { readonly bytes: Buffer }): Buffer {
  const named = headerNames(source).filter((name) => name.startsWith('ce-'))
  const headers = ['record-key', 'record-timestamp', 'record-header', ...named.sort()]
  const parts = [
    mediaTypeOf(headerOf(source, 'content-type')),
    String(partition ?? ''),
    query.key ?? '',
    query.timestamp ?? '',
    query.values,
    ...headers.map((name) => `${name}=${headerOf(source, name) ?? ''}`),
  ]
  return hashOf(...parts, bytes)
}

function eventAttributes(source: BodySource): EventAttribute[] {
  return headerNames(source)
    .filter((name) => name.startsWith('ce-'))
    .map((name) => [name.slice('ce-'.length), headerOf(source, name) ?? ''] as const)
}

function explainer({ client }: ProduceRoutesOptions, { topic }: ProduceCall) {
  return (error: KafkaError) => explainProduceError(error, client.topic(topic) !== undefined)
}

function withReceivedSequence(problem: Problem, sequence: number): Problem {
  if (problem.code !== 'sequence_gap') return problem
  return { ...problem, headers: { ...problem.headers, 'producer-received-seq': String(sequence) } }
}

function isStored(outcome: RecordOutcome): boolean {
  return !(outcome instanceof KafkaError)
}

const noBytes = Buffer.alloc(0)

const otherPartition: Problem = {
  code: 'invalid_parameter',
  detail: 'partition: the path names another one',
}

const unanswerable: Problem = {
  code: 'invalid_parameter',
  detail: 'acks: with 0 nothing is answered, so no terms can be kept',
}

const ownSequences: Problem = {
  code: 'invalid_parameter',
  detail: 'Producer-Id: record batches carry their own producer and sequence',
}

const noQuery: Outcome<ProduceQuery> = done(defaultQuery)

function hasQuery(request: GatewayRequest): boolean {
  return request.req.url.includes('?')
}

function prefersMinimal(source: BodySource): boolean {
  const prefer = headerOf(source, 'prefer')
  return prefer !== undefined && /(^|[,;\s])return=minimal\b/i.test(prefer)
}

/** The path's partition counts for every record; a record that names another one is refused. */
function intoPartition(
  records: readonly ProduceRecord[],
  partition: number | undefined,
): Outcome<readonly ProduceRecord[]> {
  if (partition === undefined) return done(records)
  const other = records.findIndex((it) => it.partition !== undefined && it.partition !== partition)
  if (other >= 0) {
    const detail = `record ${other} names partition ${records[other].partition}, not ${partition}`
    const errors = [{ index: other, code: 'invalid_record', detail }]
    return failed({ code: 'invalid_record', detail: 'nothing was stored', errors })
  }
  return done(records.map((record) => ({ ...record, partition })))
}
