// Many connections, few of them busy: latency of the busy ones, and the broker's memory.
//
//   npm run bench -- connections [--connections 2000] [--busy 200] [--rate 2000] [--seconds 10]
//
// Every connection asks for its versions first, as clients do. Each busy one produces one batch of 1 KiB at a time,
// acks=all, to a partition of its own; all of them together send `--rate` a second, evenly. The latency is from the
// moment when a request was due.

import { parseArgs } from 'node:util'
import { apis } from '@sluice/protocol/apis'
import { encodeBatch } from '@sluice/protocol/records/record'
import { cpuSeconds, residentMegabytes } from '../lib/process-figures.ts'
import { freePort, startSluice } from '../outside/target.ts'
import { percentile } from './percentile.ts'
import { RawConnection } from './raw-connection.ts'

const { values: options } = parseArgs({
  options: {
    connections: { type: 'string', default: '2000' },
    busy: { type: 'string', default: '200' },
    rate: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '10' },
  },
})
const connectionCount = Number(options.connections)
const busyCount = Number(options.busy)
const perSecond = Number(options.rate)
const seconds = Number(options.seconds)
const warmUpSeconds = 3
const topic = 'connections'
const connectAtOnce = 100

const records = encodeBatch({
  records: [{ timestamp: Date.now(), key: null, value: Buffer.alloc(1000, 'x') }],
})

const target = await startSluice(await freePort(), { 'num.partitions': String(busyCount) })
const { port, pid } = target
try {
  const admin = await RawConnection.open(port)
  await admin.ask(apis.metadata, 7, { topics: [{ name: topic }], allowAutoTopicCreation: true })
  const connections: RawConnection[] = []
  while (connections.length < connectionCount) {
    const some = Math.min(connectAtOnce, connectionCount - connections.length)
    const opened = await Promise.all(Array.from({ length: some }, () => RawConnection.open(port)))
    await Promise.all(opened.map((connection) => connection.ask(apis.apiVersions, 2, {})))
    connections.push(...opened)
  }
  const idle = residentMegabytes(pid).now
  const latencies: number[] = []
  let measuring = false
  let ended = false
  const produce = async (connection: RawConnection, index: number): Promise<void> => {
    const intervalMs = (busyCount / perSecond) * 1000
    let due = performance.now() + (index / busyCount) * intervalMs
    while (!ended) {
      const early = due - performance.now()
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early))
      const partitionData = [{ index, records }]
      const topicData = [{ name: topic, partitionData }]
      await connection.ask(apis.produce, 9, { acks: -1, timeoutMs: 30_000, topicData })
      if (measuring) latencies.push(performance.now() - due)
      due += intervalMs
    }
  }
  const work = connections.slice(0, busyCount).map(produce)
  await new Promise((resolve) => setTimeout(resolve, warmUpSeconds * 1000))
  const cpuBefore = cpuSeconds(pid)
  measuring = true
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  measuring = false
  const cpu = cpuSeconds(pid) - cpuBefore
  ended = true
  await Promise.all(work)
  latencies.sort((a, b) => a - b)
  const ms = (part: number) => percentile(latencies, part).toFixed(2)
  console.log(
    [
      `${connectionCount} connections, ${busyCount} busy, ${perSecond} requests/s asked for:`,
      `${(latencies.length / seconds).toFixed(0)} requests/s, p50 ${ms(0.5)} p99 ${ms(0.99)} p99.9 ${ms(0.999)} ms,`,
      `${((cpu / latencies.length) * 1e6).toFixed(0)} CPU us a request,`,
      `${idle.toFixed(0)} MB resident when all were connected, ${residentMegabytes(pid).peak.toFixed(0)} at most`,
    ].join(' '),
  )
  for (const connection of [admin, ...connections]) connection.close()
} finally {
  await target.stop()
  target.remove()
}
