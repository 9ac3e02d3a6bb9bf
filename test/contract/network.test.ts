import { SimulatedClock } from '@sluice/core/host/memory/clock'
import { MemoryNetwork } from '@sluice/core/host/memory/network'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { SimulatedNetwork } from '@sluice/core/host/memory/simulated-network'
import { NodeClock } from '@sluice/core/host/node/clock'
import { NodeNetwork } from '@sluice/core/host/node/network'
import { expect } from 'vitest'
import { networkContract } from './network.ts'

async function untilReal(done: () => boolean): Promise<void> {
  const endMs = performance.now() + 5_000
  while (!done()) {
    if (performance.now() > endMs) throw new Error('not within 5 seconds')
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

for (const receive of ['onread', 'data'] as const) {
  networkContract(`node, by ${receive}`, async () => {
    const network = new NodeNetwork({ receive })
    return { server: network, client: network, host: '127.0.0.1', until: untilReal }
  })

  networkContract(`node, by ${receive}, on a shared port`, async () => {
    const server = new NodeNetwork({ receive, divert: () => undefined })
    const client = new NodeNetwork({ receive })
    return { server, client, host: '127.0.0.1', until: untilReal, acceptsByFirstBytes: true }
  })
}

networkContract('memory', async () => {
  const network = new MemoryNetwork(new NodeClock())
  return { server: network, client: network, host: 'localhost', until: untilReal }
})

function simulated(seed: number, splitChance: number) {
  return async () => {
    const random = new SeededRandom(seed)
    const clock = new SimulatedClock({ random })
    const network = new SimulatedNetwork({ random })
    network.faults.splitChance = splitChance
    return {
      server: network.host('server', clock.process()),
      client: network.host('client', clock.process()),
      host: 'server',
      until: async (done: () => boolean) => expect(await clock.runUntil(done, 60_000)).toBe(true),
    }
  }
}

networkContract('simulated', simulated(1, 0))
networkContract('simulated, in pieces', simulated(2, 0.9))
