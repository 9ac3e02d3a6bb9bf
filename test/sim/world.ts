// The world of one seed: time, a network, a table and the machines on it. All draws come from the seed;
// equal seeds make equal traces.

import { crc32 } from 'node:zlib'
import { type ProcessClock, SimulatedClock } from '@sluice/core/host/memory/clock'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { SimulatedNetwork } from '@sluice/core/host/memory/simulated-network'
import { MemoryTable, MemoryTableStore, type TableFaults } from '@sluice/core/host/memory/table'
import type { Network } from '@sluice/core/host/network'
import type { Table } from '@sluice/core/host/table'
import { History } from './history.ts'

/** What a process on a machine has. */
export interface Machine {
  readonly name: string
  readonly clock: ProcessClock
  readonly network: Network
  readonly random: SeededRandom
}

export class World {
  readonly seed: number
  readonly random: SeededRandom
  readonly clock: SimulatedClock
  readonly network: SimulatedNetwork
  readonly tableFaults: TableFaults = {
    latencyMs: { min: 0.2, max: 2 },
    throttleChance: 0,
    lostAnswerChance: 0,
  }
  readonly history: History
  /** What happened, with its time; part of the trace hash. */
  readonly lines: string[] = []
  readonly #tableStore: MemoryTableStore
  #incarnations = 0

  constructor(seed: number) {
    this.seed = seed
    this.random = new SeededRandom(seed)
    this.clock = new SimulatedClock({ random: this.random.fork('clock') })
    this.network = new SimulatedNetwork({
      random: this.random.fork('network'),
      observe: (bytes) => this.clock.note(crc32(bytes)),
    })
    this.#tableStore = new MemoryTableStore(this.clock)
    this.history = new History((text) => this.say(text))
  }

  say(text: string): void {
    const line = `${(this.clock.monotonic() / 1000).toFixed(4)} ${text}`
    this.lines.push(line)
    this.clock.note(crc32(line))
  }

  /** Starts a process on machine `name`. */
  machine(name: string): Machine {
    this.#incarnations += 1
    const clock = this.clock.process()
    const network = this.network.host(name, clock)
    const random = this.random.fork(`${name} ${this.#incarnations}`)
    return { name, clock, network, random }
  }

  /** kill -9 of the process, or the loss of the whole machine's power. */
  kill(machine: Machine, kind: 'kill' | 'power'): void {
    machine.clock.stop()
    this.network.crash(machine.name, kind)
  }

  /** The table as a machine's process reaches it. */
  table({ clock, random }: Machine): Table {
    return new MemoryTable(this.#tableStore, { clock, random, faults: this.tableFaults })
  }
}
