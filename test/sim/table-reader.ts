// Readers of a compacted topic:
//
//   TableReader     reads all of it by bare requests, again and again, whatever compaction does meanwhile
//   TableFollower   a consumer that reads it once and stays at its end: while tombstones are kept, its table is
//                   in the end what the log says

import { sleep } from '@sluice/core/host/clock'
import { Consumer } from '@sluice/core/kafka-client/consumer'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import type { BrokerMachine } from './broker-machine.ts'
import { type ClientMachine, recordValue, startClient } from './client-machine.ts'
import { name as nameOf, type Place } from './history.ts'
import { readLog } from './log-reader.ts'
import { dayMs, type TablePlan } from './plan.ts'
import { type TableHistory, versionOfValue } from './table-history.ts'
import type { World } from './world.ts'

const pauseMsMax = 600
const patienceMs = 15_000
const pollMs = 500

export interface TableContext {
  readonly world: World
  readonly broker: BrokerMachine
  readonly plan: TablePlan
  readonly table: TableHistory
  /** Whether the broker's wall clock is ever set: then tombstones may go early. */
  readonly clockJumps: boolean
}

export function tablePlaces({ topic: { name: topic, partitions } }: TablePlan): Place[] {
  return Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
}

/** Reads a partition and judges what comes. Rejects with KafkaError. */
export async function readTable(
  { world, broker, plan, table, clockJumps }: TableContext,
  { client }: Pick<ClientMachine, 'client'>,
  place: Place,
): Promise<void> {
  const before = table.latest(place)
  const { losses } = broker
  const beganMs = world.clock.monotonic()
  const { records } = await readLog(client, place)
  const tookMs = world.clock.monotonic() - beganMs
  // What was acknowledged before may be gone.
  if (losses !== broker.losses) return
  const allStay = plan.tombstoneMs === dayMs
  const tombstonesStay = allStay || (tookMs < plan.tombstoneMs && !clockJumps)
  table.wasRead(place, records, { before, tombstonesStay, allStay })
}

export class TableReader {
  readonly #context: TableContext
  readonly #home: ClientMachine
  readonly #places: readonly Place[]
  #stopped = false

  constructor(context: TableContext, name: string) {
    this.#context = context
    this.#home = startClient(context.world, name)
    this.#places = tablePlaces(context.plan)
  }

  async run(): Promise<void> {
    const { machine, client } = this.#home
    while (!this.#stopped) {
      await sleep(machine.clock, machine.random.number() * pauseMsMax)
      const place = machine.random.pick(this.#places)
      try {
        const read = () => readTable(this.#context, this.#home, place)
        await client.retry(read, { timeoutMs: patienceMs })
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
      }
    }
  }

  stop(): void {
    this.#stopped = true
  }

  close(): void {
    this.#home.client.close()
  }
}

export class TableFollower {
  readonly #context: TableContext
  readonly #home: ClientMachine
  readonly #consumer: Consumer
  /** By partition, the value of each key that is not deleted. */
  readonly #tables = new Map<string, Map<string, string>>()
  readonly #next = new Map<string, number>()
  #stopped = false

  constructor(context: TableContext) {
    this.#context = context
    this.#home = startClient(context.world, 'follower')
    this.#consumer = new Consumer(this.#home.client, {
      offsetReset: 'earliest',
      maxWaitMs: 100,
      ...this.#home.machine.random.pick([{ partitionMaxBytes: 200 }, {}]),
    })
    this.#consumer.assign(tablePlaces(context.plan))
  }

  async run(): Promise<void> {
    const { history } = this.#context.world
    while (!this.#stopped) {
      try {
        for (const { topic, partition, records } of await this.#consumer.poll(pollMs)) {
          for (const record of records) this.#take({ topic, partition }, record)
        }
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        history.violation(`the follower fails: ${error.name} ${error.message}`)
        return
      }
    }
  }

  position(place: Place): number {
    return this.#consumer.position(place)?.position ?? 0
  }

  close(): void {
    this.#stopped = true
    this.#consumer.close()
    this.#home.client.close()
  }

  /** At the end of a run without a loss of power: its tables are those of the logs. */
  check(place: Place, records: readonly { key: string; value: string }[]): void {
    const { world, plan, broker } = this.#context
    if (broker.losses > 0 || plan.tombstoneMs < dayMs) return
    const expected = new Map<string, string>()
    for (const { key, value } of records) set(expected, key, value)
    const text = (table: Map<string, string>) =>
      [...table]
        .map(([key, value]) => `${key}=${value}`)
        .sort()
        .join(' ')
    const found = this.#tables.get(nameOf(place)) ?? new Map<string, string>()
    if (text(found) === text(expected)) return
    world.history.violation(
      `${nameOf(place)}: the follower has ${text(found)}, the log says ${text(expected)}`,
    )
  }

  #take(
    place: Place,
    record: Parameters<typeof recordValue>[0] & { offset: number; key: Buffer | null },
  ) {
    const { world, broker } = this.#context
    const { offset } = record
    const name = nameOf(place)
    const next = this.#next.get(name) ?? 0
    // After a loss of power it may have to begin again.
    if (offset < next && broker.losses === 0) {
      world.history.violation(`the follower of ${name} gets ${offset} after ${next - 1}`)
    }
    this.#next.set(name, offset + 1)
    const value = recordValue(record)
    world.history.read(place, offset, value)
    let table = this.#tables.get(name)
    if (table === undefined) {
      table = new Map()
      this.#tables.set(name, table)
    }
    set(table, `${record.key}`, value)
  }
}

function set(table: Map<string, string>, key: string, value: string): void {
  if (versionOfValue(value)?.deletes) table.delete(key)
  else table.set(key, value)
}
