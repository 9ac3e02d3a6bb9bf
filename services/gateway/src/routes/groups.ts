// /v1/groups: consumer groups as their coordinators see them; how far each is behind; delete.

import { z } from '@hono/zod-openapi'
import type { GroupAdmin } from '@sluice/core/kafka-client/group-admin'
import type {
  GroupDescription,
  MemberDescription,
} from '@sluice/core/kafka-client/group-description'
import type { GroupLag } from '@sluice/core/kafka-client/group-lag'
import { errors } from '@sluice/protocol/errors'
import type { Endpoints } from '../endpoints.ts'
import type { GroupOffsets } from '../group-offsets.ts'
import { listGroupsDefault, listGroupsMax } from '../limits.ts'
import { problemResponses } from '../openapi.ts'
import { groupParam, severalOf, wholeNumber } from '../parameters.ts'
import { done, failed, type Outcome } from '../problem.ts'
import { kafkaProblem } from '../problems.ts'
import type { Responder } from '../responder.ts'

export interface GroupRoutesOptions {
  readonly endpoints: Endpoints
  readonly responder: Responder
  readonly groups: GroupAdmin
  readonly groupOffsets: GroupOffsets
}

export const groupTags = ['Groups']

const listedGroupSchema = z
  .object({
    group: z.string(),
    state: z.string(),
    type: z.string(),
    protocol_type: z.string(),
    coordinator: z.int(),
  })
  .openapi('ListedGroup')

const placeSchema = z.object({ topic: z.string(), partition: z.int() })

const memberSchema = z
  .object({
    member_id: z.string(),
    instance_id: z.string().nullable(),
    client_id: z.string(),
    host: z.string(),
    topics: z.array(z.string()).nullable().openapi({ description: 'null: it is no consumer' }),
    assignment: z.array(placeSchema),
  })
  .openapi('GroupMember')

const groupSchema = z
  .object({
    group: z.string(),
    state: z.string().openapi({
      description: 'Empty, PreparingRebalance, CompletingRebalance, Stable or Dead',
    }),
    protocol_type: z.string(),
    protocol: z.string().openapi({ description: 'The assignor that all members agreed on' }),
    coordinator: z.int(),
    members: z.array(memberSchema),
  })
  .openapi('Group')

const lagSchema = z
  .object({
    group: z.string(),
    state: z.string(),
    lag: z.int().openapi({ description: 'Of all partitions of which it is known' }),
    partitions: z.array(
      placeSchema.extend({
        committed: z.int().nullable(),
        end: z.int().nullable(),
        lag: z.int().nullable(),
        member_id: z.string().nullable(),
        client_id: z.string().nullable(),
        host: z.string().nullable(),
      }),
    ),
  })
  .openapi('GroupLag')

export function addGroupRoutes(options: GroupRoutesOptions): void {
  addListRoute(options)
  addDescribingRoutes(options)
  addDeleteRoute(options)
}

function addListRoute({ endpoints, responder, groups }: GroupRoutesOptions): void {
  endpoints.add(
    {
      method: 'get',
      path: '/v1/groups',
      operationId: 'listGroups',
      summary: 'List groups by name',
      tags: groupTags,
      query: z.strictObject({
        limit: wholeNumber({ min: 1, max: listGroupsMax }).default(listGroupsDefault),
        after: z.string().optional().openapi({ description: 'next of the page before' }),
        state: severalOf('Only groups in this state, by the names of Kafka'),
        type: severalOf('Only groups of this type: classic, consumer, …'),
      }),
      responses: {
        200: {
          description: 'A page of groups',
          content: {
            'application/json': {
              schema: z
                .object({ groups: z.array(listedGroupSchema), next: z.string().nullable() })
                .openapi('GroupList'),
            },
          },
        },
        ...problemResponses,
      },
    },
    async ({ query: { limit, after, state, type } }) => {
      const listed = await groups.list({ states: state, types: type })
      const shown = listed.filter(({ group }) => after === undefined || group > after)
      const page = shown.slice(0, limit)
      const next = shown.length > limit ? page[page.length - 1].group : null
      return responder.json({
        groups: page.map(({ protocolType, ...rest }) => ({ ...rest, protocol_type: protocolType })),
        next,
      })
    },
  )
}

function addDescribingRoutes({ endpoints, responder, groups }: GroupRoutesOptions): void {
  const document = <S extends z.ZodType>(description: string, schema: S) => ({
    200: { description, content: { 'application/json': { schema } } },
    ...problemResponses,
  })
  const shared = { method: 'get' as const, tags: groupTags, params: groupParam }
  endpoints.add(
    {
      ...shared,
      path: '/v1/groups/{group}',
      operationId: 'describeGroup',
      summary: 'Describe a group: its state, its members, what each reads',
      responses: document('The group', groupSchema),
    },
    async ({ params }) => {
      const [described] = (await groups.describe([params.group])).map(checked)
      return described.ok ? responder.json(groupView(described.value)) : described.problem
    },
  )
  endpoints.add(
    {
      ...shared,
      path: '/v1/groups/{group}/members',
      operationId: 'listGroupMembers',
      summary: 'Members of a group',
      responses: document('The members', z.object({ members: z.array(memberSchema) })),
    },
    async ({ params }) => {
      const [described] = (await groups.describe([params.group])).map(checked)
      if (!described.ok) return described.problem
      return responder.json({ members: described.value.members.map(memberView) })
    },
  )
  endpoints.add(
    {
      ...shared,
      path: '/v1/groups/{group}/lag',
      operationId: 'groupLag',
      summary: 'How far a group is behind the ends of what it reads',
      responses: document('The lag, partition by partition', lagSchema),
    },
    async ({ params }) => {
      const [lag] = (await groups.lag([params.group])).map(checked)
      return lag.ok ? responder.json(lagView(lag.value)) : lag.problem
    },
  )
}

function addDeleteRoute({ endpoints, responder, groups }: GroupRoutesOptions): void {
  endpoints.add(
    {
      method: 'delete',
      path: '/v1/groups/{group}',
      operationId: 'deleteGroup',
      summary: 'Delete a group that has no members, and its offsets',
      tags: groupTags,
      params: groupParam,
      responses: { 204: { description: 'The group is gone' }, ...problemResponses },
    },
    async ({ params }) => {
      const [{ error, message }] = await groups.delete([params.group])
      return error === errors.NONE ? responder.empty() : kafkaProblem(error, message)
    },
  )
}

function checked<G extends GroupDescription>(description: G): Outcome<G> {
  const { error, message } = description
  return error === errors.NONE ? done(description) : failed(kafkaProblem(error, message))
}

function groupView(description: GroupDescription): z.infer<typeof groupSchema> {
  const { group, state, protocolType, protocol, coordinator, members } = description
  const shown = members.map(memberView)
  return { group, state, protocol_type: protocolType, protocol, coordinator, members: shown }
}

function memberView(member: MemberDescription): z.infer<typeof memberSchema> {
  const { memberId, instanceId, clientId, host, topics, assignment } = member
  return {
    member_id: memberId,
    instance_id: instanceId,
    client_id: clientId,
    host,
    topics: topics && [...topics],
    assignment: [...assignment],
  }
}

function lagView({ group, state, partitions }: GroupLag): z.infer<typeof lagSchema> {
  return {
    group,
    state,
    lag: partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0),
    partitions: partitions.map(({ topic, partition, committed, end, lag, member }) => ({
      topic,
      partition,
      committed,
      end,
      lag,
      member_id: member?.memberId ?? null,
      client_id: member?.clientId ?? null,
      host: member?.host ?? null,
    })),
  }
}
