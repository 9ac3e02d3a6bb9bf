// /v1/groups/{group}/offsets: what a group has committed; reset and forgotten. An offset is always that of the
// next record to be read.

import { z } from '@hono/zod-openapi'
import type { Strategy } from '@sluice/core/kafka-client/offset-reset'
import { errors } from '@sluice/protocol/errors'
import { explicitOffsets } from '../group-offsets.ts'
import { topicNameLengthMax } from '../limits.ts'
import { problemResponses } from '../openapi.ts'
import { groupParam, severalOf } from '../parameters.ts'
import type { Problem } from '../problem.ts'
import { kafkaProblem } from '../problems.ts'
import { parseTimestamp } from '../timestamps.ts'
import { type GroupRoutesOptions, groupTags } from './groups.ts'

const topicName = z.string().min(1).max(topicNameLengthMax)
const partitionNumber = z.int().min(0).max(0x7fff_ffff)
const place = z.strictObject({ topic: topicName, partition: partitionNumber })
const placesMax = 10_000

const resetSchema = z
  .strictObject({
    to: z
      .string()
      .transform((text, context): Strategy => {
        const strategy = parseStrategy(text)
        if (strategy) return strategy
        const forms = 'earliest, latest, current, offset:N, shift:N or ts:T'
        context.addIssue({ code: 'custom', message: `one of ${forms} was expected` })
        return z.NEVER
      })
      .optional()
      .openapi({
        type: 'string',
        description: 'earliest, latest, current, offset:N, shift:-N, ts:T (RFC 3339 or ms)',
      }),
    topics: z
      .array(topicName)
      .min(1)
      .optional()
      .openapi({ description: 'All partitions of these' }),
    partitions: z.array(place).min(1).max(placesMax).optional(),
    offsets: z
      .array(place.extend({ offset: z.int().min(0) }))
      .min(1)
      .max(placesMax)
      .optional()
      .openapi({ description: 'In place of all else: an offset for each partition' }),
  })
  .openapi('OffsetReset')

const committedSchema = z
  .object({
    offsets: z.array(
      z.object({
        topic: z.string(),
        partition: z.int(),
        offset: z.int(),
        leader_epoch: z.int().nullable(),
        metadata: z.string().nullable(),
      }),
    ),
  })
  .openapi('CommittedOffsets')

const planSchema = z
  .object({
    dry_run: z.boolean(),
    offsets: z.array(
      z.object({
        topic: z.string(),
        partition: z.int(),
        committed: z.int().nullable().openapi({ description: 'Before' }),
        offset: z.int(),
        lag: z.int(),
        note: z.string().nullable().openapi({
          description: 'Why it is not the offset that was asked for',
        }),
      }),
    ),
  })
  .openapi('OffsetPlan')

export function addGroupOffsetRoutes(options: GroupRoutesOptions): void {
  addReadRoute(options)
  addResetRoute(options)
  addForgetRoute(options)
}

function addReadRoute({ endpoints, responder, groups }: GroupRoutesOptions): void {
  endpoints.add(
    {
      method: 'get',
      path: '/v1/groups/{group}/offsets',
      operationId: 'listGroupOffsets',
      summary: 'Committed offsets of a group',
      tags: groupTags,
      params: groupParam,
      query: z.strictObject({ topic: severalOf('Only of this topic') }),
      responses: {
        200: {
          description: 'The offsets, by topic and partition',
          content: { 'application/json': { schema: committedSchema } },
        },
        ...problemResponses,
      },
    },
    async ({ params: { group }, query: { topic } }) => {
      const [described, committed] = await Promise.all([
        groups.describe([group]),
        groups.offsets(group),
      ])
      // A group that never was has no offsets either: only its coordinator knows the difference.
      const [{ error, message }] = described
      if (error !== errors.NONE) return kafkaProblem(error, message)
      const shown = committed.filter((each) => topic.length === 0 || topic.includes(each.topic))
      const failure = shown.find((each) => each.error !== errors.NONE)
      if (failure) return kafkaProblem(failure.error)
      const offsets = shown.map((each) => ({
        topic: each.topic,
        partition: each.partition,
        offset: each.offset,
        leader_epoch: each.leaderEpoch < 0 ? null : each.leaderEpoch,
        metadata: each.metadata,
      }))
      return responder.json({ offsets })
    },
  )
}

function addResetRoute({ endpoints, responder, groupOffsets }: GroupRoutesOptions): void {
  endpoints.add(
    {
      method: 'put',
      path: '/v1/groups/{group}/offsets',
      operationId: 'resetGroupOffsets',
      summary: 'Reset the offsets of a group without members; the group is created if need be',
      tags: groupTags,
      params: groupParam,
      query: z.strictObject({
        dry_run: z
          .enum(['true', 'false'])
          .default('false')
          .openapi({ description: 'Only say what would be committed' }),
      }),
      body: resetSchema,
      responses: {
        200: {
          description: 'What was committed, or would be',
          content: { 'application/json': { schema: planSchema } },
        },
        ...problemResponses,
      },
    },
    async ({ params: { group }, query, body }) => {
      const { to, topics, partitions, offsets } = body
      const unclear = contradictionIn(body)
      if (unclear) return unclear
      const dryRun = query.dry_run === 'true'
      const strategy = offsets ? explicitOffsets(offsets) : (to as Strategy)
      const places = offsets?.map(({ topic, partition }) => ({ topic, partition })) ?? partitions
      const request = { strategy, topics, partitions: places, dryRun }
      const reset = await groupOffsets.reset(group, request)
      if (!reset.ok) return reset.problem
      const planned = reset.value.map(({ topic, partition, committed, offset, end, note }) => {
        return { topic, partition, committed, offset, lag: end - offset, note }
      })
      return responder.json({ dry_run: dryRun, offsets: planned })
    },
  )
}

function addForgetRoute({ endpoints, responder, groupOffsets }: GroupRoutesOptions): void {
  endpoints.add(
    {
      method: 'delete',
      path: '/v1/groups/{group}/offsets',
      operationId: 'deleteGroupOffsets',
      summary: 'Forget the offsets of a topic that no member reads',
      tags: groupTags,
      params: groupParam,
      query: z.strictObject({
        topic: topicName,
        partition: z
          .string()
          .regex(/^\d{1,10}(,\d{1,10})*$/, 'numbers with commas between were expected')
          .transform((text) => text.split(',').map(Number))
          .optional()
          .openapi({ type: 'string', description: 'Only these, e.g. 0,2' }),
      }),
      responses: {
        200: {
          description: 'Partitions whose offsets were forgotten',
          content: {
            'application/json': {
              schema: z.object({
                offsets: z.array(z.object({ topic: z.string(), partition: z.int() })),
              }),
            },
          },
        },
        ...problemResponses,
      },
    },
    async ({ params: { group }, query: { topic, partition } }) => {
      const deleted = await groupOffsets.delete(group, topic, partition)
      return deleted.ok ? responder.json({ offsets: deleted.value }) : deleted.problem
    },
  )
}

function contradictionIn(body: z.output<typeof resetSchema>): Problem | undefined {
  const { to, topics, partitions, offsets } = body
  const code = 'invalid_request'
  if (offsets && (to || topics || partitions)) {
    return { code, detail: 'offsets stand alone: they say which partitions, and where to' }
  }
  if (!offsets && !to) return { code, detail: 'say where to: `to`, or `offsets`' }
  if (topics && partitions) return { code, detail: 'topics and partitions exclude each other' }
  return undefined
}

function parseStrategy(text: string): Strategy | undefined {
  if (text === 'earliest' || text === 'latest' || text === 'current') return { to: text }
  const [, kind, argument] = /^(offset|shift|ts):(.+)$/.exec(text) ?? []
  if (kind === 'ts') {
    const timestampMs = parseTimestamp(argument)
    return timestampMs === undefined ? undefined : { to: 'time', timestampMs }
  }
  const number = /^[+-]?\d{1,16}$/.test(argument ?? '') ? Number(argument) : Number.NaN
  if (!Number.isSafeInteger(number)) return undefined
  if (kind === 'shift') return { to: 'shift', by: number }
  return number >= 0 ? { to: 'offset', offset: number } : undefined
}
