import { DiskError } from '@sluice/core/host/disk'
import { SimulatedClock } from '@sluice/core/host/memory/clock'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { SeededRandom } from '@sluice/core/host/memory/random'
import type { Log } from '@sluice/core/log/log'
import { describe, expect, test } from 'vitest'
import { append, batch, folder, openLog, readAll, request } from './fixture.ts'

const config = { segmentBytes: 500, indexIntervalBytes: 100 }

interface Seen {
  endOffset: number
  sizeBytes: number
  segments: number
  producers: unknown
  epoch: number
}

function stateOf(log: Log): Seen {
  return {
    endOffset: log.endOffset,
    sizeBytes: log.sizeBytes,
    segments: log.segmentCount,
    producers: log
      .producers()
      .map(({ producerId, epoch, batches }) => [producerId, epoch, [...batches]]),
    epoch: log.latestEpoch,
  }
}

async function fails(attempt: () => unknown): Promise<DiskError> {
  try {
    await attempt()
  } catch (error) {
    if (error instanceof DiskError) return error
    throw error
  }
  throw new Error('it did not fail')
}

describe('a full disk', () => {
  test('takes an append whole or not at all, at whatever byte it is full, also across a roll', async () => {
    const requests = () => [
      batch({ producerId: 5, producerEpoch: 0, baseSequence: 2, value: 'a' }),
      request(...Array.from({ length: 6 }, (_, i) => batch({ value: `b${i}` }))),
      batch({ producerId: 6, producerEpoch: 0, baseSequence: 0, value: 'c' }),
    ]
    const bytes = requests().reduce((sum, { records }) => sum + records.length, 0)
    for (let room = 0; room < bytes; room += 13) {
      const disk = new MemoryDisk()
      const log = await openLog({ disk, config })
      for (let i = 0; i < 2; i++) {
        await append(
          log,
          batch({ producerId: 5, producerEpoch: 0, baseSequence: i, value: `${i}` }),
          1,
        )
      }
      const before = stateOf(log)
      disk.capacityBytes = disk.usedBytes + room
      expect((await fails(() => log.append(requests(), 2))).kind).toBe('no-space')
      expect(stateOf(log)).toEqual(before)
      expect([...(await readAll(log)).values()]).toEqual(['0', '1'])
      expect(log.failure).toBeUndefined()

      // With room again the same append goes in, and it is what a restart finds.
      disk.capacityBytes = 2 ** 30
      const outcomes = await log.append(requests(), 2)
      expect(outcomes).toMatchObject([{ baseOffset: 2 }, { baseOffset: 3 }, { baseOffset: 9 }])
      const again = await openLog({ disk, config })
      expect([...(await readAll(again)).values()]).toEqual([...(await readAll(log)).values()])
      expect(again.endOffset).toBe(10)
    }
  })

  test('that keeps an index from its file keeps nothing from being read', async () => {
    const disk = new MemoryDisk()
    const large = { segmentBytes: 2 ** 30, indexIntervalBytes: 0 }
    const log = await openLog({ disk, config: large })
    const one = batch({ value: 'x' })
    for (let i = 0; i < 600; i++) {
      disk.capacityBytes = disk.usedBytes + one.records.length
      await append(log, batch({ value: 'x' }))
    }
    expect((await readAll(log)).size).toBe(600)
    disk.capacityBytes = 2 ** 30
    await log.close()
    const names = await disk.list(folder)
    expect(names.find(({ name }) => name.endsWith('.index'))?.sizeBytes).toBe(599 * 8)
  })
})

/** Takes records, and nothing of what a flush writes beside them. */
class NearlyFullDisk extends MemoryDisk {
  full: 'replace' | 'flush folder' | undefined

  override async replaceFile(path: string, content: Uint8Array): Promise<void> {
    if (this.full === 'replace') throw new DiskError('no-space', 'replace', path)
    await super.replaceFile(path, content)
  }

  override async flushFolder(path: string): Promise<void> {
    if (this.full === 'flush folder') throw new DiskError('no-space', 'flush folder', path)
    await super.flushFolder(path)
  }
}

describe('a disk too full to flush', () => {
  const one = () => batch({ producerId: 5, producerEpoch: 0, baseSequence: 0, value: 'x' })

  test('acknowledges a repetition only when what it repeats is flushed', async () => {
    const disk = new NearlyFullDisk()
    const log = await openLog({ disk, config: { flushMessages: 1 } })
    disk.full = 'replace'
    expect((await fails(() => append(log, one()))).kind).toBe('no-space')
    expect((await fails(() => append(log, one()))).kind).toBe('no-space')
    disk.full = undefined
    expect(await append(log, one())).toMatchObject({ ok: true, baseOffset: 0, duplicate: true })
    expect(log.recoveryPoint).toBe(1)
  })

  test('stops the log where a folder was not flushed: that is not tried again', async () => {
    const disk = new NearlyFullDisk()
    const log = await openLog({ disk, config: { flushMessages: 1 } })
    disk.full = 'flush folder'
    await fails(() => append(log, one()))
    disk.full = undefined
    expect((await fails(() => append(log, batch()))).operation).toBe('flush folder')
    expect(log.recoveryPoint).toBe(0)
  })
})

describe('a flush that fails', () => {
  async function broken() {
    const random = new SeededRandom(4)
    const clock = new SimulatedClock({ random })
    const disk = new MemoryDisk({ clock, random })
    const settle = async <T>(promise: Promise<T> | T): Promise<T> => {
      let over = false
      const mark = () => {
        over = true
      }
      Promise.resolve(promise).then(mark, mark)
      await clock.runUntil(() => over, 60_000)
      return promise
    }
    return { clock, disk, settle }
  }

  test('stops the log for good: nothing more is acknowledged', async () => {
    const { clock, disk, settle } = await broken()
    const failures: DiskError[] = []
    const log = await settle(openLog({ disk, clock, failures, config: { flushMessages: 1 } }))
    await settle(append(log, batch({ value: 'kept' })))
    disk.faults.flushErrorChance = 1
    expect((await fails(() => settle(append(log, batch({ value: 'doubtful' }))))).kind).toBe('io')
    disk.faults.flushErrorChance = 0
    expect((await fails(() => settle(append(log, batch()))))?.operation).toBe('flush')
    await fails(() => settle(log.flush()))
    await fails(() => settle(log.close()))
    expect(failures).toHaveLength(1)
    expect(log.recoveryPoint).toBe(1)
  })

  test('behind a roll is told to the owner of the log', async () => {
    const { clock, disk, settle } = await broken()
    const failures: DiskError[] = []
    const log = await settle(openLog({ disk, clock, failures, config }))
    disk.faults.flushErrorChance = 1
    for (let i = 0; i < 8; i++) await settle(append(log, batch()))
    await clock.runFor(1000)
    expect(log.segmentCount).toBeGreaterThan(1)
    expect(failures).toMatchObject([{ kind: 'io', operation: 'flush' }])
    expect(log.recoveryPoint).toBe(0)
    await fails(() => settle(append(log, batch())))
  })
})

test('an append that the disk refuses leaves the log as it was', async () => {
  const random = new SeededRandom(9)
  const clock = new SimulatedClock({ random })
  const disk = new MemoryDisk({ clock, random })
  const opening = openLog({ disk, clock })
  await clock.runFor(1000)
  const log = await opening
  disk.faults.appendErrorChance = 0.5
  const acknowledged: string[] = []
  for (let i = 0; i < 200; i++) {
    const before = stateOf(log)
    const appended = (async () => append(log, batch({ value: `${i}` })))()
    const settled = appended.then(
      () => true,
      () => false,
    )
    await clock.runFor(50)
    if (await settled) acknowledged.push(`${i}`)
    else expect(stateOf(log)).toEqual(before)
  }
  expect(acknowledged.length).toBeGreaterThan(50)
  expect(acknowledged.length).toBeLessThan(150)
  const reading = readAll(log)
  await clock.runFor(1000)
  expect([...(await reading).values()]).toEqual(acknowledged)
})
