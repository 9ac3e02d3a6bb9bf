// TokenBucket: permits that come back at a rate and may be saved up to a burst of a whole window. Taking
// may go below zero, so that a large request is not refused for ever; then nothing more is given out until
// the debt is paid (KIP-599). Time comes in with each call.

import type { RateWindow } from './sampled-rate.ts'

export class TokenBucket {
  readonly #window: RateWindow
  #limit: number
  #tokens = Number.POSITIVE_INFINITY
  #lastMs = 0

  /** `limit`: permits a second. It begins full. */
  constructor(window: RateWindow, limit: number) {
    this.#window = window
    this.#limit = limit
  }

  set limit(limit: number) {
    this.#limit = limit
  }

  /** Below zero: overdrawn. */
  tokens(nowMs: number): number {
    const { samples, windowMs } = this.#window
    const burst = (samples * windowMs * this.#limit) / 1000
    const refilled = this.#tokens + (this.#limit * (nowMs - this.#lastMs)) / 1000
    this.#tokens = Math.min(burst, refilled)
    this.#lastMs = nowMs
    return this.#tokens
  }

  take(permits: number, nowMs: number): void {
    this.#tokens = this.tokens(nowMs) - permits
  }

  /** Milliseconds until the debt is paid; 0: there is none. */
  debtMs(nowMs: number): number {
    const tokens = this.tokens(nowMs)
    return tokens < 0 ? Math.round((-tokens / this.#limit) * 1000) : 0
  }
}
