import type { DiskFile } from '@sluice/core/host/disk'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import { apis } from '@sluice/protocol/apis'
import { afterEach, describe, expect, test } from 'vitest'
import { fetchRequestOf } from './requests.ts'
import { TestBroker } from './test-broker.ts'

/** Its reads through the thread pool can be held up. */
class SlowDisk extends MemoryDisk {
  held: { readonly begun: () => void; readonly until: Promise<void> } | undefined

  override openSync(path: string, options?: { create?: boolean }): DiskFile {
    const file = super.openSync(path, options)
    const read = file.read.bind(file)
    file.read = async (target, position) => {
      this.held?.begun()
      await this.held?.until
      return read(target, position)
    }
    return file
  }
}

let running: TestBroker
afterEach(() => running.close())

/** 40 batches of 1,000 bytes in partition 1, which nobody has read since the start, and a little in partition 0. */
async function start() {
  const disk = new SlowDisk()
  const clock = new NodeClock()
  const table = new MemoryTable(new MemoryTableStore(clock))
  const before = await TestBroker.start({ disk, clock, table })
  await before.createTopic('orders', { partitions: 2 })
  const filler = await before.connect()
  await filler.produce('orders', Array(30).fill('tail'))
  for (let i = 0; i < 40; i++) await filler.produce('orders', ['x'.repeat(1000)], { partition: 1 })
  await before.close()
  running = await TestBroker.start({ disk, clock, table, seed: 'again' })
  const [reader, writer] = [await running.connect(), await running.connect()]
  return { disk, reader, writer }
}

/** Fetches; while that waits for the disk, one more record comes to the partition. */
async function fetchMeanwhile(partition: number, request: Parameters<typeof fetchRequestOf>[0]) {
  const { disk, reader, writer } = await start()
  const begun = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  disk.held = { begun: begun.resolve, until: released.promise }
  const fetched = reader.send(apis.fetch, 12, fetchRequestOf({ ...request, offset: 30 }))
  await begun.promise
  await writer.produce('orders', ['y'.repeat(15_000)], { partition })
  released.resolve()
  const { responses } = await fetched
  return responses[0].partitions.map(({ records, highWatermark }) => ({
    bytes: records?.length ?? 0,
    highWatermark,
  }))
}

describe('a fetch that waits for the disk', () => {
  test('does not wait for the next record where another partition got enough meanwhile', async () => {
    const longPoll = { maxWaitMs: 60_000, minBytes: 20_000 }
    const [tail, cold] = await fetchMeanwhile(0, { ...longPoll, partitions: [0, 1] })
    expect(tail.bytes).toBeGreaterThan(15_000)
    expect(cold.bytes).toBeGreaterThan(10_000)
  })

  test('tells the high watermark of before its read', async () => {
    const [cold] = await fetchMeanwhile(1, { maxWaitMs: 0, partitions: [1] })
    expect(cold.bytes).toBeLessThan(15_000)
    expect(cold.highWatermark).toBe(40)
  })

  test('reads again what came behind its read, rather than wait for the record after that', async () => {
    const longPoll = { maxWaitMs: 60_000, minBytes: 20_000 }
    const [cold] = await fetchMeanwhile(1, { ...longPoll, partitions: [1] })
    expect(cold.bytes).toBeGreaterThan(25_000)
    expect(cold.highWatermark).toBe(41)
  })
})
