// Dispatch: from a frame to its handler. What is not a request that we serve ends the connection, as
// in Kafka, since nobody can tell how to answer it; ApiVersions alone has an answer for the future.

import { FencedError } from '@sluice/core/cluster/metadata-writer'
import type { BrokerConfig } from '@sluice/core/config/broker-config'
import type { Timer } from '@sluice/core/host/clock'
import type { Host } from '@sluice/core/host/host'
import { type LevelLogger, type LogLevels, loggerNames } from '@sluice/core/host/log-levels'
import type { Turn } from '@sluice/core/partition/turn'
import { apis } from '@sluice/protocol/apis'
import { decodeNext } from '@sluice/protocol/codec'
import { errorText } from '@sluice/protocol/error-texts'
import { errors } from '@sluice/protocol/errors'
import { type RequestHeader, readRequestHeader } from '@sluice/protocol/frame'
import { Reader } from '@sluice/protocol/reader'
import type { Broker } from './broker.ts'
import type { ConnectionLimits } from './connection-limits.ts'
import { Exchange, type ExchangeOwner } from './exchange.ts'
import type { FaultPlan } from './faults.ts'
import type { FramePool } from './frame-pool.ts'
import { type Answer, type Failure, type Handler, later } from './handler.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { PartialFrames } from './partial-frames.ts'
import type { Quotas } from './quotas.ts'
import type { RequestMetrics, Traffic } from './request-metrics.ts'

/** What connections share. */
export interface Services {
  readonly broker: Broker
  readonly host: Host
  readonly config: BrokerConfig
  readonly handlers: HandlerTable
  readonly turn: Turn
  readonly budget: MemoryBudget
  readonly partials: PartialFrames
  readonly frames: FramePool
  readonly requests: RequestMetrics
  readonly traffic: Traffic
  readonly quotas: Quotas
  readonly limits: ConnectionLimits
  readonly logs: LogLevels
  /** A line a request, where that is wanted. */
  readonly requestLog: LevelLogger
  readonly faults: FaultPlan | undefined
}

/** Handlers by API key. */
export type HandlerTable = readonly (Handler | undefined)[]

export function handlerTable(handlers: readonly Handler[]): HandlerTable {
  const table: (Handler | undefined)[] = []
  for (const handler of handlers) table[handler.api.key] = handler
  return table
}

interface Parsed {
  readonly handler: Handler
  readonly header: RequestHeader
  /** Undefined: an ApiVersions of the future. */
  readonly request: object | undefined
}

/** Begins the exchange that `frame` asks for. */
export function dispatch(services: Services, owner: ExchangeOwner, frame: Buffer): void {
  const startedAt = services.host.clock.monotonic()
  const parsed = parse(services.handlers, frame)
  if (typeof parsed === 'string') {
    owner.close(parsed)
    return
  }
  const { handler, header, request } = parsed
  const exchange = new Exchange(owner, handler, header, { frame, startedAt })
  owner.begun(exchange)
  if (!request) {
    fail(exchange, undefined, { errorCode: errors.UNSUPPORTED_VERSION, message: '' })
    return
  }
  const fault = services.faults?.take(handler.api.name)
  if (fault !== undefined) {
    fail(exchange, request, { errorCode: fault, message: 'ordered by a fault plan' })
    return
  }
  carryOut(services, exchange, request)
  const busyMs = services.host.clock.monotonic() - startedAt
  exchange.handled(busyMs)
  services.requests.handled(exchange, busyMs)
}

/** A string says why the frame is no request that we serve. */
function parse(handlers: HandlerTable, frame: Buffer): Parsed | string {
  const reader = new Reader(frame)
  let header: RequestHeader
  try {
    header = readRequestHeader(reader)
  } catch (cause) {
    return `a request header is not well-formed: ${(cause as Error).message}`
  }
  const handler = handlers[header.apiKey]
  if (!handler) return `API key ${header.apiKey} is not served`
  const { min, max } = handler.versions
  const { name, key } = handler.api
  if (header.apiVersion < min || header.apiVersion > max) {
    if (key !== apis.apiVersions.key) return `${name} has no version ${header.apiVersion} here`
    // The client learns what there is from a body of version 0 and asks again (KIP-511).
    return { handler, header: { ...header, apiVersion: 0 }, request: undefined }
  }
  try {
    // Bytes behind the body are nobody's, and no reason to refuse it: so it is in Kafka.
    return { handler, header, request: decodeNext(reader, handler.api.request, header.apiVersion) }
  } catch (cause) {
    return `${name} is not well-formed: ${(cause as Error).message}`
  }
}

function carryOut(services: Services, exchange: Exchange, request: object): void {
  const { handler } = exchange
  let answer: Answer<object>
  try {
    answer = handler.handle(services.broker, request as never, exchange)
  } catch (cause) {
    handlerFailed(services, exchange, request, cause)
    return
  }
  if (!(answer instanceof Promise)) {
    if (answer !== later) exchange.respond(answer)
    return
  }
  const timer = handler.timeoutMs && limitTime(services, exchange, request)
  answer.then(
    (settled) => {
      timer?.cancel()
      if (settled !== later && exchange.isOpen) exchange.respond(settled)
    },
    (cause) => {
      timer?.cancel()
      handlerFailed(services, exchange, request, cause)
    },
  )
}

/** The work may still be done later: the client has to look. */
function limitTime(services: Services, exchange: Exchange, request: object): Timer {
  const timeoutMs = Math.max(0, exchange.handler.timeoutMs?.(request as never) ?? 0)
  return services.host.clock.setTimer(timeoutMs, () => {
    const { REQUEST_TIMED_OUT } = errors
    const failure = { errorCode: REQUEST_TIMED_OUT, message: errorText(REQUEST_TIMED_OUT) }
    if (exchange.isOpen) fail(exchange, request, failure)
  })
}

/** A handler threw: a bug, or the table out of reach. The client gets its error, we a line. */
function handlerFailed(
  services: Services,
  exchange: Exchange,
  request: object,
  cause: unknown,
): void {
  const { handler } = exchange
  services.logs.of(loggerNames.requests).error({ ...exchange.about, cause }, 'a request failed')
  if (!exchange.isOpen) return
  fail(exchange, request, { errorCode: codeOf(handler, cause), message: 'the request failed' })
}

function codeOf(handler: Handler, cause: unknown): number {
  // Another broker took over: the client asks for the new controller.
  if (cause instanceof FencedError) return errors.NOT_CONTROLLER
  // An idempotent Java producer does not survive -1 to Produce (KAFKA-14034).
  if (handler.api === apis.produce) return errors.KAFKA_STORAGE_ERROR
  return errors.UNKNOWN_SERVER_ERROR
}

function fail(exchange: Exchange, request: object | undefined, failure: Failure): void {
  const { handler, apiVersion } = exchange
  const response = handler.failed?.(request as never, failure, apiVersion)
  if (response) exchange.respond(response)
  else exchange.disconnect(`${handler.api.name} failed and has no answer that says so`)
}
