import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SimulatedClock } from '@sluice/core/host/memory/clock'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { NodeDisk } from '@sluice/core/host/node/disk'
import { diskContract } from './disk.ts'

diskContract('node', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-disk-'))
  // However busy the machine is: what a slow disk does is told in node-disk.test.ts.
  const never = Number.POSITIVE_INFINITY
  const disk = new NodeDisk(folder, { slowWriteMs: never, slowReadMs: never })
  return { disk, close: () => rm(folder, { recursive: true }) }
})

diskContract('memory', async () => ({ disk: new MemoryDisk() }))

diskContract('simulated', async () => {
  const random = new SeededRandom(1)
  const clock = new SimulatedClock({ random })
  return {
    disk: new MemoryDisk({ clock, random }),
    settle: async (promise) => {
      let over = false
      const mark = () => {
        over = true
      }
      promise.then(mark, mark)
      await clock.runUntil(() => over, 60_000)
      return promise
    },
  }
})
