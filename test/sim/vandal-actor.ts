// A client that sends what must be refused: batches whose bytes do not fit their CRC. None of it may be
// acknowledged, and none may ever be read.

import { sleep } from '@sluice/core/host/clock'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { encodeBatch } from '@sluice/protocol/records/record'
import { type ClientMachine, encodeValue, startClient } from './client-machine.ts'
import type { TopicPlan } from './plan.ts'
import type { World } from './world.ts'

const pauseMsMax = 1_000
/** Where topics have names. */
const produceVersionMax = 12

export class VandalActor {
  readonly #world: World
  readonly #topics: readonly TopicPlan[]
  readonly #home: ClientMachine
  #number = 0
  #stopped = false

  constructor(world: World, topics: readonly TopicPlan[]) {
    this.#world = world
    this.#topics = topics
    this.#home = startClient(world, 'vandal')
  }

  async run(): Promise<void> {
    const { clock, random } = this.#home.machine
    while (!this.#stopped) {
      await sleep(clock, random.number() * pauseMsMax)
      try {
        await this.#sendCorrupt()
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
      }
    }
  }

  stop(): void {
    this.#stopped = true
  }

  close(): void {
    this.#home.client.close()
  }

  async #sendCorrupt(): Promise<void> {
    const { history } = this.#world
    const { client, machine } = this.#home
    const { random } = machine
    const topic = random.pick(this.#topics)
    const index = random.integer(topic.partitions)
    const number = this.#number++
    const value = `vandal#${number}`
    const bytes = encodeValue(value, 20)
    const records = encodeBatch({ records: [{ timestamp: 0, key: null, value: bytes }] })
    // Not in the value, so that it would be recognised.
    records[records.length - 5] ^= 1 << random.integer(8)
    history.sending(value, {
      topic: topic.name,
      producer: 'vandal',
      number,
      idempotent: false,
      corrupt: true,
    })
    try {
      const metadata = await client.metadata([topic.name])
      const leader = metadata.topics.get(topic.name)?.partitions[index]?.leader ?? -1
      const topicData = [{ name: topic.name, partitionData: [{ index, records }] }]
      const body = { acks: -1, timeoutMs: 1_000, topicData }
      const options = { maxVersion: produceVersionMax }
      const response = await client.request(apis.produce, { node: leader }, body, options)
      const { errorCode } = response.responses[0].partitionResponses[0]
      if (errorCode === errors.NONE) {
        history.acknowledged(value, { topic: topic.name, partition: index }, -1)
      } else history.failed(value)
    } catch (error) {
      history.failed(value)
      throw error
    }
  }
}
