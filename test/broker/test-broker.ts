// A broker in a test: real code on a memory host (or a given disk and table), reached over the memory
// network (or a given one) by a client that speaks the protocol's own codecs and says exactly what it is told to.

import type { Broker } from '@sluice/broker/broker'
import { FaultPlan } from '@sluice/broker/faults'
import { createBroker } from '@sluice/broker/running-broker'
import { brokerConfig } from '@sluice/core/config/broker-config'
import type { Disk } from '@sluice/core/host/disk'
import { type Logger, silentLogger } from '@sluice/core/host/logger'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { MemoryNetwork } from '@sluice/core/host/memory/network'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import type { Address, Connection, Network } from '@sluice/core/host/network'
import { NodeClock } from '@sluice/core/host/node/clock'
import type { Table } from '@sluice/core/host/table'
import { Metrics } from '@sluice/core/metrics/metrics'
import { type Api, apis } from '@sluice/protocol/apis'
import { readResponse, requestFrame } from '@sluice/protocol/frame'
import { FrameReader } from '@sluice/protocol/frame-reader'
import { encodeBatch } from '@sluice/protocol/records/record'
import type { Decoded, Encodable, Message } from '@sluice/protocol/schema'

const inMemory = { host: 'broker', port: 9092 }
const onLoopback = { host: '127.0.0.1', port: 0 }

export interface TestBrokerOptions {
  readonly config?: Record<string, string>
  readonly disk?: Disk
  readonly table?: Table
  readonly clock?: NodeClock
  /** Bound on loopback; without, a memory network of its own. */
  readonly network?: Network
  readonly logger?: Logger
  /** Of its random draws; another one for each start on the same table. */
  readonly seed?: string
  readonly onFatal?: (reason: Error) => void
}

export class TestBroker {
  readonly broker: Broker
  readonly clock: NodeClock
  readonly faults: FaultPlan
  readonly metrics: Metrics
  readonly #network: Network
  readonly #clients = new Set<TestClient>()

  private constructor(parts: {
    broker: Broker
    clock: NodeClock
    faults: FaultPlan
    metrics: Metrics
    network: Network
  }) {
    this.broker = parts.broker
    this.clock = parts.clock
    this.faults = parts.faults
    this.metrics = parts.metrics
    this.#network = parts.network
  }

  static async start(options: TestBrokerOptions = {}): Promise<TestBroker> {
    const clock = options.clock ?? new NodeClock()
    const network = options.network ?? new MemoryNetwork(clock)
    const bind = options.network ? onLoopback : inMemory
    const config = brokerConfig({ 'log.dirs': '/data', ...options.config })
    if (!config.ok) throw new Error(config.errors[0].message)
    const metrics = new Metrics()
    const faults = new FaultPlan()
    const broker = await createBroker({
      host: {
        clock,
        random: new SeededRandom(options.seed ?? 'broker'),
        disk: options.disk ?? new MemoryDisk(),
        network,
        table: options.table ?? new MemoryTable(new MemoryTableStore(clock)),
        logger: options.logger ?? silentLogger,
      },
      config: config.config,
      nodeId: 1,
      metrics,
      faults,
      onFatal: options.onFatal,
      listeners: [{ name: 'PLAINTEXT', network, bind, advertised: 'bound' }],
    })
    return new TestBroker({ broker, clock, faults, metrics, network })
  }

  async connect(): Promise<TestClient> {
    const client = await TestClient.connect(this.#network, this.broker.listeners[0].bound)
    this.#clients.add(client)
    client.closed.then(() => this.#clients.delete(client))
    return client
  }

  async createTopic(
    name: string,
    options: { partitions?: number; configs?: Record<string, string> } = {},
  ): Promise<string> {
    const { partitions = 1, configs = {} } = options
    const [created] = await this.broker.cluster.controller.createTopics([
      { name, partitions, replicationFactor: 1, configs },
    ])
    if (!created.ok) throw new Error(created.message)
    return created.topic.id
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close()
    await this.broker.close()
  }
}

interface Waiting {
  readonly resolve: (frame: Buffer) => void
  readonly reject: (cause: Error) => void
}

export class TestClient {
  /** Resolves when the broker has closed the connection. */
  readonly closed: Promise<void>
  #wire: Connection | undefined
  readonly #waiting: Waiting[] = []
  #correlationId = 0
  #markClosed = () => {}

  private constructor() {
    this.closed = new Promise((resolve) => {
      this.#markClosed = resolve
    })
  }

  static async connect(network: Network, address: Address): Promise<TestClient> {
    const client = new TestClient()
    const reader = new FrameReader({
      maxBytes: 2 ** 30,
      onFrame: (frame) => client.#waiting.shift()?.resolve(frame),
    })
    client.#wire = await network.connect(address, () => ({
      onData: (view) => reader.push(view),
      onClose: () => {
        client.#markClosed()
        for (const { reject } of client.#waiting.splice(0)) reject(new Error('connection closed'))
      },
    }))
    return client
  }

  /** Sends a request, damaged on the way if need be, and reads its response at the same version. */
  async send<Q extends Message, S extends Message>(
    api: Api<Q, S>,
    version: number,
    body: Encodable<Q>,
    damage: (frame: Buffer) => void = () => {},
  ): Promise<Decoded<S>> {
    const correlationId = ++this.#correlationId
    const frame = Buffer.concat(requestFrame(api, version, correlationId, 'test', body))
    damage(frame)
    const response = readResponse(api, version, await this.sendRaw(frame))
    if (response.correlationId !== correlationId) throw new Error('answers are out of order')
    return response.body
  }

  /** Sends a request that has no response. */
  sendSilently<Q extends Message>(api: Api<Q, Message>, version: number, body: Encodable<Q>): void {
    const frame = requestFrame(api, version, ++this.#correlationId, 'test', body)
    this.#wire?.write([Buffer.concat(frame)])
  }

  /** Sends any bytes; resolves with the next frame that has no other taker. */
  sendRaw(bytes: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#wire?.write([bytes])
    })
  }

  /** Bytes to which no answer is expected. */
  write(bytes: Buffer): void {
    this.#wire?.write([bytes])
  }

  async produce(
    topic: string,
    values: readonly string[],
    given: { partition?: number; acks?: number; version?: number; batch?: Buffer } = {},
  ) {
    const { partition = 0, acks = -1, version = 9, batch = batchOf(values) } = given
    const response = await this.send(apis.produce, version, {
      acks,
      timeoutMs: 1000,
      topicData: [{ name: topic, partitionData: [{ index: partition, records: batch }] }],
    })
    return response.responses[0].partitionResponses[0]
  }

  /** Reads nothing from now on: the broker's answers stay with it. */
  pause(): void {
    this.#wire?.pause()
  }

  resume(): void {
    this.#wire?.resume()
  }

  /** Sends what was written, then ends its side. */
  end(): void {
    this.#wire?.end()
  }

  close(): void {
    this.#wire?.destroy()
  }
}

export function batchOf(
  values: readonly string[],
  options: Partial<Parameters<typeof encodeBatch>[0]> & { timestamp?: number; key?: string } = {},
): Buffer {
  const { timestamp = Date.now(), key, ...rest } = options
  return encodeBatch({
    records: values.map((value) => ({
      timestamp,
      key: key === undefined ? null : Buffer.from(key),
      value: Buffer.from(value),
    })),
    ...rest,
  })
}
