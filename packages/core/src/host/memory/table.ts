// A table in memory. MemoryTableStore holds the items and outlives the processes that use it;
// MemoryTable is one process's connection to it: it answers in a microtask, or, with faults, late,
// throttled, or not at all although the write was done.
//
// Items are kept as JSON text, so that nobody shares an object with the table.

import { assert } from '../../lib/assert.ts'
import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import type {
  Action,
  Item,
  ItemKey,
  QueryOptions,
  QueryPage,
  Table,
  WriteResult,
} from '../table.ts'
import { TableError } from '../table.ts'
import {
  applied,
  firstConflict,
  keyOf,
  tokenLifetimeMs,
  validateTransaction,
} from '../table-actions.ts'

export class MemoryTableStore {
  readonly #clock: Clock
  readonly #partitions = new Map<string, Map<string, string>>()
  /** Sort keys of a partition in order; made on the first query after a change of keys. */
  readonly #orders = new Map<string, string[]>()
  readonly #tokens = new Map<string, { actions: string; expiresMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get(key: ItemKey): Item | undefined {
    const text = this.#partitions.get(key.partition)?.get(key.sort)
    if (text === undefined) return undefined
    return { partition: key.partition, sort: key.sort, value: JSON.parse(text) }
  }

  query(partition: string, options: QueryOptions = {}): QueryPage {
    const { sortPrefix = '', after, limit = Number.POSITIVE_INFINITY } = options
    const items: Item[] = []
    for (const sort of this.#order(partition)) {
      if (!sort.startsWith(sortPrefix)) continue
      if (after !== undefined && compareBytewise(sort, after) <= 0) continue
      if (items.length >= limit) return { items, next: items.at(-1)?.sort }
      items.push(this.get({ partition, sort }) as Item)
    }
    return { items }
  }

  transact(actions: readonly Action[], token?: string): WriteResult {
    validateTransaction(actions)
    const actionsText = JSON.stringify(actions)
    if (token !== undefined && this.#isRepeated(token, actionsText)) return { ok: true }
    const conflict = firstConflict(actions, (key) => this.get(key))
    if (conflict !== undefined) return conflict
    for (const action of actions) this.#set(keyOf(action), applied(action, this.get(keyOf(action))))
    if (token !== undefined) {
      this.#tokens.set(token, {
        actions: actionsText,
        expiresMs: this.#clock.monotonic() + tokenLifetimeMs,
      })
    }
    return { ok: true }
  }

  #isRepeated(token: string, actionsText: string): boolean {
    for (const [old, { expiresMs }] of this.#tokens) {
      if (expiresMs > this.#clock.monotonic()) break
      this.#tokens.delete(old)
    }
    const first = this.#tokens.get(token)
    if (first === undefined) return false
    if (first.actions === actionsText) return true
    throw new TableError(`token ${token} was used for other actions`, { retryable: false })
  }

  #set(key: ItemKey, item: Item | undefined): void {
    let partition = this.#partitions.get(key.partition)
    if (item === undefined) {
      if (partition?.delete(key.sort)) this.#orders.delete(key.partition)
      return
    }
    if (partition === undefined) {
      partition = new Map()
      this.#partitions.set(key.partition, partition)
    }
    if (!partition.has(key.sort)) this.#orders.delete(key.partition)
    partition.set(key.sort, JSON.stringify(item.value))
  }

  #order(partition: string): string[] {
    let order = this.#orders.get(partition)
    if (order === undefined) {
      order = [...(this.#partitions.get(partition)?.keys() ?? [])].sort(compareBytewise)
      this.#orders.set(partition, order)
    }
    return order
  }
}

/** Chances are 0..1 and drawn per call; they may be altered while the table is in use. */
export interface TableFaults {
  latencyMs: { min: number; max: number }
  /** The call is refused and nothing was done. */
  throttleChance: number
  /** The write is done, the answer lost: the caller hears of a time-out. */
  lostAnswerChance: number
}

export interface SimulatedTableOptions {
  readonly clock: Clock
  readonly random: Random
  readonly faults: TableFaults
}

/** How long a caller waits for an answer that was lost. */
const answerTimeoutMs = 1_000

export class MemoryTable implements Table {
  readonly #store: MemoryTableStore
  readonly #simulated: SimulatedTableOptions | undefined
  #closed = false

  constructor(store: MemoryTableStore, simulated?: SimulatedTableOptions) {
    this.#store = store
    this.#simulated = simulated
  }

  get(key: ItemKey): Promise<Item | undefined> {
    return this.#call(() => this.#store.get(key))
  }

  query(partition: string, options?: QueryOptions): Promise<QueryPage> {
    return this.#call(() => this.#store.query(partition, options))
  }

  write(action: Action): Promise<WriteResult> {
    return this.#call(() => this.#store.transact([action]))
  }

  transact(actions: readonly Action[], token?: string): Promise<WriteResult> {
    return this.#call(() => this.#store.transact(actions, token))
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  async #call<T>(run: () => T): Promise<T> {
    assert(!this.#closed, 'the table is open')
    if (this.#simulated === undefined) return run()
    const { random, faults } = this.#simulated
    await this.#travel()
    if (random.number() < faults.throttleChance) {
      throw new TableError('throttled', { retryable: true })
    }
    const answer = run()
    if (random.number() < faults.lostAnswerChance) {
      await this.#wait(answerTimeoutMs)
      throw new TableError('timed out', { retryable: true })
    }
    await this.#travel()
    return answer
  }

  /** One way to the table or back. */
  #travel(): Promise<void> {
    const { random, faults } = this.#simulated as SimulatedTableOptions
    const { min, max } = faults.latencyMs
    return this.#wait((min + random.number() * (max - min)) / 2)
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#simulated?.clock.setTimer(delayMs, resolve)
    })
  }
}

/** The order of the UTF-8 bytes, which is that of the code points (not of UTF-16 units). */
function compareBytewise(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
