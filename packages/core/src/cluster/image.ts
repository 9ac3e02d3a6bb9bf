// The metadata image: what this broker knows of the cluster, as of one version of the table. Changes
// are applied in the order of versions and in place; whoever keeps more than an id across an await
// looks it up again. Names resolve to ids, and a deleted name is free at once (KIP-516).

import { assert } from '../lib/assert.ts'
import type { FeatureLevels } from './features.ts'
import { type QuotaEntity, type QuotaValues, quotaEntityKey } from './quota-entity.ts'
import { collisionKey } from './topic-name.ts'

export interface Endpoint {
  readonly listener: string
  readonly host: string
  readonly port: number
}

export interface BrokerImage {
  readonly id: number
  readonly epoch: number
  readonly directoryId: string
  readonly rack: string | null
  readonly endpoints: readonly Endpoint[]
  readonly fenced: boolean
}

export interface PartitionImage {
  readonly index: number
  /** -1: there is none now. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly elr: readonly number[]
  readonly lastKnownElr: readonly number[]
  readonly addingReplicas: readonly number[]
  readonly removingReplicas: readonly number[]
}

export interface TopicImage {
  readonly id: string
  readonly name: string
  /** Created by the cluster for itself (__consumer_offsets); clients cannot write to it. */
  readonly internal: boolean
  /** By partition index, without gaps. */
  readonly partitions: readonly PartitionImage[]
}

/** What configs are kept for. `broker` with an empty name is the cluster-wide default. */
export type ConfigScope = 'topic' | 'broker' | 'client' | 'group'

export type ConfigOverrides = Readonly<Record<string, string>>

export type Change =
  | { readonly kind: 'topic'; readonly topic: TopicImage }
  /** Some partitions of a topic that is there are others now. */
  | {
      readonly kind: 'partitions'
      readonly topicId: string
      readonly partitions: readonly PartitionImage[]
    }
  | { readonly kind: 'topicRemoved'; readonly id: string }
  | { readonly kind: 'broker'; readonly broker: BrokerImage }
  | { readonly kind: 'brokerRemoved'; readonly id: number }
  | {
      readonly kind: 'configs'
      readonly scope: ConfigScope
      readonly name: string
      readonly overrides: ConfigOverrides
    }
  /** No values: nothing is set for the entity any more. */
  | { readonly kind: 'quotas'; readonly entity: QuotaEntity; readonly values: QuotaValues }
  | { readonly kind: 'features'; readonly levels: FeatureLevels }

export interface QuotaSetting {
  readonly entity: QuotaEntity
  readonly values: QuotaValues
}

const noOverrides: ConfigOverrides = Object.freeze({})
const noValues: QuotaValues = Object.freeze({})

export class MetadataImage {
  readonly clusterId: string
  #version = 0
  #controllerId = -1
  #partitionCount = 0
  readonly #topicsById = new Map<string, TopicImage>()
  readonly #topicsByName = new Map<string, TopicImage>()
  /** By what makes names collide; only one of them can be there. */
  readonly #collisionKeys = new Map<string, string>()
  readonly #brokers = new Map<number, BrokerImage>()
  readonly #configs = new Map<string, ConfigOverrides>()
  readonly #quotas = new Map<string, QuotaSetting>()
  #featureLevels: FeatureLevels = Object.freeze({})

  constructor(clusterId: string) {
    this.clusterId = clusterId
  }

  /** Of the last transaction that is in the image. */
  get version(): number {
    return this.#version
  }

  /** -1: not known. */
  get controllerId(): number {
    return this.#controllerId
  }

  set controllerId(id: number) {
    this.#controllerId = id
  }

  get topicCount(): number {
    return this.#topicsById.size
  }

  get partitionCount(): number {
    return this.#partitionCount
  }

  topic(name: string): TopicImage | undefined {
    return this.#topicsByName.get(name)
  }

  topicById(id: string): TopicImage | undefined {
    return this.#topicsById.get(id)
  }

  /** The topic whose name differs from `name` only in '.' and '_'. */
  collidingName(name: string): string | undefined {
    const other = this.#collisionKeys.get(collisionKey(name))
    return other === name ? undefined : other
  }

  topics(): IterableIterator<TopicImage> {
    return this.#topicsByName.values()
  }

  broker(id: number): BrokerImage | undefined {
    return this.#brokers.get(id)
  }

  brokers(): IterableIterator<BrokerImage> {
    return this.#brokers.values()
  }

  /** The overrides as they were set; an empty object when there are none. */
  configs(scope: ConfigScope, name: string): ConfigOverrides {
    return this.#configs.get(`${scope}#${name}`) ?? noOverrides
  }

  /** Names for which something is set; of brokers the empty one stands for all. */
  configNames(scope: ConfigScope): string[] {
    const prefix = `${scope}#`
    const keys = [...this.#configs.keys()].filter((key) => key.startsWith(prefix))
    return keys.map((key) => key.slice(prefix.length))
  }

  quotas(): IterableIterator<QuotaSetting> {
    return this.#quotas.values()
  }

  quotaValues(entity: QuotaEntity): QuotaValues {
    return this.#quotas.get(quotaEntityKey(entity))?.values ?? noValues
  }

  /** Those that were altered; see finalizedLevel. */
  get featureLevels(): FeatureLevels {
    return this.#featureLevels
  }

  apply(version: number, changes: readonly Change[]): void {
    assert(version >= this.#version, 'the image goes forward only')
    this.#version = version
    for (const change of changes) this.#applyOne(change)
  }

  #applyOne(change: Change): void {
    switch (change.kind) {
      case 'topic':
        this.#putTopic(change.topic)
        return
      case 'partitions':
        this.#replacePartitions(change.topicId, change.partitions)
        return
      case 'topicRemoved':
        this.#removeTopic(change.id)
        return
      case 'broker':
        this.#brokers.set(change.broker.id, change.broker)
        return
      case 'brokerRemoved':
        this.#brokers.delete(change.id)
        return
      case 'configs': {
        const key = `${change.scope}#${change.name}`
        if (Object.keys(change.overrides).length === 0) this.#configs.delete(key)
        else this.#configs.set(key, change.overrides)
        return
      }
      case 'quotas': {
        const { entity, values } = change
        const key = quotaEntityKey(entity)
        if (Object.keys(values).length === 0) this.#quotas.delete(key)
        else this.#quotas.set(key, { entity, values })
        return
      }
      case 'features':
        this.#featureLevels = change.levels
    }
  }

  #putTopic(topic: TopicImage): void {
    const { id, name, partitions } = topic
    const before = this.#topicsById.get(id)
    assert(this.#topicsByName.get(name) === before, 'a name belongs to one topic')
    this.#partitionCount += partitions.length - (before?.partitions.length ?? 0)
    this.#topicsById.set(id, topic)
    this.#topicsByName.set(name, topic)
    this.#collisionKeys.set(collisionKey(name), name)
  }

  #replacePartitions(topicId: string, changed: readonly PartitionImage[]): void {
    const topic = this.#topicsById.get(topicId)
    assert(topic !== undefined, 'partitions change of a topic that is there')
    const partitions = [...topic.partitions]
    for (const partition of changed) partitions[partition.index] = partition
    this.#putTopic({ ...topic, partitions })
  }

  #removeTopic(id: string): void {
    const topic = this.#topicsById.get(id)
    if (!topic) return
    this.#topicsById.delete(id)
    this.#topicsByName.delete(topic.name)
    this.#collisionKeys.delete(collisionKey(topic.name))
    this.#configs.delete(`topic#${topic.name}`)
    this.#partitionCount -= topic.partitions.length
  }
}
