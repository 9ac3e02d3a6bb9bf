// A shard: the groups of one partition of __consumer_offsets, led by this broker. It drives their
// machines, carries out their effects and keeps the log and what is visible in one order:
//
//   request -> machine or offsets -> append -> (the log says it is there) -> visible, answered
//
// Appends go out in the order of decisions and take effect in that order, each only after the ones
// before it are settled; so replaying the log gives what was visible. A shard lives from one election
// to the resignation after it; afterwards it answers nobody and changes nothing.

import { errors } from '@sluice/protocol/errors'
import { type Clock, sleep } from '../host/clock.ts'
import type { Logger } from '../host/logger.ts'
import { assert } from '../lib/assert.ts'
import { Slices } from '../lib/slices.ts'
import type { Deadline, TimerQueue } from '../lib/timer-queue.ts'
import type {
  Effect,
  GroupEvent,
  GroupMetadata,
  HeartbeatRequest,
  JoinAnswer,
  JoinRequest,
  LeaveAnswer,
  Leaver,
  SyncAnswer,
  SyncRequest,
} from './events.ts'
import { type CommitClaim, Group } from './group.ts'
import { Journal } from './journal.ts'
import type { Call } from './member.ts'
import { type CommittedOffset, GroupOffsets } from './offsets.ts'
import type { OffsetsLog } from './offsets-log.ts'
import type { GroupSettings } from './rebalance.ts'
import { groupRecord, offsetRecord } from './records.ts'
import { Replay } from './replay.ts'

/** Of the tombstones of one append, about: a batch stays well below max.message.bytes. */
const tombstonesBytesMax = 256 * 1024
/** Of a tombstone beside the id of its group: a topic's name, numbers, the record's own fields. */
const tombstoneBytes = 300
/** Groups that are only known from joins, of one shard: what strangers can make us remember. */
const transientGroupsMax = 10_000
const loadRetryMs = 1000

export interface GroupEntry {
  readonly id: string
  readonly group: Group
  readonly offsets: GroupOffsets
  /** Wall time of its last change of state; -1: not known. */
  stateSinceMs: number
  armed: Deadline | undefined
  armedFor: number
}

export interface OffsetToCommit {
  readonly topic: string
  readonly partition: number
  readonly committed: CommittedOffset
}

export interface ShardOptions {
  readonly partition: number
  readonly clock: Clock
  readonly logger: Logger
  readonly log: OffsetsLog
  readonly timers: TimerQueue
  readonly settings: GroupSettings
}

export class Shard {
  readonly partition: number
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #log: OffsetsLog
  readonly #journal: Journal
  readonly #timers: TimerQueue
  readonly #settings: GroupSettings
  readonly #groups = new Map<string, GroupEntry>()
  readonly #joins = new Map<Call, (answer: JoinAnswer) => void>()
  readonly #syncs = new Map<Call, (answer: SyncAnswer) => void>()
  readonly #leaves = new Map<Call, (answer: LeaveAnswer) => void>()
  #heard: number | undefined
  #lastCall = 0
  /** Groups without a record in the log. */
  readonly #transient = new Set<GroupEntry>()
  #status: 'loading' | 'active' | 'closed' = 'loading'

  constructor(options: ShardOptions) {
    this.partition = options.partition
    this.#clock = options.clock
    this.#logger = options.logger
    this.#log = options.log
    this.#journal = new Journal(options)
    this.#timers = options.timers
    this.#settings = options.settings
  }

  get status(): 'loading' | 'active' | 'closed' {
    return this.#status
  }

  get size(): number {
    return this.#groups.size
  }

  groups(): IterableIterator<GroupEntry> {
    return this.#groups.values()
  }

  find(groupId: string): GroupEntry | undefined {
    return this.#groups.get(groupId)
  }

  /** Resolves when all that was begun before is visible. */
  settled(): Promise<void> {
    return this.#journal.settled()
  }

  /** Replays the log; tries again until it succeeds or the shard is closed. */
  async load(): Promise<void> {
    const { partition } = this
    while (this.#status === 'loading') {
      const startedMs = this.#clock.monotonic()
      const replay = await this.#replay()
      if (this.#status !== 'loading') return
      if (!replay) {
        await sleep(this.#clock, loadRetryMs)
        continue
      }
      await this.#restore(replay)
      if (this.#status !== 'loading') return
      this.#status = 'active'
      const tookMs = Math.round(this.#clock.monotonic() - startedMs)
      this.#logger.info({ partition, groups: this.size, tookMs }, 'groups loaded')
    }
  }

  /** Somebody else coordinates these groups now: what is under way takes no effect here any more. */
  close(error: number): void {
    this.#sendAway(error)
    this.#journal.close()
  }

  /** As close(), but appends that are under way are waited for, and answered as they end. */
  async finish(error: number): Promise<void> {
    this.#sendAway(error)
    await this.#journal.settled()
    this.#journal.close()
  }

  /** A number: the error that there is no group to join. */
  join(groupId: string, request: JoinRequest): Promise<JoinAnswer> | number {
    let entry = this.#groups.get(groupId)
    if (!entry) {
      if (request.memberId !== '') return errors.UNKNOWN_MEMBER_ID
      if (this.#transient.size >= transientGroupsMax) return errors.COORDINATOR_NOT_AVAILABLE
      entry = this.#create(groupId)
    }
    const target = entry
    return new Promise((resolve) => {
      const call = ++this.#lastCall
      this.#joins.set(call, resolve)
      this.#step(target, { kind: 'join', call, request })
    })
  }

  sync(entry: GroupEntry, request: SyncRequest): Promise<SyncAnswer> {
    return new Promise((resolve) => {
      const call = ++this.#lastCall
      this.#syncs.set(call, resolve)
      this.#step(entry, { kind: 'sync', call, request })
    })
  }

  heartbeat(entry: GroupEntry, request: HeartbeatRequest): number {
    this.#heard = undefined
    this.#step(entry, { kind: 'heartbeat', call: ++this.#lastCall, request })
    assert(this.#heard !== undefined, 'a heartbeat is answered at once')
    return this.#heard
  }

  leave(entry: GroupEntry, leavers: readonly Leaver[]): Promise<LeaveAnswer> {
    return new Promise((resolve) => {
      const call = ++this.#lastCall
      this.#leaves.set(call, resolve)
      this.#step(entry, { kind: 'leave', call, leavers })
    })
  }

  /** Commits for a member, or (negative generation) into a group that has none. 0 or an error. */
  async commit(
    groupId: string,
    claim: CommitClaim,
    offsets: readonly OffsetToCommit[],
  ): Promise<number> {
    let entry = this.#groups.get(groupId)
    if (!entry) {
      if (claim.generation >= 0) return errors.GROUP_ID_NOT_FOUND
      entry = this.#create(groupId)
    }
    const target = entry
    const error = target.group.checkCommit(claim, this.#clock.monotonic())
    if (error !== errors.NONE || offsets.length === 0) {
      this.#settle(target)
      return error
    }
    const timestamp = this.#clock.now()
    const records = offsets.map(({ topic, partition, committed }) =>
      offsetRecord({ groupId, topic, partition }, committed, timestamp),
    )
    for (const { topic, partition } of offsets) target.offsets.begin(topic, partition)
    return await this.#journal.append(records, (appended) => {
      for (const { topic, partition, committed } of offsets) {
        target.offsets.end(topic, partition)
        if (appended) target.offsets.set(topic, partition, committed)
      }
      if (appended) this.#transient.delete(target)
      this.#settle(target)
    })
  }

  /** Writes tombstones for offsets of a group, and makes them gone. 0 or the first error. */
  async deleteOffsets(
    entry: GroupEntry,
    keys: readonly (readonly [topic: string, partition: number])[],
  ): Promise<number> {
    const bytesEach = tombstoneBytes + Buffer.byteLength(entry.id)
    const count = Math.max(1, Math.floor(tombstonesBytesMax / bytesEach))
    let failed: number = errors.NONE
    for (let from = 0; from < keys.length && failed === errors.NONE; from += count) {
      if (this.#status !== 'active') return errors.NOT_COORDINATOR
      const chunk = keys.slice(from, from + count)
      const timestamp = this.#clock.now()
      const records = chunk.map(([topic, partition]) =>
        offsetRecord({ groupId: entry.id, topic, partition }, null, timestamp),
      )
      for (const [topic, partition] of chunk) entry.offsets.begin(topic, partition)
      failed = await this.#journal.append(records, (appended) => {
        for (const [topic, partition] of chunk) {
          entry.offsets.end(topic, partition)
          if (appended) entry.offsets.delete(topic, partition)
        }
        this.#settle(entry)
      })
    }
    return failed
  }

  /** Removes an empty group with all its offsets. 0 or an error; after an error it is as it was. */
  async deleteGroup(entry: GroupEntry): Promise<number> {
    assert(entry.group.state === 'Empty', 'only an empty group is deleted')
    entry.group.startDelete()
    let error = await this.deleteOffsets(entry, [...entry.offsets.known()])
    if (error === errors.NONE && this.#status === 'active') {
      const tombstone = groupRecord(entry.id, null, this.#clock.now())
      error = await this.#journal.append([tombstone], (appended) => {
        if (appended) this.#forget(entry)
      })
    }
    if (this.#status !== 'active') return errors.NOT_COORDINATOR
    if (error !== errors.NONE) {
      entry.group.cancelDelete()
      this.#settle(entry)
    }
    return error
  }

  /** Whoever is parked is answered with `error`; nobody gets in any more. */
  #sendAway(error: number): void {
    this.#status = 'closed'
    for (const entry of this.#groups.values()) {
      entry.armed?.cancel()
      this.#carryOut(entry, entry.group.step({ kind: 'unload', error }, this.#clock.monotonic()))
    }
    this.#groups.clear()
    this.#transient.clear()
    assert(this.#joins.size === 0, 'every join is answered')
    assert(this.#syncs.size === 0, 'every sync is answered')
    assert(this.#leaves.size === 0, 'every leave is answered')
  }

  #create(groupId: string): GroupEntry {
    const group = new Group(this.#settings)
    const entry = this.#enter(groupId, group, new GroupOffsets(), this.#clock.now())
    this.#transient.add(entry)
    return entry
  }

  #enter(id: string, group: Group, offsets: GroupOffsets, stateSinceMs: number): GroupEntry {
    const entry: GroupEntry = {
      id,
      group,
      offsets,
      stateSinceMs,
      armed: undefined,
      armedFor: Number.POSITIVE_INFINITY,
    }
    this.#groups.set(id, entry)
    return entry
  }

  async #replay(): Promise<Replay | undefined> {
    const { partition } = this
    const replay = new Replay()
    try {
      const { error } = await this.#log.load(partition, (record) => replay.add(record))
      if (error !== errors.NONE) {
        this.#logger.error({ partition, error }, 'groups could not be loaded')
        return undefined
      }
    } catch (cause) {
      this.#logger.error({ partition, cause }, 'groups could not be loaded')
      return undefined
    }
    const { skippedCount, firstSkipped } = replay
    if (skippedCount > 0) {
      const fields = { partition, skippedCount, ...firstSkipped }
      this.#logger.warn(fields, 'records that are not of classic groups were skipped')
    }
    return replay
  }

  async #restore(replay: Replay): Promise<void> {
    const slices = new Slices(this.#clock)
    for (const [id, { group: stored, offsets }] of replay.groups) {
      const group = stored
        ? Group.restore(stored.metadata, this.#settings, this.#clock.monotonic())
        : new Group(this.#settings)
      const entry = this.#enter(id, group, offsets, stored?.stateSinceMs ?? -1)
      this.#step(entry, { kind: 'tick' })
      await slices.pause()
      if (this.#status === 'closed') return
    }
  }

  #step(entry: GroupEntry, event: GroupEvent): void {
    const before = entry.group.state
    const effects = entry.group.step(event, this.#clock.monotonic())
    if (entry.group.state !== before) entry.stateSinceMs = this.#clock.now()
    this.#carryOut(entry, effects)
    this.#settle(entry)
  }

  #carryOut(entry: GroupEntry, effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'joined':
          take(this.#joins, effect.call)(effect.answer)
          break
        case 'synced':
          take(this.#syncs, effect.call)(effect.answer)
          break
        case 'left':
          take(this.#leaves, effect.call)(effect.answer)
          break
        case 'heard':
          this.#heard = effect.error
          break
        case 'store':
          this.#store(entry, effect.store, effect.metadata)
          break
        case 'note':
          this.#logger.info({ group: entry.id }, effect.text)
      }
    }
  }

  #store(entry: GroupEntry, store: number, metadata: GroupMetadata): void {
    if (this.#status === 'closed') return
    this.#transient.delete(entry)
    const { id, stateSinceMs } = entry
    const record = groupRecord(id, { metadata, stateSinceMs }, this.#clock.now())
    void this.#journal
      .append([record], () => {})
      .then((error) => {
        if (this.#status !== 'closed') this.#step(entry, { kind: 'stored', store, error })
      })
  }

  /**
   * After anything that happened to a group: its timer, and whether it is worth remembering. One whose last
   * offset was deleted is there until the next look for expired ones, as in Kafka.
   */
  #settle(entry: GroupEntry): void {
    const { group, offsets } = entry
    const unused = group.state === 'Empty' && group.generation === 0 && group.pendingCount === 0
    if (unused && offsets.isEmpty && this.#transient.has(entry)) this.#forget(entry)
    else this.#arm(entry)
  }

  #forget(entry: GroupEntry): void {
    entry.armed?.cancel()
    this.#transient.delete(entry)
    if (this.#groups.get(entry.id) === entry) this.#groups.delete(entry.id)
  }

  /** Heartbeats only move deadlines further away: the timer stays and finds nothing due. */
  #arm(entry: GroupEntry): void {
    const { wakeAt } = entry.group
    if (wakeAt >= entry.armedFor || this.#status === 'closed') return
    entry.armed?.cancel()
    entry.armedFor = wakeAt
    const delayMs = Math.max(0, wakeAt - this.#clock.monotonic())
    entry.armed = this.#timers.after(delayMs, () => {
      entry.armedFor = Number.POSITIVE_INFINITY
      this.#step(entry, { kind: 'tick' })
    })
  }
}

function take<A>(waiting: Map<Call, (answer: A) => void>, call: Call): (answer: A) => void {
  const resolve = waiting.get(call)
  assert(resolve, 'a call is answered once')
  waiting.delete(call)
  return resolve
}
