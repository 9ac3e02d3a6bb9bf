// A client that sends requests under idempotency keys, as the HTTP API does, each until it is answered, by
// another process where its own was killed in between. Whatever happens, a request is stored once; sent again it
// is answered with what the first one was; another body under its key is refused.

import { createHash } from 'node:crypto'
import { sleep } from '@sluice/core/host/clock'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { type ExactOutcome, ExactProduce } from '@sluice/gateway/exact-produce'
import type { Problem } from '@sluice/gateway/problem'
import { errors } from '@sluice/protocol/errors'
import type { BrokerMachine } from './broker-machine.ts'
import { type ClientMachine, encodeValue, startClient } from './client-machine.ts'
import { name as nameOf, type Place } from './history.ts'
import type { TopicPlan } from './plan.ts'
import type { World } from './world.ts'

const pauseMsMax = 150
const retryMs = 50
const recordsMax = 3
const paddingBytesMax = 100
const killChance = 0.1
const killAfterMsMax = 30
const repeatChance = 0.4
const batchBytesMax = 1_048_576
const lane = 'keyed'

interface KeyedRequest {
  readonly topic: string
  readonly key: string
  readonly values: readonly string[]
  /** -1: as the key has it. */
  readonly partitions: readonly number[]
  readonly padding: number
}

interface Answered {
  readonly request: KeyedRequest
  readonly positions: readonly (Place & { readonly offset: number })[]
  readonly losses: number
}

type Answer =
  | { readonly kind: 'stored'; readonly outcome: ExactOutcome }
  | { readonly kind: 'problem'; readonly problem: Problem }
  | { readonly kind: 'none' }

export interface KeyedContext {
  readonly world: World
  readonly broker: BrokerMachine
  readonly topics: readonly TopicPlan[]
  /** Whether a loss of power may take what was acknowledged, and its key with it. */
  readonly mayForget: boolean
}

export class KeyedActor {
  readonly #name: string
  readonly #world: World
  readonly #broker: BrokerMachine
  readonly #topics: readonly TopicPlan[]
  readonly #mayForget: boolean
  readonly #answered: Answered[] = []
  #home: ClientMachine
  #produce: ExactProduce
  #number = 0
  #stopped = false

  constructor({ world, broker, topics, mayForget }: KeyedContext, name: string) {
    this.#name = name
    this.#mayForget = mayForget
    this.#world = world
    this.#broker = broker
    this.#topics = topics
    this.#home = startClient(world, name)
    this.#produce = new ExactProduce(this.#home.client, { batchBytesMax, lane })
  }

  async run(): Promise<void> {
    const random = this.#world.random.fork(this.#name)
    while (!this.#stopped) {
      await sleep(this.#world.clock, random.number() * pauseMsMax)
      if (this.#answered.length > 0 && random.chance(repeatChance)) {
        await this.#repeat(random.pick(this.#answered), random.chance(0.5) && !this.#mayForget)
        continue
      }
      const request = this.#newRequest(random)
      for (const value of request.values) this.#announce(value, request.topic)
      const dies = () => (random.chance(killChance) ? random.number() * killAfterMsMax : undefined)
      await this.#sendUntilAnswered(request, dies)
    }
  }

  /** Sends nothing new; the request under way is sent until it is answered. */
  stop(): void {
    this.#stopped = true
  }

  close(): void {
    this.#home.client.close()
  }

  #newRequest(random: World['random']): KeyedRequest {
    const topic = random.pick(this.#topics)
    const first = this.#number
    const count = 1 + random.integer(recordsMax)
    this.#number += count
    return {
      topic: topic.name,
      key: `${this.#name} ${first}`,
      values: Array.from({ length: count }, (_, i) => `${this.#name}#${first + i}`),
      partitions: Array.from({ length: count }, () => random.integer(topic.partitions + 1) - 1),
      padding: random.integer(paddingBytesMax),
    }
  }

  #announce(value: string, topic: string): void {
    const number = Number(value.slice(value.indexOf('#') + 1))
    const sent = { topic, producer: this.#name, number, idempotent: false, corrupt: false }
    this.#world.history.sending(value, { ...sent, keyed: true })
  }

  async #sendUntilAnswered(request: KeyedRequest, dies: () => number | undefined): Promise<void> {
    const { clock, history } = this.#world
    for (;;) {
      const { losses } = this.#broker
      const answer = await this.#send(request, 'body', dies())
      if (answer.kind === 'problem') {
        history.violation(`${request.key}: ${answer.problem.code} ${answer.problem.detail}`)
        return
      }
      if (answer.kind === 'stored' && this.#isRefused(request, answer.outcome)) return
      const positions = answer.kind === 'stored' && positionsOf(request, answer.outcome)
      if (!positions) {
        await sleep(clock, retryMs)
        continue
      }
      positions.forEach(({ topic, partition, offset }, i) => {
        history.acknowledged(request.values[i], { topic, partition }, offset)
      })
      this.#answered.push({ request, positions, losses })
      return
    }
  }

  /** By a broker whose clock is hours behind, and will be: nobody sends it again. Some of it may be stored. */
  #isRefused({ topic, values }: KeyedRequest, { outcomes }: ExactOutcome): boolean {
    const { history } = this.#world
    const untimely = (outcome: ExactOutcome['outcomes'][number]) =>
      outcome instanceof KafkaError && outcome.code === errors.INVALID_TIMESTAMP
    if (!outcomes.some(untimely)) return false
    outcomes.forEach((outcome, i) => {
      if (outcome instanceof KafkaError) history.failed(values[i])
      else history.acknowledged(values[i], { topic, partition: outcome.partition }, outcome.offset)
    })
    return true
  }

  /** Once, in calm or trouble: an answer is the one of the first time, or none. */
  async #repeat({ request, positions, losses }: Answered, otherBody: boolean): Promise<void> {
    const answer = await this.#send(request, otherBody ? 'other body' : 'body', undefined)
    // What a loss of power took may be stored again.
    if (losses !== this.#broker.losses) return
    const { history } = this.#world
    if (answer.kind === 'problem') {
      if (!otherBody || answer.problem.code !== 'idempotency_key_reused') {
        history.violation(`${request.key} again: ${answer.problem.code} ${answer.problem.detail}`)
      }
      return
    }
    if (answer.kind === 'none') return
    const again = positionsOf(request, answer.outcome)
    if (!again) return
    if (otherBody) {
      history.violation(`${request.key} with another body is stored`)
      return
    }
    again.forEach(({ topic, partition, offset }, i) => {
      const first = positions[i]
      if (offset === first.offset && partition === first.partition) return
      history.violation(
        `${request.values[i]} is at ${nameOf(first)}@${first.offset}, and sent again at ` +
          `${nameOf({ topic, partition })}@${offset}`,
      )
    })
  }

  async #send(
    { topic, key, values, partitions, padding }: KeyedRequest,
    body: 'body' | 'other body',
    diesAfterMs: number | undefined,
  ): Promise<Answer> {
    const { machine } = this.#home
    const nowMs = machine.clock.now()
    const records = values.map((value, i) => ({
      timestamp: nowMs,
      key: null,
      value: encodeValue(body === 'body' ? value : `other ${value}`, padding),
      headers: [],
      partition: partitions[i] < 0 ? undefined : partitions[i],
    }))
    const fingerprint = createHash('sha256').update(`${body} of ${key}`).digest()
    const terms = { idempotencyKey: key }
    const answered = this.#withTopic(topic).then(() =>
      this.#produce.storeRecords({ topic, acks: 'all', terms, fingerprint, nowMs }, records),
    )
    let over = false
    const settled = answered.then(
      (stored): Answer =>
        stored.ok
          ? { kind: 'stored', outcome: stored.value }
          : { kind: 'problem', problem: stored.problem },
      (error): Answer => {
        if (error instanceof KafkaError) return { kind: 'none' }
        throw error
      },
    )
    if (diesAfterMs === undefined) return settled
    const killed = sleep(this.#world.clock, diesAfterMs).then((): Answer => {
      // Answered in time: what this process does by now is another request, whose answer would never come.
      if (!over) this.#restart()
      return { kind: 'none' }
    })
    const first = await Promise.race([settled, killed])
    over = true
    return first
  }

  async #withTopic(topic: string): Promise<void> {
    const { client } = this.#home
    if (client.topic(topic) === undefined) await client.metadata([topic])
  }

  /** Its process is killed, and another one takes its place. */
  #restart(): void {
    this.#world.kill(this.#home.machine, 'kill')
    this.#home = startClient(this.#world, this.#name)
    this.#produce = new ExactProduce(this.#home.client, { batchBytesMax, lane })
  }
}

/** Undefined where not all is stored. */
function positionsOf({ topic }: KeyedRequest, { outcomes }: ExactOutcome) {
  const positions: (Place & { offset: number })[] = []
  for (const outcome of outcomes) {
    if (outcome instanceof KafkaError) return undefined
    positions.push({ topic, partition: outcome.partition, offset: outcome.offset })
  }
  return positions
}
