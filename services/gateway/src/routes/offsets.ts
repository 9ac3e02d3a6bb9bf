// GET …/offsets: where partitions begin and end, and where a time is.

import { z } from '@hono/zod-openapi'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { listOffsets, type OffsetSpec } from '@sluice/core/kafka-client/list-offsets'
import { errors } from '@sluice/protocol/errors'
import type { Endpoints } from '../endpoints.ts'
import { problemResponses } from '../openapi.ts'
import { topicParam } from '../parameters.ts'
import { lookProblem } from '../problems.ts'
import type { Responder } from '../responder.ts'
import { parseTimestamp } from '../timestamps.ts'
import { findTopic } from '../topic-lookup.ts'

export interface OffsetsRouteOptions {
  readonly endpoints: Endpoints
  readonly responder: Responder
  readonly client: KafkaClient
}

const tags = ['Topics']
const lookupTimeoutMs = 10_000

const querySchema = z.strictObject({
  at: z
    .string()
    .default('latest')
    .transform((text, context): OffsetSpec => {
      if (text === 'earliest' || text === 'latest') return text
      const timestampMs = parseTimestamp(text.replace(/^ts:/, ''))
      if (timestampMs !== undefined) return { timestampMs }
      context.addIssue({ code: 'custom', message: 'earliest, latest or a time was expected' })
      return z.NEVER
    })
    .openapi({
      type: 'string',
      default: 'latest',
      description: 'earliest, latest, or a time (RFC 3339 or milliseconds)',
    }),
  isolation: z.enum(['committed', 'uncommitted']).default('committed'),
})

const offsetsSchema = z
  .object({
    offsets: z.array(
      z.object({
        partition: z.int(),
        offset: z.int().nullable(),
        timestamp: z.int().nullable(),
      }),
    ),
  })
  .openapi('OffsetList')

export function addOffsetsRoute({ endpoints, responder, client }: OffsetsRouteOptions): void {
  endpoints.add(
    {
      method: 'get',
      path: '/v1/topics/{topic}/offsets',
      operationId: 'listOffsets',
      summary: 'Offsets of the partitions at their start, their end or a time',
      tags,
      params: topicParam,
      query: querySchema,
      responses: {
        200: {
          description: 'One offset a partition; null where no record is as late as the time',
          content: { 'application/json': { schema: offsetsSchema } },
        },
        ...problemResponses,
      },
    },
    async ({ params: { topic }, query: { at, isolation } }) => {
      const found = await findTopic(client, topic)
      if (!found.ok) return found.problem
      const queries = found.value.partitions.map(({ index }) => ({ topic, partition: index, at }))
      const listed = await listOffsets(client, queries, {
        isolation: isolation === 'committed' ? 'read_committed' : 'read_uncommitted',
        timeoutMs: lookupTimeoutMs,
      })
      const failure = listed.find(({ error }) => error !== errors.NONE)
      if (failure) return lookProblem(new KafkaError(failure.error))
      const offsets = listed.map(({ partition, offset, timestamp }) => ({
        partition,
        offset: offset < 0 ? null : offset,
        timestamp: timestamp < 0 ? null : timestamp,
      }))
      return responder.json({ offsets })
    },
  )
}
