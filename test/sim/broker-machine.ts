// The machine of a broker: it starts the real broker on the simulated Host, kills it, and looks after
// each start whether the logs kept what they had to keep:
//
//   process kill, stop      all that was appended
//   power loss              what was flushed; with flush.messages=1 all that was acknowledged

import type { Broker } from '@sluice/broker/broker'
import { createBroker } from '@sluice/broker/running-broker'
import { type BrokerConfig, brokerConfig } from '@sluice/core/config/broker-config'
import type { Logger } from '@sluice/core/host/logger'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import type { SeededRandom } from '@sluice/core/host/memory/random'
import { assert } from '@sluice/core/lib/assert'
import { Metrics } from '@sluice/core/metrics/metrics'
import { GatedNetwork } from './gated-network.ts'
import { name as nameOf, type Position } from './history.ts'
import { flushedEnds, writtenValues } from './log-files.ts'
import type { Machine, World } from './world.ts'

export type Crash = 'kill' | 'power'

export const brokerAddress = { host: 'broker-1', port: 9092 }

/** A start or a stop that takes longer makes no progress. */
const startLimitMs = 60_000
const restartAfterFatalMs = 500

export interface BrokerMachineOptions {
  readonly config: Record<string, string>
  /** Configs below what Kafka takes. */
  readonly sizes: Partial<
    Pick<BrokerConfig, 'log.segment.bytes' | 'log.cleaner.dedupe.buffer.size'>
  >
  readonly world: World
}

export class BrokerMachine {
  readonly disk: MemoryDisk
  readonly #world: World
  readonly #random: SeededRandom
  readonly #config: BrokerConfig
  readonly #flushesEach: boolean
  #machine: Machine | undefined
  #broker: Broker | undefined
  #state: 'down' | 'starting' | 'up' | 'stopping' = 'down'
  #crash: Crash = 'kill'
  /** By topic id and partition, the offset up to which the next start must find its log. */
  #kept = new Map<string, number>()
  /** The high watermarks when a broker was last seen: above them a flush may have been under way. */
  #committed = new Map<string, number>()
  /** What was in the logs before each power loss since the last start. */
  readonly #written = new Map<string, Position[]>()
  #losses = 0
  #skewMs = 0

  constructor({ config, sizes, world }: BrokerMachineOptions) {
    const resolved = brokerConfig(config)
    assert(resolved.ok, `the configs are legal: ${JSON.stringify(resolved)}`)
    this.#config = Object.freeze({ ...resolved.config, ...sizes })
    this.#flushesEach = config['log.flush.interval.messages'] === '1'
    this.#world = world
    this.#random = world.random.fork('damage')
    this.disk = new MemoryDisk({ clock: world.clock, random: world.random.fork('disk') })
  }

  /** The broker while it serves. */
  get broker(): Broker | undefined {
    return this.#state === 'up' ? this.#broker : undefined
  }

  /** Counts the crashes that may have taken acknowledged records. */
  get losses(): number {
    return this.#losses
  }

  start(): void {
    assert(this.#state === 'down', 'a broker is started once')
    const world = this.#world
    const machine = world.machine(brokerAddress.host)
    machine.clock.skew(this.#skewMs)
    this.#machine = machine
    this.#state = 'starting'
    this.disk.crash(this.#crash === 'power' ? 'power' : 'process', machine.clock)
    world.say(`broker starts after ${this.#crash}`)
    const gate = new GatedNetwork(machine.network)
    const tooLate = machine.clock.setTimer(startLimitMs, () => {
      world.history.violation('the broker does not start')
    })
    this.#create(machine, gate).then(
      async (broker) => {
        tooLate.cancel()
        this.#broker = broker
        this.#state = 'up'
        this.#checkRecovery(broker)
        await gate.open()
        world.say('broker is up')
      },
      (cause: Error) => {
        tooLate.cancel()
        world.say(`broker did not start: ${cause.message}`)
        this.#exit(machine)
      },
    )
  }

  /** kill -9, or the loss of power; then a start after `downMs`. */
  crash(kind: Crash, downMs: number): void {
    const machine = this.#machine
    if (this.#state === 'down' || machine === undefined) return
    this.#world.say(`broker: ${kind}`)
    this.#rememberKept(kind)
    this.#damageAnIndex()
    this.#down(machine, kind, downMs)
  }

  /** SIGTERM, then a start after `downMs`. */
  stop(downMs: number): void {
    const machine = this.#machine
    const broker = this.broker
    if (broker === undefined || machine === undefined) return
    const world = this.#world
    world.say('broker: stop')
    this.#state = 'stopping'
    const tooLate = machine.clock.setTimer(startLimitMs, () => {
      world.history.violation('the broker does not stop')
    })
    const stopped = (outcome: string) => {
      tooLate.cancel()
      world.say(`broker ${outcome}`)
      this.#rememberKept('kill')
      this.#down(machine, 'kill', downMs)
    }
    broker.close().then(
      () => stopped('stopped'),
      (cause: Error) => stopped(`stopped with ${cause.message}`),
    )
  }

  /** SIGSTOP; what it returns is the SIGCONT. */
  pause(): () => void {
    const clock = this.#machine?.clock
    clock?.pause()
    return () => clock?.resume()
  }

  /** The wall clock is set, as by an administrator. */
  jumpClock(byMs: number): void {
    this.#skewMs += byMs
    this.#machine?.clock.skew(this.#skewMs)
  }

  #create(machine: Machine, gate: GatedNetwork): Promise<Broker> {
    const { clock, random } = machine
    const logger = worldLogger(this.#world)
    const table = this.#world.table(machine)
    const host = { clock, random, logger, table, disk: this.disk, network: machine.network }
    return createBroker({
      host,
      config: this.#config,
      nodeId: 1,
      metrics: new Metrics(),
      listeners: [
        { name: 'PLAINTEXT', network: gate, bind: brokerAddress, advertised: brokerAddress },
      ],
      onFatal: (reason) => {
        this.#world.say(`broker gives up: ${reason.message}`)
        machine.clock.defer(() => this.#exit(machine))
      },
    })
  }

  /** The process ended by itself. */
  #exit(machine: Machine): void {
    if (this.#machine !== machine || this.#state === 'down') return
    this.#rememberKept('kill')
    this.#down(machine, 'kill', restartAfterFatalMs)
  }

  #down(machine: Machine, kind: Crash, downMs: number): void {
    if (this.#machine !== machine || this.#state === 'down') return
    this.#world.kill(machine, kind)
    // Two crashes before a start count as the worse one.
    this.#crash = kind
    this.#broker = undefined
    this.#machine = undefined
    this.#state = 'down'
    this.#world.clock.setTimer(downMs, () => this.start())
  }

  #rememberKept(kind: Crash): void {
    const broker = this.#broker
    if (kind === 'power') this.#rememberWritten()
    if (broker !== undefined) {
      this.#kept = new Map()
      this.#committed = new Map()
      for (const { topicId, index, log, highWatermark } of broker.partitions) {
        const key = `${topicId}/${index}`
        this.#kept.set(key, log.endOffset)
        this.#committed.set(key, highWatermark)
      }
    }
    if (kind === 'kill') return
    if (!this.#flushesEach) this.#losses += 1
    this.#kept = this.#flushesEach ? this.#committed : flushedEnds(this.disk)
  }

  /** Indexes are rebuilt after a crash, never trusted. */
  #damageAnIndex(): void {
    const indexes = [...this.disk.writtenFiles()].filter(
      ([path, content]) => path.endsWith('index') && content.length > 0,
    )
    if (indexes.length === 0 || this.#random.chance(0.5)) return
    const [path, content] = this.#random.pick(indexes)
    this.disk.flipBit(path, this.#random.integer(content.length), this.#random.integer(8))
  }

  #rememberWritten(): void {
    for (const [place, values] of writtenValues(this.disk)) {
      this.#written.set(place, [...(this.#written.get(place) ?? []), ...values])
    }
  }

  #checkRecovery(broker: Broker): void {
    for (const { topic, topicId, index, log } of broker.partitions) {
      const place = { topic, partition: index }
      this.#world.history.recovered(place, {
        endOffset: log.endOffset,
        keptOffset: this.#kept.get(`${topicId}/${index}`) ?? 0,
        written: this.#written.get(nameOf(place)) ?? [],
      })
    }
    this.#written.clear()
  }
}

function worldLogger(world: World): Logger {
  const say = (level: string) => (fields: object, message: string) => {
    world.say(`broker ${level} ${message} ${summary(fields)}`)
  }
  const info = (fields: object, message: string) => {
    if (message === 'log cleaned') say('says:')(fields, message)
  }
  return { debug() {}, info, warn: say('warns:'), error: say('error:') }
}

function summary(fields: object): string {
  return JSON.stringify(fields, (_, value) => (value instanceof Error ? value.message : value))
}
