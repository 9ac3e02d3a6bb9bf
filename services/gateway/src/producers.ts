// Producers of the gateway: one for each kind of acknowledgement, made when it is first asked for. All
// requests share them, so that what arrives in one turn of the loop becomes one batch a partition.

import { sleep } from '@sluice/core/host/clock'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { Producer } from '@sluice/core/kafka-client/producer'
import { errors } from '@sluice/protocol/errors'
import { done, failed, type Outcome } from './problem.ts'
import { kafkaProblem, lookProblem } from './problems.ts'
import type { Acks } from './produce-result.ts'

/** A caller over HTTP waits this long at most; then the outcome is unknown (504). */
export const deliveryTimeoutMs = 30_000
const batchBytes = 128 * 1024
/** A broker that creates topics on demand may say at first that there is none. */
const creationPauseMs = 250
export const wireAcks = { all: -1, '1': 1, '0': 0 } as const

export class Producers {
  readonly #client: KafkaClient
  readonly #requestBytesMax: number
  readonly #lane: string
  readonly #producers = new Map<Acks, Producer>()

  /** `requestBytesMax`: of one record; the topic's own limit is the broker's to check. */
  constructor(client: KafkaClient, options: { requestBytesMax: number; lane: string }) {
    this.#client = client
    this.#requestBytesMax = options.requestBytesMax
    this.#lane = options.lane
  }

  of(acks: Acks): Producer {
    let producer = this.#producers.get(acks)
    if (!producer) {
      producer = new Producer(this.#client, {
        acks: wireAcks[acks],
        lingerMs: 0,
        batchBytes,
        requestBytesMax: this.#requestBytesMax,
        deliveryTimeoutMs,
        blockMs: deliveryTimeoutMs,
        lane: this.#lane,
      })
      this.#producers.set(acks, producer)
    }
    return producer
  }

  /**
   * Whether the topic is there, or is made on demand: a producer would wait for one that never comes.
   * Returns without a promise where it is known.
   */
  checkTopic(topic: string): Outcome<undefined> | Promise<Outcome<undefined>> {
    return this.#client.topic(topic) ? found : this.#findTopic(topic)
  }

  async #findTopic(topic: string): Promise<Outcome<undefined>> {
    try {
      return await this.#awaitTopic(topic)
    } catch (error) {
      if (error instanceof KafkaError) return failed(lookProblem(error))
      throw error
    }
  }

  async #awaitTopic(topic: string): Promise<Outcome<undefined>> {
    let error = await this.#askForTopic(topic)
    if (error === errors.UNKNOWN_TOPIC_OR_PARTITION) {
      await sleep(this.#client.clock, creationPauseMs)
      error = await this.#askForTopic(topic)
    }
    const mayCome = error === errors.NONE || error === errors.LEADER_NOT_AVAILABLE
    if (mayCome) return found
    const unknown = error === errors.UNKNOWN_TOPIC_OR_PARTITION
    return failed(kafkaProblem(error, unknown ? `there is no topic ${topic}` : undefined))
  }

  async #askForTopic(topic: string): Promise<number> {
    const { topics } = await this.#client.metadata([topic], { allowAutoTopicCreation: true })
    return topics.get(topic)?.error ?? errors.UNKNOWN_TOPIC_OR_PARTITION
  }

  /** Brings what was taken to the brokers, then ends. */
  async close(): Promise<void> {
    await Promise.all([...this.#producers.values()].map((producer) => producer.close()))
  }
}

const found: Outcome<undefined> = done(undefined)
