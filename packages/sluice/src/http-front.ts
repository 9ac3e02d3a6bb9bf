// HttpFront: takes the sockets that turned out to speak HTTP. With the first one it loads the gateway and
// its server; until those are there, and until the broker is open, sockets wait with their bytes unread.

import type { Socket } from 'node:net'
import type { Broker } from '@sluice/broker/broker'
import type { BrokerConfig } from '@sluice/core/config/broker-config'
import type { Clock } from '@sluice/core/host/clock'
import type { Logger } from '@sluice/core/host/logger'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import type { Metrics } from '@sluice/core/metrics/metrics'
import type { HttpServer } from './http-server.ts'

/** How limits on connections know those that speak HTTP; it has none of its own. */
const httpListener = 'HTTP'

const tooManyConnections =
  'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'

export interface HttpFrontOptions {
  readonly client: KafkaClient
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}

export class HttpFront {
  readonly #options: HttpFrontOptions
  #allowedHosts: readonly string[] | undefined
  #waiting: Socket[] = []
  #server: Promise<HttpServer> | undefined
  #broker: Broker | undefined
  #closed = false

  constructor(options: HttpFrontOptions) {
    this.#options = options
  }

  /** The broker is there: requests are served from now on, under these host names. */
  open(hosts: readonly string[], broker: Broker): void {
    this.#broker = broker
    this.#allowedHosts = [...hosts, ...this.#options.config['sluice.http.hosts']]
    for (const socket of this.#waiting.splice(0)) this.take(socket)
  }

  take(socket: Socket): void {
    if (this.#closed) {
      socket.destroy()
    } else if (this.#allowedHosts === undefined) {
      this.#waiting.push(socket)
    } else if (this.#admit(socket)) {
      this.#server ??= this.#load(this.#allowedHosts)
      this.#server.then(
        ({ server }) => server.emit('connection', socket),
        (error) => {
          this.#options.logger.error({ err: error }, 'the HTTP gateway could not be loaded')
          socket.destroy()
        },
      )
    }
  }

  /** The limits on connections count both protocols of the port. One over a limit is told so and closed. */
  #admit(socket: Socket): boolean {
    const limits = this.#broker?.connectionLimits
    const host = socket.remoteAddress
    if (!limits || host === undefined) return true
    const refusal = limits.hasRoom(httpListener)
      ? limits.refusal(host)
      : { reason: 'more connections than max.connections allows', afterMs: 0 }
    if (refusal) {
      const { reason, afterMs } = refusal
      this.#options.logger.warn({ remote: host }, `HTTP connection closed: ${reason}`)
      const timer = setTimeout(() => socket.end(tooManyConnections), afterMs)
      socket.on('error', () => {})
      socket.on('close', () => clearTimeout(timer))
      return false
    }
    limits.opened(httpListener, host)
    socket.on('close', () => {
      limits.closed(httpListener, host)
      this.#broker?.connectionEnded()
    })
    return true
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const socket of this.#waiting.splice(0)) socket.destroy()
    const server = await this.#server?.catch(() => undefined)
    await server?.close()
  }

  async #load(allowedHosts: readonly string[]): Promise<HttpServer> {
    const [{ createGateway }, { createHttpServer, defaultTimeouts, lightResponse }] =
      await Promise.all([import('@sluice/gateway/gateway'), import('./http-server.ts')])
    const { config } = this.#options
    const ready = () => !this.#closed
    const gateway = createGateway({
      ...this.#options,
      ready,
      allowedHosts,
      allowedOrigins: config['sluice.http.origins'],
      limits: { streamAgeMsMax: config['sluice.http.stream.max.age.ms'] },
      response: lightResponse(),
    })
    const maxIdleMs = this.#broker?.connectionLimits.idleMs ?? defaultTimeouts.idleMs
    return createHttpServer(gateway, {
      logger: this.#options.logger,
      timeouts: { idleMs: maxIdleMs < 0 ? 0 : Math.min(maxIdleMs, defaultTimeouts.idleMs) },
    })
  }
}
