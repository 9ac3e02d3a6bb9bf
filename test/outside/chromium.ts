// Chromium, without a window, driven through its DevTools protocol: one page, scripts run in it.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const startTimeoutMs = 60_000
const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--remote-debugging-port=0',
  '--window-size=1280,1600',
]

interface Answer {
  readonly id?: number
  readonly method?: string
  readonly params?: Record<string, unknown>
  readonly error?: { message: string }
  // biome-ignore lint/suspicious/noExplicitAny: whatever a page's script returns
  readonly result?: any
}

export class Chromium implements AsyncDisposable {
  /** What the page's console said, and what its content security policy refused. */
  readonly messages: string[] = []
  readonly #child: ChildProcess
  readonly #home: string
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  readonly #loaded = new Set<() => void>()
  #lastId = 0

  private constructor(child: ChildProcess, home: string, socket: WebSocket) {
    this.#child = child
    this.#home = home
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => this.#take(JSON.parse(String(data))))
  }

  static async start(): Promise<Chromium> {
    const home = mkdtempSync(join(tmpdir(), 'sluice-chromium-'))
    const args = [...flags, `--user-data-dir=${home}`, 'about:blank']
    const child = spawn('chromium', args, { stdio: 'ignore' })
    const port = await debuggingPort(home, child)
    const pages = await fetch(`http://127.0.0.1:${port}/json/list`)
    const [page] = (await pages.json()) as { type: string; webSocketDebuggerUrl: string }[]
    const socket = new WebSocket(page.webSocketDebuggerUrl)
    await once(socket, 'open')
    const chromium = new Chromium(child, home, socket)
    for (const domain of ['Page', 'Runtime', 'Log']) await chromium.#send(`${domain}.enable`)
    return chromium
  }

  async open(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => this.#loaded.add(resolve))
    await this.#send('Page.navigate', { url })
    await loaded
  }

  /** Runs a script in the page; promises are awaited, the result comes as JSON. */
  async run(expression: string): Promise<unknown> {
    const options = { expression, awaitPromise: true, returnByValue: true }
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', options)
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description)
    return result.value
  }

  async screenshot(file: string): Promise<void> {
    const { data } = await this.#send('Page.captureScreenshot', { format: 'png' })
    writeFileSync(file, Buffer.from(data, 'base64'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'close')
    this.#child.kill('SIGKILL')
    await ended
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }

  // biome-ignore lint/suspicious/noExplicitAny: as the protocol has it
  #send(method: string, params: object = {}): Promise<any> {
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ error, result }) =>
        error ? reject(new Error(`${method}: ${error.message}`)) : resolve(result),
      )
      this.#socket.send(JSON.stringify({ id, method, params }))
    })
  }

  #take(answer: Answer): void {
    const { id, method, params } = answer
    if (id !== undefined) {
      this.#waiting.get(id)?.(answer)
      this.#waiting.delete(id)
    } else if (method === 'Page.loadEventFired') {
      for (const resolve of this.#loaded) resolve()
      this.#loaded.clear()
    } else if (method === 'Log.entryAdded' || method === 'Runtime.exceptionThrown') {
      this.messages.push(JSON.stringify(params))
    }
  }
}

/** Chromium writes it into its profile. */
async function debuggingPort(home: string, child: ChildProcess): Promise<string> {
  const file = join(home, 'DevToolsActivePort')
  const deadline = performance.now() + startTimeoutMs
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`chromium ended with ${child.exitCode}`)
    const [port] = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
    if (port) return port
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error('chromium was not ready')
}
