// Answers that are sent while they are read: values as text, NDJSON, server-sent events.

import { type Answer, headerOfRequest } from '../endpoints.ts'
import { ndjsonLines } from '../ndjson.ts'
import { type OpenedReader, openReader } from '../open-reader.ts'
import { readPage } from '../page.ts'
import { done, isRetriableProblem, type Outcome, type Problem, statusOf } from '../problem.ts'
import { type Framing, recordStream } from '../record-stream.ts'
import type { Incoming } from '../request-body.ts'
import { type ProblemContext, problemText, streamHeaders } from '../responder.ts'
import { batchEvents, comeBackText, recordEvents } from '../sse.ts'
import type { OpenStream } from '../streams.ts'
import { textStream } from '../text-stream.ts'
import { WalkingCursor } from '../walking-cursor.ts'
import { overloaded, type ReadCall, type ReadRoutesOptions, types } from './read-call.ts'

const noLimit = Number.POSITIVE_INFINITY

export async function answerText(options: ReadRoutesOptions, call: ReadCall): Promise<Answer> {
  const { follow, max_records, max_bytes } = call.query
  const told = toldOf(options, call)
  const type = `${types.text}; charset=utf-8`
  return withStream(options, call, type, ({ reader, first }, stream) => {
    if (!follow) reader.endHere()
    return textStream(reader, {
      first,
      recordsMax: max_records ?? noLimit,
      bytesMax: max_bytes ?? noLimit,
      follow,
      clock: options.clock,
      ageMsMax: options.limits.streamAgeMsMax,
      stream,
      traffic: options.traffic,
      breakOff: (problem) => breakOff(options, told, problem),
    })
  })
}

export function answerEvents(options: ReadRoutesOptions, call: ReadCall): Promise<Answer> {
  const framing = call.query.batch ? batchEvents : recordEvents
  return answerRecords(options, call, framing, true)
}

export function answerLines(options: ReadRoutesOptions, call: ReadCall): Promise<Answer> {
  return answerRecords(options, call, ndjsonLines, call.query.follow)
}

async function answerRecords(
  options: ReadRoutesOptions,
  call: ReadCall,
  framing: Framing,
  follow: boolean,
): Promise<Answer> {
  const { clock, limits, streams, traffic } = options
  const { query, type } = call
  const told = toldOf(options, call)
  return withStream(options, call, type, ({ reader, start, first }, stream) =>
    recordStream({
      framing,
      reader,
      cursor: new WalkingCursor(start),
      first,
      style: query,
      recordsMax: query.max_records ?? noLimit,
      bytesMax: query.max_bytes ?? noLimit,
      follow,
      clock,
      ageMsMax: limits.streamAgeMsMax,
      heartbeatMs: limits.heartbeatMs,
      slowMs: limits.streamSlowMs,
      streams,
      stream,
      traffic,
      problemText: (problem) => problemText(problem, told.context),
      breakOff: (error) => breakOff(options, told, error),
    }),
  )
}

async function withStream(
  options: ReadRoutesOptions,
  call: ReadCall,
  type: string,
  body: (opened: OpenedReader, stream: OpenStream) => ReadableStream<Uint8Array>,
): Promise<Answer> {
  const { streams, responder } = options
  const stream = streams.open()
  if (!stream) return refusal(options, call, overloaded)
  const opened = await openAndWait(options, call, stream)
  if (!opened.ok) {
    stream.close()
    return refusal(options, call, opened.problem)
  }
  const { reader, first } = opened.value
  // To an EventSource this says not to come back: all that it asked for was sent.
  if (call.type === types.events && reader.finished && first.length === 0) {
    stream.close()
    return responder.empty(204, streamHeaders)
  }
  return responder.body(body(opened.value, stream), 200, { 'content-type': type, ...streamHeaders })
}

/** A client that comes back to its events should not be lost to what passes. */
function refusal(
  { responder }: ReadRoutesOptions,
  { type, request }: ReadCall,
  problem: Problem,
): Answer {
  const resumed = type === types.events && headerOfRequest(request, 'last-event-id') !== undefined
  const passes = statusOf(problem) >= 503 && isRetriableProblem(problem)
  return resumed && passes ? responder.events(comeBackText(problem.code)) : problem
}

/** A stream that is to end waits for its first record as a page does. */
async function openAndWait(
  options: ReadRoutesOptions,
  { wanted, query, type }: ReadCall,
  { signal }: OpenStream,
): Promise<Outcome<OpenedReader>> {
  const opened = await openReader(options, wanted)
  const waits = type !== types.events && !query.follow && query.wait > 0
  if (!opened.ok || opened.value.first.length > 0 || !waits) return opened
  const { clock } = options
  const waiting = { clock, limits: wanted.limits, waitMs: query.wait, signal }
  const first = await readPage(opened.value.reader, waiting)
  return first.ok ? done({ ...opened.value, first: first.value }) : first
}

/** What a stream keeps of its request: there may be thousands that last, and a request is large. */
interface Told {
  readonly context: ProblemContext
  readonly incoming: Incoming | undefined
}

function toldOf({ endpoints }: ReadRoutesOptions, { request }: ReadCall): Told {
  return { context: endpoints.problemContext(request), incoming: request.env.incoming }
}

/** A response that has begun and cannot be finished must not look finished. */
function breakOff({ logger }: ReadRoutesOptions, { context, incoming }: Told, why: unknown): void {
  logger.warn({ ...context, why }, 'a stream was broken off')
  incoming?.socket.destroy()
}
