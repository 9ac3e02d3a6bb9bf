import type { DiskFile } from '@sluice/core/host/disk'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import { apis } from '@sluice/protocol/apis'
import { expect, test } from 'vitest'
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

test('what is committed while a fetch reads from the disk does not wait for the next record', async () => {
  const disk = new SlowDisk()
  const clock = new NodeClock()
  const table = new MemoryTable(new MemoryTableStore(clock))
  const before = await TestBroker.start({ disk, clock, table })
  await before.createTopic('orders', { partitions: 2 })
  const filler = await before.connect()
  await filler.produce('orders', Array(30).fill('tail'))
  for (let i = 0; i < 40; i++) await filler.produce('orders', ['x'.repeat(1000)], { partition: 1 })
  await before.close()

  const running = await TestBroker.start({ disk, clock, table, seed: 'again' })
  const [reader, writer] = [await running.connect(), await running.connect()]
  const begun = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  disk.held = { begun: begun.resolve, until: released.promise }
  const maxWaitMs = 60_000
  const request = { partitions: [0, 1], offset: 30, maxWaitMs, minBytes: 20_000 }
  const fetched = reader.send(apis.fetch, 12, fetchRequestOf(request))
  await begun.promise
  await writer.produce('orders', ['y'.repeat(15_000)])
  released.resolve()
  const { responses } = await fetched
  const records = responses[0].partitions.map((one) => one.records?.length ?? 0)
  expect(records[0]).toBeGreaterThan(15_000)
  expect(records[1]).toBeGreaterThan(10_000)
  await running.close()
})
