// GroupMembership: one member of a classic consumer group (KIP-62): it joins, gets its share, keeps the
// coordinator assured that it is there, and leaves.
//
//   out -> joining -> stable -> (rebalance) joining -> ... -> out
//
// It never gives up partitions behind the consumer's back: a rebalance is only noted here, and takes place
// when the consumer calls join() again, after it has put its offsets in order.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { JoinGroupResponse } from '@sluice/protocol/messages/11-join-group'
import { consumerProtocolAssignment } from '@sluice/protocol/messages/internal/consumer-protocol-assignment'
import { decodeForward, encodeVersioned } from '@sluice/protocol/versioned'
import { sleep, type Timer } from '../host/clock.ts'
import { type AssignorName, assignors, rebalanceCooperatively } from './assignors.ts'
import { backoffMs } from './backoff.ts'
import { atCoordinator, type Send } from './coordinator-request.ts'
import type { Committer } from './group-offsets.ts'
import type { KafkaClient } from './kafka-client.ts'
import { asKafkaError, KafkaError } from './kafka-error.ts'
import {
  encodeSubscription,
  type GivenShare,
  listed,
  noGeneration,
  nothingGiven,
  partitionsOf,
  readMember,
} from './subscription.ts'
import type { TopicPartition } from './topic-partition.ts'

export interface MembershipOptions {
  readonly group: string
  readonly topics: readonly string[]
  readonly instanceId: string | null
  readonly assignors: readonly AssignorName[]
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly allowAutoTopicCreation: boolean
  readonly lane: string
  /** The group rebalances, or this member fell out of it: join() is due. */
  readonly onRejoin: () => void
}

export interface Joined {
  readonly share: readonly TopicPartition[]
  /** False: this member fell out of the group on the way. What it had, others may have read on. */
  readonly continuous: boolean
}

const protocolType = 'consumer'

/** Codes with which the coordinator says: join again as you are. */
const rejoinCodes: ReadonlySet<number> = new Set([errors.REBALANCE_IN_PROGRESS])
/** Codes with which it says: you are nobody here any more. */
const expelledCodes: ReadonlySet<number> = new Set([
  errors.UNKNOWN_MEMBER_ID,
  errors.ILLEGAL_GENERATION,
])

export class GroupMembership {
  readonly #client: KafkaClient
  readonly #options: MembershipOptions
  #memberId = ''
  #generationId = noGeneration
  /** The last share it was given, maybe given up or lost since. */
  #given: GivenShare = nothingGiven
  /** It has been in the group ever since it was given its share. */
  #continuous = false
  #state: 'out' | 'joining' | 'stable' = 'out'
  #rejoinDue = true
  #heartbeat: Timer | undefined
  #heartbeatPending = false
  #heardMs = 0
  /** What the leader handed out by: when it changes, it is time to hand out again. */
  #counts: Map<string, number> | undefined
  #closed = false

  constructor(client: KafkaClient, options: MembershipOptions) {
    this.#client = client
    this.#options = options
  }

  get rejoinDue(): boolean {
    return this.#rejoinDue
  }

  /** Whether partitions are kept while the group rebalances (KIP-429). */
  get cooperative(): boolean {
    return rebalanceCooperatively(this.#options.assignors)
  }

  get committer(): Committer {
    const { instanceId } = this.#options
    return { memberId: this.#memberId, generationId: this.#generationId, instanceId }
  }

  /**
   * Joins the group (again) and resolves with this member's share when all have theirs. `owned` is what it
   * reads at this moment, nothing if it does not rebalance cooperatively.
   */
  async join(owned: readonly TopicPartition[]): Promise<Joined> {
    this.#heartbeat?.cancel()
    this.#state = 'joining'
    for (let attempt = 1; ; attempt++) {
      if (this.#closed) throw new KafkaError(errors.NETWORK_EXCEPTION, 'the consumer was closed')
      this.#rejoinDue = false
      try {
        const share = await this.#joinOnce(this.#continuous ? owned : [])
        const joined = { share, continuous: this.#continuous }
        this.#given = { partitions: share, generation: this.#generationId }
        this.#continuous = true
        this.#state = 'stable'
        this.#heardMs = this.#client.clock.monotonic()
        this.#beatLater()
        return joined
      } catch (thrown) {
        const error = asKafkaError(thrown)
        this.#rejoinDue = true
        if (!this.#mayJoinAgain(error)) {
          this.#state = 'out'
          throw error
        }
        // Being told to come back with an id, or that others join, is no failure.
        if (error.code === errors.MEMBER_ID_REQUIRED || rejoinCodes.has(error.code)) continue
        const { backoff, clock, random } = this.#client
        await sleep(clock, backoffMs(backoff, attempt, random))
      }
    }
  }

  /** join() is due: something is left to be said to the others. */
  rejoin(): void {
    this.#requireRejoin()
  }

  /** A request of this member was refused with `error`; true when that means that join() is due. */
  refused(error: KafkaError): boolean {
    if (!rejoinCodes.has(error.code) && !expelledCodes.has(error.code)) return false
    if (expelledCodes.has(error.code)) this.#forgetSelf(error.code)
    this.#requireRejoin()
    return true
  }

  /** Leaves, so that the others need not wait for the session to time out. A static member stays. */
  async leave(timeoutMs: number): Promise<void> {
    this.#stop()
    const { group, instanceId, lane } = this.#options
    const memberId = this.#memberId
    if (memberId === '' || instanceId !== null) return
    this.#forgetSelf(errors.UNKNOWN_MEMBER_ID)
    await atCoordinator(this.#client, group, { timeoutMs, lane }, async (send) => {
      const { errorCode } = await send(apis.leaveGroup, (version) =>
        version < 3 ? { groupId: group, memberId } : { groupId: group, members: [{ memberId }] },
      )
      if (errorCode !== errors.NONE) throw new KafkaError(errorCode, group)
    })
  }

  /** Leaves because nobody polls; the next join() comes as a new member. */
  async leaveForNow(timeoutMs: number): Promise<void> {
    const leaving = this.leave(timeoutMs)
    this.#rejoinDue = true
    await leaving
  }

  close(): void {
    this.#closed = true
    this.#stop()
  }

  /** For the leader: whether the topics have changed since it handed out the partitions. */
  checkTopics(): void {
    if (this.#counts === undefined || this.#state !== 'stable') return
    for (const [topic, count] of this.#counts) {
      const known = this.#client.topic(topic)
      if (known !== undefined && known.partitions.length !== count) this.#requireRejoin()
    }
  }

  async #joinOnce(owned: readonly TopicPartition[]): Promise<TopicPartition[]> {
    const { group, rebalanceTimeoutMs, lane } = this.#options
    const requestTimeoutMs = rebalanceTimeoutMs + this.#client.requestTimeoutMs
    // One attempt: what to do about a failure depends on what it says of this member.
    const once = { timeoutMs: 0, requestTimeoutMs, lane }
    return atCoordinator(this.#client, group, once, async (send) => {
      const joined = await this.#sendJoin(send, owned)
      this.#memberId = joined.memberId
      if (joined.errorCode !== errors.NONE) throw new KafkaError(joined.errorCode, group)
      this.#generationId = joined.generationId
      const leads = joined.leader === joined.memberId
      const assignments = leads ? await this.#handOut(joined) : []
      const synced = await send(apis.syncGroup, (version) => ({
        groupId: group,
        generationId: joined.generationId,
        memberId: joined.memberId,
        ...(version >= 3 ? { groupInstanceId: this.#options.instanceId } : {}),
        protocolType,
        protocolName: joined.protocolName,
        assignments,
      }))
      if (synced.errorCode !== errors.NONE) throw new KafkaError(synced.errorCode, group)
      return shareIn(synced.assignment)
    })
  }

  #sendJoin(send: Send, partitions: readonly TopicPartition[]): Promise<JoinGroupResponse> {
    const { group, topics, sessionTimeoutMs, rebalanceTimeoutMs, instanceId } = this.#options
    const previous = this.#given
    const said = { topics, previous, owned: { partitions, generation: previous.generation } }
    return send(apis.joinGroup, (version) => ({
      groupId: group,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      memberId: this.#memberId,
      ...(version >= 5 ? { groupInstanceId: instanceId } : {}),
      protocolType,
      protocols: this.#options.assignors.map((name) => ({
        name,
        metadata: encodeSubscription(name, said),
      })),
    }))
  }

  /**
   * As the leader: every member's share, by the assignor that all of them know. Nobody's where the coordinator
   * has them (KIP-814); the topics are watched all the same.
   */
  async #handOut(joined: JoinGroupResponse): Promise<{ memberId: string; assignment: Buffer }[]> {
    const assignor = joined.protocolName as AssignorName
    const assign = assignors[assignor]
    if (assign === undefined) {
      throw new KafkaError(errors.INCONSISTENT_GROUP_PROTOCOL, String(joined.protocolName))
    }
    const members = joined.members.map((member) => readMember(assignor, member))
    const topics = [...new Set(members.flatMap((member) => member.topics))]
    const { allowAutoTopicCreation } = this.#options
    const metadata = await this.#client.metadata(topics, { refresh: true, allowAutoTopicCreation })
    const counts = new Map(
      topics.map((topic) => [topic, metadata.topics.get(topic)?.partitions.length ?? 0]),
    )
    this.#counts = counts
    if (joined.skipAssignment) return []
    return [...assign(members, counts)].map(([memberId, partitions]) => {
      const share = { assignedPartitions: listed(partitions) }
      return { memberId, assignment: encodeVersioned(consumerProtocolAssignment, 0, share) }
    })
  }

  #mayJoinAgain(error: KafkaError): boolean {
    if (error.code === errors.MEMBER_ID_REQUIRED || rejoinCodes.has(error.code)) return true
    if (expelledCodes.has(error.code)) {
      this.#forgetSelf(error.code)
      return true
    }
    return error.retriable
  }

  #beatLater(): void {
    this.#heartbeat?.cancel()
    if (this.#closed || this.#state !== 'stable') return
    const { clock } = this.#client
    this.#heartbeat = clock.setTimer(this.#options.heartbeatIntervalMs, () => {
      this.#beat()
      this.#beatLater()
    })
  }

  #beat(): void {
    if (this.#heartbeatPending || this.#rejoinDue) return
    const { group, instanceId, lane, sessionTimeoutMs } = this.#options
    const generationId = this.#generationId
    const memberId = this.#memberId
    this.#heartbeatPending = true
    const beaten = atCoordinator(this.#client, group, { timeoutMs: 0, lane }, async (send) => {
      const { errorCode } = await send(apis.heartbeat, (version) => ({
        groupId: group,
        generationId,
        memberId,
        ...(version >= 3 ? { groupInstanceId: instanceId } : {}),
      }))
      if (errorCode !== errors.NONE) throw new KafkaError(errorCode, group)
    })
    beaten.then(
      () => {
        this.#heartbeatPending = false
        this.#heardMs = this.#client.clock.monotonic()
      },
      (thrown) => {
        this.#heartbeatPending = false
        if (generationId !== this.#generationId || this.#state !== 'stable') return
        const error = asKafkaError(thrown)
        if (this.refused(error)) return
        const silentMs = this.#client.clock.monotonic() - this.#heardMs
        // The coordinator has given this member up by now, or something is wrong for good.
        if (!error.retriable || silentMs > sessionTimeoutMs) this.#requireRejoin()
      },
    )
  }

  #requireRejoin(): void {
    if (this.#rejoinDue) return
    this.#rejoinDue = true
    this.#options.onRejoin()
  }

  #forgetSelf(code: number): void {
    this.#generationId = noGeneration
    this.#continuous = false
    this.#counts = undefined
    if (code === errors.UNKNOWN_MEMBER_ID) this.#memberId = ''
  }

  #stop(): void {
    this.#heartbeat?.cancel()
    this.#state = 'out'
  }
}

function shareIn(assignment: Buffer): TopicPartition[] {
  // A member that gets nothing may be told so by no bytes at all.
  if (assignment.length === 0) return []
  return partitionsOf(decodeForward(consumerProtocolAssignment, assignment).assignedPartitions)
}
