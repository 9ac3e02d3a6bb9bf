// BrokerConnection: one pipelined connection to a broker, from its first byte to its last.
//
//   connect -> ApiVersions -> open -> closed            what is asked before it is open waits in line
//
// Requests leave in the order they are made, at most `inFlightMax` without an answer, and responses come
// back in that order. A request that is not answered in time takes the connection with it, because
// everything behind it would wait, too. Every call ends exactly once: with a response or a KafkaError.

import { type Api, apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { extensionsTag, hasExtensions } from '@sluice/protocol/extensions'
import { FrameReader, readResponse, requestFrame } from '@sluice/protocol/frame'
import type { Encodable, Message, Tagged } from '@sluice/protocol/schema'
import type { Address, Connection, ConnectionHandler, Network } from '../host/network.ts'
import { assert } from '../lib/assert.ts'
import type { Deadline, TimerQueue } from '../lib/timer-queue.ts'
import { KafkaError } from './kafka-error.ts'
import { commonVersion, type VersionRange } from './spoken-versions.ts'

/** A body, or how to make it for the version that was agreed on. */
export type RequestBody<Q extends Message> = Encodable<Q> | ((version: number) => Encodable<Q>)

export interface Call {
  readonly api: Api
  readonly body: unknown
  readonly maxVersion: number | undefined
  /** False for Produce with acks=0: the call ends when it is written. */
  readonly answered: boolean
  /** Only to a broker that knows our extensions (protocol/extensions.ts); else UNSUPPORTED_VERSION. */
  readonly extended: boolean
  readonly timeoutMs: number
  /** Called exactly once: with an error, or with the response (undefined where there is none). */
  readonly settle: (error: KafkaError | undefined, response: unknown) => void
}

export interface BrokerConnectionOptions {
  readonly network: Network
  readonly deadlines: TimerQueue
  readonly address: Address
  readonly clientId: string
  readonly timeoutMs: number
  /** How long to wait before connecting: what is left of a backoff. */
  readonly delayMs: number
  /** The broker answered and versions are agreed on. */
  readonly onOpen: () => void
  /** The connection is over, called once; `failed` unless close() ended it. */
  readonly onClose: (failed: boolean) => void
}

interface Pending extends Call {
  version: number
  correlationId: number
  deadline: Deadline | undefined
}

/** Requests without an answer on one connection. */
const inFlightMax = 100
/** Requests that wait for their turn on one connection. */
const waitingMax = 10_000
/** Far above fetch.max.bytes: a broker that sends more has gone mad. */
const responseBytesMax = 1024 * 1024 * 1024
const newestApiVersions = commonVersion(apis.apiVersions, apis.apiVersions.request.versions) ?? 0
const softwareName = 'sluice'
const softwareVersion = '0.1.0'
const taggedApiVersionsMin = 3

export class BrokerConnection {
  readonly address: Address
  readonly #options: BrokerConnectionOptions
  readonly #frames = new FrameReader({
    maxBytes: responseBytesMax,
    onFrame: (frame) => this.#onFrame(frame),
  })
  #connection: Connection | undefined
  #served: Map<number, VersionRange> | undefined
  #extended = false
  #waiting: Pending[] = []
  #inFlight: Pending[] = []
  #correlationId = 0
  #blocked = false
  #closed = false

  constructor(options: BrokerConnectionOptions) {
    this.#options = options
    this.address = options.address
    if (options.delayMs > 0) options.deadlines.after(options.delayMs, () => this.#connect())
    else this.#connect()
  }

  get closed(): boolean {
    return this.#closed
  }

  get open(): boolean {
    return this.#served !== undefined && !this.#closed
  }

  /** Requests that wait or are without an answer. */
  get load(): number {
    return this.#waiting.length + this.#inFlight.length
  }

  call(call: Call): void {
    if (this.#closed) {
      call.settle(this.#lost(), undefined)
      return
    }
    if (this.#waiting.length >= waitingMax) {
      const detail = `${waitingMax} requests wait for ${this.#name()} already`
      call.settle(new KafkaError(errors.NETWORK_EXCEPTION, detail), undefined)
      return
    }
    const pending: Pending = { ...call, version: -1, correlationId: -1, deadline: undefined }
    pending.deadline = this.#options.deadlines.after(call.timeoutMs, () => this.#expire(pending))
    this.#waiting.push(pending)
    this.#pump()
  }

  close(): void {
    this.#fail(new KafkaError(errors.NETWORK_EXCEPTION, 'the client was closed'), false)
  }

  #connect(): void {
    if (this.#closed) return
    const { network, address, timeoutMs } = this.#options
    network
      .connect(address, (connection) => this.#attach(connection), { timeoutMs })
      .then(
        (connection) => {
          if (this.#closed) connection.destroy()
          else this.#negotiate(newestApiVersions, false)
        },
        (cause) => {
          const detail = `no connection to ${this.#name()}: ${(cause as Error).message}`
          this.#fail(new KafkaError(errors.NETWORK_EXCEPTION, detail, cause))
        },
      )
  }

  #attach(connection: Connection): ConnectionHandler {
    this.#connection = connection
    return {
      onData: (view) => this.#onData(view),
      onDrain: () => {
        this.#blocked = false
        this.#pump()
      },
      onClose: (cause) => this.#fail(this.#lost(cause)),
    }
  }

  /** Asks what the broker serves, past the line of those who wait for the answer. */
  #negotiate(version: number, isLast: boolean): void {
    const { deadlines, timeoutMs } = this.#options
    const pending: Pending = {
      api: apis.apiVersions,
      body: {
        clientSoftwareName: softwareName,
        clientSoftwareVersion: softwareVersion,
        ...(version >= taggedApiVersionsMin && { unknownTags: [extensionsTag()] }),
      },
      maxVersion: undefined,
      answered: true,
      extended: false,
      timeoutMs,
      settle: (error, response) => {
        if (error !== undefined) this.#fail(error)
        else this.#agree(response as ApiVersions, isLast)
      },
      version,
      correlationId: -1,
      deadline: deadlines.after(timeoutMs, () => this.#expire(pending)),
    }
    this.#send(pending)
  }

  #agree(response: ApiVersions, isLast: boolean): void {
    const served = new Map<number, VersionRange>()
    for (const { apiKey, minVersion, maxVersion } of response.apiKeys) {
      served.set(apiKey, { min: minVersion, max: maxVersion })
    }
    if (response.errorCode === errors.UNSUPPORTED_VERSION && !isLast) {
      // An older broker; with its refusal it said what it serves (KIP-511).
      const version = commonVersion(apis.apiVersions, served.get(apis.apiVersions.key)) ?? 0
      this.#negotiate(version, true)
    } else if (response.errorCode !== errors.NONE) {
      this.#fail(new KafkaError(response.errorCode))
    } else {
      this.#served = served
      this.#extended = hasExtensions(response)
      this.#options.onOpen()
      this.#pump()
    }
  }

  /** Sends what waits, as far as the connection takes it. */
  #pump(): void {
    while (this.#served !== undefined && !this.#blocked && !this.#closed) {
      if (this.#waiting.length === 0 || this.#inFlight.length >= inFlightMax) return
      const pending = this.#waiting.shift() as Pending
      const version = commonVersion(
        pending.api,
        this.#served.get(pending.api.key),
        pending.maxVersion,
      )
      if (version === undefined) {
        const detail = `${this.#name()} serves no version of ${pending.api.name} that is known here`
        this.#settle(pending, new KafkaError(errors.UNSUPPORTED_VERSION, detail), undefined)
        continue
      }
      if (pending.extended && !this.#extended) {
        const detail = `${this.#name()} is not of Sluice: it does not know what ${pending.api.name} asks`
        this.#settle(pending, new KafkaError(errors.UNSUPPORTED_VERSION, detail), undefined)
        continue
      }
      pending.version = version
      this.#send(pending)
    }
  }

  #send(pending: Pending): void {
    const { api, version } = pending
    const correlationId = this.#correlationId
    this.#correlationId = (correlationId + 1) & 0x7fff_ffff
    pending.correlationId = correlationId
    let frame: Buffer[]
    try {
      const body = typeof pending.body === 'function' ? pending.body(version) : pending.body
      frame = requestFrame(api, version, correlationId, this.#options.clientId, body)
    } catch (cause) {
      const detail = `${api.name} v${version}: ${(cause as Error).message}`
      const invalid = () => new KafkaError(errors.INVALID_REQUEST, detail, cause)
      this.#settle(pending, cause instanceof KafkaError ? cause : invalid(), undefined)
      return
    }
    if (pending.answered) this.#inFlight.push(pending)
    assert(this.#connection !== undefined, 'requests are sent over an established connection')
    // Nobody is told when the buffers are free: batches are kept for a retry and never written to again.
    this.#blocked = !this.#connection.write(frame)
    if (!pending.answered) this.#settle(pending, undefined, undefined)
  }

  #onData(view: Buffer): void {
    try {
      this.#frames.push(view)
    } catch (cause) {
      this.#fail(this.#unreadable(cause))
    }
  }

  #onFrame(frame: Buffer): void {
    if (this.#closed) return
    const pending = this.#inFlight[0]
    const correlationId = frame.length >= 4 ? frame.readInt32BE(0) : -1
    if (pending === undefined || correlationId !== pending.correlationId) {
      this.#fail(this.#unreadable(`an answer that nobody asked for (${correlationId})`))
      return
    }
    this.#inFlight.shift()
    let body: unknown
    try {
      body = readResponse(pending.api, pending.version, frame).body
    } catch (cause) {
      const error = this.#unreadable(cause)
      this.#settle(pending, error, undefined)
      this.#fail(error)
      return
    }
    this.#settle(pending, undefined, body)
    this.#pump()
  }

  #expire(pending: Pending): void {
    const error = new KafkaError(
      errors.REQUEST_TIMED_OUT,
      `${this.#name()} did not answer ${pending.api.name} within ${pending.timeoutMs} ms`,
    )
    const waitingIndex = this.#waiting.indexOf(pending)
    if (waitingIndex >= 0) {
      this.#waiting.splice(waitingIndex, 1)
      this.#settle(pending, error, undefined)
      return
    }
    const index = this.#inFlight.indexOf(pending)
    if (index < 0) return
    this.#inFlight.splice(index, 1)
    this.#settle(pending, error, undefined)
    this.#fail(this.#lost(error))
  }

  #settle(pending: Pending, error: KafkaError | undefined, response: unknown): void {
    pending.deadline?.cancel()
    pending.settle(error, response)
  }

  /** Ends the connection; what was asked and not answered fails with `error`. */
  #fail(error: KafkaError, failed = true): void {
    if (this.#closed) return
    this.#closed = true
    this.#connection?.destroy()
    const pending = [...this.#inFlight, ...this.#waiting]
    this.#inFlight = []
    this.#waiting = []
    this.#options.onClose(failed)
    for (const call of pending) this.#settle(call, error, undefined)
  }

  #lost(cause?: unknown): KafkaError {
    const detail = `the connection to ${this.#name()} is gone`
    return new KafkaError(errors.NETWORK_EXCEPTION, detail, cause)
  }

  #unreadable(cause: unknown): KafkaError {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const detail = `${this.#name()} sent what cannot be read: ${reason}`
    return new KafkaError(errors.NETWORK_EXCEPTION, detail, cause)
  }

  #name(): string {
    return `${this.address.host}:${this.address.port}`
  }
}

interface ApiVersions extends Tagged {
  readonly errorCode: number
  readonly apiKeys: readonly { apiKey: number; minVersion: number; maxVersion: number }[]
}
