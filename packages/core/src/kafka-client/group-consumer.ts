// GroupConsumer: reads topics together with the other members of its group, each partition by one of them.
//
// All happens within poll(), as in Java's client: records of the last poll() count as done when the next
// one begins (that is what auto commit commits), and a rebalance takes place there and nowhere else. Who
// does not poll for `rebalanceTimeoutMs` leaves the group and joins again with the next poll().
//
// With the assignor cooperative-sticky alone (KIP-429) a rebalance takes from a member only what another is to
// have: it reads on meanwhile, lets go of those partitions, and a second rebalance hands them out.

import { errors } from '@sluice/protocol/errors'
import { sleep, type Timer } from '../host/clock.ts'
import type { AssignorName } from './assignors.ts'
import {
  Consumer,
  type ConsumerOptions,
  type FetchedRecords,
  type PartitionPosition,
} from './consumer.ts'
import { GroupMembership } from './group-membership.ts'
import { commitOffsets, fetchOffsets, type OffsetToCommit } from './group-offsets.ts'
import type { KafkaClient } from './kafka-client.ts'
import { asKafkaError, KafkaError } from './kafka-error.ts'
import type { TopicPartition } from './topic-partition.ts'

export interface GroupConsumerOptions extends Omit<ConsumerOptions, 'lane'> {
  readonly group: string
  readonly topics: readonly string[]
  /** group.instance.id: a static member (KIP-345). */
  readonly instanceId?: string
  /** In order of preference. */
  readonly assignors?: readonly AssignorName[]
  readonly sessionTimeoutMs?: number
  /** max.poll.interval.ms */
  readonly rebalanceTimeoutMs?: number
  readonly heartbeatIntervalMs?: number
  readonly autoCommit?: boolean
  readonly autoCommitIntervalMs?: number
  /** Called within poll() after this member got its share; of a cooperative one with what is new in it. */
  readonly onAssigned?: (partitions: readonly TopicPartition[]) => void
  /** Called within poll() before it gives these up; offsets are committed by then, if it still could. */
  readonly onRevoked?: (partitions: readonly TopicPartition[]) => void
}

interface Settings {
  readonly assignors: readonly AssignorName[]
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly autoCommit: boolean
  readonly autoCommitIntervalMs: number
  readonly offsetReset: 'earliest' | 'latest' | 'none'
}

const defaults: Settings = {
  assignors: ['range'],
  sessionTimeoutMs: 45_000,
  rebalanceTimeoutMs: 300_000,
  heartbeatIntervalMs: 3_000,
  autoCommit: true,
  autoCommitIntervalMs: 5_000,
  offsetReset: 'latest',
}

/** How long a rebalance or an end waits for the last commit and the farewell. */
const farewellTimeoutMs = 5_000
/** How often the topics of the group are looked at while one of them is missing. */
const topicCheckMs = 1_000

export class GroupConsumer {
  readonly #client: KafkaClient
  readonly #options: GroupConsumerOptions & Settings
  readonly #consumer: Consumer
  readonly #membership: GroupMembership
  readonly #lane: string
  #joining: Promise<void> | undefined
  #joinFailure: KafkaError | undefined
  #pollTimer: Timer | undefined
  #committed = new Map<string, number>()
  #committing = false
  #nextCommitMs = 0
  #nextTopicCheckMs = 0
  #interrupted = false
  #closed = false

  constructor(client: KafkaClient, options: GroupConsumerOptions) {
    this.#client = client
    this.#options = { ...defaults, ...options }
    this.#consumer = new Consumer(client, options)
    this.#lane = client.newLane('group')
    this.#membership = new GroupMembership(client, {
      ...this.#options,
      instanceId: options.instanceId ?? null,
      allowAutoTopicCreation: options.allowAutoTopicCreation ?? true,
      lane: this.#lane,
      onRejoin: () => this.#consumer.interrupt(),
    })
  }

  get assignment(): TopicPartition[] {
    return this.#consumer.assignment
  }

  /** Where this member is in a partition of its share. */
  position(partition: TopicPartition): PartitionPosition | undefined {
    return this.#consumer.position(partition)
  }

  /** Goes on at `offset`; a commit then means what lies below it. */
  seek(partition: TopicPartition, offset: number): void {
    this.#consumer.seek(partition, offset)
  }

  /** Records of this member's share, at once or within `maxWaitMs`; rejects as Consumer.poll() does. */
  async poll(maxWaitMs: number): Promise<FetchedRecords[]> {
    if (this.#closed) return []
    const deadlineMs = this.#client.clock.monotonic() + maxWaitMs
    this.#watchPolls()
    this.#autoCommit()
    this.#checkTopics()
    this.#interrupted = false
    for (;;) {
      if (this.#membership.rejoinDue || this.#joining !== undefined) {
        const joined = await this.#joined(this.#keepsReading ? undefined : deadlineMs)
        if (!joined && !this.#keepsReading) return []
      }
      const leftMs = Math.max(0, deadlineMs - this.#client.clock.monotonic())
      const records = await this.#consumer.poll(leftMs)
      const late = this.#client.clock.monotonic() >= deadlineMs
      if (records.length > 0 || late || this.#interrupted || this.#closed) return records
      // A rebalance has begun, and there is still time for it.
    }
  }

  /** Lets a poll() that waits for records return without any. */
  interrupt(): void {
    this.#interrupted = true
    this.#consumer.interrupt()
  }

  /**
   * Commits `offsets`, or what poll() has given so far. Rejects with KafkaError; while the group rebalances with
   * REBALANCE_IN_PROGRESS, and poll() has to be called before anything can be committed.
   */
  async commit(offsets: readonly OffsetToCommit[] = this.#positions()): Promise<void> {
    if (this.#joining !== undefined) throw new KafkaError(errors.REBALANCE_IN_PROGRESS)
    await this.#commit(offsets, undefined)
  }

  /** What the group has committed of this member's share. */
  committed(partitions: readonly TopicPartition[] = this.assignment) {
    return fetchOffsets(this.#client, this.#options.group, partitions, { lane: this.#lane })
  }

  /** Commits (with auto commit), leaves the group and ends. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#pollTimer?.cancel()
    this.#consumer.interrupt()
    this.#membership.close()
    // A join may be answered only when the others have come: it is given up with its connection.
    if (this.#joining !== undefined) this.#client.closeLane(this.#lane)
    await this.#joining
    await this.#commitBeforeRevocation(this.assignment)
    await this.#membership.leave(farewellTimeoutMs).catch((thrown) => {
      this.#client.logger.debug({ error: asKafkaError(thrown) }, 'could not leave the group')
    })
    this.#consumer.close()
    this.#client.closeLane(this.#lane)
  }

  /** A cooperative member goes on with what it has while the others come. */
  get #keepsReading(): boolean {
    return this.#membership.cooperative && this.#consumer.assignment.length > 0
  }

  /** Joins, or goes on waiting for it till the deadline, if there is one; false when that has not ended. */
  async #joined(deadlineMs: number | undefined): Promise<boolean> {
    this.#joining ??= this.#join().then(
      () => {
        this.#joining = undefined
      },
      (thrown) => {
        this.#joining = undefined
        this.#joinFailure = asKafkaError(thrown)
      },
    )
    if (deadlineMs !== undefined) {
      const leftMs = Math.max(0, deadlineMs - this.#client.clock.monotonic())
      await Promise.race([this.#joining, sleep(this.#client.clock, leftMs)])
    }
    const failure = this.#joinFailure
    this.#joinFailure = undefined
    if (failure !== undefined && !this.#closed) throw failure
    return this.#joining === undefined && !this.#closed
  }

  async #join(): Promise<void> {
    // A cooperative member commits as well: what it reads while it waits it can commit only as it goes on.
    if (this.#membership.cooperative) await this.#commitBeforeRevocation(this.assignment)
    else await this.#giveUp(this.assignment)
    const { share, continuous } = await this.#membership.join(this.assignment)
    if (this.#closed) return
    const isOf = (partitions: readonly TopicPartition[]) => {
      const keys = new Set(partitions.map(keyOf))
      return (partition: TopicPartition) => keys.has(keyOf(partition))
    }
    const owned = this.assignment
    const kept = continuous ? owned.filter(isOf(share)) : []
    const gone = owned.filter((partition) => !isOf(kept)(partition))
    const added = share.filter((partition) => !isOf(kept)(partition))
    if (continuous) await this.#giveUp(gone)
    else this.#lose(gone)
    const starts = await this.#starts(added).catch((error) => {
      this.#membership.rejoin()
      throw error
    })
    if (this.#closed) return
    this.#consumer.assign([...kept, ...starts])
    this.#nextCommitMs = this.#client.clock.monotonic() + this.#options.autoCommitIntervalMs
    this.#options.onAssigned?.(added)
    // They were left out so that nobody reads them twice: now they can be handed out.
    if (continuous && gone.length > 0) this.#membership.rejoin()
  }

  /** Commits what was given out of these partitions and lets go of them. */
  async #giveUp(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length === 0) return
    await this.#commitBeforeRevocation(partitions)
    this.#lose(partitions)
  }

  #lose(partitions: readonly TopicPartition[]): void {
    if (partitions.length === 0) return
    this.#options.onRevoked?.(partitions)
    const gone = new Set(partitions.map(keyOf))
    this.#consumer.assign(this.assignment.filter((partition) => !gone.has(keyOf(partition))))
    for (const key of gone) this.#committed.delete(key)
  }

  /** Where to go on with each partition: where the group left off, else as offsets are reset. */
  async #starts(share: readonly TopicPartition[]) {
    if (share.length === 0) return []
    const { group, offsetReset } = this.#options
    const offsets = await fetchOffsets(this.#client, group, share, { lane: this.#lane })
    const byPartition = new Map(offsets.map((entry) => [keyOf(entry), entry]))
    return share.map(({ topic, partition }) => {
      const committed = byPartition.get(keyOf({ topic, partition }))
      if (committed !== undefined && committed.error !== errors.NONE) {
        throw new KafkaError(committed.error, keyOf(committed))
      }
      if (committed !== undefined && committed.offset >= 0) {
        this.#committed.set(keyOf(committed), committed.offset)
        return { topic, partition, offset: committed.offset }
      }
      return { topic, partition, offset: offsetReset === 'none' ? undefined : offsetReset }
    })
  }

  /** What has been given out and not been committed. */
  #positions(partitions: readonly TopicPartition[] = this.assignment): OffsetToCommit[] {
    return partitions.flatMap(({ topic, partition }) => {
      const offset = this.#consumer.position({ topic, partition })?.position
      const committed = this.#committed.get(keyOf({ topic, partition }))
      return offset === undefined || offset === committed ? [] : { topic, partition, offset }
    })
  }

  async #commit(offsets: readonly OffsetToCommit[], timeoutMs: number | undefined): Promise<void> {
    const by = this.#membership.committer
    try {
      const options = { by, lane: this.#lane, timeoutMs }
      await commitOffsets(this.#client, this.#options.group, offsets, options)
    } catch (thrown) {
      const error = asKafkaError(thrown)
      this.#membership.refused(error)
      throw error
    }
    if (by.generationId !== this.#membership.committer.generationId) return
    for (const entry of offsets) this.#committed.set(keyOf(entry), entry.offset)
  }

  /** In the background: a failure is made good by the next one. */
  #autoCommit(): void {
    const { autoCommit, autoCommitIntervalMs } = this.#options
    const nowMs = this.#client.clock.monotonic()
    if (!autoCommit || this.#committing || nowMs < this.#nextCommitMs) return
    // Behind the JoinGroup on its connection it would come in another generation.
    if (this.#joining !== undefined) return
    this.#nextCommitMs = nowMs + autoCommitIntervalMs
    const offsets = this.#positions()
    if (offsets.length === 0 || this.#membership.rejoinDue) return
    this.#committing = true
    const done = () => {
      this.#committing = false
    }
    this.#commit(offsets, autoCommitIntervalMs).then(done, (thrown) => {
      done()
      this.#client.logger.debug({ error: asKafkaError(thrown) }, 'auto commit failed')
    })
  }

  async #commitBeforeRevocation(partitions: readonly TopicPartition[]): Promise<void> {
    if (!this.#options.autoCommit) return
    const offsets = this.#positions(partitions)
    if (offsets.length === 0) return
    await this.#commit(offsets, farewellTimeoutMs).catch((thrown) => {
      const { group } = this.#options
      // Whoever reads on will read these records again.
      this.#client.logger.warn({ group, error: asKafkaError(thrown) }, 'the last commit failed')
    })
  }

  /** Leaves the group when nobody polls: its partitions would stand still. */
  #watchPolls(): void {
    this.#pollTimer?.cancel()
    const { rebalanceTimeoutMs, group } = this.#options
    this.#pollTimer = this.#client.clock.setTimer(rebalanceTimeoutMs, () => {
      if (this.#closed || this.#joining !== undefined) return
      this.#client.logger.warn({ group, rebalanceTimeoutMs }, 'left the group: nobody polls')
      this.#membership.leaveForNow(farewellTimeoutMs).catch(() => {})
    })
  }

  /** Asks for the topics again when what is known is too old, or one of them is not there yet. */
  #checkTopics(): void {
    this.#membership.checkTopics()
    const { topics } = this.#options
    const nowMs = this.#client.clock.monotonic()
    if (nowMs < this.#nextTopicCheckMs) return
    this.#nextTopicCheckMs = nowMs + topicCheckMs
    if (topics.every((topic) => this.#client.topic(topic) !== undefined)) return
    this.#client.metadata(topics).then(
      () => this.#membership.checkTopics(),
      () => {},
    )
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
