// Apache Kafka's command-line tools in one JVM (ToolServer.java): starting one a tool is most of what a run costs.

import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import { classPath, type Tool, type ToolResult, toolClass } from './apache.ts'

export class ToolServer implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #reader: Interface
  #turn: Promise<unknown> = Promise.resolve()

  constructor() {
    const java = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
    this.#child = spawn('java', [...java, '-cp', classPath, 'ToolServer'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#reader = createInterface({ input: this.#child.stdout! })
    this.#lines = this.#reader[Symbol.asyncIterator]()
  }

  /** Runs a tool to its end; one at a time, in the order of the calls. `input` is its standard input. */
  run(tool: Tool, args: readonly string[], input?: string): Promise<ToolResult> {
    const result = this.#turn.then(async () => {
      this.#child.stdin!.write(`${JSON.stringify({ tool: toolClass[tool], args, input })}\n`)
      const { value, done } = await this.#lines.next()
      if (done) throw new Error(`the JVM of the tools ended in ${tool} ${args.join(' ')}`)
      return JSON.parse(value) as ToolResult
    })
    this.#turn = result.catch(() => {})
    return result
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((done) => this.#child.on('close', done))
    this.#child.kill('SIGKILL')
    await ended
  }
}
