// The table in a SQLite file: one row an item, its value as JSON text; one more table for the tokens of
// transactions, with a digest of what each did. Every write is on disk when it is answered (synchronous=FULL).
//
// Another process may hold the file's lock for a moment: SQLite does not wait for it (busy_timeout 0
// would else block the event loop), a timer does.

import { createHash } from 'node:crypto'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { assert } from '../../lib/assert.ts'
import type { Clock } from '../clock.ts'
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

const lockRetryMs = 5
const lockWaitMs = 5_000

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS items (
    partition TEXT NOT NULL, sort TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (partition, sort)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS tokens (
    token TEXT PRIMARY KEY, actions TEXT NOT NULL, expires_ms INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS tokens_by_expiry ON tokens (expires_ms);`

export class SqliteTable implements Table {
  readonly #clock: Clock
  readonly #database: DatabaseSync
  readonly #statements: Statements
  #closed = false

  private constructor(clock: Clock, database: DatabaseSync) {
    this.#clock = clock
    this.#database = database
    this.#statements = prepare(database)
  }

  /** Opens the file at `path` (':memory:' for none), made if it is not there. */
  static async open(path: string, clock: Clock): Promise<SqliteTable> {
    const { DatabaseSync } = await importSqlite()
    const database = new DatabaseSync(path)
    try {
      await whenUnlocked(clock, () => database.exec(schema))
      return new SqliteTable(clock, database)
    } catch (error) {
      database.close()
      throw error
    }
  }

  get(key: ItemKey): Promise<Item | undefined> {
    return this.#call(() => this.#get(key))
  }

  query(partition: string, options: QueryOptions = {}): Promise<QueryPage> {
    return this.#call(() => this.#query(partition, options))
  }

  write(action: Action): Promise<WriteResult> {
    return this.transact([action])
  }

  transact(actions: readonly Action[], token?: string): Promise<WriteResult> {
    return this.#call(() => {
      validateTransaction(actions)
      this.#database.exec('BEGIN IMMEDIATE')
      try {
        const result = this.#transact(actions, token)
        this.#database.exec('COMMIT')
        return result
      } catch (error) {
        this.#database.exec('ROLLBACK')
        throw error
      }
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#database.close()
  }

  #get({ partition, sort }: ItemKey): Item | undefined {
    const row = this.#statements.get.get(partition, sort)
    if (row === undefined) return undefined
    return { partition, sort, value: JSON.parse(row['value'] as string) }
  }

  #query(partition: string, options: QueryOptions): QueryPage {
    const { sortPrefix = '', after, limit = Number.POSITIVE_INFINITY } = options
    const items: Item[] = []
    for (const row of this.#statements.query.iterate(partition, sortPrefix, after ?? null)) {
      const sort = row['sort'] as string
      if (!sort.startsWith(sortPrefix)) break
      if (items.length >= limit) return { items, next: items.at(-1)?.sort }
      items.push({ partition, sort, value: JSON.parse(row['value'] as string) })
    }
    return { items }
  }

  #transact(actions: readonly Action[], token: string | undefined): WriteResult {
    const digest = digestOf(actions)
    if (token !== undefined && this.#isRepeated(token, digest)) return { ok: true }
    const conflict = firstConflict(actions, (key) => this.#get(key))
    if (conflict !== undefined) return conflict
    for (const action of actions) this.#apply(action)
    if (token !== undefined) {
      this.#statements.putToken.run(token, digest, this.#clock.now() + tokenLifetimeMs)
    }
    return { ok: true }
  }

  #apply(action: Action): void {
    if (action.kind === 'check') return
    const key = keyOf(action)
    const item = applied(action, action.kind === 'update' ? this.#get(key) : undefined)
    if (item === undefined) this.#statements.remove.run(key.partition, key.sort)
    else this.#statements.put.run(key.partition, key.sort, JSON.stringify(item.value))
  }

  #isRepeated(token: string, digest: string): boolean {
    this.#statements.dropTokens.run(this.#clock.now())
    const first = this.#statements.getToken.get(token)
    if (first === undefined) return false
    if (first['actions'] === digest) return true
    throw new TableError(`token ${token} was used for other actions`, { retryable: false })
  }

  async #call<T>(run: () => T): Promise<T> {
    assert(!this.#closed, 'the table is open')
    return whenUnlocked(this.#clock, () => {
      if (this.#closed) throw new TableError('the table was closed', { retryable: false })
      return run()
    })
  }
}

interface Statements {
  readonly get: StatementSync
  readonly query: StatementSync
  readonly put: StatementSync
  readonly remove: StatementSync
  readonly getToken: StatementSync
  readonly putToken: StatementSync
  readonly dropTokens: StatementSync
}

function prepare(database: DatabaseSync): Statements {
  return {
    get: database.prepare('SELECT value FROM items WHERE partition = ? AND sort = ?'),
    // SQLite compares text by its UTF-8 bytes, as the interface asks.
    query: database.prepare(`
      SELECT sort, value FROM items
      WHERE partition = ?1 AND sort >= ?2 AND (?3 IS NULL OR sort > ?3) ORDER BY sort`),
    put: database.prepare('INSERT OR REPLACE INTO items VALUES (?, ?, ?)'),
    remove: database.prepare('DELETE FROM items WHERE partition = ? AND sort = ?'),
    getToken: database.prepare('SELECT actions FROM tokens WHERE token = ?'),
    putToken: database.prepare('INSERT OR REPLACE INTO tokens VALUES (?, ?, ?)'),
    dropTokens: database.prepare('DELETE FROM tokens WHERE expires_ms <= ?'),
  }
}

function digestOf(actions: readonly Action[]): string {
  return createHash('sha256').update(JSON.stringify(actions)).digest('base64')
}

/** Runs `run`, again and again while another process holds the lock. */
async function whenUnlocked<T>(clock: Clock, run: () => T): Promise<T> {
  const endMs = clock.monotonic() + lockWaitMs
  for (;;) {
    try {
      return run()
    } catch (error) {
      if (error instanceof TableError || error instanceof TypeError) throw error
      const locked = isLocked(error)
      if (!locked || clock.monotonic() >= endMs) {
        throw new TableError(`SQLite: ${error}`, { retryable: locked, cause: error })
      }
    }
    await new Promise<void>((resolve) => clock.setTimer(lockRetryMs, resolve))
  }
}

/** SQLITE_BUSY and SQLITE_LOCKED, with whatever extended code. */
function isLocked(error: unknown): boolean {
  const code = (error as { errcode?: number }).errcode
  return code !== undefined && [5, 6].includes(code & 0xff)
}

/** node:sqlite, without the warning that it is experimental: it is there in every Node we support. */
async function importSqlite(): Promise<typeof import('node:sqlite')> {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return await import('node:sqlite')
  } finally {
    process.emitWarning = emitWarning
  }
}
