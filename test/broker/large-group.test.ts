// A group of 200 members: it comes together in bounded time, every partition is read by exactly one of them, it
// outlives a restart of its coordinator without a rebalance, and 50 may leave at once.

import type { Broker } from '@sluice/broker/broker'
import { createBroker } from '@sluice/broker/running-broker'
import { brokerConfig } from '@sluice/core/config/broker-config'
import { silentLogger } from '@sluice/core/host/logger'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { MemoryNetwork } from '@sluice/core/host/memory/network'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import type { AssignorName } from '@sluice/core/kafka-client/assignors'
import { GroupConsumer } from '@sluice/core/kafka-client/group-consumer'
import { describeGroup } from '@sluice/core/kafka-client/group-description'
import { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { keyOf } from '@sluice/core/kafka-client/topic-partition'
import { Metrics } from '@sluice/core/metrics/metrics'
import { afterEach, beforeEach, expect, test } from 'vitest'

const memberCount = 200
const partitionCount = 400
const group = 'large'
const address = { host: 'broker', port: 9092 }
const timing = { heartbeatIntervalMs: 1_000, sessionTimeoutMs: 45_000, rebalanceTimeoutMs: 60_000 }

let clock: NodeClock
let network: MemoryNetwork
let start: () => Promise<void>
let broker: Broker
let client: KafkaClient
let members: Member[]

beforeEach(async () => {
  clock = new NodeClock()
  network = new MemoryNetwork(clock)
  const disk = new MemoryDisk()
  const store = new MemoryTableStore(clock)
  let starts = 0
  start = async () => {
    const config = brokerConfig({
      'log.dirs': '/data',
      'offsets.topic.num.partitions': '1',
      'group.initial.rebalance.delay.ms': '500',
    })
    if (!config.ok) throw new Error(config.errors[0].message)
    broker = await createBroker({
      host: {
        ...{ clock, network, disk, logger: silentLogger },
        random: new SeededRandom(`start ${++starts}`),
        table: new MemoryTable(store),
      },
      config: config.config,
      nodeId: 1,
      metrics: new Metrics(),
      listeners: [{ name: 'PLAINTEXT', network, bind: address, advertised: 'bound' }],
    })
  }
  await start()
  client = newClient('watch')
  const configs = {}
  await broker.cluster.controller.createTopics([
    { name: 'wide', partitions: partitionCount, replicationFactor: 1, configs },
  ])
  members = []
})

afterEach(async () => {
  await Promise.all(members.map((member) => member.stop()))
  client.close()
  await broker.close()
})

function newClient(clientId: string): KafkaClient {
  const random = new SeededRandom(clientId)
  return new KafkaClient({
    ...{ network, clock, random, logger: silentLogger, clientId },
    bootstrap: [address],
    backoff: { firstMs: 20, maxMs: 200 },
  })
}

/** Polls as fast as it is answered. */
class Member {
  readonly consumer: GroupConsumer
  readonly #client: KafkaClient
  readonly #running: Promise<void>
  revocations = 0
  #over = false

  constructor(name: string, assignor: AssignorName) {
    this.#client = newClient(name)
    this.consumer = new GroupConsumer(this.#client, {
      ...{ group, topics: ['wide'], assignors: [assignor], ...timing },
      onRevoked: () => {
        this.revocations += 1
      },
    })
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    if (this.#over) return
    this.#over = true
    this.consumer.interrupt()
    await this.#running
    await this.consumer.close()
    this.#client.close()
  }

  async #run(): Promise<void> {
    while (!this.#over) await this.consumer.poll(500)
  }
}

/** Resolves with the milliseconds until the members have all partitions, each of them once. */
async function whole(): Promise<number> {
  const beginMs = clock.monotonic()
  const isWhole = () => {
    const held = members.flatMap(({ consumer }) => consumer.assignment.map(keyOf))
    return held.length === partitionCount && new Set(held).size === partitionCount
  }
  await expect.poll(isWhole, { timeout: 60_000, interval: 20 }).toBe(true)
  return Math.round(clock.monotonic() - beginMs)
}

async function described() {
  const {
    state,
    protocol,
    members: all,
  } = await describeGroup(client, group, { timeoutMs: 20_000 })
  const shares = new Map(all.map(({ memberId, assignment }) => [memberId, assignment.map(keyOf)]))
  return { state, protocol, shares }
}

const assignors: AssignorName[] = ['range', 'cooperative-sticky']

test.each(assignors)('%s', { timeout: 180_000 }, async (assignor) => {
  members = Array.from({ length: memberCount }, (_, index) => new Member(`m${index}`, assignor))
  const joinedMs = await whole()
  await expect.poll(async () => (await described()).state, { timeout: 30_000 }).toBe('Stable')
  const before = await described()
  expect(before.protocol).toBe(assignor)
  expect(new Set([...before.shares.values()].map(({ length }) => length))).toEqual(new Set([2]))
  expect(before.shares.size).toBe(memberCount)
  expect(new Set([...before.shares.values()].flat()).size).toBe(partitionCount)

  for (const member of members) member.revocations = 0
  await broker.close()
  await start()
  // The sessions of all are the coordinator's to know again; each member beats at least once.
  await new Promise((done) => setTimeout(done, 2 * timing.heartbeatIntervalMs))
  expect(await described()).toEqual(before)
  expect(members.map(({ revocations }) => revocations)).toEqual(members.map(() => 0))

  const gone = members.splice(0, 50)
  await Promise.all(gone.map((member) => member.stop()))
  const leftMs = await whole()
  console.log(`${assignor}: ${memberCount} joined in ${joinedMs} ms, 50 left in ${leftMs} ms`)
})
