// What a broker counts of its requests: plain numbers on the hot path, published when collected.
//
//   frame whole -> handler -> ... waits for disk, group, records ... -> answered -> left the process
//   |-- local --|
//   |------------------- total ---------------------------------------|
//                                                                     |----- send ------|

import { LatencyHistogram, type Metrics, type Sample } from '@sluice/core/metrics/metrics'
import type { Api } from '@sluice/protocol/apis'
import { ErrorCounts } from './error-counts.ts'
import type { Exchange } from './exchange.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { PartialFrames } from './partial-frames.ts'

export class Traffic {
  bytesIn = 0
  bytesOut = 0
}

interface Published {
  readonly traffic: Traffic
  readonly budget: MemoryBudget
  readonly partials: PartialFrames
  readonly connections: {
    /** Open ones, whether or not they were let in. */
    open(): number
    /** Those that are not read yet. */
    waiting(): number
    accepted(): number
  }
}

/** What was counted of one API. */
class ApiFigures {
  readonly api: string
  readonly total = new LatencyHistogram()
  readonly local = new LatencyHistogram()
  readonly send = new LatencyHistogram()
  requestBytes = 0
  responseBytes = 0

  constructor(api: string) {
    this.api = api
  }
}

export class RequestMetrics {
  idleConnections = 0
  refusedConnections = 0
  readonly #now: () => number
  readonly #errors = new ErrorCounts()
  /** By API key. */
  readonly #figures: (ApiFigures | undefined)[] = []

  constructor(now: () => number) {
    this.#now = now
  }

  /** The handler has returned, with or without an answer. */
  handled({ handler }: Exchange, ms: number): void {
    this.#of(handler.api).local.add(ms)
  }

  /** What the response says. */
  said({ handler }: Exchange, response: object): void {
    this.#errors.count(handler.api, response)
  }

  answered(exchange: Exchange): void {
    const now = this.#now()
    const figures = this.#of(exchange.handler.api)
    figures.total.add(now - exchange.startedAt)
    figures.requestBytes += exchange.requestBytes
    figures.responseBytes += exchange.responseBytes
    exchange.answeredAt = now
  }

  /** The responses have left the process. */
  sent(exchanges: readonly Exchange[]): void {
    const now = this.#now()
    for (const { handler, answeredAt } of exchanges) {
      this.#of(handler.api).send.add(now - answeredAt)
    }
  }

  #of({ key, name }: Api): ApiFigures {
    const known = this.#figures[key]
    if (known) return known
    const figures = new ApiFigures(name)
    this.#figures[key] = figures
    return figures
  }

  publish(metrics: Metrics, published: Published): void {
    this.#publishMemory(metrics, published)
    this.#publishNetwork(metrics, published)
    this.#publishRequests(metrics)
  }

  #publishMemory(metrics: Metrics, { budget, partials }: Published): void {
    metrics.gauge({
      name: 'sluice_request_memory_bytes',
      help: 'Bytes of requests being worked on and of responses not yet sent.',
      collect: () => [{ value: budget.bytes }],
    })
    metrics.gauge({
      name: 'sluice_request_memory_limit_bytes',
      help: 'What these bytes may come to before sockets are paused.',
      collect: () => [{ value: budget.bytesMax }],
    })
    metrics.gauge({
      name: 'sluice_partial_request_memory_bytes',
      help: 'Bytes of requests that have begun to arrive and are not complete.',
      collect: () => [{ value: partials.bytes }],
    })
  }

  #publishNetwork(metrics: Metrics, { traffic, connections }: Published): void {
    const counter = (name: string, help: string, value: () => number) =>
      metrics.counter({ name, help, collect: () => [{ value: value() }] })
    const gauge = (name: string, help: string, value: () => number) =>
      metrics.gauge({ name, help, collect: () => [{ value: value() }] })
    counter('sluice_network_bytes_in_total', 'Bytes received from clients.', () => traffic.bytesIn)
    counter('sluice_network_bytes_out_total', 'Bytes sent to clients.', () => traffic.bytesOut)
    gauge('sluice_connections', 'Client connections that are open.', connections.open)
    gauge(
      'sluice_connections_waiting',
      'Connections that wait for a limit to let them in.',
      connections.waiting,
    )
    counter('sluice_connections_total', 'Connections that came.', connections.accepted)
    counter(
      'sluice_connections_refused_total',
      'Connections closed by the broker for bad input or over a limit.',
      () => this.refusedConnections,
    )
    counter(
      'sluice_connections_idle_closed_total',
      'Connections closed for being idle.',
      () => this.idleConnections,
    )
  }

  #publishRequests(metrics: Metrics): void {
    const histogram = (
      name: string,
      help: string,
      of: (figures: ApiFigures) => LatencyHistogram,
    ) => {
      const collect = () =>
        this.#all().map((figures) => ({ histogram: of(figures), labels: { api: figures.api } }))
      metrics.histogram({ name, help, collect })
    }
    histogram(
      'sluice_request_seconds',
      'From the arrival of a request to its answer, waiting included.',
      ({ total }) => total,
    )
    histogram(
      'sluice_request_local_seconds',
      'What the event loop did for a request before it waited for anything.',
      ({ local }) => local,
    )
    histogram(
      'sluice_response_send_seconds',
      'From an answer to its leaving the process, those before it included.',
      ({ send }) => send,
    )
    const byApi = (of: (figures: ApiFigures) => number) => (): Sample[] =>
      this.#all().map((figures) => ({ value: of(figures), labels: { api: figures.api } }))
    metrics.counter({
      name: 'sluice_request_bytes_total',
      help: 'Bytes of requests.',
      collect: byApi(({ requestBytes }) => requestBytes),
    })
    metrics.counter({
      name: 'sluice_response_bytes_total',
      help: 'Bytes of responses.',
      collect: byApi(({ responseBytes }) => responseBytes),
    })
    metrics.counter({
      name: 'sluice_request_errors_total',
      help: 'Error codes that answers said, of every topic and partition; NONE included.',
      collect: () =>
        [...this.#errors.counts()].map(({ api, error, count }) => ({
          value: count,
          labels: { api, error },
        })),
    })
    this.#publishFailures(metrics, 'Produce', 'sluice_failed_produces_total')
    this.#publishFailures(metrics, 'Fetch', 'sluice_failed_fetches_total')
  }

  #publishFailures(metrics: Metrics, api: 'Produce' | 'Fetch', name: string): void {
    metrics.counter({
      name,
      help: `Partitions of ${api} requests that were answered with an error, by topic.`,
      collect: () =>
        [...this.#errors.failures(api)].map(([topic, value]) => ({ value, labels: { topic } })),
    })
  }

  #all(): ApiFigures[] {
    return this.#figures.filter((one) => one !== undefined)
  }
}
