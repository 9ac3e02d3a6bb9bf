import { SimulatedClock } from '@sluice/core/host/memory/clock'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { NodeClock } from '@sluice/core/host/node/clock'
import { clockContract } from './clock.ts'

clockContract('node', () => ({
  clock: new NodeClock(),
  // A machine that pauses may find the timer due before what was deferred: that runs in this turn, then.
  pass: (ms) => new Promise((resolve) => setTimeout(() => setImmediate(resolve), ms)),
}))

clockContract('simulated', () => {
  const clock = new SimulatedClock({ random: new SeededRandom(1) })
  return { clock, pass: (ms) => clock.runFor(ms) }
})

clockContract('simulated process', () => {
  const world = new SimulatedClock({ random: new SeededRandom(2) })
  return { clock: world.process({ skewMs: 5_000 }), pass: (ms) => world.runFor(ms) }
})
