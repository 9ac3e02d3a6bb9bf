// A compacted topic under a key-value load with tombstones and idempotent writers, in a broker as users run it,
// killed (kill -9) and stopped again and again while it compacts: it ends with exactly the latest values, and
// nothing that was deleted comes back. `npm run chaos -- compaction` does the same for as long as it is told.
//
//   COMPACTION_SEED=… vitest run test/processes/compaction.test.ts

import { setTimeout as pause } from 'node:timers/promises'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { expect, test } from 'vitest'
import { freePort } from '../lib/free-port.ts'
import { startBroker, temporaryFolder } from '../sluice/command.ts'
import { brokerArguments, cleaningsOf, createTable } from './compacting-broker.ts'
import { KeyValueLoad } from './key-value-load.ts'
import { newClient } from './loads.ts'

const kills = 4
const seed = process.env['COMPACTION_SEED'] ?? String(Math.floor(Math.random() * 1e9))
const shape = { topic: 'table', partitions: 2, keys: 100, producers: 5, valueBytes: 100 }

test(`a compacted topic ends with exactly the latest values after ${kills} kills, seed ${seed}`, async () => {
  const random = new SeededRandom(seed)
  using folder = temporaryFolder()
  const port = await freePort()
  const args = brokerArguments(port, folder.path)
  let broker = await startBroker(args)
  const client = newClient(port)
  try {
    await createTable(client, shape)
    const load = new KeyValueLoad(client, random, shape)
    let cleanings = 0
    for (let kill = 0; kill < kills; kill++) {
      await expect.poll(() => cleaningsOf(broker), { timeout: 60_000 }).toBeGreaterThan(0)
      await pause(random.between(50, 800))
      cleanings += await cleaningsOf(broker)
      await broker.end(kill % 3 === 2 ? 'SIGTERM' : 'SIGKILL')
      broker = await startBroker(args)
      expect(await load.check()).toEqual([])
    }
    await load.stop()
    const table = await load.read()
    expect(load.violations(table)).toEqual([])
    expect(broker.stderr()).not.toContain('"level":50')
    expect(table.records).toBeLessThan(load.written)
    expect(await broker.end('SIGTERM')).toBe(0)
    const { written } = load
    console.log(
      `compaction: seed ${seed}, ${cleanings} cleanings, ${written} written, ${table.records} left`,
    )
  } finally {
    client.close()
    await broker[Symbol.asyncDispose]()
  }
}, 300_000)
