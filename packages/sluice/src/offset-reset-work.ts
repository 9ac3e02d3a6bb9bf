// `sluice groups reset-offsets`: asks what a plan needs to know, shows the plan, and commits it when told to.

import { readFileSync } from 'node:fs'
import { Admin } from '@sluice/core/kafka-client/admin'
import { GroupAdmin } from '@sluice/core/kafka-client/group-admin'
import {
  type PartitionFacts,
  type PlannedOffset,
  planReset,
  type Strategy,
} from '@sluice/core/kafka-client/offset-reset'
import { inOrder, keyOf, type TopicPartition } from '@sluice/core/kafka-client/topic-partition'
import { errors } from '@sluice/protocol/errors'
import { withCluster } from './client.ts'
import type { ResetOptions } from './commands/groups.ts'
import { Failure, unreadable, usageFailure } from './failure.ts'
import { type FileOffset, offsetLine, parseOffsets } from './offset-file.ts'
import { refuseFailed } from './outcome.ts'
import { print, printJson } from './output.ts'
import { outcomesOf, partitionsIn, placeName } from './partition-scope.ts'
import { table } from './table.ts'

export async function resetOffsets(group: string, options: ResetOptions): Promise<void> {
  const file = options.fromFile === undefined ? undefined : readOffsets(options.fromFile, group)
  const strategy = strategyOf(options, file)
  const scoped = options.topic !== undefined || options.allTopics
  if (!scoped && file === undefined) throw usageFailure('give --topic or --all-topics')
  await withCluster(options.bootstrap, async (client) => {
    const [admin, groups] = [new Admin(client), new GroupAdmin(client)]
    await mustBeEmpty(groups, group)
    const places = (await placesOf({ admin, groups, group, options, file })).sort(inOrder)
    const facts = await factsOf({ admin, groups, group, places, strategy })
    const plan = planReset(strategy, facts)
    if (!plan.ok) throw new Failure(plan.message)
    if (options.execute) {
      const answers = await groups.alterOffsets(group, plan.offsets)
      refuseFailed(outcomesOf(answers))
    }
    show(group, plan.offsets, options)
  })
}

function readOffsets(file: string, group: string): Map<string, FileOffset> {
  try {
    return parseOffsets(readFileSync(file, 'utf8'), { file, group })
  } catch (error) {
    throw error instanceof Failure ? error : unreadable(file, error)
  }
}

function strategyOf(options: ResetOptions, file: Map<string, FileOffset> | undefined): Strategy {
  if (file !== undefined) {
    return { to: 'file', offsets: new Map([...file].map(([key, { offset }]) => [key, offset])) }
  }
  if (options.toEarliest) return { to: 'earliest' }
  if (options.toLatest) return { to: 'latest' }
  if (options.toCurrent) return { to: 'current' }
  if (options.toOffset !== undefined) return { to: 'offset', offset: options.toOffset }
  if (options.shiftBy !== undefined) return { to: 'shift', by: options.shiftBy }
  if (options.toDatetime !== undefined) return { to: 'time', timestampMs: options.toDatetime }
  if (options.byDuration !== undefined) {
    return { to: 'time', timestampMs: Date.now() - options.byDuration }
  }
  throw usageFailure('say where to: --to-earliest, --to-latest, --to-offset, --shift-by, …')
}

/** Offsets that a member commits afterwards would take it back. */
async function mustBeEmpty(groups: GroupAdmin, group: string): Promise<void> {
  const [{ error, message, state, members }] = await groups.describe([group])
  if (error === errors.GROUP_ID_NOT_FOUND) return
  refuseFailed([{ what: `group ${group}`, error, message }])
  if (state === 'Empty') return
  const count = members.length === 1 ? '1 member' : `${members.length} members`
  throw new Failure(`group ${group} is ${state}, with ${count}`, {
    hint: 'only offsets of an empty group can be reset: stop its consumers first',
  })
}

interface Wanted {
  readonly admin: Admin
  readonly groups: GroupAdmin
  readonly group: string
}

async function placesOf({
  admin,
  groups,
  group,
  options,
  file,
}: Wanted & {
  options: ResetOptions
  file: Map<string, FileOffset> | undefined
}): Promise<TopicPartition[]> {
  const scoped = options.topic === undefined ? undefined : await partitionsIn(admin, options.topic)
  if (file !== undefined) {
    const inFile = (place: TopicPartition) => file.has(keyOf(place))
    return scoped?.filter(inFile) ?? [...file.values()]
  }
  if (scoped !== undefined) return scoped
  const committed = await groups.offsets(group)
  if (committed.length === 0) throw new Failure(`group ${group} has no committed offsets`)
  return committed
}

async function factsOf({
  admin,
  groups,
  group,
  places,
  strategy,
}: Wanted & {
  places: readonly TopicPartition[]
  strategy: Strategy
}): Promise<PartitionFacts[]> {
  if (places.length === 0) return []
  const list = async (at: 'earliest' | 'latest' | { timestampMs: number }) => {
    const listed = await admin.listOffsets(
      places.map(({ topic, partition }) => ({ topic, partition, at })),
    )
    refuseFailed(outcomesOf(listed))
    return listed.map(({ offset }) => offset)
  }
  const [starts, ends, times, offsets] = await Promise.all([
    list('earliest'),
    list('latest'),
    strategy.to === 'time' ? list({ timestampMs: strategy.timestampMs }) : [],
    groups.offsets(group),
  ])
  const committed = new Map(offsets.map((offset) => [keyOf(offset), offset.offset]))
  return places.map(({ topic, partition }, index) => ({
    topic,
    partition,
    committed: committed.get(keyOf({ topic, partition })) ?? null,
    start: starts[index],
    end: ends[index],
    atTime: (times[index] ?? -1) < 0 ? null : times[index],
  }))
}

function show(group: string, offsets: readonly PlannedOffset[], options: ResetOptions): void {
  const { execute = false, json, export: asCsv } = options
  if (json) {
    const plain = offsets.map(({ topic, partition, committed, offset, note }) => {
      return { topic, partition, committed, offset, note }
    })
    printJson({ group, executed: execute, offsets: plain })
    return
  }
  if (asCsv) {
    for (const offset of offsets) print(offsetLine(offset))
    return
  }
  const numbers = ['PARTITION', 'COMMITTED', 'NEW', 'LAG'].map((title) => ({ title, right: true }))
  const rows = offsets.map(({ topic, partition, committed, offset, end }) => {
    return [topic, partition, committed, offset, end - offset]
  })
  print(table([{ title: 'TOPIC' }, ...numbers], rows))
  for (const { note, ...place } of offsets) {
    if (note !== null) process.stderr.write(`sluice: ${placeName(place)}: ${note}\n`)
  }
  if (!execute) process.stderr.write('sluice: nothing is changed; --execute does it\n')
}
