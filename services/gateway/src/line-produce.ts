// Lines of a body that is still coming (application/x-ndjson), stored as they come. What is read ahead of its
// acknowledgements is bounded: beyond that the rest of the body stays in the client's socket.
//
//   pieces -> lines -> records -> producer          outcomes in the order of the lines, group by group
//
// A line that is no record has an outcome like any other; once the first is stored nothing can be taken back.

import type { RecordOutcome } from '@sluice/core/kafka-client/delivery'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import type { Producer, ProducerRecord } from '@sluice/core/kafka-client/producer'
import { type Problem, problemBody } from './problem.ts'
import {
  type Acks,
  ackNames,
  type ProduceAnswer,
  resultError,
  resultText,
  type StoredPosition,
} from './produce-result.ts'
import { type PulledStream, pulledStream } from './pulled-stream.ts'
import { type LineFlaw, type LineOptions, LineSplitter, parseRecordLine } from './record-lines.ts'
import type { Reply } from './reply.ts'
import { BodyBroken } from './request-body.ts'
import type { Responder } from './responder.ts'
import type { OpenStream } from './streams.ts'
import type { Traffic } from './traffic.ts'

/** What became of one line. */
export interface LineOutcome {
  readonly id: string | undefined
  readonly outcome: RecordOutcome | LineFlaw
}

export interface LineProduce {
  readonly pieces: AsyncIterable<Buffer>
  readonly producer: Producer
  readonly topic: string
  /** Of every record; a line that names another is refused. */
  readonly partition: number | undefined
  readonly lineBytesMax: number
  readonly options: () => LineOptions
  readonly stream: OpenStream
  readonly traffic: Traffic
}

/** Bytes of lines that are read and not acknowledged. */
const windowBytes = 4 * 1024 * 1024
/** Ends a stream that has begun, in place of the acknowledgement of what could not be read. */
const shuttingDown: Problem = { code: 'unavailable', detail: 'the server is shutting down' }

interface Group {
  readonly bytes: number
  readonly outcomes: Promise<LineOutcome[]>
}

/** Groups of outcomes. Ends with a problem where the body broke off. */
export async function* storeLines(
  lines: LineProduce,
): AsyncGenerator<LineOutcome[], Problem | undefined> {
  const { producer, stream } = lines
  const splitter = new LineSplitter(lines.lineBytesMax)
  const source = lines.pieces[Symbol.asyncIterator]()
  const waiting: Group[] = []
  let waitingBytes = 0
  const take = (found: (Buffer | 'too-long')[]) => {
    if (found.length === 0) return
    const group = storeGroup(lines, found)
    waiting.push(group)
    waitingBytes += group.bytes
  }
  const acknowledge = async () => {
    const { bytes, outcomes } = waiting.shift() as Group
    waitingBytes -= bytes
    return await outcomes
  }
  const aborted = new Promise<'aborted'>((resolve) => {
    if (stream.signal.aborted) resolve('aborted')
    else stream.signal.addEventListener('abort', () => resolve('aborted'), { once: true })
  })
  let problem: Problem | undefined
  try {
    for (;;) {
      await producer.room()
      const next = source.next().catch((error: unknown) => {
        if (error instanceof BodyBroken) return error
        throw error
      })
      let piece: Awaited<typeof next> | 'aborted' | 'acknowledged' = 'acknowledged'
      while (piece === 'acknowledged') {
        const others = waiting.length === 0 ? [] : [waiting[0].outcomes.then(() => acknowledged)]
        piece = await Promise.race([next, aborted, ...others])
        if (piece === 'acknowledged') yield await acknowledge()
      }
      if (piece === 'aborted') problem = shuttingDown
      else if (piece instanceof BodyBroken) problem = piece.problem
      if (piece === 'aborted' || piece instanceof BodyBroken) break
      take(piece.done ? splitter.end() : splitter.push(piece.value))
      if (piece.done) break
      while (waitingBytes > windowBytes) yield await acknowledge()
    }
    while (waiting.length > 0) yield await acknowledge()
    return problem
  } finally {
    source.return?.()?.catch(() => {})
  }
}

const acknowledged = 'acknowledged' as const

function storeGroup(lines: LineProduce, found: readonly (Buffer | 'too-long')[]): Group {
  const { producer, topic, lineBytesMax, traffic } = lines
  const options = lines.options()
  const parsed = found.map((line) => {
    if (line !== 'too-long') return intoPartition(parseRecordLine(line, options), lines.partition)
    const detail = `a line holds at most ${lineBytesMax} bytes`
    return { ok: false as const, flaw: { code: 'record_too_large' as const, detail } }
  })
  const records: ProducerRecord[] = []
  for (const one of parsed) if (one.ok) records.push(one.record)
  const bytes = found.reduce((sum, line) => sum + line.length, 0)
  traffic.bytesIn += bytes
  traffic.recordsIn += records.length
  const outcomes = producer.sendEach(topic, records).then((sent) => {
    let next = 0
    return parsed.map((one): LineOutcome => {
      if (!one.ok) return { id: undefined, outcome: one.flaw }
      return { id: one.id, outcome: sent[next++] }
    })
  })
  return { bytes, outcomes }
}

type LineResult = ReturnType<typeof parseRecordLine>

function intoPartition(result: LineResult, partition: number | undefined): LineResult {
  if (!result.ok || partition === undefined) return result
  const { record } = result
  if (record.partition === undefined || record.partition === partition) {
    return { ...result, record: { ...record, partition } }
  }
  const detail = `the line names partition ${record.partition}, not ${partition}`
  return { ok: false, flaw: { code: 'invalid_record', detail } }
}

export type Explain = ProduceAnswer['explain']

/** The outcomes as a stream of lines, one for each line of the body, in its order. */
export function acknowledgements(
  outcomes: AsyncGenerator<LineOutcome[], Problem | undefined>,
  { explain, stream }: { explain: Explain; stream: OpenStream },
): ReadableStream<Uint8Array> {
  const source: PulledStream = {
    async next() {
      const { done, value } = await outcomes.next()
      if (!done) return linesOf(value, explain)
      return value && Buffer.from(`${JSON.stringify({ error: resultError(value) })}\n`)
    },
    interrupt: () => stream.abort(),
    breakOff() {},
    onEnd() {
      stream.close()
      outcomes.return(undefined).catch(() => {})
    },
  }
  return pulledStream(source)
}

function linesOf(outcomes: readonly LineOutcome[], explain: Explain): Buffer {
  return Buffer.from(outcomes.map((one) => `${lineResult(one, explain)}\n`).join(''))
}

/** As JSON. */
function lineResult({ id, outcome }: LineOutcome, explain: Explain): string {
  if (isFlaw(outcome)) return JSON.stringify({ id, error: resultError(outcome) })
  return resultText(outcome, { ids: [id], explain }, 0)
}

function isFlaw(outcome: LineOutcome['outcome']): outcome is LineFlaw {
  return 'detail' in outcome && !(outcome instanceof KafkaError)
}

export interface LinesAnswer {
  readonly explain: Explain
  readonly acks: Acks
  /** Results listed; of a longer body only those that failed. */
  readonly resultsMax: number
}

const entriesMax = 100

/** One answer about all lines, when the last is stored. */
export async function summary(
  outcomes: AsyncGenerator<LineOutcome[], Problem | undefined>,
  { explain, acks, resultsMax }: LinesAnswer,
  responder: Responder,
): Promise<Reply | Problem> {
  const results: string[] = []
  const failures: { index: number; problem: Problem }[] = []
  const stored = new Map<number, StoredRecords>()
  let count = 0
  let failed = 0
  let broken: Problem | undefined
  for (;;) {
    const { done, value } = await outcomes.next()
    if (done) {
      broken = value
      break
    }
    for (const one of value) {
      if (count < resultsMax) results.push(lineResult(one, explain))
      const problem = problemOf(one.outcome, explain)
      if (problem) {
        failed += 1
        if (failures.length < entriesMax) failures.push({ index: count, problem })
      } else {
        countIn(stored, one.outcome as StoredPosition)
      }
      count += 1
    }
  }
  if (count === failed) return nothing(broken, failures)
  const whole = failed === 0 && broken === undefined
  const answer = {
    ...(count <= resultsMax ? {} : { errors: failures.map(entryOf) }),
    stored: count - failed,
    failed,
    positions: [...stored.values()],
    ack: ackNames[acks],
    ...(whole ? {} : { error: broken && resultError(broken), side_effects: 'partial' }),
  }
  const text = JSON.stringify(answer)
  const listed = count <= resultsMax ? `{"results":[${results.join(',')}],${text.slice(1)}` : text
  return responder.jsonText(listed, { status: whole ? 200 : 207, headers: {} })
}

interface StoredRecords {
  readonly partition: number
  first_offset: number | null
  last_offset: number | null
  count: number
}

function countIn(stored: Map<number, StoredRecords>, position: StoredPosition): void {
  const { partition } = position
  const offset = position.offset < 0 ? null : position.offset
  const before = stored.get(partition)
  if (before === undefined) {
    stored.set(partition, { partition, first_offset: offset, last_offset: offset, count: 1 })
    return
  }
  before.last_offset = offset
  before.count += 1
}

function problemOf(outcome: LineOutcome['outcome'], explain: Explain): Problem | undefined {
  if (isFlaw(outcome)) return outcome
  return outcome instanceof KafkaError ? explain(outcome) : undefined
}

function nothing(
  broken: Problem | undefined,
  failures: readonly { index: number; problem: Problem }[],
): Problem {
  const [first] = failures
  if (first === undefined) return broken ?? noRecord
  const unknown = failures.some(({ problem }) => problemBody(problem)['side_effects'] !== 'none')
  const sideEffects = unknown ? ('unknown' as const) : undefined
  return { ...first.problem, sideEffects, errors: failures.map(entryOf) }
}

function entryOf({ index, problem }: { index: number; problem: Problem }) {
  return { index, code: problem.code, detail: problem.detail }
}

const noRecord: Problem = { code: 'invalid_request', detail: 'there is no record in the request' }
