// The sweep of one operation: it is traced once, and then done again for every system call that it made on the data
// folder and every fault, each time on a fresh copy of the same logs. The check (sweep-check.ts) runs after each.

import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Operation, operations } from './operations.ts'
import { check } from './sweep-check.ts'
import { callsIn, type Fault, type Run, run, type TracedCall } from './sweep-trace.ts'
import { SweepWorld, valueAt } from './sweep-world.ts'

export interface SweepOptions {
  readonly operation: string
  readonly faults: readonly Fault[]
  /** A folder of the caller's. */
  readonly home: string
  /** Side by side. */
  readonly jobs: number
  /** At calls, too, that change nothing: a kill there leaves what one at the next that does leaves. */
  readonly reads?: boolean
  /** Only every n-th of all calls and faults. */
  readonly every?: number
}

export interface SweepResult {
  /** That the operation makes on the data folder. */
  readonly calls: number
  /** How many faults came, of each kind. */
  readonly faults: Record<Fault, number>
  /** Of the errors: after how many a step failed, and said so. */
  readonly refused: number
  /** Calls that this run did not make. */
  readonly notReached: readonly string[]
  readonly violations: readonly string[]
}

/** Calls that change what is on the disk, or make it last; a file may be created by openat. */
const writing =
  /^(write|pwrite64|pwritev|writev|ftruncate|fsync|fdatasync|rename|unlink|rmdir|mkdir)$/
/** What a full disk may answer to. */
const needsRoom = /^(write|pwrite64|pwritev|writev|ftruncate|fsync|fdatasync|rename|mkdir|openat)$/
/** Nobody can do anything about one that does not close, or cannot be measured by a call that succeeds always. */
const neverFails = /^(close|lseek|fcntl|ioctl|readlink|access)$/
/** Without it the next start looks into each log, and nothing else is different. */
const mayBeMissing = 'a/closed-logs-checkpoint.tmp'
const copyOptions = { recursive: true, preserveTimestamps: true }

export async function sweep(options: SweepOptions): Promise<SweepResult> {
  const { operation: name, home } = options
  const operation = operations[name]
  rmSync(home, { recursive: true, force: true })
  await prepare(operation, home)
  const traced = await runOnCopy(name, home, 'traced')
  if (!isOver(traced)) throw new Error(`${name}: ${JSON.stringify(traced.events)} ${traced.stderr}`)
  const calls = callsIn(traced.trace, join(home, 'traced', 'data'))
    .filter(({ path }) => path.startsWith('a'))
    .filter(({ call, creates }) => options.reads || creates || writing.test(call))
  const result = {
    calls: calls.length,
    faults: { kill: 0, EIO: 0, ENOSPC: 0 },
    refused: 0,
    notReached: [] as string[],
    violations: await check(operation, join(home, 'traced', 'data'), traced.events),
  }
  const { every = 1 } = options
  const work = options.faults
    .flatMap((what) => calls.filter(({ call }) => mayGive(what, call)).map((at) => ({ at, what })))
    .filter((_, i) => i % every === 0)
  const one = async (job: number) => {
    for (let next = work.shift(); next !== undefined; next = work.shift()) {
      const { at, what } = next
      const faulty = await runOnCopy(name, home, `job${job}`, { at, what })
      const where = `${name}, ${what} at ${at.call} ${at.occurrence} of ${at.path}`
      const came = what === 'kill' ? !isOver(faulty) : faulty.trace.includes('(INJECTED)')
      if (came) result.faults[what] += 1
      else result.notReached.push(where)
      if (faulty.events.some((event) => 'failed' in event)) result.refused += 1
      const wrong = await check(operation, join(home, `job${job}`, 'data'), faulty.events)
      if (what !== 'kill' && came) wrong.push(...wrongAfterError(name, { at, what }, faulty))
      result.violations.push(...wrong.map((text) => `${where}: ${text}`))
    }
  }
  await Promise.all(Array.from({ length: options.jobs }, (_, job) => one(job)))
  return result
}

/** Copied while the logs are open, or else after they were closed. */
async function prepare(operation: Operation, home: string): Promise<void> {
  const folder = join(home, 'made')
  const copy = () => cpSync(folder, join(home, 'prepared'), copyOptions)
  const world = await SweepWorld.open({ folder, kind: operation.kind })
  await world.openLog('t')
  const other = await world.openLog('other')
  await world.append(0, 0, other)
  if (operation.prepare) await operation.prepare(world)
  else for (let offset = 0; offset < operation.prepared; offset++) await world.append(offset)
  await world.log.flush()
  if (operation.crashed) copy()
  await world.manager.close()
  if (!operation.crashed) copy()
  operation.damage?.(join(home, 'prepared'))
}

async function runOnCopy(
  name: string,
  home: string,
  job: string,
  fault?: { readonly at: TracedCall; readonly what: Fault },
): Promise<Run> {
  const place = join(home, job)
  rmSync(place, { recursive: true, force: true })
  mkdirSync(place, { recursive: true })
  const folder = join(place, 'data')
  cpSync(join(home, 'prepared'), folder, copyOptions)
  return run(name, { folder, traceFile: join(place, 'trace'), cache: join(home, 'cache') }, fault)
}

function isOver({ events }: Run): boolean {
  return events.some((event) => 'over' in event)
}

function mayGive(what: Fault, call: string): boolean {
  if (what === 'kill') return true
  return what === 'ENOSPC' ? needsRoom.test(call) : !neverFails.test(call)
}

/** The process goes on, its other log directory works, and somebody is told which error it was. */
function wrongAfterError(
  name: string,
  { at, what }: { readonly at: TracedCall; readonly what: Fault },
  { events, stderr }: Run,
): string[] {
  const wrong: string[] = []
  if (!events.some((event) => 'over' in event)) wrong.push(`the process has ended: ${stderr}`)
  const started = !events.some((event) => 'step' in event && event.step === 'start')
  const others = events.flatMap((event) => ('other' in event ? [event.other] : []))
  if (started && name !== 'close' && others[0] !== valueAt(1)) {
    wrong.push(`the other log: ${others}`)
  }
  const said = events.flatMap((event) => ('failed' in event ? [event.failed] : []))
  const told = `${stderr} ${said.join()}`.includes(what)
  if (!told && !isTolerated(name, at)) wrong.push('nothing says what happened')
  return wrong
}

/** A clean stop that could not say all about its logs: the file, and the flush of the folder behind it. */
function isTolerated(name: string, { call, path }: TracedCall): boolean {
  return name === 'close' && (path === mayBeMissing || (call === 'fsync' && path === 'a'))
}
