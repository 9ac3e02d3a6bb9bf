// A log under a manager, on a simulated disk that loses power and whose process is killed, against the
// simplest model: a list of values. What must hold after each restart:
//
//   killed       every append that was acknowledged is there; one under way may be
//   power loss   a prefix of that, not shorter than what a flush had covered
//   always       offsets without gaps, each with its value; producers as of that prefix; the start offset
//                never goes back

import { brokerConfig } from '@sluice/core/config/broker-config'
import { topicConfig } from '@sluice/core/config/topic-config'
import { silentLogger } from '@sluice/core/host/logger'
import { type ProcessClock, SimulatedClock } from '@sluice/core/host/memory/clock'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { BufferPool } from '@sluice/core/lib/buffer-pool'
import { IndexPages } from '@sluice/core/log/index-pages'
import type { Log } from '@sluice/core/log/log'
import { LogManager } from '@sluice/core/log/log-manager'
import { OpenFiles } from '@sluice/core/log/open-files'
import { Residency } from '@sluice/core/log/residency'
import { type LogResources, newLogResources } from '@sluice/core/log/resources'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { batch, batchesOf, request } from './fixture.ts'

const broker = brokerConfig({ 'log.dirs': '/data' })
if (!broker.ok) throw new Error('configs')
const config = broker.config
const producerId = 7

/** So little of everything that reads go to the file, and files are closed and opened again. */
function scarce(): LogResources {
  return {
    ...newLogResources(),
    buffers: new BufferPool(0),
    files: new OpenFiles(2),
    pages: new IndexPages(0),
    residency: new Residency(500),
  }
}

type Step =
  | { kind: 'append'; requests: number; batches: number; records: number }
  | { kind: 'appendBehindFlush' }
  | { kind: 'flush' }
  | { kind: 'flushUnderWay' }
  | { kind: 'truncate'; back: number }
  | { kind: 'deleteRecords'; share: number }
  | { kind: 'retention' }
  | { kind: 'wait'; ms: number }
  | { kind: 'checkpoint' }
  | { kind: 'restart' }
  | { kind: 'kill' }
  | { kind: 'powerLoss' }

const small = (max: number) => fc.integer({ min: 1, max })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      requests: small(3),
      batches: small(3),
      records: small(3),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'appendBehindFlush' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'flush' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'flushUnderWay' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('truncate' as const), back: small(12) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('deleteRecords' as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'retention' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: small(100_000) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'checkpoint' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'kill' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'powerLoss' as const }) },
)

class World {
  readonly #random: SeededRandom
  readonly #clock: SimulatedClock
  readonly #disk: MemoryDisk
  readonly #overrides: Record<string, string>
  #process: ProcessClock
  #manager!: LogManager
  #log!: Log
  /** By offset: every value that may be in the log. */
  #values: string[] = []
  /** How many of them an append was acknowledged for, and a flush has covered. */
  #acknowledged = 0
  #flushed = 0
  #start = 0
  #count = 0

  constructor(seed: number, overrides: Record<string, string>) {
    this.#random = new SeededRandom(seed)
    this.#clock = new SimulatedClock({ random: this.#random })
    this.#process = this.#clock.process()
    this.#disk = new MemoryDisk({ clock: this.#process, random: this.#random })
    this.#overrides = overrides
  }

  async settle<T>(promise: Promise<T> | T): Promise<T> {
    let over = false
    const mark = () => {
      over = true
    }
    Promise.resolve(promise).then(mark, mark)
    expect(await this.#clock.runUntil(() => over, 600_000)).toBe(true)
    return promise
  }

  async open(): Promise<void> {
    const topic = topicConfig(config, this.#overrides)
    this.#manager = await this.settle(
      LogManager.open({
        clock: this.#process,
        random: this.#random,
        disk: this.#disk,
        logger: silentLogger,
        config,
        nodeId: 1,
        resources: scarce(),
      }),
    )
    const name = { topic: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAg', partition: 0 }
    this.#log = await this.settle(this.#manager.create({ ...name, config: () => topic }))
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'append':
        this.#acknowledge(await this.settle(this.#append(step)))
        return
      case 'appendBehindFlush': {
        const flushed = this.#log.flush()
        const covered = this.#values.length
        const appended = this.#append({ requests: 1, batches: 2, records: 1 })
        await this.settle(flushed)
        this.#flushed = covered
        this.#acknowledge(await this.settle(appended))
        return
      }
      case 'flush':
        await this.settle(this.#log.flush())
        this.#flushed = this.#values.length
        return
      case 'flushUnderWay':
        this.#log.flush().catch(() => {})
        return
      case 'truncate':
        return this.#truncate(step.back)
      case 'deleteRecords':
        this.#log.advanceStartOffset(Math.floor(this.#log.endOffset * step.share))
        await this.settle(this.#manager.checkpoint())
        return
      case 'retention':
        await this.settle(this.#log.applyRetention(this.#process.now(), this.#log.endOffset))
        return
      case 'wait':
        return this.#clock.runFor(step.ms)
      case 'checkpoint':
        await this.settle(this.#manager.checkpoint())
        return
      case 'restart':
        await this.settle(this.#manager.close())
        this.#flushed = this.#values.length
        return this.#restart(this.#values.length)
      case 'kill':
        this.#disk.crash('process', this.#newProcess())
        return this.#restart(this.#acknowledged)
      case 'powerLoss':
        this.#disk.crash('power', this.#newProcess())
        return this.#restart(this.#flushed)
    }
  }

  /** Where each acknowledgement waits for a flush. */
  expectAllDurable(): void {
    this.#flushed = this.#acknowledged
  }

  /** All values of the log are those of the model. */
  async check(): Promise<void> {
    expect(this.#log.endOffset).toBe(this.#values.length)
    expect(this.#log.startOffset).toBeGreaterThanOrEqual(this.#start)
    this.#start = this.#log.startOffset
    let offset = this.#start
    while (offset < this.#log.endOffset) {
      const upTo = this.#log.endOffset
      const reading = this.#log.read({ offset, maxBytes: 200, upTo, wholeFirstBatch: true })
      const batches = batchesOf(await this.settle(reading))
      expect(batches[0].lastOffset).toBeGreaterThanOrEqual(offset)
      for (const { baseOffset, lastOffset, values } of batches) {
        expect(values).toEqual(this.#values.slice(baseOffset, lastOffset + 1))
        offset = lastOffset + 1
      }
    }
    const state = this.#log.producers().find((one) => one.producerId === producerId)
    if (this.#log.endOffset > this.#start) {
      expect(state?.lastBatch?.lastSequence).toBe(this.#values.length - 1)
      expect(state?.lastBatch?.lastOffset).toBe(this.#values.length - 1)
    }
  }

  async #append(shape: { requests: number; batches: number; records: number }): Promise<number> {
    const requests = Array.from({ length: shape.requests }, () =>
      request(...Array.from({ length: shape.batches }, () => this.#batch(shape.records))),
    )
    const outcomes = await this.#log.append(requests, 1)
    expect(outcomes.every((outcome) => outcome.ok && !outcome.duplicate)).toBe(true)
    return this.#values.length
  }

  #batch(records: number) {
    const value = `value ${this.#count++}`
    const baseSequence = this.#values.length
    for (let i = 0; i < records; i++) this.#values.push(value)
    const timestampMs = this.#process.now()
    return batch({ records, value, producerId, producerEpoch: 0, baseSequence, timestampMs })
  }

  #acknowledge(count: number): void {
    this.#acknowledged = count
    expect(this.#log.endOffset).toBe(count)
  }

  async #truncate(back: number): Promise<void> {
    const offset = Math.max(this.#log.startOffset, this.#log.endOffset - back)
    await this.settle(this.#log.truncateTo(offset))
    const { endOffset } = this.#log
    expect(endOffset).toBeLessThanOrEqual(offset)
    expect(endOffset).toBeGreaterThanOrEqual(this.#log.startOffset)
    expect(offset - endOffset).toBeLessThan(3)
    this.#values.length = endOffset
    this.#acknowledged = endOffset
    this.#flushed = Math.min(this.#flushed, endOffset)
  }

  #newProcess(): ProcessClock {
    this.#process.stop()
    this.#process = this.#clock.process()
    return this.#process
  }

  async #restart(atLeast: number): Promise<void> {
    await this.open()
    const { endOffset } = this.#log
    expect(endOffset).toBeGreaterThanOrEqual(atLeast)
    expect(endOffset).toBeLessThanOrEqual(this.#values.length)
    this.#values.length = endOffset
    this.#acknowledged = endOffset
  }
}

const run = async (seed: number, steps: Step[], overrides: Record<string, string>) => {
  const world = new World(seed, overrides)
  await world.open()
  for (const step of steps) {
    await world.take(step)
    await world.check()
  }
}

test.each([
  ['segments of a few batches', { 'internal.segment.bytes': '700', 'index.interval.bytes': '150' }],
  [
    'retention by size',
    {
      'internal.segment.bytes': '500',
      'index.interval.bytes': '150',
      'retention.bytes': '1200',
    },
  ],
  ['one segment', { 'index.interval.bytes': '150' }],
  ['segments by time, flushed by time', { 'segment.ms': '60000', 'flush.ms': '20000' }],
])('a log with %s survives whatever happens to it', async (_, overrides) => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.array(step, { minLength: 5, maxLength: 40 }),
      async (seed, steps) => run(seed, steps, overrides as Record<string, string>),
    ),
    { numRuns: 60 },
  )
})

test('flush.messages=1: what was acknowledged survives a power loss', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.array(small(3), { maxLength: 15 }), async (seed, shapes) => {
      // So small that several segments end in one append: more than may wait to be flushed.
      const overrides = { 'internal.segment.bytes': '170', 'flush.messages': '1' }
      const world = new World(seed, overrides)
      await world.open()
      for (const requests of shapes) {
        await world.take({ kind: 'append', requests: requests * 4, batches: 1, records: 2 })
        await world.take({ kind: 'flushUnderWay' })
      }
      world.expectAllDurable()
      await world.take({ kind: 'powerLoss' })
      await world.check()
    }),
    { numRuns: 40 },
  )
})
