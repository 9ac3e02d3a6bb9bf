import { IndexPages } from '@sluice/core/log/index-pages'
import { OpenFiles } from '@sluice/core/log/open-files'
import { Residency, ResidentRanges } from '@sluice/core/log/residency'
import { expiredSegments } from '@sluice/core/log/retention'
import { RollGauge } from '@sluice/core/log/roll'
import { SharedReads } from '@sluice/core/log/shared-reads'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defaultConfig } from './fixture.ts'

describe('shared reads', () => {
  const wanted = { offset: 5, upTo: 9, maxBytes: 1000, wholeFirstBatch: true }
  const records = Buffer.from('records')

  test('serve whoever wants the same, and give the buffer back after the last one, once', () => {
    const shared = new SharedReads()
    let givenBack = 0
    const first = shared.share(wanted, records, () => givenBack++)
    const second = shared.find({ ...wanted })
    expect(second?.records).toBe(records)
    first.release()
    expect(givenBack).toBe(0)
    const third = shared.find({ ...wanted })
    second?.release()
    third?.release()
    expect(givenBack).toBe(1)
    expect(shared.find({ ...wanted })).toBeUndefined()
    expect(() => first.release()).toThrow('given back once')
  })

  test('are of no use to whoever wants anything else', () => {
    const shared = new SharedReads()
    const read = shared.share(wanted, records, () => {})
    for (const other of [
      { offset: 6 },
      { upTo: 10 },
      { maxBytes: 999 },
      { wholeFirstBatch: false },
    ]) {
      expect(shared.find({ ...wanted, ...other })).toBeUndefined()
    }
    shared.forget()
    expect(shared.find(wanted)).toBeUndefined()
    read.release()
  })
})

test('index pages: those used last stay, in bounded bytes', () => {
  const pages = new IndexPages(3 * 4096)
  const [a, b] = [pages.newOwner(), pages.newOwner()]
  for (let page = 0; page < 3; page++) pages.put(a, page, Buffer.alloc(4096, page))
  expect(pages.get(a, 0)?.[0]).toBe(0)
  pages.put(b, 0, Buffer.alloc(4096, 9))
  expect(pages.bytes).toBe(3 * 4096)
  expect(pages.get(a, 1)).toBeUndefined()
  expect(pages.get(a, 0)).toBeDefined()
  expect(pages.get(b, 0)?.[0]).toBe(9)
  pages.drop(a, 0)
  expect(pages.bytes).toBe(2 * 4096)
})

describe('residency', () => {
  const mib = 2 ** 20

  test('covers what was lately written and read, until other logs pushed it out', () => {
    const residency = new Residency(14 * mib)
    const one = new ResidentRanges(residency)
    const other = new ResidentRanges(residency)
    for (let at = 0; at < 10 * mib; at += mib) one.used(at, at + mib)
    expect(one.holds(0, 10 * mib)).toBe(true)
    expect(one.holds(9 * mib, 10 * mib + 1)).toBe(false)
    for (let at = 0; at < 10 * mib; at += mib) other.used(at, at + mib)
    expect(one.holds(0, mib)).toBe(false)
    expect(one.holds(9 * mib, 10 * mib)).toBe(true)
    one.used(0, mib)
    expect(one.holds(0, mib)).toBe(true)
  })

  test('ends where the file was cut', () => {
    const ranges = new ResidentRanges(new Residency())
    ranges.used(0, 1000)
    ranges.cut(400)
    expect(ranges.holds(0, 400)).toBe(true)
    expect(ranges.holds(300, 401)).toBe(false)
    ranges.used(400, 500)
    expect(ranges.holds(0, 500)).toBe(true)
  })

  test('never says more than was used', () => {
    const range = fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 20 }))
    fc.assert(
      fc.property(fc.array(range, { maxLength: 100 }), range, (uses, [from, length]) => {
        const ranges = new ResidentRanges(new Residency(1000))
        const used = new Set<number>()
        for (const [start, count] of uses) {
          ranges.used(start, start + count)
          for (let i = 0; i < count; i++) used.add(start + i)
        }
        if (!ranges.holds(from, from + length)) return
        for (let i = from; i < from + length; i++) expect(used.has(i)).toBe(true)
      }),
    )
  })
})

describe('a segment rolls', () => {
  const segment = {
    baseOffset: 100,
    sizeBytes: 500,
    indexEntries: 0,
    bytesSinceEntry: 0,
    firstTimestampMs: 1000,
    createdMs: 5000,
    rollJitterMs: 0,
  }
  const next = { bytes: 100, lastOffset: 200, maxTimestamp: 1000 }
  const rolls = (
    config: Partial<typeof defaultConfig>,
    change: Partial<typeof segment> = {},
    batch: Partial<typeof next> = {},
    nowMs = 5000,
  ) =>
    new RollGauge({ ...segment, ...change }, { ...defaultConfig, ...config }).mustRoll(
      { ...next, ...batch },
      () => nowMs,
    )

  test.each([
    ['when it would grow too large', rolls({ segmentBytes: 599 }), true],
    ['not while it fits', rolls({ segmentBytes: 600 }), false],
    ['not while it is empty', rolls({ segmentBytes: 10 }, { sizeBytes: 0 }), false],
    ['when the batch is too young', rolls({ segmentMs: 99 }, {}, { maxTimestamp: 1100 }), true],
    ['not a millisecond earlier', rolls({ segmentMs: 100 }, {}, { maxTimestamp: 1100 }), false],
    [
      'earlier by its jitter',
      rolls({ segmentMs: 100 }, { rollJitterMs: 1 }, { maxTimestamp: 1100 }),
      true,
    ],
    ['not for the clock', rolls({ segmentMs: 99 }, {}, {}, 1e9), false],
    [
      'by the clock without times',
      rolls({ segmentMs: 99 }, { firstTimestampMs: -1 }, {}, 5100),
      true,
    ],
    ['when the index is full', rolls({ indexMaxBytes: 120 }, { indexEntries: 9 }), true],
    ['not before that', rolls({ indexMaxBytes: 120 }, { indexEntries: 8 }), false],
    ['before offsets overflow', rolls({}, {}, { lastOffset: 100 + 2 ** 31 }), true],
    ['not at the last one', rolls({}, {}, { lastOffset: 99 + 2 ** 31 }), false],
  ])('%s', (_, actual, expected) => {
    expect(actual).toBe(expected)
  })
})

test('retention takes the oldest as long as one of its reasons holds', async () => {
  const segment = (endOffset: number, sizeBytes: number, youngest: number) => ({
    endOffset,
    sizeBytes,
    youngestMs: async () => youngest,
  })
  const segments = [
    segment(10, 100, 50),
    segment(20, 100, 10),
    segment(30, 100, 90),
    segment(40, 0, -1),
  ]
  const count = (change: object, context: object = {}) =>
    expiredSegments(segments, {
      config: { ...defaultConfig, ...change },
      nowMs: 100,
      highWatermark: 40,
      startOffset: 0,
      ...context,
    })
  expect(await count({})).toBe(0)
  expect(await count({ retentionMs: 49 })).toBe(2)
  expect(await count({ retentionMs: 50 })).toBe(0)
  expect(await count({ retentionMs: 9 })).toBe(3)
  expect(await count({ retentionMs: 9 }, { highWatermark: 29 })).toBe(2)
  expect(await count({ retentionBytes: 200 })).toBe(1)
  expect(await count({ retentionBytes: 201 })).toBe(0)
  expect(await count({ retentionBytes: 0 })).toBe(3)
  expect(await count({}, { startOffset: 20 })).toBe(2)
  expect(await count({}, { startOffset: 19 })).toBe(1)
})

describe('open files', () => {
  class Fake {
    open = true
    idle = true
    unflushed = false
    closeIfIdle(unflushed: boolean): boolean {
      if (!this.idle || (this.unflushed && !unflushed)) return false
      this.open = false
      return true
    }
  }

  test('are closed when there are too many, those used last staying open', () => {
    const files = new OpenFiles(2)
    const [a, b, c] = [new Fake(), new Fake(), new Fake()]
    for (const file of [a, b, a, c]) files.used(file)
    expect([a.open, b.open, c.open]).toEqual([true, false, true])
    expect(files.count).toBe(2)
  })

  test('in use stay; those with writes to be flushed go only when no other can', () => {
    const files = new OpenFiles(2)
    const [a, b, c, d] = [new Fake(), new Fake(), new Fake(), new Fake()]
    a.idle = false
    b.unflushed = true
    for (const file of [a, b, c]) files.used(file)
    expect([a.open, b.open, c.open]).toEqual([true, false, true])
    c.unflushed = true
    files.used(d)
    expect([a.open, c.open, d.open]).toEqual([true, false, true])
  })
})
