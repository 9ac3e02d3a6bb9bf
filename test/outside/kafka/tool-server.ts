// Apache Kafka's command-line tools in one JVM (ToolServer.java): starting one a tool is most of what a run costs.

import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { classPath, type Tool, type ToolResult, toolClass } from './apache.ts'

interface Jvm {
  readonly child: ChildProcess
  readonly answers: AsyncIterator<string>
  readonly ended: Promise<number | null>
}

/** Longer than a client of Kafka's waits for anything. */
const runTimeoutMs = 90_000

export class ToolServer implements AsyncDisposable {
  #jvm: Jvm | undefined
  #turn: Promise<unknown> = Promise.resolve()

  /** Runs a tool to its end; one at a time, in the order of the calls. `input` is its standard input. */
  run(tool: Tool, args: readonly string[], input?: string): Promise<ToolResult> {
    const result = this.#turn.then(async () => {
      this.#jvm ??= startJvm()
      const { child, answers, ended } = this.#jvm
      child.stdin?.write(`${JSON.stringify({ tool: toolClass[tool], args, input })}\n`)
      const timer = setTimeout(() => child.kill('SIGKILL'), runTimeoutMs)
      const { value, done } = await answers.next()
      clearTimeout(timer)
      if (done) this.#jvm = undefined
      if (done) throw new Error(`the JVM of the tools ended in ${tool} ${args.join(' ')}`)
      const answer = JSON.parse(value) as Omit<ToolResult, 'status'> & { status?: number }
      if (answer.status !== undefined) return { ...answer, status: answer.status }
      this.#jvm = undefined
      return { ...answer, status: (await ended) ?? -1 }
    })
    this.#turn = result.catch(() => {})
    return result
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#jvm?.child.kill('SIGKILL')
    await this.#jvm?.ended
  }
}

function startJvm(): Jvm {
  const flags = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
  const child = spawn('java', [...flags, '-cp', classPath, 'ToolServer'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  // That it has ended shows at the next answer.
  child.stdin.on('error', () => {})
  return {
    child,
    answers: createInterface({ input: child.stdout })[Symbol.asyncIterator](),
    ended: new Promise((done) => child.on('close', done)),
  }
}
