// A client that deletes the oldest records of partitions (DeleteRecords). Where a log begins after it was
// told so is where it begins from then on, whatever crashes.

import { sleep } from '@sluice/core/host/clock'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { type ClientMachine, startClient } from './client-machine.ts'
import type { Place } from './history.ts'
import type { World } from './world.ts'

const pauseMsMax = 1_500
const timeoutMs = 1_000

export class TrimmerActor {
  readonly #world: World
  readonly #places: readonly Place[]
  readonly #home: ClientMachine
  #stopped = false

  constructor(world: World, places: readonly Place[]) {
    this.#world = world
    this.#places = places
    this.#home = startClient(world, 'trimmer')
  }

  async run(): Promise<void> {
    const { clock, random } = this.#home.machine
    while (!this.#stopped) {
      await sleep(clock, random.number() * pauseMsMax)
      try {
        await this.#trim(random.pick(this.#places))
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

  async #trim(place: Place): Promise<void> {
    const { history } = this.#world
    const { client, machine } = this.#home
    const { topic, partition } = place
    const offset = machine.random.integer(history.acknowledgedEnd(place) + 1)
    const metadata = await client.metadata([topic])
    const node = metadata.topics.get(topic)?.partitions[partition]?.leader ?? -1
    const topics = [{ name: topic, partitions: [{ partitionIndex: partition, offset }] }]
    history.trimming(place, offset)
    const response = await client.request(apis.deleteRecords, { node }, { topics, timeoutMs })
    const { errorCode, lowWatermark } = response.topics[0].partitions[0]
    if (errorCode === errors.NONE) history.trimmed(place, lowWatermark)
  }
}
