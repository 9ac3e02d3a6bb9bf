// A network of simulated machines: each has a name, listens and connects through its own Network (host()),
// and lives by its own process clock.
//
// Faults: delay, refused and timed-out connects, resets, one-way cuts, chunks at random byte boundaries.
// It enforces who owns the bytes (network.ts): a view is filled with garbage when onData returned; a
// written buffer that is not as it was written when the system takes it fails the run.

import type { Address, Connection, ConnectionHandler, Listener, Network } from '../network.ts'
import { NetworkError } from '../network.ts'
import type { ProcessClock } from './clock.ts'
import type { SeededRandom } from './random.ts'
import { type Medium, type NetworkFaults, SimulatedConnection } from './simulated-connection.ts'

type Accept = (connection: Connection) => ConnectionHandler

const connectTimeoutMs = 10_000
const firstEphemeralPort = 49_152

export class SimulatedNetwork implements Medium {
  readonly faults: NetworkFaults = {
    delayMs: { min: 0.05, max: 0.5 },
    splitChance: 0,
    resetChance: 0,
  }
  readonly random: SeededRandom
  /** Sees all bytes as they are delivered: for the trace of a run. */
  readonly observe: ((bytes: Buffer) => void) | undefined
  readonly #machines = new Map<string, SimulatedMachine>()
  readonly #connections = new Set<SimulatedConnection>()
  readonly #cuts = new Set<string>()

  constructor(options: { random: SeededRandom; observe?: (bytes: Buffer) => void }) {
    this.random = options.random
    this.observe = options.observe
  }

  /** The network as the process on machine `name` sees it. A restarted process asks again. */
  host(name: string, clock: ProcessClock): Network {
    const machine = new SimulatedMachine(this, name, clock)
    this.#machines.set(name, machine)
    return machine
  }

  /**
   * The process on `name` was killed: its listeners and connections are gone. Peers are told when the
   * machine is there to tell them (`kill`), or find out much later (`power`).
   */
  crash(name: string, kind: 'kill' | 'power'): void {
    this.#machines.delete(name)
    for (const connection of this.#connections) {
      if (connection.machine !== name) continue
      connection.vanish()
      const silenceMs = kind === 'kill' ? this.drawDelayMs() : this.random.between(1_000, 20_000)
      connection.peer.resetAfter(silenceMs)
    }
  }

  /** Nothing gets from one machine to another until heal(). */
  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`)
  }

  heal(): void {
    this.#cuts.clear()
    for (const connection of this.#connections) connection.deliverSoon()
  }

  /** Resets one connection, drawn among all; false when there is none. */
  resetOne(): boolean {
    const open = [...this.#connections].filter((connection) => !connection.closed)
    if (open.length === 0) return false
    this.reset(this.random.pick(open))
    return true
  }

  /** For SimulatedConnection: both ends hear of it, each in its time. */
  reset(connection: SimulatedConnection): void {
    connection.resetAfter(this.drawDelayMs())
    connection.peer.resetAfter(this.drawDelayMs())
  }

  forget(connection: SimulatedConnection): void {
    this.#connections.delete(connection)
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.has(`${from}>${to}`)
  }

  drawDelayMs(): number {
    return this.random.between(this.faults.delayMs.min, this.faults.delayMs.max)
  }

  machine(name: string): SimulatedMachine | undefined {
    return this.#machines.get(name)
  }

  adopt(near: SimulatedConnection, far: SimulatedConnection): void {
    this.#connections.add(near).add(far)
  }
}

class SimulatedMachine implements Network {
  readonly #network: SimulatedNetwork
  readonly #name: string
  readonly #clock: ProcessClock
  readonly #listeners = new Map<number, Accept>()
  #nextPort = firstEphemeralPort

  constructor(network: SimulatedNetwork, name: string, clock: ProcessClock) {
    this.#network = network
    this.#name = name
    this.#clock = clock
  }

  async listen(address: Address, accept: Accept): Promise<Listener> {
    const port = address.port === 0 ? this.#nextPort++ : address.port
    if (this.#listeners.has(port)) {
      throw new NetworkError('address-in-use', `${address.host}:${port}`)
    }
    this.#listeners.set(port, accept)
    return {
      address: { host: this.#name, port },
      close: async () => {
        if (this.#listeners.get(port) === accept) this.#listeners.delete(port)
      },
    }
  }

  connect(
    address: Address,
    open: Accept,
    options: { timeoutMs?: number } = {},
  ): Promise<Connection> {
    const { promise, resolve, reject } = Promise.withResolvers<Connection>()
    const target = `${address.host}:${address.port}`
    let over = false
    const settle = (run: () => void) => {
      if (over) return
      over = true
      timeout.cancel()
      run()
    }
    const timeout = this.#clock.setTimer(options.timeoutMs ?? connectTimeoutMs, () =>
      settle(() => reject(new NetworkError('timeout', target))),
    )
    this.#travelTo(address.host, () => {
      const machine = this.#network.machine(address.host)
      const accepted = over ? undefined : machine?.accept(address.port, this.#name, this.#clock)
      this.#travelBack(address.host, () => {
        if (over) return accepted?.destroy()
        if (accepted === undefined) {
          return settle(() => reject(new NetworkError('refused', target)))
        }
        settle(() => {
          accepted.attach(open(accepted))
          resolve(accepted)
        })
      })
    })
    return promise
  }

  /** Accepts on behalf of a connecting machine; returns that machine's end. */
  accept(port: number, from: string, clock: ProcessClock): SimulatedConnection | undefined {
    const accept = this.#listeners.get(port)
    if (accept === undefined || this.#clock.stopped) return undefined
    const local = { host: from, port: this.#nextPort++ }
    const remote = { host: this.#name, port }
    const near = new SimulatedConnection(this.#network, clock, { machine: from, local, remote })
    const far = new SimulatedConnection(this.#network, this.#clock, {
      machine: this.#name,
      local: remote,
      remote: local,
    })
    near.join(far)
    this.#network.adopt(near, far)
    far.attach(accept(far))
    return near
  }

  #travelTo(name: string, arrive: () => void): void {
    const machine = this.#network.machine(name)
    const clock = machine === undefined ? this.#clock : machine.#clock
    clock.setTimer(this.#network.drawDelayMs(), () => {
      if (!this.#network.isCut(this.#name, name)) arrive()
    })
  }

  #travelBack(name: string, arrive: () => void): void {
    this.#clock.setTimer(this.#network.drawDelayMs(), () => {
      if (!this.#network.isCut(name, this.#name)) arrive()
    })
  }
}
