// Wakeup: lets one waiter sleep until something happened, also when it happened just before it lay down.

import type { Clock, Timer } from '../host/clock.ts'

export type Woken = 'called' | 'timeout' | 'interrupted'

export class Wakeup {
  readonly #clock: Clock
  #calls = 0
  #interrupted = false
  #resolve: ((woken: Woken) => void) | undefined
  #timer: Timer | undefined
  #timerAtMs = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Something happened. */
  call(): void {
    this.#calls += 1
    this.#resolve?.('called')
  }

  /** Ends the wait under way, else the next one. */
  interrupt(): void {
    if (this.#resolve === undefined) this.#interrupted = true
    else this.#resolve('interrupted')
  }

  /** Calls in `delayMs`; of several such wishes the earliest counts. */
  after(delayMs: number): void {
    const atMs = this.#clock.monotonic() + delayMs
    if (atMs >= this.#timerAtMs) return
    this.#timer?.cancel()
    this.#timerAtMs = atMs
    this.#timer = this.#clock.setTimer(delayMs, () => {
      this.#timerAtMs = Number.POSITIVE_INFINITY
      this.call()
    })
  }

  /** Takes note of now; the function waits for the first call since, `maxWaitMs` at most. */
  next(): (maxWaitMs: number) => Promise<Woken> {
    const calls = this.#calls
    return (maxWaitMs) => {
      if (this.#interrupted) {
        this.#interrupted = false
        return Promise.resolve('interrupted')
      }
      if (this.#calls !== calls) return Promise.resolve('called')
      return new Promise((resolve) => {
        const timer = this.#clock.setTimer(maxWaitMs, () => settle('timeout'))
        const settle = (woken: Woken) => {
          timer.cancel()
          if (this.#resolve === settle) this.#resolve = undefined
          resolve(woken)
        }
        this.#resolve = settle
      })
    }
  }
}
