import { SimulatedClock } from '@sluice/core/host/memory/clock'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { Log } from '@sluice/core/log/log'
import { describe, expect, test } from 'vitest'
import { append, batch, defaultConfig, fetch, folder, openLog, readAll } from './fixture.ts'

const logPath = (base: number) => `${folder}/${String(base).padStart(20, '0')}.log`

async function contentOf(disk: MemoryDisk, path: string): Promise<Buffer> {
  return disk.readFile(path)
}

/** A disk with one log file. */
async function diskWith(content: Uint8Array, base = 0): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  await disk.makeFolder(folder)
  await disk.replaceFile(logPath(base), content)
  return disk
}

async function names(disk: MemoryDisk): Promise<string[]> {
  return (await disk.list(folder)).map(({ name }) => name)
}

/** Batches of two records each, and the bytes behind each of them. */
async function writeBatches(count: number): Promise<{ content: Buffer; ends: number[] }> {
  const disk = new MemoryDisk()
  const log = await openLog({ disk })
  const ends: number[] = []
  for (let i = 0; i < count; i++) {
    await append(log, batch({ records: 2, value: `batch ${i}` }), 1)
    ends.push(log.sizeBytes)
  }
  return { content: await contentOf(disk, logPath(0)), ends }
}

describe('a torn tail', () => {
  test('is cut at the last whole batch, at whatever byte of the last two batches it tore', async () => {
    const { content, ends } = await writeBatches(5)
    for (let bytes = ends[2]; bytes < content.length; bytes++) {
      const disk = await diskWith(content.subarray(0, bytes))
      const log = await openLog({ disk })
      const whole = ends.filter((end) => end <= bytes).length
      expect(log.endOffset, `${bytes} bytes`).toBe(whole * 2)
      expect((await contentOf(disk, logPath(0))).length).toBe(ends[whole - 1])
      expect(await append(log, batch({ value: 'next' }), 1)).toMatchObject({
        baseOffset: whole * 2,
      })
      expect((await readAll(log)).get(whole * 2)).toBe('next')
    }
  })

  test('of zeros, of any length, is cut', async () => {
    const { content, ends } = await writeBatches(3)
    for (const zeros of [1, 12, 60, 61, 512, 5000]) {
      const disk = await diskWith(Buffer.concat([content, Buffer.alloc(zeros)]))
      expect((await openLog({ disk })).endOffset).toBe(6)
      expect((await contentOf(disk, logPath(0))).length).toBe(ends[2])
    }
  })

  test('a batch with zeros in its middle is cut, and what is whole behind it', async () => {
    const { content, ends } = await writeBatches(4)
    for (let at = ends[1] + 8; at < ends[2]; at++) {
      const torn = Buffer.from(content)
      torn[at] ^= 0xff
      const log = await openLog({ disk: await diskWith(torn) })
      // Leader epoch and base offset lie outside the CRC; a wrong epoch cannot be told from a newer one.
      const inEpoch = at >= ends[1] + 12 && at < ends[1] + 16
      if (!inEpoch) expect(log.endOffset, `byte ${at - ends[1]}`).toBe(4)
    }
  })

  test('a length that reaches beyond any batch does not reserve that memory', async () => {
    const { content, ends } = await writeBatches(2)
    const torn = Buffer.from(content)
    torn.writeInt32BE(0x7fffff00, ends[0] + 8)
    expect((await openLog({ disk: await diskWith(torn) })).endOffset).toBe(2)
  })

  test('takes the segments behind it along', async () => {
    const disk = new MemoryDisk()
    const config = { segmentBytes: 300 }
    const log = await openLog({ disk, config })
    for (let i = 0; i < 20; i++) await append(log, batch({ value: `${i}` }), 1)
    await log.close()
    const bases = (await names(disk))
      .filter((name) => name.endsWith('.log'))
      .map((name) => parseInt(name, 10))
    expect(bases.length).toBeGreaterThan(3)
    disk.flipBit(logPath(bases[1]), 100, 2)
    const again = await openLog({ disk, config })
    expect(again.endOffset).toBeLessThan(bases[2])
    expect((await names(disk)).filter((name) => name.endsWith('.log'))).toHaveLength(2)
    const values = [...(await readAll(again)).values()]
    expect(values).toEqual(Array.from({ length: again.endOffset }, (_, i) => `${i}`))
  })
})

describe('what stands where it should not', () => {
  test('a batch that comes twice is cut', async () => {
    const { content, ends } = await writeBatches(3)
    const twice = Buffer.concat([content.subarray(0, ends[1]), content.subarray(ends[0])])
    expect((await openLog({ disk: await diskWith(twice) })).endOffset).toBe(4)
  })

  test('a batch that leaves a gap is cut, unless the topic is compacted', async () => {
    const { content, ends } = await writeBatches(3)
    const gap = Buffer.concat([content.subarray(0, ends[0]), content.subarray(ends[1])])
    expect((await openLog({ disk: await diskWith(gap) })).endOffset).toBe(2)
    const compacted = { cleanupPolicy: { delete: false, compact: true } }
    expect((await openLog({ disk: await diskWith(gap), config: compacted })).endOffset).toBe(6)
  })

  test('below the recovery point a gap stays: nothing was lost there', async () => {
    const { content, ends } = await writeBatches(3)
    const gap = Buffer.concat([content.subarray(0, ends[0]), content.subarray(ends[1])])
    const log = await openLog({ disk: await diskWith(gap), recoveryPoint: 5 })
    expect(log.endOffset).toBe(6)
    expect(await fetch(log, 2)).toMatchObject([{ baseOffset: 4 }])
  })

  test('a segment whose name does not fit its first batch is emptied', async () => {
    const { content } = await writeBatches(3)
    const log = await openLog({ disk: await diskWith(content, 100) })
    expect(log.endOffset).toBe(100)
    expect(log.sizeBytes).toBe(0)
    expect(await append(log, batch())).toMatchObject({ baseOffset: 100 })
  })

  test('a segment that begins inside the one before is removed', async () => {
    const { content, ends } = await writeBatches(4)
    const disk = await diskWith(content)
    await disk.replaceFile(logPath(4), content.subarray(ends[1]))
    const log = await openLog({ disk })
    expect(log.endOffset).toBe(4)
    expect(await names(disk)).not.toContain('00000000000000000004.log')
  })

  test('an older leader epoch behind a newer one is cut: it came back from before a truncation', async () => {
    const { content, ends } = await writeBatches(3)
    const stale = Buffer.from(content)
    stale.writeInt32BE(5, ends[0] + 12)
    expect((await openLog({ disk: await diskWith(stale) })).endOffset).toBe(4)
  })

  test('the same in the segment behind', async () => {
    const { content, ends } = await writeBatches(3)
    const newer = Buffer.from(content.subarray(0, ends[0]))
    newer.writeInt32BE(5, 12)
    const disk = await diskWith(newer)
    await disk.replaceFile(logPath(2), content.subarray(ends[0]))
    expect((await openLog({ disk })).endOffset).toBe(2)
  })

  test('empty files, files without a log and files half deleted do no harm', async () => {
    const { content } = await writeBatches(3)
    const disk = await diskWith(content)
    await disk.replaceFile(logPath(6), Buffer.alloc(0))
    for (const name of [
      '00000000000000000099.index',
      '00000000000000000099.timeindex',
      '00000000000000000003.dedup',
      '00000000000000000000.log.deleted',
      'leader-epoch-checkpoint.tmp',
    ]) {
      await disk.replaceFile(`${folder}/${name}`, Buffer.from('rubbish'))
    }
    await disk.replaceFile(`${folder}/leader-epoch-checkpoint`, Buffer.from('0\n7\n1 0\n'))
    const log = await openLog({ disk })
    expect(log.endOffset).toBe(6)
    expect(log.latestEpoch).toBe(1)
    await log.close()
    const left = await names(disk)
    expect(left.filter((name) => /99|deleted|tmp|003/.test(name))).toEqual([])
  })

  test('only an empty file: the log begins there', async () => {
    const log = await openLog({ disk: await diskWith(Buffer.alloc(0), 7), cleanShutdown: true })
    expect([log.startOffset, log.endOffset]).toEqual([7, 7])
    expect(await append(log, batch())).toMatchObject({ baseOffset: 7 })
  })

  test('a start offset behind the end: the log begins there, empty', async () => {
    const { content } = await writeBatches(3)
    const log = await openLog({ disk: await diskWith(content), startOffset: 50 })
    expect([log.startOffset, log.endOffset, log.sizeBytes]).toEqual([50, 50, 0])
  })
})

describe('the recovery point', () => {
  test('only what lies behind it is read; its segment is cut by CRC from there on', async () => {
    const disk = new MemoryDisk()
    const config = { segmentBytes: 300 }
    const log = await openLog({ disk, config })
    for (let i = 0; i < 9; i++) await append(log, batch({ value: `${i}` }), 1)
    await log.flush()
    const { recoveryPoint } = log
    expect(recoveryPoint).toBe(9)
    for (let i = 9; i < 12; i++) await append(log, batch({ value: `${i}` }), 1)
    // Damage to what had been flushed is not a torn write: it is left for its readers to see.
    disk.flipBit(logPath(0), 90, 1)
    const again = await openLog({ disk, config, recoveryPoint })
    expect(again.endOffset).toBe(12)
    expect(again.startOffset).toBe(0)
  })

  test('moves with a flush, and over a sealed segment in the background', async () => {
    const log = await openLog({ config: { segmentBytes: 300 } })
    await append(log, batch({ valueBytes: 150 }))
    expect(log.recoveryPoint).toBe(0)
    await append(log, batch({ valueBytes: 150 }))
    await expect.poll(() => log.recoveryPoint).toBe(1)
    await log.flush()
    expect(log.recoveryPoint).toBe(2)
  })
})

describe('leader epochs', () => {
  test('bug class 14: a clean end keeps them, in the file', async () => {
    const disk = new MemoryDisk()
    const log = await openLog({ disk })
    await append(log, batch(), 2)
    await append(log, batch(), 5)
    await log.close()
    const again = await openLog({ disk, cleanShutdown: true, recoveryPoint: 2 })
    expect(again.latestEpoch).toBe(5)
    expect(again.endOffsetForEpoch(2)).toEqual({ epoch: 2, endOffset: 1 })
    expect(again.endOffsetForEpoch(5)).toEqual({ epoch: 5, endOffset: 2 })
  })

  test('bug class 14: those below the recovery point are in the file when a crash comes', async () => {
    const disk = new MemoryDisk()
    const log = await openLog({ disk, config: { segmentBytes: 300 } })
    for (const epoch of [2, 5, 7]) await append(log, batch({ valueBytes: 150 }), epoch)
    await log.flush()
    const { recoveryPoint } = log
    expect(recoveryPoint).toBe(3)
    const again = await openLog({ disk, recoveryPoint })
    expect(again.endOffsetForEpoch(2)).toEqual({ epoch: 2, endOffset: 1 })
    expect(again.endOffsetForEpoch(5)).toEqual({ epoch: 5, endOffset: 2 })
  })

  test('bug class 14: come back from the batches where a crash kept the file from being written', async () => {
    const disk = new MemoryDisk()
    const log = await openLog({ disk })
    await append(log, batch(), 2)
    await append(log, batch(), 5)
    await append(log, batch(), 5)
    const again = await openLog({ disk })
    expect(again.endOffsetForEpoch(2)).toEqual({ epoch: 2, endOffset: 1 })
    expect(again.endOffsetForEpoch(5)).toEqual({ epoch: 5, endOffset: 3 })
    expect(again.endOffsetForEpoch(4)).toEqual({ epoch: 2, endOffset: 1 })
    expect(again.endOffsetForEpoch(9)).toEqual({ epoch: -1, endOffset: -1 })
  })

  test('are cut to what is left of the log', async () => {
    const { content, ends } = await writeBatches(3)
    const disk = await diskWith(content.subarray(0, ends[1]))
    await disk.replaceFile(`${folder}/leader-epoch-checkpoint`, Buffer.from('0\n2\n1 0\n8 4\n'))
    const log = await openLog({ disk })
    expect(log.latestEpoch).toBe(1)
    expect(log.endOffsetForEpoch(1)).toEqual({ epoch: 1, endOffset: 4 })
  })
})

test('recovery gives the loop back every few milliseconds', async () => {
  const disk = new MemoryDisk()
  const log = await openLog({ disk, config: { segmentBytes: 2 ** 30 } })
  const requests = Array.from({ length: 1000 }, () => batch({ valueBytes: 1000 }))
  for (let i = 0; i < 20; i++) await log.append(requests, 1)
  // Each look at this clock costs a millisecond.
  let nowMs = 0
  let turns = 0
  const clock = {
    now: () => 0,
    monotonic: () => nowMs++,
    setTimer: () => ({ cancel() {} }),
    defer: (run: () => void) => {
      turns++
      setImmediate(run)
    },
  }
  const again = await openLog({ disk, clock, config: { ...defaultConfig, segmentBytes: 2 ** 30 } })
  expect(again).toBeInstanceOf(Log)
  expect(again.endOffset).toBe(20_000)
  expect(turns).toBeGreaterThan(30)
})

describe('what was cut stays cut', () => {
  // A torn batch of 74 of its 75 bytes was cut off in the file, but not flushed: after a second power loss
  // its bytes and the first one of what had been appended instead made a whole batch again.
  test('also when nothing is left of the file, and power is lost once more', async () => {
    const { content } = await writeBatches(1)
    for (let seed = 0; seed < 20; seed++) {
      const random = new SeededRandom(seed)
      const world = new SimulatedClock({ random })
      const disk = new MemoryDisk({ clock: world, random })
      const settle = async <T>(promise: Promise<T>) => {
        let over = false
        promise.finally(() => {
          over = true
        })
        await world.runUntil(() => over, 60_000)
        return promise
      }
      await settle(disk.makeFolder(folder))
      for (const path of ['/', '/data']) await settle(disk.flushFolder(path))
      await settle(disk.replaceFile(logPath(0), content.subarray(0, -1)))
      await settle(openLog({ disk, clock: world }))
      disk.crash('power', world)
      expect(disk.openSync(logPath(0)).sizeBytes).toBe(0)
    }
  })
})
