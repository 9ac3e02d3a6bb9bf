// A classic consumer group (Kafka's group protocol with JoinGroup, SyncGroup, Heartbeat, LeaveGroup) as
// a pure machine: step(event, now) -> effects. No I/O, no clock, no randomness; `now` is monotonic.
// This file decides about requests; rebalance.ts is the state machine behind them.
//
// It guarantees: each call is answered exactly once; generations only grow; one leader, who is a
// member; an assignment is handed out only after it was stored; no member is lost but by leaving, by
// its session or rebalance time-out, or by being replaced as the static instance it was.

import { errors } from '@sluice/protocol/errors'
import type {
  Effect,
  GroupEvent,
  GroupMetadata,
  GroupState,
  HeartbeatRequest,
  JoinRequest,
  LeaveAnswer,
  Leaver,
  SyncRequest,
} from './events.ts'
import { refusedJoin } from './events.ts'
import { type Call, Member, memberBytes, noBytes } from './member.ts'
import { type GroupSettings, newMemberJoinTimeoutMs, Rebalance } from './rebalance.ts'

/** Ids handed out and not yet used, of one group. */
export const pendingMembersMax = 10_000
/** What it may take to remember the members of one group: some 100,000 that say little. */
export const groupBytesMax = 64 * 1024 * 1024

export interface CommitClaim {
  readonly memberId: string
  readonly instanceId: string | null
  /** Negative: not a member's commit. */
  readonly generation: number
}

export class Group {
  readonly #rebalance: Rebalance

  constructor(settings: GroupSettings) {
    this.#rebalance = new Rebalance(settings)
  }

  /** The group as it was stored. Step it with `tick` at once: it may have something to do. */
  static restore(metadata: GroupMetadata, settings: GroupSettings, now: number): Group {
    const group = new Group(settings)
    const protocol = metadata.protocolName ?? ''
    const members = metadata.members.map((stored) => {
      const { memberId: id, instanceId, clientId, clientHost } = stored
      const member = new Member(
        { id, instanceId, clientId, clientHost, protocolType: metadata.protocolType },
        { ...stored, protocols: [{ name: protocol, metadata: stored.subscription }] },
      )
      member.assignment = stored.assignment
      return member
    })
    group.#rebalance.now = now
    group.#rebalance.restore(metadata, members)
    return group
  }

  get state(): GroupState {
    return this.#rebalance.state
  }

  get generation(): number {
    return this.#rebalance.generation
  }

  /** '' when no member ever joined: offsets are all it has. */
  get protocolType(): string {
    return this.#rebalance.protocolType ?? ''
  }

  get protocolName(): string | null {
    return this.#rebalance.protocolName
  }

  get leaderId(): string | undefined {
    return this.#rebalance.members.leaderId
  }

  get memberCount(): number {
    return this.#rebalance.members.size
  }

  get pendingCount(): number {
    return this.#rebalance.members.pendingCount
  }

  members(): IterableIterator<Member> {
    return this.#rebalance.members.all()
  }

  /** The generation as it would be stored now. */
  get metadata(): GroupMetadata {
    return this.#rebalance.metadata()
  }

  /** The driver must step the group with `tick` then, or a little later. Infinity: never. */
  get wakeAt(): number {
    return this.#rebalance.wakeAt
  }

  step(event: GroupEvent, now: number): Effect[] {
    this.#rebalance.now = now
    switch (event.kind) {
      case 'join':
        this.#join(event.call, event.request)
        break
      case 'sync':
        this.#sync(event.call, event.request)
        break
      case 'heartbeat': {
        const error = this.#heartbeat(event.request)
        this.#rebalance.emit({ kind: 'heard', call: event.call, error })
        break
      }
      case 'leave':
        this.#leave(event.call, event.leavers)
        break
      case 'stored':
        this.#rebalance.stored(event.store, event.error)
        break
      case 'tick':
        this.#rebalance.tick()
        break
      case 'unload':
        this.#rebalance.die(event.error)
    }
    return this.#rebalance.drain()
  }

  /** May these offsets be committed? A member that commits is alive. */
  checkCommit(claim: CommitClaim, now: number): number {
    const { state, generation } = this.#rebalance
    if (state === 'Dead') return errors.COORDINATOR_NOT_AVAILABLE
    if (claim.generation < 0 && state === 'Empty') return errors.NONE
    if (claim.generation < 0 && claim.memberId === '' && claim.instanceId === null) {
      return errors.UNKNOWN_MEMBER_ID
    }
    const member = this.#identify(claim.memberId, claim.instanceId)
    if (typeof member === 'number') return member
    if (claim.generation !== generation) return errors.ILLEGAL_GENERATION
    // It knows the generation and not yet its assignment: these offsets belong to the one before.
    if (state === 'CompletingRebalance') return errors.REBALANCE_IN_PROGRESS
    this.#rebalance.now = now
    this.#rebalance.heardOf(member)
    return errors.NONE
  }

  /** Marks an empty group as going: nobody can join while its tombstone is on its way. */
  startDelete(): void {
    this.#rebalance.bury()
  }

  cancelDelete(): void {
    this.#rebalance.revive()
  }

  /** The member that a request comes from, or why it does not. */
  #identify(memberId: string, instanceId: string | null): Member | number {
    const { members } = this.#rebalance
    if (instanceId !== null) {
      const current = members.instance(instanceId)
      if (!current) return errors.UNKNOWN_MEMBER_ID
      if (current.id !== memberId) return errors.FENCED_INSTANCE_ID
    }
    return members.get(memberId) ?? errors.UNKNOWN_MEMBER_ID
  }

  #join(call: Call, request: JoinRequest): void {
    const error = this.#tryJoin(call, request)
    if (error === errors.NONE) return
    const memberId = error === errors.GROUP_MAX_SIZE_REACHED ? '' : request.memberId
    this.#rebalance.emit({ kind: 'joined', call, answer: refusedJoin(error, memberId) })
  }

  /** 0: the call was answered or parked. */
  #tryJoin(call: Call, request: JoinRequest): number {
    const { memberId } = request
    const { state, members } = this.#rebalance
    if (state === 'Dead') return errors.COORDINATOR_NOT_AVAILABLE
    if (!this.#hasRoomFor(request)) {
      // Whoever comes back last after group.max.size was lowered is out.
      if (members.has(memberId)) {
        this.#rebalance.remove(memberId, errors.GROUP_MAX_SIZE_REACHED)
        this.#rebalance.rebalance(`there is no room for ${memberId}`)
      }
      return errors.GROUP_MAX_SIZE_REACHED
    }
    if (!this.#speaksItsLanguage(request)) return errors.INCONSISTENT_GROUP_PROTOCOL
    if (memberId === '') {
      this.#joinUnknown(call, request)
      return errors.NONE
    }
    if (members.isPending(memberId) && request.instanceId === null) {
      this.#add(call, request, memberId)
      return errors.NONE
    }
    const member = this.#identify(memberId, request.instanceId)
    if (typeof member === 'number') return member
    this.#rejoin(call, request, member)
    return errors.NONE
  }

  #hasRoomFor(request: JoinRequest): boolean {
    const { members, settings, state } = this.#rebalance
    const replaced = request.instanceId === null ? undefined : members.instance(request.instanceId)
    const member = members.get(request.memberId) ?? replaced
    const othersBytes = members.bytes - (member ? memberBytes(member) : 0)
    if (othersBytes + memberBytes(request) > groupBytesMax) return false
    if (!member && members.pendingCount >= pendingMembersMax && request.memberId === '')
      return false
    switch (state) {
      case 'PreparingRebalance':
        // Those that joined count, not those there were: the last to come back are one too many.
        return member?.joining !== undefined || members.joiningCount < settings.maxSize
      case 'CompletingRebalance':
      case 'Stable':
        return member !== undefined || members.size < settings.maxSize
      default:
        return true
    }
  }

  #speaksItsLanguage({ protocolType, protocols }: JoinRequest): boolean {
    const { state, members } = this.#rebalance
    if (state === 'Empty') return protocolType !== '' && protocols.length > 0
    return protocolType === this.#rebalance.protocolType && members.supportsAny(protocols)
  }

  #joinUnknown(call: Call, request: JoinRequest): void {
    const { newMemberId, instanceId } = request
    if (instanceId !== null) {
      const current = this.#rebalance.members.instance(instanceId)
      if (current) this.#replace(call, request, current)
      else this.#add(call, request, newMemberId)
    } else if (request.memberIdRequired) {
      this.#rebalance.addPending(newMemberId, request.sessionTimeoutMs)
      const answer = refusedJoin(errors.MEMBER_ID_REQUIRED, newMemberId)
      this.#rebalance.emit({ kind: 'joined', call, answer })
    } else {
      this.#add(call, request, newMemberId)
    }
  }

  #add(call: Call, request: JoinRequest, id: string): void {
    const { members } = this.#rebalance
    const { instanceId, clientId, clientHost, protocolType } = request
    const member = new Member({ id, instanceId, clientId, clientHost, protocolType }, request)
    member.isNew = true
    if (members.size === 0) this.#rebalance.protocolType = protocolType
    members.add(member)
    this.#rebalance.parkJoin(member, call)
    this.#rebalance.heardOf(member, newMemberJoinTimeoutMs)
    this.#rebalance.newcomer()
    this.#rebalance.rebalance(`${id} joins${because(request)}`)
  }

  #rejoin(call: Call, request: JoinRequest, member: Member): void {
    const { state, members } = this.#rebalance
    const same = member.speaksExactly(request.protocols)
    // The join answer got lost, or a follower only asks where the group stands.
    const repeats =
      same &&
      (state === 'CompletingRebalance' || (state === 'Stable' && !members.isLeader(member.id)))
    if (repeats) {
      const answer = this.#rebalance.joinAnswer(member)
      this.#rebalance.emit({ kind: 'joined', call, answer })
      return
    }
    members.update(member, request)
    this.#rebalance.parkJoin(member, call)
    // A leader's join asks for a new assignment even if nothing else changed: topics may have.
    const what = same ? 'joins again' : 'changed what it says of itself'
    this.#rebalance.rebalance(`${member.id} ${what}${because(request)}`)
  }

  /** A static member is back under a new id (KIP-345). Who used the old one is fenced. */
  #replace(call: Call, request: JoinRequest, old: Member): void {
    const rebalance = this.#rebalance
    const leaderBefore = rebalance.members.leaderId ?? ''
    rebalance.answerJoin(old, refusedJoin(errors.FENCED_INSTANCE_ID, old.id))
    rebalance.answerSync(old, errors.FENCED_INSTANCE_ID)
    const member = rebalance.members.replace(old, request.newMemberId)
    rebalance.replacedSync(old.id, member.id)
    rebalance.members.update(member, request)
    rebalance.parkJoin(member, call)
    rebalance.heardOf(member)
    const quiet =
      rebalance.state === 'Stable' && rebalance.members.electProtocol() === rebalance.protocolName
    if (quiet) this.#storeReplacement(call, request, { old, member, leaderBefore })
    else if (rebalance.state === 'PreparingRebalance') rebalance.continueJoin()
    else rebalance.rebalance(`${member.id} replaces ${old.id}${because(request)}`)
  }

  /** Nothing that the group decided changes: no rebalance, the new id is all there is to store. */
  #storeReplacement(
    call: Call,
    request: JoinRequest,
    { old, member, leaderBefore }: { old: Member; member: Member; leaderBefore: string },
  ): void {
    const rebalance = this.#rebalance
    const { generation } = rebalance
    rebalance.store(rebalance.metadata(), (error) => {
      // A rebalance that began meanwhile has taken the join over.
      if (rebalance.state !== 'Stable' || rebalance.generation !== generation) return
      if (member.joining !== call) return
      const leads = rebalance.members.isLeader(member.id)
      if (error !== errors.NONE) {
        rebalance.answerJoin(member, refusedJoin(error, ''))
        const restored = rebalance.members.replace(member, old.id)
        rebalance.replacedSync(member.id, old.id)
        rebalance.members.update(restored, old)
        rebalance.heardOf(restored)
        return
      }
      const answer = rebalance.joinAnswer(member)
      rebalance.answerJoin(
        member,
        request.maySkipAssignment
          ? { ...answer, skipAssignment: leads }
          : // An old client that leads would assign anew. Told of the leader before, it follows.
            { ...answer, leader: leaderBefore, members: [] },
      )
      rebalance.heardOf(member)
    })
  }

  #sync(call: Call, request: SyncRequest): void {
    const rebalance = this.#rebalance
    const checked = this.#checkSync(request)
    if (typeof checked === 'number') {
      const answer = {
        error: checked,
        protocolType: null,
        protocolName: null,
        assignment: noBytes,
      }
      rebalance.emit({ kind: 'synced', call, answer })
      return
    }
    rebalance.parkSync(checked, call)
    rebalance.synced(checked.id)
    if (rebalance.state === 'Stable') rebalance.answerSync(checked, errors.NONE)
    else if (rebalance.members.isLeader(checked.id)) this.#storeAssignment(request)
  }

  #checkSync(request: SyncRequest): Member | number {
    const { state, generation, protocolType, protocolName } = this.#rebalance
    if (state === 'Dead') return errors.COORDINATOR_NOT_AVAILABLE
    const member = this.#identify(request.memberId, request.instanceId)
    if (typeof member === 'number') return member
    if (request.generation !== generation) return errors.ILLEGAL_GENERATION
    const differs = (said: string | null, own: string | null) =>
      said !== null && own !== null && said !== own
    if (differs(request.protocolType, protocolType)) return errors.INCONSISTENT_GROUP_PROTOCOL
    if (differs(request.protocolName, protocolName)) return errors.INCONSISTENT_GROUP_PROTOCOL
    return state === 'PreparingRebalance' ? errors.REBALANCE_IN_PROGRESS : member
  }

  #storeAssignment({ assignments }: SyncRequest): void {
    const rebalance = this.#rebalance
    const { generation } = rebalance
    rebalance.store(rebalance.metadata(assignments), (error) => {
      if (rebalance.state !== 'CompletingRebalance') return
      if (rebalance.generation !== generation) return
      if (error === errors.NONE) rebalance.stabilize(assignments)
      else rebalance.assignmentFailed(error)
    })
  }

  #heartbeat(request: HeartbeatRequest): number {
    const { state, generation } = this.#rebalance
    if (state === 'Dead') return errors.COORDINATOR_NOT_AVAILABLE
    const member = this.#identify(request.memberId, request.instanceId)
    if (typeof member === 'number') return member
    if (request.generation !== generation) return errors.ILLEGAL_GENERATION
    this.#rebalance.heardOf(member)
    return state === 'PreparingRebalance' ? errors.REBALANCE_IN_PROGRESS : errors.NONE
  }

  #leave(call: Call, leavers: readonly Leaver[]): void {
    const rebalance = this.#rebalance
    if (rebalance.state === 'Dead') {
      const answer = { error: errors.COORDINATOR_NOT_AVAILABLE, members: [] }
      rebalance.emit({ kind: 'left', call, answer })
      return
    }
    const storesBefore = rebalance.storeCount
    const left: string[] = []
    const members = leavers.map((leaver) => {
      const id = this.#leaving(leaver)
      const { memberId, instanceId, reason } = leaver
      if (typeof id === 'number') return { memberId, instanceId, error: id }
      rebalance.remove(id)
      rebalance.emit({ kind: 'note', text: `${id} left${because({ reason })}` })
      left.push(id)
      return { memberId, instanceId, error: errors.NONE }
    })
    if (left.length > 0 && rebalance.state !== 'Empty') {
      rebalance.rebalance(`${left.join(', ')} left`)
    }
    const answer: LeaveAnswer = { error: errors.NONE, members }
    const store = rebalance.storeCount
    if (store === storesBefore) {
      rebalance.emit({ kind: 'left', call, answer })
      return
    }
    // The last one left: it can go when the group is known to be empty.
    rebalance.afterStore(store, (error) => {
      const outcome = error === errors.NONE ? answer : { error, members: [] }
      rebalance.emit({ kind: 'left', call, answer: outcome })
    })
  }

  /** The member or pending id that goes, or why nobody does. */
  #leaving({ memberId, instanceId }: Leaver): string | number {
    const { members } = this.#rebalance
    if (memberId === '') {
      const current = instanceId === null ? undefined : members.instance(instanceId)
      return current?.id ?? errors.UNKNOWN_MEMBER_ID
    }
    if (members.isPending(memberId)) return memberId
    const member = this.#identify(memberId, instanceId)
    return typeof member === 'number' ? member : member.id
  }
}

/** Clients cut it themselves (KIP-800), those that mean well. */
const reasonLengthMax = 255

function because({ reason }: { readonly reason: string | null }): string {
  return reason ? ` (${reason.slice(0, reasonLengthMax)})` : ''
}
