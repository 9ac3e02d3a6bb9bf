// A client's connection: bytes in, frames, exchanges, responses out.
//
//   onData -> FrameReader -> dispatch -> handler ... -> ready -> (turn's end) one write
//
// Requests of a connection are worked on side by side and answered in their order. What a peer may
// make us hold is bounded: beyond the limits its frames wait undispatched and its socket is not read.

import type { Timer } from '@sluice/core/host/clock'
import { loggerNames } from '@sluice/core/host/log-levels'
import type { ConnectionHandler, Connection as Wire } from '@sluice/core/host/network'
import { FrameReader, responseFrame } from '@sluice/protocol/frame'
import { dispatch, type Services } from './dispatch.ts'
import type { Exchange, ExchangeOwner } from './exchange.ts'
import type { ListenerSpec } from './listener-spec.ts'
import type { PartialHolder } from './partial-frames.ts'

/** Requests of one connection that may be worked on at a time. */
const inFlightMax = 512
/** Bytes of requests being worked on, and of responses not yet sent, on one connection. */
const inFlightBytesMax = 16 * 1024 * 1024
const unsentBytesMax = 8 * 1024 * 1024
/** One answer holds no more records, whatever the client allows: it bounds a turn of the loop. */
const answerBytesMax = 8 * 1024 * 1024
/** The same while all connections together hold as much as they may. */
const answerBytesMaxInNeed = 64 * 1024

/** A connection that is due to be closed but still waits for an answer is looked at again so often. */
const idleCheckMs = 1000

export interface ConnectionOptions {
  readonly wire: Wire
  readonly listener: ListenerSpec
  /** Of all connections of the broker another one each. */
  readonly id: number
  readonly services: Services
}

export class ClientConnection implements ConnectionHandler, ExchangeOwner, PartialHolder {
  readonly listener: ListenerSpec
  partialBytes = 0
  bagIndex = -1
  readonly #wire: Wire
  readonly #id: number
  readonly #services: Services
  readonly #onGone: () => void
  readonly #reader: FrameReader
  /** Exchanges in the order of their requests; answered ones leave from the front. */
  #exchanges: Exchange[] = []
  /** Frames that came while the limits were reached. */
  #backlog: Buffer[] = []
  /** Exchanges that may not take memory for their answers yet, in the order of their asking. */
  #waitForRoom: { readonly exchange: Exchange; readonly run: () => void }[] = []
  #requestBytes = 0
  #responseBytes = 0
  #paused = false
  #flushScheduled = false
  /** Nothing is read or sent any more. */
  #closed = false
  #gone = false
  #stopped = false
  #lastActiveMs: number
  #idle: Timer | undefined
  /** Its client has to wait (KIP-219): nothing is read before this is over. */
  #muted: Timer | undefined
  #mutedUntilMs = 0
  /** It is not let in yet. */
  #held = false
  /** Of the last request that came whole. The exchange itself would hold on to its answer. */
  #lastApi: string | undefined
  #lastClientId: string | null = null
  #lastCorrelationId = 0

  constructor(options: ConnectionOptions, onGone: () => void) {
    const { wire, listener, id, services } = options
    this.#wire = wire
    this.#id = id
    this.listener = listener
    this.#services = services
    this.#onGone = onGone
    this.#lastActiveMs = services.host.clock.monotonic()
    this.#reader = new FrameReader({
      maxBytes: services.config['socket.request.max.bytes'],
      onFrame: (frame) => this.#onFrame(frame),
      allocate: (bytes) => services.frames.take(bytes),
    })
    this.#watchIdle(this.#services.limits.idleMs)
  }

  get remote() {
    return this.#wire.remote
  }

  /** As Kafka's, for log lines: local address, remote address, a number. */
  get connectionId(): string {
    const { local, remote } = this.#wire
    return `${local.host}:${local.port}-${remote.host}:${remote.port}-${this.#id}`
  }

  get quotas() {
    return this.#services.quotas
  }

  now(): number {
    return this.#services.host.clock.monotonic()
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Requests under way whose answers have not left. */
  get inFlight(): number {
    return this.#exchanges.length
  }

  onData(view: Buffer): void {
    if (this.#closed) return
    this.#lastActiveMs = this.#services.host.clock.monotonic()
    this.#services.traffic.bytesIn += view.length
    try {
      this.#reader.push(view)
    } catch (cause) {
      this.#refuse('a frame is not well-formed', cause)
    }
    if (!this.#closed) this.#services.partials.hold(this, this.#reader.pendingBytes)
  }

  onDrain(): void {
    this.#lastActiveMs = this.#services.host.clock.monotonic()
  }

  onClose(): void {
    if (this.#gone) return
    this.#gone = true
    this.#closed = true
    this.#idle?.cancel()
    this.#muted?.cancel()
    this.#backlog = []
    this.#waitForRoom = []
    this.#services.partials.hold(this, 0)
    this.#services.budget.forget(this.#goOn)
    const exchanges = this.#exchanges
    this.#exchanges = []
    for (const exchange of exchanges) {
      this.#account(-exchange.requestBytes, -exchange.responseBytes)
      exchange.abandon()
    }
    this.#onGone()
  }

  begun(exchange: Exchange): void {
    this.#account(exchange.requestBytes, 0)
    this.#exchanges.push(exchange)
    this.#lastApi = exchange.handler.api.name
    this.#lastClientId = exchange.clientId
    this.#lastCorrelationId = exchange.correlationId
  }

  encode(exchange: Exchange, response: object): Buffer[] | undefined {
    const { handler, apiVersion, correlationId } = exchange
    this.#services.requests.said(exchange, response)
    try {
      return responseFrame(handler.api, apiVersion, correlationId, response)
    } catch (cause) {
      this.#refuse(`the answer to ${handler.api.name} could not be encoded`, cause)
      return undefined
    }
  }

  ready(exchange: Exchange): void {
    this.#services.requests.answered(exchange)
    this.#account(0, exchange.responseBytes)
    if (exchange.throttledMs > 0) this.#mute(exchange.throttledMs)
    if (this.#services.requestLog.debugs) this.#logAnswer(exchange)
    if (this.#exchanges[0] === exchange) this.#scheduleFlush()
  }

  reuse(frame: Buffer): void {
    this.#services.frames.give(frame)
  }

  close(reason: string): void {
    this.#refuse(reason)
  }

  /** Reads nothing before it is let in. */
  hold(): void {
    this.#held = true
    this.#pause()
  }

  letIn(): void {
    this.#held = false
    this.#goOn()
  }

  /** Begins no further request; those under way go on. */
  stopReading(): void {
    this.#stopped = true
    this.#backlog = []
    this.#pause()
  }

  /** What was answered is sent, then the connection ends. */
  end(): void {
    if (!this.#closed) this.#wire.end()
  }

  /** Answers leave in order, so the first one is never kept waiting. */
  whenRoom(exchange: Exchange, run: () => void): void {
    if (this.#exchanges[0] === exchange || this.#hasRoomToAnswer()) run()
    else this.#waitForRoom.push({ exchange, run })
  }

  reserve(bytes: number): () => void {
    this.#account(0, bytes)
    return () => this.#account(0, -bytes)
  }

  get answerBytesMax(): number {
    return this.#services.budget.hasRoom ? answerBytesMax : answerBytesMaxInNeed
  }

  #onFrame(frame: Buffer): void {
    if (this.#closed || this.#stopped) return
    if (this.#backlog.length === 0 && this.#hasRoom()) {
      dispatch(this.#services, this, frame)
    } else {
      this.#backlog.push(frame)
      this.#pause()
    }
  }

  /** Whether one more request may begin. */
  #hasRoom(): boolean {
    if (this.#muted || this.#held) return false
    const { budget } = this.#services
    const holds = this.#exchanges.length > 0 || this.#responseBytes > 0
    if (!budget.hasRoom && holds) return false
    return (
      this.#exchanges.length < inFlightMax &&
      this.#requestBytes < inFlightBytesMax &&
      this.#hasRoomToAnswer()
    )
  }

  #hasRoomToAnswer(): boolean {
    return this.#responseBytes < unsentBytesMax
  }

  /** Room may have come: takes up what waited, then reads on. */
  readonly #goOn = (): void => {
    this.#letAnswer()
    while (this.#backlog.length > 0 && !this.#closed && this.#hasRoom()) {
      dispatch(this.#services, this, this.#backlog.shift() as Buffer)
    }
    if (this.#closed || this.#stopped || !this.#paused || this.#muted || this.#held) return
    if (this.#backlog.length > 0) {
      this.#pause()
    } else {
      this.#paused = false
      this.#wire.resume()
    }
  }

  /**
   * Those that wait for room go on, in their order, as far as there is any. Whose turn it is to leave goes on in
   * any case: until it has left, nobody behind it gives room back.
   */
  #letAnswer(): void {
    while (this.#waitForRoom.length > 0 && !this.#closed) {
      const [next] = this.#exchanges
      const at = this.#hasRoomToAnswer()
        ? 0
        : this.#waitForRoom.findIndex(({ exchange }) => exchange === next)
      if (at === -1) return
      const [{ run }] = this.#waitForRoom.splice(at, 1)
      run()
    }
  }

  #pause(): void {
    if (!this.#services.budget.hasRoom) this.#services.budget.whenRoom(this.#goOn)
    if (this.#paused) return
    this.#paused = true
    this.#wire.pause()
  }

  #logAnswer(exchange: Exchange): void {
    const { about, principal, requestBytes, responseBytes, throttledMs } = exchange
    const { name: listener } = this.listener
    const totalMs = exchange.answeredAt - exchange.startedAt
    const figures = { totalMs, requestBytes, responseBytes, throttledMs }
    this.#services.requestLog.debug({ ...about, principal, listener, ...figures }, 'answered')
  }

  #mute(waitMs: number): void {
    const { clock } = this.#services.host
    const untilMs = clock.monotonic() + waitMs
    if (this.#closed || untilMs <= this.#mutedUntilMs) return
    this.#mutedUntilMs = untilMs
    this.#muted?.cancel()
    this.#muted = clock.setTimer(waitMs, () => {
      this.#muted = undefined
      this.#goOn()
    })
    this.#pause()
  }

  #account(requestBytes: number, responseBytes: number): void {
    this.#requestBytes += requestBytes
    this.#responseBytes += responseBytes
    const { budget } = this.#services
    const bytes = requestBytes + responseBytes
    if (bytes >= 0) budget.take(bytes)
    else budget.give(-bytes)
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    this.#services.turn.at('respond', this.#flush)
  }

  /** Sends all answers that are ready and whose turn it is, in one write. */
  readonly #flush = (): void => {
    this.#flushScheduled = false
    if (this.#closed) return
    const sent = this.#takeAnswered()
    const buffers: Buffer[] = []
    let requestBytes = 0
    let responseBytes = 0
    for (const exchange of sent) {
      for (const buffer of exchange.frame) addAdjacent(buffers, buffer)
      requestBytes += exchange.requestBytes
      responseBytes += exchange.responseBytes
    }
    this.#services.traffic.bytesOut += responseBytes
    this.#account(-requestBytes, 0)
    if (buffers.length === 0) {
      for (const exchange of sent) exchange.release()
    } else {
      this.#wire.write(buffers, () => {
        this.#account(0, -responseBytes)
        this.#services.requests.sent(sent)
        for (const exchange of sent) exchange.release()
        this.#goOn()
      })
    }
    this.#goOn()
  }

  #takeAnswered(): Exchange[] {
    const exchanges = this.#exchanges
    let count = 0
    while (count < exchanges.length && exchanges[count].isReady) count += 1
    if (count === exchanges.length) {
      this.#exchanges = []
      return exchanges
    }
    return exchanges.splice(0, count)
  }

  #refuse(reason: string, cause?: unknown): void {
    if (this.#closed) return
    const { logs, requests } = this.#services
    const { name: listener } = this.listener
    const fields = { ...this.#about(), listener, cause }
    logs.of(loggerNames.connections).warn(fields, `connection closed: ${reason}`)
    requests.refusedConnections += 1
    this.#closed = true
    this.#wire.destroy()
  }

  /** What was asked last is where a client's own log line and ours meet. */
  #about(): object {
    const { connectionId } = this
    if (this.#lastApi === undefined) return { connectionId }
    return {
      connectionId,
      lastApi: this.#lastApi,
      clientId: this.#lastClientId,
      correlationId: this.#lastCorrelationId,
    }
  }

  #watchIdle(maxIdleMs: number): void {
    if (maxIdleMs < 0) return
    const { clock } = this.#services.host
    const logger = this.#services.logs.of(loggerNames.connections)
    const check = (): void => {
      const idleMs = clock.monotonic() - this.#lastActiveMs
      const waits = this.#exchanges.length > 0 && this.#wire.pendingBytes === 0
      if (idleMs >= maxIdleMs && !waits) {
        logger.debug({ ...this.#about(), idleMs }, 'idle connection closed')
        this.#services.requests.idleConnections += 1
        this.#wire.destroy()
        return
      }
      this.#idle = clock.setTimer(Math.max(maxIdleMs - idleMs, idleCheckMs), check)
    }
    this.#idle = clock.setTimer(maxIdleMs, check)
  }
}

/**
 * Answers that were encoded one after another lie side by side in one slab: as one view they are one plain
 * write, where a list of views would be a vectored one.
 */
function addAdjacent(buffers: Buffer[], buffer: Buffer): void {
  const last = buffers.at(-1)
  if (last !== undefined && last.buffer === buffer.buffer) {
    if (last.byteOffset + last.length === buffer.byteOffset) {
      const bytes = last.length + buffer.length
      buffers[buffers.length - 1] = Buffer.from(last.buffer, last.byteOffset, bytes)
      return
    }
  }
  buffers.push(buffer)
}
