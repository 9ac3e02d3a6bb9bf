// Scene: the commands of a transcript. Most are tools of Apache Kafka, in one JVM; the others set a scene:
//
//   produce TOPIC PARTITION COUNT [TIME]   records v0, v1, …, keys k0, k1, …, at TIME, TIME + 1000, … ms
//   member start GROUP TOPIC               a member that reads nothing more, until: member stop GROUP
//   write FILE TEXT                        a file, which arguments name as @FILE
//   show FILE                              what is in it
//   ask API.VERSION {FIELD:VALUE,…}        a request of the protocol as it is (asking.ts)
//   pause                                  until a broker of Apache Kafka has heard of what its controller did

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import kafkajs, { type Consumer, type Kafka } from 'kafkajs'
import { runTool, type Tool, toolClass } from '../kafka/apache.ts'
import { ToolServer } from '../kafka/tool-server.ts'
import type { Target } from '../target.ts'
import { ask } from './asking.ts'
import { plainAnswer, plainLines } from './plain.ts'

const pauseMs = 500
const stateTimeoutMs = 10_000
const statePollMs = 50

/** They do the last of their work while their JVM ends, and so each needs one of its own. */
const endsInHook: ReadonlySet<string> = new Set([
  'kafka-verifiable-producer',
  'kafka-verifiable-consumer',
])

type SceneCommand = (args: string[]) => Promise<string[]>

export class Scene implements AsyncDisposable {
  readonly #target: Target
  readonly #tools = new ToolServer()
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-transcript-'))
  readonly #kafka: Kafka
  readonly #members = new Map<string, Consumer>()
  readonly #commands: Record<string, SceneCommand> = {
    produce: (args) => this.#produce(args),
    member: (args) => this.#member(args),
    write: (args) => this.#write(args),
    show: (args) => this.#show(args),
    ask: (args) => this.#ask(args),
    pause: () => new Promise((done) => setTimeout(done, pauseMs, [])),
  }

  constructor(target: Target) {
    this.#target = target
    this.#kafka = new kafkajs.Kafka({
      brokers: [target.bootstrap],
      clientId: 'scene',
      logLevel: kafkajs.logLevel.NOTHING,
    })
  }

  /** What the command prints. */
  async run(line: string): Promise<string[]> {
    const [command, ...filters] = line.split(' | ')
    const [name, ...args] = words(command)
    const own = this.#commands[name]
    const printed = own ? await own(args) : await this.#runTool(name, args)
    return filters.reduce(filtered, printed)
  }

  async #runTool(name: string, given: string[]): Promise<string[]> {
    if (!Object.hasOwn(toolClass, name)) throw new Error(`there is no command ${name}`)
    const args = given.map((arg) => arg.replace(/^@/, `${this.#folder}/`))
    const where = args.includes('--bootstrap-server')
      ? []
      : ['--bootstrap-server', this.#target.bootstrap]
    // Some have verbs, and take the address behind them.
    const verbs = args.findIndex((arg) => arg.startsWith('--'))
    const at = verbs < 0 ? args.length : verbs
    const isBefore = name === 'kafka-features' || name === 'kafka-metadata-quorum'
    const all =
      isBefore || name === 'kafka-transactions'
        ? [...where, ...args]
        : args.toSpliced(at, 0, ...where)
    const result = endsInHook.has(name)
      ? await runTool(name as Tool, all)
      : await this.#tools.run(name as Tool, all)
    return plainLines(result, this.#target).map((line) => line.replaceAll(this.#folder, '@'))
  }

  async #produce([topic, partition, count, time]: string[]): Promise<string[]> {
    const producer = this.#kafka.producer()
    await producer.connect()
    const messages = Array.from({ length: Number(count) }, (_, i) => ({
      key: `k${i}`,
      value: `v${i}`,
      partition: Number(partition),
      ...(time && { timestamp: String(Number(time) + i * 1_000) }),
    }))
    await producer.send({ topic, messages })
    await producer.disconnect()
    return []
  }

  async #member([verb, groupId, topic]: string[]): Promise<string[]> {
    if (verb === 'stop') {
      await this.#members.get(groupId)?.disconnect()
      this.#members.delete(groupId)
      await this.#isInState(groupId, 'Empty')
      return []
    }
    const consumer = this.#kafka.consumer({ groupId })
    this.#members.set(groupId, consumer)
    const joined = new Promise((done) => consumer.on(consumer.events.GROUP_JOIN, done))
    await consumer.connect()
    await consumer.subscribe({ topic })
    await consumer.run({ autoCommit: false, eachMessage: async () => {} })
    await joined
    await this.#isInState(groupId, 'Stable')
    return []
  }

  /** Kafka answers a member before all who ask are told what became of its group. */
  async #isInState(groupId: string, wanted: string): Promise<void> {
    const admin = this.#kafka.admin()
    await admin.connect()
    const deadline = performance.now() + stateTimeoutMs
    for (;;) {
      const { groups } = await admin.describeGroups([groupId])
      const state = groups[0]?.state
      if (state === wanted) break
      if (performance.now() > deadline) throw new Error(`${groupId} is ${state}, not ${wanted}`)
      await new Promise((done) => setTimeout(done, statePollMs))
    }
    await admin.disconnect()
  }

  async #write([file, text]: string[]): Promise<string[]> {
    writeFileSync(join(this.#folder, file), `${text}\n`)
    return []
  }

  async #show([file]: string[]): Promise<string[]> {
    return readFileSync(join(this.#folder, file), 'utf8').trimEnd().split('\n')
  }

  async #ask([what, ...body]: string[]): Promise<string[]> {
    const answer = await ask(this.#target.port, what, body.join(' '))
    return [plainAnswer(answer, this.#target)]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const consumer of this.#members.values()) await consumer.disconnect()
    await this.#tools[Symbol.asyncDispose]()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** As a shell splits them; quotes keep blanks together. */
function words(line: string): string[] {
  const parts = line.match(/'[^']*'|"[^"]*"|\S+/g) ?? []
  return parts.map((part) => part.replace(/^(['"])(.*)\1$/, '$2'))
}

function filtered(lines: string[], filter: string): string[] {
  const [name, ...args] = words(filter)
  if (name === 'sort') return lines.toSorted()
  if (name === 'grep') {
    const inverted = args[0] === '-v'
    const pattern = new RegExp(args.at(-1) ?? '')
    return lines.filter((line) => pattern.test(line) !== inverted)
  }
  throw new Error(`there is no filter ${filter}`)
}
