// TimerQueue: any number of deadlines behind one timer of the clock. A cancelled one leaves at once, so
// the queue holds live deadlines only.

import type { Clock, Timer } from '../host/clock.ts'
import { Heap } from './heap.ts'

export interface Deadline {
  cancel(): void
}

interface Entry {
  readonly at: number
  /** Of two at the same time the one asked for first runs first. */
  readonly sequence: number
  readonly run: () => void
  heapIndex: number
}

export class TimerQueue {
  readonly #clock: Clock
  #heap = newHeap()
  #sequence = 0
  #armed: Timer | undefined
  #armedFor = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#heap.size
  }

  /** Calls `run` once, `delayMs` from now or a little later. */
  after(delayMs: number, run: () => void): Deadline {
    const at = this.#clock.monotonic() + delayMs
    const entry: Entry = { at, sequence: this.#sequence++, run, heapIndex: -1 }
    const heap = this.#heap
    heap.push(entry)
    // A cancelled earliest entry leaves the timer armed too early: it then finds nothing due.
    if (at < this.#armedFor) this.#arm(at)
    return { cancel: () => heap.remove(entry) }
  }

  close(): void {
    this.#heap = newHeap()
    this.#armed?.cancel()
    this.#armed = undefined
    this.#armedFor = Number.POSITIVE_INFINITY
  }

  #arm(at: number): void {
    this.#armed?.cancel()
    this.#armedFor = at
    const delayMs = Math.max(0, Math.ceil(at - this.#clock.monotonic()))
    this.#armed = this.#clock.setTimer(delayMs, () => this.#fire())
  }

  #fire(): void {
    this.#armed = undefined
    this.#armedFor = Number.POSITIVE_INFINITY
    const now = this.#clock.monotonic()
    for (;;) {
      const first = this.#heap.peek()
      if (!first) return
      if (first.at > now) {
        if (first.at < this.#armedFor) this.#arm(first.at)
        return
      }
      this.#heap.remove(first)
      first.run()
    }
  }
}

function newHeap(): Heap<Entry> {
  return new Heap((a, b) => (a.at === b.at ? a.sequence < b.sequence : a.at < b.at))
}
