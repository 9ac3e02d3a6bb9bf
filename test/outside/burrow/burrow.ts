// Burrow as Debian packages it, the one ZooKeeper it insists on, and its HTTP API.

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { reachable } from '../kafka/apache.ts'
import { freePort } from '../target.ts'

const jars = resolve(import.meta.dirname, '../../../.cache/outside/zookeeper/lib')

export interface Lag {
  status: string
  totallag: number
  partitions: {
    topic: string
    partition: number
    current_lag: number
    end: { offset: number }
  }[]
}

export class Burrow implements AsyncDisposable {
  readonly #home = mkdtempSync(join(tmpdir(), 'burrow-'))
  readonly #children: ChildProcess[] = []
  #url = ''

  static async start(bootstrap: string): Promise<Burrow> {
    const burrow = new Burrow()
    try {
      await burrow.#start(bootstrap)
    } catch (cause) {
      const said = burrow.log
      await burrow[Symbol.asyncDispose]()
      throw new Error(`Burrow does not start: ${said.slice(-2_000)}`, { cause })
    }
    return burrow
  }

  async #start(bootstrap: string): Promise<void> {
    const [zookeeper, http] = [await freePort(), await freePort()]
    this.#write('zoo.cfg', [
      `dataDir=${this.#home}/zookeeper`,
      `clientPort=${zookeeper}`,
      'clientPortAddress=127.0.0.1',
      'admin.enableServer=false',
    ])
    const server = 'org.apache.zookeeper.server.ZooKeeperServerMain'
    this.#run('java', ['-Xmx64m', '-cp', `${jars}/*`, server, join(this.#home, 'zoo.cfg')])
    await zookeeperReady(zookeeper, 60_000)
    this.#write('burrow.toml', config({ bootstrap, zookeeper, http, home: this.#home }))
    this.#run('Burrow', ['--config-dir', this.#home])
    await reachable(http, 30_000)
    this.#url = `http://127.0.0.1:${http}/v3/kafka/local`
  }

  #write(name: string, lines: string[]): void {
    writeFileSync(join(this.#home, name), lines.join('\n'))
  }

  #run(program: string, args: string[]): void {
    const child = spawn(program, args, { stdio: 'ignore' })
    child.on('error', () => {})
    this.#children.push(child)
  }

  get log(): string {
    const path = join(this.#home, 'burrow.log')
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  }

  /** The ends of a topic's partitions. */
  async ends(topic: string): Promise<number[] | undefined> {
    const { offsets } = (await this.#get(`topic/${topic}`)) as { offsets?: number[] }
    return offsets
  }

  async groups(): Promise<string[]> {
    return ((await this.#get('consumer')) as { consumers: string[] }).consumers
  }

  async lag(group: string): Promise<Lag> {
    return ((await this.#get(`consumer/${group}/lag`)) as { status: Lag }).status
  }

  async #get(path: string): Promise<unknown> {
    const answer = await fetch(`${this.#url}/${path}`)
    return answer.json()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      const ended = new Promise((done) => child.on('close', done))
      if (child.exitCode === null && child.kill('SIGKILL')) await ended
    }
    rmSync(this.#home, { recursive: true, force: true })
  }
}

/** It listens before it serves, and Burrow does not try twice. */
async function zookeeperReady(port: number, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (performance.now() < deadline) {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => socket.write('srvr'))
    socket.setTimeout(1_000, () => socket.destroy())
    const said = await text(socket).catch(() => '')
    if (said.startsWith('Zookeeper version')) return
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error(`ZooKeeper does not serve after ${timeoutMs} ms`)
}

interface Places {
  bootstrap: string
  zookeeper: number
  http: number
  home: string
}

/** Looks every second, and evaluates what it is asked anew each time. */
function config({ bootstrap, zookeeper, http, home }: Places): string[] {
  const kafka = ['class-name="kafka"', `servers=["${bootstrap}"]`, 'client-profile="local"']
  return [
    ...['[general]', `pidfile="${home}/burrow.pid"`],
    ...['[logging]', `filename="${home}/burrow.log"`, 'level="info"'],
    ...['[zookeeper]', `servers=["127.0.0.1:${zookeeper}"]`, 'root-path="/burrow"'],
    // What its client speaks: the newest that it knows.
    ...['[client-profile.local]', 'client-id="burrow"', 'kafka-version="2.1.0"'],
    ...['[cluster.local]', ...kafka, 'topic-refresh=1', 'offset-refresh=1'],
    ...['[consumer.local]', ...kafka, 'cluster="local"'],
    ...['[httpserver.default]', `address="127.0.0.1:${http}"`],
    ...['[storage.default]', 'class-name="inmemory"', 'intervals=2', 'min-distance=1'],
    ...['[evaluator.default]', 'class-name="caching"', 'expire-cache=1'],
    '',
  ]
}
