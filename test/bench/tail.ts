// Many consumers at the tail of one partition: processor seconds a delivered GiB, bytes read from the disk, delay.
//
//   npm run bench -- tail [--consumers 20] [--megabytes-per-second 10] [--batch 16384] [--seconds 10]
//
// One connection produces batches at a fixed rate, acks=all; each consumer is a connection with one long-polling
// Fetch. The delay of a batch is from the moment it was sent until a consumer has the answer that holds it.

import { readFileSync } from 'node:fs'
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
    seconds: { type: 'string', default: '10' },
  },
})
const consumers = Number(options.consumers)
const bytesPerSecond = Number(options['megabytes-per-second']) * 1e6
const batchBytes = Number(options.batch)
const seconds = Number(options.seconds)
const warmUpSeconds = 3
const topic = 'tail'

/** Bytes that the process has made the kernel fetch from a disk. */
function diskBytesRead(pid: number): number {
  return Number(/^read_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
}

const records = encodeBatch({
  records: Array.from({ length: Math.floor((batchBytes - 70) / 1012) || 1 }, () => ({
    timestamp: Date.now(),
    key: null,
    value: Buffer.alloc(Math.min(1000, batchBytes - 80), 'x'),
  })),
})
const recordsABatch = records.readInt32BE(57)

const target = await startSluice(await freePort())
const { port, pid } = target
const delays: number[] = []
/** When each batch was sent, by number; batches have the same count of records, so offsets tell the number. */
const sentAt: number[] = []
let delivered = 0
let measuring = false
let ended = false

async function consume(connection: RawConnection): Promise<void> {
  let offset = 0
  while (!ended) {
    const { responses } = await connection.ask(apis.fetch, 12, {
      maxWaitMs: 500,
      minBytes: 1,
      topics: [
        { topic, partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 2 ** 20 }] },
      ],
      forgottenTopicsData: [],
    })
    const bytes = responses[0]?.partitions[0]?.records?.length ?? 0
    const batches = bytes / records.length
    const first = offset / recordsABatch
    offset += batches * recordsABatch
    if (!measuring) continue
    delivered += bytes
    const now = performance.now()
    for (let batch = first; batch < first + batches; batch++) delays.push(now - sentAt[batch])
  }
}

async function produce(connection: RawConnection): Promise<void> {
  const began = performance.now()
  const answers: Promise<unknown>[] = []
  while (!ended) {
    const due = Math.floor((((performance.now() - began) / 1000) * bytesPerSecond) / records.length)
    while (sentAt.length < due) {
      sentAt.push(performance.now())
      const body = {
        acks: -1,
        timeoutMs: 30_000,
        topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
      }
      answers.push(connection.ask(apis.produce, 9, body))
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await Promise.all(answers)
}

try {
  const admin = await RawConnection.open(port)
  await admin.ask(apis.metadata, 7, { topics: [{ name: topic }], allowAutoTopicCreation: true })
  const readers = await Promise.all(
    Array.from({ length: consumers }, () => RawConnection.open(port)),
  )
  const work = [produce(admin), ...readers.map(consume)]
  await new Promise((resolve) => setTimeout(resolve, warmUpSeconds * 1000))
  const cpuBefore = cpuSeconds(pid)
  const diskBefore = diskBytesRead(pid)
  measuring = true
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  measuring = false
  const cpu = cpuSeconds(pid) - cpuBefore
  const disk = diskBytesRead(pid) - diskBefore
  ended = true
  await Promise.all(work)
  for (const connection of [admin, ...readers]) connection.close()
  delays.sort((a, b) => a - b)
  console.log(
    [
      `${consumers} consumers, batches of ${batchBytes} B, ${options['megabytes-per-second']} MB/s in:`,
      `${(delivered / 1e6 / seconds).toFixed(0)} MB/s out,`,
      `${(cpu / (delivered / 2 ** 30)).toFixed(3)} CPU s a delivered GiB (the produce included),`,
      `${disk} bytes read from the disk,`,
      `delay p50 ${percentile(delays, 0.5).toFixed(2)} p99 ${percentile(delays, 0.99).toFixed(2)}`,
      `p99.9 ${percentile(delays, 0.999).toFixed(2)} ms,`,
      `${residentMegabytes(pid).peak.toFixed(0)} MB resident at most`,
    ].join(' '),
  )
} finally {
  await target.stop()
  target.remove()
}
