import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { describe, expect, test } from 'vitest'
import {
  append,
  batch,
  fetch,
  folder,
  HandClock,
  openLog,
  readAll,
  request,
  startMs,
} from './fixture.ts'

describe('append', () => {
  test('gives offsets and the leader epoch, in order, to all requests of a call', async () => {
    const log = await openLog()
    const outcomes = await log.append([batch({ records: 3 }), batch({ records: 2 })], 7)
    expect(outcomes).toMatchObject([
      { ok: true, baseOffset: 0, lastOffset: 2, duplicate: false, logAppendTimeMs: -1 },
      { ok: true, baseOffset: 3, lastOffset: 4 },
    ])
    expect(log.endOffset).toBe(5)
    expect(log.latestEpoch).toBe(7)
    expect(await fetch(log, 0)).toMatchObject([
      { baseOffset: 0, lastOffset: 2, leaderEpoch: 7 },
      { baseOffset: 3, lastOffset: 4, leaderEpoch: 7 },
    ])
  })

  test('is synchronous, and so is the read of what was just written', async () => {
    const log = await openLog()
    expect(log.append([batch()], 0)).not.toBeInstanceOf(Promise)
    const read = log.read({ offset: 0, maxBytes: 100, upTo: 1, wholeFirstBatch: true })
    expect(read).not.toBeInstanceOf(Promise)
  })

  test('says when the broker stamped the records', async () => {
    const log = await openLog()
    const outcome = await append(log, batch({ logAppendTime: 1234 }))
    expect(outcome).toMatchObject({ ok: true, logAppendTimeMs: 1234 })
  })

  test('refuses a request that no segment can hold', async () => {
    const log = await openLog({ config: { segmentBytes: 200 } })
    const outcomes = await log.append([batch({ valueBytes: 300 }), batch()], 0)
    expect(outcomes).toMatchObject([
      { ok: false, error: 18 },
      { ok: true, baseOffset: 0 },
    ])
  })

  test('splits a call over segments', async () => {
    const disk = new MemoryDisk()
    const log = await openLog({ disk, config: { segmentBytes: 300 } })
    const outcomes = await log.append(
      [batch({ records: 2 }), request(batch(), batch(), batch()), batch()],
      0,
    )
    expect(outcomes).toMatchObject([
      { baseOffset: 0 },
      { baseOffset: 2, lastOffset: 4 },
      { baseOffset: 5 },
    ])
    expect(log.segmentCount).toBeGreaterThan(1)
    expect((await readAll(log)).size).toBe(6)
    await log.close()
    const names = (await disk.list(folder)).map(({ name }) => name)
    expect(names).toContain('00000000000000000000.timeindex')
  })

  test('rolls when a batch is younger than the first by more than segment.ms', async () => {
    const log = await openLog({ config: { segmentMs: 1000 } })
    await append(log, batch({ timestampMs: startMs }))
    await append(log, batch({ timestampMs: startMs + 1000 }))
    expect(log.segmentCount).toBe(1)
    await append(log, batch({ timestampMs: startMs + 1001 }))
    expect(log.segmentCount).toBe(2)
  })

  test('rolls by the clock where the first batch has no timestamp', async () => {
    const clock = new HandClock()
    const log = await openLog({ clock, config: { segmentMs: 1000 } })
    await append(log, batch({ timestampMs: -1 }))
    clock.advance(1001)
    await append(log, batch({ timestampMs: -1 }))
    expect(log.segmentCount).toBe(2)
  })

  test('rolls when an index is full', async () => {
    const log = await openLog({ config: { indexIntervalBytes: 0, indexMaxBytes: 12 * 4 } })
    for (let i = 0; i < 20; i++) await append(log, batch({ timestampMs: startMs + i }))
    expect(log.segmentCount).toBeGreaterThan(3)
    expect((await readAll(log)).size).toBe(20)
  })
})

describe('read', () => {
  test('a fetch at an offset inside a batch gets that whole batch', async () => {
    const log = await openLog()
    await append(log, batch({ records: 10 }))
    await append(log, batch({ records: 10 }))
    for (const offset of [10, 13, 19]) {
      expect(await fetch(log, offset)).toMatchObject([{ baseOffset: 10, lastOffset: 19 }])
    }
  })

  test('shows nothing at or above upTo', async () => {
    const log = await openLog()
    for (let i = 0; i < 5; i++) await append(log, batch({ records: 2 }))
    expect(await fetch(log, 0, { upTo: 6 })).toHaveLength(3)
    expect(await fetch(log, 6, { upTo: 6 })).toEqual([])
    expect(await fetch(log, 8, { upTo: 6 })).toEqual([])
    // A batch that reaches over it stays out as a whole.
    expect(await fetch(log, 0, { upTo: 5 })).toHaveLength(2)
  })

  test('gives the first batch whole however little is asked for, or nothing', async () => {
    const log = await openLog()
    await append(log, batch({ valueBytes: 100_000 }))
    await append(log, batch())
    expect(await fetch(log, 0, { maxBytes: 1 })).toHaveLength(1)
    expect(await fetch(log, 0, { maxBytes: 1, wholeFirstBatch: false })).toHaveLength(0)
    expect(await fetch(log, 1, { maxBytes: 1000, wholeFirstBatch: false })).toHaveLength(1)
  })

  test('never gives more than maxBytes beyond the first batch', async () => {
    const log = await openLog()
    for (let i = 0; i < 50; i++) await append(log, batch({ valueBytes: 100 }))
    const read = await log.read({ offset: 0, maxBytes: 1000, upTo: 50, wholeFirstBatch: true })
    expect(read).toMatchObject({ ok: true })
    if (read.ok) expect(read.bytes).toBeLessThanOrEqual(1000)
  })

  test('tells offsets that are not there', async () => {
    const log = await openLog()
    await append(log, batch({ records: 5 }))
    log.advanceStartOffset(2)
    const at = (offset: number) =>
      log.read({ offset, maxBytes: 100, upTo: 5, wholeFirstBatch: true })
    expect(await at(1)).toEqual({ ok: false, error: 'out-of-range' })
    expect(await at(6)).toEqual({ ok: false, error: 'out-of-range' })
    expect(await at(5)).toMatchObject({ ok: true, bytes: 0 })
  })

  test('goes from segment to segment', async () => {
    const log = await openLog({ config: { segmentBytes: 500, indexIntervalBytes: 100 } })
    for (let i = 0; i < 40; i++) await append(log, batch({ value: `value ${i}` }))
    for (let offset = 0; offset < 40; offset++) {
      const [first] = await fetch(log, offset)
      expect(first).toMatchObject({ baseOffset: offset, values: [`value ${offset}`] })
    }
  })
})

describe('close and open', () => {
  test('after a clean end the log goes on where it stopped', async () => {
    const disk = new MemoryDisk()
    const log = await openLog({ disk, config: { segmentBytes: 2000, indexIntervalBytes: 200 } })
    for (let i = 0; i < 30; i++) await append(log, batch({ value: `${i}` }), 3)
    await log.close()
    const again = await openLog({
      disk,
      cleanShutdown: true,
      recoveryPoint: log.recoveryPoint,
      config: { segmentBytes: 2000, indexIntervalBytes: 200 },
    })
    expect(again.endOffset).toBe(30)
    expect(again.latestEpoch).toBe(3)
    expect(again.recoveryPoint).toBe(30)
    for (let i = 30; i < 60; i++) await append(again, batch({ value: `${i}` }), 4)
    expect([...(await readAll(again)).values()]).toEqual(
      Array.from({ length: 60 }, (_, i) => `${i}`),
    )
  })

  test('after a kill everything that was appended is there', async () => {
    const disk = new MemoryDisk()
    const log = await openLog({ disk, config: { segmentBytes: 2000, indexIntervalBytes: 200 } })
    for (let i = 0; i < 30; i++) await append(log, batch({ value: `${i}` }), 3)
    const again = await openLog({ disk, config: { segmentBytes: 2000, indexIntervalBytes: 200 } })
    expect([...(await readAll(again)).values()]).toEqual(
      Array.from({ length: 30 }, (_, i) => `${i}`),
    )
    expect(again.latestEpoch).toBe(3)
    await append(again, batch({ value: '30' }), 3)
    expect((await readAll(again)).get(30)).toBe('30')
  })
})
