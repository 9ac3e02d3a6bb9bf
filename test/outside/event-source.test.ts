// EventSource in a real browser: connections are cut again and again, the broker is restarted and killed, and
// the page sees every record once, in the order of its partition. It does nothing but what EventSource does.

import { mkdtempSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Chromium } from './chromium.ts'
import { freePort, startSluice, type Target } from './target.ts'

const cuts = 25
const path = '/v1/topics/watched/records'
const partitions = [0, 1, 2]
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

/** Between browser and broker: it can cut all connections, in the middle of whatever they carry. */
class Wire {
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  connections = 0

  constructor(port: number) {
    this.#server = createServer((near) => {
      this.connections += 1
      const far = connect(port, '127.0.0.1')
      for (const [one, other] of [
        [near, far],
        [far, near],
      ]) {
        this.#sockets.add(one)
        one.pipe(other)
        one.on('error', () => other.destroy())
        one.on('close', () => {
          other.destroy()
          this.#sockets.delete(one)
        })
      }
    })
  }

  async listen(): Promise<number> {
    const port = await freePort()
    await new Promise<void>((done) => this.#server.listen(port, '127.0.0.1', done))
    return port
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  close(): void {
    this.cut()
    this.#server.close()
  }
}

/** Until it is stopped: a record every few milliseconds, whatever becomes of it. */
function keepProducing(port: number) {
  let going = true
  let acknowledged = 0
  const done = (async () => {
    for (let n = 0; going; n++) {
      const value = { n, text: 'ä'.repeat(n % 50) }
      const body = JSON.stringify({ records: [{ value, partition: n % partitions.length }] })
      const headers = { 'content-type': 'application/json' }
      const url = `http://127.0.0.1:${port}${path}`
      const sent = await fetch(url, { method: 'POST', body, headers }).catch(() => undefined)
      await sent?.arrayBuffer().catch(() => undefined)
      if (sent?.ok) acknowledged += 1
      else await pause(50)
      await pause(2)
    }
  })()
  return {
    async stop() {
      going = false
      await done
      return acknowledged
    },
  }
}

const watch = `
  window.seen = []
  window.opened = 0
  window.events = new EventSource('${path}?from=earliest')
  events.addEventListener('open', () => { opened += 1 })
  events.addEventListener('record', ({ data }) => {
    const { partition, offset, value } = JSON.parse(data)
    seen.push([partition, offset, value.n])
  })`

test('resumes after killed connections and a broker restart: no gap, no duplicate', {
  timeout: 300_000,
}, async () => {
  const home = mkdtempSync(join(tmpdir(), 'sluice-browser-'))
  const port = await freePort()
  const overrides = { 'num.partitions': String(partitions.length) }
  let broker: Target = await startSluice(port, overrides, home)
  const wire = new Wire(port)
  const page = await wire.listen()
  await using chromium = await Chromium.start()
  try {
    const producing = keepProducing(port)
    await expect.poll(async () => (await fetch(`http://127.0.0.1:${port}${path}`)).status).toBe(200)
    await chromium.open(`http://127.0.0.1:${page}/`)
    await chromium.run(watch)
    for (let n = 0; n < cuts; n++) {
      await pause(600 + Math.random() * 1000)
      wire.cut()
      if (n === 8) {
        await broker.stop()
        await pause(500)
        broker = await startSluice(port, overrides, home)
      }
      if (n === 16) {
        process.kill(broker.pid, 'SIGKILL')
        broker = await startSluice(port, overrides, home)
      }
    }
    const acknowledged = await producing.stop()
    const expected = await endOffsets(port)
    const total = expected.reduce((sum, end) => sum + end, 0)
    expect(total).toBeGreaterThanOrEqual(acknowledged)
    await expect
      .poll(() => chromium.run('seen.length'), { timeout: 30_000, interval: 200 })
      .toBeGreaterThanOrEqual(total)
    await pause(500)
    const seen = (await chromium.run('seen')) as [number, number, number][]
    const opened = await chromium.run('opened')
    for (const partition of partitions) {
      const offsets = seen.filter(([of]) => of === partition).map(([, offset]) => offset)
      expect(offsets).toEqual(Array.from({ length: expected[partition] }, (_, offset) => offset))
    }
    expect(opened).toBeGreaterThan(5)
    console.log(
      `${acknowledged} acknowledged, ${total} in the log, ${seen.length} seen; ` +
        `${cuts} cuts, a restart and a kill; the page opened its stream ${opened} times`,
    )
  } finally {
    wire.close()
    await broker.stop()
    broker.remove()
  }
})

async function endOffsets(port: number): Promise<number[]> {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/topics/watched/offsets?at=latest`)
  const { offsets } = (await answer.json()) as { offsets: { offset: number }[] }
  return offsets.map(({ offset }) => offset)
}
