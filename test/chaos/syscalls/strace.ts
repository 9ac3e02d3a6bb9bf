// strace, which does to a process what a kernel seldom does: it kills it at its n-th call of a kind, or answers
// the call with an error. strace counts the calls of each thread by themselves: with one thread in its pool a
// process's calls have one order.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What a log, a checkpoint or the table does to a disk. Sockets are written with some of them, too. */
export const diskCalls = [
  ...['write', 'pwrite64', 'pwritev', 'ftruncate', 'fdatasync', 'fsync', 'rename', 'unlink'],
  'openat',
] as const

export type Call = (typeof diskCalls)[number]

export interface Injection {
  readonly calls: readonly Call[]
  /** `signal=KILL` or `error=EIO`; which of the calls: `3`, or `1+` for all. */
  readonly what: string
  readonly when: string
  /** Only calls on these files. */
  readonly paths?: readonly string[]
}

/** Installs strace where it is not there. Throws where it may not trace. */
export function needStrace(): string {
  try {
    execFileSync('strace', ['-V'], { stdio: 'ignore' })
  } catch {
    execFileSync('apt-get', ['install', '-y', '-qq', 'strace'], { stdio: 'ignore' })
  }
  execFileSync('strace', ['-f', '-o', '/dev/null', 'true'])
  return execFileSync('strace', ['-V'], { encoding: 'utf8' }).split('\n')[0]
}

/** Of a broker under strace. */
export const traced = { UV_THREADPOOL_SIZE: '1' } as const

export class Strace implements Disposable {
  readonly child: ChildProcess
  readonly #folder: string
  #stderr = ''
  readonly #ended: Promise<unknown>

  /** Of a process that runs, or of a command that it starts. */
  constructor(injection: Injection, target: { pid: number } | { command: readonly string[] }) {
    const { calls, what, when, paths = [] } = injection
    this.#folder = mkdtempSync(join(tmpdir(), 'sluice-strace-'))
    const flags = [
      ...['-f', '-y', '-o', this.#file],
      ...['-e', `trace=${calls.join(',')}`],
      ...['-e', `inject=${calls.join(',')}:${what}:when=${when}`],
      ...paths.flatMap((path) => ['-P', path]),
      ...('pid' in target ? ['-p', String(target.pid)] : ['--', ...target.command]),
    ]
    this.child = spawn('strace', flags, { env: { ...process.env, ...traced } })
    this.child.stderr?.on('data', (chunk) => {
      this.#stderr += chunk
    })
    this.#ended = once(this.child, 'close')
  }

  get #file(): string {
    return join(this.#folder, 'trace')
  }

  /** Resolves when the process is traced: its threads, too. */
  async attached(): Promise<void> {
    while (!this.#stderr.includes('attached') && this.child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    if (!this.#stderr.includes('attached')) throw new Error(`strace: ${this.#stderr}`)
  }

  /** Lets the process go. */
  async detach(): Promise<void> {
    this.child.kill('SIGINT')
    await this.#ended
  }

  /** Resolves when there is nothing to trace any more. */
  async ended(): Promise<void> {
    await this.#ended
  }

  /** Whether a call was answered with an error so far. */
  injected(): boolean {
    return readFileSync(this.#file, 'utf8').includes('(INJECTED)')
  }

  /** The call that the end of the process cut off, and its file, where it has one. */
  cutOff(): { readonly call: string; readonly file: string } {
    const lines = readFileSync(this.#file, 'utf8').split('\n')
    const last =
      lines.findLast((line) => /^\d+ +\w+\(.*(<unfinished \.\.\.>|= \?)$/.test(line)) ?? ''
    const [, call = '?', rest = ''] = /^\d+ +(\w+)\((.*)/.exec(last) ?? []
    const [, file = ''] = /^\d+<([^>]*)>/.exec(rest) ?? /"([^"]*)"/.exec(rest) ?? []
    return { call, file }
  }

  [Symbol.dispose](): void {
    this.child.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
