// A key-value load on a compacted topic: writers that set and delete keys, each key by one writer, value after
// value, and what the table must be afterwards. Values are numbered by key, so that whoever reads the topic
// from its beginning can be held to it at any time: a value older than what was acknowledged before he began
// has come back from the dead.

import { setTimeout as pause } from 'node:timers/promises'
import type { SeededRandom } from '@sluice/core/host/memory/random'
import { Consumer } from '@sluice/core/kafka-client/consumer'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { Producer } from '@sluice/core/kafka-client/producer'
import type { Codec } from '@sluice/protocol/records/batch'

export interface LoadShape {
  readonly topic: string
  readonly partitions: number
  readonly keys: number
  /** Idempotent producers; the keys are shared out among them. */
  readonly producers: number
  readonly valueBytes: number
}

/** What was written to a key: its number, and whether it was a tombstone. */
interface Write {
  readonly number: number
  readonly deleted: boolean
}

interface Key {
  /** As acknowledged last. */
  known: Write
  /** Sent since then: in the log or not. */
  inDoubt: Write[]
}

export interface ReadTable {
  readonly values: ReadonlyMap<string, number>
  readonly records: number
}

const tombstoneShare = 0.15
const deliveryTimeoutMs = 60_000
const pollMs = 200
const patienceMs = 60_000
const codecs: readonly Codec[] = ['none', 'lz4', 'zstd', 'gzip', 'snappy']

export class KeyValueLoad {
  written = 0
  readonly #shape: LoadShape
  readonly #client: KafkaClient
  readonly #random: SeededRandom
  readonly #keys = new Map<string, Key>()
  readonly #producers: Producer[]
  readonly #loops: Promise<void>[]
  #stopped = false

  constructor(client: KafkaClient, random: SeededRandom, shape: LoadShape) {
    this.#client = client
    this.#random = random
    this.#shape = shape
    for (let i = 0; i < shape.keys; i++) {
      this.#keys.set(`key ${i}`, { known: { number: 0, deleted: true }, inDoubt: [] })
    }
    this.#producers = Array.from({ length: shape.producers }, (_, i) => {
      const codec = codecs[i % codecs.length]
      return new Producer(client, { idempotent: true, codec, lingerMs: 2, deliveryTimeoutMs })
    })
    this.#loops = [...this.#keys.keys()].map((key, i) => this.#write(key, i))
  }

  /** Sends no more; resolves when all that was sent is settled. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#loops)
    for (const producer of this.#producers) await producer.close()
  }

  /** Reads the whole topic while it is being written. @returns what is wrong with it, in words. */
  async check(): Promise<string[]> {
    const before = new Map([...this.#keys].map(([name, { known }]) => [name, known]))
    const { values } = await this.read()
    return [...before].flatMap(([name, known]) => {
      const number = values.get(name)
      const { known: now, inDoubt } = this.#keys.get(name) as Key
      if (number === undefined) {
        const mayBeGone = [known, now, ...inDoubt].some((write) => write.deleted)
        // Written and deleted again in between, perhaps, and nobody remembers each of these.
        if (mayBeGone || now.number > known.number + 1) return []
        return [`${name} is gone, was ${known.number}`]
      }
      return number < known.number ? [`${name} is ${number} again, was ${known.number}`] : []
    })
  }

  /** What is wrong with a table that is read when all is settled. */
  violations({ values }: ReadTable): string[] {
    return [...this.#keys].flatMap(([name, { known, inDoubt }]) => {
      const found = values.get(name)
      const fits = [known, ...inDoubt].some(({ number, deleted }) =>
        deleted ? found === undefined : found === number,
      )
      return fits ? [] : [`${name} is ${found}, was ${known.deleted ? 'deleted' : known.number}`]
    })
  }

  /** The topic from its beginning to where it ends now, as a table. */
  async read(): Promise<ReadTable> {
    const { topic, partitions } = this.#shape
    const values = new Map<string, number>()
    let records = 0
    const assignment = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
    const consumer = new Consumer(this.#client, { offsetReset: 'earliest' })
    consumer.assign(assignment)
    const ends = new Map<number, number>()
    const atEnd = () =>
      assignment.every((one) => {
        const { position = -1, highWatermark = -1 } = consumer.position(one) ?? {}
        // Writers go on: as far as it went when it was first looked at is far enough.
        if (highWatermark >= 0 && !ends.has(one.partition)) ends.set(one.partition, highWatermark)
        return position >= (ends.get(one.partition) ?? Number.POSITIVE_INFINITY)
      })
    for (const endMs = performance.now() + patienceMs; !atEnd(); ) {
      if (performance.now() > endMs) throw new Error('the topic cannot be read to its end')
      try {
        for (const polled of await consumer.poll(pollMs)) {
          for (const { key, value } of polled.records) {
            records += 1
            if (value === null) values.delete(String(key))
            else values.set(String(key), Number.parseInt(String(value), 10))
          }
        }
      } catch {
        // Killed in the middle of it: the consumer goes on where it was.
        await pause(50)
      }
    }
    consumer.close()
    return { values, records }
  }

  async #write(name: string, index: number): Promise<void> {
    const producer = this.#producers[index % this.#producers.length]
    const key = this.#keys.get(name) as Key
    for (let number = 1; !this.#stopped; number++) {
      // Some keys change all the time, most of them now and then.
      await pause(index % 10 === 0 ? 10 : this.#random.between(20, 600))
      const write = { number, deleted: this.#random.chance(tombstoneShare) }
      key.inDoubt.push(write)
      const value = write.deleted
        ? null
        : Buffer.from(`${number} `.padEnd(this.#shape.valueBytes, '.'))
      try {
        await producer.send(this.#shape.topic, [
          { key: Buffer.from(name), value, partition: index % this.#shape.partitions },
        ])
        key.known = write
        key.inDoubt = []
        this.written += 1
      } catch {
        // Not acknowledged: it may be there or not.
      }
    }
  }
}
