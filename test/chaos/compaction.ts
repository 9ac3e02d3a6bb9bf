// npm run chaos -- compaction [--minutes 5] [--keys 2000] [--seed N]   a table compacted and killed: still right?
//
// One `sluice dev` process on disk that compacts as often as it can, under a load of sets and deletes by idempotent
// producers in every codec; it is killed (kill -9), stopped and paused at random. After each start, and at the end, the
// topic is read from its beginning: no value may be older than what was acknowledged, none that was deleted may be
// back, and the table must end exactly as it was written. Exit status 1 otherwise.

import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { freePort } from '../lib/free-port.ts'
import { residentMegabytes } from '../lib/process-figures.ts'
import { brokerArguments, cleaningsOf, createTable } from '../processes/compacting-broker.ts'
import { KeyValueLoad } from '../processes/key-value-load.ts'
import { newClient } from '../processes/loads.ts'
import { startBroker, temporaryFolder } from '../sluice/command.ts'

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    keys: { type: 'string', default: '2000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
  },
})
const durationMs = Number(options.minutes) * 60_000
const random = new SeededRandom(options.seed)
const shape = {
  topic: 'table',
  partitions: 3,
  keys: Number(options.keys),
  producers: 10,
  valueBytes: 200,
}
/** Between two kills, at most. */
const quietMsMax = 4000

using folder = temporaryFolder()
const port = await freePort()
const args = brokerArguments(port, folder.path)
let broker = await startBroker(args)
const client = newClient(port)
await createTable(client, shape)
const load = new KeyValueLoad(client, random, shape)
const violations: string[] = []
const counts = { kills: 0, stops: 0, pauses: 0, cleanings: 0 }
let rssMax = 0
console.log(`compaction: seed ${options.seed}, ${options.minutes} minutes, ${shape.keys} keys`)

for (const endMs = performance.now() + durationMs; performance.now() < endMs; ) {
  await pause(random.between(100, quietMsMax))
  rssMax = Math.max(rssMax, residentMegabytes(broker.pid).peak)
  const trouble = random.pick(['kill', 'kill', 'stop', 'pause'] as const)
  if (trouble === 'pause') {
    counts.pauses += 1
    broker.child.kill('SIGSTOP')
    await pause(random.between(100, 1500))
    broker.child.kill('SIGCONT')
    continue
  }
  counts.cleanings += await cleaningsOf(broker)
  await broker.end(trouble === 'kill' ? 'SIGKILL' : 'SIGTERM')
  counts[trouble === 'kill' ? 'kills' : 'stops'] += 1
  if (broker.stderr().includes('"level":50')) violations.push(`error lines: ${broker.stderr()}`)
  broker = await startBroker(args)
  violations.push(...(await load.check()))
}

await load.stop()
const table = await load.read()
violations.push(...load.violations(table))
await broker.end('SIGTERM')
client.close()
for (const violation of violations.slice(0, 20)) console.log(`VIOLATION ${violation}`)
const { kills, stops, pauses, cleanings } = counts
console.log(
  `${kills} kills, ${stops} stops, ${pauses} pauses, ${cleanings} cleanings that were counted`,
)
console.log(`${load.written} records written, ${table.records} left, ${table.values.size} keys`)
console.log(`resident memory ${rssMax.toFixed(0)} MB at most; ${violations.length} violations`)
process.exitCode = violations.length > 0 ? 1 : 0
