// SampledRate: how much was recorded a second, over a sliding window of samples, by Kafka's arithmetic:
//
//   | 1 s | 1 s | ... | 1 s | now          `samples` of `windowMs` each
//
// A sample that saw nothing for the whole span counts as empty. The span is never taken to be shorter
// than samples - 1 windows: else the first request of a client would look like an enormous rate.
// Time comes in with each call.

export interface RateWindow {
  /** quota.window.num */
  readonly samples: number
  /** quota.window.size.seconds, in milliseconds. */
  readonly windowMs: number
}

export class SampledRate {
  readonly #window: RateWindow
  readonly #values: Float64Array
  readonly #startsMs: Float64Array
  readonly #lastsMs: Float64Array
  #current = 0
  #count = 0

  constructor(window: RateWindow) {
    // One more than are counted: the current one is under way.
    const room = window.samples + 1
    this.#window = window
    this.#values = new Float64Array(room)
    this.#startsMs = new Float64Array(room)
    this.#lastsMs = new Float64Array(room)
  }

  /** A negative value takes back what was recorded. */
  record(value: number, nowMs: number): void {
    if (this.#count === 0) this.#begin(0, nowMs)
    else if (nowMs - this.#startsMs[this.#current] >= this.#window.windowMs) this.#advance(nowMs)
    this.#values[this.#current] += value
    this.#lastsMs[this.#current] = nowMs
  }

  /** Units a second. */
  perSecond(nowMs: number): number {
    const spanMs = this.spanMs(nowMs)
    let sum = 0
    for (let i = 0; i < this.#count; i++) sum += this.#values[i]
    return (sum * 1000) / spanMs
  }

  /** The time over which the rate is taken, at least 1 ms. */
  spanMs(nowMs: number): number {
    this.#purge(nowMs)
    const { samples, windowMs } = this.#window
    let oldestMs = nowMs
    for (let i = 0; i < this.#count; i++) oldestMs = Math.min(oldestMs, this.#startsMs[i])
    const elapsedMs = nowMs - oldestMs
    const missing = samples - 1 - Math.floor(elapsedMs / windowMs)
    return Math.max(missing > 0 ? elapsedMs + missing * windowMs : elapsedMs, 1)
  }

  /** Milliseconds after which the rate is down to `limit` if nothing more is recorded; 0: it is. */
  excessMs(limit: number, nowMs: number): number {
    const rate = this.perSecond(nowMs)
    if (rate <= limit) return 0
    return Math.round(((rate - limit) / limit) * this.spanMs(nowMs))
  }

  #advance(nowMs: number): void {
    const next = (this.#current + 1) % this.#values.length
    this.#begin(next, nowMs)
  }

  #begin(sample: number, nowMs: number): void {
    this.#current = sample
    this.#count = Math.max(this.#count, sample + 1)
    this.#reset(sample, nowMs)
  }

  #purge(nowMs: number): void {
    const { samples, windowMs } = this.#window
    for (let i = 0; i < this.#count; i++) {
      if (nowMs - this.#lastsMs[i] >= samples * windowMs) this.#reset(i, nowMs)
    }
  }

  #reset(sample: number, nowMs: number): void {
    this.#values[sample] = 0
    this.#startsMs[sample] = nowMs
    this.#lastsMs[sample] = nowMs
  }
}
