// GroupConsumer: reads topics together with the other members of its group, each partition by one of them.
//
// All happens within poll(), as in Java's client: records of the last poll() count as done when the next
// one begins (that is what auto commit commits), and a rebalance takes place there and nowhere else. Who
// does not poll for `rebalanceTimeoutMs` leaves the group and joins again with the next poll().

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
  /** Called within poll() after this member got its share. */
  readonly onAssigned?: (partitions: readonly TopicPartition[]) => void
  /** Called within poll() before it gives its share up; offsets are committed by then. */
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
        if (!(await this.#joined(deadlineMs))) return []
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

  /** Commits `offsets`, or what poll() has given so far. Rejects with KafkaError. */
  async commit(offsets: readonly OffsetToCommit[] = this.#positions()): Promise<void> {
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
    await this.#commitBeforeRevocation()
    await this.#membership.leave(farewellTimeoutMs).catch((thrown) => {
      this.#client.logger.debug({ error: asKafkaError(thrown) }, 'could not leave the group')
    })
    this.#consumer.close()
    this.#client.closeLane(this.#lane)
  }

  /** Joins, or goes on waiting for it; false when that takes longer than the poll. */
  async #joined(deadlineMs: number): Promise<boolean> {
    this.#joining ??= this.#join().then(
      () => {
        this.#joining = undefined
      },
      (thrown) => {
        this.#joining = undefined
        this.#joinFailure = asKafkaError(thrown)
      },
    )
    const leftMs = Math.max(0, deadlineMs - this.#client.clock.monotonic())
    await Promise.race([this.#joining, sleep(this.#client.clock, leftMs)])
    const failure = this.#joinFailure
    this.#joinFailure = undefined
    if (failure !== undefined && !this.#closed) throw failure
    return this.#joining === undefined && !this.#closed
  }

  async #join(): Promise<void> {
    await this.#giveUpShare()
    const share = await this.#membership.join()
    const starts = await this.#starts(share)
    if (this.#closed) return
    this.#consumer.assign(starts)
    this.#nextCommitMs = this.#client.clock.monotonic() + this.#options.autoCommitIntervalMs
    this.#options.onAssigned?.(share)
  }

  async #giveUpShare(): Promise<void> {
    const share = this.assignment
    if (share.length === 0) return
    await this.#commitBeforeRevocation()
    this.#options.onRevoked?.(share)
    this.#consumer.assign([])
  }

  /** Where to go on with each partition: where the group left off, else as offsets are reset. */
  async #starts(share: readonly TopicPartition[]) {
    this.#committed = new Map()
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
  #positions(): OffsetToCommit[] {
    return this.assignment.flatMap(({ topic, partition }) => {
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

  async #commitBeforeRevocation(): Promise<void> {
    if (!this.#options.autoCommit) return
    const offsets = this.#positions()
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
