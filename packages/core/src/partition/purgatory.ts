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
  #size = 0

  constructor(options: { clock: Clock; turn: Turn }) {
    this.#clock = options.clock
    this.#turn = options.turn
  }

  get size(): number {
    return this.#size
  }

  wait(options: WaitOptions): Waiting {
    const { partitions, maxWaitMs, complete } = options
    let missing = this.#size < waitingMax ? options.bytes : 0
    let state: 'waiting' | 'woken' | 'done' = 'waiting'
    let deadline: Timer | undefined
    const leaves: (() => void)[] = []

    const leave = () => {
      this.#size -= 1
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

    this.#size += 1
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
