// Who is in a classic group: members, their static instances, ids handed out and not yet used
// (pending, KIP-394), who leads, and which protocols all of them speak. Bookkeeping only: it answers
// nobody and knows neither states nor generations.
//
// Invariants: the leader is a member or absent; an instance id belongs to one member; `joining` and
// the protocol counts equal what a scan over the members would find.

import { assert } from '../lib/assert.ts'
import {
  type Call,
  distinctProtocols,
  Member,
  type MemberTerms,
  memberBytes,
  type Protocol,
} from './member.ts'

export class Membership {
  readonly #members = new Map<string, Member>()
  readonly #byInstance = new Map<string, string>()
  /** Member id -> when it is forgotten. */
  readonly #pending = new Map<string, number>()
  /** Protocol name -> members that speak it. */
  readonly #speakers = new Map<string, number>()
  #leaderId: string | undefined
  #joiningCount = 0
  #bytes = 0

  get size(): number {
    return this.#members.size
  }

  get leaderId(): string | undefined {
    return this.#leaderId
  }

  /** Members whose JoinGroup is parked. */
  get joiningCount(): number {
    return this.#joiningCount
  }

  get pendingCount(): number {
    return this.#pending.size
  }

  /** What it takes to remember the members. */
  get bytes(): number {
    return this.#bytes
  }

  get allJoined(): boolean {
    return this.#joiningCount === this.#members.size && this.#pending.size === 0
  }

  has(id: string): boolean {
    return this.#members.has(id)
  }

  get(id: string): Member | undefined {
    return this.#members.get(id)
  }

  all(): IterableIterator<Member> {
    return this.#members.values()
  }

  instance(instanceId: string): Member | undefined {
    const id = this.#byInstance.get(instanceId)
    return id === undefined ? undefined : this.#members.get(id)
  }

  isLeader(id: string): boolean {
    return this.#leaderId === id
  }

  /** The longest that any member wants to be waited for. */
  get rebalanceTimeoutMs(): number {
    let timeoutMs = 0
    for (const member of this.#members.values()) {
      timeoutMs = Math.max(timeoutMs, member.rebalanceTimeoutMs)
    }
    return timeoutMs
  }

  add(member: Member): void {
    assert(!this.#members.has(member.id), 'a member id is used once')
    if (member.instanceId !== null) {
      assert(!this.#byInstance.has(member.instanceId), 'an instance id belongs to one member')
      this.#byInstance.set(member.instanceId, member.id)
    }
    this.#members.set(member.id, member)
    this.#pending.delete(member.id)
    this.#count(member, 1)
    if (member.joining !== undefined) this.#joiningCount += 1
    this.#leaderId ??= member.id
  }

  /** Takes out a member or a pending id. Calls it had parked must have been answered before. */
  remove(id: string): void {
    this.#pending.delete(id)
    const member = this.#members.get(id)
    if (!member) return
    assert(member.joining === undefined, 'a removed member waits for no join')
    assert(member.syncing === undefined, 'a removed member waits for no sync')
    this.#members.delete(id)
    this.#count(member, -1)
    if (member.instanceId !== null) this.#byInstance.delete(member.instanceId)
    if (this.#leaderId === id) this.#leaderId = this.#members.keys().next().value
  }

  /** The same static instance under a new id: place in the group, leadership and assignment stay. */
  replace(old: Member, id: string): Member {
    assert(old.instanceId !== null, 'only a static member is replaced')
    assert(this.#members.get(old.id) === old, 'only a member is replaced')
    const wasLeader = this.#leaderId === old.id
    const { instanceId, clientId, clientHost, protocolType } = old
    const replacement = new Member({ id, instanceId, clientId, clientHost, protocolType }, old)
    replacement.assignment = old.assignment
    this.remove(old.id)
    this.add(replacement)
    if (wasLeader) this.#leaderId = id
    return replacement
  }

  /** What a member says of itself when it joins again. */
  update(member: Member, terms: MemberTerms): void {
    this.#count(member, -1)
    member.protocols = distinctProtocols(terms.protocols)
    this.#count(member, 1)
    member.rebalanceTimeoutMs = terms.rebalanceTimeoutMs
    member.sessionTimeoutMs = terms.sessionTimeoutMs
  }

  /** Parks a JoinGroup, or (undefined) takes it up again. Returns the one that was parked. */
  setJoining(member: Member, call: Call | undefined): Call | undefined {
    const before = member.joining
    member.joining = call
    if (before === undefined && call !== undefined) this.#joiningCount += 1
    if (before !== undefined && call === undefined) this.#joiningCount -= 1
    return before
  }

  isPending(id: string): boolean {
    return this.#pending.has(id)
  }

  addPending(id: string, deadline: number): void {
    assert(!this.#members.has(id), 'a pending member has not joined')
    this.#pending.set(id, deadline)
  }

  pending(): IterableIterator<[id: string, deadline: number]> {
    return this.#pending.entries()
  }

  restoreLeader(id: string): void {
    if (this.#members.has(id)) this.#leaderId = id
  }

  /**
   * Keeps the leader if it has joined again, else takes the first member that has.
   * False when nobody has.
   */
  electJoinedLeader(): boolean {
    if (this.#leaderId === undefined) return false
    if (this.#members.get(this.#leaderId)?.joining !== undefined) return true
    for (const member of this.#members.values()) {
      if (member.joining === undefined) continue
      this.#leaderId = member.id
      return true
    }
    return false
  }

  /** Is there a protocol among `names` that every member speaks? */
  supportsAny(protocols: readonly Protocol[]): boolean {
    return protocols.some(({ name }) => (this.#speakers.get(name) ?? 0) === this.#members.size)
  }

  /** Every member votes for its favourite among those that all speak; the first of the most wins. */
  electProtocol(): string {
    assert(this.#members.size > 0, 'an empty group has no protocol')
    const candidates = new Set<string>()
    for (const [name, count] of this.#speakers) {
      if (count === this.#members.size) candidates.add(name)
    }
    const votes = new Map<string, number>()
    for (const member of this.#members.values()) {
      const name = member.vote(candidates)
      assert(name !== undefined, 'members have a protocol in common')
      votes.set(name, (votes.get(name) ?? 0) + 1)
    }
    let winner: [name: string, count: number] = ['', 0]
    for (const vote of votes) if (vote[1] > winner[1]) winner = vote
    return winner[0]
  }

  #count(member: Member, sign: 1 | -1): void {
    for (const { name } of member.protocols) {
      const count = (this.#speakers.get(name) ?? 0) + sign
      if (count === 0) this.#speakers.delete(name)
      else this.#speakers.set(name, count)
    }
    this.#bytes += sign * memberBytes(member)
  }
}
