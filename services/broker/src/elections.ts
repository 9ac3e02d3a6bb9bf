// Elections: tells the group coordinator which partitions of __consumer_offsets this broker leads, as
// the cluster's changes come in, and which topics are gone with all offsets committed for them. A topic's
// name is not given again before these are gone, too: else what is committed for the new one went with them.

import type { Cluster } from '@sluice/core/cluster/cluster'
import type { Change, TopicImage } from '@sluice/core/cluster/image'
import { groupOffsetsTopic } from '@sluice/core/cluster/topic-name'
import type { GroupCoordinator } from '@sluice/core/group/coordinator'
import type { Logger } from '@sluice/core/host/logger'

export interface ElectionsOptions {
  readonly nodeId: number
  readonly cluster: Cluster
  readonly groups: GroupCoordinator
  readonly logger: Logger
}

export class Elections {
  readonly #options: ElectionsOptions
  /** Id of the offsets topic whose partitions are led here, and which of them. */
  #topicId: string | undefined
  readonly #led = new Set<number>()
  readonly #names = new Map<string, string>()
  /** Offsets of deleted topics that are being taken away, by topic name. */
  readonly #cleanings = new Map<string, Promise<void>>()
  #taken: Promise<void> = Promise.resolve()

  constructor(options: ElectionsOptions) {
    this.#options = options
    const { cluster } = options
    for (const topic of cluster.image.topics()) this.#topicChanged(topic)
    cluster.listen({
      prepare: (changes) => this.#prepare(changes),
      applied: (changes) => this.#applied(changes),
    })
  }

  /** Resolves when all groups of the partitions led so far are loaded. */
  async settled(): Promise<void> {
    await this.#taken
  }

  /** The logs of some partitions are gone with their disk: nobody coordinates those groups any more. */
  logsFailed(isLost: (topicId: string, partition: number) => boolean): void {
    const { groups } = this.#options
    for (const index of this.#led) {
      // It stays among the led: it is not elected again before the process is started again.
      if (this.#topicId && isLost(this.#topicId, index)) groups.onResigned(index)
    }
  }

  async #prepare(changes: readonly Change[]): Promise<void> {
    for (const change of changes) {
      if (change.kind === 'topic') await this.#cleanings.get(change.topic.name)
    }
  }

  #applied(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind === 'topic') this.#topicChanged(change.topic)
      if (change.kind === 'partitions') this.#partitionsChanged(change.topicId)
      if (change.kind === 'topicRemoved') this.#topicRemoved(change.id)
    }
  }

  #topicChanged(topic: TopicImage): void {
    this.#names.set(topic.id, topic.name)
    if (topic.name !== groupOffsetsTopic) return
    const { nodeId, groups } = this.#options
    this.#topicId = topic.id
    for (const { index, leader } of topic.partitions) {
      if (leader === nodeId && !this.#led.has(index)) {
        this.#led.add(index)
        this.#watch(groups.onElected(index))
      } else if (leader !== nodeId && this.#led.delete(index)) {
        groups.onResigned(index)
      }
    }
  }

  #partitionsChanged(topicId: string): void {
    const topic = this.#options.cluster.image.topicById(topicId)
    if (topic !== undefined) this.#topicChanged(topic)
  }

  #topicRemoved(id: string): void {
    const { groups } = this.#options
    const name = this.#names.get(id)
    this.#names.delete(id)
    if (id === this.#topicId) {
      this.#topicId = undefined
      for (const index of this.#led) groups.onResigned(index)
      this.#led.clear()
    } else if (name !== undefined) {
      this.#clean(name)
    }
  }

  #clean(name: string): void {
    const cleaning = this.#watch(this.#options.groups.topicsDeleted([name])).finally(() => {
      this.#cleanings.delete(name)
    })
    this.#cleanings.set(name, cleaning)
  }

  #watch(work: Promise<void>): Promise<void> {
    const watched = work.catch((cause) => {
      this.#options.logger.error({ cause }, 'the group coordinator could not follow a change')
    })
    // Resolves to nothing: a result within a result for each change would never be collected.
    this.#taken = Promise.all([this.#taken, watched]).then(() => {})
    return watched
  }
}
