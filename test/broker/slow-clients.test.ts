// Clients that take their time, keep a broker waiting or give it nothing but promises. What they can make it
// hold is bounded, and whoever else is connected notices nothing.

import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import { apis } from '@sluice/protocol/apis'
import { requestFrame } from '@sluice/protocol/frame'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fetchRequestOf } from './requests.ts'
import { networks, Scene } from './scene.ts'
import { batchOf, type TestClient } from './test-broker.ts'

const megabyte = 1_000_000

/** What all requests together may hold; no single one may be larger. */
const budgetOf = (bytes: number) => ({
  'queued.max.request.bytes': String(Math.round(bytes)),
  'socket.request.max.bytes': String(Math.round(bytes)),
})

function produceFrame(topic: string, values: string[]): Buffer {
  const partitionData = [{ index: 0, records: batchOf(values) }]
  const topicData = [{ name: topic, partitionData }]
  return Buffer.concat(
    requestFrame(apis.produce, 9, 1, 'slow', { acks: -1, timeoutMs: 1000, topicData }),
  )
}

function fetchFrame(given: Parameters<typeof fetchRequestOf>[0]): Buffer {
  const request = fetchRequestOf({
    partitions: [0],
    maxBytes: 20 * megabyte,
    partitionMaxBytes: 20 * megabyte,
    ...given,
  })
  return Buffer.concat(requestFrame(apis.fetch, 12, 1, 'slow', request))
}

/** So many fetches of the same, sent at once; their answers. */
function fetchMany(client: TestClient, count: number, frame: Buffer): Promise<Buffer[]> {
  return Promise.all(Array.from({ length: count }, () => client.sendRaw(frame)))
}

async function fill(scene: Scene, megabytes: number): Promise<void> {
  const client = await scene.running.connect()
  for (let i = 0; i < megabytes; i++) {
    expect((await client.produce('orders', ['x'.repeat(megabyte)])).errorCode).toBe(0)
  }
  client.close()
}

describe.each(networks)('on %s', (_name, makeNetwork) => {
  let scene: Scene
  beforeEach(async () => {
    scene = await Scene.start({ network: makeNetwork() })
  })
  afterEach(() => scene.close())

  test('a request may come one byte at a time', async () => {
    const client = await scene.running.connect()
    const frame = produceFrame('orders', ['slow'])
    for (let at = 0; at < frame.length - 1; at++) {
      client.write(frame.subarray(at, at + 1))
      if (at % 20 === 0) await scene.expectCalm()
    }
    expect(scene.endOffset()).toBe(0)
    const answer = await client.sendRaw(frame.subarray(-1))
    expect(answer.readInt32BE(0)).toBe(1)
    expect(scene.endOffset()).toBe(1)
  })

  test('a client that asks for much and reads nothing holds little, and gets all in the end', async () => {
    await fill(scene, 10)
    const client = await scene.running.connect()
    client.pause()
    const answers = fetchMany(client, 60, fetchFrame({}))
    await expect.poll(() => scene.heldBytes()).toBeGreaterThan(megabyte)
    for (let i = 0; i < 20; i++) {
      await scene.expectCalm()
      expect(await scene.heldBytes()).toBeLessThan(25 * megabyte)
    }
    client.resume()
    for (const answer of await answers) expect(answer.length).toBeGreaterThan(megabyte)
    await expect.poll(() => scene.heldBytes()).toBe(0)
  })

  test('fetches that wait side by side do not all wake to memory at once', async () => {
    const client = await scene.running.connect()
    client.pause()
    const answers = fetchMany(client, 100, fetchFrame({ maxWaitMs: 60_000, minBytes: 1 }))
    await expect.poll(() => scene.running.broker.purgatory.size).toBe(100)
    await fill(scene, 1)
    await expect.poll(() => scene.heldBytes()).toBeGreaterThan(megabyte / 2)
    expect(await scene.heldBytes()).toBeLessThan(20 * megabyte)
    await scene.expectCalm()
    client.resume()
    for (const answer of await answers) expect(answer.length).toBeGreaterThan(megabyte)
    await expect.poll(() => scene.heldBytes()).toBe(0)
  })

  test('an answer whose turn has come is not kept waiting by others that wait for room', async () => {
    await scene.running.createTopic('three', { partitions: 3 })
    const writer = await scene.running.connect()
    const client = await scene.running.connect()
    const fetch = (partition: number, count: number) => {
      const given = { topic: 'three', partitions: [partition], maxWaitMs: 60_000 }
      return fetchMany(client, count, fetchFrame(given))
    }
    const answers = [fetch(0, 1), fetch(1, 1), fetch(2, 20)]
    const { purgatory } = scene.running.broker
    await expect.poll(() => purgatory.size).toBe(22)
    await writer.produce('three', ['x'.repeat(megabyte)], { partition: 2 })
    await expect.poll(() => scene.heldBytes()).toBeGreaterThan(8 * megabyte)
    // The second wakes before the first, when there is no room any more.
    for (const partition of [1, 0]) {
      await writer.produce('three', ['at last'], { partition })
      await expect.poll(() => purgatory.size).toBe(partition)
    }
    for (const group of answers) {
      for (const answer of await group) expect(answer.length).toBeGreaterThan(50)
    }
    await expect.poll(() => scene.heldBytes()).toBe(0)
  })

  test('500 connections that announce 100 MB and send nothing take no memory', async () => {
    const before = process.memoryUsage()
    const clients: TestClient[] = []
    for (let i = 0; i < 500; i++) {
      const client = await scene.running.connect()
      client.write(Buffer.from('05f5e100', 'hex'))
      clients.push(client)
    }
    await scene.expectCalm()
    const after = process.memoryUsage()
    // What a frame is trusted for at first, untouched: nothing of the 50 GB.
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(250 * megabyte)
    expect(after.rss - before.rss).toBeLessThan(150 * megabyte)
    for (const client of clients) client.close()
  })
})

describe('in memory', () => {
  let scene: Scene
  afterEach(() => scene.close())

  test('reads from the disk for one who does not read do not pile up', async () => {
    const disk = new MemoryDisk()
    const store = new MemoryTableStore(new NodeClock())
    scene = await Scene.start({ disk, table: new MemoryTable(store) })
    await fill(scene, 10)
    await scene.running.close()
    // Started again it has read none of it yet: every read waits for the disk.
    scene = await Scene.start({ disk, table: new MemoryTable(store) })
    const client = await scene.running.connect()
    client.pause()
    const answers = fetchMany(client, 100, fetchFrame({}))
    await expect.poll(() => scene.heldBytes()).toBeGreaterThan(megabyte)
    for (let i = 0; i < 20; i++) {
      await scene.expectCalm()
      expect(await scene.heldBytes()).toBeLessThan(30 * megabyte)
    }
    client.resume()
    for (const answer of await answers) expect(answer.length).toBeGreaterThan(megabyte)
    await expect.poll(() => scene.heldBytes()).toBe(0)
  })

  test('of those who stop in the middle of a request the one with most gives way', async () => {
    scene = await Scene.start({ config: budgetOf(10 * megabyte) })
    const sizes = [3, 4, 2, 2].map((megabytes) => megabytes * megabyte)
    const frame = Buffer.alloc(10 * megabyte)
    frame.writeInt32BE(frame.length - 4)
    const clients: TestClient[] = []
    for (const size of sizes) {
      const client = await scene.running.connect()
      client.write(frame.subarray(0, size))
      clients.push(client)
      await scene.expectCalm()
    }
    await clients[1].closed
    await scene.expectCalm()
    expect(await scene.heldBytes()).toBe(0)
  })

  test('what a refused request held is given back', async () => {
    scene = await Scene.start()
    for (let i = 0; i < 5; i++) {
      const client = await scene.running.connect()
      const frame = Buffer.alloc(megabyte)
      frame.writeInt32BE(frame.length - 4)
      client.write(frame)
      await client.closed
    }
    await expect.poll(() => scene.heldBytes()).toBe(0)
  })

  test('answers are small while memory is short, and still get to everybody', async () => {
    scene = await Scene.start({ config: budgetOf(1.1 * megabyte) })
    await fill(scene, 5)
    const slow = await Promise.all(Array.from({ length: 20 }, () => scene.running.connect()))
    for (const client of slow) client.pause()
    const answers = slow.map((client) => fetchMany(client, 5, fetchFrame({})))
    await expect.poll(() => scene.heldBytes()).toBeGreaterThan(megabyte)
    await scene.expectCalm()
    // The first may have as much as ever; the others no more than a batch of a megabyte each.
    expect(await scene.heldBytes()).toBeLessThan(40 * megabyte)
    for (const client of slow) client.resume()
    for (const answer of (await Promise.all(answers)).flat()) {
      expect(answer.length).toBeGreaterThan(megabyte)
    }
  })

  test('connections over the limits are closed, the others stay', async () => {
    scene = await Scene.start({ config: { 'max.connections.per.ip': '3' } })
    const { running } = scene
    const second = await running.connect()
    const third = await running.connect()
    const fourth = await running.connect()
    await fourth.closed
    expect((await second.send(apis.apiVersions, 0, {})).errorCode).toBe(0)
    third.close()
    await expect
      .poll(async () => {
        const fifth = await running.connect()
        const answer = fifth.send(apis.apiVersions, 0, {})
        return answer.then(
          ({ errorCode }) => errorCode,
          () => 'closed',
        )
      })
      .toBe(0)
    await scene.expectCalm()
  })

  test('an idle connection is closed, one that waits for an answer is not', async () => {
    scene = await Scene.start()
    const { running } = scene
    const idle = await running.connect()
    const waits = await running.connect()
    const request = fetchRequestOf({ partitions: [0], maxWaitMs: 3_600_000 })
    const waiting = waits.send(apis.fetch, 12, request)
    await expect.poll(() => running.broker.purgatory.size).toBe(1)
    running.clock.advance(600_001)
    await idle.closed
    await (await running.connect()).produce('orders', ['still here'])
    expect((await waiting).responses).toHaveLength(1)
  })
})
