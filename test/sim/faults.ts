// The faults of a seed: drawn before the run, so that a failing seed can print them, and carried out at
// their times. After heal() nothing is wrong any more, and the run requires progress.

import type { SeededRandom } from '@sluice/core/host/memory/random'
import { type BrokerMachine, brokerAddress } from './broker-machine.ts'
import type { World } from './world.ts'

export type Fault = { readonly atMs: number } & (
  | { readonly kind: 'kill' | 'power loss' | 'stop'; readonly downMs: number }
  | { readonly kind: LastingKind; readonly forMs: number }
  | { readonly kind: 'slow disk' | 'slow network'; readonly forMs: number; readonly upToMs: number }
  | { readonly kind: 'cut'; readonly from: string; readonly to: string; readonly forMs: number }
  | { readonly kind: 'reset' }
  | { readonly kind: 'clock jump'; readonly byMs: number }
)

type LastingKind = 'pause' | 'disk full' | 'flush error' | 'table trouble'

export interface FaultPlan {
  readonly faults: readonly Fault[]
  /** All through the run. */
  readonly splitChance: number
  readonly resetChance: number
}

const faultsMax = 8
const clockJumpMsMax = 3_600_000
const calmDelayMs = { min: 0.05, max: 0.5 }
const calmDiskMs = { min: 0.05, max: 0.5 }
const tableCalm = { throttleChance: 0, lostAnswerChance: 0 }
const tableTrouble = { throttleChance: 0.2, lostAnswerChance: 0.3 }

type Kind = Fault['kind']

const kinds: readonly Kind[] = [
  ...['kill', 'kill', 'kill', 'stop', 'pause', 'reset', 'reset', 'cut', 'slow network'],
  ...['slow disk', 'disk full', 'table trouble', 'flush error', 'clock jump'],
] as Kind[]

export function drawFaults(
  random: SeededRandom,
  options: { durationMs: number; clients: readonly string[]; powerLoss: boolean },
): FaultPlan {
  const count = random.integer(faultsMax + 1)
  const choices: readonly Kind[] = options.powerLoss
    ? [...kinds, 'power loss', 'power loss']
    : kinds
  const faults = Array.from({ length: count }, () =>
    drawFault(random, options, random.pick(choices)),
  )
  return {
    faults: faults.sort((a, b) => a.atMs - b.atMs),
    splitChance: random.pick([0, 0.1, 0.5]),
    resetChance: random.pick([0, 0, 0.002]),
  }
}

function drawFault(
  random: SeededRandom,
  { durationMs, clients }: { durationMs: number; clients: readonly string[] },
  kind: Kind,
): Fault {
  const atMs = random.integer(durationMs)
  const forMs = 50 + random.integer(2_000)
  switch (kind) {
    case 'kill':
    case 'power loss':
    case 'stop':
      return { atMs, kind, downMs: random.integer(1_500) }
    case 'pause':
    case 'disk full':
    case 'flush error':
    case 'table trouble':
      return { atMs, kind, forMs }
    case 'slow disk':
    case 'slow network':
      return { atMs, kind, forMs, upToMs: 5 + random.integer(400) }
    case 'cut': {
      const client = random.pick(clients)
      const broker = brokerAddress.host
      const [from, to] = random.chance(0.5) ? [client, broker] : [broker, client]
      return { atMs, kind, from, to, forMs }
    }
    case 'reset':
      return { atMs, kind }
    case 'clock jump':
      return { atMs, kind, byMs: random.integer(2 * clockJumpMsMax) - clockJumpMsMax }
  }
}

export class Faults {
  readonly #world: World
  readonly #broker: BrokerMachine
  readonly #plan: FaultPlan
  #healed = false

  constructor(world: World, broker: BrokerMachine, plan: FaultPlan) {
    this.#world = world
    this.#broker = broker
    this.#plan = plan
  }

  begin(): void {
    const { clock, network } = this.#world
    network.faults.splitChance = this.#plan.splitChance
    network.faults.resetChance = this.#plan.resetChance
    for (const fault of this.#plan.faults) {
      clock.setTimer(fault.atMs, () => {
        if (this.#healed) return
        this.#world.say(`fault: ${JSON.stringify(fault)}`)
        const end = this.#carryOut(fault)
        const forMs = 'forMs' in fault ? fault.forMs : 0
        if (end !== undefined) clock.setTimer(forMs, end)
      })
    }
  }

  /** The end of all faults; a broker that is down comes up by itself. */
  heal(): void {
    this.#healed = true
    const { network, tableFaults } = this.#world
    network.faults.resetChance = 0
    network.faults.delayMs = calmDelayMs
    network.heal()
    Object.assign(tableFaults, tableCalm)
    const { disk } = this.#broker
    disk.faults.latencyMs = calmDiskMs
    disk.faults.appendMs = 0
    disk.faults.flushErrorChance = 0
    disk.capacityBytes = Number.MAX_SAFE_INTEGER
  }

  /** Returns what ends the fault, for those that last. */
  #carryOut(fault: Fault): (() => void) | undefined {
    const { network, tableFaults } = this.#world
    const { disk } = this.#broker
    switch (fault.kind) {
      case 'kill':
        this.#broker.crash('kill', fault.downMs)
        return undefined
      case 'power loss':
        this.#broker.crash('power', fault.downMs)
        return undefined
      case 'stop':
        this.#broker.stop(fault.downMs)
        return undefined
      case 'pause':
        return this.#broker.pause()
      case 'clock jump':
        this.#broker.jumpClock(fault.byMs)
        return undefined
      case 'reset':
        network.resetOne()
        return undefined
      case 'cut':
        network.cut(fault.from, fault.to)
        return () => network.heal()
      case 'slow network':
        network.faults.delayMs = { min: calmDelayMs.min, max: fault.upToMs }
        return () => {
          network.faults.delayMs = calmDelayMs
        }
      case 'slow disk':
        disk.faults.latencyMs = { min: calmDiskMs.min, max: fault.upToMs }
        disk.faults.appendMs = fault.upToMs / 2
        return () => {
          disk.faults.latencyMs = calmDiskMs
          disk.faults.appendMs = 0
        }
      case 'disk full':
        disk.capacityBytes = disk.usedBytes
        return () => {
          disk.capacityBytes = Number.MAX_SAFE_INTEGER
        }
      case 'flush error':
        disk.faults.flushErrorChance = 1
        return () => {
          disk.faults.flushErrorChance = 0
        }
      case 'table trouble':
        Object.assign(tableFaults, tableTrouble)
        return () => Object.assign(tableFaults, tableCalm)
    }
  }
}
