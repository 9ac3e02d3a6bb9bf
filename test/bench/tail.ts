// Many consumers at the tail of one partition: processor seconds a delivered GiB, bytes read from the disk, delay.
//
//   npm run bench -- tail [--consumers 20] [--megabytes-per-second 10] [--batch 16384,131072,524288] [--seconds 4]
//                         [--rounds 3] [--warm-up-seconds 10] [--port PORT --pid PID]
//
// One connection produces batches at a fixed rate, acks=all; each consumer is a connection with one long-polling
// Fetch. The delay of a batch is from the moment it was sent until a consumer has the answer that holds it. In each
// round a plain server that writes the same bytes to as many sockets (plain-writer.ts) is measured, too: it is the
// kernel's share, and the broker's figure is to be compared with it. Processor figures are the least of all rounds,
// since whatever else a machine does only adds to them; before the first both are warmed up, or it would be V8's
// compiler that is measured. What an answer costs hardly depends on its size: hence several sizes of batches, each
// in a topic of its own. With --port and --pid another broker is measured.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { apis } from '@sluice/protocol/apis'
import { requestFrame } from '@sluice/protocol/frame'
import { encodeBatch } from '@sluice/protocol/records/record'
import { cpuSeconds, residentMegabytes } from '../lib/process-figures.ts'
import { freePort, startSluice } from '../outside/target.ts'
import { percentile } from './percentile.ts'
import { RawConnection } from './raw-connection.ts'

const { values: options } = parseArgs({
  options: {
    consumers: { type: 'string', default: '20' },
    'megabytes-per-second': { type: 'string', default: '10' },
    batch: { type: 'string', default: '16384,131072,524288' },
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    'warm-up-seconds': { type: 'string', default: '10' },
    port: { type: 'string' },
    pid: { type: 'string' },
  },
})
const consumers = Number(options.consumers)
const bytesPerSecond = Number(options['megabytes-per-second']) * 1e6
const sizes = options.batch.split(',').map(Number)
const seconds = Number(options.seconds)
const rounds = Number(options.rounds)
const warmUpSeconds = Number(options['warm-up-seconds'])
/** Of fetches: as much as clients ask for by default. */
const fetchBytes = 2 ** 20
const sizeBytes = 4

/** Bytes that the process has made the kernel fetch from a disk. */
function diskBytesRead(pid: number): number {
  return Number(/^read_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

function batchOf(batchBytes: number): Buffer {
  return encodeBatch({
    records: Array.from({ length: Math.floor((batchBytes - 70) / 1012) || 1 }, () => ({
      timestamp: Date.now(),
      key: null,
      value: Buffer.alloc(Math.min(1000, batchBytes - 80), 'x'),
    })),
  })
}

/** Delivers to all consumers while `run` lasts. */
interface Server {
  readonly pid: number
  delivered(): number
  run(ms: number): Promise<void>
  close(): Promise<void>
}

const received = Buffer.allocUnsafeSlow(2 ** 20)

/** Costs as little as a reader can: this process must not be what is waited for. */
function reader(port: number, onBytes: (view: Buffer) => void): Socket {
  const callback = (bytes: number) => {
    onBytes(received.subarray(0, bytes))
    return true
  }
  return connect({ host: '127.0.0.1', port, noDelay: true, onread: { buffer: received, callback } })
}

/** A server that does nothing but write. */
async function plainServer(records: Buffer): Promise<Server> {
  const args = [join(import.meta.dirname, 'plain-writer.ts'), `${records.length}`]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const [port] = await once(child.stdout, 'data')
  let delivered = 0
  const sockets = Array.from({ length: consumers }, () =>
    reader(Number(port), (bytes) => {
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

interface Address {
  readonly port: number
  readonly pid: number
}

interface Load {
  readonly topic: string
  readonly records: Buffer
  /** Of all batches and consumers, in milliseconds. */
  readonly delays: number[]
}

async function broker({ port, pid }: Address, { topic, records, delays }: Load): Promise<Server> {
  const producer = await RawConnection.open(port)
  await producer.ask(apis.metadata, 7, { topics: [{ name: topic }], allowAutoTopicCreation: true })
  const recordsABatch = records.readInt32BE(57)
  /** When each batch was sent, by number; all have the same count of records, so offsets tell the number. */
  const sentAt: number[] = []
  let delivered = 0

  /** Answers are not looked into: their size tells how many batches they hold. */
  function consume(): Socket {
    const { frame, offsetAt } = fetchFrame(topic)
    let batchesRead = 0
    let size = Buffer.alloc(0)
    let missing = 0
    const answered = (bytes: number): void => {
      const batches = Math.floor(bytes / records.length)
      const now = performance.now()
      for (let i = 0; i < batches; i++) delays.push(now - sentAt[batchesRead + i])
      batchesRead += batches
      delivered += batches * records.length
      frame.writeBigInt64BE(BigInt(batchesRead * recordsABatch), offsetAt)
      socket.write(Buffer.from(frame))
    }
    let answerBytes = 0
    const socket = reader(port, (view) => {
      let at = 0
      while (at < view.length) {
        if (missing === 0) {
          const part = view.subarray(at, at + sizeBytes - size.length)
          size = Buffer.concat([size, part])
          at += part.length
          if (size.length < sizeBytes) return
          answerBytes = missing = size.readInt32BE()
          size = Buffer.alloc(0)
        }
        const taken = Math.min(missing, view.length - at)
        at += taken
        missing -= taken
        if (missing === 0) answered(answerBytes)
      }
    })
    socket.write(Buffer.from(frame))
    return socket
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

  const readers = Array.from({ length: consumers }, consume)
  return {
    pid,
    delivered: () => delivered,
    run: produce,
    async close() {
      producer.close()
      for (const socket of readers) socket.destroy()
    },
  }
}

/** A fetch of partition 0, and where in it the offset stands. */
function fetchFrame(topic: string): { frame: Buffer; offsetAt: number } {
  const of = (fetchOffset: number) =>
    Buffer.concat(
      requestFrame(apis.fetch, 12, 1, 'bench', {
        maxWaitMs: 500,
        minBytes: 1,
        topics: [
          { topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: fetchBytes }] },
        ],
        forgottenTopicsData: [],
      }),
    )
  const frame = of(0)
  const lastByte = of(1).findIndex((byte, i) => byte !== frame[i])
  return { frame, offsetAt: lastByte - 7 }
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

/** A line for one size of batches. */
async function compare(at: Address, batchBytes: number): Promise<string> {
  const records = batchOf(batchBytes)
  const delays: number[] = []
  const load = { topic: `tail-${batchBytes}`, records, delays }
  const servers = [await plainServer(records), await broker(at, load)]
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
  return [
    `${consumers} consumers, batches of ${batchBytes} B, ${options['megabytes-per-second']} MB/s in:`,
    `${most.toFixed(0)} MB/s out,`,
    `${least(1).toFixed(3)} CPU s a delivered GiB (the produce included),`,
    `${(least(1) / least(0)).toFixed(2)} times the ${least(0).toFixed(3)} of a plain server;`,
    `${disk} bytes read from the disk,`,
    `delay p50 ${percentile(delays, 0.5).toFixed(2)} p99 ${percentile(delays, 0.99).toFixed(2)}`,
    `p99.9 ${percentile(delays, 0.999).toFixed(2)} ms,`,
    `${residentMegabytes(at.pid).peak.toFixed(0)} MB resident at most`,
  ].join(' ')
}

const given = options.port && options.pid
const target = given ? undefined : await startSluice(await freePort())
const at = target ?? { port: Number(options.port), pid: Number(options.pid) }
try {
  for (const batchBytes of sizes) console.log(await compare(at, batchBytes))
} finally {
  await target?.stop()
  target?.remove()
}
