// Journal: the write side of one partition of __consumer_offsets. Appends go to the log in the order of
// the calls and take effect in that order, each only after those before it are settled: what is visible
// is always what a replay of the log would give.

import { errors } from '@sluice/protocol/errors'
import type { Logger } from '../host/logger.ts'
import type { OffsetsLog, OffsetsRecord } from './offsets-log.ts'

export interface JournalOptions {
  readonly log: OffsetsLog
  readonly partition: number
  readonly logger: Logger
}

export class Journal {
  readonly #log: OffsetsLog
  readonly #partition: number
  readonly #logger: Logger
  #closed = false
  /** Settles when every append so far has taken effect or failed. */
  #settled: Promise<unknown> = Promise.resolve()

  constructor(options: JournalOptions) {
    this.#log = options.log
    this.#partition = options.partition
    this.#logger = options.logger
  }

  /** Resolves when all that was begun before is visible. */
  async settled(): Promise<void> {
    await this.#settled
  }

  /** Nothing takes effect any more. */
  close(): void {
    this.#closed = true
  }

  /**
   * Appends the records as one batch, then calls `settle` in the order of the log: with true when the
   * records are in it. Resolves to 0 or the error that a client is to be told.
   */
  append(records: readonly OffsetsRecord[], settle: (appended: boolean) => void): Promise<number> {
    const partition = this.#partition
    const outcome = this.#log
      .append(partition, records)
      .then(({ error }) => error)
      .catch((cause) => {
        this.#logger.error({ partition, cause }, 'an append for a group failed')
        return errors.KAFKA_STORAGE_ERROR
      })
    const done = this.#settleAfter(this.#settled, outcome, settle)
    this.#settled = done.catch(() => {})
    return done
  }

  async #settleAfter(
    before: Promise<unknown>,
    outcome: Promise<number>,
    settle: (appended: boolean) => void,
  ): Promise<number> {
    await before
    const error = await outcome
    if (this.#closed) return errors.NOT_COORDINATOR
    settle(error === errors.NONE)
    return coordinatorError(error)
  }
}

/** What a client is told when the log did not take a record: something that makes it try again. */
function coordinatorError(error: number): number {
  switch (error) {
    case errors.UNKNOWN_TOPIC_OR_PARTITION:
    case errors.NOT_ENOUGH_REPLICAS:
    case errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case errors.REQUEST_TIMED_OUT:
      return errors.COORDINATOR_NOT_AVAILABLE
    case errors.NOT_LEADER_OR_FOLLOWER:
    case errors.KAFKA_STORAGE_ERROR:
      return errors.NOT_COORDINATOR
    case errors.MESSAGE_TOO_LARGE:
    case errors.RECORD_LIST_TOO_LARGE:
    case errors.INVALID_FETCH_SIZE:
      return errors.UNKNOWN_SERVER_ERROR
    default:
      return error
  }
}
