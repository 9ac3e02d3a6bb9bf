// One run of the sweep's process under strace: traced, to learn which system calls it makes on the data folder, or
// with a fault at one of them. A call is named by what it is done to and by how many of its kind were done to that
// before by the same thread, for the order of threads among each other is not the same in each run.

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Event } from './operations.ts'

export interface TracedCall {
  readonly call: string
  /** Below the data folder; `''` is the folder itself. */
  readonly path: string
  /** Counted from 1, of this call on this path by one thread. */
  readonly occurrence: number
  /** A file that is opened, and made where it is not there. */
  readonly creates: boolean
}

export interface Run {
  readonly events: readonly Event[]
  /** What it logged. */
  readonly stderr: string
  readonly trace: string
}

/** The process is gone before the call is made, or the call is answered with this error and not made. */
export type Fault = 'kill' | 'EIO' | 'ENOSPC'

const worker = join(import.meta.dirname, 'sweep-worker.ts')
/** Reading and measuring a folder is done with these, too. */
const tracedCalls = 'trace=%file,%desc'
const hungMs = 60_000

export interface Place {
  /** The data folder. */
  readonly folder: string
  readonly traceFile: string
  /** Of compiled modules: half of the time of a run goes without. */
  readonly cache: string
}

export async function run(
  operation: string,
  { folder, traceFile, cache }: Place,
  fault?: { readonly at: TracedCall; readonly what: Fault },
): Promise<Run> {
  const inject = fault === undefined ? [tracedCalls] : injection(fault)
  const paths = fault === undefined ? [] : ['-P', join(folder, fault.at.path)]
  const flags = [
    ...['-f', '-qq', '-y', '-s', '0', '-o', traceFile],
    ...inject.flatMap((expression) => ['-e', expression]),
    ...paths,
    ...['--', process.execPath, worker, operation, folder],
  ]
  // strace counts the calls of each thread by themselves: with one thread in its pool those have one order.
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1', NODE_COMPILE_CACHE: cache }
  const child = spawn('strace', flags, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const outputs = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    outputs.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    outputs.stderr += chunk
  })
  const hung = setTimeout(() => child.kill('SIGKILL'), hungMs)
  await new Promise((resolve) => child.on('close', resolve))
  clearTimeout(hung)
  return {
    events: eventsOf(outputs.stdout),
    stderr: outputs.stderr,
    trace: readFileSync(traceFile, 'utf8'),
  }
}

/** The calls on the data folder that a trace of all calls shows, in its order, without those that had no effect. */
export function callsIn(trace: string, folder: string): TracedCall[] {
  const counts = new Map<string, number>()
  const calls = new Map<string, TracedCall>()
  const unfinished = new Map<string, string>()
  for (const line of trace.split('\n')) {
    const [, thread, call, text] = /^(\d+) +(\w+)\((.*)/.exec(line) ?? []
    const [, resumed, result] = /^(\d+) +<\.\.\. \w+ resumed>(.*)/.exec(line) ?? []
    if (resumed !== undefined && / = -1 E/.test(result)) calls.delete(unfinished.get(resumed) ?? '')
    // Of a call with two paths strace looks at the first.
    const path = call === undefined ? undefined : pathIn(text, folder)
    if (path === undefined) continue
    const kind = `${call} ${path}`
    const occurrence = (counts.get(`${thread} ${kind}`) ?? 0) + 1
    counts.set(`${thread} ${kind}`, occurrence)
    // Two threads' first calls of a kind on one path cannot be told apart from without.
    const name = `${kind} ${occurrence}`
    if (text.endsWith('<unfinished ...>')) unfinished.set(thread, name)
    if (calls.has(name) || / = -1 E/.test(text)) continue
    calls.set(name, { call, path, occurrence, creates: text.includes('O_CREAT') })
  }
  return [...calls.values()]
}

function pathIn(text: string, folder: string): string | undefined {
  const [, held, named] = /^\d+<([^>]*)>|"([^"]*)"/.exec(text) ?? []
  const path = held ?? named ?? ''
  if (path === folder) return ''
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : undefined
}

function injection({ at, what }: { at: TracedCall; what: Fault }): string[] {
  const effect = what === 'kill' ? 'signal=KILL' : `error=${what}`
  return [`trace=${at.call}`, `inject=${at.call}:${effect}:when=${at.occurrence}`]
}

/** The last line may be cut off. */
function eventsOf(stdout: string): Event[] {
  const lines = stdout.split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Event)
}
