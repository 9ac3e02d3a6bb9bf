import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import { expect, test } from 'vitest'
import { TestBroker } from './test-broker.ts'

test('logs beside a table that was lost are kept, through every later start and topic of their names', async () => {
  const disk = new MemoryDisk()
  const before = await TestBroker.start({ disk })
  for (const topic of ['orders', 'payments']) await before.createTopic(topic)
  const client = await before.connect()
  await client.produce('orders', ['acknowledged'])
  await before.close()

  const clock = new NodeClock()
  const store = new MemoryTableStore(clock)
  const start = (seed: string) =>
    TestBroker.start({ disk, clock, table: new MemoryTable(store), seed })
  const founded = await start('founded')
  await founded.createTopic('orders')
  await founded.close()
  await (await start('once more')).close()

  const folders = (await disk.list('/data')).filter(({ folder }) => folder).map(({ name }) => name)
  expect(folders).toEqual([
    'orders-0',
    expect.stringMatching(/^orders-0\.[0-9a-f]{32}-stray$/),
    expect.stringMatching(/^payments-0\.[0-9a-f]{32}-stray$/),
  ])
  const kept = await disk.readFile(`/data/${folders[1]}/00000000000000000000.log`)
  expect(kept.toString('latin1')).toContain('acknowledged')
})
