import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { scanBatches } from '@sluice/core/log/batch-scan'
import { selectBatches } from '@sluice/core/log/batch-selection'
import { readBatchHeader } from '@sluice/protocol/records/batch'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { batch, HandClock, request } from './fixture.ts'

/** Batches with offsets, one behind the other, and where each begins. */
function stretch(sizes: readonly number[]): { content: Buffer; starts: number[] } {
  const { records, batches } = request(
    ...sizes.map((valueBytes) => batch({ records: 2, valueBytes })),
  )
  batches.forEach(({ at }, i) => {
    records.writeBigInt64BE(BigInt(i * 2), at)
  })
  return { content: records, starts: batches.map(({ at }) => at) }
}

async function scan(
  content: Buffer,
  from = 0,
  to = content.length,
  stopAt = Number.POSITIVE_INFINITY,
) {
  const disk = new MemoryDisk()
  const file = disk.openSync('/file', { create: true })
  file.append([content])
  const seen: { position: number; baseOffset: number; whole: boolean }[] = []
  const end = await scanBatches({
    file,
    clock: new HandClock(),
    from,
    to,
    visit: (buffer, at, position) => {
      const { baseOffset, batchBytes } = readBatchHeader(buffer, at)
      if (baseOffset >= stopAt) return false
      const bytes = buffer.subarray(at, at + batchBytes)
      const whole = bytes.equals(content.subarray(position, position + batchBytes))
      seen.push({ position, baseOffset, whole })
      return true
    },
  })
  return { end, seen }
}

describe('scanBatches', () => {
  test('sees every batch whole, whatever way batches and chunks meet', async () => {
    // Chunks are of 1 MiB: sizes around the chunk, the headroom and far beyond both.
    const size = fc.oneof(
      fc.integer({ min: 0, max: 2000 }),
      fc.integer({ min: 250_000, max: 600_000 }),
      fc.constantFrom(524_200, 524_300, 557_000, 800_000, 1_700_000),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(size, { minLength: 1, maxLength: 8 }), async (sizes) => {
        const { content, starts } = stretch(sizes)
        const { end, seen } = await scan(content)
        expect(end).toBe(content.length)
        expect(seen.map(({ position }) => position)).toEqual(starts)
        expect(seen.every(({ whole }) => whole)).toBe(true)
      }),
      { numRuns: 25 },
    )
  })

  test('stops before what is refused, and before what is no whole batch', async () => {
    const { content, starts } = stretch([10, 20, 30, 40])
    expect((await scan(content, 0, content.length, 4)).end).toBe(starts[2])
    expect((await scan(content, 0, content.length - 1)).end).toBe(starts[3])
    expect((await scan(content, starts[1])).seen.map(({ baseOffset }) => baseOffset)).toEqual([
      2, 4, 6,
    ])
    const short = Buffer.from(content)
    short.writeInt32BE(48, starts[2] + 8)
    expect((await scan(short)).end).toBe(starts[2])
    const old = Buffer.from(content)
    old[starts[1] + 16] = 1
    expect((await scan(old)).end).toBe(starts[1])
    expect((await scan(Buffer.alloc(5000))).end).toBe(0)
    expect((await scan(content, 0, 0)).end).toBe(0)
    // The file ends before it should.
    expect((await scan(content, 0, content.length + 10_000)).end).toBe(content.length)
  })
})

describe('selectBatches', () => {
  const all = { offset: 0, upTo: 1000, maxBytes: 1 << 30, wholeFirstBatch: true }

  test('agrees with a plain loop over the batches', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(
        sizes,
        fc.record({
          offset: fc.nat(25),
          upTo: fc.nat(26),
          maxBytes: fc.nat(900),
          wholeFirstBatch: fc.boolean(),
        }),
        (valueBytes, wanted) => {
          const { content, starts } = stretch(valueBytes)
          const ends = [...starts.slice(1), content.length]
          const first = starts.findIndex((_, i) => i * 2 + 1 >= wanted.offset)
          const selection = selectBatches(content, content.length, wanted)
          if (first === -1) {
            expect(selection).toEqual({ kind: 'more', at: content.length, bytes: 61 })
            return
          }
          let count = 0
          for (let i = first; i < starts.length; i++) {
            const bytes = ends[i] - starts[first]
            const fits = bytes <= wanted.maxBytes || (i === first && wanted.wholeFirstBatch)
            if (!fits || i * 2 + 1 >= wanted.upTo) break
            count++
          }
          const start = starts[first]
          const end = count === 0 ? start : ends[first + count - 1]
          const next = count === 0 ? wanted.offset : (first + count) * 2
          expect(selection).toEqual({ kind: 'batches', start, end, next })
        },
      ),
    )
  })

  test('asks for the rest of a batch that it needs, and only of one', () => {
    const { content, starts } = stretch([100, 100])
    const bytes = starts[1]
    expect(selectBatches(content, 30, all)).toEqual({ kind: 'more', at: 0, bytes: 61 })
    expect(selectBatches(content, 100, all)).toEqual({ kind: 'more', at: 0, bytes })
    expect(selectBatches(content, bytes + 70, all)).toMatchObject({ start: 0, end: bytes, next: 2 })
    expect(selectBatches(content, bytes + 70, { ...all, offset: 2 })).toMatchObject({
      kind: 'more',
      at: bytes,
    })
    expect(selectBatches(content, bytes + 70, { ...all, offset: 2, upTo: 3 })).toMatchObject({
      end: bytes,
    })
  })

  test('tells where no batch can begin', () => {
    const { content, starts } = stretch([100, 100])
    content.writeInt32BE(-1, starts[1] + 8)
    expect(selectBatches(content, content.length, { ...all, offset: 2 })).toEqual({
      kind: 'corrupt',
      at: starts[1],
    })
    // What is sound before it is still given.
    expect(selectBatches(content, content.length, all)).toMatchObject({ start: 0, end: starts[1] })
  })
})
