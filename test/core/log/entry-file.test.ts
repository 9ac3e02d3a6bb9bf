import { SimulatedClock } from '@sluice/core/host/memory/clock'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { runReads } from '@sluice/core/log/disk-reads'
import { EntryFile } from '@sluice/core/log/entry-file'
import { IndexPages } from '@sluice/core/log/index-pages'
import { OpenFiles } from '@sluice/core/log/open-files'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const path = '/index'
const entryBytes = 12

function entry(key: number): Buffer {
  const made = Buffer.alloc(entryBytes, key)
  made.writeInt32BE(key)
  return made
}

function open(disk: MemoryDisk, pages = new IndexPages(), savedCount?: number) {
  return new EntryFile({
    openFile: () => disk.openSync(path, { create: true }),
    entryBytes,
    resources: { pages, files: new OpenFiles(2) },
    savedCount,
  })
}

async function keyBelow(file: EntryFile, limit: number): Promise<number | undefined> {
  const found = await runReads(file.findLast((page, at) => page.readInt32BE(at) < limit, false))
  return found?.page.readInt32BE(found.at)
}

type Step =
  | { kind: 'append'; count: number }
  | { kind: 'save' | 'reopen' | 'goOn' }
  | { kind: 'cut'; share: number }

describe('an entry file', () => {
  test('holds what was appended, in memory or in the file, whatever is done to it', async () => {
    const step: fc.Arbitrary<Step> = fc.oneof(
      fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 500 }) }),
      fc.record({ kind: fc.constantFrom('save' as const, 'reopen' as const, 'goOn' as const) }),
      fc.record({
        kind: fc.constant('cut' as const),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.boolean(), async (steps, slow) => {
        const disk = new MemoryDisk()
        // For good: a memory disk without a clock has no time to be fast in.
        if (slow) disk.pace.took(Number.POSITIVE_INFINITY)
        // Room for two pages: most lookups go to the file.
        const pages = new IndexPages(8192)
        let file = open(disk, pages)
        let count = 0
        for (const step of steps) {
          if (step.kind === 'append') {
            for (let i = 0; i < step.count; i++) file.append(entry(count++ * 10))
          } else if (step.kind === 'save') {
            await file.save()
          } else if (step.kind === 'cut') {
            count = Math.floor(count * step.share)
            await file.truncate(count)
          } else {
            await file.save()
            await file.close()
            file = open(disk, pages, count)
            if (step.kind === 'goOn') file.goOn()
            else await file.truncate(count)
          }
          expect(file.count).toBe(count)
          for (const index of [0, 1, 340, 341, 342, 700, count >> 1, count - 1]) {
            if (index < 0 || index >= count) continue
            expect(await keyBelow(file, index * 10 + 1)).toBe(index * 10)
            expect(await keyBelow(file, index * 10 + 10)).toBe(index * 10)
          }
          expect(await keyBelow(file, 0)).toBeUndefined()
          expect(pages.bytes).toBeLessThanOrEqual(8192)
        }
        await file.save()
        const content = await disk.readFile(path)
        expect(
          content.equals(Buffer.concat(Array.from({ length: count }, (_, i) => entry(i * 10)))),
        ).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('keeps in memory what is on its way to a slow disk', async () => {
    const clock = new SimulatedClock({ random: new SeededRandom(1) })
    const disk = new MemoryDisk({ clock, random: new SeededRandom(1) })
    disk.pace.took(Number.POSITIVE_INFINITY)
    disk.faults.appendMs = 5000
    const file = open(disk)
    for (let i = 0; i < 1000; i++) file.append(entry(i))
    expect(file.closeIfIdle()).toBe(false)
    expect(await keyBelow(file, 200)).toBe(199)
    await clock.runFor(6000)
    expect(disk.openSync(path).sizeBytes).toBe(341 * entryBytes)
    expect(file.closeIfIdle()).toBe(true)
    // The next page takes along what came meanwhile.
    for (let i = 1000; i < 1023; i++) file.append(entry(i))
    await clock.runFor(6000)
    expect(disk.openSync(path).sizeBytes).toBe(1023 * entryBytes)
    const found = keyBelow(file, 400)
    await clock.runFor(100)
    expect(await found).toBe(399)
  })

  test('is there, empty, once it is saved; before a whole page it is not', async () => {
    const disk = new MemoryDisk()
    const file = open(disk)
    file.append(entry(1))
    expect(await disk.list('/')).toEqual([])
    await file.truncate(0)
    await file.save()
    expect(await disk.list('/')).toEqual([{ name: 'index', folder: false, sizeBytes: 0 }])
  })

  test('keeps in memory what a full disk does not take', async () => {
    const disk = new MemoryDisk({ capacityBytes: 4096 })
    const file = open(disk)
    for (let i = 0; i < 1500; i++) file.append(entry(i))
    expect(await keyBelow(file, 1500)).toBe(1499)
    expect(await keyBelow(file, 800)).toBe(799)
    await expect(file.save()).rejects.toMatchObject({ kind: 'no-space' })
    disk.capacityBytes = 1 << 20
    await file.truncate(1400)
    await file.save()
    file.seal()
    expect(await keyBelow(file, 801)).toBe(800)
    expect((await disk.readFile(path)).length).toBe(1400 * entryBytes)
  })
})
