// HTTP: produce with acks=all through `sluice dev`, beside the least that a hono handler could do, in turns.
//
//   npm run bench -- http [--json] [--rounds 5] [--seconds 2] [--connections 64] [--memory]
//
// A raw body of 1 KiB beside an empty handler (goal: a median ratio of requests/s of 0.7); with --json 100 records
// of 1 KiB beside a handler that parses the body and no more (goal 0.6). Each server and the load generator are
// processes of their own, `sluice` by its launcher; one is loaded at a time, in the order A B B A, after both
// have answered the same number of the same requests. The servers' CPU time a request stands beside it: on a
// machine with other work it is the steadier figure.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cpuSeconds } from '../lib/process-figures.ts'
import { freePort, sluiceCommand } from '../outside/target.ts'
import type { LoadOptions, LoadResult } from './http-load.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    connections: { type: 'string', default: '64' },
    json: { type: 'boolean', default: false },
    memory: { type: 'boolean', default: false },
    'empty-server': { type: 'string' },
  },
})

const request: Pick<LoadOptions, 'headers' | 'body' | 'bodyBytes'> = values.json
  ? {
      body: JSON.stringify({
        records: Array.from({ length: 100 }, (_, i) => ({
          key: `key ${i}`,
          value: 'x'.repeat(1000),
        })),
      }),
      headers: { 'Content-Type': 'application/json' },
    }
  : { bodyBytes: 1024 }
const [least, ours, goal] = values.json
  ? ['hono, the body parsed', 'sluice, 100 x 1 KiB JSON', 0.6]
  : ['empty hono handler', 'sluice, raw 1 KiB, acks=all', 0.7]
/** Enough for the compiler to have seen what matters. */
const warmUpRequests = values.json ? 6000 : 30_000
const path = '/v1/topics/bench/records'

if (values['empty-server']) await serveEmpty(Number(values['empty-server']))
else await compare()

/** What hono costs alone: the same request, an answer of the same size, nothing in between. */
async function serveEmpty(port: number): Promise<void> {
  const { serve } = await import('@hono/node-server')
  const { Hono } = await import('hono')
  const app = new Hono()
  const answer = { results: [{ partition: 0, offset: 1, timestamp: 1 }], ack: 'durable' }
  app.post('/v1/topics/:topic/records', async (context) => {
    if (values.json) await context.req.json()
    return context.json(answer)
  })
  serve({ fetch: app.fetch, port, hostname: '127.0.0.1' })
}

async function compare(): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), 'sluice-bench-http-'))
  const ports = [await freePort(), await freePort()]
  const [, launcher] = sluiceCommand
  const storage = values.memory ? ['--memory'] : ['--data', data]
  const children = [
    node([
      import.meta.filename,
      '--empty-server',
      String(ports[0]),
      ...(values.json ? ['--json'] : []),
    ]),
    node([launcher, 'dev', '--port', String(ports[1]), ...storage]),
  ]
  const [empty, sluice] = [least, ours].map((name, index) => {
    return { name, port: ports[index], pid: children[index].pid ?? 0 }
  })
  try {
    await Promise.all([empty, sluice].map(warmUp))
    const ratios: number[] = []
    const cpuRatios: number[] = []
    for (let round = 0; round < Number(values.rounds); round++) {
      const order = round % 2 === 0 ? [empty, sluice] : [sluice, empty]
      const results = new Map<Server, Measured>()
      for (const server of order) results.set(server, await measure(server))
      const [one, other] = [results.get(sluice)!, results.get(empty)!]
      ratios.push(one.requestsPerSecond / other.requestsPerSecond)
      cpuRatios.push(other.cpuMicros / one.cpuMicros)
    }
    console.log(`requests/s, sluice / hono: ${medianAndRange(ratios)}; goal ${goal}`)
    console.log(`CPU a request, hono / sluice: ${medianAndRange(cpuRatios)}`)
  } finally {
    for (const child of children) await stop(child)
    rmSync(data, { recursive: true, force: true })
  }
}

interface Server {
  readonly name: string
  readonly port: number
  readonly pid: number
}

interface Measured extends LoadResult {
  /** CPU time of the server for one request. */
  readonly cpuMicros: number
}

function medianAndRange(values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  const [least, median, most] = [0, Math.floor(sorted.length / 2), sorted.length - 1].map((index) =>
    sorted[index].toFixed(3),
  )
  return `${median} (${least} to ${most})`
}

/** Until it answers, then the same work for each. */
async function warmUp({ port }: Server): Promise<void> {
  const { headers, body = 'x' } = request
  for (let attempt = 0; ; attempt++) {
    const sent = fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body })
    const answer = await sent.catch(() => undefined)
    if (answer?.ok) break
    if (attempt === 100) throw new Error(`no answer on port ${port}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  for (let requests = 0; requests < warmUpRequests; ) {
    const { statuses } = await load({ port, path, ...request, connections: 16, seconds: 2 })
    requests += statuses['200'] ?? 0
  }
}

async function measure({ name, port, pid }: Server): Promise<Measured> {
  const connections = Number(values.connections)
  const before = cpuSeconds(pid)
  const result = await load({
    ...{ port, path, ...request, connections },
    seconds: Number(values.seconds),
  })
  const requests = Object.values(result.statuses).reduce((sum, count) => sum + count, 0)
  const cpuMicros = ((cpuSeconds(pid) - before) / requests) * 1e6
  const { requestsPerSecond, p50Ms, p99Ms, statuses } = result
  console.log(
    `${name.padEnd(28)} ${Math.round(requestsPerSecond)} requests/s  ${cpuMicros.toFixed(1)} us CPU` +
      `  p50 ${p50Ms.toFixed(2)} ms  p99 ${p99Ms.toFixed(2)} ms  ${JSON.stringify(statuses)}`,
  )
  return { ...result, cpuMicros }
}

async function load(options: LoadOptions): Promise<LoadResult> {
  const child = node([join(import.meta.dirname, 'http-load.ts'), JSON.stringify(options)], true)
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk
  })
  await once(child, 'close')
  return JSON.parse(output) as LoadResult
}

function node(args: string[], piped = false): ChildProcess {
  return spawn(process.execPath, args, { stdio: ['ignore', piped ? 'pipe' : 'ignore', 'inherit'] })
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  child.kill()
  await once(child, 'close')
}
