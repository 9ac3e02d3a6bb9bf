// npm run chaos -- syscalls [--seconds 90] [--seed N]   killed at its n-th write, flush, rename …; disks that fail
//
// One `sluice dev` process on disk, with logs that roll, are flushed and compacted all the time, under strace:
//
//   kill      at the n-th call of a kind, while it serves, or while it starts over a log with a torn end
//   ENOSPC    for writes to a log: Produce says KAFKA_STORAGE_ERROR, and goes on when there is room again
//   EIO       for flushes of a log: nothing is acknowledged from then on until the broker was started again
//
// After each start all is read: what was acknowledged is there and once, nothing else is. Exit status 1 otherwise.

import { appendFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { SeededRandom } from '@sluice/core/host/memory/random'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { encodeBatch } from '@sluice/protocol/records/record'
import { freePort } from '../lib/free-port.ts'
import { brokerArguments, cleaningsOf, createTable } from '../processes/compacting-broker.ts'
import { KeyValueLoad } from '../processes/key-value-load.ts'
import { newClient } from '../processes/loads.ts'
import { launcher, type RunningBroker, startBroker, temporaryFolder } from '../sluice/command.ts'
import { Ledger } from './syscalls/ledger.ts'
import { type Call, diskCalls, needStrace, Strace, traced } from './syscalls/strace.ts'

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '90' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
  },
})
const random = new SeededRandom(options.seed)
const table = { topic: 'table', partitions: 1, keys: 60, producers: 3, valueBytes: 100 }
/** Where nobody calls so often, the process is let go. */
const reachedMs = 4_000
const tornShare = 0.4
const occurrences = [1, 1, 2, 3, 4, 6, 9, 14, 25, 60, 150]
const lateOccurrences = [1, 2, 3, 4, 6, 9, 14]
/** On which a start does not come before it has read its logs. */
const startCalls: readonly Call[] = ['ftruncate', 'fdatasync', 'fsync', 'rename', 'unlink']
const logWrites: readonly Call[] = ['write', 'pwrite64', 'pwritev']
const timeoutMs = 10_000
const tornRecord = { timestamp: 0, key: null, value: Buffer.alloc(40) }
/** Where topics have names. */
const produceVersionMax = 12

const violations: string[] = []
/** The client's timers alone would not keep this process alive while there is no broker. */
const alive = setInterval(() => {}, timeoutMs)
const killedAt = new Map<string, number>()
const counts = { kills: 0, startKills: 0, torn: 0, cleanings: 0, notReached: 0 }

console.log(`syscalls: seed ${options.seed}, ${options.seconds} s, ${needStrace()}`)
using folder = temporaryFolder()
const port = await freePort()
const args = [...brokerArguments(port, folder.path), '--override', 'log.index.interval.bytes=512']
let broker: RunningBroker = await startBroker(args, { env: traced })
const client = newClient(port)
await createTable(client, table)
await createTopic(client, 'plain', { 'internal.segment.bytes': '20000' })
await createTopic(client, 'flushed', { 'internal.segment.bytes': '20000', 'flush.messages': '1' })
const ledgers = { plain: new Ledger(client, 'plain'), flushed: new Ledger(client, 'flushed') }

const endMs = performance.now() + Number(options.seconds) * 1000
await fullDisk()
await failingFlush()
const load = new KeyValueLoad(client, random, table)
for (const ledger of Object.values(ledgers)) ledger.begin()
while (performance.now() < endMs && violations.length === 0) {
  await killAtCall()
  if (random.chance(tornShare)) await killWhileStarting()
  broker = await startBroker(args, { env: traced })
  await check()
  violations.push(...(await load.check()))
}

await Promise.all([load.stop(), ledgers.plain.stop(), ledgers.flushed.stop()])
violations.push(...load.violations(await load.read()))
await check()
await broker.end('SIGTERM')
client.close()
clearInterval(alive)
for (const violation of violations.slice(0, 20)) console.log(`VIOLATION ${violation}`)
const places = [...killedAt].sort(([a], [b]) => (a < b ? -1 : 1))
console.log(`killed at ${places.map(([place, times]) => `${place} ${times}`).join(', ')}`)
const { kills, startKills, torn, cleanings, notReached } = counts
console.log(
  `${kills} kills while it served, ${startKills} while it started, ${torn} torn logs, ` +
    `${notReached} not reached; ${cleanings} cleanings that were counted`,
)
const { plain, flushed } = ledgers
const written = plain.acknowledged + flushed.acknowledged + load.written
console.log(`${written} records acknowledged; ${violations.length} violations`)
process.exitCode = violations.length > 0 ? 1 : 0

async function createTopic(of: KafkaClient, name: string, given: Record<string, string>) {
  const configs = Object.entries(given).map(([key, value]) => ({ name: key, value }))
  const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs }
  const { topics } = await of.request(apis.createTopics, 'controller', {
    topics: [topic],
    timeoutMs,
  })
  if (topics[0].errorCode !== 0) throw new Error(`${name}: ${topics[0].errorMessage}`)
}

async function check(): Promise<void> {
  for (const ledger of Object.values(ledgers)) {
    await ledger.check()
    violations.push(...ledger.violations.splice(0))
  }
}

/** The broker is gone afterwards. */
async function killAtCall(): Promise<void> {
  const call = random.pick(diskCalls)
  const when = random.pick(occurrences)
  const injection = { calls: [call], what: 'signal=KILL', when: String(when) }
  counts.cleanings += await cleaningsOf(broker)
  using strace = new Strace(injection, { pid: broker.pid })
  await strace.attached()
  const killed = await Promise.race([strace.ended().then(() => true), pause(reachedMs, false)])
  if (killed) {
    counts.kills += 1
    noteKill(strace)
  } else {
    counts.notReached += 1
    await strace.detach()
  }
  await broker.end('SIGKILL')
  if (broker.stderr().includes('"level":50')) violations.push(`error lines: ${broker.stderr()}`)
}

/** Over logs whose last batch is not whole. */
async function killWhileStarting(): Promise<void> {
  for (const topic of ['plain', 'flushed', 'table']) {
    if (random.chance(0.3)) continue
    counts.torn += 1
    const torn = encodeBatch({ records: [tornRecord] }).subarray(0, 1 + random.integer(80))
    appendFileSync(lastSegment(topic), torn)
  }
  const call = random.pick(startCalls)
  const injection = { calls: [call], what: 'signal=KILL', when: `${random.pick(lateOccurrences)}` }
  const command = [process.execPath, launcher, ...args]
  using strace = new Strace(injection, { command })
  const pid = new Promise<number>((resolve) => {
    let stdout = ''
    strace.child.stdout?.on('data', (chunk) => {
      stdout += chunk
      if (stdout.includes('\n')) resolve(JSON.parse(stdout).pid)
    })
  })
  const ready = await Promise.race([strace.ended().then(() => undefined), pid])
  if (ready === undefined) {
    counts.startKills += 1
    noteKill(strace)
    return
  }
  counts.notReached += 1
  process.kill(ready, 'SIGKILL')
  await strace.ended()
}

function noteKill(strace: Strace): void {
  const { call, file } = strace.cutOff()
  const place = `${call} ${kindOf(file)}`
  killedAt.set(place, (killedAt.get(place) ?? 0) + 1)
}

/** `/tmp/…/plain-0/00000000000000000017.log` -> `.log`. */
function kindOf(file: string): string {
  if (/^(socket|TCP|pipe|anon)/.test(file)) return file.slice(0, file.search(/\W/))
  const name = file.slice(file.lastIndexOf('/') + 1)
  return /^\d{20}(\..*)/.exec(name)?.[1] ?? name.replace(/\d+/g, '#')
}

function lastSegment(topic: string): string {
  const home = join(folder.path, `${topic}-0`)
  const logs = readdirSync(home).filter((name) => name.endsWith('.log'))
  return join(home, logs.sort().at(-1) as string)
}

/** One record in a request of its own; its error. */
async function produceOnce(topic: 'plain' | 'flushed', value: string): Promise<number> {
  const batch = encodeBatch({ records: [{ timestamp: 0, key: null, value: Buffer.from(value) }] })
  const topicData = [{ name: topic, partitionData: [{ index: 0, records: batch }] }]
  const body = { acks: -1, timeoutMs, topicData }
  ledgers[topic].note(value, undefined)
  const choices = { maxVersion: produceVersionMax }
  const { responses } = await client.request(apis.produce, { node: 1 }, body, choices)
  const { errorCode, baseOffset } = responses[0].partitionResponses[0]
  if (errorCode === errors.NONE) ledgers[topic].note(value, baseOffset)
  return errorCode
}

function expectCode(what: string, code: number, wanted: number): void {
  if (code !== wanted) violations.push(`${what}: error ${code} instead of ${wanted}`)
}

async function fullDisk(): Promise<void> {
  const paths = [lastSegment('plain')]
  const injection = { calls: logWrites, what: 'error=ENOSPC', when: '1+', paths }
  using strace = new Strace(injection, { pid: broker.pid })
  await strace.attached()
  const full = await produceOnce('plain', 'no room')
  await strace.detach()
  expectCode('a full disk', full, errors.KAFKA_STORAGE_ERROR)
  expectCode('a disk with room again', await produceOnce('plain', 'room again'), errors.NONE)
  if (!broker.stderr().includes('ENOSPC')) violations.push('nothing says that the disk was full')
  await check()
}

/** The broker is started again afterwards. */
async function failingFlush(): Promise<void> {
  const calls: readonly Call[] = ['fdatasync', 'fsync']
  const paths = [lastSegment('flushed')]
  using strace = new Strace({ calls, what: 'error=EIO', when: '1+', paths }, { pid: broker.pid })
  await strace.attached()
  for (const value of ['not flushed', 'behind it']) {
    try {
      const code = await produceOnce('flushed', value)
      expectCode('a flush that fails', code, errors.KAFKA_STORAGE_ERROR)
    } catch (error) {
      // Without its only log directory a broker ends.
      if (!(error instanceof KafkaError)) throw error
    }
  }
  strace.child.kill('SIGINT')
  await broker.end('SIGKILL')
  if (!broker.stderr().includes('EIO')) violations.push('nothing says that a flush failed')
  broker = await startBroker(args, { env: traced })
  await check()
}
