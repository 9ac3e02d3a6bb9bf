// Where a read begins: `from` turned into a position for each partition, and what to do about a position
// that the log does not have (any more, or yet).

import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import {
  type Isolation,
  listOffsets,
  type OffsetSpec,
} from '@sluice/core/kafka-client/list-offsets'
import type { TopicMetadata } from '@sluice/core/kafka-client/metadata-cache'
import { errors } from '@sluice/protocol/errors'
import type { Cursor, Position } from './cursor.ts'
import { done, failed, type Outcome, type Problem } from './problem.ts'
import { kafkaProblem } from './problems.ts'
import type { PositionsFrom, ReadFrom } from './read-from.ts'

export interface StartOptions {
  readonly client: KafkaClient
  readonly topic: TopicMetadata
  readonly partitions: readonly number[]
  readonly isolation: Isolation
  /** What the cursor must have been made for. */
  readonly selection: Pick<Cursor, 'allPartitions' | 'filter'>
}

const lookupTimeoutMs = 10_000

export async function startPositions(
  from: ReadFrom,
  options: StartOptions,
): Promise<Outcome<Position[]>> {
  switch (from.kind) {
    case 'earliest':
    case 'latest':
      return offsetsAt(from.kind, options)
    case 'offset':
      return atOffset(from.offset, options.partitions)
    case 'timestamp':
      return atTimestamp(from.timestampMs, options)
    case 'tail':
      return beforeEnd(from.records, options)
    case 'cursor':
      return atCursor(from.cursor, options)
    case 'positions':
      return atPositions(from, options)
  }
}

/** One offset means one partition. */
function atOffset(offset: number, partitions: readonly number[]): Outcome<Position[]> {
  const [partition] = partitions
  if (partitions.length === 1) return done([{ partition, offset, leaderEpoch: -1 }])
  const detail = 'from=offset:N needs one partition: …/partitions/{p}/records or partition=p'
  return failed({ code: 'invalid_parameter', detail })
}

/** The end where nothing is as late. */
async function atTimestamp(
  timestampMs: number,
  options: StartOptions,
): Promise<Outcome<Position[]>> {
  const found = await offsetsAt({ timestampMs }, options)
  if (!found.ok) return found
  const late = found.value.filter(({ offset }) => offset < 0)
  if (late.length === 0) return found
  const partitions = late.map(({ partition }) => partition)
  const ends = await offsetsAt('latest', { ...options, partitions })
  if (!ends.ok) return ends
  const early = found.value.filter(({ offset }) => offset >= 0)
  return done([...early, ...ends.value].sort(byPartition))
}

async function beforeEnd(records: number, options: StartOptions): Promise<Outcome<Position[]>> {
  const [starts, ends] = await Promise.all([
    offsetsAt('earliest', options),
    offsetsAt('latest', options),
  ])
  if (!starts.ok) return starts
  if (!ends.ok) return ends
  const positions = ends.value.map((end, index) => {
    const offset = Math.max(starts.value[index].offset, end.offset - records)
    return { ...end, offset }
  })
  return done(positions)
}

async function atCursor(cursor: Cursor, options: StartOptions): Promise<Outcome<Position[]>> {
  const { topic, partitions, selection } = options
  if (cursor.topicId !== topic.id) {
    const detail = `the cursor is of an earlier topic ${topic.name}`
    return failed({ code: 'topic_replaced', detail })
  }
  const known = new Map(cursor.positions.map((position) => [position.partition, position]))
  const fresh = partitions.filter((partition) => !known.has(partition))
  const sameSelection =
    cursor.filter === selection.filter &&
    cursor.allPartitions === selection.allPartitions &&
    known.size + fresh.length === partitions.length
  if (!sameSelection || (fresh.length > 0 && !cursor.allPartitions)) {
    const detail = 'the cursor was made by a read of other partitions or with another filter'
    return failed({ code: 'invalid_cursor', detail })
  }
  if (fresh.length === 0) return done([...cursor.positions])
  // Partitions that were added since: nothing of them was read.
  const added = await offsetsAt('earliest', { ...options, partitions: fresh })
  return added.ok ? done([...cursor.positions, ...added.value].sort(byPartition)) : added
}

async function atPositions(
  { positions, otherwise }: PositionsFrom,
  options: StartOptions,
): Promise<Outcome<Position[]>> {
  const { topic, partitions } = options
  const unknown = [...positions.keys()].find((partition) => !partitions.includes(partition))
  if (unknown !== undefined) {
    const detail = `this read of ${topic.name} has no partition ${unknown}`
    return failed({ code: 'invalid_cursor', detail })
  }
  const unnamed = partitions.filter((partition) => !positions.has(partition))
  const started: Outcome<Position[]>[] = []
  if (unnamed.length > 0) {
    started.push(await startPositions(otherwise, { ...options, partitions: unnamed }))
  }
  for (const [partition, at] of positions) {
    started.push(
      'offset' in at
        ? done([{ partition, offset: at.offset, leaderEpoch: -1 }])
        : await atTimestamp(at.timestampMs, { ...options, partitions: [partition] }),
    )
  }
  const wrong = started.find((each) => !each.ok)
  if (wrong) return wrong
  return done(started.flatMap((each) => (each.ok ? each.value : [])).sort(byPartition))
}

/** An offset of -1: no record is as late as the time that was asked for. */
export async function offsetsAt(
  at: OffsetSpec,
  options: Omit<StartOptions, 'selection'>,
): Promise<Outcome<Position[]>> {
  const { client, topic, partitions, isolation } = options
  const queries = partitions.map((partition) => ({ topic: topic.name, partition, at }))
  const listed = await listOffsets(client, queries, { isolation, timeoutMs: lookupTimeoutMs })
  const wrong = listed.find(({ error }) => error !== errors.NONE)
  if (wrong) return failed(kafkaProblem(wrong.error))
  return done(
    listed.map(({ partition, offset, leaderEpoch }) => ({ partition, offset, leaderEpoch })),
  )
}

/** What to do about a position that the broker refused: the nearest one that exists, or 410 or 416. */
export async function moveIntoRange(
  position: Position,
  options: Omit<StartOptions, 'selection' | 'partitions'> & { clamp: boolean },
): Promise<Outcome<Position>> {
  const { partition, offset } = position
  const one = { ...options, partitions: [partition] }
  const [starts, ends] = await Promise.all([offsetsAt('earliest', one), offsetsAt('latest', one)])
  if (!starts.ok) return starts
  if (!ends.ok) return ends
  const [earliest] = starts.value
  const [latest] = ends.value
  if (offset < earliest.offset) {
    return options.clamp ? done(earliest) : failed(trimmed(position, earliest))
  }
  if (offset > latest.offset) {
    return options.clamp ? done(latest) : failed(beyondEnd(position, latest))
  }
  return done(position)
}

function trimmed({ partition, offset }: Position, earliest: Position): Problem {
  return {
    code: 'offset_trimmed',
    detail: `offset ${offset} of partition ${partition} is gone; the log begins at ${earliest.offset}`,
    kafka: errors.OFFSET_OUT_OF_RANGE,
    sideEffects: 'none',
    members: { earliest: { [partition]: earliest.offset } },
  }
}

function beyondEnd({ partition, offset }: Position, latest: Position): Problem {
  return {
    code: 'offset_beyond_end',
    detail: `offset ${offset} of partition ${partition} is not there yet; the log ends at ${latest.offset}`,
    kafka: errors.OFFSET_OUT_OF_RANGE,
    sideEffects: 'none',
    members: { latest: { [partition]: latest.offset } },
  }
}

function byPartition(a: Position, b: Position): number {
  return a.partition - b.partition
}
