// A writer of a compacted topic: it sets and deletes keys that nobody else writes, so that their versions have
// one order, and tells what became of each.

import { sleep } from '@sluice/core/host/clock'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { Producer } from '@sluice/core/kafka-client/producer'
import { type ClientMachine, encodeValue, startClient, tombstoneHeaders } from './client-machine.ts'
import type { TableWriterPlan, TopicPlan } from './plan.ts'
import { type TableHistory, type Version, valueOfVersion } from './table-history.ts'
import type { World } from './world.ts'

const recordsMax = 4
const paddingBytesMax = 120
const deliveryTimeoutMs = 20_000

export class TableWriter {
  readonly #world: World
  readonly #plan: TableWriterPlan
  readonly #topic: TopicPlan
  readonly #table: TableHistory
  readonly #home: ClientMachine
  readonly #producer: Producer
  readonly #versions: number[]
  #stopped = false

  constructor(world: World, plan: TableWriterPlan, topic: TopicPlan, table: TableHistory) {
    this.#world = world
    this.#plan = plan
    this.#topic = topic
    this.#table = table
    this.#home = startClient(world, plan.name)
    this.#versions = Array.from({ length: plan.keys }, () => 0)
    this.#producer = new Producer(this.#home.client, {
      codec: plan.codec,
      batchBytes: 500,
      deliveryTimeoutMs,
      blockMs: deliveryTimeoutMs,
    })
  }

  async run(): Promise<void> {
    const { clock, random } = this.#home.machine
    while (!this.#stopped) {
      for (let count = 1 + random.integer(recordsMax); count > 0; count--) this.#send()
      await sleep(clock, random.number() * this.#plan.pauseMs)
    }
  }

  /** Sends nothing new; what is under way goes on. */
  stop(): void {
    this.#stopped = true
  }

  async close(): Promise<void> {
    await this.#producer.close()
    this.#home.client.close()
  }

  #send(): void {
    const { random } = this.#home.machine
    const { name, keys, deletesShare } = this.#plan
    // Some all the time, some hardly ever.
    const key = Math.floor(keys * random.number() ** 3)
    const number = ++this.#versions[key]
    const deletes = random.chance(deletesShare)
    const version: Version = { key: `${name}k${key}`, number, deletes }
    const value = valueOfVersion(version)
    const partition = key % this.#topic.partitions
    const record = {
      key: Buffer.from(version.key),
      value: deletes ? null : encodeValue(value, random.integer(paddingBytesMax)),
      headers: deletes ? tombstoneHeaders(value) : [],
      partition,
    }
    const { history } = this.#world
    const topic = this.#topic.name
    // Their order is looked at by key.
    history.sending(value, { topic, producer: name, number, idempotent: false, corrupt: false })
    this.#table.sending(version)
    this.#producer.sendEach(topic, [record]).then(([outcome]) => {
      if (outcome instanceof KafkaError) {
        this.#world.say(`${value} failed: ${outcome.name} ${outcome.message}`)
        history.failed(value)
      } else history.acknowledged(value, { topic, partition }, outcome.offset)
    })
  }
}
