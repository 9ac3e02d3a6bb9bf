// Very many partitions on one broker: their cost at rest, and the time of a start, clean and after kill -9.
//
//   npm run bench -- partitions [--partitions 10000] [--idle-seconds 20] [--rounds 3] [--profile]
//
// A real process in a folder of its own; each partition has a record. Ready means that /readyz answers 200; a start
// after kill -9 reads again what stands behind the recovery points, which kills come too soon to have written.
// --profile leaves a CPU profile of each start in the working directory.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { apis } from '@sluice/protocol/apis'
import { encodeBatch } from '@sluice/protocol/records/record'
import { cpuSeconds, median, range, residentMegabytes } from '../lib/process-figures.ts'
import { freePort, sluiceCommand } from '../outside/target.ts'
import { newClient } from '../processes/loads.ts'

const { values: options } = parseArgs({
  options: {
    partitions: { type: 'string', default: '10000' },
    'idle-seconds': { type: 'string', default: '20' },
    rounds: { type: 'string', default: '3' },
    profile: { type: 'boolean', default: false },
  },
})
const partitionCount = Number(options.partitions)
const idleSeconds = Number(options['idle-seconds'])
const rounds = Number(options.rounds)
const partitionsPerTopic = 1000
const readyTimeoutMs = 120_000
const restWindowSeconds = 5
/** Newer versions of Produce name topics by id. */
const byName = 12

interface Broker {
  readonly child: ChildProcess
  readonly pid: number
  readonly readyMs: number
  /** Processor time until then: on a busy machine the steadier figure. */
  readonly readyCpuSeconds: number
  end(signal: NodeJS.Signals): Promise<void>
}

async function start(port: number, folder: string): Promise<Broker> {
  const [command, main] = sluiceCommand
  const profile = options.profile ? ['--cpu-prof', '--cpu-prof-interval', '500'] : []
  const begin = performance.now()
  const args = [...profile, main, 'dev', '--port', String(port), '--data', folder]
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = new Promise<void>((done) => child.on('close', () => done()))
  await ready(port, child)
  return {
    child,
    pid: child.pid as number,
    readyMs: performance.now() - begin,
    readyCpuSeconds: cpuSeconds(child.pid as number),
    async end(signal) {
      child.kill(signal)
      await ended
    },
  }
}

async function ready(port: number, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + readyTimeoutMs
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the broker ended with ${child.exitCode}`)
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
    await answer?.arrayBuffer()
    if (answer?.status === 200) return
    await new Promise((done) => setTimeout(done, 10))
  }
  throw new Error('the broker was not ready in time')
}

const nameOf = (topic: number) => `many-${topic}`

async function createTopics(client: KafkaClient): Promise<void> {
  for (let made = 0; made < partitionCount; made += partitionsPerTopic) {
    const numPartitions = Math.min(partitionsPerTopic, partitionCount - made)
    const topic = { name: nameOf(made / partitionsPerTopic), numPartitions, replicationFactor: 1 }
    const topics = [{ ...topic, assignments: [], configs: [] }]
    const answer = await client.request(apis.createTopics, 'controller', {
      topics,
      timeoutMs: 60_000,
    })
    const [{ errorCode, errorMessage }] = answer.topics
    if (errorCode !== 0) throw new Error(errorMessage ?? `error ${errorCode}`)
  }
}

/** A record to each partition, a topic's at a time. */
async function produceToAll(client: KafkaClient): Promise<void> {
  for (let made = 0; made < partitionCount; made += partitionsPerTopic) {
    const count = Math.min(partitionsPerTopic, partitionCount - made)
    const record = { timestamp: Date.now(), key: null, value: Buffer.alloc(100, 'x') }
    const partitionData = Array.from({ length: count }, (_, index) => ({
      index,
      records: encodeBatch({ records: [record] }),
    }))
    const topicData = [{ name: nameOf(made / partitionsPerTopic), partitionData }]
    const request = { acks: -1, timeoutMs: 60_000, topicData }
    const answer = await client.request(apis.produce, { node: 1 }, request, { maxVersion: byName })
    for (const { errorCode } of answer.responses[0].partitionResponses) {
      if (errorCode !== 0) throw new Error(`Produce answered ${errorCode}`)
    }
  }
}

/** A mean, and by windows: one collection of V8's that falls into the time is no tick of ours. */
async function rest(broker: Broker, when: string): Promise<void> {
  await new Promise((done) => setTimeout(done, 3000))
  const windows: number[] = []
  for (let at = 0; at < idleSeconds; at += restWindowSeconds) {
    const before = cpuSeconds(broker.pid)
    await new Promise((done) => setTimeout(done, restWindowSeconds * 1000))
    windows.push(((cpuSeconds(broker.pid) - before) / restWindowSeconds) * 100)
  }
  const mean = windows.reduce((sum, one) => sum + one, 0) / windows.length
  const { now, peak } = residentMegabytes(broker.pid)
  const descriptors = readdirSync(`/proc/${broker.pid}/fd`).length
  console.log(
    `at rest ${when}: ${mean.toFixed(1)} % of a core over ${windows.length * restWindowSeconds} s ` +
      `(every ${restWindowSeconds} s: ${windows.map((one) => one.toFixed(1)).join(', ')}), ` +
      `${now.toFixed(0)} MB resident (peak ${peak.toFixed(0)}), ${descriptors} descriptors`,
  )
}

async function restarts(port: number, folder: string, signal: NodeJS.Signals, first: Broker) {
  let broker = first
  const times: number[] = []
  const cpu: number[] = []
  for (let i = 0; i < rounds; i++) {
    await broker.end(signal)
    broker = await start(port, folder)
    times.push(broker.readyMs)
    cpu.push(broker.readyCpuSeconds)
    if (signal !== 'SIGKILL') continue
    // As a broker in use: there is something to recover.
    const client = newClient(port)
    await produceToAll(client)
    client.close()
  }
  console.log(
    `start after ${signal}: ${median(times).toFixed(0)} ms (${range(times)}), ` +
      `${median(cpu).toFixed(2)} s of a core (${range(cpu)})`,
  )
  return broker
}

const folder = mkdtempSync(join(tmpdir(), 'sluice-partitions-'))
const port = await freePort()
try {
  let broker = await start(port, folder)
  console.log(`start without partitions: ${broker.readyMs.toFixed(0)} ms`)
  const client = newClient(port)
  const begin = performance.now()
  await createTopics(client)
  const createMs = performance.now() - begin
  await produceToAll(client)
  client.close()
  console.log(
    `${partitionCount} partitions made in ${(createMs / 1000).toFixed(1)} s, ` +
      `a record to each in ${((performance.now() - begin - createMs) / 1000).toFixed(1)} s`,
  )
  await rest(broker, 'after that')
  broker = await restarts(port, folder, 'SIGTERM', broker)
  await rest(broker, 'after a clean start')
  broker = await restarts(port, folder, 'SIGKILL', broker)
  await broker.end('SIGTERM')
} finally {
  rmSync(folder, { recursive: true, force: true })
}
