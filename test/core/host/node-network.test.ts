// What only the machine's network has: the shared receive buffer, and a port shared with HTTP and TLS.

import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Connection, ConnectionHandler, Listener } from '@sluice/core/host/network'
import { NodeNetwork, type NodeNetworkOptions } from '@sluice/core/host/node/network'
import { receiveBufferBytes } from '@sluice/core/host/node/raw-socket'
import { afterEach, describe, expect, test } from 'vitest'
import { portProtocol, sharedPort } from '../../../packages/sluice/src/port.ts'

const cleanUps: (() => unknown)[] = []

afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp()
})

/** Answers with what came, in capitals. */
function shout(connection: Connection): ConnectionHandler {
  cleanUps.push(() => connection.destroy())
  return {
    onData: (view) => void connection.write([Buffer.from(view.toString().toUpperCase())]),
    onClose() {},
  }
}

async function listen(options: NodeNetworkOptions, accept = shout): Promise<Listener> {
  const listener = await new NodeNetwork(options).listen({ host: '127.0.0.1', port: 0 }, accept)
  cleanUps.push(() => listener.close())
  return listener
}

function dial(listener: Listener): Socket {
  const socket = connect(listener.address)
  cleanUps.push(() => socket.destroy())
  return socket
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.on('error', () => {}).on('close', () => resolve()))
}

function reply(socket: Socket): Promise<string> {
  return new Promise((resolve) => socket.once('data', (bytes) => resolve(bytes.toString())))
}

describe('shared receive buffer', () => {
  test.each([undefined, () => undefined])(
    'serves accepted and made connections',
    async (divert) => {
      const buffers = new Set<ArrayBufferLike>()
      const done = Promise.withResolvers<void>()
      let views = 0
      const accept = (connection: Connection): ConnectionHandler => ({
        onData(view) {
          views += 1
          // On a shared port the very first bytes come from Node's own buffer.
          if (divert === undefined || views > 1) buffers.add(view.buffer)
          connection.write([Buffer.from('pong')])
        },
        onClose() {},
      })
      const listener = await listen({ divert }, accept)
      let pongs = 0
      const near = await new NodeNetwork().connect(listener.address, (connection) => ({
        onData(view) {
          buffers.add(view.buffer)
          pongs += 1
          if (pongs === 3) done.resolve()
          else connection.write([Buffer.from('ping')])
        },
        onClose() {},
      }))
      near.write([Buffer.from('ping')])
      await done.promise
      near.destroy()
      expect(buffers.size).toBe(1)
      const [shared] = buffers
      expect(shared.byteLength).toBe(receiveBufferBytes)
    },
  )
})

describe('shared port', () => {
  test('the first byte tells the protocol', () => {
    expect(portProtocol(Buffer.from('GET / HTTP/1.1'))).toBe('http')
    expect(portProtocol(Buffer.from('OPTIONS * HTTP/1.1'))).toBe('http')
    expect(portProtocol(Buffer.from([0x16, 0x03, 0x01]))).toBe('tls')
    expect(portProtocol(Buffer.from([0, 0, 0, 40]))).toBe('kafka')
    expect(portProtocol(Buffer.from([6, 64, 0, 0]))).toBe('kafka')
  })

  test('HTTP and Kafka are served on one port', async () => {
    const server = createServer((incoming, outgoing) => {
      incoming.setEncoding('utf8')
      let body = ''
      incoming.on('data', (text: string) => {
        body += text
      })
      incoming.on('end', () => outgoing.end(`${incoming.method} ${incoming.url} ${body.length}`))
    })
    const http = (socket: Socket) => void server.emit('connection', socket)
    const listener = await listen({ divert: sharedPort({ http }) })
    const kafka = dial(listener)
    kafka.write('\0\0\0\x02ok')
    expect(await reply(kafka)).toBe('\0\0\0\x02OK')

    const url = `http://127.0.0.1:${listener.address.port}`
    expect(await (await fetch(`${url}/topics`)).text()).toBe('GET /topics 0')
    const body = 'x'.repeat(300_000)
    expect(await (await fetch(`${url}/in`, { method: 'POST', body })).text()).toBe(
      'POST /in 300000',
    )
    kafka.write('\0\0\0\x05again')
    expect(await reply(kafka)).toBe('\0\0\0\x05AGAIN')
    server.close()
    server.closeAllConnections()
  })

  test('HTTP keeps its connection, pipelines, and takes a request in pieces', async () => {
    const server = createServer((incoming, outgoing) => {
      incoming.resume()
      outgoing.end(incoming.url)
    })
    cleanUps.push(() => server.closeAllConnections())
    const http = (socket: Socket) => void server.emit('connection', socket)
    const listener = await listen({ divert: sharedPort({ http }) })
    const socket = dial(listener).setEncoding('utf8')
    let answers = ''
    socket.on('data', (text) => {
      answers += text
    })
    socket.setNoDelay(true)
    for (const piece of [
      'G',
      'ET /1 HTTP/1.1\r\nhost: a\r\n',
      '\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n',
    ]) {
      socket.write(piece)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await expect.poll(() => answers).toMatch(/\/1[\s\S]*\/2/)
    socket.write('GET /3 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
    await closed(socket)
    expect(answers).toContain('/3')
  })

  test('TLS is closed where no one takes it', async () => {
    const listener = await listen({ divert: sharedPort({ http: (socket) => socket.destroy() }) })
    const socket = dial(listener)
    socket.write(Buffer.from([0x16, 0x03, 0x01, 0x00]))
    await closed(socket)
  })

  test('a connection that sends nothing is closed', async () => {
    const divert = sharedPort({ http: (socket) => socket.destroy() })
    const listener = await listen({ divert, firstBytesTimeoutMs: 50 })
    const silent = dial(listener)
    const speaking = dial(listener)
    speaking.write('\0\0\0\x02ok')
    await reply(speaking)
    await closed(silent)
    speaking.write('\0\0\0\x02hi')
    expect(await reply(speaking)).toBe('\0\0\0\x02HI')
  })

  test('a connection that is closed or reset before its first bytes is forgotten', async () => {
    let accepted = 0
    const accept = (connection: Connection) => {
      accepted += 1
      return shout(connection)
    }
    const listener = await listen({ divert: () => undefined }, accept)
    dial(listener).end()
    const reset = dial(listener)
    reset.once('connect', () => reset.resetAndDestroy())
    await closed(reset)
    const kafka = dial(listener)
    kafka.write('x')
    expect(await reply(kafka)).toBe('X')
    expect(accepted).toBe(1)
  })
})
