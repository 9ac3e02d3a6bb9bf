// A compaction beside all else that happens to a log: whoever cuts, closes or deletes it ends the compaction
// first; retention takes segments from under it; a damaged segment or a full disk leaves all as it was.

import { sleep } from '@sluice/core/host/clock'
import { DiskError } from '@sluice/core/host/disk'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { Throttle } from '@sluice/core/lib/throttle'
import { CleaningAborted } from '@sluice/core/log/cleaning-pass'
import type { Log } from '@sluice/core/log/log'
import { describe, expect, test } from 'vitest'
import {
  clean,
  cleanableRange,
  compactConfig,
  keyed,
  latest,
  means,
  recordsIn,
} from './compacted.ts'
import { append, folder, HandClock, openLog, startMs } from './fixture.ts'

const config = compactConfig

async function filled(setUp: Parameters<typeof openLog>[0] = {}, pairs = 60) {
  const clock = new HandClock()
  const disk = new MemoryDisk()
  const log = await openLog({ clock, disk, config, ...setUp })
  for (let i = 0; i < pairs; i++) {
    await append(log, keyed([[`k${i % 7}`, `v${i}`]], { timestampMs: startMs + i }))
  }
  return { clock, disk, log }
}

/** A cleaning that waits for its throttle, for ever if nobody ends it. */
async function stuck(log: Log, clock: HandClock) {
  const throttle = new Throttle(clock, () => 0.001)
  const cleaning = log.cleaning.clean(await cleanableRange(log), means(clock, { throttle }))
  const outcome = cleaning.then(
    () => 'done',
    (error) => error,
  )
  await new Promise((resolve) => setImmediate(resolve))
  return { outcome, timeGoesOn: setInterval(() => clock.advance(100), 1) }
}

describe('a compaction under way', () => {
  test.each<[string, (log: Log) => Promise<unknown>]>([
    ['the log is closed', (log) => log.close()],
    ['the log is deleted', (log) => log.detach()],
    ['the log is cut', (log) => log.truncateTo(20)],
    ['the log begins anew', (log) => log.truncateFullyAt(100)],
  ])('ends when %s', async (_, end) => {
    const { clock, disk, log } = await filled()
    const { outcome, timeGoesOn } = await stuck(log, clock)
    await end(log)
    expect(await outcome).toBeInstanceOf(CleaningAborted)
    clearInterval(timeGoesOn)
    const left = [...disk.writtenFiles().keys()].filter((name) => /cleaned|swap/.test(name))
    expect(left).toEqual([])
  })

  test('ends when the topic is not compacted any more', async () => {
    const cleanupPolicy = { delete: false, compact: true }
    const { clock, log } = await filled({ config: { ...config, cleanupPolicy } })
    const { outcome, timeGoesOn } = await stuck(log, clock)
    cleanupPolicy.compact = false
    expect(await outcome).toBeInstanceOf(CleaningAborted)
    clearInterval(timeGoesOn)
    expect(log.cleaning.range(log.endOffset)).toBeUndefined()
  })

  test('goes on beside appends', async () => {
    const { clock, log } = await filled()
    const range = await cleanableRange(log)
    const cleaning = log.cleaning.clean(range, means(clock))
    for (let i = 0; i < 40; i++) await append(log, keyed([[`k${i % 9}`, `beside ${i}`]]))
    const before = latest(await recordsIn(log))
    await cleaning
    expect(latest(await recordsIn(log))).toEqual(before)
    expect(log.endOffset).toBe(100)
  })

  test('gives up where retention took a segment from under it; the next one comes to its end', async () => {
    const { clock, log } = await filled({
      config: { ...config, cleanupPolicy: { compact: true, delete: true }, retentionMs: 1000 },
    })
    const range = await cleanableRange(log)
    const cleaning = log.cleaning.clean(range, means(clock))
    const outcome = cleaning.catch((error) => error)
    log.advanceStartOffset(20)
    await log.applyRetention(clock.now(), log.endOffset)
    expect(await outcome).toBeInstanceOf(CleaningAborted)
    const before = latest(await recordsIn(log))
    await clean(log, clock)
    expect(latest(await recordsIn(log))).toEqual(before)
    expect(log.startOffset).toBe(20)
    expect(log.firstDirtyOffset).toBeGreaterThan(20)
  })

  test('compact,delete: what retention.ms has outlived goes whole', async () => {
    const { clock, log } = await filled({
      config: { ...config, cleanupPolicy: { compact: true, delete: true }, retentionMs: 1000 },
    })
    await clean(log, clock)
    clock.advance(5000)
    for (let i = 0; i < 20; i++) {
      await append(log, keyed([[`k${i}`, 'young']], { timestampMs: clock.nowMs }))
    }
    await log.applyRetention(clock.now(), log.endOffset)
    expect(log.startOffset).toBeGreaterThan(50)
    expect(latest(await recordsIn(log)).get('k19')).toBe('young')
  })

  test('waits for its throttle', async () => {
    const clock = new HandClock()
    const throttle = new Throttle(clock, () => 1000)
    expect(throttle.take(500)).toBe(500)
    expect(throttle.take(500)).toBe(1000)
    clock.advance(1500)
    expect(throttle.take(100)).toBe(100)
    await Promise.all([sleep(clock, 10), Promise.resolve().then(() => clock.advance(10))])
  })
})

describe('a compaction that fails', () => {
  test('on a damaged batch, leaves the log as it was', async () => {
    const { clock, disk, log } = await filled()
    const range = await cleanableRange(log)
    const path = `${folder}/${'0'.repeat(20)}.log`
    disk.flipBit(path, 80, 3)
    await expect(log.cleaning.clean(range, means(clock))).rejects.toThrow('find a sound batch')
    expect(log.firstDirtyOffset).toBe(0)
    expect([...disk.writtenFiles().keys()].some((name) => /cleaned|swap/.test(name))).toBe(false)
    expect(log.failure).toBeUndefined()
  })

  test('on a full disk, leaves the log as it was, and is done when there is room again', async () => {
    const { clock, disk, log } = await filled()
    const before = latest(await recordsIn(log))
    const range = await cleanableRange(log)
    disk.capacityBytes = disk.usedBytes + 10
    await expect(log.cleaning.clean(range, means(clock))).rejects.toMatchObject({
      kind: 'no-space',
    })
    expect(log.failure).toBeUndefined()
    expect(latest(await recordsIn(log))).toEqual(before)
    disk.capacityBytes = 2 ** 40
    await clean(log, clock)
    expect(latest(await recordsIn(log))).toEqual(before)
  })
})

describe('lookups in a compacted log', () => {
  test('by time find the first record that is left', async () => {
    const { clock, log } = await filled()
    await clean(log, clock)
    const records = await recordsIn(log)
    for (let i = 0; i < 60; i++) {
      const found = await log.offsetForTimestamp(startMs + i)
      const expected = records.find(({ timestamp }) => timestamp >= startMs + i)
      expect(found?.offset).toBe(expected?.offset)
    }
    expect(await log.offsetForTimestamp(startMs + 60)).toBeUndefined()
    expect(await log.maxTimestamp()).toMatchObject({ offset: 59 })
  })

  test('of the youngest record do not take an empty batch for one', async () => {
    const { clock, log } = await filled({}, 20)
    const shape = { producerId: 5, producerEpoch: 0, baseSequence: 0 }
    await append(log, keyed([['young', '1']], { ...shape, timestampMs: startMs + 5000 }))
    await append(log, keyed([['young', '2']], { timestampMs: startMs + 30 }))
    for (let i = 0; i < 20; i++) await append(log, keyed([['k0', `${i}`]]))
    await clean(log, clock)
    expect(await log.maxTimestamp()).toMatchObject({ offset: 21, timestampMs: startMs + 30 })
  })

  test('of leader epochs stay right', async () => {
    const clock = new HandClock()
    const log = await openLog({ clock, config })
    for (let i = 0; i < 60; i++) await append(log, keyed([['k', `v${i}`]]), Math.floor(i / 20))
    await clean(log, clock)
    expect(log.endOffsetForEpoch(0)).toEqual({ epoch: 0, endOffset: 20 })
    expect(log.endOffsetForEpoch(1)).toEqual({ epoch: 1, endOffset: 40 })
    expect(log.epochAt(25)).toBe(1)
  })

  test('a cut in a gap ends the log where it was asked for', async () => {
    const { clock, log } = await filled()
    await clean(log, clock)
    await log.truncateTo(30)
    expect(log.endOffset).toBe(30)
    expect(await append(log, keyed([['k', 'v']]))).toMatchObject({ baseOffset: 30 })
  })
})

/** One rename has no room. */
class CrampedDisk extends MemoryDisk {
  cramped: ((from: string, to: string) => boolean) | undefined

  override async rename(from: string, to: string): Promise<void> {
    if (this.cramped?.(from, to)) {
      this.cramped = undefined
      throw new DiskError('no-space', 'rename', from)
    }
    await super.rename(from, to)
  }
}

describe('an exchange of segments that a full disk cuts short', () => {
  const places: [string, (from: string, to: string) => boolean][] = [
    ['the index of the new one', (from) => from.endsWith('.index.swap')],
    ['the log of the new one', (from) => from.endsWith('.log.swap')],
    ['the first of the old ones', (_, to) => to.endsWith('0.log.deleted')],
    ['a later one of the old ones', (_, to) => /[1-9]\.log\.deleted$/.test(to)],
  ]

  test.each(places)('at %s is ended by the next cleaning, cut or start', async (_, cramped) => {
    for (const then of ['clean', 'start', 'clean and start', 'cut'] as const) {
      const disk = new CrampedDisk()
      const { clock, log } = await filled({ disk })
      const all = await recordsIn(log)
      disk.cramped = cramped
      await expect(clean(log, clock)).rejects.toThrow('no-space')
      expect(log.failure).toBeUndefined()
      expect(latest(await recordsIn(log))).toEqual(latest(all))
      if (then.startsWith('clean')) await clean(log, clock)
      if (then === 'cut') await log.truncateTo(30)
      const expected = latest(then === 'cut' ? all.slice(0, 30) : all)
      expect(latest(await recordsIn(log))).toEqual(expected)
      if (then.endsWith('start') || then === 'cut') {
        await log.close()
        const again = await openLog({ clock, disk, config, recoveryPoint: log.recoveryPoint })
        expect(latest(await recordsIn(again))).toEqual(expected)
        expect([again.startOffset, again.endOffset]).toEqual([0, log.endOffset])
      }
      const names = [...disk.writtenFiles().keys()]
      expect(names.filter((name) => /\.(swap|cleaned|deleted)$/.test(name))).toEqual([])
    }
  })
})
