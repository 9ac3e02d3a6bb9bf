// The process that the sweep kills: it opens the prepared logs, does one operation, and says on standard output what
// it promises. It ends as by kill -9 when it is through.

import { writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { DiskError } from '@sluice/core/host/disk'
import { nodeLogger } from '@sluice/core/host/node/logger'
import { type Event, operations, type Step } from './operations.ts'
import { SweepWorld, valueAt } from './sweep-world.ts'

/** As a producer does that is told KAFKA_STORAGE_ERROR. */
const attempts = 3

const [name, folder] = process.argv.slice(2)
const { kind, steps } = operations[name]
/** The clock alone does not keep the process alive. */
const alive = setInterval(() => {}, 60_000)

function say(event: Event): void {
  writeSync(1, `${JSON.stringify(event)}\n`)
}

function causes(error: unknown): string {
  const own = error instanceof Error ? error.message : String(error)
  const cause = error instanceof Error ? error.cause : undefined
  return cause === undefined ? own : `${own}: ${causes(cause)}`
}

async function take({ name: step, before, run, promise }: Step, world: SweepWorld) {
  if (before !== undefined) say(before)
  for (let attempt = 1; ; attempt++) {
    try {
      await run(world)
      if (promise !== undefined) say(promise)
      return true
    } catch (error) {
      say({ failed: causes(error), step })
      if (!(error instanceof DiskError)) throw error
      if (attempt === attempts || error.kind !== 'no-space') return false
    }
  }
}

async function work(): Promise<void> {
  let world: SweepWorld
  try {
    world = await SweepWorld.open({ folder, kind, logger: nodeLogger({ level: 'info' }) })
  } catch (error) {
    // As a broker that does not start, and says why.
    if (!(error instanceof DiskError)) throw error
    return say({ failed: causes(error), step: 'start' })
  }
  const opening: Step = { name: 'open', run: () => world.openLog('t') }
  for (const step of [opening, ...steps]) {
    if (!(await take(step, world))) break
  }
  if (steps.at(-1)?.name === 'close') return
  const other = await world.openLog('other')
  const at = await world.append(1, 0, other)
  say({ other: at === 1 ? valueAt(at) : `at ${at}` })
}

await work()
say({ over: true })
clearInterval(alive)
flushCompileCache()
process.kill(process.pid, 'SIGKILL')
