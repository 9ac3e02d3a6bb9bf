// MutationQuota: a limit on how many partitions clients create and delete in a second (KIP-599).
//
//   strict       a client that is overdrawn is refused, with how long to wait
//   permissive   it is served and told to wait: for clients that cannot read the refusal
//
// Pure: time comes in with each call.

import type { QuotaSetting } from '../../cluster/image.ts'
import { Meters } from './meters.ts'
import { QuotaLimits } from './quota-limits.ts'
import type { QuotaClient } from './rate-quota.ts'
import type { RateWindow } from './sampled-rate.ts'
import { TokenBucket } from './token-bucket.ts'

export interface Taken {
  /** False: refused, nothing was taken. */
  readonly granted: boolean
  readonly waitMs: number
}

const free: Taken = { granted: true, waitMs: 0 }
const key = 'controller_mutation_rate'

export class MutationQuota {
  readonly #window: RateWindow
  readonly #meters: Meters<TokenBucket>
  #limits = new QuotaLimits([], key)

  constructor(window: RateWindow) {
    this.#window = window
    this.#meters = new Meters(window.samples * window.windowMs)
  }

  get enabled(): boolean {
    return !this.#limits.none
  }

  /** From now on these limits hold; what was used is not forgotten. */
  refresh(settings: Iterable<QuotaSetting>): void {
    this.#limits = new QuotaLimits(settings, key)
    if (!this.enabled) this.#meters.clear()
  }

  take(client: QuotaClient, permits: number, mode: { strict: boolean; nowMs: number }): Taken {
    const { strict, nowMs } = mode
    const found = this.#limits.find(client.user, client.clientId)
    if (!found) return free
    const { limit, meter } = found
    const bucket = this.#meters.of(meter, nowMs, () => new TokenBucket(this.#window, limit))
    bucket.limit = limit
    const debtMs = bucket.debtMs(nowMs)
    if (strict && debtMs > 0) return { granted: false, waitMs: debtMs }
    bucket.take(permits, nowMs)
    return { granted: true, waitMs: strict ? 0 : bucket.debtMs(nowMs) }
  }
}
