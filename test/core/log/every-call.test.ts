// The process dies at every single call to the disk, of each thing that a log does, killed or with the power
// gone, before the call or with half of it done. What must hold at the next start:
//
//   killed       everything acknowledged is there
//   power loss   everything that a flush had covered is there
//   always       offsets without gaps, each with its value; the start never goes back; the log goes on

import { brokerConfig } from '@sluice/core/config/broker-config'
import { topicConfig } from '@sluice/core/config/topic-config'
import { silentLogger } from '@sluice/core/host/logger'
import { type ProcessClock, SimulatedClock } from '@sluice/core/host/memory/clock'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { SeededRandom } from '@sluice/core/host/memory/random'
import type { Log } from '@sluice/core/log/log'
import { LogManager } from '@sluice/core/log/log-manager'
import { commitReplicated } from '@sluice/core/partition/commit-replicated'
import { DirMoves } from '@sluice/core/partition/dir-moves'
import { Partition } from '@sluice/core/partition/partition'
import { Turn } from '@sluice/core/partition/turn'
import { expect, test } from 'vitest'
import { append, batch, readAll } from './fixture.ts'
import { type Death, Died, MortalDisk } from './mortal-disk.ts'

const broker = brokerConfig({ 'log.dirs': '/a,/b' })
if (!broker.ok) throw new Error('configs')
const { config } = broker
const name = { topic: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAg', partition: 0 }
const topic = topicConfig(config, {
  'internal.segment.bytes': '400',
  'index.interval.bytes': '100',
  'retention.bytes': '900',
})
const request = { ...name, config: () => topic }

/** Two logs directories with one log, and the machine they are in. */
class World {
  readonly #random: SeededRandom
  readonly #clock: SimulatedClock
  readonly #disk: MemoryDisk
  #process: ProcessClock
  manager!: LogManager
  log!: Log
  /** By offset. */
  values: string[] = []
  acknowledged = 0
  flushed = 0
  start = 0
  #count = 0

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
    this.#clock = new SimulatedClock({ random: this.#random })
    this.#process = this.#clock.process()
    this.#disk = new MemoryDisk({ clock: this.#process, random: this.#random })
  }

  /** False where the process died meanwhile. */
  async lives(work: () => Promise<unknown>, died: () => boolean = () => false): Promise<boolean> {
    let outcome: { error?: unknown } | undefined
    work().then(
      () => {
        outcome = {}
      },
      (error) => {
        outcome = { error }
      },
    )
    const over = () => outcome !== undefined || died()
    expect(await this.#clock.runUntil(over, 600_000)).toBe(true)
    if (died()) return false
    if (outcome?.error !== undefined) throw outcome.error
    return true
  }

  async open(disk: MortalDisk | MemoryDisk = this.#disk): Promise<void> {
    this.manager = await LogManager.open({
      clock: this.#process,
      random: this.#random,
      disk,
      logger: silentLogger,
      config,
      nodeId: 1,
    })
    this.log = await this.manager.create(request)
  }

  mortal(death: Death, onDeath: () => void): MortalDisk {
    return new MortalDisk(this.#disk, death, onDeath)
  }

  async append(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const value = `value ${this.#count++}`
      const baseSequence = this.values.length
      this.values.push(value)
      await append(this.log, batch({ value, producerId: 7, producerEpoch: 0, baseSequence }), 1)
      this.acknowledged = this.values.length
    }
  }

  async flush(): Promise<void> {
    const covered = this.acknowledged
    await this.log.flush()
    this.flushed = covered
  }

  moves(): { moves: DirMoves; partition: Partition } {
    const { manager: logs, log } = this
    const clock = this.#process
    const partition = new Partition({
      topic: name.topic,
      topicId: name.topicId,
      index: 0,
      internal: false,
      leaderEpoch: 1,
      log,
      config: () => topic,
      deepValidation: false,
      commit: commitReplicated({ isrSize: () => 1, minIsr: () => 1 }),
      clock,
      turn: new Turn(clock),
      logger: silentLogger,
      onDiskFailure: () => {},
    })
    const moves = new DirMoves({ clock, logger: silentLogger, logs, config: () => config })
    return { moves, partition }
  }

  /** The machine starts again. */
  crash(kind: 'process' | 'power'): void {
    this.#process.stop()
    this.#process = this.#clock.process()
    this.#disk.crash(kind, this.#process)
  }

  async check(atLeast: number, where: string): Promise<void> {
    const found = [...(await readAll(this.log))]
    const { startOffset, endOffset } = this.log
    expect(startOffset, where).toBeGreaterThanOrEqual(this.start)
    expect(endOffset, where).toBeGreaterThanOrEqual(atLeast)
    expect(endOffset, where).toBeLessThanOrEqual(this.values.length)
    const expected = this.values.slice(startOffset, endOffset)
    expect(found, where).toEqual(expected.map((value, i) => [startOffset + i, value]))
    this.values.length = endOffset
    this.acknowledged = endOffset
    await this.append(3)
    expect([...(await readAll(this.log)).values()], where).toEqual(this.values.slice(startOffset))
  }

  /** Where the log lies; exactly one place. */
  places(): string[] {
    const written = [...this.#disk.writtenFiles().keys()]
    const folders = written.flatMap((path) => /^\/?[ab]\/t-0(?=\/)/.exec(path) ?? [])
    return [...new Set(folders)]
  }
}

interface Scenario {
  readonly prepare: (world: World) => Promise<void>
  readonly act: (world: World) => Promise<void>
}

const scenarios: Record<string, Scenario> = {
  append: {
    prepare: (world) => world.append(1),
    act: (world) => world.append(3),
  },
  'flush behind appends': {
    prepare: (world) => world.append(2),
    async act(world) {
      await world.append(1)
      await world.flush()
      await world.append(1)
      await world.flush()
    },
  },
  roll: {
    prepare: (world) => world.append(2),
    async act(world) {
      await world.append(8)
      await world.flush()
    },
  },
  truncate: {
    async prepare(world) {
      await world.append(10)
      await world.flush()
    },
    async act(world) {
      // Until it is done either end may be found; then only the new one.
      world.acknowledged = 4
      world.flushed = 4
      await world.log.truncateTo(4)
      world.values.length = 4
      await world.append(2)
      await world.flush()
    },
  },
  retention: {
    async prepare(world) {
      await world.append(24)
      await world.flush()
    },
    async act(world) {
      await world.log.applyRetention(0, world.log.endOffset)
      world.start = world.log.startOffset
      expect(world.start).toBeGreaterThan(0)
      await world.append(2)
    },
  },
  'delete records': {
    async prepare(world) {
      await world.append(8)
      await world.flush()
    },
    async act(world) {
      world.log.advanceStartOffset(5)
      await world.manager.checkpointStartOffsets()
      world.start = 5
      await world.append(1)
    },
  },
  close: {
    prepare: (world) => world.append(9),
    async act(world) {
      await world.manager.close()
      world.flushed = world.acknowledged
    },
  },
  'move to another directory': {
    async prepare(world) {
      await world.append(6)
      world.log.advanceStartOffset(2)
      await world.manager.checkpointStartOffsets()
      world.start = 2
      await world.flush()
    },
    async act(world) {
      const { moves, partition } = world.moves()
      const dir = world.manager.dirAt('/b')
      if (dir === undefined) throw new Error('no such directory')
      await moves.start(partition, dir)
      await moves.settled()
      expect(world.places()).toEqual([expect.stringMatching(/^\/?b\/t-0$/)])
      world.log = partition.log
      world.flushed = world.acknowledged
      await world.append(2)
    },
  },
}

async function die(scenario: Scenario, kind: 'process' | 'power', death: Death): Promise<boolean> {
  const world = new World(death.atCall)
  await world.lives(async () => {
    await world.open()
    await scenario.prepare(world)
    await world.manager.close()
    world.flushed = world.acknowledged
  })
  let died = false
  const disk = world.mortal(death, () => {
    died = true
  })
  const survived = await world.lives(
    async () => {
      try {
        await world.open(disk)
        await scenario.act(world)
      } catch (error) {
        if (!died) throw error
        if (!(error instanceof Died)) await new Promise(() => {})
      }
    },
    () => died,
  )
  world.crash(kind)
  const where = `${kind}, ${death.share} of call ${death.atCall}: ${disk.lastCall}`
  await world.lives(async () => {
    await world.open()
    expect(world.places(), where).toHaveLength(1)
    await world.check(kind === 'process' ? world.acknowledged : world.flushed, where)
    await world.manager.close()
  })
  return survived
}

test.each(Object.keys(scenarios))(
  '%s: the process dies at every call, and at the next start all is well',
  async (what) => {
    let calls = 0
    for (let atCall = 1; ; atCall++) {
      const deaths = [0, 0.5, 1].map((share) => ({ atCall, share }))
      const runs = deaths.flatMap((death) => [
        () => die(scenarios[what], 'process', death),
        () => die(scenarios[what], 'power', death),
      ])
      const survived = []
      for (const run of runs) survived.push(await run())
      if (survived.every(Boolean)) break
      calls = atCall
    }
    expect(calls).toBeGreaterThan(5)
  },
  60_000,
)
