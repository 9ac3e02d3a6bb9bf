// Partitions: all that this broker holds, by topic id and by name. Follows the cluster's changes: a new
// partition has its log before clients hear of it, a deleted topic's logs are gone with its name.
//
// A folder of logs that fails takes its partitions offline, and no others. A log that could not be opened or
// made (its folder is offline, all folders are full) leaves its partition missing: it is tried again from
// time to time.

import type { Cluster } from '../cluster/cluster.ts'
import type { Change, ConfigOverrides, PartitionImage, TopicImage } from '../cluster/image.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { type TopicConfig, topicConfig } from '../config/topic-config.ts'
import type { Clock, Timer } from '../host/clock.ts'
import { DiskError } from '../host/disk.ts'
import type { Logger } from '../host/logger.ts'
import { sideBySide } from '../lib/side-by-side.ts'
import type { Log } from '../log/log.ts'
import type { LogDir } from '../log/log-dir.ts'
import { type LogManager, logsAtOnce } from '../log/log-manager.ts'
import { commitReplicated, effectiveMinIsr } from './commit-replicated.ts'
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
}

/** How often logs that are missing are tried again. */
const retryMs = 5000

interface MissingLog {
  /** Made with this process, so that no folder that is offline has its log. */
  readonly isNew: boolean
  /** No folder had room; else it is offline for as long as the process lives. */
  readonly full: boolean
}

interface HeldTopic {
  readonly id: string
  readonly name: string
  config: TopicConfig
  /** By partition index; holes where another broker has the replica. */
  readonly partitions: Partition[]
  /** By index, partitions that are placed here and have no log that could be used. */
  readonly missing: Map<number, MissingLog>
}

interface LackingPartition {
  readonly topic: HeldTopic
  readonly image: PartitionImage
}

export class Partitions {
  readonly #options: PartitionsOptions
  readonly #byId = new Map<string, HeldTopic>()
  readonly #byName = new Map<string, HeldTopic>()
  /** Deletions under way, by topic name: a new topic of that name waits for its folders to be free. */
  readonly #deletions = new Map<string, Promise<void>>()
  #count = 0
  #retryTimer: Timer | undefined
  #retrying: Promise<void> = Promise.resolve()
  #closed = false

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
    const lacking = [...image.topics()].flatMap((topic) => {
      return partitions.#lacking(topic, image.configs('topic', topic.name))
    })
    await sideBySide(lacking, logsAtOnce, (one) => partitions.#add(one, false))
    cluster.listen({
      prepare: (changes) => partitions.#prepare(changes),
      applied: (changes) => partitions.#applied(changes),
    })
    return partitions
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

  /** The partition is placed here, and its disk failed. */
  isOffline(topicId: string, index: number): boolean {
    const topic = this.#byId.get(topicId)
    return topic?.partitions[index]?.offline ?? topic?.missing.has(index) ?? false
  }

  /** Offline for as long as the process lives: a log that only wants for room is tried again. */
  isLost(topicId: string, index: number): boolean {
    const topic = this.#byId.get(topicId)
    return topic?.partitions[index]?.offline ?? topic?.missing.get(index)?.full === false
  }

  /** How many partitions are offline. */
  get offlineCount(): number {
    let count = 0
    for (const { partitions, missing } of this.#byId.values()) {
      for (const partition of partitions) if (partition?.offline) count += 1
      count += missing.size
    }
    return count
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

  /** A folder of logs failed: the partitions in it are offline. */
  dirFailed(dir: LogDir): void {
    for (const partition of this) if (dir.logs.has(partition.log)) partition.takeOffline()
  }

  /** Nothing is accepted any more; resolves when no append is under way. Logs are closed elsewhere. */
  async close(): Promise<void> {
    this.#closed = true
    this.#retryTimer?.cancel()
    await Promise.all([...this].map((partition) => partition.settled()))
    for (const partition of this) partition.close()
    await this.#retrying
    await Promise.all(this.#deletions.values())
  }

  async #prepare(changes: readonly Change[]): Promise<void> {
    for (const change of changes) {
      if (change.kind !== 'topic') continue
      const overrides = overridesOf(change.topic.name, changes, this.#options.cluster)
      await this.#deletions.get(change.topic.name)
      const lacking = this.#lacking(change.topic, overrides)
      await sideBySide(lacking, logsAtOnce, (one) => this.#add(one, true))
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

  /** Placed here, and not held yet. */
  #lacking(image: TopicImage, overrides: ConfigOverrides): LackingPartition[] {
    let topic = this.#byId.get(image.id)
    if (!topic) {
      const config = topicConfig(this.#options.config(), overrides)
      topic = { id: image.id, name: image.name, config, partitions: [], missing: new Map() }
      this.#byId.set(image.id, topic)
      this.#byName.set(image.name, topic)
    }
    const { nodeId } = this.#options
    const held = topic
    const lacking = image.partitions.filter(
      ({ index, replicas }) => replicas.includes(nodeId) && !held.partitions[index],
    )
    return lacking.map((partition) => ({ topic: held, image: partition }))
  }

  async #add({ topic, image }: LackingPartition, isNew: boolean): Promise<void> {
    const { logs } = this.#options
    const { index } = image
    const name = { topic: topic.name, topicId: topic.id, partition: index }
    const log = logs.get(name) ?? (await this.#openLog(topic, { index, isNew }))
    if (log === undefined) return
    if (this.#byId.get(topic.id) !== topic) return logs.delete(log)
    topic.missing.delete(index)
    topic.partitions[index] = this.#partition(topic, image, log)
    this.#count += 1
  }

  /** Undefined where no disk has room, or the disk that has it failed: the partition is missing then. */
  async #openLog(
    topic: HeldTopic,
    { index, isNew }: { index: number; isNew: boolean },
  ): Promise<Log | undefined> {
    const { logs, logger } = this.#options
    const name = { topic: topic.name, topicId: topic.id, partition: index }
    try {
      return await logs.create({ ...name, config: () => topic.config, isNew })
    } catch (cause) {
      if (!(cause instanceof DiskError)) throw cause
      logger.error({ ...name, cause }, 'a log could not be opened: its partition is offline')
      const full = cause.kind === 'no-space'
      topic.missing.set(index, { isNew, full })
      if (full) this.#retryLater()
      return undefined
    }
  }

  #retryLater(): void {
    if (this.#closed) return
    this.#retryTimer ??= this.#options.clock.setTimer(retryMs, () => {
      this.#retryTimer = undefined
      this.#retrying = this.#retry().catch((cause) => {
        this.#options.logger.error({ cause }, 'logs that are offline could not be tried again')
      })
    })
  }

  /** A disk that was full may have room again. */
  async #retry(): Promise<void> {
    const { cluster } = this.#options
    for (const topic of this.#byId.values()) {
      for (const [index, { isNew, full }] of topic.missing) {
        const image = cluster.image.topicById(topic.id)?.partitions[index]
        if (full && image !== undefined && !this.#closed) await this.#add({ topic, image }, isNew)
      }
    }
  }

  #partition(
    topic: HeldTopic,
    { index, isr, replicas, leaderEpoch }: PartitionImage,
    log: Log,
  ): Partition {
    const { clock, turn, logger, cluster, config } = this.#options
    const partition: Partition = new Partition({
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
        minIsr: () => effectiveMinIsr(topic.config['min.insync.replicas'], replicas),
      }),
      clock,
      turn,
      logger,
      // Its log, whichever that is: it may have moved to another directory.
      onDiskFailure: (cause) => this.#options.logs.fail(partition.log, cause),
    })
    return partition
  }

  #remove(id: string): void {
    const topic = this.#byId.get(id)
    if (!topic) return
    this.#byId.delete(id)
    this.#byName.delete(topic.name)
    const partitions = topic.partitions.filter((partition) => partition !== undefined)
    this.#count -= partitions.length
    for (const partition of partitions) partition.close()
    // A log that is being tried again just now is deleted by who tries.
    const gone = Promise.all([this.#deleteLogs(partitions), this.#retrying])
    const deletion = gone.then(() => {
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
