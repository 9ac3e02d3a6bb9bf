// A broker as users run it, `sluice dev` in a process of its own on a real disk, killed under load (kill -9) at
// random moments: nothing acknowledged is lost, no offset is missing, nothing is there twice.
//
//   KILL_SEED=… vitest run test/processes/kill.test.ts

import { SeededRandom } from '@sluice/core/host/memory/random'
import { apis } from '@sluice/protocol/apis'
import { expect, test } from 'vitest'
import { freePort } from '../lib/free-port.ts'
import { type RunningBroker, sluice, startBroker, temporaryFolder } from '../sluice/command.ts'
import { History, readTopic } from './history.ts'
import { kafkajsLoad, newClient, ownLoad } from './loads.ts'

const kills = 5
const partitions = 3
const seed = process.env['KILL_SEED'] ?? String(Math.floor(Math.random() * 1e9))
/** Small segments: some kills hit a roll. */
const overrides = ['num.partitions=3', 'log.segment.bytes=1048576', 'log.index.interval.bytes=512']

const topic = { numPartitions: partitions, replicationFactor: 1, assignments: [] }

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

test(`nothing acknowledged is lost by ${kills} kills under load, seed ${seed}`, async () => {
  const random = new SeededRandom(seed)
  using folder = temporaryFolder()
  const port = await freePort()
  const args = ['dev', '--port', `${port}`, '--data', folder.path, '--json']
  for (const override of overrides) args.push('--override', override)
  let broker: RunningBroker = await startBroker(args)
  const client = newClient(port)
  try {
    // Flushed before each answer: a kill finds batches that are in the log and not acknowledged yet, and
    // that will be sent again.
    await client.request(apis.createTopics, 'controller', {
      topics: [{ ...topic, name: 'own', configs: [{ name: 'flush.messages', value: '1' }] }],
      timeoutMs: 5_000,
    })
    const own = new History()
    const kafkajs = new History()
    const loads = [ownLoad(client, 'own', own), await kafkajsLoad(port, 'kafkajs', kafkajs)]
    for (let kill = 0; kill < kills; kill++) {
      const before = own.acknowledged + kafkajs.acknowledged
      await expect.poll(() => own.acknowledged + kafkajs.acknowledged).toBeGreaterThan(before)
      await pause(random.between(50, 800))
      await broker.end('SIGKILL')
      broker = await startBroker(args)
    }
    // The folder takes no second one, and a stop in the middle of it all is as good as a kill.
    const other = await sluice(['dev', '--port', '0', '--data', folder.path])
    expect([other.status, other.stderr]).toEqual([1, expect.stringContaining('is in use')])
    expect(await broker.end('SIGTERM')).toBe(0)
    broker = await startBroker(args)
    await pause(300)
    await Promise.all(loads.map((load) => load.stop()))

    expect(own.violations(await readTopic(client, 'own', partitions))).toEqual([])
    expect(kafkajs.violations(await readTopic(client, 'kafkajs', partitions))).toEqual([])
    expect(await broker.end('SIGTERM')).toBe(0)
    const counts = `${own.acknowledged} records of ours, ${kafkajs.acknowledged} of kafkajs`
    console.log(`kill: seed ${seed}, ${kills} kills, ${counts}`)
  } finally {
    client.close()
    await broker[Symbol.asyncDispose]()
  }
}, 300_000)
