// Retention, carried out on one log: the segments that do not have to be kept any more are removed, with the log
// start offset written down first. Others work on the log meanwhile, so what goes is counted again at the end.

import type { LogConfig } from './log-config.ts'
import type { LogState } from './log-state.ts'

/** How the log lets somebody work on it. */
export interface RetentionSteps {
  job<T>(task: () => Promise<T>): Promise<T>
  /** Without appends, reads or other jobs. */
  alone(task: () => Promise<void>): Promise<void>
  /** Flushes the segments before the last, in the background. */
  seal(): void
}

export async function applyRetention(
  state: LogState,
  { segmentMs }: LogConfig,
  { nowMs, highWatermark }: { nowMs: number; highWatermark: number },
  steps: RetentionSteps,
): Promise<{ removedSegments: number }> {
  const expired = await steps.job(() => state.countExpired(nowMs, highWatermark))
  const old = state.last.sizeBytes > 0 && nowMs - state.last.createdMs > segmentMs
  if (old || expired === state.segments.length) await steps.alone(async () => state.roll())
  steps.seal()
  const removedSegments = await steps.job(async () => {
    const count = Math.min(
      await state.countExpired(nowMs, highWatermark),
      state.segments.length - 1,
    )
    if (count > 0) await state.removeOldest(count)
    return count
  })
  return { removedSegments }
}
