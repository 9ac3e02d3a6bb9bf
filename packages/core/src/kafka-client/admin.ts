// Admin: topics, offsets, records and configs of a cluster, asked and changed. What concerns one item of a
// request (a topic that is there already) is in its result; what concerns the whole rejects.

import { type Api, apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { type Decoded, type Message, zeroUuid } from '@sluice/protocol/schema'
import { Limiter } from '../lib/limiter.ts'
import type { RequestBody } from './broker-connection.ts'
import {
  alterConfigs,
  type ConfigChange,
  type ConfigOutcome,
  type ConfigResource,
  type DescribedConfigs,
  type DescribeOptions,
  describeConfigs,
  listConfigResources,
  type ResourceType,
} from './configs.ts'
import { type DeletedRecords, deleteRecords, type RecordsToDelete } from './delete-records.ts'
import type { KafkaClient } from './kafka-client.ts'
import { asKafkaError, KafkaError } from './kafka-error.ts'
import { type Isolation, type ListedOffset, listOffsets, type OffsetQuery } from './list-offsets.ts'
import { describeLogDirs, type LogDir } from './log-dirs.ts'
import type { ClusterMetadata, TopicMetadata } from './metadata-cache.ts'
import type { TopicPartition } from './topic-partition.ts'

export interface NewTopic {
  readonly name: string
  /** The cluster's default without. */
  readonly partitionCount?: number
  readonly replicationFactor?: number
  /** Brokers of each partition, leader first, instead of the two numbers. */
  readonly assignment?: readonly (readonly number[])[]
  readonly configs?: Readonly<Record<string, string>>
}

export interface ItemResult {
  readonly name: string
  /** A Kafka error code, 0 for done. */
  readonly error: number
  readonly message: string | null
}

export interface MorePartitions {
  readonly name: string
  /** How many there are to be in all. */
  readonly count: number
  /** Brokers of each new partition, leader first, instead of the cluster's choice. */
  readonly assignment?: readonly (readonly number[])[]
}

/** What is altered of one resource. */
export interface ConfigAlteration extends ConfigResource {
  readonly changes: readonly ConfigChange[]
}

const clusterDefault = -1
const defaultTimeoutMs = 60_000
const requestsAtOnce = 32

export class Admin {
  readonly #client: KafkaClient
  readonly #timeoutMs: number

  constructor(client: KafkaClient, options: { timeoutMs?: number } = {}) {
    this.#client = client
    this.#timeoutMs = options.timeoutMs ?? defaultTimeoutMs
  }

  async createTopics(
    topics: readonly NewTopic[],
    options: { validateOnly?: boolean } = {},
  ): Promise<ItemResult[]> {
    const body = {
      topics: topics.map(toWire),
      timeoutMs: this.#timeoutMs,
      validateOnly: options.validateOnly ?? false,
    }
    const { response, repeated } = await this.#atController(apis.createTopics, body)
    return response.topics.map(({ name, errorCode, errorMessage }) => {
      // The answer to the attempt that created it was lost.
      const own = repeated && errorCode === errors.TOPIC_ALREADY_EXISTS
      return { name, error: own ? errors.NONE : errorCode, message: own ? null : errorMessage }
    })
  }

  async deleteTopics(names: readonly string[]): Promise<ItemResult[]> {
    const { response, repeated } = await this.#atController(apis.deleteTopics, (version) => ({
      ...(version >= 6
        ? { topics: names.map((name) => ({ name, topicId: zeroUuid })) }
        : { topicNames: names }),
      timeoutMs: this.#timeoutMs,
    }))
    for (const name of names) this.#client.forgetTopic(name)
    return response.responses.map(({ name, errorCode, errorMessage }) => {
      const own = repeated && errorCode === errors.UNKNOWN_TOPIC_OR_PARTITION
      const error = own ? errors.NONE : errorCode
      return { name: name ?? '', error, message: own ? null : errorMessage }
    })
  }

  /** Adds partitions; records that are there stay where they are, whatever their keys. */
  async createPartitions(
    topics: readonly MorePartitions[],
    options: { validateOnly?: boolean } = {},
  ): Promise<ItemResult[]> {
    const body = {
      topics: topics.map(({ name, count, assignment }) => {
        const assignments = assignment?.map((brokerIds) => ({ brokerIds })) ?? null
        return { name, count, assignments }
      }),
      timeoutMs: this.#timeoutMs,
      validateOnly: options.validateOnly ?? false,
    }
    const { response, repeated } = await this.#atController(apis.createPartitions, body)
    const described = repeated ? await this.describeTopics(topics.map(({ name }) => name)) : []
    for (const { name } of topics) this.#client.forgetTopic(name)
    return response.results.map(({ name, errorCode, errorMessage }) => {
      // The answer to the attempt that added them was lost.
      const count = topics.find((topic) => topic.name === name)?.count
      const there = described.some(
        (topic) => topic.name === name && topic.partitions.length === count,
      )
      const own = errorCode === errors.INVALID_PARTITIONS && there
      return { name, error: own ? errors.NONE : errorCode, message: own ? null : errorMessage }
    })
  }

  /** All topics, by name; internal ones too. */
  async listTopics(): Promise<TopicMetadata[]> {
    const { topics } = await this.#metadata(undefined)
    return [...topics.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** In the order of the names; a topic that is not there has its error. Creates none. */
  async describeTopics(names: readonly string[]): Promise<TopicMetadata[]> {
    const { topics } = await this.#metadata(names)
    return names.map((name) => {
      const missing = { name, id: '', internal: false, partitions: [] }
      return topics.get(name) ?? { ...missing, error: errors.UNKNOWN_TOPIC_OR_PARTITION }
    })
  }

  /** Brokers, controller and cluster id. */
  describeCluster(): Promise<ClusterMetadata> {
    return this.#metadata([])
  }

  listOffsets(
    queries: readonly OffsetQuery[],
    options: { isolation?: Isolation } = {},
  ): Promise<ListedOffset[]> {
    return listOffsets(this.#client, queries, { ...options, timeoutMs: this.#timeoutMs })
  }

  /** In the order of `wanted`. */
  deleteRecords(wanted: readonly RecordsToDelete[]): Promise<DeletedRecords[]> {
    return deleteRecords(this.#client, wanted, { timeoutMs: this.#timeoutMs })
  }

  /** In the order of the resources. */
  describeConfigs(
    resources: readonly ConfigResource[],
    options: DescribeOptions = {},
  ): Promise<DescribedConfigs[]> {
    return this.#each(resources, (resource) => describeConfigs(this.#client, resource, options))
  }

  /** In the order of the resources; of each all that is asked for, or nothing. */
  alterConfigs(
    alterations: readonly ConfigAlteration[],
    options: { validateOnly?: boolean } = {},
  ): Promise<ConfigOutcome[]> {
    const { validateOnly = false } = options
    return this.#each(alterations, ({ type, name, changes }) =>
      alterConfigs(this.#client, { type, name }, { changes, validateOnly }),
    )
  }

  /** What has configs: resources of these types, or of all. */
  listConfigResources(types: readonly ResourceType[] = []): Promise<ConfigResource[]> {
    return this.#retry(() => listConfigResources(this.#client, types))
  }

  /** The log directories of one broker. */
  describeLogDirs(node: number, partitions?: readonly TopicPartition[]): Promise<LogDir[]> {
    return this.#retry(() => describeLogDirs(this.#client, node, partitions))
  }

  /** In the order given; some so often as it takes, a few at a time. */
  #each<T, R>(items: readonly T[], ask: (item: T) => Promise<R>): Promise<R[]> {
    const limiter = new Limiter(requestsAtOnce)
    return Promise.all(items.map((item) => limiter.run(() => this.#retry(() => ask(item)))))
  }

  #metadata(topics: readonly string[] | undefined): Promise<ClusterMetadata> {
    return this.#retry(() => this.#client.metadata(topics, { refresh: true }))
  }

  /** `repeated`: an earlier attempt may have done already what this one was asked to do. */
  async #atController<Q extends Message, S extends Message>(
    api: Api<Q, S>,
    body: RequestBody<Q>,
  ): Promise<{ response: Decoded<S>; repeated: boolean }> {
    let repeated = false
    const response = await this.#retry(async () => {
      try {
        const answer = await this.#client.request(api, 'controller', body)
        if (movedIn(answer)) throw new KafkaError(errors.NOT_CONTROLLER)
        return answer
      } catch (thrown) {
        this.#client.forgetController()
        const { code } = asKafkaError(thrown)
        if (code === errors.REQUEST_TIMED_OUT || code === errors.NETWORK_EXCEPTION) repeated = true
        throw thrown
      }
    })
    return { response, repeated }
  }

  #retry<T>(attempt: () => Promise<T>): Promise<T> {
    return this.#client.retry(attempt, { timeoutMs: this.#timeoutMs })
  }
}

function toWire({ name, partitionCount, replicationFactor, assignment, configs }: NewTopic) {
  return {
    name,
    numPartitions: assignment === undefined ? (partitionCount ?? clusterDefault) : clusterDefault,
    replicationFactor:
      assignment === undefined ? (replicationFactor ?? clusterDefault) : clusterDefault,
    assignments: (assignment ?? []).map((brokerIds, partitionIndex) => {
      return { partitionIndex, brokerIds }
    }),
    configs: Object.entries(configs ?? {}).map(([key, value]) => ({ name: key, value })),
  }
}

/** Whether a broker that is not the controller any more answered: it says so of every topic. */
function movedIn(answer: unknown): boolean {
  const { topics, responses, results } = answer as Record<AnswerList, Result[] | undefined>
  return (topics ?? responses ?? results ?? []).some(
    ({ errorCode }) => errorCode === errors.NOT_CONTROLLER,
  )
}

type AnswerList = 'topics' | 'responses' | 'results'

interface Result {
  readonly errorCode: number
}
