// Simulated time: a queue of events, ordered by time, then by a seeded draw, then by sequence.
// Between two events every promise chain settles, so computing costs no simulated time.
//
//   SimulatedClock    the world's clock; whoever runs the simulation drives it with runFor, runUntil
//   ProcessClock      the clock of one simulated process: its events stop when the process is killed
//                     and wait while it is paused; its wall clock may be off
//
// `defer` keeps its order within one process (as setImmediate does); timers of one instant do not.

import { assert } from '../../lib/assert.ts'
import { Heap, type HeapItem } from '../../lib/heap.ts'
import type { Clock, Timer } from '../clock.ts'
import type { Random } from '../random.ts'

interface Event extends HeapItem {
  readonly owner: ProcessClock | undefined
  readonly run: () => void
  atMs: number
  draw: number
  sequence: number
}

const defaultStartMs = Date.UTC(2026, 0, 1)
/** More at one instant are no progress: somebody asks again and again instead of waiting. */
const eventsAtInstantMax = 20_000

export class SimulatedClock implements Clock {
  readonly #random: Random
  readonly #startMs: number
  readonly #events = new Heap<Event>(isBefore)
  readonly #deferred = new DeferredQueue((run) => this.schedule(0, run, undefined))
  #elapsedMs = 0
  #sequence = 0
  #eventsRun = 0
  #eventsAtInstant = 0
  #traceHash = 0

  constructor(options: { random: Random; startMs?: number }) {
    this.#random = options.random
    this.#startMs = options.startMs ?? defaultStartMs
  }

  now(): number {
    return this.#startMs + Math.floor(this.#elapsedMs)
  }

  monotonic(): number {
    return this.#elapsedMs
  }

  get eventsRun(): number {
    return this.#eventsRun
  }

  /** A hash over time and draw of every event so far and all that was noted: equal for equal runs. */
  get traceHash(): string {
    return (this.#traceHash >>> 0).toString(16).padStart(8, '0')
  }

  /** Mixes an observation (a checksum, a count) into the trace. */
  note(value: number): void {
    this.#traceHash = Math.imul(this.#traceHash ^ value, 0x01000193) + 0x9e3779b9
    this.#traceHash ^= this.#traceHash >>> 15
  }

  setTimer(delayMs: number, run: () => void): Timer {
    return this.schedule(delayMs, run, undefined)
  }

  defer(run: () => void): void {
    this.#deferred.add(run)
  }

  /** The clock of a simulated process, `skewMs` ahead in wall time. */
  process(options: { skewMs?: number } = {}): ProcessClock {
    return new ProcessClock(this, options.skewMs ?? 0)
  }

  /** For ProcessClock: an event of `owner`. */
  schedule(delayMs: number, run: () => void, owner: ProcessClock | undefined): Timer {
    assert(delayMs >= 0, 'a timer lies in the future')
    const event: Event = { owner, run, heapIndex: -1, atMs: 0, draw: 0, sequence: 0 }
    this.enqueue(event, delayMs)
    return {
      cancel: () => {
        this.#events.remove(event)
        owner?.dropHeld(event)
      },
    }
  }

  /** For ProcessClock: queues an event (again). */
  enqueue(event: Event, delayMs: number): void {
    event.atMs = this.#elapsedMs + delayMs
    event.draw = this.#random.integer(2 ** 32)
    event.sequence = this.#sequence++
    this.#events.push(event)
  }

  /** Runs all events of the next `durationMs`; time stands at its end afterwards. */
  async runFor(durationMs: number): Promise<void> {
    await this.runUntil(() => false, durationMs)
  }

  /** Runs events until `done()` holds (asked after each) or `limitMs` passed; returns whether it held. */
  async runUntil(done: () => boolean, limitMs: number): Promise<boolean> {
    const endMs = this.#elapsedMs + limitMs
    await settle()
    for (;;) {
      if (done()) return true
      const next = this.#events.peek()
      if (next === undefined || next.atMs > endMs) break
      this.#step()
      await settle()
    }
    this.#elapsedMs = endMs
    return done()
  }

  #step(): void {
    const event = this.#events.pop() as Event
    assert(event.atMs >= this.#elapsedMs, 'time does not go back')
    this.#eventsAtInstant = event.atMs === this.#elapsedMs ? this.#eventsAtInstant + 1 : 0
    assert(this.#eventsAtInstant < eventsAtInstantMax, 'time goes on')
    this.#elapsedMs = event.atMs
    if (event.owner?.hold(event)) return
    this.#eventsRun += 1
    this.note(event.draw)
    this.note(Math.floor(event.atMs * 1000))
    event.run()
  }
}

export class ProcessClock implements Clock {
  readonly #world: SimulatedClock
  readonly #deferred = new DeferredQueue((run) => this.setTimer(0, run))
  /** Events that fell due while the process was paused. */
  readonly #held = new Set<Event>()
  #skewMs: number
  #state: 'running' | 'paused' | 'stopped' = 'running'

  constructor(world: SimulatedClock, skewMs: number) {
    this.#world = world
    this.#skewMs = skewMs
  }

  get stopped(): boolean {
    return this.#state === 'stopped'
  }

  now(): number {
    return this.#world.now() + this.#skewMs
  }

  monotonic(): number {
    return this.#world.monotonic()
  }

  setTimer(delayMs: number, run: () => void): Timer {
    if (this.stopped) return { cancel() {} }
    return this.#world.schedule(delayMs, run, this)
  }

  defer(run: () => void): void {
    if (!this.stopped) this.#deferred.add(run)
  }

  /** Moves the wall clock against the world's. */
  skew(skewMs: number): void {
    this.#skewMs = skewMs
  }

  /** kill -9: nothing of this process runs any more. */
  stop(): void {
    this.#state = 'stopped'
    this.#held.clear()
  }

  /** SIGSTOP: what falls due waits for resume(). */
  pause(): void {
    if (this.#state === 'running') this.#state = 'paused'
  }

  resume(): void {
    if (this.#state !== 'paused') return
    this.#state = 'running'
    for (const event of this.#held) this.#world.enqueue(event, 0)
    this.#held.clear()
  }

  /** For SimulatedClock: true when the event must not run now. */
  hold(event: Event): boolean {
    if (this.#state === 'paused') this.#held.add(event)
    return this.#state !== 'running'
  }

  /** For SimulatedClock: a cancelled timer. */
  dropHeld(event: Event): void {
    this.#held.delete(event)
  }
}

/** Runs what was deferred one by one, in order, each as an event of its own. */
class DeferredQueue {
  readonly #schedule: (run: () => void) => void
  readonly #queue: (() => void)[] = []
  #scheduled = false

  constructor(schedule: (run: () => void) => void) {
    this.#schedule = schedule
  }

  add(run: () => void): void {
    this.#queue.push(run)
    this.#arm()
  }

  #arm(): void {
    if (this.#scheduled || this.#queue.length === 0) return
    this.#scheduled = true
    this.#schedule(() => {
      this.#scheduled = false
      const run = this.#queue.shift() as () => void
      this.#arm()
      run()
    })
  }
}

function isBefore(a: Event, b: Event): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs
  if (a.draw !== b.draw) return a.draw < b.draw
  return a.sequence < b.sequence
}

/** A macrotask boundary: the whole microtask queue is empty after it, however long its chains are. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
