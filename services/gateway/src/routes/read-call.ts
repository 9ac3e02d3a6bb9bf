// One call of a read route, as the answers to it need it: routes/read.ts makes it, the files beside it answer.

import type { Clock } from '@sluice/core/host/clock'
import type { Logger } from '@sluice/core/host/logger'
import { encodeCursor } from '../cursor.ts'
import { type Endpoints, type GatewayRequest, headerOfRequest } from '../endpoints.ts'
import type { GatewayLimits } from '../limits.ts'
import type { LogReader } from '../log-reader.ts'
import type { ReadRequest, ReadServices } from '../open-reader.ts'
import { failed, type Outcome, type Problem } from '../problem.ts'
import type { ReadQuery } from '../read-query.ts'
import { formatEndOffsets } from '../record-headers.ts'
import type { ResponseHeaders } from '../reply.ts'
import type { Responder } from '../responder.ts'
import type { OpenStream, Streams } from '../streams.ts'
import type { Traffic } from '../traffic.ts'

export interface ReadRoutesOptions extends ReadServices {
  readonly endpoints: Endpoints
  readonly responder: Responder
  readonly clock: Clock
  readonly limits: GatewayLimits
  readonly streams: Streams
  readonly traffic: Traffic
  readonly logger: Logger
}

export const types = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  text: 'text/plain',
  events: 'text/event-stream',
  bytes: 'application/octet-stream',
  parts: 'multipart/mixed',
  batches: 'application/vnd.kafka.recordbatch',
} as const

/** In the order of preference among those that a client likes as well. */
export const offered = Object.values(types)
export type ReadType = (typeof offered)[number]

export interface ReadCall {
  readonly request: GatewayRequest
  readonly type: ReadType
  readonly query: ReadQuery
  readonly wanted: ReadRequest
}

/** As a long poll: it counts as a stream, and ends when its client goes or the gateway closes. */
export async function whileWaiting<T>(
  { streams }: ReadRoutesOptions,
  { request }: ReadCall,
  run: (stream: OpenStream) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  const stream = streams.open()
  if (!stream) return failed(overloaded)
  const gone = request.req.raw.signal
  gone.addEventListener('abort', stream.abort, { once: true })
  try {
    return await run(stream)
  } finally {
    gone.removeEventListener('abort', stream.abort)
    stream.close()
  }
}

export const overloaded: Problem = {
  code: 'overloaded',
  detail: 'there are as many streams as there may be',
}

/** Where a body that is not JSON leaves the reader. */
export function standingHeaders(reader: LogReader): ResponseHeaders {
  return {
    'next-cursor': encodeCursor(reader.cursor()),
    'high-watermark': formatEndOffsets(reader.endOffsets()),
  }
}

export function conditionsOf(request: GatewayRequest) {
  return {
    ifNoneMatch: headerOfRequest(request, 'if-none-match'),
    range: headerOfRequest(request, 'range'),
    ifRange: headerOfRequest(request, 'if-range'),
  }
}

const pinnedSeconds = 31_536_000
const namedSeconds = 60

/**
 * How long what lies at fixed offsets may be kept. A cursor names the topic by its id: that never means
 * anything else. A URL with an offset does once its topic was deleted and made again.
 */
export function fixedCaching({ from }: ReadRequest): string | undefined {
  switch (from.kind) {
    case 'cursor':
      return `private, max-age=${pinnedSeconds}, immutable`
    case 'offset':
      return `private, max-age=${namedSeconds}, immutable`
    default:
      return undefined
  }
}
