// /v1/topics: list, create, ensure, describe, alter, delete; partitions.

import { z } from '@hono/zod-openapi'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import type { TopicMetadata } from '@sluice/core/kafka-client/metadata-cache'
import { errors } from '@sluice/protocol/errors'
import type { Endpoints } from '../endpoints.ts'
import { listTopicsDefault, listTopicsMax, topicNameLengthMax } from '../limits.ts'
import { problemResponses } from '../openapi.ts'
import { topicParam, wholeNumber } from '../parameters.ts'
import type { Responder } from '../responder.ts'
import { type DescribedTopic, replicationFactorOf, type TopicAdmin } from '../topic-admin.ts'
import { findTopic } from '../topic-lookup.ts'

export interface TopicRoutesOptions {
  readonly endpoints: Endpoints
  readonly responder: Responder
  readonly client: KafkaClient
  readonly topics: TopicAdmin
}

const tags = ['Topics']

const configValue = z.union([z.string(), z.number(), z.boolean()]).transform(String)
const configSchema = z.record(z.string(), configValue).openapi({
  description: "Kafka's topic configs, e.g. retention.ms",
})
const partitionCount = z.int().min(1).max(0x7fff_ffff)
const replicationFactor = z.int().min(1).max(0x7fff)

const settingsShape = {
  partitions: partitionCount.optional(),
  replication_factor: replicationFactor.optional(),
  config: configSchema.optional(),
}
const ensureSchema = z.strictObject(settingsShape).openapi('TopicSettings')
const createSchema = z
  .strictObject({ name: z.string().min(1).max(topicNameLengthMax), ...settingsShape })
  .openapi('NewTopic')
const alterSchema = z
  .strictObject({
    partitions: partitionCount.optional(),
    config: z
      .record(z.string(), z.union([configValue, z.null()]))
      .optional()
      .openapi({ description: 'null: back to the default' }),
  })
  .openapi('TopicChanges')

const topicShape = {
  name: z.string(),
  id: z.string(),
  internal: z.boolean(),
  partitions: z.int(),
  replication_factor: z.int(),
}
const listedTopicSchema = z.object(topicShape).openapi('ListedTopic')
const topicSchema = z
  .object({ ...topicShape, config: z.record(z.string(), z.string()) })
  .openapi('Topic')

const topicResponses = {
  200: {
    description: 'The topic',
    content: { 'application/json': { schema: topicSchema } },
  },
  ...problemResponses,
}
const createdResponse = {
  201: {
    description: 'The topic was created',
    content: { 'application/json': { schema: topicSchema } },
  },
}

export function addTopicRoutes(options: TopicRoutesOptions): void {
  addListRoute(options)
  addChangingRoutes(options)
  addDescribingRoutes(options)
}

function addListRoute({ endpoints, responder, topics }: TopicRoutesOptions): void {
  const query = z.strictObject({
    limit: wholeNumber({ min: 1, max: listTopicsMax }).default(listTopicsDefault),
    after: z.string().optional().openapi({ description: 'next of the page before' }),
    internal: z
      .enum(['true', 'false'])
      .default('false')
      .openapi({ description: 'Also those that Kafka keeps for itself' }),
  })
  endpoints.add(
    {
      method: 'get',
      path: '/v1/topics',
      operationId: 'listTopics',
      summary: 'List topics by name',
      tags,
      query,
      responses: {
        200: {
          description: 'A page of topics',
          content: {
            'application/json': {
              schema: z
                .object({ topics: z.array(listedTopicSchema), next: z.string().nullable() })
                .openapi('TopicList'),
            },
          },
        },
        ...problemResponses,
      },
    },
    async ({ query: { limit, after, internal } }) => {
      const all = await topics.list()
      const shown = all.filter((topic) => {
        if (topic.error !== errors.NONE || (topic.internal && internal === 'false')) return false
        return after === undefined || topic.name > after
      })
      const page = shown.slice(0, limit)
      const next = shown.length > limit ? page[page.length - 1].name : null
      return responder.json({ topics: page.map(listedTopic), next })
    },
  )
}

function addChangingRoutes({ endpoints, responder, topics }: TopicRoutesOptions): void {
  const locationOf = (name: string) => `/v1/topics/${encodeURIComponent(name)}`
  endpoints.add(
    {
      method: 'post',
      path: '/v1/topics',
      operationId: 'createTopic',
      summary: 'Create a topic',
      tags,
      body: createSchema,
      responses: { ...createdResponse, ...problemResponses },
    },
    async ({ body: { name, ...body } }) => {
      const created = await topics.create(name, settingsOf(body))
      if (!created.ok) return created.problem
      return responder.json(describedTopic(created.value), 201, { location: locationOf(name) })
    },
  )
  endpoints.add(
    {
      method: 'put',
      path: '/v1/topics/{topic}',
      operationId: 'ensureTopic',
      summary: 'Have a topic with these settings: create it, or alter what differs',
      tags,
      params: topicParam,
      body: ensureSchema,
      responses: { ...topicResponses, ...createdResponse },
    },
    async ({ params: { topic }, body }) => {
      const ensured = await topics.ensure(topic, settingsOf(body))
      if (!ensured.ok) return ensured.problem
      const { created } = ensured.value
      const headers: { [name: string]: string } = created ? { location: locationOf(topic) } : {}
      return responder.json(describedTopic(ensured.value), created ? 201 : 200, headers)
    },
  )
  endpoints.add(
    {
      method: 'patch',
      path: '/v1/topics/{topic}',
      operationId: 'alterTopic',
      summary: 'Add partitions, set and unset configs',
      tags,
      params: topicParam,
      body: alterSchema,
      responses: topicResponses,
    },
    async ({ params: { topic }, body }) => {
      const altered = await topics.alter(topic, body)
      return altered.ok ? responder.json(describedTopic(altered.value)) : altered.problem
    },
  )
  endpoints.add(
    {
      method: 'delete',
      path: '/v1/topics/{topic}',
      operationId: 'deleteTopic',
      summary: 'Delete a topic and its records',
      tags,
      params: topicParam,
      responses: {
        202: {
          description: 'The topic is gone; its files go in the background',
          content: {
            'application/json': {
              schema: z
                .object({ name: z.string(), id: z.string(), state: z.literal('deleting') })
                .openapi('DeletedTopic'),
            },
          },
        },
        ...problemResponses,
      },
    },
    async ({ params }) => {
      const deleted = await topics.delete(params.topic)
      if (!deleted.ok) return deleted.problem
      const { name, id } = deleted.value
      return responder.json({ name, id, state: 'deleting' }, 202)
    },
  )
}

function addDescribingRoutes({ endpoints, responder, client, topics }: TopicRoutesOptions): void {
  endpoints.add(
    {
      method: 'get',
      path: '/v1/topics/{topic}',
      operationId: 'describeTopic',
      summary: 'Describe a topic',
      tags,
      params: topicParam,
      responses: topicResponses,
    },
    async ({ params: { topic } }) => {
      const described = await topics.describe(topic)
      return described.ok ? responder.json(describedTopic(described.value)) : described.problem
    },
  )
  endpoints.add(
    {
      method: 'get',
      path: '/v1/topics/{topic}/partitions',
      operationId: 'listPartitions',
      summary: 'Leaders and replicas of the partitions',
      tags,
      params: topicParam,
      responses: {
        200: {
          description: 'The partitions',
          content: { 'application/json': { schema: partitionsSchema } },
        },
        ...problemResponses,
      },
    },
    async ({ params: { topic } }) => {
      const found = await findTopic(client, topic, { refresh: true })
      return found.ok ? responder.json(partitionsOf(found.value)) : found.problem
    },
  )
}

const partitionsSchema = z
  .object({
    partitions: z.array(
      z.object({
        partition: z.int(),
        leader: z.int().nullable(),
        leader_epoch: z.int(),
        replicas: z.array(z.int()),
        isr: z.array(z.int()),
        offline: z.array(z.int()),
      }),
    ),
  })
  .openapi('PartitionList')

function settingsOf(body: z.output<typeof ensureSchema>) {
  const { partitions, replication_factor, config } = body
  return { partitions, replicationFactor: replication_factor, config }
}

function listedTopic(topic: TopicMetadata): z.infer<typeof listedTopicSchema> {
  const { name, id, internal, partitions } = topic
  const replication_factor = replicationFactorOf(topic)
  return { name, id, internal, partitions: partitions.length, replication_factor }
}

function describedTopic({ topic, config }: DescribedTopic): z.infer<typeof topicSchema> {
  return { ...listedTopic(topic), config: { ...config } }
}

function partitionsOf({ partitions }: TopicMetadata): z.infer<typeof partitionsSchema> {
  return {
    partitions: partitions.map(
      ({ index, leader, leaderEpoch, replicas, isr, offlineReplicas }) => ({
        partition: index,
        leader: leader < 0 ? null : leader,
        leader_epoch: leaderEpoch,
        replicas: [...replicas],
        isr: [...isr],
        offline: [...offlineReplicas],
      }),
    ),
  }
}
