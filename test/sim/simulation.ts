// One run of one seed: a world is drawn, lives through its faults, is healed, must make progress, and is
// judged. Nothing here depends on anything but the seed.
//
//   start -> faults and traffic -> heal -> all settled -> all caught up -> whole logs read -> closed

import { BrokerMachine } from './broker-machine.ts'
import { StateChecker } from './checkers.ts'
import { startClient } from './client-machine.ts'
import { Faults } from './faults.ts'
import { GroupActor } from './group-actor.ts'
import { name as nameOf, type Place } from './history.ts'
import { readLog } from './log-reader.ts'
import { drawPlan, type Plan } from './plan.ts'
import { ProducerActor } from './producer-actor.ts'
import { ReaderActor } from './reader-actor.ts'
import { createTopics, passingTopic, TopicActor } from './topic-actor.ts'
import { TrimmerActor } from './trimmer-actor.ts'
import { VandalActor } from './vandal-actor.ts'
import { World } from './world.ts'

/** After the faults everything must come right within so long. */
const progressMs = 60_000

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
      segmentBytes: plan.segmentBytes,
    })
    this.#places = plan.topics.flatMap(({ name: topic, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
    )
  }

  async run(): Promise<void> {
    const world = this.#world
    const { durationMs, topics, producers, readers, groups, faultPlan } = this.#plan
    this.#broker.start()
    const { client } = startClient(world, 'judge')
    await this.#within('topics are created', createTopics(client, topics))
    const state = new StateChecker(world, this.#broker)
    state.begin()
    const actors = {
      producers: producers.map((producer) => new ProducerActor(world, producer, topics)),
      readers: readers.map((name) => new ReaderActor(world, this.#broker, name, topics)),
      groups: groups.map((group) => new GroupActor(world, this.#broker, group, topics)),
      vandal: new VandalActor(world, topics),
      trimmer: this.#plan.trims ? new TrimmerActor(world, this.#places) : undefined,
      passing: this.#plan.passingTopics ? new TopicActor(world, this.#broker) : undefined,
    }
    for (const producer of actors.producers) void producer.run()
    for (const reader of actors.readers) void reader.run()
    for (const group of actors.groups) group.begin()
    void actors.vandal.run()
    const trimming = actors.trimmer?.run()
    const passing = actors.passing?.run()
    const faults = new Faults(world, this.#broker, faultPlan)
    faults.begin()
    await this.#pass(durationMs)

    faults.heal()
    world.say('healed')
    for (const producer of actors.producers) producer.stop()
    actors.vandal.stop()
    actors.trimmer?.stop()
    actors.passing?.stop()
    const { history } = world
    await this.#until('every record is settled', () => history.open === 0)
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
    for (const reader of actors.readers) reader.close()
    for (const group of actors.groups) await this.#within('members leave', group.close())
    for (const producer of actors.producers) await this.#within('producers end', producer.close())
    actors.vandal.close()
    actors.trimmer?.close()
    actors.passing?.close()
    client.close()
    state.stop()
    await this.#checkFolders()
  }

  /** Waits until a reader of all partitions is at the end of each. */
  async #caughtUp(who: string, position: (place: Place) => number): Promise<void> {
    const lagging = () => {
      const { broker } = this.#broker
      return this.#places.flatMap((place) => {
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

/** The first violation ends a run; it is in the history. */
class Stopped extends Error {}

function stackOf(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
}
