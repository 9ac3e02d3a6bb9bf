// The committed offsets of a group, as the routes change them: reset by one of the strategies of Kafka's tool
// (the plan is core's), and forgotten. What one partition refuses is a problem that says what was done beside it.

import { GroupAdmin } from '@sluice/core/kafka-client/group-admin'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { listOffsets, type OffsetSpec } from '@sluice/core/kafka-client/list-offsets'
import {
  type PartitionFacts,
  type PlannedOffset,
  planReset,
  type Strategy,
} from '@sluice/core/kafka-client/offset-reset'
import { inOrder, keyOf, type TopicPartition } from '@sluice/core/kafka-client/topic-partition'
import { errors } from '@sluice/protocol/errors'
import { done, failed, type Outcome, type Problem } from './problem.ts'
import { kafkaProblem } from './problems.ts'
import { findTopic } from './topic-lookup.ts'

export interface ResetRequest {
  readonly strategy: Strategy
  /** Of these topics; */
  readonly topics: readonly string[] | undefined
  /** or only these; without both, all that the group committed for. */
  readonly partitions: readonly TopicPartition[] | undefined
  /** Nothing is committed. */
  readonly dryRun: boolean
}

const timeoutMs = 10_000
const entriesMax = 100
/** Of a group that has no members: its offsets may be set. One that is not there yet has none either. */
const emptyState = 'Empty'

export class GroupOffsets {
  readonly #client: KafkaClient
  readonly #admin: GroupAdmin

  constructor(client: KafkaClient) {
    this.#client = client
    this.#admin = new GroupAdmin(client, { timeoutMs })
  }

  async reset(group: string, request: ResetRequest): Promise<Outcome<readonly PlannedOffset[]>> {
    const busy = await this.#members(group)
    if (busy) return failed(busy)
    const places = await this.#placesOf(group, request)
    if (!places.ok) return places
    const facts = await this.#factsOf(group, places.value, request.strategy)
    if (!facts.ok) return facts
    const plan = planReset(request.strategy, facts.value)
    if (!plan.ok) return failed({ code: 'conflict', detail: plan.message })
    if (request.dryRun) return done(plan.offsets)
    const answers = await this.#admin.alterOffsets(group, plan.offsets)
    const problem = problemOf(answers)
    return problem ? failed(problem) : done(plan.offsets)
  }

  /** What was forgotten; of all partitions of the topic without `partitions`. */
  async delete(
    group: string,
    topic: string,
    partitions: readonly number[] | undefined,
  ): Promise<Outcome<readonly TopicPartition[]>> {
    const committed = await this.#admin.offsets(group)
    const places = committed
      .filter((each) => each.topic === topic && (partitions?.includes(each.partition) ?? true))
      .map(({ partition }) => ({ topic, partition }))
    if (places.length === 0) {
      const [{ error, message }] = await this.#admin.describe([group])
      return error === errors.NONE ? done([]) : failed(kafkaProblem(error, message))
    }
    const problem = problemOf(await this.#admin.deleteOffsets(group, places))
    return problem ? failed(problem) : done(places)
  }

  /** What a member commits afterwards would take a reset back. */
  async #members(group: string): Promise<Problem | undefined> {
    const [{ error, message, state, members }] = await this.#admin.describe([group])
    if (error === errors.GROUP_ID_NOT_FOUND) return undefined
    if (error !== errors.NONE) return kafkaProblem(error, message)
    if (state === emptyState) return undefined
    const count = members.length === 1 ? '1 member' : `${members.length} members`
    return notEmpty(`the group is ${state}, with ${count}: stop its consumers first`)
  }

  async #placesOf(
    group: string,
    { topics, partitions, strategy }: ResetRequest,
  ): Promise<Outcome<TopicPartition[]>> {
    if (strategy.to === 'file' || partitions) return done([...(partitions ?? [])].sort(inOrder))
    if (!topics) {
      const committed = await this.#admin.offsets(group)
      if (committed.length > 0) return done([...committed].sort(inOrder))
      const detail = 'the group has committed no offsets; name topics or partitions'
      return failed({ ...kafkaProblem(errors.GROUP_ID_NOT_FOUND), detail })
    }
    const places: TopicPartition[] = []
    for (const name of new Set(topics)) {
      const found = await findTopic(this.#client, name, { refresh: true })
      if (!found.ok) return found
      places.push(...found.value.partitions.map(({ index }) => ({ topic: name, partition: index })))
    }
    return done(places.sort(inOrder))
  }

  async #factsOf(
    group: string,
    places: readonly TopicPartition[],
    strategy: Strategy,
  ): Promise<Outcome<PartitionFacts[]>> {
    const [starts, ends, times, offsets] = await Promise.all([
      this.#list('earliest', places),
      this.#list('latest', places),
      strategy.to === 'time' ? this.#list({ timestampMs: strategy.timestampMs }, places) : done([]),
      this.#admin.offsets(group),
    ])
    if (!starts.ok) return starts
    if (!ends.ok) return ends
    if (!times.ok) return times
    const committed = new Map(offsets.map((offset) => [keyOf(offset), offset.offset]))
    const facts = places.map(({ topic, partition }, index) => ({
      topic,
      partition,
      committed: committed.get(keyOf({ topic, partition })) ?? null,
      start: starts.value[index],
      end: ends.value[index],
      atTime: (times.value[index] ?? -1) < 0 ? null : times.value[index],
    }))
    return done(facts)
  }

  async #list(at: OffsetSpec, places: readonly TopicPartition[]): Promise<Outcome<number[]>> {
    if (places.length === 0) return done([])
    const queries = places.map(({ topic, partition }) => ({ topic, partition, at }))
    const listed = await listOffsets(this.#client, queries, { timeoutMs })
    const wrong = listed.find(({ error }) => error !== errors.NONE)
    if (!wrong) return done(listed.map(({ offset }) => offset))
    const { topic, partition, error } = wrong
    const problem = kafkaProblem(error)
    return failed({ ...problem, detail: `${topic}-${partition}: ${problem.detail}` })
  }
}

export interface OffsetsToSet extends TopicPartition {
  readonly offset: number
}

/** A strategy that says an offset for each partition by itself. */
export function explicitOffsets(offsets: readonly OffsetsToSet[]): Strategy {
  return { to: 'file', offsets: new Map(offsets.map((each) => [keyOf(each), each.offset])) }
}

function notEmpty(detail: string): Problem {
  return { ...kafkaProblem(errors.NON_EMPTY_GROUP), detail }
}

/** The problem of what was refused, partition by partition; undefined: nothing was. */
function problemOf(
  answers: readonly (TopicPartition & { readonly error: number })[],
): Problem | undefined {
  const refused = answers.filter(({ error }) => error !== errors.NONE)
  if (refused.length === 0) return undefined
  const entries = refused.map(({ topic, partition, error }) => {
    const { code, detail } = refusalOf(error)
    return { code, detail: `${topic}-${partition}: ${detail}` }
  })
  return {
    ...refusalOf(refused[0].error),
    sideEffects: refused.length < answers.length ? 'partial' : 'none',
    errors: entries.slice(0, entriesMax),
  }
}

/** A commit for nobody meets UNKNOWN_MEMBER_ID where the group has members by now. */
function refusalOf(error: number): Problem {
  return error === errors.UNKNOWN_MEMBER_ID
    ? notEmpty('the group has members')
    : kafkaProblem(error)
}
