// Many consumers at the tail of one partition: processor seconds a delivered GiB, bytes read from the disk, delay.
//
//   npm run bench -- tail [--consumers 20] [--megabytes-per-second 10] [--batch 16384] [--seconds 4] [--rounds 3]
//                         [--warm-up-seconds 10] [--port PORT --pid PID]
//
// One connection produces batches at a fixed rate, acks=all; each consumer is a connection with one long-polling
// Fetch. The delay of a batch is from the moment it was sent until a consumer has the answer that holds it. In each
// round a plain server that writes the same bytes to as many sockets (plain-writer.ts) is measured, too: it is the
// kernel's share, and the broker's figure is to be compared with it. Processor figures are the least of all rounds,
// since whatever else a machine does only adds to them; before the first both are warmed up, or it would be V8's
// compiler that is measured. With --port and --pid another broker is measured.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { apis } from '@sluice/protocol/apis'
import { encodeBatch } from '@sluice/protocol/records/record'
import { cpuSeconds, residentMegabytes } from '../lib/process-figures.ts'
import { freePort, startSluice } from '../outside/target.ts'
import { percentile } from './percentile.ts'
import { RawConnection } from './raw-connection.ts'

const { values: options } = parseArgs({
  options: {
    consumers: { type: 'string', default: '20' },
    'megabytes-per-second': { type: 'string', default: '10' },
    batch: { type: 'string', default: '16384' },
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    'warm-up-seconds': { type: 'string', default: '10' },
    port: { type: 'string' },
    pid: { type: 'string' },
  },
})
const consumers = Number(options.consumers)
const bytesPerSecond = Number(options['megabytes-per-second']) * 1e6
const batchBytes = Number(options.batch)
const seconds = Number(options.seconds)
const rounds = Number(options.rounds)
const warmUpSeconds = Number(options['warm-up-seconds'])
const topic = 'tail'

/** Bytes that the process has made the kernel fetch from a disk. */
function diskBytesRead(pid: number): number {
  return Number(/^read_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const records = encodeBatch({
  records: Array.from({ length: Math.floor((batchBytes - 70) / 1012) || 1 }, () => ({
    timestamp: Date.now(),
    key: null,
    value: Buffer.alloc(Math.min(1000, batchBytes - 80), 'x'),
  })),
})
const recordsABatch = records.readInt32BE(57)

/** Delivers to all consumers while `run` lasts. */
interface Server {
  readonly pid: number
  delivered(): number
  run(ms: number): Promise<void>
  close(): Promise<void>
}

/** A server that does nothing but write. */
async function plainServer(): Promise<Server> {
  const args = [join(import.meta.dirname, 'plain-writer.ts'), `${records.length}`]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const [port] = await once(child.stdout, 'data')
  let delivered = 0
  const sockets = Array.from({ length: consumers }, () =>
    connect({ host: '127.0.0.1', port: Number(port) }).on('data', (bytes) => {
      delivered += bytes.length
    }),
  )
  return {
    pid: child.pid as number,
    delivered: () => delivered,
    async run(ms) {
      child.stdin.write(`${bytesPerSecond}\n`)
      await wait(ms)
      child.stdin.write('0\n')
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      child.stdin.end()
      await once(child, 'close')
    },
  }
}

const delays: number[] = []

async function broker({ port, pid }: { port: number; pid: number }): Promise<Server> {
  const producer = await RawConnection.open(port)
  await producer.ask(apis.metadata, 7, { topics: [{ name: topic }], allowAutoTopicCreation: true })
  /** When each batch was sent, by number; all have the same count of records, so offsets tell the number. */
  const sentAt: number[] = []
  let delivered = 0
  let ended = false

  async function consume(connection: RawConnection): Promise<void> {
    let offset = 0
    while (!ended) {
      const partition = { partition: 0, fetchOffset: offset, partitionMaxBytes: 2 ** 20 }
      const { responses } = await connection.ask(apis.fetch, 12, {
        maxWaitMs: 500,
        minBytes: 1,
        topics: [{ topic, partitions: [partition] }],
        forgottenTopicsData: [],
      })
      const bytes = responses[0]?.partitions[0]?.records?.length ?? 0
      const batches = bytes / records.length
      const first = offset / recordsABatch
      offset += batches * recordsABatch
      delivered += bytes
      const now = performance.now()
      for (let batch = first; batch < first + batches; batch++) delays.push(now - sentAt[batch])
    }
  }

  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }]
  async function produce(ms: number): Promise<void> {
    const answers: Promise<unknown>[] = []
    const began = performance.now()
    const sentBefore = sentAt.length
    for (let now = began; now < began + ms; now = performance.now()) {
      const due =
        sentBefore + Math.floor((((now - began) / 1000) * bytesPerSecond) / records.length)
      while (sentAt.length < due) {
        sentAt.push(performance.now())
        answers.push(producer.ask(apis.produce, 9, { acks: -1, timeoutMs: 30_000, topicData }))
      }
      await wait(1)
    }
    await Promise.all(answers)
  }

  const readers = await Promise.all(
    Array.from({ length: consumers }, () => RawConnection.open(port)),
  )
  const consuming = Promise.all(readers.map(consume))
  return {
    pid,
    delivered: () => delivered,
    run: produce,
    async close() {
      ended = true
      await consuming
      for (const connection of [producer, ...readers]) connection.close()
    },
  }
}

interface Figures {
  readonly cpuSecondsPerGib: number
  readonly megabytesPerSecond: number
}

async function measure(server: Server): Promise<Figures> {
  const before = { cpu: cpuSeconds(server.pid), delivered: server.delivered() }
  await server.run(seconds * 1000)
  // Until the last one has what it is to get.
  for (let seen = -1; seen !== server.delivered(); await wait(50)) seen = server.delivered()
  const bytes = server.delivered() - before.delivered
  const cpu = cpuSeconds(server.pid) - before.cpu
  return { cpuSecondsPerGib: cpu / (bytes / 2 ** 30), megabytesPerSecond: bytes / 1e6 / seconds }
}

const given = options.port && options.pid
const target = given ? undefined : await startSluice(await freePort())
const at = target ?? { port: Number(options.port), pid: Number(options.pid) }
try {
  const servers = [await plainServer(), await broker(at)]
  for (const server of servers) await server.run(warmUpSeconds * 1000)
  delays.length = 0
  const diskBefore = diskBytesRead(at.pid)
  const figures: Figures[][] = []
  for (let round = 0; round < rounds; round++) {
    const both: Figures[] = []
    for (const server of servers) both.push(await measure(server))
    figures.push(both)
  }
  const disk = diskBytesRead(at.pid) - diskBefore
  for (const server of servers) await server.close()
  const least = (which: number) => Math.min(...figures.map((both) => both[which].cpuSecondsPerGib))
  const most = Math.max(...figures.map(([, { megabytesPerSecond }]) => megabytesPerSecond))
  delays.sort((a, b) => a - b)
  console.log(
    [
      `${consumers} consumers, batches of ${batchBytes} B, ${options['megabytes-per-second']} MB/s in:`,
      `${most.toFixed(0)} MB/s out,`,
      `${least(1).toFixed(3)} CPU s a delivered GiB (the produce included),`,
      `${(least(1) / least(0)).toFixed(2)} times the ${least(0).toFixed(3)} of a plain server;`,
      `${disk} bytes read from the disk,`,
      `delay p50 ${percentile(delays, 0.5).toFixed(2)} p99 ${percentile(delays, 0.99).toFixed(2)}`,
      `p99.9 ${percentile(delays, 0.999).toFixed(2)} ms,`,
      `${residentMegabytes(at.pid).peak.toFixed(0)} MB resident at most`,
    ].join(' '),
  )
} finally {
  await target?.stop()
  target?.remove()
}
