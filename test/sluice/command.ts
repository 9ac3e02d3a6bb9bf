// Runs the `sluice` command as a user does: a process of its own, with what it prints and its status.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

export const launcher = path.join(import.meta.dirname, '../../packages/sluice/bin/sluice.cjs')

export interface Result {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly input?: string | Buffer
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

function start(args: readonly string[], { cwd, env }: RunOptions = {}): ChildProcess {
  // Whoever runs the tests by npm is not who starts the broker.
  const { npm_lifecycle_event: _, ...inherited } = process.env
  return spawn(process.execPath, [launcher, ...args], { cwd, env: { ...inherited, ...env } })
}

/** Runs the command to its end. */
export async function sluice(args: readonly string[], options: RunOptions = {}): Promise<Result> {
  const child = start(args, options)
  const outputs = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk) => {
    outputs.stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    outputs.stderr += chunk
  })
  child.stdin?.on('error', () => {})
  child.stdin?.end(options.input ?? '')
  const [status] = await once(child, 'close')
  return { status, ...outputs }
}

/** What --json prints. */
interface Places {
  readonly bootstrapServers: string
  readonly httpUrl: string
  readonly pid: number
}

export interface RunningBroker extends Places, AsyncDisposable {
  readonly child: ChildProcess
  readonly stdout: () => string
  readonly stderr: () => string
  /** Sends the signal and resolves with the exit status. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

/** Starts `dev` or `server` and waits for the line that says where it is, or for the text `ready`. */
export async function startBroker(
  args: readonly string[],
  options: RunOptions & { readonly ready?: string } = {},
): Promise<RunningBroker> {
  const child = start(args, options)
  const outputs = { stdout: '', stderr: '' }
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  child.stdout?.on('data', (chunk) => {
    outputs.stdout += chunk
    if (outputs.stdout.includes(options.ready ?? '\n')) resolve()
  })
  child.stderr?.on('data', (chunk) => {
    outputs.stderr += chunk
  })
  const ended = once(child, 'exit')
  const failed = ended.then(([status]) => {
    throw new Error(`ended with ${status}: ${outputs.stderr}`)
  })
  await Promise.race([ready, failed])
  failed.catch(() => {})
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    const [status] = await ended
    return status as number | null
  }
  return {
    ...(options.ready === undefined ? (JSON.parse(outputs.stdout) as Places) : nowhere),
    child,
    stdout: () => outputs.stdout,
    stderr: () => outputs.stderr,
    end,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await end('SIGKILL')
    },
  }
}

const nowhere: Places = { bootstrapServers: '', httpUrl: '', pid: 0 }

/** A folder that goes with its scope. */
export function temporaryFolder(): { readonly path: string } & Disposable {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-test-'))
  return {
    path: folder,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}
