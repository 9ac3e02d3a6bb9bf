// What a produce request is answered: 200 when all records are stored, 207 when some are, a problem when
// none is; with Prefer: return=minimal 204 and where the records went.
//
//   {"results":[{"partition":0,"offset":41,"timestamp":1767225600000}],"ack":"durable"}
//   {"results":[{…},{"error":{"code":"record_too_large",…}}],"ack":"durable","side_effects":"partial"}

import { z } from '@hono/zod-openapi'
import { TermsError } from '@sluice/core/kafka-client/batch-producer'
import type { RecordPosition } from '@sluice/core/kafka-client/delivery'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { errors } from '@sluice/protocol/errors'
import type { Verdict } from '@sluice/protocol/extensions'
import { isRetriableProblem, type Problem, problemBody } from './problem.ts'
import { kafkaProblem } from './problems.ts'
import { formatRecordPosition, type StoredRange } from './record-headers.ts'
import type { Reply, ResponseHeaders } from './reply.ts'
import type { Responder } from './responder.ts'

/** What an acknowledgement stands for, by `acks`. */
export const ackNames = { all: 'durable', '1': 'leader', '0': 'none' } as const
export type Acks = keyof typeof ackNames

export const resultSchema = z
  .object({
    partition: z.int().optional(),
    offset: z.int().nullable().optional().openapi({ description: 'null where it is not known' }),
    timestamp: z.int().optional(),
    count: z.int().optional().openapi({ description: 'Records of a batch, from `offset` on' }),
    id: z.string().optional(),
    error: z
      .object({ code: z.string(), detail: z.string(), retriable: z.boolean() })
      .loose()
      .optional(),
  })
  .openapi('ProduceResult')

export const produceResponseSchema = z
  .object({
    results: z.array(resultSchema).optional().openapi({
      description: 'One a record, in order; absent where a streamed body has too many',
    }),
    ack: z.enum(['durable', 'leader', 'none']),
    side_effects: z.literal('partial').optional(),
    stored: z.int().optional().openapi({ description: 'Of a streamed body: records stored' }),
    failed: z.int().optional(),
    positions: z
      .array(
        z.object({
          partition: z.int(),
          first_offset: z.int().nullable(),
          last_offset: z.int().nullable(),
          count: z.int(),
        }),
      )
      .optional()
      .openapi({ description: 'Of a streamed body: where its records are' }),
  })
  .openapi('ProduceResponse')

/** Where a record is, or the records of a batch. */
export interface StoredPosition extends RecordPosition {
  readonly count?: number
}

export interface ProduceAnswer {
  readonly outcomes: readonly (StoredPosition | KafkaError)[]
  readonly ids: readonly (string | undefined)[] | undefined
  readonly acks: Acks
  /** Prefer: return=minimal. */
  readonly minimal: boolean
  /** Makes of UNKNOWN_TOPIC_OR_PARTITION what is missing. */
  readonly explain: (error: KafkaError) => Problem
  /** Of an answer that says that something is stored. */
  readonly headers?: ResponseHeaders
}

const entriesMax = 100

export function produceAnswer(answer: ProduceAnswer, responder: Responder): Reply | Problem {
  const { outcomes, minimal, acks, headers = {} } = answer
  const failures = outcomes.filter((outcome) => outcome instanceof KafkaError)
  if (failures.length === outcomes.length) return nothingStored(failures, answer)
  if (failures.length === 0 && minimal) {
    const position = formatRecordPosition(storedRanges(outcomes as readonly StoredPosition[]))
    const told = { 'record-position': position, 'preference-applied': 'return=minimal' }
    return responder.empty(204, { ...told, ...headers })
  }
  let results = ''
  for (let index = 0; index < outcomes.length; index++) {
    results += (index === 0 ? '' : ',') + resultText(outcomes[index], answer, index)
  }
  const all = failures.length === 0
  const text = `{"results":[${results}],"ack":"${ackNames[acks]}"`
  return responder.jsonText(all ? `${text}}` : `${text},"side_effects":"partial"}`, {
    status: all ? 200 : 207,
    headers,
  })
}

/** What became of one record, as JSON: written at once, because a request may have thousands. */
export function resultText(
  outcome: StoredPosition | KafkaError,
  { ids, explain }: Pick<ProduceAnswer, 'ids' | 'explain'>,
  index: number,
): string {
  const id = ids?.[index]
  if (outcome instanceof KafkaError) {
    return JSON.stringify({ id, error: resultError(explain(outcome)) })
  }
  const { partition, offset, timestamp, count } = outcome
  const place = offset < 0 ? 'null' : offset
  const text = `{"partition":${partition},"offset":${place},"timestamp":${timestamp}`
  const counted = count === undefined ? text : `${text},"count":${count}`
  return id === undefined ? `${counted}}` : `${counted},"id":${JSON.stringify(id)}}`
}

/** What went wrong with one record, among those of a request. */
export function resultError(problem: Problem) {
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
function storedRanges(positions: readonly StoredPosition[]): StoredRange[] {
  const ranges: { partition: number; firstOffset: number; lastOffset: number }[] = []
  const last = new Map<number, { lastOffset: number }>()
  for (const { partition, offset, count = 1 } of positions) {
    const run = last.get(partition)
    if (run && (offset < 0 || run.lastOffset === offset - 1)) {
      run.lastOffset = offset + count - 1
      continue
    }
    const range = { partition, firstOffset: offset, lastOffset: offset + count - 1 }
    ranges.push(range)
    last.set(partition, range)
  }
  return ranges
}

/** Kafka has one code for both: where the topic is there, it is the partition that is not. */
export function explainProduceError(error: KafkaError, topicKnown: boolean): Problem {
  const problem = kafkaProblem(error.code, error.message)
  if (error instanceof TermsError) return { ...problem, ...termsProblem(error.verdict, error.code) }
  if (error.code === errors.UNSUPPORTED_VERSION) return { ...problem, detail: noExtensions }
  return topicKnown && problem.code === 'topic_not_found'
    ? { ...problem, code: 'partition_not_found' }
    : problem
}

const noExtensions = 'the broker behind this gateway is not of Sluice and cannot do that'

function termsProblem(verdict: Verdict, code: number): Partial<Problem> & Pick<Problem, 'code'> {
  switch (verdict.kind) {
    case 'other-body':
      return { code: 'idempotency_key_reused' }
    case 'dedup-full':
      return { code: 'idempotency_keys_full' }
    case 'end-moved': {
      const { endOffset } = verdict
      const headers = { etag: `"${endOffset}"` }
      return { code: 'end_offset_moved', members: { end_offset: endOffset }, headers }
    }
    case 'out-of-sequence':
      return sequenceProblem(verdict, code)
    case 'repeated':
      return { code: 'internal_error' }
  }
}

function sequenceProblem(
  { epoch, nextSequence }: Extract<Verdict, { kind: 'out-of-sequence' }>,
  code: number,
): Pick<Problem, 'code' | 'members' | 'headers'> {
  if (code === errors.INVALID_PRODUCER_EPOCH) {
    const headers = { 'producer-epoch': String(epoch) }
    return { code: 'producer_fenced', members: { epoch }, headers }
  }
  const headers = { 'producer-expected-seq': String(nextSequence) }
  return { code: 'sequence_gap', members: { expected_sequence: nextSequence }, headers }
}
