// The group coordinator of a broker: it answers for the groups whose partition of __consumer_offsets
// this broker leads. It checks what needs no group, finds the shard and shapes the body; the shard
// drives the groups. An elected partition is loaded first: until then members are told to come back
// (COORDINATOR_LOAD_IN_PROGRESS), and after the resignation to look elsewhere (NOT_COORDINATOR).

import { errors } from '@sluice/protocol/errors'
import type { JoinGroupRequest } from '@sluice/protocol/messages/11-join-group'
import type { HeartbeatRequest } from '@sluice/protocol/messages/12-heartbeat'
import type { LeaveGroupRequest } from '@sluice/protocol/messages/13-leave-group'
import type { SyncGroupRequest } from '@sluice/protocol/messages/14-sync-group'
import type { listGroupsResponse } from '@sluice/protocol/messages/16-list-groups'
import type {
  OffsetDeleteRequest,
  offsetDeleteResponse,
} from '@sluice/protocol/messages/47-offset-delete'
import type { Encodable } from '@sluice/protocol/schema'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { Clock } from '../host/clock.ts'
import type { Logger } from '../host/logger.ts'
import type { Random } from '../host/random.ts'
import { TimerQueue } from '../lib/timer-queue.ts'
import type { Caller, DescribedGroup, JoinBody, LeaveBody, SyncBody } from './bodies.ts'
import * as bodies from './bodies.ts'
import { refusedJoin } from './events.ts'
import { OffsetCleaner } from './offset-cleaner.ts'
import { noOffsets, type OffsetView } from './offsets.ts'
import type { OffsetsLog } from './offsets-log.ts'
import { groupPartition } from './placement.ts'
import { Shard } from './shard.ts'
import { consumerProtocolType, subscribedTopics } from './subscription.ts'

/** Of a client's id, in the member ids made of it. */
const memberIdPrefixMax = 255
/** What a string of a record can hold, in bytes. */
const metadataBytesMax = 32_767

export interface CommitRequest {
  readonly groupId: string
  readonly memberId: string
  readonly instanceId: string | null
  /** -1: not by a member. */
  readonly generation: number
  /** -1: as long as the broker keeps offsets. */
  readonly retentionTimeMs: number
  readonly offsets: readonly OffsetCommit[]
}

export interface OffsetCommit {
  readonly topic: string
  /** zeroUuid when it is not known. */
  readonly topicId: string
  readonly partition: number
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string | null
}

export interface GroupCoordinatorOptions {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly config: BrokerConfig
  readonly log: OffsetsLog
}

export class GroupCoordinator {
  readonly #options: GroupCoordinatorOptions
  readonly #timers: TimerQueue
  readonly #cleaner: OffsetCleaner
  readonly #shards = new Map<number, Shard>()
  #closed = false

  constructor(options: GroupCoordinatorOptions) {
    this.#options = options
    this.#timers = new TimerQueue(options.clock)
    this.#cleaner = new OffsetCleaner({
      clock: options.clock,
      logger: options.logger,
      config: options.config,
      timers: this.#timers,
      shards: () => this.#shards.values(),
    })
  }

  /** The partition of __consumer_offsets that the group lives in. */
  partitionFor(groupId: string): number {
    return groupPartition(groupId, this.#options.log.partitionCount)
  }

  /** Creates __consumer_offsets when it is not there; 0 or an error code. */
  ensureLog(): Promise<number> {
    return this.#options.log.ensure()
  }

  /** This broker leads the partition now. Resolves when its groups are loaded, or it was resigned. */
  async onElected(partition: number): Promise<void> {
    if (this.#closed) return
    this.onResigned(partition)
    const { clock, logger, log, config } = this.#options
    const settings = {
      initialRebalanceDelayMs: config['group.initial.rebalance.delay.ms'],
      maxSize: config['group.max.size'],
    }
    const shard = new Shard({ partition, clock, logger, log, timers: this.#timers, settings })
    this.#shards.set(partition, shard)
    await shard.load()
  }

  /** This broker leads the partition no longer. */
  onResigned(partition: number): void {
    const shard = this.#shards.get(partition)
    this.#shards.delete(partition)
    shard?.close(errors.NOT_COORDINATOR)
  }

  /**
   * The end: whoever waits for others is sent away at once, commits that are under way are answered.
   * Resolves when nothing is.
   */
  async close(): Promise<void> {
    this.#closed = true
    this.#cleaner.close()
    this.#timers.close()
    const shards = [...this.#shards.values()]
    this.#shards.clear()
    await Promise.all(shards.map((shard) => shard.finish(errors.NOT_COORDINATOR)))
  }

  async join(request: JoinGroupRequest, caller: Caller): Promise<JoinBody> {
    const { groupId, memberId, sessionTimeoutMs } = request
    const refuse = (error: number) => bodies.joinBody(refusedJoin(error, memberId), caller)
    if (groupId === '') return refuse(errors.INVALID_GROUP_ID)
    const { config, random } = this.#options
    if (
      sessionTimeoutMs < config['group.min.session.timeout.ms'] ||
      sessionTimeoutMs > config['group.max.session.timeout.ms']
    ) {
      return refuse(errors.INVALID_SESSION_TIMEOUT)
    }
    const shard = this.#serving(groupId)
    if (typeof shard === 'number') return refuse(shard)
    const prefix = (request.groupInstanceId ?? caller.clientId ?? '').slice(0, memberIdPrefixMax)
    const newMemberId = `${prefix}-${random.uuid()}`
    const answer = await shard.join(groupId, bodies.joinRequest(request, caller, newMemberId))
    return typeof answer === 'number' ? refuse(answer) : bodies.joinBody(answer, caller)
  }

  async sync(request: SyncGroupRequest): Promise<SyncBody> {
    if (request.groupId === '') return bodies.refusedSync(errors.INVALID_GROUP_ID)
    const shard = this.#serving(request.groupId)
    if (typeof shard === 'number') return bodies.refusedSync(shard)
    const entry = shard.find(request.groupId)
    if (!entry) return bodies.refusedSync(errors.UNKNOWN_MEMBER_ID)
    return bodies.syncBody(await shard.sync(entry, bodies.syncRequest(request)))
  }

  heartbeat(request: HeartbeatRequest): { errorCode: number } {
    if (request.groupId === '') return { errorCode: errors.INVALID_GROUP_ID }
    const shard = this.#serving(request.groupId)
    // While the group is being loaded nobody can tell; the member's session starts anew after it.
    if (shard === errors.COORDINATOR_LOAD_IN_PROGRESS) return { errorCode: errors.NONE }
    if (typeof shard === 'number') return { errorCode: shard }
    const entry = shard.find(request.groupId)
    if (!entry) return { errorCode: errors.UNKNOWN_MEMBER_ID }
    const { memberId, groupInstanceId: instanceId, generationId: generation } = request
    return { errorCode: shard.heartbeat(entry, { memberId, instanceId, generation }) }
  }

  async leave(request: LeaveGroupRequest, caller: Caller): Promise<LeaveBody> {
    const refuse = (error: number) => bodies.leaveBody({ error, members: [] }, caller)
    if (request.groupId === '') return refuse(errors.INVALID_GROUP_ID)
    const shard = this.#serving(request.groupId)
    if (typeof shard === 'number') return refuse(shard)
    const leavers = bodies.leavers(request, caller)
    const entry = shard.find(request.groupId)
    if (!entry) {
      const error = errors.UNKNOWN_MEMBER_ID
      const members = leavers.map((leaver) => ({ ...leaver, error }))
      return bodies.leaveBody({ error: errors.NONE, members }, caller)
    }
    return bodies.leaveBody(await shard.leave(entry, leavers), caller)
  }

  /** One error code for each of `request.offsets`, in their order. */
  async commitOffsets(request: CommitRequest, apiVersion: number): Promise<number[]> {
    const { groupId, offsets } = request
    const shard = this.#serving(groupId)
    if (typeof shard === 'number') return offsets.map(() => shard)
    const tooLarge = offsets.map(({ metadata }) => this.#isTooLarge(metadata ?? ''))
    const now = this.#options.clock.now()
    const { retentionTimeMs } = request
    const expireTimestampMs =
      retentionTimeMs === -1 ? -1 : Math.min(now + retentionTimeMs, Number.MAX_SAFE_INTEGER)
    const commits = offsets
      .filter((_, index) => !tooLarge[index])
      .map(({ topic, topicId, partition, offset, leaderEpoch, metadata }) => ({
        topic,
        partition,
        committed: {
          offset,
          leaderEpoch,
          metadata: metadata ?? '',
          commitTimestampMs: now,
          expireTimestampMs,
          topicId,
        },
      }))
    const claimed = await shard.commit(groupId, request, commits)
    // Before v9 clients did not know GROUP_ID_NOT_FOUND here.
    const error =
      claimed === errors.GROUP_ID_NOT_FOUND && apiVersion < 9 ? errors.ILLEGAL_GENERATION : claimed
    return tooLarge.map((large) =>
      large && error === errors.NONE ? errors.OFFSET_METADATA_TOO_LARGE : error,
    )
  }

  /**
   * All committed offsets of the group, or why they cannot be told. A group that is not there has none.
   * `stable` waits for commits that are on their way (OffsetFetch v7, require_stable).
   */
  async fetchOffsets(groupId: string, options: { stable: boolean }): Promise<OffsetView | number> {
    let shard = this.#serving(groupId)
    if (typeof shard !== 'number' && options.stable) {
      await shard.settled()
      shard = this.#serving(groupId)
    }
    if (typeof shard === 'number') return shard
    return shard.find(groupId)?.offsets ?? noOffsets
  }

  describe(groupIds: readonly string[], caller: Caller): DescribedGroup[] {
    return groupIds.map((groupId) => {
      const shard = this.#serving(groupId)
      if (typeof shard === 'number') return bodies.undescribedGroup(groupId, shard)
      const entry = shard.find(groupId)
      if (!entry || entry.group.state === 'Dead') return bodies.missingGroup(groupId, caller)
      return bodies.describedGroup(entry)
    })
  }

  /** The groups coordinated here with what they committed, to look at. */
  *coordinated(): Generator<{ id: string; state: string; offsets: OffsetView }> {
    for (const shard of this.#shards.values()) {
      for (const { id, group, offsets } of shard.groups()) {
        yield { id, state: group.state, offsets }
      }
    }
  }

  /** The groups coordinated here; an empty filter lets all pass. */
  list(filter: {
    readonly states: readonly string[]
    readonly types: readonly string[]
  }): Encodable<typeof listGroupsResponse> {
    const states = new Set(filter.states.map((state) => state.toLowerCase()))
    const types = new Set(filter.types.map((type) => type.toLowerCase()))
    const shards = [...this.#shards.values()]
    if (this.#closed) return { errorCode: errors.COORDINATOR_NOT_AVAILABLE, groups: [] }
    if (shards.some(({ status }) => status === 'loading')) {
      return { errorCode: errors.COORDINATOR_LOAD_IN_PROGRESS, groups: [] }
    }
    if (types.size > 0 && !types.has('classic')) return { errorCode: errors.NONE, groups: [] }
    const groups = shards
      .flatMap((shard) => [...shard.groups()])
      .filter(({ group }) => states.size === 0 || states.has(group.state.toLowerCase()))
      .map(({ id, group }) => ({
        groupId: id,
        protocolType: group.protocolType,
        groupState: group.state,
        groupType: 'classic',
      }))
    return { errorCode: errors.NONE, groups }
  }

  /** 0 or an error for each id, in their order. */
  deleteGroups(groupIds: readonly string[]): Promise<number[]> {
    return Promise.all(groupIds.map((groupId) => this.#deleteGroup(groupId)))
  }

  async deleteOffsets(
    request: OffsetDeleteRequest,
  ): Promise<Encodable<typeof offsetDeleteResponse>> {
    const { groupId, topics } = request
    const refuse = (errorCode: number) => ({ errorCode, topics: [] })
    if (groupId === '') return refuse(errors.INVALID_GROUP_ID)
    const shard = this.#serving(groupId)
    if (typeof shard === 'number') return refuse(shard)
    const entry = shard.find(groupId)
    if (!entry || entry.group.state === 'Dead') return refuse(errors.GROUP_ID_NOT_FOUND)
    const { group, offsets } = entry
    if (group.state !== 'Empty' && group.protocolType !== consumerProtocolType) {
      return refuse(errors.NON_EMPTY_GROUP)
    }
    const read = subscribedTopics(group)
    const isRead = (topic: string) => read === undefined || read.has(topic)
    const gone = topics
      .filter(({ name }) => !isRead(name))
      .flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex }) => [name, partitionIndex] as const),
      )
      .filter(([topic, partition]) => offsets.has(topic, partition))
    const error = await shard.deleteOffsets(entry, gone)
    if (error !== errors.NONE) return refuse(error)
    return {
      errorCode: errors.NONE,
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: isRead(name) ? errors.GROUP_SUBSCRIBED_TO_TOPIC : errors.NONE,
        })),
      })),
    }
  }

  /** Offsets of deleted topics go at once, whatever their retention. */
  topicsDeleted(topicNames: readonly string[]): Promise<void> {
    return this.#cleaner.topicsDeleted(topicNames)
  }

  /** The shard that answers for the group, or the error of there being none. */
  #serving(groupId: string): Shard | number {
    if (this.#closed) return errors.COORDINATOR_NOT_AVAILABLE
    const shard = this.#shards.get(this.partitionFor(groupId))
    if (!shard) return errors.NOT_COORDINATOR
    return shard.status === 'active' ? shard : errors.COORDINATOR_LOAD_IN_PROGRESS
  }

  async #deleteGroup(groupId: string): Promise<number> {
    const shard = this.#serving(groupId)
    if (typeof shard === 'number') return shard
    const entry = shard.find(groupId)
    if (!entry || entry.group.state === 'Dead') return errors.GROUP_ID_NOT_FOUND
    if (entry.group.state !== 'Empty') return errors.NON_EMPTY_GROUP
    return await shard.deleteGroup(entry)
  }

  /** Kafka counts characters, whatever the config is called; the record's string counts bytes. */
  #isTooLarge(metadata: string): boolean {
    return (
      metadata.length > this.#options.config['offset.metadata.max.bytes'] ||
      Buffer.byteLength(metadata) > metadataBytesMax
    )
  }
}
