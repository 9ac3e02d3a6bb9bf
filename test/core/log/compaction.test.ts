import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { describe, expect, test } from 'vitest'
import {
  batchesIn,
  clean,
  cleanableRange,
  compactConfig,
  keyed,
  latest,
  means,
  recordsIn,
} from './compacted.ts'
import { append, fetch, folder, HandClock, openLog, startMs } from './fixture.ts'

const config = compactConfig

async function filled(pairs: number, keys: number) {
  const clock = new HandClock()
  const log = await openLog({ clock, config })
  for (let i = 0; i < pairs; i++) await append(log, keyed([[`k${i % keys}`, `v${i}`]]))
  return { clock, log }
}

describe('a cleaning', () => {
  test('leaves the latest value of each key, at its offset', async () => {
    const { clock, log } = await filled(100, 7)
    const before = await recordsIn(log)
    const range = await cleanableRange(log)
    const result = await clean(log, clock)
    expect(result.endOffset).toBe(range.endOffset)
    const after = await recordsIn(log)
    expect(latest(after)).toEqual(latest(before))
    for (const record of after) expect(before).toContainEqual(record)
    const cleaned = after.filter(({ offset }) => offset < result.endOffset)
    expect(cleaned.map(({ key }) => key).sort()).toEqual(
      [...new Set(cleaned.map(({ key }) => key))].sort(),
    )
    expect(log.endOffset).toBe(100)
    expect(log.startOffset).toBe(0)
    expect(log.firstDirtyOffset).toBe(range.endOffset)
    expect(log.segmentCount).toBeLessThanOrEqual(14)
  })

  test('never touches the last segment', async () => {
    const { clock, log } = await filled(6, 1)
    expect(log.segmentCount).toBe(1)
    expect(log.cleaning.range(log.endOffset)).toBeUndefined()
    for (let i = 0; i < 10; i++) await append(log, keyed([['k0', `w${i}`]]))
    const { endOffset } = await cleanableRange(log)
    const tail = (await recordsIn(log)).filter(({ offset }) => offset >= endOffset)
    await clean(log, clock)
    expect((await recordsIn(log)).filter(({ offset }) => offset >= endOffset)).toEqual(tail)
  })

  test('again and again, with writes between', async () => {
    const { clock, log } = await filled(10, 3)
    for (let round = 0; round < 8; round++) {
      for (let i = 0; i < 25; i++) await append(log, keyed([[`k${i % 5}`, `r${round} ${i}`]]))
      const before = latest(await recordsIn(log))
      await clean(log, clock)
      expect(latest(await recordsIn(log))).toEqual(before)
    }
    // What is left of many segments is one: the five keys, and what came since the last cleaning.
    expect(log.segmentCount).toBeLessThan(8)
  })

  test('goes over the log in several passes where the map does not hold all keys', async () => {
    const clock = new HandClock()
    const log = await openLog({ clock, config })
    for (let i = 0; i < 40; i++) {
      await append(
        log,
        keyed(Array.from({ length: 5 }, (_, j) => [`k${(i * 5 + j) % 50}`, `v${i}`])),
      )
    }
    const before = latest(await recordsIn(log))
    const range = await cleanableRange(log)
    let passes = 0
    for (let done = 0; done < range.endOffset; passes++) {
      // 24 bytes a key: seven of them.
      const { endOffset } = await clean(log, clock, { mapBytes: 24 * 8 })
      expect(endOffset).toBeGreaterThan(done)
      done = endOffset
      expect(latest(await recordsIn(log))).toEqual(before)
    }
    expect(passes).toBeGreaterThan(5)
    expect(
      (await recordsIn(log)).filter(({ offset }) => offset < range.endOffset).length,
    ).toBeLessThanOrEqual(50)
  })

  test('a fetch in a gap gets the next batch, and gaps do not end a read', async () => {
    const { clock, log } = await filled(60, 2)
    await clean(log, clock)
    const batches = await batchesIn(log)
    let expected = 0
    for (const { header } of batches) {
      for (let offset = expected; offset <= header.baseOffset; offset++) {
        const [first] = await fetch(log, offset)
        expect(first.baseOffset).toBe(header.baseOffset)
      }
      expected = header.baseOffset + header.lastOffsetDelta + 1
    }
    expect(expected).toBe(60)
  })

  test('reads under way go on in the old segments', async () => {
    const { clock, log } = await filled(60, 2)
    const range = await cleanableRange(log)
    const searches = Array.from({ length: 60 }, (_, i) => log.offsetForTimestamp(startMs + i - 59))
    const cleaning = log.cleaning.clean(range, means(clock))
    const reads = Array.from({ length: 60 }, (_, i) => fetch(log, i))
    await Promise.all([...searches, ...reads, cleaning])
    for (const [i, read] of (await Promise.all(reads)).entries()) {
      expect(read[0].lastOffset).toBeGreaterThanOrEqual(i)
    }
  })

  test('leaves nothing but the new files', async () => {
    const disk = new MemoryDisk()
    const clock = new HandClock()
    const log = await openLog({ clock, disk, config })
    for (let i = 0; i < 60; i++) await append(log, keyed([[`k${i % 3}`, `v${i}`]]))
    await clean(log, clock)
    await log.close()
    const names = (await disk.list(folder)).map(({ name }) => name)
    expect(
      names.filter((name) => !/^\d{20}\.(log|index|timeindex|snapshot)$|^leader/.test(name)),
    ).toEqual([])
    expect(names.filter((name) => name.endsWith('.log')).length).toBe(log.segmentCount)
  })
})
