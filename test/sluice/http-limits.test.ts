// Limits on connections count HTTP as well as Kafka: both come in by one port.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Sluice } from 'sluice'
import { afterEach, expect, test } from 'vitest'

let sluice: Sluice
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await sluice.stop()
})

/** Asks over a connection of its own, which stays open. */
async function ask(): Promise<{ answer: string; socket: Socket }> {
  const { hostname, port } = new URL(sluice.httpUrl)
  const socket = connect(Number(port), hostname)
  sockets.push(socket)
  socket.write(`GET /healthz HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`)
  const [bytes] = await once(socket, 'data')
  return { answer: String(bytes).split('\r\n')[0], socket }
}

test('an HTTP connection over the limit of its address gets 503, and its place is free again', async () => {
  sluice = await Sluice.start({ configs: { 'max.connections.per.ip': '1' } })
  const first = await ask()
  expect(first.answer).toBe('HTTP/1.1 200 OK')
  const second = await ask()
  expect(second.answer).toBe('HTTP/1.1 503 Service Unavailable')
  if (!second.socket.closed) await once(second.socket, 'close')
  first.socket.destroy()
  await expect.poll(async () => (await ask()).answer).toBe('HTTP/1.1 200 OK')
})

test('an idle HTTP connection is closed after connections.max.idle.ms', async () => {
  sluice = await Sluice.start({ configs: { 'connections.max.idle.ms': '200' } })
  const { answer, socket } = await ask()
  expect(answer).toBe('HTTP/1.1 200 OK')
  if (!socket.closed) await once(socket, 'close')
})
