// Not a benchmark: a load generator for HTTP. It keeps a fixed number of keep-alive connections busy with one request
// each at a time, for a fixed time, and prints what came of it as one line of JSON. It runs as a process of its own,
// so that its work is not counted as the server's.
//
//   node test/bench/http-load.ts '{"port":9092,"path":"/v1/topics/t/records","connections":64,"seconds":2}'

import { connect } from 'node:net'

export interface LoadOptions {
  readonly port: number
  readonly path: string
  /** Default POST. */
  readonly method?: string
  readonly headers?: { readonly [name: string]: string }
  readonly body?: string
  /** Instead of `body`: that many bytes of letters. */
  readonly bodyBytes?: number
  readonly connections: number
  readonly seconds: number
}

export interface LoadResult {
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Responses by status. */
  readonly statuses: { readonly [status: string]: number }
}

const headEnd = Buffer.from('\r\n\r\n')

export async function load(options: LoadOptions): Promise<LoadResult> {
  const request = requestBytes(options)
  const latencies: number[] = []
  const statuses: { [status: string]: number } = {}
  const begun = performance.now()
  const end = begun + options.seconds * 1000
  const run = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect({ port: options.port, host: '127.0.0.1', noDelay: true })
      let pending: Buffer = Buffer.alloc(0)
      let sent = 0
      const send = () => {
        sent = performance.now()
        socket.write(request)
      }
      socket.on('connect', send)
      socket.on('error', reject)
      socket.on('close', () => resolve())
      socket.on('data', (chunk) => {
        pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
        const response = wholeResponse(pending)
        if (!response) return
        pending = pending.subarray(response.bytes)
        const now = performance.now()
        latencies.push(now - sent)
        statuses[response.status] = (statuses[response.status] ?? 0) + 1
        if (now < end) send()
        else socket.destroy()
      })
    })
  await Promise.all(Array.from({ length: options.connections }, run))
  const elapsedSeconds = (performance.now() - begun) / 1000
  latencies.sort((a, b) => a - b)
  return {
    requestsPerSecond: latencies.length / elapsedSeconds,
    p50Ms: latencies[Math.floor(latencies.length * 0.5)],
    p99Ms: latencies[Math.floor(latencies.length * 0.99)],
    statuses,
  }
}

function requestBytes(options: LoadOptions): Buffer {
  const body = options.body ?? 'x'.repeat(options.bodyBytes ?? 0)
  const lines = [
    `${options.method ?? 'POST'} ${options.path} HTTP/1.1`,
    `Host: 127.0.0.1:${options.port}`,
    ...(body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
    ...Object.entries(options.headers ?? {}).map(([name, value]) => `${name}: ${value}`),
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`)
}

/** The servers under test answer with a Content-Length or without a body. */
function wholeResponse(bytes: Buffer): { status: string; bytes: number } | undefined {
  const headBytes = bytes.indexOf(headEnd) + headEnd.length
  if (headBytes < headEnd.length) return undefined
  const head = bytes.toString('latin1', 0, headBytes)
  const length = /\r\ncontent-length: (\d+)/i.exec(head)
  const total = headBytes + (length ? Number(length[1]) : 0)
  return bytes.length < total ? undefined : { status: head.slice(9, 12), bytes: total }
}

if (process.argv[1] === import.meta.filename) {
  console.log(JSON.stringify(await load(JSON.parse(process.argv[2]) as LoadOptions)))
}
