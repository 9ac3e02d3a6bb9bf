// Reading a compacted log: from every offset, whether a record is left there or not, with every limit; and while
// it is being compacted. What is read is held against the batches that are in the files.

import { sleep } from '@sluice/core/host/clock'
import { SimulatedClock } from '@sluice/core/host/memory/clock'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { SeededRandom } from '@sluice/core/host/memory/random'
import type { Log } from '@sluice/core/log/log'
import { Residency } from '@sluice/core/log/residency'
import { newLogResources } from '@sluice/core/log/resources'
import { type BatchHeader, batchCrc, readBatchHeader } from '@sluice/protocol/records/batch'
import { decodeRecords } from '@sluice/protocol/records/record'
import { describe, expect, test } from 'vitest'
import { clean, compactConfig, keyed, type Pairs } from './compacted.ts'
import { append, openLog } from './fixture.ts'

const patienceMs = 600_000

/** A log on a disk that takes its time, in a world that is driven by whoever waits. */
class Scene {
  readonly random: SeededRandom
  readonly world: SimulatedClock
  readonly disk: MemoryDisk
  /** What was appended, by offset. */
  readonly written = new Map<number, readonly [key: string, value: string | null]>()
  readonly #sequences = new Map<number, number>()
  log!: Log

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
    this.world = new SimulatedClock({ random: this.random.fork('clock') })
    this.disk = new MemoryDisk({ clock: this.world, random: this.random.fork('disk') })
  }

  async settle<T>(promise: Promise<T>): Promise<T> {
    let over = false
    const mark = () => {
      over = true
    }
    promise.then(mark, mark)
    await this.world.runUntil(() => over, patienceMs)
    if (!over) throw new Error('no progress')
    return promise
  }

  async open(): Promise<void> {
    const { world: clock, disk } = this
    const cold = { ...newLogResources(), residency: new Residency(0) }
    const resources = this.random.chance(0.5) ? cold : newLogResources()
    this.log = await this.settle(openLog({ clock, disk, config: compactConfig, resources }))
  }

  async fill(batches: number, keys: number): Promise<void> {
    for (let i = 0; i < batches; i++) await this.settle(this.#append(keys))
  }

  /** One producer out of two falls silent after a batch: that one has to stay, if only as an empty one. */
  async #append(keys: number): Promise<void> {
    const { random } = this
    const pairs: Pairs = Array.from({ length: 1 + random.integer(4) }, () => [
      `k${random.integer(keys)}`,
      random.chance(0.2) ? null : `v${this.log.endOffset}`.padEnd(random.integer(60)),
    ])
    const producerId = random.chance(0.5) ? 1 + random.integer(3) : 4 + this.log.endOffset
    const baseSequence = this.#sequences.get(producerId) ?? 0
    const codec = random.pick(['none', 'gzip', 'lz4'] as const)
    const batch = keyed(pairs, { producerId, producerEpoch: 0, baseSequence, codec })
    const { endOffset } = this.log
    pairs.forEach(([key, value], i) => {
      this.written.set(endOffset + i, [`${key}`, value])
    })
    const outcome = await append(this.log, batch)
    if (!outcome.ok) throw new Error(outcome.message)
    this.#sequences.set(producerId, baseSequence + pairs.length)
  }

  clean(): Promise<unknown> {
    return this.settle(clean(this.log, this.world))
  }

  /** Whole batches from `offset` on. */
  async read(offset: number, maxBytes: number, upTo = this.log.endOffset): Promise<Buffer> {
    const read = await this.log.read({ offset, maxBytes, upTo, wholeFirstBatch: true })
    if (!read.ok) throw new Error(`${offset}: ${read.error}`)
    const records = Buffer.from(read.records)
    read.release()
    return records
  }

  /** All batches in the files of the log. */
  batchesInFiles(): Buffer[] {
    return [...this.disk.writtenFiles()]
      .filter(([path]) => path.endsWith('.log'))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, content]) => [...batchesOf(content)].map(({ bytes }) => bytes))
  }
}

function* batchesOf(content: Buffer): Generator<{ header: BatchHeader; bytes: Buffer }> {
  for (let at = 0; at < content.length; ) {
    const header = readBatchHeader(content, at)
    if (batchCrc(content, at) !== header.crc) throw new Error(`wrong CRC at ${header.baseOffset}`)
    yield { header, bytes: content.subarray(at, at + header.batchBytes) }
    at += header.batchBytes
  }
}

const lastOffsetOf = ({ baseOffset, lastOffsetDelta }: BatchHeader) => baseOffset + lastOffsetDelta

/** The first batch that a read has to show; the number of all where there is none. */
function expected(headers: readonly BatchHeader[], wanted: { offset: number; upTo: number }) {
  const first = headers.findIndex((header) => lastOffsetOf(header) >= wanted.offset)
  return first >= 0 && lastOffsetOf(headers[first]) < wanted.upTo ? first : headers.length
}

async function compacted(seed: number): Promise<Scene> {
  const scene = new Scene(seed)
  await scene.open()
  await scene.fill(60, 6)
  await scene.clean()
  await scene.fill(20, 3)
  await scene.clean()
  return scene
}

describe('a compacted log', () => {
  test.each([1, 2, 3, 4])('is read from every offset with every limit (seed %d)', async (seed) => {
    const scene = await compacted(seed)
    const { log } = scene
    const batches = scene.batchesInFiles()
    const headers = batches.map((batch) => readBatchHeader(batch, 0))
    expect(headers.filter(({ recordCount }) => recordCount === 0).length).toBeGreaterThan(3)
    const wrong: string[] = []
    for (let offset = log.startOffset; offset < log.endOffset; offset++) {
      for (const maxBytes of [1, 61, 300, 5000]) {
        for (const upTo of [offset + 1, offset + 20, log.endOffset]) {
          const bound = Math.min(upTo, log.endOffset)
          const read = await scene.settle(scene.read(offset, maxBytes, bound))
          const from = expected(headers, { offset, upTo: bound })
          const to = from + [...batchesOf(read)].length
          const right =
            read.equals(Buffer.concat(batches.slice(from, to))) &&
            to > from === from < headers.length &&
            (read.length <= maxBytes || to === from + 1) &&
            (to === from || lastOffsetOf(headers[to - 1]) < bound)
          if (!right)
            wrong.push(`${offset} up to ${bound}, ${maxBytes} bytes: ${read.length} bytes`)
        }
      }
    }
    expect(wrong).toEqual([])
  })

  test.each([5, 6, 7, 8])('is read while it is compacted (seed %d)', async (seed) => {
    const scene = new Scene(seed)
    await scene.open()
    await scene.fill(40, 8)
    let going = true
    let rounds = 0
    const reader = async (maxBytes: number) => {
      while (going) {
        await wholeRead(scene, maxBytes)
        rounds += 1
      }
    }
    const readers = Promise.all([1, 200, 700, 5000].map(reader))
    for (let i = 0; i < 6; i++) {
      await scene.fill(10, 8)
      await scene.clean()
    }
    going = false
    await scene.settle(readers)
    expect(rounds).toBeGreaterThan(4)
    expect(scene.batchesInFiles().length).toBeLessThan(100)
  })
})

/** Reads up to where the log ends now: all as it was written, and of each key nothing older than its latest. */
async function wholeRead(scene: Scene, maxBytes: number): Promise<void> {
  const { log, written, world, random } = scene
  const end = log.endOffset
  const latest = new Map<string, number>()
  for (const [offset, [key]] of written) if (offset < end) latest.set(key, offset)
  const seen = new Map<string, number>()
  for (let offset = log.startOffset; offset < end; ) {
    await sleep(world, random.number())
    const read = await scene.read(offset, maxBytes)
    if (read.length === 0) throw new Error(`nothing is read at ${offset} of ${end}`)
    for (const { header, bytes } of batchesOf(read)) {
      if (lastOffsetOf(header) < offset) throw new Error(`${header.baseOffset} before ${offset}`)
      for (const { offset: at, key, value } of decodeRecords(bytes, 0)) {
        const [writtenKey, writtenValue] = written.get(at) ?? []
        const right = `${key}` === writtenKey && (value && `${value}`) === writtenValue
        if (!right) throw new Error(`${at} is not as it was written`)
        seen.set(`${key}`, at)
      }
      offset = lastOffsetOf(header) + 1
    }
  }
  for (const [key, offset] of latest) expect(seen.get(key)).toBeGreaterThanOrEqual(offset)
}
