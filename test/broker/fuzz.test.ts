// Fuzz: requests of all APIs, damaged in many ways, over connections that come and go. Whatever comes in, the
// broker goes on: nobody else notices, no line says that a request failed for a bug, memory is given back.
//
//   FUZZ_SEED=… FUZZ_BURSTS=… vitest run test/broker/fuzz.test.ts
//
// A failure prints the seed and the frames of its burst in hex.

import { SeededRandom } from '@sluice/core/host/memory/random'
import { zeroUuid } from '@sluice/protocol/schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { damaged } from './mutations.ts'
import { randomRequest, type Vocabulary } from './random-requests.ts'
import { Scene } from './scene.ts'

const seed = process.env['FUZZ_SEED'] ?? String(Math.floor(Math.random() * 1e9))
const burstsAsked = process.env['FUZZ_BURSTS']
const bursts = Number(burstsAsked ?? 400)
/** A slow machine does fewer bursts rather than fail. */
const fuzzMsMax = burstsAsked === undefined ? 9_000 : Number.POSITIVE_INFINITY
const connectionsPerBurst = 6
const framesPerConnection = 6
/** Most damage ends its connection: what stands before it must get through. */
const damageChance = 0.25
/** How long a connection may be silent, as one that waits for a group is, before it is left. */
const patienceMs = 15
const residentGrowthMax = 400_000_000

/** Three of them have batches that are looked into or altered before they are stored. */
const topics: Readonly<Record<string, Record<string, string>>> = {
  orders: {},
  packed: { 'compression.type': 'lz4' },
  compacted: { 'cleanup.policy': 'compact' },
  stamped: { 'message.timestamp.type': 'LogAppendTime' },
}

let scene: Scene
const rejections: unknown[] = []
const onRejection = (cause: unknown) => rejections.push(cause)

beforeAll(async () => {
  process.on('unhandledRejection', onRejection)
  scene = await Scene.start({ config: { 'socket.request.max.bytes': '3000000' } })
})
afterAll(async () => {
  process.off('unhandledRejection', onRejection)
  await scene.close()
})

/** What there is to be spoken of. Some requests delete topics: they are made anew. */
async function prepare(): Promise<Vocabulary> {
  const { image } = scene.running.broker.cluster
  for (const [topic, configs] of Object.entries(topics)) {
    if (!image.topic(topic)) await scene.running.createTopic(topic, { partitions: 2, configs })
  }
  const { image: now } = scene.running.broker.cluster
  const ids = Object.keys(topics).map((name) => now.topic(name)?.id ?? zeroUuid)
  const names = Object.keys(topics)
  return {
    topics: [...names, ...names, 'fuzz', '__consumer_offsets', 'no such'],
    topicIds: [...ids, ...ids, zeroUuid, 'c2x1aWNlLWJlbmNoLXRlcw'],
  }
}

/** Sends the frames, in pieces, and leaves when the connection is closed or all was said. */
async function attack(frames: readonly Buffer[], random: SeededRandom): Promise<void> {
  const client = await scene.running.connect()
  const bytes = Buffer.concat(frames)
  for (let at = 0; at < bytes.length; ) {
    const length = random.chance(0.7) ? bytes.length - at : 1 + random.integer(bytes.length - at)
    client.write(bytes.subarray(at, at + length))
    at += length
  }
  const patience = new Promise((resolve) => setTimeout(resolve, patienceMs))
  await Promise.race([client.closed, patience])
  client.close()
}

async function burst(random: SeededRandom): Promise<void> {
  const words = await prepare()
  const sent: Buffer[] = []
  const attacks = Array.from({ length: connectionsPerBurst }, () => {
    const frames = Array.from({ length: framesPerConnection }, () => {
      const frame = randomRequest(random, words)
      return random.chance(damageChance) ? damaged(frame, random) : frame
    })
    sent.push(...frames)
    return attack(frames, random)
  })
  await Promise.all(attacks)
  try {
    await scene.expectCalm()
    expect(rejections).toEqual([])
  } catch (cause) {
    const hex = sent.map((frame) => frame.toString('hex')).join('\n')
    throw new Error(`FUZZ_SEED=${seed}: after a burst of\n${hex}\n`, { cause })
  }
}

test(`a broker stands ${bursts} bursts of damaged requests, seed ${seed}`, async () => {
  const random = new SeededRandom(seed)
  const began = performance.now()
  const residentBefore = process.memoryUsage().rss
  let done = 0
  while (done < bursts && performance.now() - began < fuzzMsMax) {
    await burst(random.fork(`${done}`))
    done += 1
  }
  await expect.poll(() => scene.heldBytes()).toBe(0)
  const grown = process.memoryUsage().rss - residentBefore
  expect(grown, `FUZZ_SEED=${seed}`).toBeLessThan(residentGrowthMax)
  expect(done).toBeGreaterThan(10)
  console.log(`fuzz: seed ${seed}, ${done} bursts, resident +${(grown / 1e6).toFixed(0)} MB`)
}, 600_000)
