// The pure parts of the log cleaner: what is cleaned, in which order, in which groups; the map of keys.

import {
  cleanableRange,
  dirtyRatio,
  firstDirtyOffset,
  isDue,
} from '@sluice/core/log/cleanable-range'
import { KeyHash } from '@sluice/core/log/key-hash'
import type { LogConfig } from '@sluice/core/log/log-config'
import { OffsetMap } from '@sluice/core/log/offset-map'
import { segmentGroups } from '@sluice/core/log/segment-groups'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defaultConfig } from './fixture.ts'

const nowMs = 1_000_000

describe('what can be cleaned', () => {
  const segments = [0, 10, 20, 30].map((baseOffset) => ({ baseOffset, sizeBytes: 100 }))
  const range = (
    over: Partial<Parameters<typeof cleanableRange>[0]> & { rules?: Partial<LogConfig> } = {},
  ) => {
    const first = over.firstDirtyOffset ?? 0
    const dirty = segments
      .slice(0, -1)
      .filter((_, i) => segments[i + 1].baseOffset > first)
      .map((one) => ({
        ...one,
        firstTimestampMs: nowMs - 1000 + one.baseOffset,
        largestTimestampMs: nowMs - 1000 + one.baseOffset,
      }))
    return cleanableRange({
      segments,
      dirty,
      firstDirtyOffset: 0,
      stableOffset: 40,
      flushedOffset: 40,
      nowMs,
      ...over,
      config: { ...defaultConfig, ...over.rules },
    })
  }

  test('all but the last segment', () => {
    expect(range()).toMatchObject({ endOffset: 30, cleanBytes: 0, dirtyBytes: 300 })
    expect(range({ firstDirtyOffset: 20 })).toMatchObject({
      firstDirtyOffset: 20,
      endOffset: 30,
      cleanBytes: 200,
      dirtyBytes: 100,
    })
  })

  test('nothing that is not committed, stable and flushed, and segments are cleaned whole', () => {
    expect(range({ stableOffset: 29 }).endOffset).toBe(20)
    expect(range({ stableOffset: 20 }).endOffset).toBe(20)
    expect(range({ flushedOffset: 15 }).endOffset).toBe(10)
    expect(range({ stableOffset: 5 })).toMatchObject({ endOffset: 0, dirtyBytes: 0 })
    expect(range({ firstDirtyOffset: 30 })).toMatchObject({ endOffset: 30, dirtyBytes: 0 })
  })

  test('nothing younger than min.compaction.lag.ms', () => {
    expect(range({ rules: { minCompactionLagMs: 985 } }).endOffset).toBe(20)
    expect(range({ rules: { minCompactionLagMs: 2000 } })).toMatchObject({ dirtyBytes: 0 })
    expect(range({ rules: { minCompactionLagMs: 500 } }).endOffset).toBe(30)
  })

  test('is due by its share of the log, or by its age', () => {
    const half = { ...defaultConfig, minCleanableRatio: 0.5 }
    expect(dirtyRatio(range({ firstDirtyOffset: 10 }))).toBeCloseTo(2 / 3)
    expect(isDue(range({ firstDirtyOffset: 10 }), half)).toBe(true)
    expect(isDue(range({ firstDirtyOffset: 20 }), half)).toBe(false)
    const late = range({ firstDirtyOffset: 20, rules: { maxCompactionLagMs: 900 } })
    expect(late.overdueMs).toBe(80)
    expect(isDue(late, half)).toBe(true)
    expect(isDue({ ...late, dirtyBytes: 0 }, half)).toBe(false)
  })

  test('a checkpoint that does not fit the log counts for nothing', () => {
    const log = { startOffset: 10, endOffset: 50 }
    expect(firstDirtyOffset(5, log)).toBe(10)
    expect(firstDirtyOffset(51, log)).toBe(10)
    expect(firstDirtyOffset(30, log)).toBe(30)
  })
})

describe('groups', () => {
  const segment = (baseOffset: number, sizeBytes: number, endOffset: number, index = 8) => ({
    baseOffset,
    sizeBytes,
    endOffset,
    offsetIndexBytes: index,
    timeIndexBytes: index,
  })
  const limits = { segmentBytes: 100, indexMaxBytes: 24 }
  const bases = (groups: { baseOffset: number }[][]) =>
    groups.map((group) => group.map(({ baseOffset }) => baseOffset))

  test('take as many neighbours as fit a segment and its indexes', () => {
    const sizes = [40, 40, 40, 100, 10, 10, 10, 10]
    const segments = sizes.map((size, i) => segment(i * 10, size, i * 10 + 10))
    expect(bases(segmentGroups(segments, limits))).toEqual([
      [0, 10],
      [20],
      [30],
      [40, 50, 60],
      [70],
    ])
  })

  test('end where offsets cannot be told from the base any more', () => {
    const far = 2 ** 31
    const segments = [segment(0, 1, 10), segment(10, 1, far), segment(far, 1, far + 1)]
    expect(bases(segmentGroups(segments, limits))).toEqual([[0, 10], [far]])
  })

  test('hold every segment once, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(150)), (sizes) => {
        const segments = sizes.map((size, i) => segment(i * 10, size, i * 10 + 10))
        const groups = segmentGroups(segments, limits)
        expect(groups.flat()).toEqual(segments)
        for (const group of groups) {
          const bytes = group.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
          expect(group.length === 1 || bytes <= limits.segmentBytes).toBe(true)
        }
      }),
    )
  })
})

describe('the offset map', () => {
  test('holds the last offset of each key, and no more keys than it has room for', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.uint8Array({ maxLength: 20 }), fc.nat(2 ** 31)), { maxLength: 200 }),
        fc.integer({ min: 2, max: 40 }),
        (puts, slots) => {
          const hashKey = Buffer.alloc(16, 3)
          const map = new OffsetMap({ hashKey, bytesMax: slots * 24, loadFactor: 0.75, keys: 1e6 })
          const model = new Map<string, number>()
          for (const [key, small] of puts) {
            // Beyond 2^32, too.
            const offset = small * 2 ** 20
            const name = Buffer.from(key).toString('hex')
            const took = map.put(key, 0, key.length, offset)
            expect(took).toBe(model.has(name) || model.size < Math.max(1, Math.floor(slots * 0.75)))
            if (took) model.set(name, offset)
          }
          expect(map.count).toBe(model.size)
          for (const [key] of puts) {
            const offset = model.get(Buffer.from(key).toString('hex')) ?? -1
            expect(map.get(key, 0, key.length)).toBe(offset)
          }
          expect(map.sizeBytes).toBeLessThanOrEqual(slots * 24)
        },
      ),
    )
  })

  test('is as small as the keys allow', () => {
    const options = { hashKey: Buffer.alloc(16), bytesMax: 2 ** 27, loadFactor: 0.9, keys: 100 }
    expect(new OffsetMap(options).sizeBytes).toBeLessThan(3000)
  })

  test('knows keys by SipHash-2-4 with 128 bits', () => {
    // The vectors of the reference implementation.
    const hash = new KeyHash(Buffer.from(Array.from({ length: 16 }, (_, i) => i)))
    const of = (length: number) => {
      hash.take(Buffer.from(Array.from({ length }, (_, i) => i)), 0, length)
      return Buffer.from(hash.words.buffer).toString('hex')
    }
    expect([0, 1, 2].map(of)).toEqual([
      'a3817f04ba25a8e66df67214c7550293',
      'da87c1d86b99af44347659119b22fc45',
      '8177228da4a45dc7fca38bdef60affe4',
    ])
  })
})
