// Random clients against one group machine: whatever they do, in whatever order stores are answered and
// time passes, the guarantees at the top of group.ts hold.

import type { Effect, GroupEvent, JoinAnswer } from '@sluice/core/group/events'
import { Group } from '@sluice/core/group/group'
import { errors } from '@sluice/protocol/errors'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

/** A draw of three numbers says what happens next, in terms of what there is. */
const move = fc.record({
  kind: fc.constantFrom(
    'join',
    'join',
    'join',
    'sync',
    'sync',
    'heartbeat',
    'leave',
    'stored',
    'wait',
    'gather',
  ),
  who: fc.nat(7),
  how: fc.nat(99),
})
type Move = { kind: string; who: number; how: number }

const sessionTimeoutMs = 10_000
const rebalanceTimeoutMs = 30_000
const newMemberJoinTimeoutMs = 300_000

/** A client: it has an id once it was told one, and an instance if it is a static member. */
interface Client {
  id: string
  generation: number
  readonly instance: string | null
}

class World {
  readonly group: Group
  readonly waiting = new Map<number, { kind: string; client: Client; sinceMs: number }>()
  readonly stores: number[] = []
  readonly leaders = new Map<number, string>()
  readonly clients: Client[] = Array.from({ length: 8 }, (_, index) => ({
    id: '',
    generation: -1,
    instance: index < 3 ? `instance-${index}` : null,
  }))
  now = 0
  #calls = 0
  #ids = 0

  constructor(initialRebalanceDelayMs: number) {
    this.group = new Group({ initialRebalanceDelayMs, maxSize: 6 })
  }

  play({ kind, who, how }: Move): void {
    const client = this.clients[who]
    if (kind === 'gather') this.gather(1 + (how % 6))
    else if (kind === 'wait') this.wait([0, 1000, 4000, 11_000, 31_000][how % 5])
    else if (kind === 'stored') this.#answerStore(how)
    else this.step(this.#event(kind, client, how), client)
  }

  wait(ms: number): void {
    const end = this.now + ms
    while (this.group.wakeAt <= end) {
      this.now = Math.max(this.now, this.group.wakeAt)
      this.step({ kind: 'tick' })
    }
    this.now = end
  }

  /** Clients that do what they should: they join, take their assignments and are stable. */
  gather(count: number): void {
    const clients = this.clients.slice(0, count)
    // Twice: those that must learn their ids first.
    for (const client of [...clients, ...clients]) this.step(this.#event('join', client, 8), client)
    this.wait(0)
    for (let i = 0; i < 40 && this.group.state === 'PreparingRebalance'; i++) this.wait(1000)
    for (const client of clients) this.step(this.#event('sync', client, 8), client)
    this.answerStores()
  }

  answerStores(): void {
    while (this.stores.length > 0) this.#answerStore(0)
  }

  step(event: GroupEvent, client?: Client): void {
    const before = { ids: this.#ids_(), generation: this.group.generation }
    if ('call' in event && client) {
      this.waiting.set(event.call, { kind: event.kind, client, sinceMs: this.now })
    }
    const effects = this.group.step(event, this.now)
    for (const effect of effects) this.#take(effect)
    this.#check(event, effects, before)
  }

  #event(kind: string, client: Client, how: number): GroupEvent {
    const call = ++this.#calls
    const generation = how % 10 === 0 ? 0 : client.generation
    const who = { memberId: client.id, instanceId: client.instance, generation }
    switch (kind) {
      case 'join': {
        // A client sometimes forgets who it was, as after a restart.
        const memberId = how % 7 === 0 ? '' : client.id
        return { kind: 'join', call, request: this.#joinRequest(client, memberId, how) }
      }
      case 'sync': {
        const assignments = new Map(this.#ids_().map((id) => [id, Buffer.from(`for ${id}`)]))
        const request = { ...who, protocolType: 'consumer', protocolName: null, assignments }
        return { kind: 'sync', call, request }
      }
      case 'heartbeat':
        return { kind: 'heartbeat', call, request: who }
      default:
        return { kind: 'leave', call, leavers: [{ ...who, reason: null }] }
    }
  }

  #joinRequest(client: Client, memberId: string, how: number) {
    const names = how % 3 === 0 ? ['range', 'sticky'] : ['sticky', 'range']
    return {
      memberId,
      newMemberId: `m${++this.#ids}`,
      instanceId: client.instance,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      protocolType: how === 99 ? 'other' : 'consumer',
      protocols: names.map((name) => ({ name, metadata: Buffer.from(`${how % 2}`) })),
      reason: null,
      memberIdRequired: how % 2 === 0,
      maySkipAssignment: how % 2 === 0,
    }
  }

  #answerStore(how: number): void {
    const store = this.stores.shift()
    if (store === undefined) return
    const error = how % 8 === 7 ? errors.COORDINATOR_NOT_AVAILABLE : errors.NONE
    this.step({ kind: 'stored', store, error })
  }

  #take(effect: Effect): void {
    if (effect.kind === 'note') return
    if (effect.kind === 'store') {
      this.stores.push(effect.store)
      return
    }
    const waiting = this.waiting.get(effect.call)
    expect(waiting, 'a call is answered once').toBeDefined()
    this.waiting.delete(effect.call)
    if (!waiting) return
    if (effect.kind === 'joined') this.#joined(waiting.client, effect.answer)
    if (effect.kind === 'synced' && effect.answer.error === errors.NONE) {
      expect(this.group.state, 'an assignment is handed out in Stable').toBe('Stable')
      expect(effect.answer.protocolName).toBe(this.group.protocolName)
    }
  }

  #joined(client: Client, answer: JoinAnswer): void {
    if (answer.error === errors.MEMBER_ID_REQUIRED) client.id = answer.memberId
    if (answer.error === errors.UNKNOWN_MEMBER_ID) client.id = ''
    if (answer.error !== errors.NONE) return
    client.id = answer.memberId
    client.generation = answer.generation
    if (answer.members.length === 0) return
    expect(answer.leader, 'only the leader gets the members').toBe(answer.memberId)
    expect(answer.members.map(({ memberId }) => memberId)).toContain(answer.leader)
  }

  #check(
    event: GroupEvent,
    effects: readonly Effect[],
    before: { ids: string[]; generation: number },
  ): void {
    const { group } = this
    const ids = this.#ids_()
    expect(group.generation, 'generations only grow').toBeGreaterThanOrEqual(before.generation)
    expect(group.leaderId === undefined, 'a group with members has a leader').toBe(ids.length === 0)
    if (group.leaderId !== undefined) expect(ids).toContain(group.leaderId)
    expect(ids.length === 0).toBe(group.state === 'Empty' || (ids.length === 0 && gathers(group)))
    const lost = before.ids.filter((id) => !ids.includes(id))
    if (lost.length > 0) this.#explain(event, effects, lost)
    if (group.state !== 'Dead') {
      for (const member of group.members()) {
        expect(group.wakeAt).toBeLessThanOrEqual(member.deadline)
        // A parked call is one that was not answered, and the other way round.
        for (const call of [member.joining, member.syncing]) {
          if (call !== undefined) expect(this.waiting.has(call)).toBe(true)
        }
      }
    }
  }

  #explain(event: GroupEvent, effects: readonly Effect[], lost: string[]): void {
    const notes = effects
      .flatMap((effect) => (effect.kind === 'note' ? [effect.text] : []))
      .join('\n')
    switch (event.kind) {
      case 'leave':
        for (const id of lost) expect(notes).toContain(`${id} left`)
        break
      case 'tick':
        for (const id of lost) {
          expect(notes).toMatch(
            new RegExp(
              `session of ${id} ended|${id} did not join in time|${id}.* did not sync in time`,
            ),
          )
        }
        break
      case 'join': {
        // The static instance it was before, or one too many.
        expect(lost.length).toBe(1)
        const replaced = event.request.instanceId !== null && event.request.memberId === ''
        const tooMany = lost[0] === event.request.memberId
        expect(replaced || tooMany).toBe(true)
        break
      }
      case 'stored':
        // A replacement that could not be stored: the old id is back.
        expect(event.error).not.toBe(errors.NONE)
        expect(lost.length).toBe(1)
        break
      default:
        expect(lost, `${event.kind} loses nobody`).toEqual([])
    }
  }

  #ids_(): string[] {
    return Array.from(this.group.members(), ({ id }) => id)
  }
}

/** Everybody may leave while the first generation gathers. */
function gathers(group: Group): boolean {
  return group.state === 'PreparingRebalance' || group.state === 'Dead'
}

const runs = { numRuns: 300 }

describe('a classic group, whatever its clients do', () => {
  test('keeps its guarantees', () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 3000), fc.array(move, { maxLength: 80 }), (delayMs, moves) => {
        const world = new World(delayMs)
        for (const step of moves) world.play(step)
        world.step({ kind: 'unload', error: errors.NOT_COORDINATOR })
        expect(world.waiting.size, 'everybody is sent away at the end').toBe(0)
      }),
      runs,
    )
  })

  test('answers everybody in time and ends up empty when its clients are gone', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
        const world = new World(0)
        for (const step of moves) world.play(step)
        for (let i = 0; i < 8; i++) {
          world.answerStores()
          world.wait(newMemberJoinTimeoutMs + rebalanceTimeoutMs + sessionTimeoutMs)
        }
        expect(world.waiting.size).toBe(0)
        expect(world.group.state).toBe('Empty')
        expect(world.group.pendingCount).toBe(0)
      }),
      runs,
    )
  })

  test('is restored as it was stored', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
        const world = new World(0)
        for (const step of moves) world.play(step)
        world.gather(6)
        const { metadata } = world.group
        fc.pre(world.group.state === 'Stable')
        const settings = { initialRebalanceDelayMs: 0, maxSize: 6 }
        const restored = Group.restore(metadata, settings, world.now)
        expect(restored.metadata).toEqual(metadata)
        expect(restored.state).toBe('Stable')
      }),
      runs,
    )
  })
})
