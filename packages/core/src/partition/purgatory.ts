// Purgatory: fetches that wait for more bytes. Each is woken by the advance of one of its partitions
// or by its time-out, never by polling; what woke in one turn is completed at that turn's end, so that
// a fetch of many partitions gathers what all of them appended.

import type { Clock, Timer } from '../host/clock.ts'
import { Bag, type BagItem } from '../lib/bag.ts'
import type { AdvanceListener, Partition } from './partition.ts'
import type { Turn } from './turn.ts'

/** Requests that may wait at a time; one more is completed at once, with what there is. */
const waitingMax = 100_000

export interface WaitOptions {
  readonly partitions: readonly Partition[]
  /** Complete when this many bytes more were committed. */
  readonly bytes: number
  readonly maxWaitMs: number
  /** Called exactly once, unless cancelled first. */
  readonly complete: () => void
}

export interface Waiting {
  /** Whoever asked is gone: `complete` is not called any more. */
  cancel(): void
}

export class Purgatory {
  readonly #clock: Clock
  readonly #turn: Turn
  readonly #waiting = new Bag<WaitingFetch>()
  #closed = false

  constructor(options: { clock: Clock; turn: Turn }) {
    this.#clock = options.clock
    this.#turn = options.turn
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Completes all that wait, and from now on everything at once. */
  close(): void {
    this.#closed = true
    for (const waiting of [...this.#waiting.items]) waiting.wake()
  }

  wait(options: WaitOptions): Waiting {
    const full = this.#closed || this.#waiting.size >= waitingMax
    const waiting = new WaitingFetch(options, this.#turn, this.#waiting)
    waiting.begin(this.#clock, full)
    return waiting
  }
}

class WaitingFetch implements Waiting, BagItem {
  bagIndex = -1
  readonly #turn: Turn
  readonly #all: Bag<WaitingFetch>
  readonly #options: WaitOptions
  readonly #watches: Watch[] = []
  #missing: number
  #state: 'waiting' | 'woken' | 'done' = 'waiting'
  #deadline: Timer | undefined

  constructor(options: WaitOptions, turn: Turn, all: Bag<WaitingFetch>) {
    this.#options = options
    this.#turn = turn
    this.#all = all
    this.#missing = options.bytes
  }

  begin(clock: Clock, atOnce: boolean): void {
    const { partitions, maxWaitMs } = this.#options
    this.#all.add(this)
    for (const partition of partitions) this.#watches.push(new Watch(partition, this))
    if (atOnce || this.#missing <= 0) this.wake()
    else this.#deadline = clock.setTimer(maxWaitMs, () => this.wake())
  }

  /** No bytes: the partition's start moved or it went away, which the fetch must say. */
  advanced(bytes: number): void {
    this.#missing -= bytes
    if (this.#missing <= 0 || bytes === 0) this.wake()
  }

  wake(): void {
    if (this.#state !== 'waiting') return
    this.#state = 'woken'
    this.#leave()
    this.#turn.at('complete', () => {
      if (this.#state !== 'woken') return
      this.#state = 'done'
      this.#options.complete()
    })
  }

  cancel(): void {
    if (this.#state === 'waiting') this.#leave()
    this.#state = 'done'
  }

  #leave(): void {
    this.#all.remove(this)
    this.#deadline?.cancel()
    for (const watch of this.#watches) watch.end()
  }
}

/** A fetch that waits for one of its partitions. */
class Watch implements AdvanceListener {
  bagIndex = -1
  readonly #partition: Partition
  readonly #waiting: WaitingFetch

  constructor(partition: Partition, waiting: WaitingFetch) {
    this.#partition = partition
    this.#waiting = waiting
    partition.listeners.add(this)
  }

  advanced(bytes: number): void {
    this.#waiting.advanced(bytes)
  }

  end(): void {
    this.#partition.listeners.remove(this)
  }
}
