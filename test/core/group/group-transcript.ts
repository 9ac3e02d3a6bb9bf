// The language of the group transcripts in test/scenarios/group-*.txt.
//
//   settings delay=MS max-size=N            a new group (first command)
//   restore GENERATION MEMBER...            a new group from a stored generation
//   join ID | join as=NEW-ID                [instance=I] [protocols=a,b] [type=T] [session=MS]
//                                           [rebalance=MS] [version=V] [says=TEXT]
//   sync ID gen=G [instance=I] [type=T] [protocol=P] [to:MEMBER=ASSIGNMENT]...
//   heartbeat ID gen=G [instance=I]
//   leave ID... | leave instance=I          commit ID gen=G [instance=I]
//   stored N [error=NAME]                   the answer to a store
//   wait MS                                 time passes; the group is woken when it asked for it
//   unload ERROR                            delete | undelete
//
// Every call gets a number, in order; a call without an answer stays parked.

import type { Effect, GroupEvent, GroupMetadata, JoinAnswer } from '@sluice/core/group/events'
import { Group } from '@sluice/core/group/group'
import { noBytes } from '@sluice/core/group/member'
import { errorName, errors } from '@sluice/protocol/errors'
import type { Command, Interpreter } from '../../scenarios/transcript.ts'

export function groupInterpreter(): Interpreter {
  const world = new World()
  return (command) => world.run(command)
}

class World {
  #group = new Group({ initialRebalanceDelayMs: 0, maxSize: 100 })
  #settings = { initialRebalanceDelayMs: 0, maxSize: 100 }
  #now = 0
  #calls = 0

  run(command: Command): readonly string[] {
    switch (command.name) {
      case 'settings':
        this.#settings = {
          initialRebalanceDelayMs: number(command, 'delay', 0),
          maxSize: number(command, 'max-size', 100),
        }
        this.#group = new Group(this.#settings)
        return [this.#state()]
      case 'restore':
        this.#group = Group.restore(stored(command), this.#settings, this.#now)
        return this.#step({ kind: 'tick' })
      case 'wait':
        return this.#wait(Number(command.words[0]))
      case 'commit':
        return [this.#commit(command)]
      case 'delete':
        this.#group.startDelete()
        return [this.#state()]
      case 'undelete':
        this.#group.cancelDelete()
        return [this.#state()]
      default:
        return this.#step(this.#event(command))
    }
  }

  #event(command: Command): GroupEvent {
    const { name, words, options } = command
    const instanceId = options.get('instance') ?? null
    const generation = number(command, 'gen', -1)
    const memberId = words[0] ?? ''
    switch (name) {
      case 'join':
        return { kind: 'join', call: ++this.#calls, request: joinRequest(command) }
      case 'sync': {
        const protocolType = options.get('type') ?? null
        const protocolName = options.get('protocol') ?? null
        const assignments = new Map(
          [...options]
            .filter(([key]) => key.startsWith('to:'))
            .map(([key, text]) => [key.slice(3), Buffer.from(text)]),
        )
        const who = { memberId, instanceId, generation }
        const request = { ...who, protocolType, protocolName, assignments }
        return { kind: 'sync', call: ++this.#calls, request }
      }
      case 'heartbeat': {
        const request = { memberId, instanceId, generation }
        return { kind: 'heartbeat', call: ++this.#calls, request }
      }
      case 'leave': {
        const ids = words.length > 0 ? words : ['']
        const leavers = ids.map((id) => ({ memberId: id, instanceId, reason: null }))
        return { kind: 'leave', call: ++this.#calls, leavers }
      }
      case 'stored':
        return { kind: 'stored', store: Number(words[0]), error: code(options.get('error')) }
      case 'unload':
        return { kind: 'unload', error: code(words[0]) }
      default:
        throw new Error(`no such command: ${name}`)
    }
  }

  #step(event: GroupEvent): string[] {
    const lines = this.#group.step(event, this.#now).map(show)
    if ('call' in event && lines.every((line) => !line.startsWith(`#${event.call} `))) {
      lines.push(`#${event.call} is parked`)
    }
    return [...lines, this.#state()]
  }

  #wait(ms: number): string[] {
    const end = this.#now + ms
    const lines: string[] = []
    while (this.#group.wakeAt <= end) {
      this.#now = Math.max(this.#now, this.#group.wakeAt)
      const shown = this.#group.step({ kind: 'tick' }, this.#now).map(show)
      if (shown.length > 0) lines.push(`at ${this.#now}:`, ...shown.map((line) => `  ${line}`))
    }
    this.#now = end
    return [...lines, this.#state()]
  }

  #commit(command: Command): string {
    const claim = {
      memberId: command.words[0] ?? '',
      instanceId: command.options.get('instance') ?? null,
      generation: number(command, 'gen', -1),
    }
    return errorName(this.#group.checkCommit(claim, this.#now))
  }

  #state(): string {
    const group = this.#group
    const members = Array.from(group.members(), ({ id }) => (id === group.leaderId ? `${id}*` : id))
    const pending = group.pendingCount === 0 ? '' : `, ${group.pendingCount} pending`
    const wakes = group.wakeAt === Number.POSITIVE_INFINITY ? 'never' : `by ${group.wakeAt}`
    const who = members.length === 0 ? 'nobody' : members.join(' ')
    return `= ${group.state}, generation ${group.generation}: ${who}${pending}; wakes ${wakes}`
  }
}

function joinRequest(command: Command) {
  const { words, options } = command
  const version = number(command, 'version', 9)
  const says = options.get('says') ?? 'topics'
  return {
    memberId: words[0] ?? '',
    newMemberId: options.get('as') ?? 'unnamed',
    instanceId: options.get('instance') ?? null,
    clientId: 'client',
    clientHost: '/127.0.0.1',
    sessionTimeoutMs: number(command, 'session', 10_000),
    rebalanceTimeoutMs: number(command, 'rebalance', 60_000),
    protocolType: options.get('type') ?? 'consumer',
    protocols: (options.get('protocols') ?? 'range')
      .split(',')
      .filter((name) => name !== '')
      .map((name) => ({ name, metadata: Buffer.from(says) })),
    reason: null,
    memberIdRequired: version >= 4,
    maySkipAssignment: version >= 9,
  }
}

function stored({ words }: Command): GroupMetadata {
  const [generation, ...ids] = words
  return {
    protocolType: 'consumer',
    generation: Number(generation),
    protocolName: ids.length === 0 ? null : 'range',
    leader: ids[0] ?? null,
    members: ids.map((memberId) => ({
      memberId,
      instanceId: null,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      rebalanceTimeoutMs: 60_000,
      sessionTimeoutMs: 10_000,
      subscription: Buffer.from('topics'),
      assignment: Buffer.from(`part of ${memberId}`),
    })),
  }
}

function show(effect: Effect): string {
  switch (effect.kind) {
    case 'joined':
      return `#${effect.call} joined ${showJoin(effect.answer)}`
    case 'synced': {
      const { error, assignment, protocolName } = effect.answer
      const what = error === 0 ? `${protocolName} '${assignment}'` : errorName(error)
      return `#${effect.call} synced ${what}`
    }
    case 'heard':
      return `#${effect.call} heard ${errorName(effect.error)}`
    case 'left': {
      const { error, members } = effect.answer
      const each = members.map((member) => {
        const id = member.memberId === '' ? `instance ${member.instanceId}` : member.memberId
        return `${id} ${errorName(member.error)}`
      })
      return `#${effect.call} left ${error === 0 ? each.join(', ') : errorName(error)}`
    }
    case 'store': {
      const { generation, protocolName, members } = effect.metadata
      const each = members.map(({ memberId, assignment }) =>
        assignment.equals(noBytes) ? memberId : `${memberId}='${assignment}'`,
      )
      const what = members.length === 0 ? 'empty' : `${protocolName} ${each.join(' ')}`
      return `store ${effect.store}: generation ${generation} ${what}`
    }
    case 'note':
      return `note: ${effect.text}`
  }
}

function showJoin(answer: JoinAnswer): string {
  if (answer.error !== errors.NONE) {
    return `${errorName(answer.error)}${answer.memberId === '' ? '' : ` ${answer.memberId}`}`
  }
  const members = answer.members.map(({ memberId, metadata }) => `${memberId}:${metadata}`)
  const skip = answer.skipAssignment ? ' without assigning' : ''
  const led = answer.leader === answer.memberId ? `leads${skip} ${members.join(' ')}` : ''
  const role = led || `follows ${answer.leader}`
  return `generation ${answer.generation} ${answer.protocolName} as ${answer.memberId}, ${role}`
}

function number(command: Command, name: string, fallback: number): number {
  return Number(command.options.get(name) ?? fallback)
}

function code(name: string | undefined): number {
  return name === undefined ? errors.NONE : errors[name as keyof typeof errors]
}
