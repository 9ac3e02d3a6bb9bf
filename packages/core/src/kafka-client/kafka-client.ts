// KafkaClient: requests to the brokers of one cluster over Host's Network. It knows who leads, who
// coordinates and who controls, keeps a pipelined connection to each broker and lane, and agrees on
// versions with each.
//
// A lane is a connection of its own: what may be answered late (a long poll, a join) must not hold up
// what stands behind it. `request` makes one attempt; `retry` is for those who want more.

import { type Api, apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { MetadataResponse } from '@sluice/protocol/messages/03-metadata'
import type { Decoded, Message } from '@sluice/protocol/schema'
import { type Clock, sleep } from '../host/clock.ts'
import type { Logger } from '../host/logger.ts'
import type { Address, Network } from '../host/network.ts'
import type { Random } from '../host/random.ts'
import { TimerQueue } from '../lib/timer-queue.ts'
import { type BackoffLimits, backoffMs, defaultBackoff } from './backoff.ts'
import { BrokerConnection, type RequestBody } from './broker-connection.ts'
import { asKafkaError, KafkaError } from './kafka-error.ts'
import {
  type ClusterMetadata,
  MetadataCache,
  type MetadataQuery,
  type TopicMetadata,
} from './metadata-cache.ts'

export interface KafkaClientOptions {
  readonly network: Network
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly bootstrap: readonly Address[]
  readonly clientId: string
  /** request.timeout.ms */
  readonly requestTimeoutMs?: number
  /** metadata.max.age.ms */
  readonly metadataMaxAgeMs?: number
  /** retry.backoff.ms and retry.backoff.max.ms */
  readonly backoff?: BackoffLimits
}

export type Target = { readonly node: number } | { readonly group: string } | 'any' | 'controller'

export interface RequestOptions {
  readonly maxVersion?: number
  /** How long to wait for the answer, on top of what the request itself may take at the broker. */
  readonly timeoutMs?: number
  /** A name from `newLane`; the common one without. */
  readonly lane?: string
  /** The request says what only Sluice's brokers understand; others are not asked: UNSUPPORTED_VERSION. */
  readonly extended?: boolean
}

export interface RetryOptions {
  /** No attempt begins later than this. */
  readonly timeoutMs?: number
  /** Called before each further attempt. */
  readonly onRetry?: (error: KafkaError) => void
}

interface Lane {
  readonly key: string
  readonly address: Address
}

/** How a broker's connections went lately: the pause before the next one grows with failures. */
interface Reach {
  failures: number
  notBeforeMs: number
}

const commonLane = 'common'
const defaultRequestTimeoutMs = 30_000
const defaultMetadataMaxAgeMs = 300_000
const defaultRetryTimeoutMs = 60_000
const groupKeyType = 0

export class KafkaClient {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly backoff: BackoffLimits
  readonly requestTimeoutMs: number
  readonly #options: KafkaClientOptions
  readonly #deadlines: TimerQueue
  readonly #metadata: MetadataCache
  readonly #connections = new Map<string, BrokerConnection>()
  readonly #reach = new Map<string, Reach>()
  readonly #coordinators = new Map<string, number>()
  /** By API: until when the quotas of this client hold it back. */
  readonly #throttledUntilMs = new Map<number, number>()
  #laneCount = 0
  #closed = false

  constructor(options: KafkaClientOptions) {
    if (options.bootstrap.length === 0) throw new RangeError('a client needs a bootstrap address')
    this.#options = options
    this.clock = options.clock
    this.random = options.random
    this.logger = options.logger
    this.backoff = options.backoff ?? defaultBackoff
    this.requestTimeoutMs = options.requestTimeoutMs ?? defaultRequestTimeoutMs
    this.#deadlines = new TimerQueue(options.clock)
    this.#metadata = new MetadataCache({
      ask: (query) => this.#askMetadata(query),
      clock: options.clock,
      maxAgeMs: options.metadataMaxAgeMs ?? defaultMetadataMaxAgeMs,
    })
  }

  get closed(): boolean {
    return this.#closed
  }

  /** One attempt; rejects with KafkaError, NETWORK_EXCEPTION where the broker was not reached. */
  async request<Q extends Message, S extends Message>(
    api: Api<Q, S>,
    target: Target,
    body: RequestBody<Q>,
    options: RequestOptions = {},
  ): Promise<Decoded<S>> {
    if (target === 'any') return this.#requestAny(api, body, options)
    const nodeId = typeof target === 'object' && 'node' in target ? target.node : undefined
    const lane = await this.#laneTo(nodeId ?? (await this.#resolve(target)), options.lane)
    return this.#call(lane, api, body, options)
  }

  /** For a Produce with acks=0, which has no answer: resolves when it is handed to the network. */
  async send<Q extends Message, S extends Message>(
    api: Api<Q, S>,
    target: { readonly node: number },
    body: RequestBody<Q>,
    options: Pick<RequestOptions, 'lane'> = {},
  ): Promise<void> {
    const lane = await this.#laneTo(target.node, options.lane)
    await this.#call(lane, api, body, {}, false)
  }

  /** Runs `attempt` until it succeeds, fails for good, or the time is over; backs off in between. */
  async retry<T>(attempt: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
    const { timeoutMs = defaultRetryTimeoutMs, onRetry } = options
    const deadlineMs = this.clock.monotonic() + timeoutMs
    for (let attempts = 1; ; attempts++) {
      try {
        return await attempt()
      } catch (thrown) {
        const error = asKafkaError(thrown)
        const pauseMs = backoffMs(this.backoff, attempts, this.random)
        const late = this.clock.monotonic() + pauseMs >= deadlineMs
        if (!error.retriable || late || this.#closed) throw error
        onRetry?.(error)
        await sleep(this.clock, pauseMs)
        if (this.#closed) throw error
      }
    }
  }

  /** The topics from the cache where they are known, else asked for; without `topics` all, asked for. */
  async metadata(
    topics?: readonly string[],
    options: { refresh?: boolean; allowAutoTopicCreation?: boolean } = {},
  ): Promise<ClusterMetadata> {
    const known = topics?.map((name) => this.#metadata.topic(name))
    const { clusterId, controllerId, brokers } = this.#metadata
    const mayUseKnown = !options.refresh && brokers.length > 0
    if (mayUseKnown && known?.every((topic) => topic !== undefined)) {
      const byName = new Map(known.map((topic) => [topic.name, topic]))
      return { clusterId, controllerId, brokers, topics: byName }
    }
    return this.#metadata.refresh(topics, options)
  }

  /** What is known of a topic without asking. */
  topic(name: string): TopicMetadata | undefined {
    return this.#metadata.topic(name)
  }

  /** The topic's leader or id turned out to be wrong: the next look asks again. */
  forgetTopic(name: string): void {
    this.#metadata.forget(name)
  }

  /** Id of the broker that coordinated `group` when it was last asked; -1 where none was. */
  coordinatorOf(group: string): number {
    return this.#coordinators.get(group) ?? -1
  }

  /** The coordinator of `group` turned out to be another one. */
  forgetCoordinator(group: string): void {
    this.#coordinators.delete(group)
  }

  /** The controller turned out to be another one. */
  forgetController(): void {
    this.#metadata.forgetController()
  }

  /**
   * How much longer the brokers hold back requests of this kind, because this client has used up a quota
   * (KIP-219: they are read later, on the connection that was told so); 0: they do not.
   */
  throttledMs({ key }: { readonly key: number }): number {
    return Math.max(0, (this.#throttledUntilMs.get(key) ?? 0) - this.clock.monotonic())
  }

  /** A name for connections of one's own. Ended by closeLane. */
  newLane(purpose: string): string {
    return `${purpose}-${++this.#laneCount}`
  }

  closeLane(lane: string): void {
    for (const [key, connection] of this.#connections) {
      if (key.startsWith(`${lane}/`)) connection.close()
    }
  }

  close(): void {
    this.#closed = true
    for (const connection of [...this.#connections.values()]) connection.close()
    this.#deadlines.close()
  }

  #call<Q extends Message, S extends Message>(
    lane: Lane,
    api: Api<Q, S>,
    body: RequestBody<Q>,
    options: RequestOptions,
    answered = true,
  ): Promise<Decoded<S>> {
    return new Promise((resolve, reject) => {
      this.#connection(lane).call({
        api: api as unknown as Api,
        body,
        maxVersion: options.maxVersion,
        answered,
        extended: options.extended ?? false,
        timeoutMs: options.timeoutMs ?? this.requestTimeoutMs,
        settle: (error, response) => {
          if (error !== undefined) {
            reject(error)
            return
          }
          this.#noteThrottle(api.key, response)
          resolve(response as Decoded<S>)
        },
      })
    })
  }

  #noteThrottle(apiKey: number, response: unknown): void {
    const { throttleTimeMs = 0 } = (response ?? {}) as { throttleTimeMs?: number }
    if (throttleTimeMs <= 0) return
    this.#throttledUntilMs.set(apiKey, this.clock.monotonic() + throttleTimeMs)
  }

  /** The connection of a lane, made where there is none. */
  #connection(lane: Lane): BrokerConnection {
    if (this.#closed) throw new KafkaError(errors.NETWORK_EXCEPTION, 'the client is closed')
    const present = this.#connections.get(lane.key)
    if (present !== undefined) return present
    const place = `${lane.address.host}:${lane.address.port}`
    const reach = this.#reach.get(place)
    const { network, clientId } = this.#options
    const connection: BrokerConnection = new BrokerConnection({
      network,
      clientId,
      deadlines: this.#deadlines,
      address: lane.address,
      timeoutMs: this.requestTimeoutMs,
      delayMs: Math.max(0, (reach?.notBeforeMs ?? 0) - this.clock.monotonic()),
      onOpen: () => this.#reach.delete(place),
      onClose: (failed) => {
        if (this.#connections.get(lane.key) === connection) this.#connections.delete(lane.key)
        if (failed) this.#backOff(place)
      },
    })
    this.#connections.set(lane.key, connection)
    return connection
  }

  #backOff(place: string): void {
    const failures = (this.#reach.get(place)?.failures ?? 0) + 1
    const pauseMs = backoffMs(this.backoff, failures, this.random)
    this.#reach.set(place, { failures, notBeforeMs: this.clock.monotonic() + pauseMs })
  }

  /** At once where the broker is known; else its address is asked for. */
  #laneTo(nodeId: number, lane: string | undefined): Lane | Promise<Lane> {
    const broker = this.#metadata.broker(nodeId)
    if (broker !== undefined) return laneOf(broker, lane)
    return this.#metadata.refresh([]).then(() => {
      const found = this.#metadata.broker(nodeId)
      if (found !== undefined) return laneOf(found, lane)
      throw new KafkaError(errors.BROKER_NOT_AVAILABLE, `there is no broker ${nodeId}`)
    })
  }

  async #resolve(target: { group: string } | 'controller' | { node: number }): Promise<number> {
    if (target === 'controller') {
      if (this.#metadata.controllerId < 0) await this.#metadata.refresh([])
      const { controllerId } = this.#metadata
      if (controllerId >= 0) return controllerId
      throw new KafkaError(errors.BROKER_NOT_AVAILABLE, 'the cluster has no controller')
    }
    if ('node' in target) return target.node
    return this.#coordinators.get(target.group) ?? this.#findCoordinator(target.group)
  }

  async #findCoordinator(group: string): Promise<number> {
    const response = await this.request(apis.findCoordinator, 'any', (version) =>
      version < 4
        ? { key: group, keyType: groupKeyType }
        : { coordinatorKeys: [group], keyType: groupKeyType },
    )
    const found = response.coordinators[0] ?? response
    if (found.errorCode !== errors.NONE) throw new KafkaError(found.errorCode, found.errorMessage)
    const { nodeId, host, port } = found
    if (this.#metadata.broker(nodeId) === undefined) {
      this.#metadata.learnBroker({ nodeId, host, port, rack: null })
    }
    this.#coordinators.set(group, nodeId)
    return nodeId
  }

  async #askMetadata(query: MetadataQuery): Promise<MetadataResponse> {
    const { topics, allowAutoTopicCreation } = query
    const body = { topics: topics?.map((name) => ({ name })) ?? null, allowAutoTopicCreation }
    return this.#requestAny(apis.metadata, body, {})
  }

  /** Tries one broker after the other until one is reached. */
  async #requestAny<Q extends Message, S extends Message>(
    api: Api<Q, S>,
    body: RequestBody<Q>,
    options: RequestOptions,
  ): Promise<Decoded<S>> {
    let failure: unknown
    for (const lane of this.#candidates(options.lane)) {
      try {
        return await this.#call(lane, api, body, options)
      } catch (error) {
        failure = error
        if (!(error instanceof KafkaError) || error.code !== errors.NETWORK_EXCEPTION) throw error
      }
    }
    throw failure
  }

  /** Open connections first, then known brokers, then where we began; those that failed lately last. */
  #candidates(lane: string | undefined): Lane[] {
    const known = this.#shuffled([...this.#metadata.brokers])
    const first = this.#shuffled([...this.#options.bootstrap])
    const lanes = new Map<string, Lane>()
    for (const address of [...known, ...first]) {
      const candidate = laneOf(address, lane)
      if (!lanes.has(candidate.key)) lanes.set(candidate.key, candidate)
    }
    return [...lanes.values()].sort((a, b) => this.#preference(a) - this.#preference(b))
  }

  #preference({ key, address }: Lane): number {
    if (this.#connections.get(key)?.open) return 0
    return this.#reach.has(`${address.host}:${address.port}`) ? 2 : 1
  }

  #shuffled<T>(items: T[]): T[] {
    for (let index = items.length - 1; index > 0; index--) {
      const other = this.random.integer(index + 1)
      const item = items[index]
      items[index] = items[other]
      items[other] = item
    }
    return items
  }
}

function laneOf({ host, port }: Address, lane = commonLane): Lane {
  return { key: `${lane}/${host}:${port}`, address: { host, port } }
}
