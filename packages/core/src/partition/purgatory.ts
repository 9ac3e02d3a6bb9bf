// Purgatory: fetches that wait for more bytes. Each is woken by the advance of one of its partitions
// or by its time-out, never by polling; what woke in one turn is completed at that turn's end, so that
// a fetch of many partitions gathers what all of them appended.

import type { Clock, Timer } from '../host/clock.ts'
import type { Partition } from './partition.ts'
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
  readonly #wakes = new Set<() => void>()
  #closed = false

  constructor(options: { clock: Clock; turn: Turn }) {
    this.#clock = options.clock
    this.#turn = options.turn
  }

  get size(): number {
    return this.#wakes.size
  }

  /** Completes all that wait, and from now on everything at once. */
  close(): void {
    this.#closed = true
    for (const wake of [...this.#wakes]) wake()
  }

  wait(options: WaitOptions): Waiting {
    const { partitions, maxWaitMs, complete } = options
    const full = this.#closed || this.#wakes.size >= waitingMax
    let missing = full ? 0 : options.bytes
    let state: 'waiting' | 'woken' | 'done' = 'waiting'
    let deadline: Timer | undefined
    const leaves: (() => void)[] = []

    const leave = () => {
      this.#wakes.delete(wake)
      deadline?.cancel()
      for (const run of leaves) run()
    }
    const wake = () => {
      if (state !== 'waiting') return
      state = 'woken'
      leave()
      this.#turn.at('complete', () => {
        if (state !== 'woken') return
        state = 'done'
        complete()
      })
    }
    // No bytes: the partition's start moved or it went away, which the fetch must say.
    const advanced = (_partition: Partition, bytes: number) => {
      missing -= bytes
      if (missing <= 0 || bytes === 0) wake()
    }

    this.#wakes.add(wake)
    for (const partition of partitions) leaves.push(partition.onAdvance(advanced))
    if (missing <= 0) wake()
    else deadline = this.#clock.setTimer(maxWaitMs, wake)
    return {
      cancel() {
        if (state === 'waiting') leave()
        state = 'done'
      },
    }
  }
}
