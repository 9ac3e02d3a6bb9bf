// Listeners: bound addresses that accept clients, and the connections that came in by them. Each listener
// has an entrance that keeps the limits on connections.

import type { Address, Connection, Listener } from '@sluice/core/host/network'
import { ClientConnection } from './connection.ts'
import type { Services } from './dispatch.ts'
import { Entrance } from './entrance.ts'
import type { BoundListener, ListenerSpec } from './listener-spec.ts'

/** How often a stopping broker looks whether all requests are answered. */
const drainCheckMs = 10

export class Listeners {
  readonly #services: Services
  readonly #listeners: Listener[] = []
  readonly #connections = new Set<ClientConnection>()
  readonly #entrances: Entrance[] = []
  /** Accepted before the broker was ready, each with what lets it in; undefined: it is ready. */
  #early: (() => void)[] | undefined = []
  /** Counts connections: each has a number by which log lines name it. */
  #accepted = 0

  constructor(services: Services) {
    this.#services = services
  }

  /** That ever came. */
  get accepted(): number {
    return this.#accepted
  }

  /** Accepted, not refused and not gone. */
  get size(): number {
    return this.#connections.size
  }

  /** Connections that have to wait before they are read. */
  get waiting(): number {
    return this.#entrances.reduce((sum, { waiting }) => sum + waiting, 0)
  }

  /** Binds; clients are not accepted before `open`. */
  async bind(spec: ListenerSpec): Promise<BoundListener> {
    const { limits, host } = this.#services
    const entrance = spec.internal
      ? undefined
      : new Entrance({ listener: spec.name, limits, clock: host.clock })
    if (entrance) this.#entrances.push(entrance)
    const accept = (wire: Connection) => this.#accept(wire, spec, entrance)
    const listener = await spec.network.listen(spec.bind, accept)
    this.#listeners.push(listener)
    const bound = listener.address
    return { spec, bound, advertised: advertisedAddress(spec, bound) }
  }

  /** The broker is ready: clients that came before are served from now on. */
  open(): void {
    const early = this.#early ?? []
    this.#early = undefined
    for (const letIn of early) letIn()
  }

  /** A limit was altered, or a connection of another protocol ended. */
  roomChanged(): void {
    for (const entrance of this.#entrances) entrance.letIn()
  }

  /**
   * Stops accepting and reading, waits until what is in flight is answered, at most `timeoutMs`,
   * and closes what is left.
   */
  async close(timeoutMs: number): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()))
    for (const entrance of this.#entrances) entrance.close()
    for (const connection of this.#connections) connection.stopReading()
    this.#services.broker.purgatory.close()
    const { clock } = this.#services.host
    const deadline = clock.monotonic() + timeoutMs
    while (this.#busy() && clock.monotonic() < deadline) {
      await new Promise<void>((resolve) => clock.setTimer(drainCheckMs, resolve))
    }
    for (const connection of this.#connections) connection.end()
  }

  #busy(): boolean {
    for (const connection of this.#connections) if (connection.inFlight > 0) return true
    return false
  }

  #accept(wire: Connection, spec: ListenerSpec, entrance: Entrance | undefined): ClientConnection {
    this.#accepted += 1
    const options = { wire, listener: spec, id: this.#accepted, services: this.#services }
    const connection = new ClientConnection(options, () => {
      this.#connections.delete(connection)
      entrance?.left(connection)
      if (entrance) this.roomChanged()
    })
    this.#connections.add(connection)
    const letIn = () => {
      if (connection.closed) return
      if (entrance) entrance.arrive(connection)
      else connection.letIn()
    }
    if (this.#early) {
      connection.hold()
      this.#early.push(letIn)
    } else {
      letIn()
    }
    return connection
  }
}

/** Port 0 stands for the port that was bound. */
function advertisedAddress({ advertised }: ListenerSpec, bound: Address): Address {
  if (advertised === 'bound') return bound
  return advertised.port === 0 ? { host: advertised.host, port: bound.port } : advertised
}
