// Takes away committed offsets that nobody needs: every offsets.retention.check.interval.ms those that
// expired, with groups that are left with nothing, and at once those of deleted topics. It works group
// by group, one append at a time, and lets the event loop go on every few milliseconds.

import { errors } from '@sluice/protocol/errors'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { Clock } from '../host/clock.ts'
import type { Logger } from '../host/logger.ts'
import { Slices } from '../lib/slices.ts'
import type { Deadline, TimerQueue } from '../lib/timer-queue.ts'
import { expiredOffsets } from './expiry.ts'
import type { GroupEntry, Shard } from './shard.ts'

const msPerMinute = 60_000

export interface OffsetCleanerOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly config: BrokerConfig
  readonly timers: TimerQueue
  readonly shards: () => Iterable<Shard>
}

export class OffsetCleaner {
  readonly #options: OffsetCleanerOptions
  #next: Deadline | undefined
  #closed = false

  constructor(options: OffsetCleanerOptions) {
    this.#options = options
    this.#schedule()
  }

  close(): void {
    this.#closed = true
    this.#next?.cancel()
  }

  async topicsDeleted(topicNames: readonly string[]): Promise<void> {
    await this.#eachGroup(async (shard, entry) => {
      const keys = topicNames.flatMap((topic) => [...entry.offsets.known(topic)])
      const error = await shard.deleteOffsets(entry, keys)
      if (error === errors.NONE) return
      // They hold the old topic's id: a new topic of that name does not take them for its own.
      const fields = { group: entry.id, offsets: keys.length, error }
      this.#options.logger.warn(fields, 'offsets of a deleted topic stay until they expire')
    })
  }

  /** What is due goes now. */
  async clean(): Promise<void> {
    let offsetCount = 0
    let groupCount = 0
    await this.#eachGroup(async (shard, entry) => {
      const expired = this.#expired(entry)
      if ((await shard.deleteOffsets(entry, expired)) !== errors.NONE) return
      offsetCount += expired.length
      const { group, offsets } = entry
      if (group.state !== 'Empty' || group.pendingCount > 0 || !offsets.isEmpty) return
      if (shard.find(entry.id) !== entry) return
      if ((await shard.deleteGroup(entry)) === errors.NONE) groupCount += 1
    })
    if (offsetCount + groupCount === 0) return
    this.#options.logger.info({ offsets: offsetCount, groups: groupCount }, 'offsets expired')
  }

  #schedule(): void {
    const intervalMs = this.#options.config['offsets.retention.check.interval.ms']
    this.#next = this.#options.timers.after(intervalMs, async () => {
      await this.clean()
      if (!this.#closed) this.#schedule()
    })
  }

  #expired(entry: GroupEntry): [topic: string, partition: number][] {
    const { clock, config } = this.#options
    return expiredOffsets(entry.group, entry.offsets, {
      nowMs: clock.now(),
      retentionMs: config['offsets.retention.minutes'] * msPerMinute,
      stateSinceMs: entry.stateSinceMs,
    })
  }

  async #eachGroup(work: (shard: Shard, entry: GroupEntry) => Promise<void>): Promise<void> {
    const slices = new Slices(this.#options.clock)
    for (const shard of [...this.#options.shards()]) {
      for (const entry of [...shard.groups()]) {
        if (this.#closed || shard.status !== 'active') break
        if (shard.find(entry.id) === entry) await work(shard, entry)
        await slices.pause()
      }
    }
  }
}
