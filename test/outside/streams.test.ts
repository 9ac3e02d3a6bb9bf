// Kafka Streams counts words (at least once, in memory): its internal topics are made, a partition goes through a
// repartition topic, and what it knows comes back from the changelog when it starts without its state.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import kafkajs, { type Admin, type Kafka } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { consume } from './drivers.ts'
import { classPath } from './kafka/apache.ts'
import { startTarget, type Target } from './target.ts'

const input = 'streams.lines'
const output = 'streams.counts'
const application = 'word-count'
const words = ['to', 'be', 'or', 'not', 'to', 'be']
const folder = mkdtempSync(join(tmpdir(), 'sluice-streams-'))

let target: Target
let kafka: Kafka
let admin: Admin

beforeAll(async () => {
  target = await startTarget({ 'group.initial.rebalance.delay.ms': '0' })
  const logLevel = kafkajs.logLevel.NOTHING
  kafka = new kafkajs.Kafka({ brokers: [target.bootstrap], logLevel })
  admin = kafka.admin()
  await admin.connect()
  const topics = [input, output].map((topic) => ({ topic, numPartitions: 2 }))
  await admin.createTopics({ waitForLeaders: true, topics })
}, 60_000)
afterAll(async () => {
  await admin?.disconnect()
  await target?.stop()
  target?.remove()
  rmSync(folder, { recursive: true, force: true })
}, 30_000)

test('it counts, and goes on counting without its state', { timeout: 240_000 }, async () => {
  await writeLines(50)
  const first = startCounting('first')
  expect(await lastCounts(50)).toEqual({ to: 100, be: 100, or: 50, not: 50 })
  await ended(first)
  expect(await admin.listTopics()).toEqual(
    expect.arrayContaining([
      `${application}-counts-changelog`,
      `${application}-counts-repartition`,
    ]),
  )

  await writeLines(10)
  const second = startCounting('second')
  expect(await lastCounts(60)).toEqual({ to: 120, be: 120, or: 60, not: 60 })
  await ended(second)
})

async function writeLines(count: number): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  const line = (i: number) => ({ value: words.join(' '), partition: i % 2 })
  await producer.send({ topic: input, messages: Array.from({ length: count }, (_, i) => line(i)) })
  await producer.disconnect()
}

interface Counting {
  readonly child: ChildProcess
  said: string
}

function startCounting(state: string): Counting {
  const args = [target.bootstrap, application, join(folder, state), input, output]
  const flags = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classPath]
  const child = spawn('java', [...flags, 'WordCount', ...args])
  const counting = { child, said: '' }
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes) => {
      counting.said = `${counting.said}${bytes}`.slice(-4_000)
    })
  }
  return counting
}

async function ended({ child, ...counting }: Counting): Promise<void> {
  const code = new Promise((done) => child.on('close', done))
  child.stdin?.end()
  expect(await code, counting.said).toBe(0)
}

/** The latest count of each word, when so many lines have been counted. */
async function lastCounts(lines: number): Promise<Record<string, number>> {
  const max = lines * words.length
  const options = { bootstrap: target.bootstrap, topics: [output], max, timeout: 90_000 }
  const text = (bytes: string | null) => Buffer.from(bytes ?? '', 'base64').toString()
  const counts = (await consume('confluent', options)).map(({ key, value }) => [
    text(key),
    Number(text(value)),
  ])
  expect(counts.length).toBe(max)
  return Object.fromEntries(counts)
}
