// Admin: topics, offsets, configs and groups of a cluster, asked and changed. What concerns one item of a
// request (a topic that is there already) is in its result; what concerns the whole rejects.

import { type Api, apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { type Decoded, type Message, zeroUuid } from '@sluice/protocol/schema'
import type { RequestBody } from './broker-connection.ts'
import type { KafkaClient } from './kafka-client.ts'
import { asKafkaError, KafkaError } from './kafka-error.ts'
import { type Isolation, type ListedOffset, listOffsets, type OffsetQuery } from './list-offsets.ts'
import type { ClusterMetadata, TopicMetadata } from './metadata-cache.ts'

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

export interface ConfigResource {
  readonly type: 'topic' | 'broker'
  /** Of a broker: its id. */
  readonly name: string
}

export interface ConfigEntry {
  readonly name: string
  readonly value: string | null
  /** Where the value comes from, by Kafka's number: 1 topic, 4 static broker, 5 default, … */
  readonly source: number
  readonly readOnly: boolean
  readonly sensitive: boolean
}

export interface DescribedConfigs extends ItemResult {
  readonly type: 'topic' | 'broker'
  readonly configs: readonly ConfigEntry[]
}

export interface ListedGroup {
  readonly group: string
  readonly protocolType: string
  /** Empty where the broker is too old to tell. */
  readonly state: string
  readonly coordinator: number
}

const clusterDefault = -1
const resourceTypes = { topic: 2, broker: 4 } as const
const defaultTimeoutMs = 60_000

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

  /** A broker describes its own configs, so it is asked itself; any one describes topics. */
  async describeConfigs(resources: readonly ConfigResource[]): Promise<DescribedConfigs[]> {
    return Promise.all(resources.map((resource) => this.#describeConfigsOf(resource)))
  }

  /** The groups of all coordinators. */
  async listGroups(): Promise<ListedGroup[]> {
    const { brokers } = await this.#metadata([])
    const lists = brokers.map(async ({ nodeId }) => {
      const response = await this.#retry(async () => {
        const answer = await this.#client.request(apis.listGroups, { node: nodeId }, {})
        if (answer.errorCode !== errors.NONE) throw new KafkaError(answer.errorCode)
        return answer
      })
      return response.groups.map(({ groupId, protocolType, groupState }) => {
        return { group: groupId, protocolType, state: groupState, coordinator: nodeId }
      })
    })
    return (await Promise.all(lists)).flat()
  }

  async #describeConfigsOf({ type, name }: ConfigResource): Promise<DescribedConfigs> {
    const resource = { resourceType: resourceTypes[type], resourceName: name }
    const body = { resources: [{ ...resource, configurationKeys: null }] }
    const response = await this.#retry(async () => {
      // A broker is asked itself; it has to be known first.
      if (type === 'broker') await this.#client.metadata([])
      const target = type === 'broker' ? { node: Number(name) } : 'any'
      return this.#client.request(apis.describeConfigs, target, body)
    })
    const [result] = response.results
    if (result === undefined) throw new KafkaError(errors.UNKNOWN_SERVER_ERROR, name)
    const configs = result.configs.map((entry) => ({
      name: entry.name,
      value: entry.value,
      source: entry.configSource,
      readOnly: entry.readOnly,
      sensitive: entry.isSensitive,
    }))
    return { type, name, error: result.errorCode, message: result.errorMessage, configs }
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
  const { topics, responses } = answer as Record<'topics' | 'responses', Result[] | undefined>
  return (topics ?? responses ?? []).some(({ errorCode }) => errorCode === errors.NOT_CONTROLLER)
}

interface Result {
  readonly errorCode: number
}
