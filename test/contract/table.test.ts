import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import { tableContract } from './table.ts'

tableContract('memory', async () => new MemoryTable(new MemoryTableStore(new NodeClock())))
