// Topics, as the routes need them: described with their own configs, created, ensured, altered, deleted.

import { Admin } from '@sluice/core/kafka-client/admin'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import type { TopicMetadata } from '@sluice/core/kafka-client/metadata-cache'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { done, failed, type Outcome, type Problem } from './problem.ts'
import { kafkaProblem } from './problems.ts'
import { findTopic } from './topic-lookup.ts'

export interface TopicSettings {
  readonly partitions?: number
  readonly replicationFactor?: number
  readonly config?: { readonly [name: string]: string }
}

export interface TopicChanges {
  readonly partitions?: number
  /** null: back to the default. */
  readonly config?: { readonly [name: string]: string | null }
}

export interface DescribedTopic {
  readonly topic: TopicMetadata
  /** The configs that were set on the topic itself. */
  readonly config: { readonly [name: string]: string }
}

const adminTimeoutMs = 10_000
const topicResource = 2
const topicSource = 1
/** Of IncrementalAlterConfigs. */
const operations = { set: 0, delete: 1 } as const

export class TopicAdmin {
  readonly #client: KafkaClient
  readonly #admin: Admin

  constructor(client: KafkaClient) {
    this.#client = client
    this.#admin = new Admin(client, { timeoutMs: adminTimeoutMs })
  }

  /** Sorted by name. */
  list(): Promise<TopicMetadata[]> {
    return this.#admin.listTopics()
  }

  async describe(name: string): Promise<Outcome<DescribedTopic>> {
    const found = await findTopic(this.#client, name, { refresh: true })
    if (!found.ok) return found
    const [described] = await this.#admin.describeConfigs([{ type: 'topic', name }])
    if (described.error !== errors.NONE) {
      return failed(kafkaProblem(described.error, described.message))
    }
    const own = described.configs.filter(({ source }) => source === topicSource)
    const config = Object.fromEntries(own.map((entry) => [entry.name, entry.value ?? '']))
    return done({ topic: found.value, config })
  }

  async create(name: string, settings: TopicSettings): Promise<Outcome<DescribedTopic>> {
    const [result] = await this.#admin.createTopics([
      {
        name,
        partitionCount: settings.partitions,
        replicationFactor: settings.replicationFactor,
        configs: settings.config,
      },
    ])
    if (result.error !== errors.NONE) return failed(kafkaProblem(result.error, result.message))
    return this.#describeNew(name)
  }

  /** As described, with what differs from `settings` altered where that is possible. */
  async ensure(
    name: string,
    settings: TopicSettings,
  ): Promise<Outcome<DescribedTopic & { created: boolean }>> {
    const present = await this.describe(name)
    if (!present.ok && present.problem.code === 'topic_not_found') {
      const created = await this.create(name, settings)
      if (created.ok) return done({ ...created.value, created: true })
      // Somebody else was faster: then it is a topic that is there.
      return created.problem.code === 'topic_exists' ? this.ensure(name, settings) : created
    }
    if (!present.ok) return present
    const conflict = conflictWith(present.value.topic, settings)
    if (conflict) return failed(conflict)
    const altered = await this.#alterWhatDiffers(present.value, settings)
    return altered.ok ? done({ ...altered.value, created: false }) : altered
  }

  async alter(name: string, changes: TopicChanges): Promise<Outcome<DescribedTopic>> {
    const present = await this.describe(name)
    if (!present.ok) return present
    if (Object.keys(changes.config ?? {}).length > 0) {
      const problem = await this.#alterConfig(name, changes.config ?? {})
      if (problem) return failed(problem)
    }
    const { partitions } = changes
    if (partitions !== undefined && partitions !== present.value.topic.partitions.length) {
      const problem = await this.#grow(name, partitions)
      if (problem) return failed(problem)
    }
    return this.describe(name)
  }

  /** What was deleted. */
  async delete(name: string): Promise<Outcome<TopicMetadata>> {
    const found = await findTopic(this.#client, name, { refresh: true })
    if (!found.ok) return found
    const [result] = await this.#admin.deleteTopics([name])
    if (result.error !== errors.NONE) return failed(kafkaProblem(result.error, result.message))
    return done(found.value)
  }

  #alterWhatDiffers(
    present: DescribedTopic,
    settings: TopicSettings,
  ): Promise<Outcome<DescribedTopic>> {
    const wanted = Object.entries(settings.config ?? {})
    const config = Object.fromEntries(
      wanted.filter(([name, value]) => present.config[name] !== value),
    )
    const { topic } = present
    const partitions = settings.partitions ?? topic.partitions.length
    if (Object.keys(config).length === 0 && partitions === topic.partitions.length) {
      return Promise.resolve(done(present))
    }
    return this.alter(topic.name, { config, partitions })
  }

  async #alterConfig(
    name: string,
    config: { readonly [name: string]: string | null },
  ): Promise<Problem | undefined> {
    const configs = Object.entries(config).map(([key, value]) => ({
      name: key,
      configOperation: value === null ? operations.delete : operations.set,
      value,
    }))
    const { responses } = await this.#client.request(apis.incrementalAlterConfigs, 'any', {
      resources: [{ resourceType: topicResource, resourceName: name, configs }],
      validateOnly: false,
    })
    const failure = responses.find(({ errorCode }) => errorCode !== errors.NONE)
    return failure && kafkaProblem(failure.errorCode, failure.errorMessage)
  }

  async #grow(name: string, count: number): Promise<Problem | undefined> {
    const { results } = await this.#client.request(apis.createPartitions, 'controller', {
      topics: [{ name, count, assignments: null }],
      timeoutMs: adminTimeoutMs,
      validateOnly: false,
    })
    const failure = results.find(({ errorCode }) => errorCode !== errors.NONE)
    return failure && kafkaProblem(failure.errorCode, failure.errorMessage)
  }

  /** Brokers may need a moment to hear of a topic that was just created. */
  async #describeNew(name: string): Promise<Outcome<DescribedTopic>> {
    const attempt = async () => {
      const described = await this.describe(name)
      const unknown = !described.ok && described.problem.code === 'topic_not_found'
      if (unknown) throw new KafkaError(errors.UNKNOWN_TOPIC_OR_PARTITION)
      return described
    }
    return this.#client.retry(attempt, { timeoutMs: adminTimeoutMs })
  }
}

/** What cannot be changed after a topic was created. */
function conflictWith(topic: TopicMetadata, settings: TopicSettings): Problem | undefined {
  const { partitions, replicationFactor } = settings
  if (partitions !== undefined && partitions < topic.partitions.length) {
    const detail = `${topic.name} has ${topic.partitions.length} partitions; they cannot become fewer`
    return { code: 'conflict', detail }
  }
  const factor = replicationFactorOf(topic)
  if (replicationFactor !== undefined && replicationFactor !== factor) {
    return { code: 'conflict', detail: `${topic.name} has replication factor ${factor}` }
  }
  return undefined
}

export function replicationFactorOf({ partitions }: TopicMetadata): number {
  return partitions[0]?.replicas.length ?? 0
}
