// HTTP: raw 1 KiB produce with acks=all through `sluice dev`, beside an empty hono handler, in turns.
//
//   npm run bench -- http [--rounds 5] [--seconds 2] [--connections 64] [--memory]
//
// Each server and the load generator are processes of their own; one is loaded at a time, in the order
// A B B A. The goal is a median ratio of 0.6; docs of quality ask for medians and the range.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { LoadOptions, LoadResult } from './http-load.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    connections: { type: 'string', default: '64' },
    memory: { type: 'boolean', default: false },
    'empty-server': { type: 'string' },
  },
})

const bodyBytes = 1024
const path = '/v1/topics/bench/records'

if (values['empty-server']) await serveEmpty(Number(values['empty-server']))
else await compare()

/** What hono costs alone: the same request, an answer of the same size, nothing in between. */
async function serveEmpty(port: number): Promise<void> {
  const { serve } = await import('@hono/node-server')
  const { Hono } = await import('hono')
  const app = new Hono()
  const answer = { results: [{ partition: 0, offset: 1, timestamp: 1 }], ack: 'durable' }
  app.post('/v1/topics/:topic/records', (request) => request.json(answer))
  serve({ fetch: app.fetch, port, hostname: '127.0.0.1' })
}

async function compare(): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), 'sluice-bench-http-'))
  const empty = { name: 'empty hono handler', port: await freePort() }
  const sluice = { name: 'sluice, raw 1 KiB, acks=all', port: await freePort() }
  const main = join(import.meta.dirname, '../../packages/sluice/src/main.ts')
  const storage = values.memory ? ['--memory'] : ['--data', data]
  const children = [
    node([import.meta.filename, '--empty-server', String(empty.port)]),
    node([main, 'dev', '--port', String(sluice.port), ...storage]),
  ]
  try {
    await Promise.all([empty, sluice].map(warmUp))
    const ratios: number[] = []
    for (let round = 0; round < Number(values.rounds); round++) {
      const order = round % 2 === 0 ? [empty, sluice] : [sluice, empty]
      const results = new Map<object, LoadResult>()
      for (const server of order) results.set(server, await measure(server))
      const ratio = results.get(sluice)!.requestsPerSecond / results.get(empty)!.requestsPerSecond
      ratios.push(ratio)
      console.log(`round ${round + 1}: ratio ${ratio.toFixed(3)}`)
    }
    ratios.sort((a, b) => a - b)
    const median = ratios[Math.floor(ratios.length / 2)]
    const range = `${ratios[0].toFixed(3)} to ${ratios[ratios.length - 1].toFixed(3)}`
    console.log(`median ratio ${median.toFixed(3)} (${range}); goal 0.6`)
  } finally {
    for (const child of children) await stop(child)
    rmSync(data, { recursive: true, force: true })
  }
}

type Server = { readonly name: string; readonly port: number }

/** Until it answers, then long enough for the compiler to have seen what matters. */
async function warmUp({ port }: Server): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      body: 'x',
    }).catch(() => undefined)
    if (answer?.ok) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await load({ port, path, bodyBytes, connections: 16, seconds: 2 })
}

async function measure({ name, port }: Server): Promise<LoadResult> {
  const connections = Number(values.connections)
  const result = await load({ port, path, bodyBytes, connections, seconds: Number(values.seconds) })
  const { requestsPerSecond, p50Ms, p99Ms, statuses } = result
  console.log(
    `  ${name.padEnd(28)} ${Math.round(requestsPerSecond)} requests/s` +
      `  p50 ${p50Ms.toFixed(2)} ms  p99 ${p99Ms.toFixed(2)} ms  ${JSON.stringify(statuses)}`,
  )
  return result
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}
