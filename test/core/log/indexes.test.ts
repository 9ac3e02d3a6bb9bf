import { MemoryDisk } from '@sluice/core/host/memory/disk'
import type { Log } from '@sluice/core/log/log'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { append, batch, fetch, folder, openLog, readAll, startMs } from './fixture.ts'

const config = { segmentBytes: 3000, indexIntervalBytes: 200 }
const count = 60

async function closedLog(): Promise<{ disk: MemoryDisk; log: Log }> {
  const disk = new MemoryDisk()
  const log = await openLog({ disk, config })
  for (let i = 0; i < count; i++) {
    await append(log, batch({ value: `value ${i}`, timestampMs: startMs + i * 10 }), 1)
  }
  await log.close()
  return { disk, log }
}

const reopen = (disk: MemoryDisk, log: Log) =>
  openLog({ disk, config, cleanShutdown: true, recoveryPoint: log.recoveryPoint })

async function indexFiles(disk: MemoryDisk, kind: 'index' | 'timeindex') {
  const entries = await disk.list(folder)
  return entries.filter(({ name }) => name.endsWith(`.${kind}`))
}

/** Offsets and timestamps are found where they are. */
async function expectSound(log: Log): Promise<void> {
  for (let offset = count - 1; offset >= 0; offset -= 7) {
    const [first] = await fetch(log, offset)
    expect(first).toMatchObject({ baseOffset: offset, values: [`value ${offset}`] })
    const found = await log.offsetForTimestamp(startMs + offset * 10 - 3)
    expect(found).toMatchObject({ offset })
  }
  expect(await log.maxTimestamp()).toMatchObject({ offset: count - 1 })
}

describe('an index file', () => {
  test('has entries of Kafka’s form, the last offset of a batch at its position', async () => {
    const { disk } = await closedLog()
    const [{ name }] = await indexFiles(disk, 'index')
    const index = await disk.readFile(`${folder}/${name}`)
    const content = await disk.readFile(`${folder}/${name.replace('index', 'log')}`)
    expect(index.length).toBeGreaterThan(8 * 3)
    for (let at = 0; at < index.length; at += 8) {
      const position = index.readInt32BE(at + 4)
      const lastOffset =
        Number(content.readBigInt64BE(position)) + content.readInt32BE(position + 23)
      expect(index.readInt32BE(at)).toBe(lastOffset)
    }
  })

  test('of times ends with the youngest record of its segment', async () => {
    const { disk } = await closedLog()
    for (const { name, sizeBytes } of await indexFiles(disk, 'timeindex')) {
      const index = await disk.readFile(`${folder}/${name}`)
      const content = await disk.readFile(`${folder}/${name.replace('timeindex', 'log')}`)
      const base = Number(content.readBigInt64BE(0))
      const last = base + index.readInt32BE(sizeBytes - 4)
      expect(Number(index.readBigInt64BE(sizeBytes - 12))).toBe(startMs + last * 10)
    }
  })

  test.each(['index', 'timeindex'] as const)(
    'a flipped bit anywhere in a .%s is found out: reads stay right, and it is built again',
    async (kind) => {
      const { disk: probe } = await closedLog()
      const files = await indexFiles(probe, kind)
      for (const { name, sizeBytes } of files) {
        for (let byte = 0; byte < sizeBytes; byte += 3) {
          const { disk, log } = await closedLog()
          disk.flipBit(`${folder}/${name}`, byte, byte % 8)
          const again = await reopen(disk, log)
          await expectSound(again)
          await again.close()
        }
      }
    },
  )

  test('a damaged one is built again behind the reads', async () => {
    const { disk, log } = await closedLog()
    const [{ name }] = await indexFiles(disk, 'index')
    const sound = await disk.readFile(`${folder}/${name}`)
    disk.flipBit(`${folder}/${name}`, 7, 0)
    const again = await reopen(disk, log)
    for (let offset = 0; offset < 20; offset++) await fetch(again, offset)
    await expect
      .poll(async () => (await disk.readFile(`${folder}/${name}`)).equals(sound))
      .toBe(true)
    await expectSound(again)
  })

  test.each(['index', 'timeindex'] as const)(
    'a .%s that is not there is built again',
    async (kind) => {
      const { disk, log } = await closedLog()
      const files = await indexFiles(disk, kind)
      const sound = await Promise.all(files.map(({ name }) => disk.readFile(`${folder}/${name}`)))
      for (const { name } of files) await disk.unlink(`${folder}/${name}`)
      const again = await reopen(disk, log)
      await expectSound(again)
      await again.close()
      const built = await Promise.all(files.map(({ name }) => disk.readFile(`${folder}/${name}`)))
      expect(built).toEqual(sound)
    },
  )

  test.each(['index', 'timeindex'] as const)(
    'a .%s of odd length, or longer or shorter than its log, does no harm',
    async (kind) => {
      const { disk: probe } = await closedLog()
      for (const { name } of await indexFiles(probe, kind)) {
        for (const change of [-1, -12, -24, 5, 24]) {
          const { disk, log } = await closedLog()
          const content = await disk.readFile(`${folder}/${name}`)
          const changed =
            change < 0
              ? content.subarray(0, change)
              : Buffer.concat([content, Buffer.alloc(change, 1)])
          await disk.replaceFile(`${folder}/${name}`, changed)
          const again = await reopen(disk, log)
          for (let offset = 0; offset < count; offset += 5) {
            const [first] = await fetch(again, offset)
            expect(first).toMatchObject({ baseOffset: offset })
          }
        }
      }
    },
  )
})

describe('looking up by time', () => {
  test('finds the first record that is not older, whatever order the times come in', async () => {
    const timestamps = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(timestamps, fc.integer({ min: 0, max: 45 }), async (times, wanted) => {
        const log = await openLog({ config: { segmentBytes: 600, indexIntervalBytes: 100 } })
        // Three records a batch, each a millisecond younger.
        for (const time of times)
          await append(log, batch({ records: 3, timestampMs: startMs + time }), 2)
        const all = times.flatMap((time) => [time, time + 1, time + 2])
        const first = all.findIndex((time) => time >= wanted)
        const found = await log.offsetForTimestamp(startMs + wanted)
        if (first === -1) expect(found).toBeUndefined()
        else
          expect(found).toEqual({
            offset: first,
            timestampMs: startMs + all[first],
            leaderEpoch: 2,
          })
        const youngest = Math.max(...all)
        expect(await log.maxTimestamp()).toEqual({
          offset: all.indexOf(youngest),
          timestampMs: startMs + youngest,
          leaderEpoch: 2,
        })
      }),
      { numRuns: 60 },
    )
  })

  test('sees neither deleted records nor those without a time', async () => {
    const log = await openLog()
    await append(log, batch({ timestampMs: startMs + 100 }))
    await append(log, batch({ timestampMs: startMs }))
    await append(log, batch({ timestampMs: startMs + 50 }))
    log.advanceStartOffset(1)
    expect(await log.maxTimestamp()).toMatchObject({ offset: 2 })
    expect(await log.offsetForTimestamp(startMs + 1)).toMatchObject({ offset: 2 })
    expect(await log.offsetForTimestamp(startMs + 100)).toBeUndefined()
    const timeless = await openLog()
    await append(timeless, batch({ timestampMs: -1 }))
    expect(await timeless.maxTimestamp()).toBeUndefined()
    expect(await timeless.offsetForTimestamp(0)).toBeUndefined()
  })
})

test('indexes larger than a page go to their files while the segment grows, and are found there', async () => {
  const disk = new MemoryDisk()
  const large = { segmentBytes: 2 ** 30, indexIntervalBytes: 0 }
  const log = await openLog({ disk, config: large })
  for (let i = 0; i < 30; i++) {
    const requests = Array.from({ length: 100 }, (_, j) =>
      batch({ value: `${i * 100 + j}`, timestampMs: startMs + i * 100 + j }),
    )
    await log.append(requests, 0)
  }
  const spilled = (await disk.list(folder)).find(({ name }) => name.endsWith('.index'))
  expect(spilled?.sizeBytes).toBe(5 * 4096)
  for (const offset of [0, 1, 511, 512, 513, 1023, 1700, 2559, 2560, 2998, 2999]) {
    expect((await fetch(log, offset, { maxBytes: 1 }))[0]).toMatchObject({ values: [`${offset}`] })
    expect(await log.offsetForTimestamp(startMs + offset)).toMatchObject({ offset })
  }
  await log.truncateTo(1500)
  for (let i = 1500; i < 3000; i++)
    await append(log, batch({ value: `${i}`, timestampMs: startMs + i }))
  await log.close()
  const again = await openLog({ disk, config: large, cleanShutdown: true, recoveryPoint: 3000 })
  expect((await readAll(again)).size).toBe(3000)
  for (const offset of [0, 511, 512, 1499, 1500, 2999]) {
    expect((await fetch(again, offset, { maxBytes: 1 }))[0]).toMatchObject({
      values: [`${offset}`],
    })
  }
})
