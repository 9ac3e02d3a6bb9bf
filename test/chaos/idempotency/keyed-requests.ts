// Requests under idempotency keys against `sluice dev` in a process of its own: some of their connections are
// cut, the broker is killed (kill -9) now and then, and each request is sent again until it is answered.
// At the end the log holds each of them once, where its answer said.

import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { freePort } from '../../lib/free-port.ts'
import { type RunningBroker, startBroker, temporaryFolder } from '../../sluice/command.ts'

export interface KeyedRun {
  readonly requests: number
  /** Of the requests, how many have a connection cut under them at their first attempt. */
  readonly cutShare: number
  readonly kills: number
  readonly seed: string
  readonly report?: (text: string) => void
}

export interface KeyedResult {
  /** Records in the log at the end. */
  readonly records: number
  readonly attempts: number
  readonly cut: number
  /** Answers that said that the request had been stored before. */
  readonly replayed: number
  /** 409: the one before was still under way. */
  readonly inFlight: number
  readonly otherBodiesRefused: number
  readonly violations: readonly string[]
}

interface Position {
  readonly partition: number
  readonly offset: number
}

type Cut = 'at the answer' | { readonly afterMs: number }

interface Answer {
  readonly status: number
  readonly replayed: boolean
  readonly text: string
}

const topic = 'payments'
const partitions = 3
const writers = 32
const pauseMs = 20
const answerWithinMs = 30_000
const otherBodiesMax = 200
/** Small segments: some kills hit a roll, and the keys come from snapshots. */
const overrides = ['log.segment.bytes=1048576', 'num.partitions=3']

export async function runKeyed(run: KeyedRun): Promise<KeyedResult> {
  using folder = temporaryFolder()
  const port = await freePort()
  const args = ['dev', '--port', `${port}`, '--data', folder.path, '--json']
  for (const override of overrides) args.push('--override', override)
  return await new Keyed(run, port, args).run()
}

class Keyed {
  readonly #run: KeyedRun
  readonly #port: number
  readonly #args: readonly string[]
  readonly #random: SeededRandom
  readonly #agent = new Agent({ keepAlive: true })
  readonly #positions = new Map<string, Position>()
  readonly #violations: string[] = []
  #broker!: RunningBroker
  #next = 0
  #attempts = 0
  #cut = 0
  #replayed = 0
  #inFlight = 0

  constructor(run: KeyedRun, port: number, args: readonly string[]) {
    this.#run = run
    this.#port = port
    this.#args = args
    this.#random = new SeededRandom(run.seed)
  }

  async run(): Promise<KeyedResult> {
    this.#broker = await startBroker(this.#args)
    try {
      const killing = this.#kill()
      await Promise.all(Array.from({ length: writers }, () => this.#write()))
      await killing
      const otherBodiesRefused = await this.#sendOtherBodies()
      const records = await this.#readAll()
      return {
        records,
        attempts: this.#attempts,
        cut: this.#cut,
        replayed: this.#replayed,
        inFlight: this.#inFlight,
        otherBodiesRefused,
        violations: this.#violations,
      }
    } finally {
      this.#agent.destroy()
      await this.#broker[Symbol.asyncDispose]()
    }
  }

  /** Spread over the requests, each a while after the broker is up again. */
  async #kill(): Promise<void> {
    const { requests, kills, report } = this.#run
    for (let kill = 1; kill <= kills; kill++) {
      const due = Math.floor((requests * kill) / (kills + 1))
      while (this.#positions.size < due) await pause(5)
      await this.#broker.end('SIGKILL')
      report?.(`kill -9 ${kill} of ${kills}, ${this.#positions.size} requests answered`)
      this.#broker = await startBroker(this.#args)
    }
  }

  async #write(): Promise<void> {
    while (this.#next < this.#run.requests) {
      const name = `payment-${this.#next++}`
      const position = await this.#store(name)
      if (position === undefined) this.#violations.push(`${name} was never answered`)
      else this.#positions.set(name, position)
    }
  }

  async #store(name: string): Promise<Position | undefined> {
    let cut = this.#random.chance(this.#run.cutShare)
    const deadlineMs = Date.now() + answerWithinMs
    for (; Date.now() < deadlineMs; cut = false) {
      this.#attempts += 1
      const answer = await this.#post(name, name, cut && this.#drawCut()).catch(() => undefined)
      if (answer?.status === 200) {
        if (answer.replayed) this.#replayed += 1
        return JSON.parse(answer.text).results[0]
      }
      if (answer?.status === 409) this.#inFlight += 1
      else if (answer && answer.status < 500) {
        this.#violations.push(`${name}: ${answer.status} ${answer.text}`)
        return undefined
      }
      await pause(pauseMs)
    }
    return undefined
  }

  /** At any time, or when the answer has come and nobody has read it. */
  #drawCut(): Cut {
    return this.#random.chance(0.5) ? 'at the answer' : { afterMs: this.#random.number() * 6 }
  }

  #post(name: string, body: string, cut: Cut | false): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = httpRequest({
        host: '127.0.0.1',
        port: this.#port,
        method: 'POST',
        path: `/v1/topics/${topic}/records`,
        headers: { 'idempotency-key': `"${name}"`, 'content-type': 'text/plain' },
        // A connection that is cut is its own.
        agent: cut ? false : this.#agent,
      })
      const cutOff = () => {
        this.#cut += 1
        sent.destroy()
        reject(new Error('cut'))
      }
      sent.on('error', reject)
      sent.on('response', (response) => {
        if (cut === 'at the answer') cutOff()
        else read(response).then(resolve, reject)
      })
      sent.end(body)
      if (cut && cut !== 'at the answer') setTimeout(cutOff, cut.afterMs)
    })
  }

  /** The same keys with another body are refused, also after the kills. */
  async #sendOtherBodies(): Promise<number> {
    let refused = 0
    const names = [...this.#positions.keys()]
    const step = Math.max(1, Math.floor(names.length / otherBodiesMax))
    for (let index = 0; index < names.length; index += step) {
      const answer = await this.#post(names[index], 'another body', false)
      if (answer.status === 422) refused += 1
      else this.#violations.push(`another body for ${names[index]}: ${answer.status}`)
    }
    return refused
  }

  /** Every record is there once, where its answer said. */
  async #readAll(): Promise<number> {
    const places = new Map<string, Position>()
    let records = 0
    for (let partition = 0; partition < partitions; partition++) {
      const path = `/v1/topics/${topic}/partitions/${partition}/records?from=earliest`
      const url = `${this.#broker.httpUrl}${path}&format=string&max_records=10000&max_bytes=16777216`
      let from = ''
      for (;;) {
        const page = (await (
          await fetch(url.replace('from=earliest', from || 'from=earliest'))
        ).json()) as {
          records: { value: string; offset: number }[]
        }
        if (page.records.length === 0) break
        for (const { value, offset } of page.records) {
          records += 1
          if (places.has(value)) this.#violations.push(`${value} is there twice`)
          places.set(value, { partition, offset })
        }
        from = `from=offset:${(page.records.at(-1)?.offset ?? 0) + 1}`
      }
    }
    for (const [name, { partition, offset }] of this.#positions) {
      const place = places.get(name)
      if (place?.partition === partition && place.offset === offset) continue
      const found = place ? `${place.partition}@${place.offset}` : 'nowhere'
      this.#violations.push(`${name} was answered ${partition}@${offset} and is ${found}`)
    }
    return records
  }
}

async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  const replayed = response.headers['idempotency-replayed'] === 'true'
  return { status: response.statusCode ?? 0, replayed, text: Buffer.concat(chunks).toString() }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
