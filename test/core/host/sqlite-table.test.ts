// What only the table in a file has: it survives, and it shares its file with other processes.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { SqliteTable } from '@sluice/core/host/local/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import { TableError } from '@sluice/core/host/table'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let folder = ''
let path = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-table-'))
  path = join(folder, 'table.db')
})

afterEach(() => rm(folder, { recursive: true }))

const put = { kind: 'put', item: { partition: 'p', sort: 's', value: { n: 1 } } } as const
const key = { partition: 'p', sort: 's' }

describe('SQLite table', () => {
  test('items and tokens are there when it is opened again', async () => {
    const clock = new NodeClock()
    const first = await SqliteTable.open(path, clock)
    const once = { ...put, condition: { exists: false } }
    expect(await first.transact([once], 'token')).toEqual({ ok: true })
    await first.close()
    const second = await SqliteTable.open(path, clock)
    expect((await second.get(key))?.value).toEqual({ n: 1 })
    expect(await second.transact([once], 'token')).toEqual({ ok: true })
    clock.advance(11 * 60_000)
    expect((await second.transact([once], 'token')).ok).toBe(false)
    await second.close()
  })

  test('a write waits by timer for the lock of another process', async () => {
    const table = await SqliteTable.open(path, new NodeClock())
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    let done = false
    const writing = table.write(put).then((result) => {
      done = true
      return result
    })
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(done).toBe(false)
    expect(await table.get(key)).toBeUndefined()
    other.exec('COMMIT')
    expect(await writing).toEqual({ ok: true })
    other.close()
    await table.close()
  })

  test('a lock that is never given up is a retryable error', async () => {
    const clock = new NodeClock()
    const table = await SqliteTable.open(path, clock)
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const writing = table.write(put).catch((error: unknown) => error)
    clock.advance(60_000)
    const error = await writing
    expect(error).toBeInstanceOf(TableError)
    expect((error as TableError).retryable).toBe(true)
    other.close()
    await table.close()
  })

  test('a file that is no database is an error that is not retried', async () => {
    await writeFile(path, 'x'.repeat(5_000))
    await expect(SqliteTable.open(path, new NodeClock())).rejects.toMatchObject({
      retryable: false,
    })
  })
})
