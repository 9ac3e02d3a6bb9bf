// npm run chaos -- stalled-disk [--seconds 5]   one of two disks stalls: what the rest of the broker does meanwhile
//
// One `sluice dev` process with a log directory on each of two file systems, under strace, which lets each call on
// the log of partition 0 wait for so long: first its flushes (flush.messages=1), then its writes. While a Produce to
// that partition waits, metadata, heartbeats, Produce to partition 1 on the other disk, and reads of partition 0 are
// asked for all the time, each on a connection of its own. Exit status 1 where one of these waits for the disk.
//
// A write goes to the page cache, from the event loop, and nothing tells beforehand that it will wait: the first that
// does holds up everything, once (write-pace.ts). It is measured by itself; the next ones must not.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Admin } from '@sluice/core/kafka-client/admin'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { encodeBatch } from '@sluice/protocol/records/record'
import { fetchRequestOf } from '../broker/requests.ts'
import { freePort } from '../lib/free-port.ts'
import { newClient } from '../processes/loads.ts'
import { startBroker, temporaryFolder } from '../sluice/command.ts'
import { type Call, needStrace, Strace } from './syscalls/strace.ts'

const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '5' } },
})
const stallMs = Number(options.seconds) * 1000
/** What waits for the disk takes the whole stall; the rest may wait for a busy machine and for strace. */
const waitedMs = stallMs / 2
const timeoutMs = 60_000
/** Where topics have names. */
const produceVersionMax = 12
const fetchVersionMax = 12
const pauseMs = 20
const flushes: readonly Call[] = ['fdatasync', 'fsync']
const writes: readonly Call[] = ['write', 'pwrite64', 'pwritev']

console.log(`stalled-disk: ${needStrace()}, ${stallMs} ms`)
using folder = temporaryFolder()
/** Another file system than that of temporary folders, on any usual machine. */
const sound = mkdtempSync('/dev/shm/sluice-sound-')
const slow = join(folder.path, 'slow')
const port = await freePort()
const broker = await startBroker([
  ...['dev', '--port', `${port}`, '--data', folder.path, '--json'],
  ...['--override', `log.dirs=${slow},${sound}`],
])
const clients: KafkaClient[] = []
const newOne = () => {
  const client = newClient(port)
  clients.push(client)
  return client
}
const writer = newOne()
for (const [name, configs] of [
  ['flushed', { 'flush.messages': '1' }],
  ['plain', {}],
] as const) {
  await new Admin(writer).createTopics([{ name, partitionCount: 2, configs }])
}

let failed = false
try {
  for (const topic of ['flushed', 'plain']) {
    for (const partition of [0, 1]) await produce(writer, topic, placeOf(topic, partition))
  }
  await stalled('a flush', 'flushed', flushes, true)
  await stalled('the first write', 'plain', writes, false)
} finally {
  for (const client of clients) client.close()
  await broker.end('SIGKILL')
  rmSync(sound, { recursive: true, force: true })
}
process.exitCode = failed ? 1 : 0

/** The partition on the slow disk (0) or the sound one (1). */
function placeOf(topic: string, place: number): number {
  const names = readdirSync(place === 0 ? slow : sound)
  const found = names.flatMap((name) => /^(.*)-(\d+)$/.exec(name)?.slice(1) ?? [])
  return Number(found[found.indexOf(topic) + 1])
}

async function produce(client: KafkaClient, topic: string, index: number): Promise<void> {
  const records = encodeBatch({
    records: [{ timestamp: Date.now(), key: null, value: Buffer.alloc(1000, 'x') }],
  })
  const body = {
    acks: -1,
    timeoutMs,
    topicData: [{ name: topic, partitionData: [{ index, records }] }],
  }
  const choices = { maxVersion: produceVersionMax }
  const { responses } = await client.request(apis.produce, { node: 1 }, body, choices)
  const { errorCode } = responses[0].partitionResponses[0]
  if (errorCode !== errors.NONE) throw new Error(`${topic}-${index}: error ${errorCode}`)
}

/** Everything that must go on, again and again until `over`; the milliseconds that each took. */
function others(topic: string, over: () => boolean) {
  const asks: Record<string, (client: KafkaClient) => Promise<unknown>> = {
    Metadata: (client) => client.request(apis.metadata, { node: 1 }, { topics: [{ name: topic }] }),
    Heartbeat: (client) =>
      client.request(
        apis.heartbeat,
        { node: 1 },
        {
          groupId: 'g',
          generationId: 1,
          memberId: 'nobody',
        },
      ),
    'Produce to the other disk': (client) => produce(client, topic, placeOf(topic, 1)),
    'Fetch from this disk': (client) =>
      client.request(
        apis.fetch,
        { node: 1 },
        fetchRequestOf({ topic, partitions: [placeOf(topic, 0)] }),
        { maxVersion: fetchVersionMax },
      ),
  }
  return Object.entries(asks).map(async ([name, ask]) => {
    const client = newOne()
    const took: number[] = []
    while (!over()) {
      const beginMs = performance.now()
      await ask(client)
      took.push(performance.now() - beginMs)
      await pause(pauseMs)
    }
    return { name, took: took.sort((a, b) => a - b) }
  })
}

async function stalled(what: string, topic: string, calls: readonly Call[], first: boolean) {
  const home = join(slow, `${topic}-${placeOf(topic, 0)}`)
  const paths = readdirSync(home).flatMap((name) =>
    name.endsWith('.log') ? [join(home, name)] : [],
  )
  const injection = { calls, what: `delay_enter=${stallMs * 1000}`, when: '1+', paths }
  using strace = new Strace(injection, { pid: broker.pid })
  await strace.attached()
  await measured(what, topic, first)
  if (!first) await measured('a later write', topic, true)
  await strace.detach()
}

async function measured(what: string, topic: string, mustGoOn: boolean): Promise<void> {
  let over = false
  const loops = others(topic, () => over)
  const beginMs = performance.now()
  await produce(writer, topic, placeOf(topic, 0))
  const producedMs = performance.now() - beginMs
  over = true
  console.log(`${what} that stalls: its own Produce took ${producedMs.toFixed(0)} ms`)
  if (producedMs < waitedMs) fail('it did not stall')
  for (const { name, took } of await Promise.all(loops)) {
    const at = (share: number) => took[Math.floor((took.length - 1) * share)].toFixed(1)
    console.log(
      `  ${name}: ${took.length} times, median ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)} ms`,
    )
    if (mustGoOn && took[took.length - 1] > waitedMs) fail(`${name} waited for the disk`)
  }
}

function fail(text: string): void {
  failed = true
  console.log(`VIOLATION ${text}`)
}
