// Backoff: how long to wait before trying again. It doubles from the first pause to the longest, and each
// pause is drawn from 80 to 120 % of that, so that clients that failed together do not return together.

import type { Random } from '../host/random.ts'

export interface BackoffLimits {
  /** retry.backoff.ms */
  readonly firstMs: number
  /** retry.backoff.max.ms */
  readonly maxMs: number
}

export const defaultBackoff: BackoffLimits = { firstMs: 100, maxMs: 1000 }

const jitter = 0.2
/** Beyond this the doubling has reached any limit. */
const doublingsMax = 30

/** The pause before attempt `attempt` (the first repetition is 1). */
export function backoffMs(limits: BackoffLimits, attempt: number, random: Random): number {
  const doubled = limits.firstMs * 2 ** Math.min(Math.max(0, attempt - 1), doublingsMax)
  const spread = 1 - jitter + 2 * jitter * random.number()
  return Math.min(doubled, limits.maxMs) * spread
}
