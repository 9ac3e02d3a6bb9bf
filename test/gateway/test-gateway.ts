// A gateway in a test: the real one, on a real port, in front of a real broker that lives in memory.

import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Broker } from '@sluice/broker/broker'
import { FaultPlan } from '@sluice/broker/faults'
import { createBroker } from '@sluice/broker/running-broker'
import { brokerConfig } from '@sluice/core/config/broker-config'
import { type Logger, silentLogger } from '@sluice/core/host/logger'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { MemoryNetwork } from '@sluice/core/host/memory/network'
import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import { NodeRandom } from '@sluice/core/host/node/random'
import { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { Metrics } from '@sluice/core/metrics/metrics'
import { createGateway, type Gateway } from '@sluice/gateway/gateway'
import type { GatewayLimits } from '@sluice/gateway/limits'
import {
  createHttpServer,
  type HttpServer,
  type HttpTimeouts,
  lightResponse,
} from '../../packages/sluice/src/http-server.ts'

export interface TestGatewayOptions {
  readonly config?: Record<string, string>
  readonly limits?: Partial<GatewayLimits>
  readonly timeouts?: Partial<HttpTimeouts>
  readonly allowedHosts?: readonly string[]
  readonly allowedOrigins?: readonly string[]
  readonly logger?: Logger
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  readonly text: string
  /** Parsed, where it is JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever came
  readonly json: any
}

const address = { host: 'broker', port: 9092 }

export class TestGateway implements AsyncDisposable {
  readonly broker: Broker
  readonly client: KafkaClient
  readonly faults: FaultPlan
  readonly gateway: Gateway
  readonly http: HttpServer
  readonly metrics: Metrics
  readonly port: number
  ready = true

  private constructor(parts: {
    broker: Broker
    client: KafkaClient
    faults: FaultPlan
    metrics: Metrics
    options: TestGatewayOptions
    port: number
    http: HttpServer
    gateway: Gateway
  }) {
    this.broker = parts.broker
    this.client = parts.client
    this.faults = parts.faults
    this.metrics = parts.metrics
    this.port = parts.port
    this.http = parts.http
    this.gateway = parts.gateway
  }

  static async start(options: TestGatewayOptions = {}): Promise<TestGateway> {
    const clock = new NodeClock()
    const random = new NodeRandom()
    const network = new MemoryNetwork(clock)
    const logger = options.logger ?? silentLogger
    const metrics = new Metrics()
    const faults = new FaultPlan()
    const config = brokerConfig({ 'log.dirs': '/data', ...options.config })
    if (!config.ok) throw new Error(config.errors[0].message)
    const table = new MemoryTable(new MemoryTableStore(clock))
    const broker = await createBroker({
      host: { clock, random, disk: new MemoryDisk(), network, table, logger },
      config: config.config,
      nodeId: 1,
      metrics,
      faults,
      listeners: [{ name: 'PLAINTEXT', network, bind: address, advertised: 'bound' }],
    })
    const bootstrap = [address]
    const clientId = 'gateway'
    const client = new KafkaClient({ network, clock, random, logger, bootstrap, clientId })
    let test: TestGateway | undefined
    const gateway = createGateway({
      client,
      clock,
      logger,
      metrics,
      ready: () => test?.ready ?? false,
      allowedHosts: options.allowedHosts ?? [],
      allowedOrigins: options.allowedOrigins,
      limits: options.limits,
      response: lightResponse(),
    })
    const { timeouts, limits } = options
    const http = createHttpServer(gateway, {
      logger,
      timeouts,
      bodyBytesMax: limits?.bodyBytesMax,
    })
    await new Promise<void>((resolve) => http.server.listen(0, '127.0.0.1', resolve))
    const { port } = http.server.address() as AddressInfo
    test = new TestGateway({ broker, client, faults, metrics, options, port, http, gateway })
    return test
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`
  }

  /** Over node:http: the headers go out as they are given. */
  request(
    method: string,
    path: string,
    options: { headers?: RequestOptions['headers']; body?: string | Buffer | object } = {},
  ): Promise<Answer> {
    const { body } = options
    const plain = body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
    const headers = plain
      ? options.headers
      : { 'content-type': 'application/json', ...(options.headers as object) }
    return new Promise((resolve, reject) => {
      const sent = httpRequest(
        { host: '127.0.0.1', port: this.port, method, path, headers, agent: false },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () => resolve(answerOf(response, Buffer.concat(chunks))))
        },
      )
      sent.on('error', reject)
      sent.end(plain ? body : JSON.stringify(body))
    })
  }

  get(path: string, headers: RequestOptions['headers'] = {}): Promise<Answer> {
    return this.request('GET', path, { headers })
  }

  post(
    path: string,
    body: string | Buffer | object,
    headers: RequestOptions['headers'] = {},
  ): Promise<Answer> {
    return this.request('POST', path, { body, headers })
  }

  async createTopic(
    name: string,
    options: { partitions?: number; configs?: Record<string, string> } = {},
  ): Promise<void> {
    const { partitions = 1, configs = {} } = options
    const [created] = await this.broker.cluster.controller.createTopics([
      { name, partitions, replicationFactor: 1, configs },
    ])
    if (!created.ok) throw new Error(created.message)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.http.close(1000)
    this.client.close()
    await this.broker.close()
  }
}

function answerOf(response: IncomingMessage, body: Buffer): Answer {
  const text = body.toString()
  const { 'content-type': type = '', 'content-encoding': encoding } = response.headers
  const isJson = encoding === undefined && /^application\/(.+\+)?json\b/.test(type)
  const json: unknown = isJson && text !== '' ? JSON.parse(text) : undefined
  return { status: response.statusCode ?? 0, headers: response.headers, body, text, json }
}
