// A consumer with all partitions of some topics: it reads them from the start, and must see every offset
// once and in order, except where a power loss or DeleteRecords made a log shorter.

import { Consumer, type FetchedRecords } from '@sluice/core/kafka-client/consumer'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import type { BrokerMachine } from './broker-machine.ts'
import { type ClientMachine, decodeValue, startClient } from './client-machine.ts'
import { name as nameOf, type Place } from './history.ts'
import type { TopicPlan } from './plan.ts'
import type { World } from './world.ts'

const pollMs = 500

export class ReaderActor {
  readonly #world: World
  readonly #broker: BrokerMachine
  readonly #home: ClientMachine
  readonly #consumer: Consumer
  readonly #next = new Map<string, number>()
  /** Partitions that a power loss may have cut below our position. */
  readonly #mayReset = new Set<string>()
  #losses = 0
  #stopped = false

  constructor(world: World, broker: BrokerMachine, name: string, topics: readonly TopicPlan[]) {
    this.#world = world
    this.#broker = broker
    this.#home = startClient(world, name)
    const { random } = this.#home.machine
    this.#consumer = new Consumer(this.#home.client, {
      offsetReset: 'earliest',
      isolation: random.pick(['read_uncommitted', 'read_committed']),
      maxWaitMs: random.pick([50, 500]),
      // Less than most batches, or more than most partitions have ready.
      ...random.pick([{ partitionMaxBytes: 600 }, { minBytes: 1_000 }, {}]),
    })
    this.#consumer.assign(
      topics.flatMap(({ name: topic, partitions }) =>
        Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
      ),
    )
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      try {
        for (const fetched of await this.#consumer.poll(pollMs)) this.#take(fetched)
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        this.#world.history.violation(`a consumer fails: ${error.name} ${error.message}`)
        return
      }
    }
  }

  /** What poll() will give next. */
  position(place: Place): number {
    return this.#consumer.position(place)?.position ?? 0
  }

  close(): void {
    this.#stopped = true
    this.#consumer.close()
    this.#home.client.close()
  }

  #take({ topic, partition, records, nextOffset }: FetchedRecords): void {
    if (this.#losses !== this.#broker.losses) {
      this.#losses = this.#broker.losses
      for (const lagging of this.#next.keys()) this.#mayReset.add(lagging)
    }
    const place = { topic, partition }
    let expected = this.#next.get(nameOf(place)) ?? records[0].offset
    // Where its position went with the end of the log it starts again.
    if (records[0].offset < expected && this.#mayReset.delete(nameOf(place))) {
      expected = records[0].offset
    }
    const { history } = this.#world
    if (records[0].offset > expected && records[0].offset <= history.startOffsetMax(place)) {
      expected = records[0].offset
    }
    for (const { offset, value } of records) {
      if (offset !== expected) {
        history.violation(`a consumer of ${nameOf(place)} gets ${offset} instead of ${expected}`)
      }
      expected = offset + 1
      history.read(place, offset, decodeValue(value))
    }
    this.#next.set(nameOf(place), nextOffset)
  }
}
