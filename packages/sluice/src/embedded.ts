// Embedded: the broker behind Sluice.start(): composed as any other, on memory, with a clock that can be
// moved ahead and failures that can be ordered. Topics are made and removed through Kafka's own APIs.

import { FaultPlan } from '@sluice/broker/faults'
import { brokerConfig } from '@sluice/core/config/broker-config'
import { configErrorText } from '@sluice/core/config/config-entry'
import { nearest } from '@sluice/core/config/nearest'
import { silentLogger } from '@sluice/core/host/logger'
import { NodeClock } from '@sluice/core/host/node/clock'
import { Admin, type ItemResult, type NewTopic } from '@sluice/core/kafka-client/admin'
import { Consumer } from '@sluice/core/kafka-client/consumer'
import { GroupAdmin } from '@sluice/core/kafka-client/group-admin'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { apis } from '@sluice/protocol/apis'
import { type ErrorName, errors } from '@sluice/protocol/errors'
import { type Composition, compose } from './compose.ts'
import { devConfigs } from './dev-configs.ts'
import type { SluiceOptions, SluiceRecord, SluiceTopic } from './embed.ts'
import { planListeners } from './listeners.ts'

type Configs = SluiceTopic['configs']

/** A read waits so long for records that it knows to be there. */
const pollMs = 1000

export class Embedded {
  readonly #composition: Composition
  readonly #clock: NodeClock
  readonly #faults: FaultPlan
  readonly #topics: readonly NewTopic[]
  readonly #admin: Admin

  private constructor(
    composition: Composition,
    parts: { clock: NodeClock; faults: FaultPlan; topics: readonly NewTopic[] },
  ) {
    this.#composition = composition
    this.#clock = parts.clock
    this.#faults = parts.faults
    this.#topics = parts.topics
    this.#admin = new Admin(composition.client)
  }

  static async start(options: SluiceOptions): Promise<Embedded> {
    const configs = {
      ...devConfigs,
      listeners: 'PLAINTEXT://127.0.0.1:0',

      ...texts(options.configs),
    }
    const resolved = brokerConfig(configs)
    if (!resolved.ok) throw new TypeError(resolved.errors.map(configErrorText).join('; '))
    const plan = planListeners(resolved.config, { insecure: false })
    if (!plan.ok) throw new TypeError(plan.message)
    const clock = new NodeClock()
    const faults = new FaultPlan()
    const composition = await compose({
      config: resolved.config,
      listeners: plan.listeners,
      storage: { kind: 'memory' },
      clock,
      logger: silentLogger,
      faults,
    })
    const topics = (options.topics ?? []).map(toNewTopic)
    const embedded = new Embedded(composition, { clock, faults, topics })
    try {
      await embedded.#createTopics()
    } catch (error) {
      await embedded.stop()
      throw error
    }
    return embedded
  }

  get bootstrapServers(): string {
    return this.#composition.bootstrapServers
  }

  get httpUrl(): string {
    return this.#composition.httpUrl
  }

  async reset(): Promise<void> {
    this.#faults.clear()
    const topics = (await this.#admin.listTopics()).filter(({ internal }) => !internal)
    throwFirst(await this.#admin.deleteTopics(topics.map(({ name }) => name)))
    const groups = new GroupAdmin(this.#composition.client)
    // A group with members stays, without offsets: those went with the topics.
    await groups.delete((await groups.list()).map(({ group }) => group))
    await this.#createTopics()
  }

  async records(topic: string): Promise<SluiceRecord[]> {
    const { client } = this.#composition
    const [description] = await this.#admin.describeTopics([topic])
    if (description.error !== errors.NONE) throw new KafkaError(description.error, `topic ${topic}`)
    const queries = description.partitions.map(({ index }) => ({ topic, partition: index }))
    const starts = await this.#admin.listOffsets(queries.map((of) => ({ ...of, at: 'earliest' })))
    const ends = await this.#admin.listOffsets(queries.map((of) => ({ ...of, at: 'latest' })))
    const records: SluiceRecord[] = []
    const consumer = new Consumer(client)
    consumer.assign(starts.filter(({ offset }, index) => offset < ends[index].offset))
    const behind = () => {
      return ends.some((end) => (consumer.position(end)?.position ?? end.offset) < end.offset)
    }
    try {
      while (behind()) {
        for (const { partition, records: some } of await consumer.poll(pollMs)) {
          for (const record of some) records.push({ topic, partition, ...record })
        }
      }
    } finally {
      consumer.close()
    }
    return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
  }

  async advance(ms: number): Promise<void> {
    if (!Number.isInteger(ms) || ms < 0) throw new RangeError(`${ms} is no number of milliseconds`)
    this.#clock.advance(ms)
    const { partitions } = this.#composition.broker
    for (const partition of [...partitions]) await partition.applyRetention(this.#clock.now())
  }

  fail(api: string, error: string, options: { times: number }): void {
    const known = Object.values(apis).map(({ name }) => name)
    if (!known.includes(api)) throw unknown('API', api, known)
    if (!Object.hasOwn(errors, error)) throw unknown('error', error, Object.keys(errors))
    if (!Number.isInteger(options.times) || options.times < 1) {
      throw new RangeError(`times: ${options.times} is no number of requests`)
    }
    this.#faults.fail(api, errors[error as ErrorName], options)
  }

  stop(): Promise<void> {
    return this.#composition.close()
  }

  async #createTopics(): Promise<void> {
    if (this.#topics.length > 0) throwFirst(await this.#admin.createTopics(this.#topics))
  }
}

function toNewTopic(topic: string | SluiceTopic): NewTopic {
  if (typeof topic === 'string') return { name: topic }
  return { name: topic.name, partitionCount: topic.partitions, configs: texts(topic.configs) }
}

function texts(configs: Configs = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(configs).map(([name, value]) => [name, String(value)]))
}

function throwFirst(results: readonly ItemResult[]): void {
  const failed = results.find(({ error }) => error !== errors.NONE)
  if (failed) throw new KafkaError(failed.error, `topic ${failed.name}: ${failed.message ?? ''}`)
}

function unknown(what: string, name: string, known: readonly string[]): TypeError {
  const meant = nearest(name, known)
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`
  return new TypeError(`Kafka has no ${what} ${name}${hint}`)
}
