// The broker of a soak: `sluice dev` as a user starts it, in a process of its own that is watched from outside:
// resident memory, heap, descriptors, processor time, event-loop delay, and every line it writes to its log.

import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { freePort } from '../../lib/free-port.ts'
import { cpuSeconds, residentMegabytes } from '../../lib/process-figures.ts'
import { ready, sluiceCommand } from '../../outside/target.ts'

export interface Sample {
  /** Since the first sample. */
  readonly seconds: number
  readonly rssMegabytes: number
  /** The lowest since the sample before: what a collection of garbage left. */
  readonly heapMegabytes: number
  /** Buffers outside the heap. */
  readonly externalMegabytes: number
  /** The lowest of what is resident beside V8's heap: malloc's, code, stacks, buffers. */
  readonly nativeMegabytes: number
  readonly descriptors: number
  /** Descriptors of files that have no name any more: nobody but a leak holds these. */
  readonly deletedFiles: number
  readonly cpuPercent: number
  /** The mean since the sample before. */
  readonly loopDelayMs: number
}

/** What the probe tells: of process.memoryUsage(). */
interface Memory {
  readonly rss: number
  readonly heapTotal: number
  readonly heapUsed: number
  readonly external: number
}

/** pino's number for errors; above it is worse. */
const errorLevel = 50
/** Said once, at the start, of configs. */
const startNotice = /^sluice: accepted without effect/

export class SoakBroker {
  readonly port: number
  /** Lines of level error and above, and whatever else is not a line of the log. */
  readonly errorLines: string[] = []
  readonly warnings: string[] = []
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>
  readonly #startedMs = performance.now()
  #memories: Memory[] = []
  #last = { atMs: 0, cpuSeconds: 0, loopDelaySeconds: 0, loopTicks: 0 }

  private constructor(port: number, child: ChildProcess) {
    this.port = port
    this.#child = child
    this.#ended = new Promise((done) => child.on('close', (code) => done(code)))
    createInterface({ input: child.stderr! }).on('line', (line) => this.#logged(line))
    child.stdout!.resume()
    child.on('message', (memory) => this.#memories.push(memory as Memory))
  }

  static async start(home: string, overrides: Record<string, string>): Promise<SoakBroker> {
    const port = await freePort()
    const [node, main] = sluiceCommand
    const probe = pathToFileURL(join(import.meta.dirname, 'memory-probe.ts')).href
    const flags = Object.entries(overrides).flatMap(([name, value]) => [
      '--override',
      `${name}=${value}`,
    ])
    const args = ['--import', probe, main, 'dev', '--port', String(port), '--data', home, ...flags]
    const child = spawn(node, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    const broker = new SoakBroker(port, child)
    await ready(port, child).catch((error: Error) => {
      throw new Error([error.message, ...broker.errorLines].join('\n'))
    })
    return broker
  }

  get bootstrap(): string {
    return `127.0.0.1:${this.port}`
  }

  get url(): string {
    return `http://${this.bootstrap}`
  }

  async sample(): Promise<Sample> {
    const pid = this.#child.pid!
    if (this.#child.exitCode !== null)
      throw new Error(`the broker ended: ${this.errorLines.at(-1)}`)
    const metrics = await (await fetch(`${this.url}/metrics`)).text()
    const of = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1])
    const now = {
      atMs: performance.now(),
      cpuSeconds: cpuSeconds(pid),
      loopDelaySeconds: of('sluice_event_loop_delay_seconds_sum'),
      loopTicks: of('sluice_event_loop_delay_seconds_count'),
    }
    const last = this.#last
    this.#last = now
    const memories = this.#memories.splice(0)
    const lowest = (of: (memory: Memory) => number) => Math.min(...memories.map(of)) / 1e6
    const links = descriptorLinks(pid)
    const ticks = now.loopTicks - last.loopTicks
    return {
      seconds: (now.atMs - this.#startedMs) / 1000,
      rssMegabytes: residentMegabytes(pid).now,
      heapMegabytes: lowest(({ heapUsed }) => heapUsed),
      externalMegabytes: lowest(({ external }) => external),
      nativeMegabytes: lowest(({ rss, heapTotal }) => rss - heapTotal),
      descriptors: links.length,
      deletedFiles: links.filter((link) => link.endsWith(' (deleted)')).length,
      cpuPercent: ((now.cpuSeconds - last.cpuSeconds) / ((now.atMs - last.atMs) / 1000)) * 100,
      loopDelayMs:
        ticks === 0 ? 0 : ((now.loopDelaySeconds - last.loopDelaySeconds) / ticks) * 1000,
    }
  }

  /** Ends it as SIGTERM does; its exit status. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM')
    return await this.#ended
  }

  #logged(line: string): void {
    const level = /^\{"level":(\d+)/.exec(line)?.[1]
    const notice = level !== undefined ? Number(level) < errorLevel : startNotice.test(line)
    if (notice) this.warnings.push(line)
    else if (line !== '') this.errorLines.push(line)
  }
}

/** What the descriptors of a process refer to; one that is closed meanwhile counts as nothing. */
function descriptorLinks(pid: number): string[] {
  const folder = `/proc/${pid}/fd`
  return readdirSync(folder).map((descriptor) => {
    try {
      return readlinkSync(join(folder, descriptor))
    } catch {
      return ''
    }
  })
}
