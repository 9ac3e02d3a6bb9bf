// Partitions: all that this broker holds, by topic id and by name. Follows the cluster's changes: a new
// partition has its log before clients hear of it, a deleted topic's logs are gone with its name.

import type { Cluster } from '../cluster/cluster.ts'
import type { Change, ConfigOverrides, PartitionImage, TopicImage } from '../cluster/image.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { type TopicConfig, topicConfig } from '../config/topic-config.ts'
import type { Clock } from '../host/clock.ts'
import type { Logger } from '../host/logger.ts'
import type { Log } from '../log/log.ts'
import type { LogManager } from '../log/log-manager.ts'
import { commitReplicated } from './commit-replicated.ts'
import { Partition } from './partition.ts'
import type { Turn } from './turn.ts'

export interface PartitionsOptions {
  readonly nodeId: number
  readonly cluster: Cluster
  readonly logs: LogManager
  readonly config: () => BrokerConfig
  readonly clock: Clock
  readonly turn: Turn
  readonly logger: Logger
  /** The log directory failed: all its partitions are offline. */
  readonly onDiskFailure: (cause: Error) => void
}

interface HeldTopic {
  readonly id: string
  readonly name: string
  config: TopicConfig
  /** By partition index; holes where another broker has the replica. */
  readonly partitions: Partition[]
}

export class Partitions {
  readonly #options: PartitionsOptions
  readonly #byId = new Map<string, HeldTopic>()
  readonly #byName = new Map<string, HeldTopic>()
  /** Deletions under way, by topic name: a new topic of that name waits for its folders to be free. */
  readonly #deletions = new Map<string, Promise<void>>()
  #count = 0
  #failed = false

  private constructor(options: PartitionsOptions) {
    this.#options = options
  }

  /** Deleted records stay deleted over a crash from when it resolves. Rejects with DiskError. */
  async checkpointStartOffsets(): Promise<void> {
    await this.#options.logs.checkpointStartOffsets()
  }

  /** Makes partitions of all logs that the image names, and follows it from then on. */
  static async open(options: PartitionsOptions): Promise<Partitions> {
    const { cluster } = options
    const partitions = new Partitions(options)
    const { image } = cluster
    const hold = (topic: TopicImage) => partitions.#hold(topic, image.configs('topic', topic.name))
    await Promise.all([...image.topics()].map(hold))
    cluster.listen({
      prepare: (changes) => partitions.#prepare(changes),
      applied: (changes) => partitions.#applied(changes),
    })
    return partitions
  }

  /** The log directory failed: nothing is accepted or read any more. */
  get failed(): boolean {
    return this.#failed
  }

  get count(): number {
    return this.#count
  }

  get(topic: string, index: number): Partition | undefined {
    return this.#byName.get(topic)?.partitions[index]
  }

  getById(topicId: string, index: number): Partition | undefined {
    return this.#byId.get(topicId)?.partitions[index]
  }

  *[Symbol.iterator](): IterableIterator<Partition> {
    for (const { partitions } of this.#byId.values()) {
      for (const partition of partitions) if (partition) yield partition
    }
  }

  /** The broker's own configs changed: they stand behind those of the topics. */
  refreshConfigs(): void {
    const { cluster, config } = this.#options
    for (const topic of this.#byId.values()) {
      topic.config = topicConfig(config(), cluster.image.configs('topic', topic.name))
    }
  }

  /** The disk failed: all that is on it is offline. */
  takeOffline(cause: Error): void {
    if (this.#failed) return
    this.#failed = true
    for (const partition of this) partition.takeOffline()
    this.#options.onDiskFailure(cause)
  }

  /** Nothing is accepted any more; resolves when no append is under way. Logs are closed elsewhere. */
  async close(): Promise<void> {
    await Promise.all([...this].map((partition) => partition.settled()))
    for (const partition of this) partition.close()
    await Promise.all(this.#deletions.values())
  }

  async #prepare(changes: readonly Change[]): Promise<void> {
    for (const change of changes) {
      if (change.kind !== 'topic') continue
      const overrides = overridesOf(change.topic.name, changes, this.#options.cluster)
      try {
        await this.#hold(change.topic, overrides)
      } catch (cause) {
        // The change stands in the table and cannot be followed: only a new start makes both agree.
        this.takeOffline(cause as Error)
        throw cause
      }
    }
  }

  #applied(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind === 'topicRemoved') this.#remove(change.id)
      if (change.kind === 'configs' && change.scope === 'topic') {
        const topic = this.#byName.get(change.name)
        if (topic) topic.config = topicConfig(this.#options.config(), change.overrides)
      }
    }
  }

  async #hold(image: TopicImage, overrides: ConfigOverrides): Promise<void> {
    await this.#deletions.get(image.name)
    let topic = this.#byId.get(image.id)
    if (!topic) {
      const config = topicConfig(this.#options.config(), overrides)
      topic = { id: image.id, name: image.name, config, partitions: [] }
      this.#byId.set(image.id, topic)
      this.#byName.set(image.name, topic)
    }
    const { nodeId } = this.#options
    const held = topic
    const missing = image.partitions.filter(
      ({ index, replicas }) => replicas.includes(nodeId) && !held.partitions[index],
    )
    // How many logs are opened side by side is the log manager's affair.
    await Promise.all(missing.map((partition) => this.#add(held, partition)))
  }

  async #add(topic: HeldTopic, image: PartitionImage): Promise<void> {
    const { logs } = this.#options
    const name = { topic: topic.name, topicId: topic.id, partition: image.index }
    const log = logs.get(name) ?? (await logs.create({ ...name, config: () => topic.config }))
    topic.partitions[image.index] = this.#partition(topic, image, log)
    this.#count += 1
  }

  #partition(topic: HeldTopic, { index, isr, leaderEpoch }: PartitionImage, log: Log): Partition {
    const { clock, turn, logger, cluster, config } = this.#options
    return new Partition({
      topic: topic.name,
      topicId: topic.id,
      index,
      internal: cluster.image.topicById(topic.id)?.internal ?? topic.name.startsWith('__'),
      leaderEpoch,
      log,
      config: () => topic.config,
      deepValidation: config()['sluice.validate'] === 'deep',
      commit: commitReplicated({
        isrSize: () => isr.length,
        minInsyncReplicas: () => topic.config['min.insync.replicas'],
      }),
      clock,
      turn,
      logger,
      onDiskFailure: (cause) => this.takeOffline(cause),
    })
  }

  #remove(id: string): void {
    const topic = this.#byId.get(id)
    if (!topic) return
    this.#byId.delete(id)
    this.#byName.delete(topic.name)
    const partitions = topic.partitions.filter((partition) => partition !== undefined)
    this.#count -= partitions.length
    for (const partition of partitions) partition.close()
    const deletion = this.#deleteLogs(partitions).finally(() => {
      if (this.#deletions.get(topic.name) === deletion) this.#deletions.delete(topic.name)
    })
    this.#deletions.set(topic.name, deletion)
  }

  async #deleteLogs(partitions: readonly Partition[]): Promise<void> {
    await Promise.all(partitions.map((partition) => this.#deleteLog(partition)))
  }

  async #deleteLog(partition: Partition): Promise<void> {
    await partition.settled()
    try {
      await this.#options.logs.delete(partition.log)
    } catch (cause) {
      const { topic, index } = partition
      this.#options.logger.error({ topic, partition: index, cause }, 'a log could not be deleted')
    }
  }
}

/** A topic and its configs come in one transaction. */
function overridesOf(
  name: string,
  changes: readonly Change[],
  { image }: Cluster,
): ConfigOverrides {
  for (const change of changes) {
    if (change.kind === 'configs' && change.scope === 'topic' && change.name === name) {
      return change.overrides
    }
  }
  return image.configs('topic', name)
}
