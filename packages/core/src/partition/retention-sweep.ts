// RetentionSweep: goes over all partitions every log.retention.check.interval.ms, one after the other,
// and lets each log drop what its topic does not keep any more.

import type { BrokerConfig } from '../config/broker-config.ts'
import type { Clock, Timer } from '../host/clock.ts'
import type { Logger } from '../host/logger.ts'
import type { Partition } from './partition.ts'

export interface RetentionSweepOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly config: () => BrokerConfig
  readonly partitions: Iterable<Partition>
}

export class RetentionSweep {
  readonly #options: RetentionSweepOptions
  #timer: Timer | undefined
  #running: Promise<void> = Promise.resolve()
  #closed = false

  constructor(options: RetentionSweepOptions) {
    this.#options = options
    this.#arm()
  }

  /** Resolves when a sweep under way has stopped. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    await this.#running
  }

  #arm(): void {
    const { clock, config } = this.#options
    const intervalMs = config()['log.retention.check.interval.ms']
    this.#timer = clock.setTimer(intervalMs, () => {
      this.#running = this.#sweep().finally(() => {
        if (!this.#closed) this.#arm()
      })
    })
  }

  async #sweep(): Promise<void> {
    const { clock, logger, partitions } = this.#options
    for (const partition of [...partitions]) {
      if (this.#closed) return
      if (partition.closed || partition.offline) continue
      try {
        const { removedSegments } = await partition.applyRetention(clock.now())
        if (removedSegments === 0) continue
        const { topic, index } = partition
        logger.info({ topic, partition: index, removedSegments }, 'old segments removed')
      } catch (cause) {
        // The topic may have been deleted meanwhile.
        if (partition.closed) continue
        const { topic, index } = partition
        logger.error({ topic, partition: index, cause }, 'retention failed')
      }
    }
  }
}
