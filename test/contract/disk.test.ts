import { SimulatedClock } from '@sluice/core/host/memory/clock'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { diskContract } from './disk.ts'

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
