import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { silentLogger } from '@sluice/core/host/logger'
import { afterEach, describe, expect, test } from 'vitest'
import {
  createHttpServer,
  type HttpHandler,
  type HttpServer,
  type HttpServerOptions,
  lightResponse,
} from '../../packages/sluice/src/http-server.ts'

const Light = lightResponse()
let server: HttpServer | undefined

afterEach(async () => {
  await server?.close(200)
  server = undefined
})

type Answer = (request: Request) => Response | Promise<Response>

/** A server that answers by `answer`; `closing` settles when it is told to end. */
async function start(answer: Answer, options: Partial<HttpServerOptions> = {}) {
  const closing = Promise.withResolvers<void>()
  const handler: HttpHandler = {
    fetch: (request) => answer(request),
    close: async () => closing.resolve(),
  }
  const started = createHttpServer(handler, { logger: silentLogger, ...options })
  server = started
  started.server.listen(0, '127.0.0.1')
  await once(started.server, 'listening')
  const { port } = started.server.address() as AddressInfo
  return { server: started, port, closing: closing.promise }
}

async function open(port: number): Promise<Socket & { all: () => Promise<string> }> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const all = async () => {
    let text = ''
    for await (const chunk of socket) text += chunk
    return text
  }
  return Object.assign(socket, { all })
}

const text = (body: string) => new Light(body, { headers: { 'content-type': 'text/plain' } })

describe('requests that are none', () => {
  test.each([
    ['garbage', 'GET nonsense\r\n\r\n', 400, 'malformed_request'],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400, ''],
    ['a host that is none', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n', 400, 'malformed_request'],
    ['a target that is none', 'GET a\\b HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'malformed_request'],
    [
      'headers that are too large',
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    [
      'a length that is no number',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ten\r\n\r\n',
      400,
      'malformed_request',
    ],
    [
      'two framings at once',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'malformed_request',
    ],
  ])('%s', async (_name, request, status, code) => {
    const { port } = await start(() => text('ok'))
    const socket = await open(port)
    socket.write(request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
    const answer = await socket.all()
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer).toContain(code)
  })
})

describe('slow clients', () => {
  test('headers that do not come get 408', async () => {
    const { port } = await start(() => text('ok'), { timeouts: { headersMs: 50, checkMs: 10 } })
    const socket = await open(port)
    socket.write('GET / HTTP/1.1\r\nHos')
    const answer = await socket.all()
    expect(answer).toMatch(/^HTTP\/1.1 408 /)
    expect(answer).toContain('"code":"request_timeout"')
  })

  test('a body that does not come gets 408, also over a socket that was handed in', async () => {
    const { server } = await start(async (request) => text(await request.text()), {
      timeouts: { headersMs: 40, requestMs: 50, checkMs: 10 },
    })
    const front = createServer((socket) => server.server.emit('connection', socket))
    front.listen(0, '127.0.0.1')
    await once(front, 'listening')
    const socket = await open((front.address() as AddressInfo).port)
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf')
    expect(await socket.all()).toMatch(/^HTTP\/1.1 408 /)
    front.close()
  })

  test('a body of lines may last', async () => {
    const { port } = await start(async (request) => text(await request.text()), {
      timeouts: { requestMs: 50, checkMs: 10 },
    })
    const socket = await open(port)
    const type = 'Content-Type: application/x-ndjson\r\nConnection: close'
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\n${type}\r\nContent-Length: 8\r\n\r\nhalf`)
    await new Promise((resolve) => setTimeout(resolve, 200))
    socket.write('half')
    expect(await socket.all()).toContain('halfhalf')
  })

  test('a client that takes nothing is cut off; one that only waits is not', async () => {
    let pulls = 0
    const endless = () =>
      new ReadableStream({
        pull(controller) {
          pulls += 1
          controller.enqueue(Buffer.alloc(1 << 20))
        },
      })
    const silent = () => new ReadableStream({ pull: () => new Promise(() => {}) })
    const { port, server } = await start(
      ({ url }) => new Light(url.endsWith('/silent') ? silent() : endless()),
      { timeouts: { stallMs: 100 } },
    )
    const stuck = await open(port)
    stuck.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const waiting = await open(port)
    waiting.write('GET /silent HTTP/1.1\r\nHost: a\r\n\r\n')
    await once(waiting, 'data')
    const connections = () =>
      new Promise<number>((resolve) => {
        server.server.getConnections((_error, count) => resolve(count))
      })
    while ((await connections()) > 1) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(pulls).toBeLessThan(100)
    expect(waiting.destroyed).toBe(false)
    stuck.destroy()
    waiting.destroy()
  })

  test('a body too large to come is refused before it is sent', async () => {
    const { port } = await start(
      (request) => new Light(null, { status: request.body ? 413 : 500 }),
      {
        bodyBytesMax: 100,
      },
    )
    const large = await open(port)
    large.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n')
    const [first] = (await once(large, 'data')) as [Buffer]
    expect(first.toString()).toMatch(/^HTTP\/1.1 413 /)
    large.destroy()
    const small = await open(port)
    small.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n')
    const [go] = (await once(small, 'data')) as [Buffer]
    expect(go.toString()).toMatch(/^HTTP\/1.1 100 /)
    small.destroy()
  })
})

describe('the end', () => {
  test('what is under way finishes, idle connections close, then everything is', async () => {
    const slow = Promise.withResolvers<Response>()
    const underWay = Promise.withResolvers<void>()
    const { server, port, closing } = await start(({ url }) => {
      if (!url.endsWith('/slow')) return text('ok')
      underWay.resolve()
      return slow.promise
    })
    const idle = await open(port)
    idle.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await once(idle, 'data')
    const busy = await open(port)
    busy.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
    await underWay.promise
    const closed = server.close(5000)
    await closing
    await once(idle.resume(), 'close')
    slow.resolve(text('finished'))
    const answer = await busy.all()
    expect(answer).toMatch(/connection: close/i)
    expect(answer).toContain('finished')
    await closed
  })

  test('not for ever: after the grace the rest is cut', async () => {
    const underWay = Promise.withResolvers<void>()
    const { server, port } = await start(() => {
      underWay.resolve()
      return new Promise<Response>(() => {})
    })
    const stuck = await open(port)
    stuck.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const gone = once(stuck.resume(), 'close')
    await underWay.promise
    await server.close(50)
    await gone
  })
})

describe('light responses', () => {
  test('the globals of the process stay what they were', async () => {
    expect(globalThis.Response).not.toBe(Light)
    expect(await (await fetch('data:,x')).text()).toBe('x')
    expect(await fetch('data:,x')).toBeInstanceOf(Response)
    expect(new Request('http://a')).toBeInstanceOf(Request)
  })
})
