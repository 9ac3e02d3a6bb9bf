// A producer: it sends unique values until it is told to stop, and tells the history what became of each.

import { sleep } from '@sluice/core/host/clock'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { Producer, type ProducerRecord } from '@sluice/core/kafka-client/producer'
import { type ClientMachine, encodeValue, startClient } from './client-machine.ts'
import type { ProducerPlan, TopicPlan } from './plan.ts'
import type { World } from './world.ts'

const recordsMax = 4
const paddingBytesMax = 300
const keys = 8
/** Longer than any fault, so that most of what is sent comes through in the end. */
const deliveryTimeoutMs = 20_000

export class ProducerActor {
  readonly name: string
  readonly #world: World
  readonly #plan: ProducerPlan
  readonly #topics: readonly TopicPlan[]
  readonly #home: ClientMachine
  readonly #producer: Producer
  #number = 0
  #stopped = false

  constructor(world: World, plan: ProducerPlan, topics: readonly TopicPlan[]) {
    this.name = plan.name
    this.#world = world
    this.#plan = plan
    this.#topics = topics
    this.#home = startClient(world, plan.name)
    const { acks, idempotent, codec, lingerMs } = plan
    this.#producer = new Producer(this.#home.client, {
      acks,
      idempotent,
      codec,
      lingerMs,
      batchBytes: 1_000,
      deliveryTimeoutMs,
      blockMs: deliveryTimeoutMs,
    })
  }

  async run(): Promise<void> {
    const { clock, random } = this.#home.machine
    while (!this.#stopped) {
      this.#send()
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
    const topic = random.pick(this.#topics)
    const values: string[] = []
    const records: ProducerRecord[] = []
    for (let count = 1 + random.integer(recordsMax); count > 0; count--) {
      const value = `${this.name}#${this.#number++}`
      values.push(value)
      records.push({
        key: random.chance(0.5) ? Buffer.from(`k${random.integer(keys)}`) : null,
        value: encodeValue(value, random.integer(paddingBytesMax)),
        partition: random.chance(0.3) ? random.integer(topic.partitions) : undefined,
      })
    }
    const { history } = this.#world
    const { idempotent } = this.#plan
    values.forEach((value, i) => {
      const number = this.#number - values.length + i
      const sent = { topic: topic.name, producer: this.name, number, idempotent, corrupt: false }
      history.sending(value, sent)
    })
    this.#producer.sendEach(topic.name, records).then((outcomes) => {
      outcomes.forEach((outcome, i) => {
        if (outcome instanceof KafkaError) {
          this.#world.say(`${values[i]} failed: ${outcome.name} ${outcome.message}`)
          history.failed(values[i])
        } else {
          const place = { topic: topic.name, partition: outcome.partition }
          history.acknowledged(values[i], place, outcome.offset)
        }
      })
    })
  }
}
