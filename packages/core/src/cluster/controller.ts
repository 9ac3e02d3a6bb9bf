// Controller: the only writer of metadata. Its operations run one after the other: each is planned from
// the image, committed to the table and applied before the next begins.
//
// What does not fit into one transaction is ordered so that a stop in between leaves remains nobody
// sees: a topic is named only when all its partitions are there, and loses its name first.

import { errors } from '@sluice/protocol/errors'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { Random } from '../host/random.ts'
import type { Action, Table } from '../host/table.ts'
import { isRefusal, planQuotas, type QuotaOperation } from './alter-quotas.ts'
import {
  type Mutations,
  type NewTopic,
  overQuota,
  type PlanContext,
  partitionsPerRequestMax,
  planMorePartitions,
  planTopic,
  tooManyPartitions,
  unlimited,
} from './create-topics.ts'
import { type ElectionType, planElection } from './elect-leaders.ts'
import { type FeatureUpdate, planFeatures } from './features.ts'
import type {
  BrokerImage,
  Change,
  ConfigOverrides,
  ConfigScope,
  MetadataImage,
  PartitionImage,
  TopicImage,
} from './image.ts'
import {
  brokerItem,
  brokerKey,
  configsItem,
  configsKey,
  featuresItem,
  nameKey,
  partitionItem,
  partitionKey,
  producerIdsKey,
  quotasItem,
  quotasKey,
  readProducerIds,
  type TopicState,
  topicItem,
  topicKey,
} from './items.ts'
import { commitActionsMax, type MetadataWriter } from './metadata-writer.ts'
import type { QuotaEntity } from './quota-entity.ts'
import { planReassignment } from './reassign.ts'
import { type Refusal, refusal } from './refusal.ts'
import { isInternalTopic } from './topic-name.ts'

/** Producer ids that a broker takes at a time, as in Kafka. */
const producerIdsPerBlock = 1000

export type { NewTopic } from './create-topics.ts'

export type CreatedTopic =
  | { readonly ok: true; readonly topic: TopicImage; readonly configs: ConfigOverrides }
  | Refusal

/** A partition by its topic's name. */
export interface PartitionRef {
  readonly topic: string
  readonly index: number
}

export type Done = { readonly ok: true } | Refusal

export interface ProducerIdBlock {
  readonly first: number
  readonly count: number
}

/** The metadata as brokers follow it. */
export interface FollowedMetadata {
  readonly image: MetadataImage
  /** What a transaction changed. Called in the order of versions, one at a time. */
  apply(version: number, changes: readonly Change[]): Promise<void>
}

export interface ControllerOptions {
  readonly cluster: FollowedMetadata
  readonly writer: MetadataWriter
  readonly table: Table
  readonly random: Random
  readonly config: () => BrokerConfig
}

export class Controller {
  readonly #options: ControllerOptions
  /** Settles when the last operation that was asked for is done. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: ControllerOptions) {
    this.#options = options
  }

  /** One outcome for each topic, in order. Names given twice were refused before. */
  createTopics(
    topics: readonly NewTopic[],
    options: { validateOnly: boolean; mutations?: Mutations } = { validateOnly: false },
  ): Promise<CreatedTopic[]> {
    return this.#exclusively(async () => {
      const { mutations = unlimited } = options
      const outcomes: CreatedTopic[] = []
      let partitions = 0
      for (const wanted of topics) {
        const plan = planTopic(wanted, this.#planContext())
        if (plan.ok) partitions += plan.partitions.length
        if (!plan.ok || partitions > partitionsPerRequestMax) {
          outcomes.push(plan.ok ? tooManyPartitions() : plan)
          continue
        }
        if (!mutations.take(plan.partitions.length)) {
          outcomes.push(overQuota())
          continue
        }
        const { name, configs } = wanted
        const id = this.#options.random.uuid()
        const topic = { id, name, internal: isInternalTopic(name), partitions: plan.partitions }
        if (!options.validateOnly) await this.#create(topic, configs)
        outcomes.push({ ok: true, topic, configs })
      }
      return outcomes
    })
  }

  /** Deletes the topics with these ids; one that is not there (any more) is said so. */
  deleteTopics(ids: readonly string[], mutations: Mutations = unlimited): Promise<number[]> {
    return this.#exclusively(async () => {
      const outcomes: number[] = []
      for (const id of ids) {
        const topic = this.#image.topicById(id)
        if (!topic) {
          outcomes.push(errors.UNKNOWN_TOPIC_ID)
        } else if (!mutations.take(topic.partitions.length)) {
          outcomes.push(errors.THROTTLING_QUOTA_EXCEEDED)
        } else {
          await this.#delete(topic)
          outcomes.push(0)
        }
      }
      return outcomes
    })
  }

  /** Adds partitions up to `count`. */
  createPartitions(
    name: string,
    options: {
      count: number
      assignments: readonly { readonly brokers: readonly number[] }[] | null
      validateOnly: boolean
      mutations?: Mutations
    },
  ): Promise<{ ok: true } | Refusal> {
    return this.#exclusively(async () => {
      const topic = this.#image.topic(name)
      if (!topic) {
        const { UNKNOWN_TOPIC_OR_PARTITION } = errors
        return refusal(
          UNKNOWN_TOPIC_OR_PARTITION,
          'This server does not host this topic-partition.',
        )
      }
      const plan = planMorePartitions({ topic, ...options }, this.#planContext())
      if (!plan.ok) return plan
      const { mutations = unlimited } = options
      if (!mutations.take(plan.partitions.length)) return overQuota()
      if (options.validateOnly) return { ok: true }
      const grown = { ...topic, partitions: [...topic.partitions, ...plan.partitions] }
      const puts = plan.partitions.map((partition) => put(partitionItem(topic.id, partition)))
      await this.#commitInParts(puts.slice(0, -commitActionsMax + 1))
      const counted: Action = {
        kind: 'update',
        key: topicKey(topic.id),
        set: { partitions: grown.partitions.length },
      }
      const rest = puts.slice(-commitActionsMax + 1)
      await this.#commit([...rest, counted], [{ kind: 'topic', topic: grown }])
      return { ok: true }
    })
  }

  /**
   * Replaces the overrides of something by what `change` makes of them; `change` runs when it is this
   * operation's turn and returns undefined to leave them.
   */
  alterConfigs(
    scope: ConfigScope,
    name: string,
    change: (overrides: ConfigOverrides) => ConfigOverrides | undefined,
  ): Promise<void> {
    return this.#exclusively(async () => {
      const overrides = change(this.#image.configs(scope, name))
      if (!overrides) return
      const action = this.#configsAction(scope, name, overrides)
      if (action) await this.#commit([action], [{ kind: 'configs', scope, name, overrides }])
    })
  }

  /** Elects leaders of the partitions, each in its own right: one outcome for each, in order. */
  electLeaders(partitions: readonly PartitionRef[], type: ElectionType): Promise<Done[]> {
    const isLive = (id: number) => this.#image.broker(id)?.fenced === false
    return this.#changePartitions(partitions, (one) => planElection(one, type, isLive))
  }

  /** Begins or cancels (`replicas` of null) moves of replicas: one outcome for each, in order. */
  reassign(
    moves: readonly (PartitionRef & { readonly replicas: readonly number[] | null })[],
    options: { mayChangeFactor: boolean },
  ): Promise<Done[]> {
    const context = {
      ...options,
      isRegistered: (id: number) => this.#image.broker(id) !== undefined,
      isLive: (id: number) => this.#image.broker(id)?.fenced === false,
    }
    return this.#changePartitions(moves, (one, n) =>
      planReassignment(one, moves[n].replicas, context),
    )
  }

  /** Sets and removes quotas of one entity, all operations or none. */
  alterQuotas(
    entity: QuotaEntity,
    operations: readonly QuotaOperation[],
    options: { validateOnly: boolean },
  ): Promise<Done> {
    return this.#exclusively(async () => {
      const before = this.#image.quotaValues(entity)
      const values = planQuotas(entity, before, operations)
      if (isRefusal(values)) return values
      const isSet = Object.keys(values).length > 0
      const wasSet = Object.keys(before).length > 0
      if (options.validateOnly || (!isSet && !wasSet)) return { ok: true }
      const action: Action = isSet
        ? put(quotasItem(entity, values))
        : { kind: 'delete', key: quotasKey(entity) }
      await this.#commit([action], [{ kind: 'quotas', entity, values }])
      return { ok: true }
    })
  }

  /** Changes the finalized levels of features, all or none. */
  updateFeatures(
    updates: readonly FeatureUpdate[],
    options: { validateOnly: boolean },
  ): Promise<Done> {
    return this.#exclusively(async () => {
      const levels = planFeatures(this.#image.featureLevels, updates, this.#image.controllerId)
      if (isRefusal(levels)) return levels
      if (options.validateOnly) return { ok: true }
      await this.#commit([put(featuresItem(levels))], [{ kind: 'features', levels }])
      return { ok: true }
    })
  }

  /**
   * Forgets a broker. One that lives registers again as soon as it hears of it, under a new epoch: the
   * controller's own broker does so here.
   */
  unregisterBroker(id: number): Promise<Done> {
    return this.#exclusively(async () => {
      const broker = this.#image.broker(id)
      if (!broker) {
        const message = `Broker ID ${id} is not currently registered`
        return refusal(errors.BROKER_ID_NOT_REGISTERED, message)
      }
      if (id === this.#image.controllerId) {
        await this.#register(broker)
        return { ok: true }
      }
      await this.#commit([{ kind: 'delete', key: brokerKey(id) }], [{ kind: 'brokerRemoved', id }])
      return { ok: true }
    })
  }

  /** Ids that nobody else gets, also after a restart. */
  allocateProducerIds(): Promise<ProducerIdBlock> {
    return this.#exclusively(async () => {
      const item = await this.#options.table.get(producerIdsKey)
      const first = item ? readProducerIds(item) : 0
      const next = first + producerIdsPerBlock
      await this.#commit([put({ ...producerIdsKey, value: { next } })], [])
      return { first, count: producerIdsPerBlock }
    })
  }

  /** Puts a broker into the image, live. Its epoch is the version at which it came. */
  registerBroker(broker: Omit<BrokerImage, 'epoch'>): Promise<BrokerImage> {
    return this.#exclusively(() => this.#register(broker))
  }

  /**
   * Begins a new leader epoch in every partition that the broker leads: what it acknowledged in the
   * old one may be lost (its machine lost power), and clients can tell by the epoch (KIP-320).
   */
  beginEpochs(nodeId: number): Promise<void> {
    return this.#exclusively(async () => {
      let actions: Action[] = []
      const elected = new Map<string, PartitionImage[]>()
      const commit = async () => {
        const changes = [...elected].map(([topicId, partitions]): Change => {
          return { kind: 'partitions', topicId, partitions }
        })
        if (actions.length > 0) await this.#commit(actions, changes)
        actions = []
        elected.clear()
      }
      for (const { id, partitions } of [...this.#image.topics()]) {
        for (const partition of partitions.filter(({ leader }) => leader === nodeId)) {
          if (actions.length === commitActionsMax) await commit()
          const next = inNextEpoch(partition)
          actions.push(put(partitionItem(id, next)))
          elected.set(id, [...(elected.get(id) ?? []), next])
        }
      }
      await commit()
    })
  }

  /** Finishes what a stopped controller left behind. */
  async removeRemains(remains: readonly TopicState[]): Promise<void> {
    for (const { id, partitions } of remains) {
      await this.#exclusively(() => this.#removePartitions(id, partitions))
    }
  }

  /** Resolves when the operation under way is done; what waits for the table gives up. */
  async close(): Promise<void> {
    this.#options.writer.close()
    await this.#last
  }

  get #image() {
    return this.#options.cluster.image
  }

  #planContext(): PlanContext {
    const { random, config } = this.#options
    return { image: this.#image, config: config(), draw: (limit) => random.integer(limit) }
  }

  async #register(broker: Omit<BrokerImage, 'epoch'>): Promise<BrokerImage> {
    const registered = { ...broker, epoch: this.#options.writer.version + 1 }
    const change: Change = { kind: 'broker', broker: registered }
    await this.#commit([put(brokerItem(registered))], [change])
    return registered
  }

  /** Replaces partitions by what `plan` makes of each; those that it leaves as they are cost nothing. */
  #changePartitions(
    refs: readonly PartitionRef[],
    plan: (
      partition: PartitionImage,
      at: number,
    ) => { ok: true; partition: PartitionImage } | Refusal,
  ): Promise<Done[]> {
    return this.#exclusively(async () => {
      const outcomes: Done[] = []
      for (const [at, { topic: name, index }] of refs.entries()) {
        const topic = this.#image.topic(name)
        const partition = topic?.partitions[index]
        if (!topic || !partition) {
          outcomes.push(unknownPartition(name, topic ? index : undefined))
          continue
        }
        const planned = plan(partition, at)
        outcomes.push(planned.ok ? { ok: true } : planned)
        if (!planned.ok || planned.partition === partition) continue
        const partitions = topic.partitions.with(index, planned.partition)
        const action = put(partitionItem(topic.id, planned.partition))
        await this.#commit([action], [{ kind: 'topic', topic: { ...topic, partitions } }])
      }
      return outcomes
    })
  }

  #exclusively<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#last.then(run)
    this.#last = result.catch(() => {})
    return result
  }

  async #commit(actions: readonly Action[], changes: readonly Change[]): Promise<void> {
    const version = await this.#options.writer.commit(actions, changes)
    await this.#options.cluster.apply(version, changes)
  }

  /** Transactions whose effect nobody sees yet. */
  async #commitInParts(actions: readonly Action[]): Promise<void> {
    for (let i = 0; i < actions.length; i += commitActionsMax) {
      await this.#commit(actions.slice(i, i + commitActionsMax), [])
    }
  }

  async #create(topic: TopicImage, configs: ConfigOverrides): Promise<void> {
    const { id, name, internal, partitions } = topic
    const state = { id, name, internal, configs, partitions: partitions.length }
    const puts = partitions.map((partition) => put(partitionItem(id, partition)))
    const naming: Action[] = [
      put(topicItem({ ...state, state: 'live' })),
      { ...put({ ...nameKey(name), value: { id } }), condition: { exists: false } },
    ]
    const roomForPartitions = commitActionsMax - naming.length
    const first = puts.slice(0, Math.max(0, puts.length - roomForPartitions))
    if (first.length > 0) {
      await this.#commit([put(topicItem({ ...state, state: 'creating' }))], [])
      await this.#commitInParts(first)
    }
    await this.#commit(
      [...puts.slice(first.length), ...naming],
      [
        { kind: 'configs', scope: 'topic', name, overrides: configs },
        { kind: 'topic', topic },
      ],
    )
  }

  async #delete(topic: TopicImage): Promise<void> {
    const { id, name, partitions } = topic
    await this.#commit(
      [
        { kind: 'update', key: topicKey(id), set: { state: 'deleting' } },
        { kind: 'delete', key: nameKey(name) },
      ],
      [{ kind: 'topicRemoved', id }],
    )
    await this.#removePartitions(id, partitions.length)
  }

  /** The topic's item goes last: as long as it is there, the next controller goes on. */
  async #removePartitions(id: string, count: number): Promise<void> {
    const actions: Action[] = []
    for (let index = 0; index < count; index++) {
      actions.push({ kind: 'delete', key: partitionKey(id, index) })
    }
    actions.push({ kind: 'delete', key: topicKey(id) })
    await this.#commitInParts(actions)
  }

  #configsAction(scope: ConfigScope, name: string, overrides: ConfigOverrides): Action | undefined {
    if (scope === 'topic') {
      const topic = this.#image.topic(name)
      if (!topic) return undefined
      return { kind: 'update', key: topicKey(topic.id), set: { configs: { ...overrides } } }
    }
    if (Object.keys(overrides).length === 0) {
      return { kind: 'delete', key: configsKey(scope, name) }
    }
    return put(configsItem(scope, name, overrides))
  }
}

function put(item: Extract<Action, { kind: 'put' }>['item']): Extract<Action, { kind: 'put' }> {
  return { kind: 'put', item }
}

function unknownPartition(name: string, index: number | undefined): Refusal {
  const what = index === undefined ? `topic as ${name}` : `partition as ${name}-${index}`
  return refusal(errors.UNKNOWN_TOPIC_OR_PARTITION, `No such ${what}`)
}

function inNextEpoch(partition: PartitionImage): PartitionImage {
  const { leaderEpoch, partitionEpoch } = partition
  return { ...partition, leaderEpoch: leaderEpoch + 1, partitionEpoch: partitionEpoch + 1 }
}
