// One run of one seed: a world is drawn, lives through its faults, is healed, must make progress, and is
// judged. Nothing here depends on anything but the seed.
//
//   start -> faults and traffic -> heal -> all settled -> all caught up -> whole logs read -> closed

import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { BrokerMachine } from './broker-machine.ts'
import { StateChecker } from './checkers.ts'
import { startClient } from './client-machine.ts'
import { Faults } from './faults.ts'
import { GroupActor } from './group-actor.ts'
import { name as nameOf, type Place } from './history.ts'
import { KeyedActor } from './keyed-actor.ts'
import { readLog } from './log-reader.ts'
import { drawPlan, type Plan, type TablePlan } from './plan.ts'
import { ProducerActor } from './producer-actor.ts'
import { ReaderActor } from './reader-actor.ts'
import { TableHistory } from './table-history.ts'
import {
  readTable,
  type TableContext,
  TableFollower,
  TableReader,
  tablePlaces,
} from './table-reader.ts'
import { TableWriter } from './table-writer.ts'
import { createTopics, passingTopic, TopicActor } from './topic-actor.ts'
import { TrimmerActor } from './trimmer-actor.ts'
import { VandalActor } from './vandal-actor.ts'
import { World } from './world.ts'

/** After the faults everything must come right within so long. */
const progressMs = 60_000
/** For the log cleaner to look at all. */
const cleaningMs = 400

export interface Result {
  readonly seed: number
  readonly traceHash: string
  readonly violations: readonly string[]
  readonly plan: Plan
  /** What happened, with simulated seconds. */
  readonly lines: readonly string[]
  readonly events: number
  readonly simulatedMs: number
  readonly acknowledged: number
}

export async function runSeed(seed: number): Promise<Result> {
  const world = new World(seed)
  const plan = drawPlan(world.random.fork('plan'))
  const stray = (cause: unknown) => world.history.violation(`unhandled: ${stackOf(cause)}`)
  process.on('unhandledRejection', stray)
  try {
    await new Simulation(world, plan).run()
  } catch (cause) {
    if (!(cause instanceof Stopped)) world.history.violation(stackOf(cause))
  } finally {
    process.off('unhandledRejection', stray)
  }
  return {
    seed,
    plan,
    traceHash: world.clock.traceHash,
    violations: world.history.violations,
    lines: world.lines,
    events: world.clock.eventsRun,
    simulatedMs: world.clock.monotonic(),
    acknowledged: world.history.acknowledgedCount,
  }
}

class Simulation {
  readonly #world: World
  readonly #plan: Plan
  readonly #broker: BrokerMachine
  readonly #places: readonly Place[]

  constructor(world: World, plan: Plan) {
    this.#world = world
    this.#plan = plan
    this.#broker = new BrokerMachine({
      world,
      config: plan.broker,
      sizes: {
        'log.segment.bytes': plan.segmentBytes,
        ...(plan.table && { 'log.cleaner.dedupe.buffer.size': plan.table.mapBytes }),
      },
    })
    this.#places = plan.topics.flatMap(({ name: topic, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
    )
  }

  async run(): Promise<void> {
    const world = this.#world
    const { durationMs, topics, producers, readers, groups, keyed, table, faultPlan } = this.#plan
    this.#broker.start()
    const { client } = startClient(world, 'judge')
    await this.#within(
      'topics are created',
      createTopics(client, [...topics, ...(table ? [table.topic] : [])]),
    )
    const state = new StateChecker(world, this.#broker)
    state.begin()
    const keyedContext = { world, broker: this.#broker, topics, mayForget: this.#mayForget }
    const actors = {
      producers: producers.map((producer) => new ProducerActor(world, producer, topics)),
      readers: readers.map((name) => new ReaderActor(world, this.#broker, name, topics)),
      groups: groups.map((group) => new GroupActor(world, this.#broker, group, topics)),
      vandal: new VandalActor(world, topics),
      trimmer: this.#plan.trims ? new TrimmerActor(world, this.#places) : undefined,
      keyed: keyed.map((name) => new KeyedActor(keyedContext, name)),
      table: table && new TableActors(this.#tableContext(table)),
      passing: this.#plan.passingTopics ? new TopicActor(world, this.#broker) : undefined,
    }
    for (const producer of actors.producers) void producer.run()
    for (const reader of actors.readers) void reader.run()
    for (const group of actors.groups) group.begin()
    void actors.vandal.run()
    const trimming = actors.trimmer?.run()
    const passing = actors.passing?.run()
    const sending = Promise.all(actors.keyed.map((one) => one.run()))
    actors.table?.begin()
    const faults = new Faults(world, this.#broker, faultPlan)
    faults.begin()
    await this.#pass(durationMs)

    faults.heal()
    world.say('healed')
    for (const producer of actors.producers) producer.stop()
    actors.vandal.stop()
    actors.trimmer?.stop()
    actors.passing?.stop()
    for (const one of actors.keyed) one.stop()
    actors.table?.stop()
    const { history } = world
    await this.#until('every record is settled', () => history.open === 0)
    await this.#within('keyed requests are answered', sending)
    if (trimming !== undefined) await this.#within('the trimmer is at rest', trimming)
    if (passing !== undefined) await this.#within('the passing topic is at rest', passing)
    for (const reader of actors.readers) {
      await this.#caughtUp('a reader', (place) => reader.position(place))
    }
    for (const group of actors.groups) {
      await this.#caughtUp('a group', (place) => group.committed(place))
    }
    for (const place of this.#places) {
      const reading = client.retry(() => readLog(client, place))
      const log = await this.#within('logs are read', reading)
      if (log !== undefined) history.finalLog(place, log.records, log.startOffset)
    }
    if (actors.table !== undefined) await this.#judgeTable(actors.table, client)
    for (const reader of actors.readers) reader.close()
    for (const group of actors.groups) await this.#within('members leave', group.close())
    for (const producer of actors.producers) await this.#within('producers end', producer.close())
    actors.vandal.close()
    actors.trimmer?.close()
    actors.passing?.close()
    for (const one of actors.keyed) one.close()
    if (actors.table !== undefined) await this.#within('writers end', actors.table.close())
    client.close()
    state.stop()
    await this.#checkFolders()
  }

  get #mayForget(): boolean {
    const { broker, faultPlan } = this.#plan
    if (broker['log.flush.interval.messages'] === '1') return false
    return faultPlan.faults.some(({ kind }) => kind === 'power loss')
  }

  #tableContext(plan: TablePlan): TableContext {
    const { faults } = this.#plan.faultPlan
    return {
      world: this.#world,
      broker: this.#broker,
      plan,
      table: new TableHistory(this.#world.history),
      clockJumps: faults.some(({ kind }) => kind === 'clock jump'),
    }
  }

  /** As it is now, and once more when the log cleaner has had time. */
  async #judgeTable(actors: TableActors, client: KafkaClient): Promise<void> {
    const { context, follower } = actors
    for (const pauseMs of [0, cleaningMs]) {
      await this.#pass(pauseMs)
      for (const place of tablePlaces(context.plan)) {
        const reading = client.retry(() => readTable(context, { client }, place))
        await this.#within('tables are read', reading)
      }
    }
    if (follower === undefined) return
    const places = tablePlaces(context.plan)
    await this.#caughtUp('the follower', (place) => follower.position(place), places)
    for (const place of places) {
      const log = await this.#within(
        'tables are read',
        client.retry(() => readLog(client, place)),
      )
      if (log !== undefined) follower.check(place, log.records)
    }
  }

  /** Waits until a reader of all partitions is at the end of each. */
  async #caughtUp(
    who: string,
    position: (place: Place) => number,
    places = this.#places,
  ): Promise<void> {
    const lagging = () => {
      const { broker } = this.#broker
      return places.flatMap((place) => {
        const end = broker?.partitions.get(place.topic, place.partition)?.highWatermark
        const at = position(place)
        return end !== undefined && at >= end ? [] : [`${nameOf(place)} ${at} of ${end}`]
      })
    }
    const done = () => lagging().length === 0
    await this.#until(() => `${who} catches up: ${lagging().join(', ')}`, done)
  }

  /** Only topics that are there have folders; deleted ones leave nothing. */
  async #checkFolders(): Promise<void> {
    const names = () => {
      const folders = new Set<string>()
      for (const path of this.#broker.disk.writtenFiles().keys()) {
        const [, folder, file] = path.split('/')
        if (file !== undefined) folders.add(folder)
      }
      return [...folders]
    }
    const { broker } = this.#broker
    const held = new Set([...(broker?.partitions ?? [])].map((one) => `${one.topic}-${one.index}`))
    await this.#until(`no folder of a deleted topic (${passingTopic}) is left`, () =>
      names().every((folder) => held.has(folder)),
    )
  }

  async #pass(ms: number): Promise<void> {
    const { clock, history } = this.#world
    await clock.runUntil(() => history.violations.length > 0, ms)
    this.#stopAtViolation()
  }

  /** Progress: `done` holds before long. */
  async #until(what: string | (() => string), done: () => boolean): Promise<void> {
    const { clock, history } = this.#world
    const over = () => history.violations.length > 0 || done()
    const held = await clock.runUntil(over, progressMs)
    if (!held) history.violation(`no progress: ${typeof what === 'string' ? what : what()}`)
    this.#stopAtViolation()
  }

  async #within<T>(what: string, promise: Promise<T>): Promise<T | undefined> {
    let outcome: { value: T } | undefined
    const done = promise.then((value) => {
      outcome = { value }
    })
    await this.#until(what, () => outcome !== undefined)
    await done
    return outcome?.value
  }

  #stopAtViolation(): void {
    if (this.#world.history.violations.length > 0) throw new Stopped()
  }
}

class TableActors {
  readonly context: TableContext
  readonly follower: TableFollower | undefined
  readonly #writers: readonly TableWriter[]
  readonly #readers: readonly TableReader[]

  constructor(context: TableContext) {
    const { world, plan, table } = context
    this.context = context
    this.#writers = plan.writers.map((one) => new TableWriter(world, one, plan.topic, table))
    this.#readers = plan.readers.map((name) => new TableReader(context, name))
    this.follower = plan.followed ? new TableFollower(context) : undefined
  }

  begin(): void {
    for (const one of [...this.#writers, ...this.#readers]) void one.run()
    void this.follower?.run()
  }

  /** Nothing new is written. */
  stop(): void {
    for (const one of [...this.#writers, ...this.#readers]) one.stop()
  }

  async close(): Promise<void> {
    for (const one of this.#readers) one.close()
    this.follower?.close()
    await Promise.all(this.#writers.map((writer) => writer.close()))
  }
}

/** The first violation ends a run; it is in the history. */
class Stopped extends Error {}

function stackOf(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
}
