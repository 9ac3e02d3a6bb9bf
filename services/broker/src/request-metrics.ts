// What a broker counts of its requests: plain numbers on the hot path, published when collected.

import { LatencyHistogram, type Metrics } from '@sluice/core/metrics/metrics'
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
  /** How many there are. */
  readonly connections: () => number
}

export class RequestMetrics {
  idleConnections = 0
  refusedConnections = 0
  readonly #now: () => number
  /** By API key. */
  readonly #latencies: LatencyHistogram[] = []
  readonly #names: string[] = []

  constructor(now: () => number) {
    this.#now = now
  }

  answered(exchange: Exchange): void {
    const { key, name } = exchange.handler.api
    let latency = this.#latencies[key]
    if (!latency) {
      latency = new LatencyHistogram()
      this.#latencies[key] = latency
      this.#names[key] = name
    }
    latency.add(this.#now() - exchange.startedAt)
  }

  publish(metrics: Metrics, { traffic, budget, partials, connections }: Published): void {
    metrics.gauge({
      name: 'sluice_request_memory_bytes',
      help: 'Bytes of requests being worked on and of responses not yet sent.',
      collect: () => [{ value: budget.bytes }],
    })
    metrics.gauge({
      name: 'sluice_partial_request_memory_bytes',
      help: 'Bytes of requests that have begun to arrive and are not complete.',
      collect: () => [{ value: partials.bytes }],
    })
    metrics.counter({
      name: 'sluice_network_bytes_in_total',
      help: 'Bytes received from clients.',
      collect: () => [{ value: traffic.bytesIn }],
    })
    metrics.counter({
      name: 'sluice_network_bytes_out_total',
      help: 'Bytes sent to clients.',
      collect: () => [{ value: traffic.bytesOut }],
    })
    metrics.gauge({
      name: 'sluice_connections',
      help: 'Client connections that are open.',
      collect: () => [{ value: connections() }],
    })
    metrics.counter({
      name: 'sluice_connections_refused_total',
      help: 'Connections closed by the broker for bad input or over a limit.',
      collect: () => [{ value: this.refusedConnections }],
    })
    metrics.histogram({
      name: 'sluice_request_seconds',
      help: 'From the arrival of a request to its answer, waiting included.',
      collect: () =>
        this.#latencies.flatMap((histogram, key) =>
          histogram ? [{ histogram, labels: { api: this.#names[key] } }] : [],
        ),
    })
  }
}
