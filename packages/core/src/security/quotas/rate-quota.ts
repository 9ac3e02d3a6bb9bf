// RateQuota: a limit on what clients use in a second, of one kind: bytes produced, bytes fetched, time of
// the event loop. Whoever is above it is not refused but told to wait until its rate is down again
// (KIP-13, KIP-219). Pure: time comes in with each call.

import type { QuotaSetting } from '../../cluster/image.ts'
import { Meters } from './meters.ts'
import { QuotaLimits } from './quota-limits.ts'
import { type RateWindow, SampledRate } from './sampled-rate.ts'

/** Who uses it: the name of a principal without its type, and the client id. */
export interface QuotaClient {
  readonly user: string
  readonly clientId: string
}

export interface RateQuotaOptions {
  /** Of the quotas that are set: `producer_byte_rate`. */
  readonly key: string
  readonly window: RateWindow
  /** Nobody waits longer at a time. */
  readonly waitMsMax?: number
}

export class RateQuota {
  readonly #options: RateQuotaOptions
  readonly #meters: Meters<SampledRate>
  #limits: QuotaLimits

  constructor(options: RateQuotaOptions) {
    const { samples, windowMs } = options.window
    this.#options = options
    this.#meters = new Meters(samples * windowMs)
    this.#limits = new QuotaLimits([], options.key)
  }

  /** Somebody has a limit. Ask this first: without limits nothing is to be counted. */
  get enabled(): boolean {
    return !this.#limits.none
  }

  /** From now on these limits hold; what was used is not forgotten. */
  refresh(settings: Iterable<QuotaSetting>): void {
    this.#limits = new QuotaLimits(settings, this.#options.key)
    if (!this.enabled) this.#meters.clear()
  }

  /** Counts what `client` used. @returns milliseconds that it has to wait. */
  charge(client: QuotaClient, value: number, nowMs: number): number {
    const found = this.#limits.find(client.user, client.clientId)
    if (!found) return 0
    const rate = this.#rate(found.meter, nowMs)
    rate.record(value, nowMs)
    const waitMs = rate.excessMs(found.limit, nowMs)
    return Math.min(waitMs, this.#options.waitMsMax ?? Number.POSITIVE_INFINITY)
  }

  /** Takes back what was charged and then not given. */
  credit(client: QuotaClient, value: number, nowMs: number): void {
    const found = this.#limits.find(client.user, client.clientId)
    if (found) this.#rate(found.meter, nowMs).record(-value, nowMs)
  }

  /** More than this at once is above the limit whatever was used before. */
  mostAtOnce({ user, clientId }: QuotaClient): number {
    const found = this.enabled ? this.#limits.find(user, clientId) : undefined
    if (!found) return Number.POSITIVE_INFINITY
    const { samples, windowMs } = this.#options.window
    return (found.limit * (samples - 1) * windowMs) / 1000
  }

  #rate(meter: string, nowMs: number): SampledRate {
    return this.#meters.of(meter, nowMs, () => new SampledRate(this.#options.window))
  }
}
