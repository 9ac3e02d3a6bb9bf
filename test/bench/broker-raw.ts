// The broker's hot path alone: pre-encoded Produce frames over loopback, answers counted, nothing decoded.
//
//   npm run bench -- broker-raw [--seconds 5] [--connections 1] [--port PORT --pid PID]
//
// Batches of 64 KiB and of 1 KiB, one request at a time and sixteen; then the same bytes are fetched. Prints
// MB/s, requests/s and the broker's processor seconds a GB. With --port and --pid another broker is measured.

import type { Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { type Api, apis } from '@sluice/protocol/apis'
import { readResponse, requestFrame } from '@sluice/protocol/frame'
import { FrameReader } from '@sluice/protocol/frame-reader'
import { encodeBatch } from '@sluice/protocol/records/record'
import type { Decoded, Encodable, Message } from '@sluice/protocol/schema'
import { cpuSeconds, residentMegabytes } from '../lib/process-figures.ts'
import { freePort, startSluice } from '../outside/target.ts'
import { connected, Load } from './load.ts'

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '1' },
    port: { type: 'string' },
    pid: { type: 'string' },
  },
})
const seconds = Number(options.seconds)
const produceVersion = 9
const fetchVersion = 12
const recordBytes = 1000

interface Case {
  readonly batchBytes: number
  readonly depth: number
}

const cases: readonly Case[] = [
  { batchBytes: 64 * 1024, depth: 1 },
  { batchBytes: 64 * 1024, depth: 16 },
  { batchBytes: 1024, depth: 1 },
  { batchBytes: 1024, depth: 16 },
]

async function ask<Q extends Message, S extends Message>(
  socket: Socket,
  api: Api<Q, S>,
  version: number,
  body: Encodable<Q>,
): Promise<Decoded<S>> {
  const answered = Promise.withResolvers<Buffer>()
  const reader = new FrameReader({ maxBytes: 1 << 28, onFrame: answered.resolve })
  const onData = (bytes: Buffer) => reader.push(bytes)
  socket.on('data', onData)
  socket.write(Buffer.concat(requestFrame(api, version, 1, 'bench', body)))
  const frame = await answered.promise
  socket.off('data', onData)
  return readResponse(api, version, frame).body
}

function produceFrame(topic: string, batchBytes: number): Buffer {
  const valueBytes = Math.min(recordBytes, batchBytes - 100)
  const count = Math.max(1, Math.floor((batchBytes - 70) / (valueBytes + 12)))
  const records = encodeBatch({
    records: Array.from({ length: count }, () => ({
      timestamp: Date.now(),
      key: null,
      value: Buffer.alloc(valueBytes, 'x'),
    })),
  })
  const body = {
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
  }
  return Buffer.concat(requestFrame(apis.produce, produceVersion, 1, 'bench', body))
}

function fetchFrame(topic: string, fetchOffset: number): Buffer {
  const partition = { partition: 0, fetchOffset, partitionMaxBytes: 1024 * 1024 }
  return Buffer.concat(
    requestFrame(apis.fetch, fetchVersion, 1, 'bench', {
      maxWaitMs: 100,
      minBytes: 1,
      topics: [{ topic, partitions: [partition] }],
      forgottenTopicsData: [],
    }),
  )
}

async function measure(name: string, pid: number, loads: readonly Load[], depth: number) {
  const cpuBefore = cpuSeconds(pid)
  const began = performance.now()
  const before = loads.map(({ answers, bytes }) => ({ answers, bytes }))
  for (const load of loads) load.start(depth)
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  const elapsed = (performance.now() - began) / 1000
  const cpu = cpuSeconds(pid) - cpuBefore
  const sum = (of: (load: Load, i: number) => number) =>
    loads.reduce((total, load, i) => total + of(load, i), 0)
  const answers = sum((load, i) => load.answers - before[i].answers)
  const bytesIn = sum((load, i) => load.bytes - before[i].bytes)
  await Promise.all(loads.map((load) => load.stop()))
  return { name, elapsed, cpu, answers, bytesIn }
}

function report(
  { name, elapsed, cpu, answers }: Awaited<ReturnType<typeof measure>>,
  bytes: number,
  pid: number,
): void {
  const gigabytes = bytes / 1e9
  console.log(
    [
      name.padEnd(28),
      `${(bytes / 1e6 / elapsed).toFixed(0).padStart(6)} MB/s`,
      `${(answers / elapsed).toFixed(0).padStart(8)} requests/s`,
      `${(cpu / gigabytes).toFixed(2).padStart(7)} CPU s/GB`,
      `${((cpu / answers) * 1e6).toFixed(1).padStart(7)} CPU us/request`,
      `${((cpu / elapsed) * 100).toFixed(0).padStart(4)} % of a core`,
      `${residentMegabytes(pid).now.toFixed(0).padStart(5)} MB`,
    ].join('  '),
  )
}

async function run(port: number, pid: number): Promise<void> {
  const admin = await connected(port)
  const connections = Number(options.connections)
  for (const { batchBytes, depth } of cases) {
    const topic = `raw-${batchBytes}-${depth}`
    await ask(admin, apis.metadata, 7, { topics: [{ name: topic }], allowAutoTopicCreation: true })
    const frame = produceFrame(topic, batchBytes)
    const sockets = await Promise.all(Array.from({ length: connections }, () => connected(port)))
    const loads = sockets.map((socket) => new Load(socket, () => frame))
    const figures = await measure(`produce ${batchBytes / 1024} KiB x ${depth}`, pid, loads, depth)
    report(figures, figures.answers * frame.length, pid)
    for (const socket of sockets) socket.destroy()
  }
  const topic = `raw-${64 * 1024}-1`
  for (const depth of [1, 4]) {
    const sockets = await Promise.all(Array.from({ length: connections }, () => connected(port)))
    let offset = 0
    const loads = sockets.map((socket) => {
      return new Load(socket, () => {
        offset = (offset + 1000) % 200_000
        return fetchFrame(topic, offset)
      })
    })
    const figures = await measure(`fetch 1 MiB x ${depth}`, pid, loads, depth)
    report(figures, figures.bytesIn, pid)
    for (const socket of sockets) socket.destroy()
  }
  admin.destroy()
}

if (options.port && options.pid) {
  await run(Number(options.port), Number(options.pid))
} else {
  const target = await startSluice(await freePort())
  try {
    await run(target.port, target.pid)
  } finally {
    await target.stop()
    target.remove()
  }
}
