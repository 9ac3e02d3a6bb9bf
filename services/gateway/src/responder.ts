// Responder: makes every response of the gateway. The Response class is given, because the HTTP server may
// bring one that it can send without a detour through streams (see packages/sluice/src/http-server.ts).

import { type Problem, problemBody, statusOf } from './problem.ts'

export interface ResponseHeaders {
  readonly [name: string]: string
}

/** What the problem of one request says beside the problem itself. */
export interface ProblemContext {
  /** Stands in the body and in the log line of an internal error, so that one leads to the other. */
  readonly requestId: string
  /** Path of the request, without its query. */
  readonly path: string
}

/** Seconds a client is asked to wait before it tries again, where no better figure is known. */
const retryAfterSeconds = 1
const retryLater: ReadonlySet<number> = new Set([425, 429, 503])

export class Responder {
  readonly #Response: typeof Response

  constructor(response: typeof Response = Response) {
    this.#Response = response
  }

  json(value: unknown, status = 200, headers: ResponseHeaders = {}): Response {
    return this.body(JSON.stringify(value), status, {
      'content-type': 'application/json',
      ...headers,
    })
  }

  text(text: string, headers: ResponseHeaders = {}): Response {
    return this.body(text, 200, { 'content-type': 'text/plain; charset=utf-8', ...headers })
  }

  empty(status = 204, headers: ResponseHeaders = {}): Response {
    return this.body(null, status, headers)
  }

  body(
    body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null,
    status: number,
    headers: ResponseHeaders,
  ): Response {
    return new this.#Response(body, { status, headers: headers as { [name: string]: string } })
  }

  problem(problem: Problem, context: ProblemContext): Response {
    const status = statusOf(problem)
    const headers: { [name: string]: string } = {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'request-id': context.requestId,
    }
    if (retryLater.has(status)) headers['retry-after'] = String(retryAfterSeconds)
    return this.body(problemText(problem, context), status, { ...headers, ...problem.headers })
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
