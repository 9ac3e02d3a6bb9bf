// MetadataWriter: how the controller changes the table. Each transaction moves meta/version from n to
// n + 1 under its controller epoch and leaves an entry log/<n + 1> with a nonce:
//
//   answered ok            done
//   answer lost            asked again under the same token; done twice is done once
//   condition failed       log/<n + 1> has our nonce: an earlier try of ours was done; else we are fenced
//
// So a lost answer is never taken for a conflict, and a controller that was replaced writes nothing.

import type { Clock } from '../host/clock.ts'
import { sleep } from '../host/clock.ts'
import type { Logger } from '../host/logger.ts'
import type { Random } from '../host/random.ts'
import type { Action, Table } from '../host/table.ts'
import { TableError, transactActionsMax } from '../host/table.ts'
import { assert } from '../lib/assert.ts'
import type { Change } from './image.ts'
import { logItem, logKey, readNonce, versionKey } from './items.ts'

/** Actions that a caller may put into one transaction: version, entry and trim are ours. */
export const commitActionsMax = transactActionsMax - 3

/** Entries kept for those who follow the changes. One that is further behind boots again. */
const logEntriesMax = 1000

/** Between tries while the table is out of reach: metadata waits for it, whatever it takes. */
const retryDelayMs = 100
const retryDelayMaxMs = 2000

/** Another controller took over: this one writes nothing any more. */
export class FencedError extends Error {
  override readonly name = 'FencedError'
}

export class MetadataWriter {
  readonly #table: Table
  readonly #clock: Clock
  readonly #random: Random
  readonly #logger: Logger
  readonly #controllerEpoch: number
  #version: number
  #fenced = false

  constructor(options: {
    table: Table
    clock: Clock
    random: Random
    logger: Logger
    version: number
    controllerEpoch: number
  }) {
    this.#table = options.table
    this.#clock = options.clock
    this.#random = options.random
    this.#logger = options.logger
    this.#version = options.version
    this.#controllerEpoch = options.controllerEpoch
  }

  /** Of the last transaction. One commit at a time: the caller sees to it. */
  get version(): number {
    return this.#version
  }

  /**
   * Carries out `actions`, all or none, however long the table takes. @returns the new version.
   * @throws FencedError
   */
  async commit(actions: readonly Action[], changes: readonly Change[]): Promise<number> {
    assert(actions.length <= commitActionsMax, 'a transaction has room for so many actions')
    if (this.#fenced) throw new FencedError('this controller was replaced')
    const version = this.#version + 1
    const nonce = this.#random.uuid()
    const transaction = this.#transaction(version, nonce, actions, changes)
    for (let delayMs = retryDelayMs; ; delayMs = Math.min(2 * delayMs, retryDelayMaxMs)) {
      try {
        const result = await this.#table.transact(transaction, nonce)
        if (result.ok || (await this.#isOurs(version, nonce))) break
        // The version was as expected: nobody else writes, the plan does not fit the items.
        assert(result.index === 0, `action ${result.index} of a transaction fits the metadata`)
        this.#fenced = true
        throw new FencedError('another controller moved the metadata')
      } catch (cause) {
        if (!(cause instanceof TableError) || !cause.retryable || this.#fenced) throw cause
        this.#logger.warn({ cause }, 'the metadata table did not answer: trying again')
        await sleep(this.#clock, delayMs * (0.5 + this.#random.number()))
        if (this.#fenced) throw new FencedError('this controller has stopped')
      }
    }
    this.#version = version
    return version
  }

  /** Writes nothing any more; a commit that waits for the table gives up. */
  close(): void {
    this.#fenced = true
  }

  #transaction(
    version: number,
    nonce: string,
    actions: readonly Action[],
    changes: readonly Change[],
  ): Action[] {
    const before = { version: version - 1, controllerEpoch: this.#controllerEpoch }
    const all: Action[] = [
      { kind: 'update', key: versionKey, set: { version }, condition: { equals: before } },
      { kind: 'put', item: logItem(version, nonce, changes) },
      ...actions,
    ]
    const trimmed = version - logEntriesMax
    if (trimmed > 0) all.push({ kind: 'delete', key: logKey(trimmed) })
    return all
  }

  async #isOurs(version: number, nonce: string): Promise<boolean> {
    const entry = await this.#table.get(logKey(version))
    return entry !== undefined && readNonce(entry) === nonce
  }
}
