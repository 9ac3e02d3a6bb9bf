// LoopDelay: how late the event loop runs a timer, looked at twice a second. What delays a timer delays
// every request: long computing, a slow synchronous disk, a starved machine.

import type { Clock, Timer } from '../host/clock.ts'
import { LatencyHistogram, type Metrics } from './metrics.ts'

const intervalMs = 500

export class LoopDelay {
  readonly #clock: Clock
  readonly #delays = new LatencyHistogram()
  #timer: Timer | undefined

  constructor(clock: Clock, metrics: Metrics) {
    this.#clock = clock
    metrics.histogram({
      name: 'sluice_event_loop_delay_seconds',
      help: 'How late the event loop runs a timer, looked at twice a second.',
      collect: () => [{ histogram: this.#delays }],
    })
    this.#watch()
  }

  close(): void {
    this.#timer?.cancel()
  }

  #watch(): void {
    const due = this.#clock.monotonic() + intervalMs
    this.#timer = this.#clock.setTimer(intervalMs, () => {
      this.#delays.add(Math.max(0, this.#clock.monotonic() - due))
      this.#watch()
    })
  }
}
