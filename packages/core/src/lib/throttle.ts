// Throttle: spreads work over time, so many units a second on average. Whoever has taken more than was due
// is told how long to wait; what is not taken is not saved up.

import type { Clock } from '../host/clock.ts'

export class Throttle {
  readonly #clock: Clock
  readonly #perSecond: () => number
  #freeAtMs = 0

  /** `perSecond` may change at any time; a very large number is no limit. */
  constructor(clock: Clock, perSecond: () => number) {
    this.#clock = clock
    this.#perSecond = perSecond
  }

  /** @returns milliseconds to wait before going on. */
  take(units: number): number {
    const nowMs = this.#clock.monotonic()
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + (units / this.#perSecond()) * 1000
    return this.#freeAtMs - nowMs
  }
}
