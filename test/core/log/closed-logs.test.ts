// What a clean end writes down of its logs: a start that believes it must come out as one that looks into each
// log, and must not believe it of a log that was touched since.

import { brokerConfig } from '@sluice/core/config/broker-config'
import { topicConfig } from '@sluice/core/config/topic-config'
import { type DiskEntry, DiskError, type DiskFile } from '@sluice/core/host/disk'
import { silentLogger } from '@sluice/core/host/logger'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { SeededRandom } from '@sluice/core/host/memory/random'
import type { Log } from '@sluice/core/log/log'
import { LogManager } from '@sluice/core/log/log-manager'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { append, type BatchShape, batch, HandClock, readAll, startMs } from './fixture.ts'

const broker = brokerConfig({ 'log.dirs': '/data' })
if (!broker.ok) throw new Error('configs')
const { config } = broker
const topic = topicConfig(config, {
  'internal.segment.bytes': '600',
  'index.interval.bytes': '150',
  'segment.index.bytes': '48',
})
const request = {
  ...{ topic: 'orders', topicId: 'AAAAAAAAAAAAAAAAAAAAAg', partition: 0 },
  config: () => topic,
}
const file = '/data/closed-logs-checkpoint'
const mark = '/data/.kafka_cleanshutdown'

/** Remembers what of a log was looked into. */
class WatchedDisk extends MemoryDisk {
  readonly touched = new Set<string>()
  full = false

  override openSync(path: string, options?: { create?: boolean }): DiskFile {
    this.touched.add(path)
    return super.openSync(path, options)
  }

  override readSmallSync(path: string): Buffer | undefined {
    this.touched.add(path)
    return super.readSmallSync(path)
  }

  override listSmallSync(path: string): DiskEntry[] | undefined {
    this.touched.add(path)
    return super.listSmallSync(path)
  }

  override async replaceFile(path: string, content: Uint8Array): Promise<void> {
    if (this.full && path === file) throw new DiskError('no-space', 'replace', path)
    await super.replaceFile(path, content)
  }

  touchedLogs(): string[] {
    return [...this.touched].filter((path) => path.startsWith('/data/orders-'))
  }
}

function openManager(disk: MemoryDisk): Promise<LogManager> {
  const random = new SeededRandom(1)
  const clock = new HandClock()
  return LogManager.open({ clock, random, disk, logger: silentLogger, config, nodeId: 1 })
}

async function fill(log: Log, batches: readonly (BatchShape & { epoch: number })[]): Promise<void> {
  for (const { epoch, ...shape } of batches) await append(log, batch(shape), epoch)
}

/** All that can be told of a log from outside. */
async function observed(log: Log) {
  const { startOffset, endOffset, sizeBytes, segmentCount, recoveryPoint, latestEpoch } = log
  const offsets = Array.from({ length: endOffset + 1 }, (_, offset) => offset)
  const timestamps = [0, 1, 2, 5, 10, 20, 50].map((ms) => startMs + ms)
  return {
    ...{ startOffset, endOffset, sizeBytes, segmentCount, recoveryPoint, latestEpoch },
    records: [...(await readAll(log))],
    epochs: offsets.map((offset) => log.epochAt(offset)),
    producers: log.producers().map(({ producerId, epoch, lastBatch }) => {
      return { producerId, epoch, lastBatch }
    }),
    byTime: await Promise.all(timestamps.map((ms) => log.offsetForTimestamp(ms))),
    youngest: await log.maxTimestamp(),
  }
}

const closedWith = async (batches: readonly (BatchShape & { epoch: number })[], start = 0) => {
  const disk = new WatchedDisk()
  const manager = await openManager(disk)
  const log = await manager.create(request)
  await fill(log, batches)
  log.advanceStartOffset(Math.min(start, log.endOffset))
  await manager.close(3)
  return disk
}

const shape = fc.record({
  records: fc.integer({ min: 1, max: 3 }),
  valueBytes: fc.integer({ min: 1, max: 200 }),
  timestampMs: fc.integer({ min: 0, max: 50 }).map((ms) => startMs + ms),
})
const batches = fc
  .array(shape, { maxLength: 15 })
  .chain((shapes) =>
    fc.tuple(fc.constant(shapes), fc.array(fc.nat(1), { minLength: 15, maxLength: 15 })),
  )
  .map(([shapes, steps]) => {
    let epoch = 1
    return shapes.map((one, i) => {
      epoch += steps[i]
      return { ...one, epoch }
    })
  })

describe('a log that was closed', () => {
  test('is opened without a look into it', async () => {
    const disk = await closedWith([{ epoch: 1 }, { epoch: 2 }])
    disk.touched.clear()
    const log = await (await openManager(disk)).create(request)
    expect(disk.touchedLogs()).toEqual([])
    expect(await observed(log)).toMatchObject({ endOffset: 2, latestEpoch: 2, segmentCount: 1 })
  })

  test('comes out as if it had been looked into, and goes on in the same way', async () => {
    await fc.assert(
      fc.asyncProperty(batches, batches, fc.nat(5), async (before, after, start) => {
        const outcomes = []
        for (const known of [true, false]) {
          const disk = await closedWith(before, start)
          if (!known) await disk.unlink(file)
          const manager = await openManager(disk)
          const log = await manager.create(request)
          const found = await observed(log)
          await fill(log, after)
          const left = await observed(log)
          await manager.close(3)
          const files = [...disk.writtenFiles()].filter(([path]) => path.includes('orders-0/'))
          outcomes.push({
            found,
            left,
            files: files.map(([path, content]) => [path, content.toString('hex')]),
          })
        }
        expect(outcomes[0]).toEqual(outcomes[1])
      }),
      { numRuns: 150 },
    )
  })

  test('knows its producers', async () => {
    const producer = { producerId: 7, producerEpoch: 0, baseSequence: 0 }
    const disk = await closedWith([{ epoch: 1, ...producer }])
    const log = await (await openManager(disk)).create(request)
    expect(await append(log, batch(producer))).toMatchObject({ ok: true, duplicate: true })
    expect(log.endOffset).toBe(1)
  })

  test('that is not opened is looked into when it is', async () => {
    const disk = await closedWith([{ epoch: 1 }])
    await (await openManager(disk)).close(4)
    disk.touched.clear()
    const log = await (await openManager(disk)).create(request)
    expect(disk.touchedLogs()).not.toEqual([])
    expect(log.endOffset).toBe(1)
  })

  test('of another topic of that name is not this one', async () => {
    const disk = await closedWith([{ epoch: 1 }])
    const other = { ...request, topicId: 'AAAAAAAAAAAAAAAAAAAAAh' }
    const log = await (await openManager(disk)).create(other)
    expect(log.endOffset).toBe(0)
  })

  test('costs nothing when it is closed again', async () => {
    const disk = await closedWith([{ epoch: 1 }])
    const manager = await openManager(disk)
    await manager.create(request)
    disk.touched.clear()
    await manager.close(4)
    expect(disk.touchedLogs()).toEqual([])
  })
})

const log = '/data/orders-0/00000000000000000000.log'
const touches: Record<string, (disk: MemoryDisk) => Promise<unknown>> = {
  'its log is shorter': async (disk) => disk.openSync(log).truncate(90),
  'its log is another': async (disk) => disk.replaceFile(log, await disk.readFile(log)),
  'its log was written to': async (disk) =>
    disk.openSync(log).writeSync(Buffer.from([0, 0, 0, 0]), 0),
  'an index is gone': (disk) => disk.unlink(log.replace('.log', '.index')),
  'a file was added': (disk) => disk.replaceFile(`${log}.tmp`, Buffer.alloc(0)),
  'its folder is another': async (disk) => {
    await disk.rename('/data/orders-0', '/data/away')
    await disk.makeFolder('/data/orders-0')
    for (const { name } of await disk.list('/data/away')) {
      await disk.replaceFile(`/data/orders-0/${name}`, await disk.readFile(`/data/away/${name}`))
    }
    await disk.removeFolder('/data/away')
  },
  'the file is gone': (disk) => disk.unlink(file),
  'a bit of the file flipped': async (disk) => disk.flipBit(file, 100, 3),
  'the file is an older one': (disk) =>
    disk.replaceFile(file, Buffer.from('{"version":0,"logs":{}}')),
  'another program closed it': (disk) =>
    disk.replaceFile(mark, Buffer.from('{"version":0,"brokerEpoch":12}')),
  'nobody closed it': (disk) => disk.unlink(mark),
}

describe('a log is looked into where', () => {
  test.each(Object.keys(touches))('%s', async (what) => {
    const disk = await closedWith([{ epoch: 1 }, { epoch: 1 }])
    await touches[what](disk)
    disk.touched.clear()
    const manager = await openManager(disk)
    const opened = await manager.create(request)
    expect(disk.touchedLogs()).not.toEqual([])
    expect(opened.endOffset).toBe(what === 'its log is shorter' ? 1 : 2)
    expect([...(await readAll(opened)).keys()].length).toBe(opened.endOffset)
    await append(opened, batch(), 1)
    await manager.close(4)
    const again = await (await openManager(disk)).create(request)
    expect(again.endOffset).toBe(opened.endOffset)
  })

  test('the process before was killed, having opened it without a look', async () => {
    const disk = await closedWith([{ epoch: 1 }, { epoch: 1 }])
    const killed = await (await openManager(disk)).create(request)
    await append(killed, batch(), 1)
    expect(disk.statSync(file)).toBeUndefined()
    const opened = await (await openManager(disk)).create(request)
    expect(opened.endOffset).toBe(3)
  })

  test('the disk was too full to write it down', async () => {
    const disk = await closedWith([{ epoch: 1 }])
    const manager = await openManager(disk)
    await append(await manager.create(request), batch(), 1)
    disk.full = true
    await manager.close(4)
    expect(String(await disk.readFile(mark))).toBe('{"version":"0","broker_epoch":"4"}')
    const second = await openManager(disk)
    expect(second.cleanShutdownEpoch).toBe(4)
    expect((await second.create(request)).endOffset).toBe(2)
  })
})
