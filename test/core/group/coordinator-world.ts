// A coordinator on simulated time over a log in memory, and clients that ask it things.

import { brokerConfig } from '@sluice/core/config/broker-config'
import type { Caller } from '@sluice/core/group/bodies'
import { type CommitRequest, GroupCoordinator } from '@sluice/core/group/coordinator'
import { silentLogger } from '@sluice/core/host/logger'
import { SimulatedClock } from '@sluice/core/host/memory/clock'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { assert } from '@sluice/core/lib/assert'
import { zeroUuid } from '@sluice/protocol/schema'
import { OffsetsLogInMemory } from './offsets-log-in-memory.ts'

export const groupId = 'readers'
/** Where OffsetsLogInMemory and the hash put `groupId`. */
export const home = 0

export class CoordinatorWorld {
  readonly random = new SeededRandom('coordinator')
  readonly clock = new SimulatedClock({ random: this.random })
  readonly log: OffsetsLogInMemory
  coordinator: GroupCoordinator

  constructor(overrides: Record<string, string> = {}, log = new OffsetsLogInMemory()) {
    this.log = log
    this.coordinator = this.#create(overrides)
  }

  /** Another broker takes over, with nothing but the log. */
  async failOver(overrides: Record<string, string> = {}): Promise<void> {
    await this.coordinator.close()
    this.coordinator = this.#create(overrides)
    await this.coordinator.onElected(this.coordinator.partitionFor(groupId))
  }

  #create(overrides: Record<string, string>): GroupCoordinator {
    const given = { 'group.initial.rebalance.delay.ms': '0', ...overrides }
    const result = brokerConfig(given)
    if (!result.ok) throw new Error(result.errors.map(({ message }) => message).join('\n'))
    const { clock, random, log } = this
    return new GroupCoordinator({ clock, random, logger: silentLogger, config: result.config, log })
  }

  join(memberId: string, more: { instance?: string; topics?: string[]; version?: number } = {}) {
    const { instance = null, topics = ['t'], version = 9 } = more
    return this.coordinator.join(
      {
        groupId,
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 60_000,
        memberId,
        groupInstanceId: instance,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: subscription(topics) }],
        reason: null,
      },
      caller(version),
    )
  }

  sync(memberId: string, generationId: number, assignments: Record<string, string> = {}) {
    return this.coordinator.sync({
      groupId,
      generationId,
      memberId,
      groupInstanceId: null,
      protocolType: null,
      protocolName: null,
      assignments: Object.entries(assignments).map(([id, text]) => ({
        memberId: id,
        assignment: Buffer.from(text),
      })),
    })
  }

  heartbeat(memberId: string, generationId: number): number {
    const request = { groupId, generationId, memberId, groupInstanceId: null }
    return this.coordinator.heartbeat(request).errorCode
  }

  leave(memberId: string, version = 5) {
    return this.coordinator.leave(
      { groupId, memberId, members: [{ memberId, groupInstanceId: null, reason: null }] },
      caller(version),
    )
  }

  /** A group of one member, stable; returns its id. */
  async stableMember(topics = ['t']): Promise<string> {
    const { memberId } = await this.join('', { topics })
    const joining = this.join(memberId, { topics })
    await this.clock.runFor(1)
    const { generationId = -1 } = await joining
    await this.sync(memberId, generationId, { [memberId]: 'all' })
    return memberId
  }

  commit(offset: number, more: Partial<CommitRequest> & { partition?: number } = {}) {
    return this.coordinator.commitOffsets(
      {
        groupId,
        memberId: '',
        instanceId: null,
        generation: -1,
        retentionTimeMs: -1,
        offsets: [commitOf('t', more.partition ?? 0, offset)],
        ...more,
      },
      9,
    )
  }

  /** `topic-partition` -> offset, of all that is committed. */
  async committed(options = { stable: false }): Promise<Record<string, number> | number> {
    const view = await this.coordinator.fetchOffsets(groupId, options)
    if (typeof view === 'number') return view
    const found: Record<string, number> = {}
    for (const [topic, partitions] of view.topics()) {
      for (const [partition, { offset }] of partitions) found[`${topic}-${partition}`] = offset
    }
    return found
  }
}

export function commitOf(topic: string, partition: number, offset: number, metadata = '') {
  return { topic, topicId: zeroUuid, partition, offset, leaderEpoch: -1, metadata }
}

export function caller(apiVersion: number): Caller {
  return { apiVersion, clientId: 'client', clientHost: '/127.0.0.1' }
}

/** What a consumer tells its leader: version 1, topics, no user data, no owned partitions. */
export function subscription(topics: readonly string[]): Buffer {
  const head = Buffer.alloc(6)
  head.writeInt16BE(1, 0)
  head.writeInt32BE(topics.length, 2)
  const names = topics.map((topic) => {
    const name = Buffer.alloc(2 + topic.length)
    name.writeInt16BE(topic.length)
    name.write(topic, 2)
    return name
  })
  const tail = Buffer.alloc(8)
  tail.writeInt32BE(-1, 0)
  return Buffer.concat([head, ...names, tail])
}

/** Elected for the partition of `groupId`. */
export async function elected(overrides: Record<string, string> = {}): Promise<CoordinatorWorld> {
  const world = new CoordinatorWorld(overrides)
  assert(world.coordinator.partitionFor(groupId) === home, 'the group lives where it is said to')
  await world.coordinator.onElected(home)
  return world
}
