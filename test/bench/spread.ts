// Very many partitions written at once, beside one partition: MB/s and processor seconds a GiB of the broker.
//
//   npm run bench -- spread [--partitions 1000] [--batch 16384] [--depth 5] [--seconds 3] [--rounds 3]
//                           [--port PORT --pid PID]
//
// Batches are encoded beforehand, acks=all, so many requests under way on one connection (Kafka's producer: 5):
//
//   one        a batch of the one partition in each request, as a producer has it
//   in turn    a batch of another partition in each request
//   together   a request holds batches of as many partitions as fit into 1 MB (max.request.size)
//
// The three take turns in each round. MB/s are the most of all rounds, processor figures the least, since whatever
// else a machine does only makes them worse. With --port and --pid another broker is measured.

import { parseArgs } from 'node:util'
import { apis } from '@sluice/protocol/apis'
import { requestFrame } from '@sluice/protocol/frame'
import { encodeBatch } from '@sluice/protocol/records/record'
import { cpuSeconds, residentMegabytes } from '../lib/process-figures.ts'
import { freePort, startSluice } from '../outside/target.ts'
import { newClient } from '../processes/loads.ts'
import { connected, Load } from './load.ts'

const { values: options } = parseArgs({
  options: {
    partitions: { type: 'string', default: '1000' },
    batch: { type: 'string', default: '16384' },
    depth: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    port: { type: 'string' },
    pid: { type: 'string' },
  },
})
const partitionCount = Number(options.partitions)
const batchBytes = Number(options.batch)
const depth = Number(options.depth)
const seconds = Number(options.seconds)
const rounds = Number(options.rounds)
const requestBytesMax = 1024 * 1024
const warmUpSeconds = 2
const produceVersion = 9
const one = 'spread-one'
const many = 'spread-many'

const valueBytes = Math.min(1000, batchBytes - 80)
const records = encodeBatch({
  records: Array.from({ length: Math.floor((batchBytes - 70) / (valueBytes + 12)) || 1 }, () => ({
    timestamp: Date.now(),
    key: null,
    value: Buffer.alloc(valueBytes, 'x'),
  })),
})

function produceFrame(name: string, partitions: readonly number[]): Buffer {
  const partitionData = partitions.map((index) => ({ index, records }))
  const body = { acks: -1, timeoutMs: 30_000, topicData: [{ name, partitionData }] }
  return Buffer.concat(requestFrame(apis.produce, produceVersion, 1, 'bench', body))
}

interface Case {
  readonly name: string
  readonly batchesARequest: number
  /** In turn. */
  readonly frames: readonly Buffer[]
}

function cases(): Case[] {
  const all = Array.from({ length: partitionCount }, (_, index) => index)
  const together = Math.max(1, Math.floor(requestBytesMax / records.length))
  const groups = Array.from(
    { length: Math.max(1, Math.floor(partitionCount / together)) },
    (_, i) => all.slice(i * together, (i + 1) * together),
  )
  return [
    { name: 'one', batchesARequest: 1, frames: [produceFrame(one, [0])] },
    {
      name: 'in turn',
      batchesARequest: 1,
      frames: all.map((index) => produceFrame(many, [index])),
    },
    {
      name: 'together',
      batchesARequest: groups[0].length,
      frames: groups.map((partitions) => produceFrame(many, partitions)),
    },
  ]
}

interface Figures {
  readonly megabytesPerSecond: number
  readonly cpuSecondsPerGib: number
}

async function measure(at: { port: number; pid: number }, { frames, batchesARequest }: Case) {
  const socket = await connected(at.port)
  let next = 0
  const load = new Load(socket, () => frames[next++ % frames.length])
  const cpuBefore = cpuSeconds(at.pid)
  const began = performance.now()
  load.start(depth)
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  await load.stop()
  const elapsed = (performance.now() - began) / 1000
  const bytes = load.answers * batchesARequest * records.length
  socket.destroy()
  const cpuSecondsPerGib = (cpuSeconds(at.pid) - cpuBefore) / (bytes / 2 ** 30)
  return { megabytesPerSecond: bytes / 1e6 / elapsed, cpuSecondsPerGib }
}

async function createTopics(port: number): Promise<void> {
  const client = newClient(port)
  const topics = [
    { name: one, numPartitions: 1 },
    { name: many, numPartitions: partitionCount },
  ].map((topic) => ({ ...topic, replicationFactor: 1, assignments: [], configs: [] }))
  const request = { topics, timeoutMs: 60_000 }
  const answer = await client.request(apis.createTopics, 'controller', request)
  for (const { errorCode, errorMessage } of answer.topics) {
    if (errorCode !== 0) throw new Error(errorMessage ?? `error ${errorCode}`)
  }
  client.close()
}

const given = options.port && options.pid
const target = given ? undefined : await startSluice(await freePort())
const at = target ?? { port: Number(options.port), pid: Number(options.pid) }
try {
  await createTopics(at.port)
  const figures = new Map<string, Figures[]>()
  const all = cases()
  for (const each of all) await measure(at, each)
  await new Promise((resolve) => setTimeout(resolve, warmUpSeconds * 1000))
  for (let round = 0; round < rounds; round++) {
    for (const each of round % 2 === 0 ? all : all.toReversed()) {
      const seen = figures.get(each.name) ?? []
      seen.push(await measure(at, each))
      figures.set(each.name, seen)
    }
  }
  const best = (name: string) => {
    const seen = figures.get(name) ?? []
    return {
      megabytes: Math.max(...seen.map(({ megabytesPerSecond }) => megabytesPerSecond)),
      cpu: Math.min(...seen.map(({ cpuSecondsPerGib }) => cpuSecondsPerGib)),
    }
  }
  const alone = best('one')
  for (const { name } of all) {
    const { megabytes, cpu } = best(name)
    console.log(
      `${partitionCount} partitions, batches of ${batchBytes} B, ${name.padEnd(8)}: ` +
        `${megabytes.toFixed(0).padStart(4)} MB/s (${((megabytes / alone.megabytes) * 100).toFixed(0)} % of one), ` +
        `${cpu.toFixed(3)} CPU s/GiB (${(cpu / alone.cpu).toFixed(2)} times that of one)`,
    )
  }
  console.log(`${residentMegabytes(at.pid).peak.toFixed(0)} MB resident at most`)
} finally {
  await target?.stop()
  target?.remove()
}
