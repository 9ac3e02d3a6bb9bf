// The rebalance of a classic group: its states, generations and deadlines.
//
//   Empty ──join──> PreparingRebalance ──all joined, or time is up──> CompletingRebalance
//     ^                  ^    ^                                          │        │
//     └── nobody left ───┘    └───────── member came, went or changed ───┤   leader's assignment
//                                                                        │     is stored
//                                                                      Stable <───┘
//
// Every JoinGroup is parked until the join phase ends, every SyncGroup until the leader's assignment is
// in the log. The generation only grows, by one with each completed join phase. No deadline is a timer:
// `wakeAt` is never later than the earliest one, and heartbeats move deadlines without touching it.

import { errors } from '@sluice/protocol/errors'
import { assert } from '../lib/assert.ts'
import type { Effect, GroupMetadata, GroupState, JoinAnswer, JoinedMember } from './events.ts'
import { refusedJoin } from './events.ts'
import { type Call, type Member, noBytes } from './member.ts'
import { Membership } from './membership.ts'

export interface GroupSettings {
  /** group.initial.rebalance.delay.ms */
  readonly initialRebalanceDelayMs: number
  /** group.max.size */
  readonly maxSize: number
}

/** How long a new member's JoinGroup may be parked: its client has no id to send heartbeats with. */
export const newMemberJoinTimeoutMs = 5 * 60 * 1000

const never = Number.POSITIVE_INFINITY

const statesBefore: Record<GroupState, readonly GroupState[]> = {
  Empty: ['PreparingRebalance'],
  PreparingRebalance: ['Stable', 'CompletingRebalance', 'Empty'],
  CompletingRebalance: ['PreparingRebalance'],
  Stable: ['CompletingRebalance'],
  Dead: ['Stable', 'PreparingRebalance', 'CompletingRebalance', 'Empty', 'Dead'],
}

export class Rebalance {
  readonly members = new Membership()
  readonly settings: GroupSettings
  /** Time of the step under way. */
  now = 0
  wakeAt = never
  generation = 0
  protocolType: string | null = null
  protocolName: string | null = null
  #state: GroupState = 'Empty'
  #out: Effect[] = []
  #joinDeadline = never
  /** There while members gather for the first generation: it does not end early. */
  #initial: { delayMs: number; remainingMs: number; extend: boolean } | undefined
  #syncDeadline = never
  /** Members that were answered a join and have not come for their assignment. */
  readonly #pendingSync = new Set<string>()
  readonly #stores = new Map<number, (error: number) => void>()
  #storeCount = 0

  constructor(settings: GroupSettings) {
    this.settings = settings
  }

  get state(): GroupState {
    return this.#state
  }

  /** How many `store` effects there were: a step that raised it must wait for the last. */
  get storeCount(): number {
    return this.#storeCount
  }

  emit(effect: Effect): void {
    this.#out.push(effect)
  }

  drain(): Effect[] {
    const effects = this.#out
    if (effects.length > 0) this.#out = []
    return effects
  }

  /** Appends `metadata` to the log; `done` gets 0 or the error, in the order of the stores. */
  store(metadata: GroupMetadata, done: (error: number) => void): void {
    this.#storeCount += 1
    this.#stores.set(this.#storeCount, done)
    this.emit({ kind: 'store', store: this.#storeCount, metadata })
  }

  /** Runs what waited for the store; `after` chains more behind it. */
  stored(store: number, error: number): void {
    const done = this.#stores.get(store)
    this.#stores.delete(store)
    done?.(error)
  }

  afterStore(store: number, more: (error: number) => void): void {
    const done = this.#stores.get(store)
    assert(done, 'the store is under way')
    this.#stores.set(store, (error) => {
      done(error)
      more(error)
    })
  }

  /** Starts the state over from a stored generation. */
  restore(metadata: GroupMetadata, members: readonly Member[]): void {
    assert(this.members.size === 0 && this.generation === 0, 'only a new group is restored')
    this.generation = metadata.generation
    this.protocolType = metadata.protocolType === '' ? null : metadata.protocolType
    this.protocolName = metadata.protocolName
    for (const member of members) {
      this.members.add(member)
      this.heardOf(member)
    }
    if (metadata.leader !== null) this.members.restoreLeader(metadata.leader)
    if (members.length > 0) this.#state = 'Stable'
    if (members.length > this.settings.maxSize) {
      this.rebalance(`${members.length} members are more than group.max.size`)
    }
  }

  heardOf(member: Member, timeoutMs = member.sessionTimeoutMs): void {
    member.deadline = this.now + timeoutMs
    this.#wakeBy(member.deadline)
  }

  addPending(id: string, timeoutMs: number): void {
    this.members.addPending(id, this.now + timeoutMs)
    this.#wakeBy(this.now + timeoutMs)
  }

  /** A newcomer lengthens the gathering for the first generation. */
  newcomer(): void {
    if (this.#initial) this.#initial.extend = true
  }

  parkJoin(member: Member, call: Call): void {
    const before = this.members.setJoining(member, call)
    // The client asks again, most likely on another connection: the first answer helps nobody.
    if (before !== undefined) {
      const answer = refusedJoin(errors.REBALANCE_IN_PROGRESS, member.id)
      this.emit({ kind: 'joined', call: before, answer })
    }
  }

  answerJoin(member: Member, answer: JoinAnswer): void {
    const call = this.members.setJoining(member, undefined)
    if (call !== undefined) this.emit({ kind: 'joined', call, answer })
  }

  parkSync(member: Member, call: Call): void {
    this.answerSync(member, errors.REBALANCE_IN_PROGRESS)
    member.syncing = call
  }

  answerSync(member: Member, error: number): void {
    const call = member.syncing
    if (call === undefined) return
    member.syncing = undefined
    const ok = error === errors.NONE
    this.emit({
      kind: 'synced',
      call,
      answer: {
        error,
        protocolType: ok ? this.protocolType : null,
        protocolName: ok ? this.protocolName : null,
        assignment: ok ? member.assignment : noBytes,
      },
    })
  }

  /** The answer that tells a member of this generation what it is part of. */
  joinAnswer(member: Member): JoinAnswer {
    return {
      error: errors.NONE,
      memberId: member.id,
      generation: this.generation,
      protocolType: this.protocolType,
      protocolName: this.protocolName,
      leader: this.members.leaderId ?? '',
      skipAssignment: false,
      members: this.members.isLeader(member.id) ? this.joinedMembers() : [],
    }
  }

  joinedMembers(): JoinedMember[] {
    const name = this.protocolName ?? ''
    return Array.from(this.members.all(), (member) => ({
      memberId: member.id,
      instanceId: member.instanceId,
      metadata: member.metadataFor(name),
    }))
  }

  /** Came for its assignment. */
  synced(id: string): void {
    this.#pendingSync.delete(id)
    if (this.#pendingSync.size === 0) this.#syncDeadline = never
  }

  /** Whoever it was that synced, or did not, is another id now. */
  replacedSync(oldId: string, id: string): void {
    if (this.#pendingSync.delete(oldId)) this.#pendingSync.add(id)
  }

  /** Takes a member out; its parked calls are told so, that the client may come back. */
  remove(id: string, error: number = errors.UNKNOWN_MEMBER_ID): void {
    const member = this.members.get(id)
    if (member) {
      this.answerJoin(member, refusedJoin(error, ''))
      this.answerSync(member, error)
    }
    this.members.remove(id)
    this.synced(id)
  }

  /** Begins a rebalance, or gets on with the one under way. */
  rebalance(reason: string): void {
    if (this.#state === 'PreparingRebalance') this.continueJoin()
    else this.#prepare(reason)
  }

  /** Ends the join phase when everybody is there; the first one only ends by time. */
  continueJoin(): void {
    if (this.#state !== 'PreparingRebalance') return
    if (!this.#initial && this.members.allJoined) this.#completeJoin()
  }

  /** The leader's assignment is in the log. */
  stabilize(assignments: ReadonlyMap<string, Buffer>): void {
    this.#transition('Stable')
    for (const member of this.members.all()) {
      member.assignment = assignments.get(member.id) ?? noBytes
    }
    this.#answerSyncs(errors.NONE)
  }

  /** The assignment could not be stored: everybody starts over. */
  assignmentFailed(error: number): void {
    this.#answerSyncs(error)
    this.rebalance(`the assignment could not be stored (error ${error})`)
  }

  /** The end of the group here: all calls are answered with `error`. */
  die(error: number): void {
    this.#transition('Dead')
    for (const member of this.members.all()) {
      this.answerJoin(member, refusedJoin(error, member.id))
      this.answerSync(member, error)
    }
    for (const store of [...this.#stores.keys()]) this.stored(store, error)
    this.wakeAt = never
  }

  /** An empty group that is being deleted: nobody waits, and nobody gets in. */
  bury(): void {
    assert(this.#state === 'Empty' && this.members.size === 0, 'only an empty group is deleted')
    this.#transition('Dead')
    this.wakeAt = never
  }

  /** It could not be deleted. */
  revive(): void {
    assert(this.#state === 'Dead' && this.members.size === 0, 'only an empty group comes back')
    this.#state = 'Empty'
    this.#rearm()
  }

  /** All that is due, in the order of the deadlines. */
  tick(): void {
    if (this.#state === 'Dead') return
    for (const { run } of this.#due()) run()
    this.#rearm()
  }

  metadata(assignments?: ReadonlyMap<string, Buffer>): GroupMetadata {
    const name = this.protocolName
    return {
      protocolType: this.protocolType ?? '',
      generation: this.generation,
      protocolName: name,
      leader: this.members.leaderId ?? null,
      members: Array.from(this.members.all(), (member) => ({
        memberId: member.id,
        instanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeoutMs: member.rebalanceTimeoutMs,
        sessionTimeoutMs: member.sessionTimeoutMs,
        subscription: member.metadataFor(name ?? ''),
        assignment: assignments ? (assignments.get(member.id) ?? noBytes) : member.assignment,
      })),
    }
  }

  #rearm(): void {
    this.wakeAt = Math.min(this.#joinDeadline, this.#syncDeadline)
    for (const { deadline } of this.members.all()) this.#wakeBy(deadline)
    for (const [, deadline] of this.members.pending()) this.#wakeBy(deadline)
  }

  #wakeBy(deadline: number): void {
    if (deadline < this.wakeAt) this.wakeAt = deadline
  }

  #transition(to: GroupState): void {
    assert(statesBefore[to].includes(this.#state), `a group goes from ${this.#state} to ${to}`)
    this.#state = to
  }

  #prepare(reason: string): void {
    if (this.#state === 'CompletingRebalance') this.#answerSyncs(errors.REBALANCE_IN_PROGRESS)
    this.#pendingSync.clear()
    this.#syncDeadline = never
    const initial = this.#state === 'Empty'
    this.#transition('PreparingRebalance')
    this.emit({ kind: 'note', text: `rebalance after generation ${this.generation}: ${reason}` })
    if (initial) {
      const delayMs = this.settings.initialRebalanceDelayMs
      const remainingMs = Math.max(this.members.rebalanceTimeoutMs - delayMs, 0)
      this.#initial = { delayMs, remainingMs, extend: false }
      this.#joinBy(delayMs)
    } else if (this.members.allJoined) {
      this.#completeJoin()
    } else {
      this.#joinBy(this.members.rebalanceTimeoutMs)
    }
  }

  #joinBy(delayMs: number): void {
    this.#joinDeadline = this.now + delayMs
    this.#wakeBy(this.#joinDeadline)
  }

  #joinTimeIsUp(): void {
    const initial = this.#initial
    if (!initial?.extend || initial.remainingMs === 0) {
      this.#completeJoin()
      return
    }
    const delayMs = Math.min(this.settings.initialRebalanceDelayMs, initial.remainingMs)
    const remainingMs = Math.max(initial.remainingMs - initial.delayMs, 0)
    this.#initial = { delayMs, remainingMs, extend: false }
    this.#joinBy(delayMs)
  }

  #completeJoin(): void {
    this.#joinDeadline = never
    this.#initial = undefined
    for (const member of [...this.members.all()]) {
      // A static member may be restarting: its place is kept until its session ends.
      if (member.joining !== undefined || member.isStatic) continue
      this.emit({ kind: 'note', text: `${member.id} did not join in time and is out` })
      this.remove(member.id)
    }
    if (this.members.size > 0 && !this.members.electJoinedLeader()) {
      this.emit({ kind: 'note', text: 'nobody joined; waiting for sessions to end' })
      this.#joinBy(this.members.rebalanceTimeoutMs)
      return
    }
    this.generation += 1
    if (this.members.size === 0) this.#becomeEmpty()
    else this.#beginSync()
  }

  #becomeEmpty(): void {
    this.protocolName = null
    this.#transition('Empty')
    this.emit({ kind: 'note', text: `generation ${this.generation} is empty` })
    this.store(this.metadata(), (error) => {
      if (error === errors.NONE) return
      // After a failover the generation before comes back, and its members' sessions end again.
      this.emit({ kind: 'note', text: `the empty generation could not be stored (error ${error})` })
    })
  }

  #beginSync(): void {
    this.protocolName = this.members.electProtocol()
    this.#transition('CompletingRebalance')
    const { generation, protocolName } = this
    this.emit({
      kind: 'note',
      text: `generation ${generation} has ${this.members.size} members and speaks ${protocolName}`,
    })
    for (const member of this.members.all()) {
      this.answerJoin(member, this.joinAnswer(member))
      this.heardOf(member)
      member.isNew = false
      this.#pendingSync.add(member.id)
    }
    this.#syncDeadline = this.now + this.members.rebalanceTimeoutMs
    this.#wakeBy(this.#syncDeadline)
  }

  #syncTimeIsUp(): void {
    this.#syncDeadline = never
    const missing = [...this.#pendingSync]
    for (const id of missing) this.remove(id)
    this.rebalance(`${missing.join(', ')} did not sync in time`)
  }

  /** Sessions pick up where the parked calls vouched for them. */
  #answerSyncs(error: number): void {
    for (const member of this.members.all()) {
      if (error !== errors.NONE) member.assignment = noBytes
      if (member.syncing === undefined) continue
      this.answerSync(member, error)
      this.heardOf(member)
    }
  }

  #due(): { at: number; run: () => void }[] {
    const { now } = this
    const due: { at: number; run: () => void }[] = []
    if (this.#joinDeadline <= now) {
      due.push({
        at: this.#joinDeadline,
        run: () => {
          if (this.#joinDeadline <= now) this.#joinTimeIsUp()
        },
      })
    }
    if (this.#syncDeadline <= now) {
      due.push({
        at: this.#syncDeadline,
        run: () => {
          if (this.#syncDeadline <= now) this.#syncTimeIsUp()
        },
      })
    }
    for (const member of this.members.all()) {
      if (member.deadline > now) continue
      due.push({ at: member.deadline, run: () => this.#sessionEnds(member) })
    }
    for (const [id, at] of this.members.pending()) {
      if (at <= now) due.push({ at, run: () => this.#pendingEnds(id) })
    }
    return due.sort((a, b) => a.at - b.at)
  }

  #sessionEnds(member: Member): void {
    if (this.members.get(member.id) !== member || member.deadline > this.now) return
    if (member.parked) {
      member.deadline = never
      return
    }
    this.emit({ kind: 'note', text: `the session of ${member.id} ended` })
    this.remove(member.id)
    this.rebalance(`the session of ${member.id} ended`)
  }

  #pendingEnds(id: string): void {
    if (!this.members.isPending(id)) return
    this.emit({ kind: 'note', text: `${id} got its id and never joined` })
    this.members.remove(id)
    this.continueJoin()
  }
}
