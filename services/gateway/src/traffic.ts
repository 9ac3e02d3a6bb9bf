// Traffic: what goes through the gateway, in plain numbers that are added to on the way and read when
// somebody collects metrics.

import { LatencyHistogram, type Metrics } from '@sluice/core/metrics/metrics'

export class Traffic {
  /** By status. */
  readonly #responses = new Map<number, number>()
  readonly latency = new LatencyHistogram()
  streamsOpen = 0
  recordsIn = 0
  recordsOut = 0
  bytesIn = 0
  bytesOut = 0

  constructor(metrics: Metrics) {
    metrics.counter({
      name: 'sluice_http_responses_total',
      help: 'HTTP responses begun, by status',
      collect: () => [...this.#responses].map(([status, value]) => ({ value, labels: { status } })),
    })
    metrics.histogram({
      name: 'sluice_http_response_seconds',
      help: 'Time from a request to the beginning of its response',
      collect: () => [{ histogram: this.latency }],
    })
    const gauge = (name: string, help: string, read: () => number) =>
      metrics.gauge({ name, help, collect: () => [{ value: read() }] })
    const counter = (name: string, help: string, read: () => number) =>
      metrics.counter({ name, help, collect: () => [{ value: read() }] })
    gauge('sluice_http_streams_open', 'Streams that are open', () => this.streamsOpen)
    counter('sluice_http_records_in_total', 'Records produced over HTTP', () => this.recordsIn)
    counter('sluice_http_records_out_total', 'Records read over HTTP', () => this.recordsOut)
    counter('sluice_http_bytes_in_total', 'Bytes of produce bodies', () => this.bytesIn)
    counter('sluice_http_bytes_out_total', 'Bytes of records read', () => this.bytesOut)
  }

  responded(status: number): void {
    this.#responses.set(status, (this.#responses.get(status) ?? 0) + 1)
  }
}
