// An exchange: one request on its connection and the response to come. It is also what the handler
// gets as its context. Exchanges of a connection are answered in the order in which they came.

import type { Address } from '@sluice/core/host/network'
import { assert } from '@sluice/core/lib/assert'
import type { RequestHeader } from '@sluice/protocol/frame'
import type { Handler, RequestContext, RequestNames } from './handler.ts'
import type { ListenerSpec } from './listener-spec.ts'
import type { Quotas } from './quotas.ts'

/** Where the exchange reports to: its connection. */
export interface ExchangeOwner {
  readonly listener: ListenerSpec
  readonly remote: Address
  readonly closed: boolean
  readonly connectionId: string
  /** Its request came whole; it has no answer yet. */
  begun(exchange: Exchange): void
  /** To the frame of its response; undefined: that failed, and the connection with it. */
  encode(exchange: Exchange, response: object): Buffer[] | undefined
  /** The exchange has its answer, or is known to have none. */
  ready(exchange: Exchange): void
  close(reason: string): void
  /** Calls `run` when the answer to `exchange` may take memory. */
  whenRoom(exchange: Exchange, run: () => void): void
  /** Counts bytes that an answer in the making holds, until the returned function is called. */
  reserve(bytes: number): () => void
  readonly answerBytesMax: number
  /** Nobody looks at the frame of a request any more. */
  reuse(frame: Buffer): void
  readonly quotas: Quotas
  /** Milliseconds on the clock that exchanges are timed by. */
  now(): number
}

/** All listeners are without authentication so far. */
const anonymous = 'User:ANONYMOUS'

export class Exchange implements RequestContext {
  readonly handler: Handler
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly startedAt: number
  readonly requestBytes: number
  /** When it had its answer; what it has to do with startedAt is told by RequestMetrics. */
  answeredAt = 0
  readonly #owner: ExchangeOwner
  #request: Buffer | undefined
  #state: 'open' | 'ready' | 'gone' = 'open'
  #frame: Buffer[] = []
  #responseBytes = 0
  #throttledMs = 0
  /** How long the event loop was at it; undefined: it still is. */
  #busyMs: number | undefined
  #isCharged = false
  #releases: (() => void)[] | undefined
  #cancels: (() => void)[] | undefined

  constructor(
    owner: ExchangeOwner,
    handler: Handler,
    header: RequestHeader,
    request: { frame: Buffer; startedAt: number },
  ) {
    this.#owner = owner
    this.handler = handler
    this.apiVersion = header.apiVersion
    this.correlationId = header.correlationId
    this.clientId = header.clientId
    this.#request = request.frame
    this.requestBytes = request.frame.length
    this.startedAt = request.startedAt
  }

  get about(): RequestNames {
    const { connectionId } = this.#owner
    const { correlationId, clientId, apiVersion, handler } = this
    return { connectionId, correlationId, clientId, api: handler.api.name, apiVersion }
  }

  get listener(): ListenerSpec {
    return this.#owner.listener
  }

  get remote(): Address {
    return this.#owner.remote
  }

  get principal(): string {
    return anonymous
  }

  get closed(): boolean {
    return this.#state === 'gone' || this.#owner.closed
  }

  get isReady(): boolean {
    return this.#state === 'ready'
  }

  /** It has no answer yet, and somebody waits for one. */
  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** What goes to the wire; empty when there is no response. */
  get frame(): readonly Buffer[] {
    return this.#frame
  }

  get responseBytes(): number {
    return this.#responseBytes
  }

  respond(response: object | undefined): void {
    if (this.#state === 'gone') {
      this.release()
      return
    }
    assert(this.#state === 'open', 'a request is answered once')
    if (response !== undefined) {
      this.chargeTime()
      const frame = this.#owner.encode(this, this.#withWait(response))
      if (!frame) return
      this.#frame = frame
      for (const buffer of this.#frame) this.#responseBytes += buffer.length
    }
    this.#state = 'ready'
    this.#request = undefined
    this.#cancels = undefined
    this.#owner.ready(this)
  }

  throttle(waitMs: number): void {
    this.#throttledMs = Math.max(this.#throttledMs, waitMs)
  }

  get throttledMs(): number {
    return this.#throttledMs
  }

  /** The handler has returned: what goes on behind it waits for others. */
  handled(busyMs: number): void {
    this.#busyMs = busyMs
  }

  chargeTime(): void {
    const { quotas } = this.#owner
    if (!quotas.request.enabled || this.#isCharged) return
    this.#isCharged = true
    quotas.chargeTime(this, this.#busyMs ?? this.#owner.now() - this.startedAt)
  }

  #withWait(response: object): object {
    if (this.#throttledMs === 0) return response
    return { ...response, throttleTimeMs: this.#throttledMs }
  }

  releaseRequest(): void {
    if (!this.#request) return
    this.#owner.reuse(this.#request)
    this.#request = undefined
  }

  whenRoom(run: () => void): void {
    if (!this.closed) this.#owner.whenRoom(this, run)
  }

  reserve(bytes: number): () => void {
    return this.#owner.reserve(bytes)
  }

  get answerBytesMax(): number {
    return this.#owner.answerBytesMax
  }

  onReleased(release: () => void): void {
    if (this.#state === 'gone') {
      release()
      return
    }
    this.#releases ??= []
    this.#releases.push(release)
  }

  onAbandoned(cancel: () => void): void {
    if (this.#state === 'gone') {
      cancel()
      return
    }
    this.#cancels ??= []
    this.#cancels.push(cancel)
  }

  disconnect(reason: string): void {
    this.#owner.close(reason)
  }

  /** The response left: what it lent is free again. */
  release(): void {
    const releases = this.#releases
    if (!releases) return
    this.#releases = undefined
    for (const run of releases) run()
  }

  /** The connection went away before the response left. */
  abandon(): void {
    const waited = this.#state === 'open'
    this.#state = 'gone'
    if (waited) for (const run of this.#cancels ?? []) run()
    this.release()
  }
}
