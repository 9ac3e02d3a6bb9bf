import type { Disk, DiskFile } from '@sluice/core/host/disk'
import { DiskError } from '@sluice/core/host/disk'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { describe, expect, test } from 'vitest'
import {
  append,
  batch,
  batchesOf,
  fetch,
  folder,
  HandClock,
  openLog,
  readAll,
  startMs,
} from './fixture.ts'

const config = { segmentBytes: 500, indexIntervalBytes: 100 }
const logNames = async (disk: MemoryDisk) =>
  (await disk.list(folder)).map(({ name }) => name).filter((name) => name.endsWith('.log'))

describe('truncateTo', () => {
  test('cuts the batch that holds the offset and all behind it', async () => {
    const disk = new MemoryDisk()
    const log = await openLog({ disk, config })
    for (let i = 0; i < 20; i++)
      await append(log, batch({ records: 2, value: `${i}` }), i < 10 ? 1 : 2)
    await log.flush()
    await log.truncateTo(13)
    expect([log.endOffset, log.latestEpoch, log.recoveryPoint]).toEqual([12, 1, 12])
    expect((await readAll(log)).size).toBe(12)
    expect(await logNames(disk)).toHaveLength(log.segmentCount)
    expect(await append(log, batch({ value: 'new' }), 3)).toMatchObject({ baseOffset: 12 })
    expect((await fetch(log, 12))[0]).toMatchObject({ values: ['new'], leaderEpoch: 3 })
    expect(log.endOffsetForEpoch(1)).toEqual({ epoch: 1, endOffset: 12 })
    const again = await openLog({ disk, config, recoveryPoint: log.recoveryPoint })
    expect([...(await readAll(again))]).toEqual([...(await readAll(log))])
  })

  test('to the end, or behind it, does nothing; to the start empties the log', async () => {
    const log = await openLog({ config })
    for (let i = 0; i < 10; i++) await append(log, batch())
    await log.truncateTo(10)
    await log.truncateTo(99)
    expect(log.endOffset).toBe(10)
    await log.truncateTo(0)
    expect([log.endOffset, log.sizeBytes, log.segmentCount]).toEqual([0, 0, 1])
    expect(await append(log, batch())).toMatchObject({ baseOffset: 0 })
  })

  test('into a batch whose first records were deleted leaves an empty log at the start offset', async () => {
    const log = await openLog({ config })
    await append(log, batch({ records: 4 }))
    log.advanceStartOffset(2)
    await log.truncateTo(3)
    expect([log.startOffset, log.endOffset, log.sizeBytes]).toEqual([2, 2, 0])
    expect(await append(log, batch())).toMatchObject({ baseOffset: 2 })
  })

  test('writes down that less is flushed before anything is appended again', async () => {
    const saved: number[] = []
    const log = await openLog({
      config,
      checkpoints: {
        saveRecoveryPoints: async () => {
          saved.push(log.recoveryPoint)
        },
        saveStartOffsets: async () => {},
        saveFirstDirtyOffsets: async () => {},
      },
    })
    for (let i = 0; i < 10; i++) await append(log, batch())
    await log.flush()
    const cut = log.truncateTo(4)
    const appended = append(log, batch())
    await cut
    expect(saved).toEqual([4])
    expect(await appended).toMatchObject({ baseOffset: 4 })
  })
})

test('truncateFullyAt begins anew, wherever', async () => {
  const disk = new MemoryDisk()
  const log = await openLog({ disk, config })
  for (let i = 0; i < 20; i++)
    await append(log, batch({ producerId: 1, producerEpoch: 0, baseSequence: i }), 4)
  await log.truncateFullyAt(1000)
  expect([log.startOffset, log.endOffset, log.sizeBytes]).toEqual([1000, 1000, 0])
  expect(log.producers()).toEqual([])
  expect(log.latestEpoch).toBe(-1)
  expect(await append(log, batch({ value: 'x' }), 5)).toMatchObject({ baseOffset: 1000 })
  expect(await logNames(disk)).toEqual(['00000000000000001000.log'])
  const again = await openLog({ disk, config, startOffset: 1000 })
  expect([...(await readAll(again))]).toEqual([[1000, 'x']])
})

describe('retention', () => {
  test('by time removes segments whose youngest record is too old, the last one too', async () => {
    const clock = new HandClock()
    const disk = new MemoryDisk()
    const log = await openLog({ disk, clock, config: { ...config, retentionMs: 1000 } })
    for (let i = 0; i < 20; i++) await append(log, batch({ timestampMs: startMs + i * 100 }))
    const removed = await log.applyRetention(startMs + 2000, log.endOffset)
    expect(removed.removedSegments).toBeGreaterThan(0)
    expect(log.startOffset).toBeGreaterThan(0)
    expect(log.startOffset).toBeLessThanOrEqual(10)
    expect(await logNames(disk)).toHaveLength(log.segmentCount)
    expect((await readAll(log)).size).toBe(20 - log.startOffset)
    await log.applyRetention(startMs + 10_000, log.endOffset)
    expect([log.startOffset, log.endOffset, log.sizeBytes, log.segmentCount]).toEqual([
      20, 20, 0, 1,
    ])
    expect(await append(log, batch())).toMatchObject({ baseOffset: 20 })
  })

  test('by size keeps that many bytes at least', async () => {
    const log = await openLog({ config: { ...config, retentionBytes: 1200 } })
    for (let i = 0; i < 50; i++) await append(log, batch())
    await log.applyRetention(startMs, log.endOffset)
    expect(log.sizeBytes).toBeGreaterThanOrEqual(1200)
    expect(log.sizeBytes).toBeLessThan(1200 + 500)
    expect((await log.applyRetention(startMs, log.endOffset)).removedSegments).toBe(0)
  })

  test('removes nothing above the high watermark, and nothing of a compacted topic', async () => {
    const old = { ...config, retentionMs: 1, retentionBytes: 0 }
    const log = await openLog({ config: old })
    for (let i = 0; i < 20; i++) await append(log, batch())
    await log.applyRetention(startMs + 1000, 9)
    expect(log.startOffset).toBeLessThanOrEqual(9)
    expect(log.startOffset).toBeGreaterThan(0)
    const compacted = { ...old, cleanupPolicy: { delete: false, compact: true } }
    const kept = await openLog({ config: compacted })
    for (let i = 0; i < 20; i++) await append(kept, batch())
    expect(await kept.applyRetention(startMs + 1000, 20)).toEqual({ removedSegments: 0 })
    kept.advanceStartOffset(15)
    expect((await kept.applyRetention(startMs + 1000, 20)).removedSegments).toBeGreaterThan(0)
    expect(kept.startOffset).toBe(15)
  })

  test('closes the last segment only where it is to go (segment.ms waits for the next batch)', async () => {
    const clock = new HandClock()
    const log = await openLog({ clock, config: { segmentMs: 1000, retentionMs: 60_000 } })
    await append(log, batch({ timestampMs: startMs }))
    await log.applyRetention(startMs + 60_000, 1)
    expect([log.segmentCount, log.startOffset]).toEqual([1, 0])
    // Above the high watermark nothing goes, and nothing is closed for it.
    await log.applyRetention(startMs + 60_001, 0)
    expect(log.segmentCount).toBe(1)
    expect(await log.applyRetention(startMs + 60_001, 1)).toEqual({ removedSegments: 1 })
    expect([log.segmentCount, log.startOffset, log.endOffset]).toEqual([1, 1, 1])
    // An empty segment is not closed again and again.
    expect(await log.applyRetention(startMs + 200_000, 1)).toEqual({ removedSegments: 0 })
  })

  test('bug class 19: writes the new start down before it is seen', async () => {
    const seen: [number, number][] = []
    const log = await openLog({
      config: { ...config, retentionBytes: 600 },
      checkpoints: {
        saveRecoveryPoints: async () => {},
        saveStartOffsets: async () => {
          seen.push([log.startOffset, log.startOffsetToSave])
        },
        saveFirstDirtyOffsets: async () => {},
      },
    })
    for (let i = 0; i < 30; i++) await append(log, batch())
    await log.applyRetention(startMs, 30)
    expect(seen).toEqual([[0, log.startOffset]])
  })
})

test('bug class 19: the start offset moves forward only', async () => {
  const log = await openLog({ config })
  for (let i = 0; i < 10; i++) await append(log, batch(), 3)
  log.advanceStartOffset(6)
  log.advanceStartOffset(2)
  expect(log.startOffset).toBe(6)
  expect(log.epochAt(6)).toBe(3)
  expect(log.epochAt(5)).toBe(-1)
})

describe('flush.ms and flush.messages', () => {
  test('flush in the background, and before an append is acknowledged', async () => {
    const clock = new HandClock()
    const timed = await openLog({ clock, config: { flushMs: 500 } })
    await append(timed, batch())
    await append(timed, batch())
    expect(timed.recoveryPoint).toBe(0)
    clock.advance(500)
    await expect.poll(() => timed.recoveryPoint).toBe(2)
    const counted = await openLog({ config: { flushMessages: 3 } })
    await append(counted, batch({ records: 2 }))
    expect(counted.recoveryPoint).toBe(0)
    await append(counted, batch())
    expect(counted.recoveryPoint).toBe(3)
  })
})

/** A disk whose pooled reads wait until they are let go. */
class HeldReads {
  readonly disk = new MemoryDisk()
  readonly held: Disk
  #waiting: (() => void)[] = []

  constructor() {
    const { disk } = this
    this.held = new Proxy(disk, {
      get: (target, name) => {
        if (name === 'openSync')
          return (...args: Parameters<Disk['openSync']>) => this.#hold(disk.openSync(...args))
        const value = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  get waiting(): number {
    return this.#waiting.length
  }

  letGo(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const go of waiting) go()
  }

  #hold(file: DiskFile): DiskFile {
    return new Proxy(file, {
      get: (target, name) => {
        if (name === 'read') {
          return async (...args: Parameters<DiskFile['read']>) => {
            await new Promise<void>((resolve) => this.#waiting.push(resolve))
            return target.read(...args)
          }
        }
        const value = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
}

describe('a read that lasts', () => {
  async function coldLog() {
    const reads = new HeldReads()
    const first = await openLog({ disk: reads.disk, config })
    for (let i = 0; i < 20; i++) await append(first, batch({ value: `${i}` }))
    await first.close()
    const opening = openLog({ disk: reads.held, config, cleanShutdown: true, recoveryPoint: 20 })
    const ticking = setInterval(() => reads.letGo(), 1)
    const log = await opening
    clearInterval(ticking)
    const reading = log.read({ offset: 1, maxBytes: 200, upTo: 20, wholeFirstBatch: true })
    expect(reading).toBeInstanceOf(Promise)
    await expect.poll(() => reads.waiting).toBe(1)
    /** Lets all reads go on until `done`. */
    const untilDone = async <T>(done: Promise<T>): Promise<T> => {
      const ticker = setInterval(() => reads.letGo(), 1)
      return done.finally(() => clearInterval(ticker))
    }
    const finish = () => untilDone(Promise.resolve(reading).then(batchesOf))
    return { log, reading, finish, untilDone }
  }

  test('gets what it asked for while retention takes its segment away', async () => {
    const { log, finish, untilDone } = await coldLog()
    log.advanceStartOffset(19)
    const retention = log.applyRetention(startMs, 20)
    expect((await finish())[0]).toMatchObject({ baseOffset: 1, values: ['1'] })
    expect((await untilDone(retention)).removedSegments).toBeGreaterThan(0)
  })

  test('ends before the log is cut, closed or deleted', async () => {
    for (const end of [
      (log: Awaited<ReturnType<typeof openLog>>) => log.truncateTo(0),
      (log: Awaited<ReturnType<typeof openLog>>) => log.close(),
      (log: Awaited<ReturnType<typeof openLog>>) => log.detach(),
    ]) {
      const { log, reading, finish, untilDone } = await coldLog()
      const order: string[] = []
      const ended = end(log).then(() => order.push('ended'))
      Promise.resolve(reading).then(() => order.push('read'))
      expect((await finish())[0]).toMatchObject({ values: ['1'] })
      await untilDone(ended)
      expect(order).toEqual(['read', 'ended'])
    }
  })

  test('is not needed twice: what was read lately comes at once', async () => {
    const { log, finish } = await coldLog()
    await finish()
    const again = log.read({ offset: 1, maxBytes: 200, upTo: 20, wholeFirstBatch: true })
    expect(again).not.toBeInstanceOf(Promise)
  })
})

describe('close and delete', () => {
  test('a closed log says so', async () => {
    const log = await openLog()
    await append(log, batch())
    await log.close()
    await log.close()
    const closed = expect.objectContaining({ kind: 'closed' })
    expect(() => log.append([batch()], 0)).toThrow(DiskError)
    expect(() => log.read({ offset: 0, maxBytes: 1, upTo: 1, wholeFirstBatch: true })).toThrow(
      DiskError,
    )
    await expect(log.flush()).rejects.toEqual(closed)
    await expect(log.offsetForTimestamp(0)).rejects.toEqual(closed)
    await expect(log.truncateTo(0)).rejects.toEqual(closed)
  })

  test('appends that are asked for while the log is cut come after it', async () => {
    const log = await openLog({ config })
    for (let i = 0; i < 10; i++) await append(log, batch({ value: `${i}` }))
    const cut = log.truncateTo(5)
    const reading = fetch(log, 0)
    const appended = append(log, batch({ value: 'after' }))
    expect(await appended).toMatchObject({ baseOffset: 5 })
    await cut
    expect(await reading).not.toEqual([])
    expect([...(await readAll(log)).values()]).toEqual(['0', '1', '2', '3', '4', 'after'])
  })

  test('delete leaves nothing, and frees the name at once', async () => {
    const disk = new MemoryDisk()
    const log = await openLog({ disk, config })
    for (let i = 0; i < 10; i++) await append(log, batch())
    const renamed = await log.detach()
    expect(renamed).toMatch(/^\/data\/t-0\.[0-9a-f]{32}-delete$/)
    expect((await disk.list('/data')).map(({ name }) => name)).toEqual([
      renamed.slice('/data/'.length),
    ])
    const other = await openLog({ disk })
    await disk.removeFolder(await other.detach())
    expect(await disk.list(folder)).toEqual([])
  })
})
