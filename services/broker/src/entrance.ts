// Entrance: where connections of one listener wait until they are let in, in the order of their coming. One
// that waits is connected but not read: to its client it is a slow broker.

import type { Clock, Timer } from '@sluice/core/host/clock'
import type { ClientConnection } from './connection.ts'
import type { ConnectionLimits } from './connection-limits.ts'

/** Connections that may wait; further ones are closed. */
const waitingMax = 1024

interface Visitor {
  readonly connection: ClientConnection
  /** It was counted for the rate, and has waited for it. */
  isDue: boolean
}

export interface EntranceOptions {
  readonly listener: string
  readonly limits: ConnectionLimits
  readonly clock: Clock
}

export class Entrance {
  readonly #options: EntranceOptions
  readonly #waiting: Visitor[] = []
  readonly #inside = new Set<ClientConnection>()
  #timer: Timer | undefined
  #closed = false

  constructor(options: EntranceOptions) {
    this.#options = options
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Lets the connection in, now or later, or closes it. */
  arrive(connection: ClientConnection): void {
    if (this.#waiting.length >= waitingMax) {
      this.#turnAway(connection, { reason: 'too many connections wait', afterMs: 0 })
      return
    }
    connection.hold()
    this.#waiting.push({ connection, isDue: false })
    this.letIn()
  }

  /** The connection ended. */
  left(connection: ClientConnection): void {
    if (this.#inside.delete(connection)) {
      const { limits, listener } = this.#options
      limits.closed(listener, connection.remote.host)
      return
    }
    const at = this.#waiting.findIndex((one) => one.connection === connection)
    if (at >= 0) this.#waiting.splice(at, 1)
  }

  /** There may be room: those that wait come in as far as there is. */
  letIn(): void {
    const { limits, listener } = this.#options
    while (this.#waiting.length > 0 && !this.#timer && !this.#closed) {
      const [visitor] = this.#waiting
      if (!visitor.isDue && this.#mustWait(visitor)) return
      if (!limits.hasRoom(listener)) return
      this.#waiting.shift()
      this.#receive(visitor.connection)
    }
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  #mustWait(visitor: Visitor): boolean {
    const { limits, listener, clock } = this.#options
    visitor.isDue = true
    const waitMs = limits.arrived(listener)
    if (waitMs <= 0) return false
    this.#timer = clock.setTimer(waitMs, () => {
      this.#timer = undefined
      this.letIn()
    })
    return true
  }

  #receive(connection: ClientConnection): void {
    const { limits, listener } = this.#options
    const { host } = connection.remote
    const refusal = limits.refusal(host)
    if (refusal) {
      this.#turnAway(connection, refusal)
      return
    }
    limits.opened(listener, host)
    this.#inside.add(connection)
    connection.letIn()
  }

  /** Not before the network knows who handles the connection. */
  #turnAway(
    connection: ClientConnection,
    { reason, afterMs }: { reason: string; afterMs: number },
  ): void {
    const { clock } = this.#options
    const close = () => connection.close(reason)
    connection.hold()
    if (afterMs > 0) clock.setTimer(afterMs, close)
    else clock.defer(close)
  }
}
