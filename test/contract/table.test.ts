import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SqliteTable } from '@sluice/core/host/local/table'
import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import { tableContract } from './table.ts'

tableContract('memory', async () => new MemoryTable(new MemoryTableStore(new NodeClock())))

tableContract('SQLite in memory', () => SqliteTable.open(':memory:', new NodeClock()))

tableContract('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-table-'))
  const table = await SqliteTable.open(join(folder, 'table.db'), new NodeClock())
  const close = table.close.bind(table)
  table.close = async () => {
    await close()
    await rm(folder, { recursive: true })
  }
  return table
})
