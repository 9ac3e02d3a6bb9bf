// A client that makes and deletes one topic over and over. A new topic of the same name must be empty:
// nothing of the one before it may show, whatever crashed in between.

import { sleep } from '@sluice/core/host/clock'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { encodeBatch } from '@sluice/protocol/records/record'
import type { BrokerMachine } from './broker-machine.ts'
import { type ClientMachine, encodeValue, startClient } from './client-machine.ts'
import { readLog } from './log-reader.ts'
import type { TopicPlan } from './plan.ts'
import type { World } from './world.ts'

export const passingTopic = 'passing'

const pauseMsMax = 200
const patienceMs = 15_000
/** Where topics have names. */
const produceVersionMax = 12
const deleteVersionMax = 5

/** Returns when they are there; a lost answer is recognised by their existence. */
export async function createTopics(
  client: KafkaClient,
  plans: readonly TopicPlan[],
): Promise<void> {
  const topics = plans.map(({ name, partitions: numPartitions, configs: given = {} }) => {
    const configs = Object.entries(given).map(([key, value]) => ({ name: key, value }))
    return { name, numPartitions, replicationFactor: 1, assignments: [], configs }
  })
  const attempt = async () => {
    const response = await client.request(apis.createTopics, 'controller', { topics })
    for (const { errorCode, errorMessage } of response.topics) {
      if (errorCode === errors.NONE || errorCode === errors.TOPIC_ALREADY_EXISTS) continue
      throw new KafkaError(errorCode, errorMessage)
    }
  }
  await client.retry(attempt, { timeoutMs: patienceMs })
}

export class TopicActor {
  readonly #world: World
  readonly #broker: BrokerMachine
  readonly #home: ClientMachine
  #round = 0
  #stopped = false

  constructor(world: World, broker: BrokerMachine) {
    this.#world = world
    this.#broker = broker
    this.#home = startClient(world, 'topics')
  }

  async run(): Promise<void> {
    const { clock, random } = this.#home.machine
    while (!this.#stopped) {
      try {
        await this.#oneRound()
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        if (!error.retriable) this.#world.history.violation(`${passingTopic}: ${error}`)
      }
      await sleep(clock, random.number() * pauseMsMax)
    }
  }

  stop(): void {
    this.#stopped = true
  }

  close(): void {
    this.#home.client.close()
  }

  async #oneRound(): Promise<void> {
    const { client } = this.#home
    this.#round += 1
    await client.retry(() => this.#delete(), { timeoutMs: patienceMs })
    await createTopics(client, [{ name: passingTopic, partitions: 1 }])
    client.forgetTopic(passingTopic)
    const stored: string[] = []
    const { losses } = this.#broker
    for (let i = 0; i < 3; i++) {
      const value = `round ${this.#round}, ${i}`
      if (await this.#produce(value)) stored.push(value)
    }
    const place = { topic: passingTopic, partition: 0 }
    const log = await client.retry(() => readLog(client, place), { timeoutMs: patienceMs })
    const values = log.records.map(({ value }) => value)
    const { history } = this.#world
    for (const value of values) {
      if (!value.startsWith(`round ${this.#round},`)) {
        history.violation(`the new topic ${passingTopic} holds '${value}'`)
      }
    }
    for (const value of stored) {
      if (values.includes(value) || losses !== this.#broker.losses) continue
      history.violation(`the new topic ${passingTopic} has lost '${value}'`)
    }
  }

  async #delete(): Promise<void> {
    const { client } = this.#home
    const body = { topicNames: [passingTopic], timeoutMs: 5_000 }
    const options = { maxVersion: deleteVersionMax }
    const response = await client.request(apis.deleteTopics, 'controller', body, options)
    const { errorCode, errorMessage } = response.responses[0]
    if (errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION) return
    if (errorCode !== errors.NONE) throw new KafkaError(errorCode, errorMessage)
  }

  /** Whether it was acknowledged. */
  async #produce(value: string): Promise<boolean> {
    const { client } = this.#home
    const records = encodeBatch({
      records: [{ timestamp: 0, key: null, value: encodeValue(value, 50) }],
    })
    const metadata = await client.metadata([passingTopic])
    const leader = metadata.topics.get(passingTopic)?.partitions[0]?.leader ?? -1
    if (leader < 0) return false
    const topicData = [{ name: passingTopic, partitionData: [{ index: 0, records }] }]
    const body = { acks: -1, timeoutMs: 1_000, topicData }
    const options = { maxVersion: produceVersionMax }
    try {
      const response = await client.request(apis.produce, { node: leader }, body, options)
      return response.responses[0].partitionResponses[0].errorCode === errors.NONE
    } catch (error) {
      if (error instanceof KafkaError) return false
      throw error
    }
  }
}
