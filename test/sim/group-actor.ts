// A consumer group: members come, leave and are killed. The group as a whole must have read every record
// below what it committed (nothing is skipped), and what it committed never goes back.

import type { FetchedRecords } from '@sluice/core/kafka-client/consumer'
import { GroupConsumer, type GroupConsumerOptions } from '@sluice/core/kafka-client/group-consumer'
import { fetchOffsets } from '@sluice/core/kafka-client/group-offsets'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import type { BrokerMachine } from './broker-machine.ts'
import { type ClientMachine, decodeValue, startClient } from './client-machine.ts'
import { name as nameOf, type Place } from './history.ts'
import type { GroupPlan, MemberPlan, TopicPlan } from './plan.ts'
import type { World } from './world.ts'

const pollMs = 300
const watchMs = 250
const timing = {
  sessionTimeoutMs: 1_000,
  heartbeatIntervalMs: 200,
  rebalanceTimeoutMs: 2_000,
  autoCommitIntervalMs: 200,
}

interface Progress {
  readonly read: Set<number>
  committed: number
  /** A power loss may have taken commits, and the records that those left point behind. */
  mayGoBack: number
}

export class GroupActor {
  readonly #world: World
  readonly #broker: BrokerMachine
  readonly #plan: GroupPlan
  readonly #topics: readonly string[]
  readonly #places: readonly Place[]
  readonly #progress = new Map<string, Progress>()
  readonly #watcher: ClientMachine
  readonly #members: Member[] = []
  #losses = 0
  #stopped = false

  constructor(world: World, broker: BrokerMachine, plan: GroupPlan, topics: readonly TopicPlan[]) {
    this.#world = world
    this.#broker = broker
    this.#plan = plan
    this.#topics = topics.map(({ name }) => name)
    this.#places = topics.flatMap(({ name: topic, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
    )
    for (const place of this.#places) {
      this.#progress.set(nameOf(place), { read: new Set(), committed: 0, mayGoBack: 0 })
    }
    this.#watcher = startClient(world, `${plan.name}-watch`)
  }

  begin(): void {
    for (const plan of this.#plan.members) {
      this.#world.clock.setTimer(plan.joinsAtMs, () => this.#join(plan))
    }
    this.#watch()
  }

  /** The offset up to which the group has committed. */
  committed(place: Place): number {
    return this.#progressOf(place).committed
  }

  async close(): Promise<void> {
    this.#stopped = true
    this.#watcher.client.close()
    await Promise.all(this.#members.map((member) => member.close()))
  }

  #join(plan: MemberPlan, times = 0): void {
    const { name, assignors } = this.#plan
    const { goes, instanceId, backAfterMs, joinsAtMs } = plan
    const options = { group: name, topics: this.#topics, assignors, instanceId }
    const take = (fetched: FetchedRecords) => this.#take(fetched)
    const machine = times === 0 ? plan.name : `${plan.name}.${times}`
    const member = new Member(this.#world, machine, options, take)
    this.#members.push(member)
    if (goes === undefined || times > 0) return
    this.#world.clock.setTimer(goes.atMs - joinsAtMs, () => {
      if (goes.how === 'kill') member.kill()
      else void member.close()
      if (backAfterMs === undefined) return
      this.#world.clock.setTimer(backAfterMs, () => {
        if (!this.#stopped) this.#join(plan, times + 1)
      })
    })
  }

  #take({ topic, partition, records }: FetchedRecords): void {
    const place = { topic, partition }
    const { read } = this.#progressOf(place)
    for (const { offset, value } of records) {
      read.add(offset)
      this.#world.history.read(place, offset, decodeValue(value))
    }
  }

  /** Looks at the committed offsets again and again. */
  #watch(): void {
    const { client, machine } = this.#watcher
    machine.clock.setTimer(watchMs, async () => {
      if (this.#stopped) return
      const { losses } = this.#broker
      try {
        const entries = await fetchOffsets(client, this.#plan.name, this.#places, {})
        // A crash in between: the answer may be of before or after.
        if (losses === this.#broker.losses) {
          for (const { topic, partition, error, offset } of entries) {
            if (error === 0) this.#committedAt({ topic, partition }, offset, losses)
          }
        }
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
      }
      this.#watch()
    })
  }

  #committedAt(place: Place, offset: number, losses: number): void {
    const progress = this.#progressOf(place)
    if (losses !== this.#losses) {
      this.#losses = losses
      for (const each of this.#progress.values()) each.mayGoBack = 2
    }
    const before = progress.committed
    const goesBack = offset < before && progress.mayGoBack > 0
    if (goesBack) progress.mayGoBack -= 1
    if (offset < 0) {
      if (before > 0 && !goesBack) this.#fail(place, `has no offset, had ${before}`)
      progress.committed = 0
      return
    }
    if (offset < before && !goesBack) this.#fail(place, `committed ${offset} after ${before}`)
    if (this.#losses === 0) {
      const deleted = this.#world.history.startOffsetMax(place)
      for (let below = Math.max(before, deleted); below < offset; below++) {
        if (progress.read.has(below)) continue
        this.#fail(place, `committed ${offset} and never read ${below}`)
        break
      }
    }
    progress.committed = offset
  }

  #fail(place: Place, text: string): void {
    this.#world.history.violation(`group ${this.#plan.name}, ${nameOf(place)}: ${text}`)
  }

  #progressOf(place: Place): Progress {
    return this.#progress.get(nameOf(place)) as Progress
  }
}

class Member {
  readonly #world: World
  readonly #home: ClientMachine
  readonly #consumer: GroupConsumer
  readonly #take: (fetched: FetchedRecords) => void
  #over = false

  constructor(
    world: World,
    name: string,
    options: Pick<GroupConsumerOptions, 'group' | 'topics' | 'assignors' | 'instanceId'>,
    take: (fetched: FetchedRecords) => void,
  ) {
    this.#world = world
    this.#take = take
    this.#home = startClient(world, name)
    world.say(`${name} joins`)
    this.#consumer = new GroupConsumer(this.#home.client, {
      ...options,
      ...timing,
      offsetReset: 'earliest',
      maxWaitMs: 200,
    })
    void this.#run()
  }

  kill(): void {
    if (this.#over) return
    this.#over = true
    const { machine } = this.#home
    this.#world.say(`${machine.name} is killed`)
    this.#world.kill(machine, 'kill')
  }

  async close(): Promise<void> {
    if (this.#over) return
    this.#over = true
    this.#world.say(`${this.#home.machine.name} leaves`)
    await this.#consumer.close()
    this.#home.client.close()
  }

  async #run(): Promise<void> {
    while (!this.#over) {
      try {
        for (const fetched of await this.#consumer.poll(pollMs)) this.#take(fetched)
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        this.#world.say(`${this.#home.machine.name}: ${error.name} ${error.message}`)
      }
    }
  }
}
