// Responder: makes every response of the gateway. Routes answer with a plain Reply; only here it becomes a
// Response, with what its request adds to it: the request's id, CORS headers, a content encoding.
// The Response class is given, because the HTTP server may bring one that it can send without a detour
// through streams (see packages/sluice/src/http-server.ts).

import { contentEncodingFor, encodedBody, isCompressible } from './content-encoding.ts'
import type { Exchange } from './exchange.ts'
import { type Problem, problemBody, statusOf } from './problem.ts'
import type { Reply, ReplyBody, ResponseHeaders } from './reply.ts'

/** What the problem of one request says beside the problem itself. */
export interface ProblemContext {
  /** Stands in the body and in the log line of an internal error, so that one leads to the other. */
  readonly requestId: string
  /** Path of the request, without its query. */
  readonly path: string
}

export const streamHeaders: ResponseHeaders = {
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

/** Seconds a client is asked to wait before it tries again, where no better figure is known. */
const retryAfterSeconds = 1
const retryLater: ReadonlySet<number> = new Set([425, 429, 503])

export class Responder {
  readonly #Response: typeof Response

  constructor(response: typeof Response = Response) {
    this.#Response = response
  }

  json(value: unknown, status = 200, headers: ResponseHeaders = {}): Reply {
    return this.body(JSON.stringify(value), status, {
      'content-type': 'application/json',
      ...headers,
    })
  }

  /** `text` is JSON. */
  jsonText(text: string, options: { status: number; headers: ResponseHeaders }): Reply {
    const { status, headers } = options
    return this.body(text, status, { 'content-type': 'application/json', ...headers })
  }

  text(text: string, headers: ResponseHeaders = {}): Reply {
    return this.body(text, 200, { 'content-type': 'text/plain; charset=utf-8', ...headers })
  }

  /** Server-sent events: proxies must neither keep nor hold back nor change what streams. */
  events(body: NonNullable<ReplyBody>): Reply {
    return this.body(body, 200, { 'content-type': 'text/event-stream', ...streamHeaders })
  }

  empty(status = 204, headers: ResponseHeaders = {}): Reply {
    return this.body(null, status, headers)
  }

  body(body: ReplyBody, status: number, headers: ResponseHeaders): Reply {
    return { status, headers, body }
  }

  problem(problem: Problem, context: ProblemContext): Reply {
    const status = statusOf(problem)
    const headers: { [name: string]: string } = {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
    }
    if (retryLater.has(status)) headers['retry-after'] = String(retryAfterSeconds)
    return this.body(problemText(problem, context), status, { ...headers, ...problem.headers })
  }

  /** The reply with what the response to any request says beside it. */
  response(reply: Reply, { headers: common, acceptEncoding }: Exchange): Response {
    const headers: { [name: string]: string } = { ...common, ...reply.headers }
    const vary = [common['vary'], reply.headers['vary']].filter(Boolean)
    let { body } = reply
    if (acceptEncoding !== undefined && body !== null && isCompressible(reply)) {
      vary.push('accept-encoding')
      const encoding = contentEncodingFor(acceptEncoding)
      if (encoding) {
        headers['content-encoding'] = encoding
        body = encodedBody(body, encoding)
      }
    }
    if (vary.length > 0) headers['vary'] = vary.join(', ')
    return new this.#Response(body, { status: reply.status, headers })
  }
}

/** The problem as one line of JSON; a stream that has begun sends it as its last event. */
export function problemText(problem: Problem, context: ProblemContext): string {
  return JSON.stringify({
    ...problemBody(problem),
    instance: context.path,
    request_id: context.requestId,
  })
}
