// Retention, carried out on one log: the segments that do not have to be kept any more are removed, with the log
// start offset written down first. Others work on the log meanwhile, so what goes is counted again at the end.
//
// The last segment is closed only where it is to go with all the others (Kafka's UnifiedLog.deleteSegments): age
// alone (segment.ms) closes a segment when the next batch comes, never in between.

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
  { nowMs, highWatermark }: { nowMs: number; highWatermark: number },
  steps: RetentionSteps,
): Promise<{ removedSegments: number }> {
  const expired = await steps.job(() => state.countExpired(nowMs, highWatermark))
  if (expired === state.segments.length) await steps.alone(async () => state.roll())
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
