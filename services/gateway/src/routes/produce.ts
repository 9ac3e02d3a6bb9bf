// POST …/records: produce. One record as it is, or several as JSON; answered when the broker has them as
// `acks` asks. All requests of one turn of the loop travel together (the producer batches by partition).

import { z } from '@hono/zod-openapi'
import type { Clock } from '@sluice/core/host/clock'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import type { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { type Answer, type Endpoints, type GatewayRequest, sourceOf } from '../endpoints.ts'
import type { GatewayLimits } from '../limits.ts'
import { problemResponses } from '../openapi.ts'
import { parsePartition, partitionParam, topicParam } from '../parameters.ts'
import { done, failed, type Outcome } from '../problem.ts'
import { parseProduceBody, produceBodySchema } from '../produce-body.ts'
import {
  type Acks,
  explainProduceError,
  produceAnswer,
  produceResponseSchema,
} from '../produce-result.ts'
import type { Producers } from '../producers.ts'
import type { ProduceRecord } from '../record-json.ts'
import { type BodySource, headerOf, readBody } from '../request-body.ts'
import type { Responder } from '../responder.ts'
import type { Traffic } from '../traffic.ts'

export interface ProduceRoutesOptions {
  readonly endpoints: Endpoints
  readonly responder: Responder
  readonly client: KafkaClient
  readonly producers: Producers
  readonly clock: Clock
  readonly limits: GatewayLimits
  readonly traffic: Traffic
}

const querySchema = z.strictObject({
  acks: z.enum(['0', '1', 'all', '-1']).default('all').openapi({
    description: 'all: durable; 1: the leader has it; 0: do not wait',
  }),
  key: z.string().optional().openapi({ description: 'Key of a raw record' }),
  values: z
    .enum(['true', 'false'])
    .default('false')
    .openapi({ description: 'The JSON body is a value, or an array of values' }),
})

type ProduceQuery = z.output<typeof querySchema>
const defaultQuery: ProduceQuery = { acks: 'all', values: 'false' }

const headersSchema = z.object({
  'Record-Key': z.string().optional().openapi({ description: 'Key of a raw record; :base64:' }),
  'Record-Timestamp': z.string().optional().openapi({ description: 'Milliseconds or RFC 3339' }),
  'Record-Header': z.string().optional().openapi({
    description: 'Headers of a raw record, an RFC 9651 dictionary: trace=abc, raw=:AQID:',
  }),
  Prefer: z.string().optional().openapi({ description: 'return=minimal: 204, Record-Position' }),
})

const documentation = {
  method: 'post' as const,
  tags: ['Records'],
  responses: {
    200: {
      description: 'All records are stored',
      content: { 'application/json': { schema: produceResponseSchema } },
    },
    204: { description: 'All records are stored (Prefer: return=minimal)' },
    207: {
      description: 'Some records are stored; the results say which',
      content: { 'application/json': { schema: produceResponseSchema } },
    },
    ...problemResponses,
  },
}

const body = {
  required: true,
  content: {
    'application/json': { schema: produceBodySchema },
    'application/octet-stream': { schema: { type: 'string' as const, format: 'binary' } },
    'text/plain': { schema: { type: 'string' as const } },
    '*/*': { schema: { type: 'string' as const, format: 'binary' } },
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
  partition: number | undefined,
): Promise<Answer> {
  const { client, producers, clock, limits, traffic, responder } = options
  const topic = request.req.param('topic') ?? ''
  const source = sourceOf(request)
  const query = hasQuery(request) ? options.endpoints.parseQuery(querySchema, request) : noQuery
  if (!query.ok) return query.problem
  const acks: Acks = query.value.acks === '-1' ? 'all' : query.value.acks
  const producer = producers.of(acks)
  // Back-pressure: while the producer has no room, bodies stay in the clients' sockets.
  if (producer.full) await producer.room()
  const bytes = await readBody(source, limits.bodyBytesMax)
  if (!bytes.ok) return bytes.problem
  const parsed = parseProduceBody(
    {
      body: bytes.value,
      contentType: headerOf(source, 'content-type'),
      values: query.value.values === 'true',
      key: query.value.key,
      recordKey: headerOf(source, 'record-key'),
      recordTimestamp: headerOf(source, 'record-timestamp'),
      recordHeader: headerOf(source, 'record-header'),
      nowMs: clock.now(),
    },
    limits,
  )
  if (!parsed.ok) return parsed.problem
  const { ids } = parsed.value
  const records = intoPartition(parsed.value.records, partition)
  if (!records.ok) return records.problem
  traffic.bytesIn += bytes.value.length
  traffic.recordsIn += records.value.length
  const known = producers.checkTopic(topic)
  const checked = known instanceof Promise ? await known : known
  if (!checked.ok) return checked.problem
  const outcomes = await producer.sendEach(topic, records.value)
  const explain = (error: KafkaError) =>
    explainProduceError(error, client.topic(topic) !== undefined)
  const minimal = prefersMinimal(source)
  return produceAnswer({ outcomes, ids, acks, minimal, explain }, responder)
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
