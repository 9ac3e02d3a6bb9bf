// Slices: work that lasts lets the event loop go on every few milliseconds, by the clock of Host.
//
//   const slices = new Slices(clock)
//   for (const item of items) { handle(item); await slices.pause() }

import type { Clock } from '../host/clock.ts'

export const sliceMs = 5

export class Slices {
  readonly #clock: Clock
  #startedMs: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startedMs = clock.monotonic()
  }

  /** Undefined (no turn is lost) until the slice is used up; then a promise of the next turn. */
  pause(): Promise<void> | undefined {
    if (this.#clock.monotonic() - this.#startedMs < sliceMs) return undefined
    return new Promise((resolve) => {
      this.#clock.defer(() => {
        this.#startedMs = this.#clock.monotonic()
        resolve()
      })
    })
  }
}
