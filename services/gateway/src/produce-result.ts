// What a produce request is answered: 200 when all records are stored, 207 when some are, a problem when
// none is; with Prefer: return=minimal 204 and where the records went.
//
//   {"results":[{"partition":0,"offset":41,"timestamp":1767225600000}],"ack":"durable"}
//   {"results":[{…},{"error":{"code":"record_too_large",…}}],"ack":"durable","side_effects":"partial"}

import { z } from '@hono/zod-openapi'
import type { RecordOutcome, RecordPosition } from '@sluice/core/kafka-client/delivery'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { isRetriableProblem, type Problem, problemBody } from './problem.ts'
import { kafkaProblem } from './problems.ts'
import { formatRecordPosition, type StoredRange } from './record-headers.ts'
import type { Reply, Responder } from './responder.ts'

/** What an acknowledgement stands for, by `acks`. */
export const ackNames = { all: 'durable', '1': 'leader', '0': 'none' } as const
export type Acks = keyof typeof ackNames

export const resultSchema = z
  .object({
    partition: z.int().optional(),
    offset: z.int().nullable().optional().openapi({ description: 'null where it is not known' }),
    timestamp: z.int().optional(),
    id: z.string().optional(),
    error: z
      .object({ code: z.string(), detail: z.string(), retriable: z.boolean() })
      .loose()
      .optional(),
  })
  .openapi('ProduceResult')

export const produceResponseSchema = z
  .object({
    results: z.array(resultSchema),
    ack: z.enum(['durable', 'leader', 'none']),
    side_effects: z.literal('partial').optional(),
  })
  .openapi('ProduceResponse')

export interface ProduceAnswer {
  readonly outcomes: readonly RecordOutcome[]
  readonly ids: readonly (string | undefined)[] | undefined
  readonly acks: Acks
  /** Prefer: return=minimal. */
  readonly minimal: boolean
  /** Makes of UNKNOWN_TOPIC_OR_PARTITION what is missing. */
  readonly explain: (error: KafkaError) => Problem
}

const entriesMax = 100

export function produceAnswer(answer: ProduceAnswer, responder: Responder): Reply | Problem {
  const { outcomes, minimal, acks } = answer
  const failures = outcomes.filter((outcome) => outcome instanceof KafkaError)
  if (failures.length === outcomes.length) return nothingStored(failures, answer)
  if (failures.length === 0 && minimal) {
    const position = formatRecordPosition(storedRanges(outcomes as readonly RecordPosition[]))
    const headers = { 'record-position': position, 'preference-applied': 'return=minimal' }
    return responder.empty(204, headers)
  }
  const results = outcomes.map((outcome, index) => resultOf(outcome, answer, index))
  const ack = ackNames[acks]
  if (failures.length === 0) return responder.json({ results, ack })
  return responder.json({ results, ack, side_effects: 'partial' }, 207)
}

function resultOf(outcome: RecordOutcome, { ids, explain }: ProduceAnswer, index: number) {
  const id = ids?.[index]
  if (outcome instanceof KafkaError) return { id, error: resultError(explain(outcome)) }
  const { partition, offset, timestamp } = outcome
  return { partition, offset: offset < 0 ? null : offset, timestamp, id }
}

function resultError(problem: Problem) {
  const { code, title, status, detail, kafka, side_effects } = problemBody(problem)
  return {
    code,
    title,
    status,
    detail,
    kafka,
    retriable: isRetriableProblem(problem),
    side_effects,
  }
}

/** The first failure gives the status; all are listed, as far as that helps. */
function nothingStored(failures: readonly KafkaError[], { explain }: ProduceAnswer): Problem {
  const problems = failures.slice(0, entriesMax).map(explain)
  const [first] = problems
  const unknown = problems.find((it) => problemBody(it).side_effects !== 'none')
  const errors = problems.map(({ code, detail }, index) => ({ index, code, detail }))
  return {
    ...first,
    ...(unknown ? { sideEffects: 'unknown' } : {}),
    ...(failures.length > 1 ? { errors } : {}),
  }
}

/** Runs of neighbouring offsets, by partition in the order in which they first occur. */
function storedRanges(positions: readonly RecordPosition[]): StoredRange[] {
  const ranges: { partition: number; firstOffset: number; lastOffset: number }[] = []
  const last = new Map<number, { lastOffset: number }>()
  for (const { partition, offset } of positions) {
    const run = last.get(partition)
    if (run && (offset < 0 || run.lastOffset === offset - 1)) {
      run.lastOffset = offset
      continue
    }
    const range = { partition, firstOffset: offset, lastOffset: offset }
    ranges.push(range)
    last.set(partition, range)
  }
  return ranges
}

/** Kafka has one code for both: where the topic is there, it is the partition that is not. */
export function explainProduceError(error: KafkaError, topicKnown: boolean): Problem {
  const problem = kafkaProblem(error.code, error.message)
  return topicKnown && problem.code === 'topic_not_found'
    ? { ...problem, code: 'partition_not_found' }
    : problem
}
