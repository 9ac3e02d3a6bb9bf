// Listeners: bound addresses that accept clients, and the connections that came in by them. Limits on
// connections are kept here: one over the limit is closed as soon as it is accepted.

import type { Address, Connection, Listener } from '@sluice/core/host/network'
import type { BoundListener, ListenerSpec } from './broker.ts'
import { ClientConnection } from './connection.ts'
import type { Services } from './dispatch.ts'

/** How often a stopping broker looks whether all requests are answered. */
const drainCheckMs = 10

export class Listeners {
  readonly #services: Services
  readonly #listeners: Listener[] = []
  readonly #connections = new Set<ClientConnection>()
  readonly #perAddress = new Map<string, number>()
  /** Accepted before the broker was ready; undefined: it is. */
  #early: Connection[] | undefined = []

  constructor(services: Services) {
    this.#services = services
  }

  /** Binds; clients are not accepted before `open`. */
  async bind(spec: ListenerSpec): Promise<BoundListener> {
    const listener = await spec.network.listen(spec.bind, (wire) => this.#accept(wire, spec))
    this.#listeners.push(listener)
    const bound = listener.address
    return { spec, bound, advertised: advertisedAddress(spec, bound) }
  }

  /** The broker is ready: clients that came before are served from now on. */
  open(): void {
    const early = this.#early ?? []
    this.#early = undefined
    for (const wire of early) wire.resume()
  }

  /**
   * Stops accepting and reading, waits until what is in flight is answered, at most `timeoutMs`,
   * and closes what is left.
   */
  async close(timeoutMs: number): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()))
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

  #accept(wire: Connection, spec: ListenerSpec): ClientConnection {
    const services = this.#services
    const { host } = wire.remote
    const ofAddress = (this.#perAddress.get(host) ?? 0) + 1
    const over = this.#overLimit(host, ofAddress)
    this.#perAddress.set(host, ofAddress)
    services.requests.connections += 1
    const connection = new ClientConnection(wire, spec, services, () => {
      this.#connections.delete(connection)
      services.requests.connections -= 1
      const left = (this.#perAddress.get(host) ?? 1) - 1
      if (left === 0) this.#perAddress.delete(host)
      else this.#perAddress.set(host, left)
    })
    this.#connections.add(connection)
    if (this.#early) {
      wire.pause()
      this.#early.push(wire)
    }
    if (over) services.host.clock.defer(() => connection.close(over))
    return connection
  }

  #overLimit(host: string, ofAddress: number): string | undefined {
    const { config } = this.#services
    const perAddressMax =
      overrideOf(config['max.connections.per.ip.overrides'], host) ??
      config['max.connections.per.ip']
    if (ofAddress > perAddressMax) return `more than ${perAddressMax} connections from one address`
    const max = config['max.connections']
    if (this.#connections.size >= max) return `more than ${max} connections`
    return undefined
  }
}

/** Port 0 stands for the port that was bound. */
function advertisedAddress({ advertised }: ListenerSpec, bound: Address): Address {
  if (advertised === 'bound') return bound
  return advertised.port === 0 ? { host: advertised.host, port: bound.port } : advertised
}

/** `hostName:100,127.0.0.1:200` */
function overrideOf(overrides: string, host: string): number | undefined {
  if (overrides === '') return undefined
  for (const entry of overrides.split(',')) {
    const colon = entry.lastIndexOf(':')
    if (entry.slice(0, colon).trim() === host) return Number(entry.slice(colon + 1))
  }
  return undefined
}
