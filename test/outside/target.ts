// The broker under test: `sluice dev` as a user starts it, or, with TARGET=apache, Apache Kafka, so that a
// failure can be told from a wrong expectation: it counts when the same run on Apache Kafka is clean.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort } from '../lib/free-port.ts'
import { startApacheKafka } from './kafka/apache.ts'

export { freePort }

const root = resolve(import.meta.dirname, '../..')
export const sluiceCommand = [
  process.execPath,
  join(root, 'packages/sluice/bin/sluice.cjs'),
] as const

export interface Target {
  bootstrap: string
  port: number
  pid: number
  /** Where the partitions' folders are. */
  dataFolder: string
  /** Ends the process, which must end with status 0; the data stays until remove(). */
  stop(): Promise<void>
  remove(): void
}

export async function startTarget(overrides: Record<string, string> = {}): Promise<Target> {
  const port = await freePort()
  if (process.env['TARGET'] !== 'apache') return startSluice(port, overrides)
  const broker = await startApacheKafka(port, overrides)
  return { ...broker, port }
}

export async function startSluice(
  port: number,
  overrides: Record<string, string> = {},
  home = mkdtempSync(join(tmpdir(), 'sluice-outside-')),
  log: 'inherit' | number = 'inherit',
): Promise<Target> {
  const child = spawnSluice(port, home, overrides, log)
  const ended = new Promise<number | null>((done) => child.on('close', (code) => done(code)))
  try {
    await ready(port, child)
  } catch (cause) {
    child.kill('SIGKILL')
    throw cause
  }
  return {
    bootstrap: `127.0.0.1:${port}`,
    port,
    pid: child.pid!,
    dataFolder: home,
    async stop() {
      child.kill('SIGTERM')
      const code = await ended
      if (code !== 0) throw new Error(`sluice dev ended with ${code}`)
    },
    remove: () => rmSync(home, { recursive: true, force: true }),
  }
}

export function spawnSluice(
  port: number,
  home: string,
  overrides: Record<string, string>,
  log: 'inherit' | number = 'inherit',
): ChildProcess {
  const flags = Object.entries(overrides).flatMap(([name, value]) => [
    '--override',
    `${name}=${value}`,
  ])
  const [command, main] = sluiceCommand
  const args = [main, 'dev', '--port', String(port), '--data', home, ...flags]
  return spawn(command, args, { stdio: ['ignore', 'ignore', log] })
}

/** A broker that starts at all is ready in one second; beside other work it may have a small part of a processor. */
const readyMs = 50_000

/** Resolves when /readyz answers 200. */
export async function ready(port: number, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + readyMs
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`sluice dev ended with ${child.exitCode}`)
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
    await answer?.arrayBuffer()
    if (answer?.status === 200) return
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error(`sluice dev on port ${port} was not ready in ${readyMs} ms`)
}
