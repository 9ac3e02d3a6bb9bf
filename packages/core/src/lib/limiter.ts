// Limiter: at most so many asynchronous jobs at once; the others wait in order.

import { assert } from './assert.ts'

export class Limiter {
  readonly #runningMax: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(runningMax: number) {
    assert(runningMax >= 1, 'a limiter lets one job run at least')
    this.#runningMax = runningMax
  }

  async run<T>(job: () => Promise<T>): Promise<T> {
    if (this.#running === this.#runningMax) {
      // Whoever ends hands its place over, so the count stays.
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else {
      this.#running += 1
    }
    try {
      return await job()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}
