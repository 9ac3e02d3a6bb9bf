// Consumer groups of 1 to 4 members that come and go, of every client: each record is delivered, and what the
// group committed at its end is the end of every partition.

import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import kafkajs, { type Admin, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Client, type ConsumedRecord, groupClients, startDriver } from './drivers.ts'
import { startTarget, type Target } from './target.ts'

const partitions = 4
const recordsPerStep = 200
/** How many members there are, step by step. */
const steps = [1, 2, 4, 3, 1]
/** Of what a member says on its standard error, the last so much. */
const saidMax = 1_000

let target: Target
let admin: Admin
let producer: Producer

beforeAll(async () => {
  target = await startTarget()
  const kafka = new kafkajs.Kafka({
    brokers: [target.bootstrap],
    logLevel: kafkajs.logLevel.NOTHING,
  })
  admin = kafka.admin()
  // kafkajs sends all of a request again when one partition of it failed.
  producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await Promise.all([admin.connect(), producer.connect()])
}, 60_000)
afterAll(async () => {
  await Promise.all([admin?.disconnect(), producer?.disconnect()])
  await target?.stop()
  target?.remove()
}, 30_000)

/** Members of one group, as processes, and what all of them together were given. */
class Members {
  readonly seen = new Map<string, number>()
  readonly #running: { readonly child: ChildProcess; readonly ended: Promise<void> }[] = []
  readonly #client: Client
  readonly #topic: string
  readonly #group: string
  #said = ''
  deliveries = 0

  constructor(client: Client, topic: string, group: string) {
    this.#client = client
    this.#topic = topic
    this.#group = group
  }

  async resize(count: number): Promise<void> {
    while (this.#running.length > count) await this.#stopOldest()
    while (this.#running.length < count) this.#start()
  }

  #start(): void {
    const child = startDriver(this.#client, 'consume', {
      bootstrap: target.bootstrap,
      topics: this.#topic,
      group: this.#group,
      max: 1_000_000,
      timeout: 120_000,
    })
    child.stderr?.on('data', (text) => {
      this.#said = `${this.#said}${child.pid}: ${text}`.slice(-saidMax)
    })
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (!line.startsWith('{')) return
      const { partition, offset } = JSON.parse(line) as ConsumedRecord
      const id = `${partition}:${offset}`
      this.seen.set(id, (this.seen.get(id) ?? 0) + 1)
      this.deliveries++
    })
    const ended = new Promise<void>((done) => child.on('close', () => done()))
    this.#running.push({ child, ended })
  }

  async #stopOldest(): Promise<void> {
    const { child, ended } = this.#running.shift()!
    child.kill('SIGTERM')
    const late = Promise.withResolvers<void>()
    const timers = [
      setTimeout(() => child.kill('SIGKILL'), 15_000),
      // What the driver started may outlive it, and be a member still.
      setTimeout(() => late.reject(new Error('a member that was killed goes on')), 30_000),
    ]
    try {
      await Promise.race([ended, late.promise])
    } finally {
      for (const timer of timers) clearTimeout(timer)
    }
  }

  /** Resolves when `count` records were seen; else says how things stand. */
  async haveSeen(count: number): Promise<void> {
    try {
      await expect.poll(() => this.seen.size, { timeout: 40_000, interval: 100 }).toBe(count)
    } catch (cause) {
      const { groups } = await admin.describeGroups([this.#group])
      const [{ state, members }] = groups
      const ids = members.map(({ memberId }) => memberId).join(', ')
      const situation = `${this.seen.size} of ${count}, ${state}, members: ${ids}`
      throw new Error(`${situation}\n${this.#said}`, { cause })
    }
  }
}

describe('groups of 1 to 4 members that come and go', () => {
  for (const client of groupClients) {
    test(client, { timeout: 180_000 }, async () => {
      const topic = `groups.${client}`
      const group = `group-${client}`
      await admin.createTopics({
        waitForLeaders: true,
        topics: [{ topic, numPartitions: partitions }],
      })
      const members = new Members(client, topic, group)
      let produced = 0
      try {
        for (const count of steps) {
          await members.resize(count)
          for (let i = 0; i < 4; i++) {
            await produceSome(topic, recordsPerStep / 4)
            produced += recordsPerStep / 4
            await new Promise((done) => setTimeout(done, 150))
          }
          await members.haveSeen(produced)
        }
      } finally {
        await members.resize(0)
      }
      const committed = await admin.fetchOffsets({ groupId: group, topics: [topic] })
      const offsets = committed[0].partitions.map(({ offset }) => Number(offset))
      expect(offsets.reduce((sum, offset) => sum + offset, 0)).toBe(produced)
      console.log(`${client}: ${produced} records, ${members.deliveries} deliveries`)
    })
  }
})

async function produceSome(topic: string, count: number): Promise<void> {
  const messages = Array.from({ length: count }, (_, i) => ({
    value: `record ${i}`,
    partition: i % partitions,
  }))
  await producer.send({ topic, messages })
}
