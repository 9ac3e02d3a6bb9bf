// A handler: the answer to one Kafka API, with the versions it really serves beside it. ApiVersions is
// derived from the list of handlers (handlers/index.ts).
//
// A handler answers in one of four ways:
//   a response           the common case: no promise is made
//   a promise of one     work that waits for the disk, the table or a group
//   `later`              it calls context.respond(response) itself, once (hot paths: no promise)
//   undefined            there is no response (Produce with acks=0)
// One that throws is answered with `failed`, the error shape of its own API.

import type { Address } from '@sluice/core/host/network'
import type { Api } from '@sluice/protocol/apis'
import { defaultStruct } from '@sluice/protocol/defaults'
import type { Decoded, Encodable, Message } from '@sluice/protocol/schema'
import type { Broker } from './broker.ts'
import type { ListenerSpec } from './listener-spec.ts'

/** Returned by a handler that calls context.respond() in its own time. */
export const later: unique symbol = Symbol('later')

export interface VersionRange {
  readonly min: number
  readonly max: number
}

/** What a log line says of a request, so that a client's own line can be found beside it. */
export interface RequestNames {
  readonly api: string
  readonly apiVersion: number
  readonly clientId: string | null
  readonly correlationId: number
  readonly connectionId: string
}

/** What a handler may know of the request beside its body, and the ways to answer out of the ordinary. */
export interface RequestContext {
  readonly apiVersion: number
  readonly clientId: string | null
  readonly listener: ListenerSpec
  readonly remote: Address
  /** For log lines. */
  readonly about: RequestNames
  /** Bytes of its frame. */
  readonly requestBytes: number
  /** As Kafka writes it: `User:ANONYMOUS` on a listener without authentication. */
  readonly principal: string
  /** The connection is gone: nobody waits for the answer any more. Check it after an await. */
  readonly closed: boolean
  /** The answer of a handler that returned `later`, once; undefined: there is no response. */
  respond(response: object | undefined): void
  /** No view on the request is in use any more: its memory may be used again. Needed by none. */
  releaseRequest(): void
  /**
   * Calls `run` when the answer may take memory: at once, or when the client has read earlier answers;
   * never if the connection goes away before.
   */
  whenRoom(run: () => void): void
  /** Counts bytes that are being read for the answer, until the returned function is called. */
  reserve(bytes: number): () => void
  /** At most so many bytes of records go into the answer, its first batch aside. */
  readonly answerBytesMax: number
  /** Calls `release` once when the response has left or was dropped: buffers lent to it may be reused. */
  onReleased(release: () => void): void
  /** Calls `cancel` when the connection goes away before the answer: stop waiting for its sake. */
  onAbandoned(cancel: () => void): void
  /** The answer tells the client to wait so long, and its connection is not read before. */
  throttle(waitMs: number): void
  /** What the client is told so far. */
  readonly throttledMs: number
  /** Counts the time that the request took against its client's quota, once; else the answer does so. */
  chargeTime(): void
  /** Closes the connection instead of an answer, where Kafka does (an error under acks=0). */
  disconnect(reason: string): void
}

export type Answer<R> = R | Promise<R | typeof later> | typeof later | undefined

/** An error to be answered in the API's own shape. */
export interface Failure {
  readonly errorCode: number
  readonly message: string
}

export interface Handler {
  readonly api: Api<Message, Message>
  readonly versions: VersionRange
  /** The lowest version that ApiVersions tells of. */
  readonly advertisedMin: number
  readonly handle: (broker: Broker, request: never, context: RequestContext) => Answer<object>
  /** The response that says `failure` for everything `request` asked; undefined: has no such shape. */
  readonly failed:
    | ((request: never, failure: Failure, version: number) => object | undefined)
    | undefined
  /** How long the client waits for a promised answer; then it gets REQUEST_TIMED_OUT. */
  readonly timeoutMs: ((request: never) => number) | undefined
}

export interface HandlerOptions<Q extends Message, S extends Message> extends VersionRange {
  /** Where ApiVersions says another lowest version than is served. */
  readonly advertisedMin?: number
  /**
   * Default: `{ errorCode }` where the response has that field at its top. Undefined: there is no
   * way to say it, so the connection is closed.
   */
  readonly failed?: (
    request: Decoded<Q>,
    failure: Failure,
    version: number,
  ) => Encodable<S> | undefined
  /** As long as the request allows; the work goes on behind a request that timed out. */
  readonly timeoutMs?: (request: Decoded<Q>) => number
}

export function handler<Q extends Message, S extends Message>(
  api: Api<Q, S>,
  options: HandlerOptions<Q, S>,
  handle: (broker: Broker, request: Decoded<Q>, context: RequestContext) => Answer<Encodable<S>>,
): Handler {
  const { min, max, advertisedMin = min, failed = failedAtTop(api), timeoutMs } = options
  return { api, versions: { min, max }, advertisedMin, handle, failed, timeoutMs } as Handler
}

/** Most APIs that ask one thing say their error at the top of the response. */
function failedAtTop({ response }: { response: Message }): Handler['failed'] {
  const { fields } = response
  if (!('errorCode' in fields)) return undefined
  const withMessage = 'errorMessage' in fields
  return (_request, { errorCode, message }) => ({
    ...defaultStruct(fields),
    errorCode,
    ...(withMessage && { errorMessage: message }),
  })
}
