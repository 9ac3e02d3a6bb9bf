// Server-sent events of `sluice dev`: from a produce request to the event that shows it, and memory of idle readers.
//
//   npm run bench -- sse [--rate 1000] [--seconds 20] [--readers 1] [--idle 1000] [--memory]
//
// Producer and reader are one process, so that both read one clock; records are sent at fixed times, whether or not
// earlier ones were answered, and latency counts from the time at which a record was due. Goals: p99 under 10 ms at
// 1,000 records/s; 1,000 idle readers under 40 KiB each. The same is measured of a plain server (plain-events.ts)
// before: that much of it are the machine, Node and this process.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cpuSeconds, residentMegabytes } from '../lib/process-figures.ts'
import { freePort, ready, sluiceCommand } from '../outside/target.ts'

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '20' },
    readers: { type: 'string', default: '1' },
    idle: { type: 'string', default: '1000' },
    memory: { type: 'boolean', default: false },
  },
})
const [rate, seconds, readers, idle] = [
  values.rate,
  values.seconds,
  values.readers,
  values.idle,
].map(Number)
const warmUpSeconds = 5
const topic = 'bench'
const path = `/v1/topics/${topic}/records`
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

interface Server {
  readonly name: string
  readonly port: number
  readonly child: ChildProcess
}

const home = mkdtempSync(join(tmpdir(), 'sluice-bench-sse-'))
const storage = values.memory ? ['--memory'] : ['--data', home]
const plain = join(import.meta.dirname, 'plain-events.ts')
try {
  await during(await start('plain server', (port) => [plain, port]), measure)
  await during(
    await start('sluice', (port) => [sluiceCommand[1], 'dev', '--port', port, ...storage]),
    async (server) => {
      await measure(server)
      if (idle > 0) await measureIdle(server)
    },
  )
} finally {
  rmSync(home, { recursive: true, force: true })
}

async function start(name: string, args: (port: string) => string[]): Promise<Server> {
  const port = await freePort()
  const child = spawn(process.execPath, args(String(port)), {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await ready(port, child)
  return { name, port, child }
}

async function during(server: Server, run: (server: Server) => Promise<void>): Promise<void> {
  try {
    await run(server)
  } finally {
    server.child.kill()
    await once(server.child, 'close')
  }
}

async function measure(server: Server): Promise<void> {
  const { port, child } = server
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  try {
    await post(port, agent, 'first')
    await measureLatency(port, agent, warmUpSeconds)
    const before = cpuSeconds(child.pid!)
    const measured = await measureLatency(port, agent, seconds)
    report(server, measured, (cpuSeconds(child.pid!) - before) / seconds)
  } finally {
    agent.destroy()
  }
}

function post(port: number, agent: Agent, body: string): Promise<void> {
  return new Promise((done, failed) => {
    const sent = request({ port, path, method: 'POST', agent }, (response) => {
      response.resume().on('end', () => {
        if (response.statusCode === 200) done()
        else failed(new Error(`status ${response.statusCode}`))
      })
    })
    sent.on('error', failed)
    sent.end(body)
  })
}

/** An open stream from now on; `onEvent` gets the data of each record's event. */
async function openStream(port: number, onEvent: (data: string) => void): Promise<ClientRequest> {
  const headers = { accept: 'text/event-stream' }
  const sent = request({ port, path: `${path}?from=latest`, headers, agent: false })
  sent.on('error', () => {}).end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`)
  let pending = ''
  response.setEncoding('utf8').on('data', (text: string) => {
    const events = (pending + text).split('\n\n')
    pending = events.pop() ?? ''
    for (const event of events) {
      if (event.startsWith('event: record')) onEvent(event.slice(event.indexOf('\ndata: ') + 7))
    }
  })
  response.on('error', () => {})
  return sent
}

/** Ascending. */
interface Measured {
  readonly latencies: readonly number[]
  /** By how much this process sent too late: it is part of the latencies. */
  readonly late: readonly number[]
}

/** Milliseconds from when each record was due until each reader had its event. */
async function measureLatency(port: number, agent: Agent, forSeconds: number): Promise<Measured> {
  const latencies: number[] = []
  const late: number[] = []
  const take = (data: string) => {
    const now = performance.now()
    latencies.push(now - (JSON.parse(data) as { value: { due: number } }).value.due)
  }
  const streams = await Promise.all(Array.from({ length: readers }, () => openStream(port, take)))
  const total = rate * forSeconds
  const begin = performance.now() + 100
  let failures = 0
  for (let n = 0; n < total; ) {
    for (; n < total && begin + (n * 1000) / rate <= performance.now(); n++) {
      const due = begin + (n * 1000) / rate
      late.push(performance.now() - due)
      post(port, agent, JSON.stringify({ due, text: 'x'.repeat(100) })).catch(() => {
        failures += 1
      })
    }
    await pause(1)
  }
  const deadline = performance.now() + 5000
  while (latencies.length < (total - failures) * readers && performance.now() < deadline) {
    await pause(10)
  }
  for (const stream of streams) stream.destroy()
  if (failures > 0 || latencies.length !== total * readers) {
    console.log(`${failures} requests failed, ${latencies.length} events came`)
  }
  const ascending = (a: number, b: number) => a - b
  return { latencies: latencies.sort(ascending), late: late.sort(ascending) }
}

function report({ name }: Server, { latencies, late }: Measured, cpu: number): void {
  const at = (values: readonly number[], part: number) =>
    values[Math.min(values.length - 1, Math.floor(part * values.length))].toFixed(2)
  console.log(
    `${name}: produce to event at ${rate} records/s, ${readers} reader(s), ${seconds} s: ` +
      `p50 ${at(latencies, 0.5)} ms, p99 ${at(latencies, 0.99)} ms, p99.9 ${at(latencies, 0.999)} ms, ` +
      `most ${at(latencies, 1)} ms (sent late: p50 ${at(late, 0.5)} ms, p99 ${at(late, 0.99)} ms); ` +
      `${(cpu * 100).toFixed(0)} % of a CPU`,
  )
}

/** Resident memory before and with the readers, each time when it has come to rest. */
async function measureIdle({ port, child }: Server): Promise<void> {
  const pid = child.pid!
  const settleMs = 10_000
  const touch = async (count: number) => {
    const open = []
    for (let n = 0; n < count; n++) open.push(await openStream(port, () => {}))
    return open
  }
  for (const each of await touch(100)) each.destroy()
  await pause(settleMs)
  const before = residentMegabytes(pid).now
  const streams = await touch(idle)
  await pause(settleMs)
  const cpuBefore = cpuSeconds(pid)
  // Over one heartbeat of each at least.
  await pause(20_000)
  const cpu = (cpuSeconds(pid) - cpuBefore) / 20
  const kibEach = ((residentMegabytes(pid).now - before) * 1e6) / 1024 / idle
  for (const stream of streams) stream.destroy()
  console.log(
    `${idle} idle readers: ${kibEach.toFixed(1)} KiB resident each, ${(cpu * 100).toFixed(1)} % of a CPU`,
  )
}
