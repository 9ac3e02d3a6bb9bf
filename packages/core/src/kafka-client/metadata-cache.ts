// MetadataCache: what the client knows of brokers, topics and leaders. It asks when it does not know, when
// what it knows is too old, and when somebody found it wrong; questions that come up while one is under
// way go into the next one together.

import { errors } from '@sluice/protocol/errors'
import type { MetadataResponse } from '@sluice/protocol/messages/03-metadata'
import { zeroUuid } from '@sluice/protocol/schema'
import type { Clock } from '../host/clock.ts'
import type { Address } from '../host/network.ts'

export interface BrokerMetadata extends Address {
  readonly nodeId: number
  readonly rack: string | null
}

export interface PartitionMetadata {
  readonly index: number
  /** -1 while there is none. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly offlineReplicas: readonly number[]
  readonly error: number
}

export interface TopicMetadata {
  readonly name: string
  /** The zero id where the broker is too old to tell. */
  readonly id: string
  readonly internal: boolean
  /** A Kafka error code; then there are no partitions. */
  readonly error: number
  /** By index, without a gap. */
  readonly partitions: readonly PartitionMetadata[]
}

export interface ClusterMetadata {
  readonly clusterId: string | null
  readonly controllerId: number
  readonly brokers: readonly BrokerMetadata[]
  /** The topics that were asked for (all, if all were), with the error of each that there is not. */
  readonly topics: ReadonlyMap<string, TopicMetadata>
}

export interface MetadataQuery {
  /** Null: all topics. */
  readonly topics: readonly string[] | null
  readonly allowAutoTopicCreation: boolean
}

interface Round {
  readonly topics: Set<string>
  allTopics: boolean
  readonly done: Promise<ClusterMetadata>
}

interface CachedTopic {
  readonly topic: TopicMetadata
  readonly fetchedMs: number
}

export class MetadataCache {
  readonly #ask: (query: MetadataQuery) => Promise<MetadataResponse>
  readonly #clock: Clock
  readonly #maxAgeMs: number
  readonly #topics = new Map<string, CachedTopic>()
  readonly #brokers = new Map<number, BrokerMetadata>()
  #controllerId = -1
  #clusterId: string | null = null
  #running: Promise<unknown> = Promise.resolve()
  /** What is not asked yet, by whether it may create topics: a look must not create for another's sake. */
  readonly #next = new Map<boolean, Round>()

  constructor(options: {
    ask: (query: MetadataQuery) => Promise<MetadataResponse>
    clock: Clock
    maxAgeMs: number
  }) {
    this.#ask = options.ask
    this.#clock = options.clock
    this.#maxAgeMs = options.maxAgeMs
  }

  get clusterId(): string | null {
    return this.#clusterId
  }

  get controllerId(): number {
    return this.#controllerId
  }

  get brokers(): readonly BrokerMetadata[] {
    return [...this.#brokers.values()]
  }

  broker(nodeId: number): BrokerMetadata | undefined {
    return this.#brokers.get(nodeId)
  }

  /** Somebody else's word for where a broker is (a coordinator's look-up). */
  learnBroker(broker: BrokerMetadata): void {
    this.#brokers.set(broker.nodeId, broker)
  }

  /** What is known of a topic, if it is fresh and the topic was there. */
  topic(name: string): TopicMetadata | undefined {
    const cached = this.#topics.get(name)
    if (cached === undefined) return undefined
    return this.#clock.monotonic() - cached.fetchedMs < this.#maxAgeMs ? cached.topic : undefined
  }

  /** The topic turned out to be another or somewhere else: the next look asks again. */
  forget(name: string): void {
    this.#topics.delete(name)
  }

  forgetController(): void {
    this.#controllerId = -1
  }

  /** Asks for `topics` (all without), together with whoever else asks now. Rejects with KafkaError. */
  refresh(
    topics: readonly string[] | undefined,
    options: { allowAutoTopicCreation?: boolean } = {},
  ): Promise<ClusterMetadata> {
    const creates = options.allowAutoTopicCreation ?? false
    const round = this.#next.get(creates) ?? this.#startRound(creates)
    if (topics === undefined) round.allTopics = true
    else for (const topic of topics) round.topics.add(topic)
    return round.done
  }

  /** A round asks once the one before it is over, for all that came together until then. */
  #startRound(allowAutoTopicCreation: boolean): Round {
    const done = this.#running.then(async () => {
      this.#next.delete(allowAutoTopicCreation)
      const topics = round.allTopics ? null : [...round.topics]
      const query = { topics, allowAutoTopicCreation }
      return this.#take(await this.#ask(query), query)
    })
    const round: Round = { topics: new Set(), allTopics: false, done }
    this.#running = done.catch(() => {})
    this.#next.set(allowAutoTopicCreation, round)
    return round
  }

  #take(response: MetadataResponse, query: MetadataQuery): ClusterMetadata {
    this.#clusterId = response.clusterId
    this.#controllerId = response.controllerId
    // A broker that is just starting may know of none; what is known is better than nothing.
    if (response.brokers.length > 0) this.#brokers.clear()
    for (const broker of response.brokers) this.#brokers.set(broker.nodeId, broker)
    const topics = new Map<string, TopicMetadata>()
    for (const answer of response.topics) {
      if (answer.name === null) continue
      const topic = this.#newer(topicOf(answer, answer.name))
      topics.set(topic.name, topic)
      if (topic.error !== errors.NONE) this.#topics.delete(topic.name)
      else this.#topics.set(topic.name, { topic, fetchedMs: this.#clock.monotonic() })
    }
    if (query.topics === null) {
      for (const name of this.#topics.keys()) if (!topics.has(name)) this.#topics.delete(name)
    }
    const { brokers } = this
    return { clusterId: this.#clusterId, controllerId: this.#controllerId, brokers, topics }
  }

  /** A broker that lags may still name a former leader: what has the greater epoch counts (KIP-320). */
  #newer(topic: TopicMetadata): TopicMetadata {
    const known = this.#topics.get(topic.name)?.topic
    if (known === undefined || known.id !== topic.id || topic.error !== errors.NONE) return topic
    const partitions = topic.partitions.map((partition) => {
      const before = known.partitions[partition.index]
      return before !== undefined && before.leaderEpoch > partition.leaderEpoch ? before : partition
    })
    return { ...topic, partitions }
  }
}

function topicOf(answer: MetadataResponse['topics'][number], name: string): TopicMetadata {
  const partitions: PartitionMetadata[] = answer.partitions
    .map((partition) => ({
      index: partition.partitionIndex,
      leader: partition.leaderId,
      leaderEpoch: partition.leaderEpoch,
      replicas: partition.replicaNodes,
      isr: partition.isrNodes,
      offlineReplicas: partition.offlineReplicas,
      error: partition.errorCode,
    }))
    .sort((a, b) => a.index - b.index)
  const gapless = partitions.every((partition, index) => partition.index === index)
  return {
    name,
    id: answer.topicId ?? zeroUuid,
    internal: answer.isInternal,
    // Nobody could say where a record belongs: as if the topic was not ready yet.
    error: gapless ? answer.errorCode : errors.LEADER_NOT_AVAILABLE,
    partitions,
  }
}
