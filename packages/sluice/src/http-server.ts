// The HTTP server in front of the gateway: node:http with time-outs for slow clients, an answer for requests
// that are no HTTP, and an end that lets what is under way finish. It listens nowhere by itself: port.ts
// feeds it sockets whose first bytes are HTTP (a test may let it listen).

import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { getRequestListener, type HttpBindings, RequestError } from '@hono/node-server'
import type { Logger } from '@sluice/core/host/logger'

/** What the server needs of a gateway. */
export interface HttpHandler {
  fetch(request: Request, env: { incoming: IncomingMessage }): Response | Promise<Response>
  /** Ends streams and long polls, finishes what is under way; requests after it get 503. */
  close(): Promise<void>
}

export interface HttpServerOptions {
  readonly logger: Logger
  readonly timeouts?: Partial<HttpTimeouts>
  /** A request that announces more is refused before it sends a body (Expect: 100-continue). */
  readonly bodyBytesMax?: number
}

export interface HttpTimeouts {
  /** From a request's first byte until its headers are whole. */
  readonly headersMs: number
  /** Until its body is whole, too; bodies of lines (application/x-ndjson) may last. */
  readonly requestMs: number
  /** Between two requests of a connection. */
  readonly idleMs: number
  /** A client that takes nothing of what waits for it. */
  readonly stallMs: number
  /** How often headersMs and requestMs are looked at. */
  readonly checkMs: number
}

/** idleMs lies above the 60 s after which load balancers give up, so that they are the ones to close. */
export const defaultTimeouts: HttpTimeouts = {
  headersMs: 10_000,
  requestMs: 120_000,
  idleMs: 65_000,
  stallMs: 60_000,
  checkMs: 2_000,
}

const headerBytesMax = 16 * 1024
const defaultBodyBytesMax = 16 * 1024 * 1024
/** How long close() lets responses take that are under way. */
const defaultGraceMs = 10_000

export interface HttpServer {
  /** Its 'connection' event takes sockets. */
  readonly server: Server
  /** Graceful: responses under way finish, within `graceMs`; then every connection is closed. */
  close(graceMs?: number): Promise<void>
}

export function createHttpServer(handler: HttpHandler, options: HttpServerOptions): HttpServer {
  const timeouts = { ...defaultTimeouts, ...options.timeouts }
  const server = createServer({
    maxHeaderSize: headerBytesMax,
    headersTimeout: timeouts.headersMs,
    // Exchanges watch it: Node would end bodies that are meant to last, too.
    requestTimeout: 0,
    keepAliveTimeout: timeouts.idleMs,
    connectionsCheckingInterval: timeouts.checkMs,
    noDelay: true,
  })
  server.timeout = timeouts.stallMs
  const exchanges = new Exchanges(server, timeouts)
  server.on(
    'request',
    getRequestListener((request, env) => handler.fetch(request, env as HttpBindings), {
      overrideGlobalObjects: false,
      errorHandler: (error) => {
        // A target or a Host that no URL can be made of; all else is a bug.
        const requestId = randomUUID()
        if (error instanceof RequestError) return refusalResponse(malformed, requestId)
        options.logger.error({ err: error, requestId }, 'an HTTP request failed')
        return refusalResponse(internalError, requestId)
      },
    }),
  )
  const bodyBytesMax = options.bodyBytesMax ?? defaultBodyBytesMax
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    // One that is too large gets its refusal without having sent the body.
    if (Number(request.headers['content-length'] ?? 0) <= bodyBytesMax) response.writeContinue()
    server.emit('request', request, response)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const requestId = randomUUID()
    options.logger.debug({ err: error, requestId }, 'a client sent no HTTP')
    refuse(error, socket, requestId)
  })
  // Node begins to look at its time-outs when a server listens; this one may only ever be fed.
  server.emit('listening')
  return {
    server,
    async close(graceMs = defaultGraceMs) {
      const deadline = setTimeout(() => server.closeAllConnections(), graceMs)
      exchanges.finish()
      await handler.close()
      await exchanges.finished
      clearTimeout(deadline)
      server.close()
      server.closeAllConnections()
    },
  }
}

/**
 * The exchanges (a request and its response) that are under way. Kept in slots that are used again, not in
 * a Set: under load the tables that a Set leaves behind would hold dead requests until a full collection.
 */
class Exchanges {
  readonly finished: Promise<void>
  readonly #server: Server
  readonly #slots: (ServerResponse | undefined)[] = []
  readonly #freeSlots: number[] = []
  readonly #begunMs: number[] = []
  readonly #requestMs: number
  readonly #watch: NodeJS.Timeout
  readonly #finish: () => void
  #finishing = false

  constructor(server: Server, { requestMs, checkMs }: HttpTimeouts) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.finished = promise
    this.#finish = resolve
    this.#server = server
    this.#requestMs = requestMs
    this.#watch = setInterval(() => this.#endSlowBodies(), checkMs).unref()
    server.on('request', (_request, response) => this.#begin(response))
  }

  /** From here on every response is the last one of its connection. */
  finish(): void {
    this.#finishing = true
    for (const response of this.#slots) if (response) response.shouldKeepAlive = false
    this.#ended()
  }

  #begin(response: ServerResponse): void {
    const slot = this.#freeSlots.pop() ?? this.#slots.length
    this.#slots[slot] = response
    this.#begunMs[slot] = performance.now()
    if (this.#finishing) response.shouldKeepAlive = false
    response.on('close', () => {
      this.#slots[slot] = undefined
      this.#freeSlots.push(slot)
      if (this.#finishing) this.#ended()
    })
    // Silence is the nature of a long poll; a client that does not take what waits for it is stuck.
    response.on('timeout', (socket: Socket) => {
      if (socket.writableLength > 0) socket.destroy()
    })
  }

  /** A body that takes too long to come. */
  #endSlowBodies(): void {
    const begunBeforeMs = performance.now() - this.#requestMs
    this.#slots.forEach((response, slot) => {
      if (response === undefined || this.#begunMs[slot] > begunBeforeMs) return
      const { req: request } = response
      if (request.complete || isOfLines(request)) return
      const error = Object.assign(new Error('slow body'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
      if (response.headersSent) request.socket.destroy()
      else refuse(error, request.socket, randomUUID())
    })
  }

  #ended(): void {
    this.#server.closeIdleConnections()
    if (this.#freeSlots.length < this.#slots.length) return
    clearInterval(this.#watch)
    this.#finish()
  }
}

function isOfLines({ headers }: IncomingMessage): boolean {
  return /^\s*application\/x-ndjson\b/i.test(headers['content-type'] ?? '')
}

/** What could not be parsed gets one answer, then the connection ends. */
function refuse(error: NodeJS.ErrnoException, socket: Socket, requestId: string): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const refusal = refusals[error.code ?? ''] ?? malformed
  const body = refusalBody(refusal, requestId)
  socket.end(
    `HTTP/1.1 ${refusal.status} ${refusal.title}\r\nContent-Type: ${problemType}\r\n` +
      `Request-Id: ${requestId}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  )
}

interface Refusal {
  readonly status: number
  readonly title: string
  readonly code: string
}

function refusalResponse(refusal: Refusal, requestId: string): Response {
  const headers = { 'content-type': problemType, 'request-id': requestId }
  return new Response(refusalBody(refusal, requestId), { status: refusal.status, headers })
}

/** A problem as the gateway has them, for requests that never reach it. */
function refusalBody({ status, title, code }: Refusal, requestId: string): string {
  return JSON.stringify({
    type: `https://sluice.dev/errors/${code.replaceAll('_', '-')}`,
    title,
    status,
    detail: title,
    code,
    retriable: status === 408,
    side_effects: status < 500 ? 'none' : 'unknown',
    request_id: requestId,
  })
}

const problemType = 'application/problem+json'
const internalError: Refusal = {
  status: 500,
  title: 'Internal Server Error',
  code: 'internal_error',
}
const malformed: Refusal = { status: 400, title: 'Bad Request', code: 'malformed_request' }
const headersTooLarge: Refusal = {
  status: 431,
  title: 'Request Header Fields Too Large',
  code: 'headers_too_large',
}
const tooSlow: Refusal = { status: 408, title: 'Request Timeout', code: 'request_timeout' }

const refusals: { readonly [code: string]: Refusal | undefined } = {
  HPE_HEADER_OVERFLOW: headersTooLarge,
  ERR_HTTP_REQUEST_TIMEOUT: tooSlow,
}

/**
 * hono's adapter has light Request and Response classes that it puts in the place of the global ones:
 * what is made of them is sent without a detour through streams. The gateway gets that Response by hand,
 * and the globals go back to what they were: an embedding process has an `instanceof Response` of its own.
 */
export function lightResponse(): typeof Response {
  const names = ['Request', 'Response'] as const
  const before = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name))
  getRequestListener(() => new Response())
  const light = globalThis.Response
  names.forEach((name, index) => {
    const descriptor = before[index]
    if (descriptor) Object.defineProperty(globalThis, name, descriptor)
  })
  return light
}
