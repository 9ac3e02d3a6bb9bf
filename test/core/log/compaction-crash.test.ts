// A process kill and a power loss at every disk call of a compaction, on the simulated disk. All records had
// been flushed before, so whatever happens:
//
//   the latest value of each key is there, and no key is back that was deleted
//   a record stands at its offset as it was written; the log begins and ends where it did
//   each idempotent producer goes on where it was, its last five batches are known again
//   another compaction comes to the same, and nothing is left of the one that was cut short

import { brokerConfig } from '@sluice/core/config/broker-config'
import { topicConfig } from '@sluice/core/config/topic-config'
import { silentLogger } from '@sluice/core/host/logger'
import { type ProcessClock, SimulatedClock } from '@sluice/core/host/memory/clock'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { SeededRandom } from '@sluice/core/host/memory/random'
import type { Log } from '@sluice/core/log/log'
import { LogManager } from '@sluice/core/log/log-manager'
import { expect, test } from 'vitest'
import {
  batchesIn,
  clean,
  keyed,
  latest,
  type Pairs,
  recordsIn,
  type SeenRecord,
} from './compacted.ts'
import { append, fetch } from './fixture.ts'
import { StoppingDisk } from './stopping-disk.ts'

const broker = brokerConfig({ 'log.dirs': '/data' })
if (!broker.ok) throw new Error('configs')
const config = broker.config
const deleteRetentionMs = 10_000
const overrides = {
  'cleanup.policy': 'compact',
  'internal.segment.bytes': '500',
  'index.interval.bytes': '150',
  'min.cleanable.dirty.ratio': '0',
  'delete.retention.ms': String(deleteRetentionMs),
}
const patienceMs = 600_000

/** One start of a process on a disk; the world goes on from start to start. */
class Start {
  readonly disk: StoppingDisk
  readonly #world: SimulatedClock
  readonly #clock: ProcessClock
  readonly #memory: MemoryDisk
  #manager!: LogManager
  log!: Log

  constructor(world: SimulatedClock, memory: MemoryDisk, clock: ProcessClock) {
    this.#world = world
    this.#memory = memory
    this.#clock = clock
    this.disk = new StoppingDisk(memory)
  }

  get clock(): ProcessClock {
    return this.#clock
  }

  async settle<T>(promise: Promise<T>): Promise<T> {
    let over = false
    const mark = () => {
      over = true
    }
    promise.then(mark, mark)
    await this.#world.runUntil(() => over || this.disk.stopped, patienceMs)
    if (!over) throw new Stopped()
    return promise
  }

  async open(): Promise<void> {
    const topic = topicConfig(config, overrides)
    this.#manager = await this.settle(
      LogManager.open({
        clock: this.#clock,
        random: new SeededRandom(7),
        disk: this.disk,
        logger: silentLogger,
        config,
        nodeId: 1,
      }),
    )
    const name = { topic: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAg', partition: 0 }
    this.log = await this.settle(this.#manager.create({ ...name, config: () => topic }))
  }

  async close(): Promise<void> {
    await this.settle(this.#manager.close())
  }

  async wait(ms: number): Promise<void> {
    await this.#world.runFor(ms)
  }

  /** The process or the machine is gone; the next start. */
  next(kind: 'process' | 'power'): Start {
    this.disk.stopped = true
    this.disk.stopAt = 0
    this.#clock.stop()
    const clock = this.#world.process()
    this.#memory.crash(kind, clock)
    return new Start(this.#world, this.#memory, clock)
  }
}

class Stopped extends Error {}

function firstStart(seed: number): Start {
  const world = new SimulatedClock({ random: new SeededRandom(seed) })
  const clock = world.process()
  return new Start(world, new MemoryDisk({ clock, random: new SeededRandom(seed) }), clock)
}

/** Everything that was ever appended, by offset. */
type Written = Map<number, SeenRecord>

async function write(start: Start, written: Written, pairs: Pairs, producer: Producer) {
  const { log } = start
  const baseSequence = producer.sequence
  const timestampMs = start.clock.now()
  const { id: producerId } = producer
  const shape = { producerId, producerEpoch: 0, baseSequence, timestampMs }
  const outcome = await start.settle(append(log, keyed(pairs, shape)))
  if (!outcome.ok) throw new Error(outcome.message)
  producer.sequence += pairs.length
  pairs.forEach(([key, value], i) => {
    const offset = outcome.baseOffset + i
    written.set(offset, { offset, timestamp: timestampMs + i, key, value })
  })
}

interface Producer {
  readonly id: number
  sequence: number
}

/**
 * A log that was compacted once, long ago, and has grown since: keys that come again, tombstones old enough
 * to go with values below them, tombstones that are young, producers that fell silent.
 */
async function grown(start: Start): Promise<Written> {
  const written: Written = new Map()
  const producers = Array.from({ length: 4 }, (_, i) => ({ id: 10 + i, sequence: 0 }))
  const one = (pairs: Pairs, i: number) => write(start, written, pairs, producers[i])
  for (let i = 0; i < 24; i++) {
    const pairs: Pairs = [
      [`k${i % 6}`, `v${i}`],
      [`gone${i % 3}`, i < 18 ? `w${i}` : null],
    ]
    await one(pairs, i % 3)
  }
  for (let i = 0; i < 6; i++) await one([[`once${i}`, 'x']], 3)
  await start.settle(clean(start.log, start.clock))
  await start.wait(deleteRetentionMs + 1)
  for (let i = 0; i < 16; i++) await one([[`k${i % 4}`, i === 9 ? null : `again${i}`]], i % 2)
  await start.settle(start.log.flush())
  return written
}

async function check(start: Start, written: Written, producers: unknown): Promise<void> {
  const { log } = start
  const records = await start.settle(recordsIn(log))
  expect(latest(records)).toEqual(latest([...written.values()]))
  for (const record of records) expect(record).toEqual(written.get(record.offset))
  expect([log.startOffset, log.endOffset]).toEqual([0, written.size])
  expect(producersOf(log)).toEqual(producers)
  const batches = await start.settle(batchesIn(log))
  // From wherever it is read it is the same log: no segment stands beside one that replaced it.
  for (let offset = 0; offset < log.endOffset; offset++) {
    const holding = batches.find(
      ({ header }) => offset < header.baseOffset + header.lastOffsetDelta + 1,
    )
    const [first] = await start.settle(fetch(log, offset, { maxBytes: 0 }))
    expect(first.baseOffset).toBe(holding?.header.baseOffset)
    expect(first.values).toEqual(holding?.records.map(({ value }) => String(value)))
  }
}

function producersOf(log: Log) {
  return log
    .producers()
    .map(({ producerId, epoch, batches }) => ({ producerId, epoch, batches }))
    .sort((a, b) => a.producerId - b.producerId)
}

/** Runs the second compaction and stops it before disk call `stopAt`. @returns whether it was stopped. */
async function compactUntil(start: Start, stopAt: number): Promise<boolean> {
  start.disk.calls = 0
  start.disk.stopAt = stopAt
  try {
    await start.settle(clean(start.log, start.clock))
    return false
  } catch (error) {
    if (!start.disk.stopped) throw error
    return true
  }
}

test.each([
  ['a process kill', 'process' as const, [1]],
  ['a power loss', 'power' as const, [1, 2]],
])(
  '%s at every disk call of a compaction',
  async (_, kind, seeds) => {
    for (const seed of seeds) {
      for (let stopAt = 1, stopped = true; stopped; stopAt++) {
        const start = firstStart(seed * 1000 + stopAt)
        await start.open()
        const written = await grown(start)
        const producers = producersOf(start.log)
        stopped = await compactUntil(start, stopAt)
        if (!stopped) expect(stopAt).toBeGreaterThan(30)
        const again = start.next(kind)
        await again.open()
        await check(again, written, producers)
        // All batches of the log can be read at any of their offsets, and the compaction is done again.
        await again.settle(clean(again.log, again.clock))
        await check(again, written, producers)
        await again.close()
        const last = again.next('process')
        await last.open()
        await check(last, written, producers)
        const names = (await last.settle(last.disk.list('/data/t-0'))).map(({ name }) => name)
        expect(names.filter((name) => /\.(swap|cleaned|deleted|tmp)$/.test(name))).toEqual([])
        await last.close()
      }
    }
  },
  300_000,
)
