// Metrics: numbers that others keep, published in Prometheus' text format. A hot path adds to a plain
// number of its own; here stands only how to read it, asked when somebody collects.

import type { Registry } from 'prom-client'

export interface Sample {
  readonly value: number
  readonly labels?: Readonly<Record<string, string | number>>
}

export interface MetricOptions {
  /** As Prometheus wants it: `sluice_bytes_in_total`. */
  readonly name: string
  readonly help: string
  readonly collect: () => Sample[]
}

export interface HistogramOptions {
  readonly name: string
  readonly help: string
  readonly collect: () => { histogram: LatencyHistogram; labels?: Sample['labels'] }[]
}

/** Upper bounds in seconds: from below what a memory-only request takes to the longest time-out. */
const latencyBoundsSeconds = [
  0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
  10, 30,
]

/** Latencies by bucket: an add is a few comparisons, no allocation. */
export class LatencyHistogram {
  readonly counts = new Float64Array(latencyBoundsSeconds.length + 1)
  count = 0
  sumSeconds = 0

  add(ms: number): void {
    const seconds = ms / 1000
    let bucket = 0
    while (bucket < latencyBoundsSeconds.length && seconds > latencyBoundsSeconds[bucket]) {
      bucket += 1
    }
    this.counts[bucket] += 1
    this.count += 1
    this.sumSeconds += seconds
  }
}

interface Value {
  value: number
  labels: Readonly<Record<string, string | number>>
  metricName?: string
}

interface Published {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly values: () => Value[]
}

export class Metrics {
  readonly #published: Published[] = []
  #registry: Registry | undefined

  counter(options: MetricOptions): void {
    this.#publish('counter', options)
  }

  gauge(options: MetricOptions): void {
    this.#publish('gauge', options)
  }

  histogram({ name, help, collect }: HistogramOptions): void {
    const values = () =>
      collect().flatMap(({ histogram, labels }) => histogramValues(name, histogram, labels ?? {}))
    this.#add({ name, help, type: 'histogram', values })
  }

  /** The page that Prometheus scrapes. */
  async text(): Promise<string> {
    this.#registry ??= await this.#register()
    return this.#registry.metrics()
  }

  #publish(type: 'counter' | 'gauge', { name, help, collect }: MetricOptions): void {
    const values = () => collect().map(({ value, labels }) => ({ value, labels: labels ?? {} }))
    this.#add({ name, help, type, values })
  }

  #add(published: Published): void {
    this.#published.push(published)
    this.#registry = undefined
  }

  /** prom-client is loaded when metrics are first asked for: a start does not need it. */
  async #register(): Promise<Registry> {
    const { Registry } = await import('prom-client')
    const registry = new Registry()
    for (const { name, help, type, values } of this.#published) {
      const metric = {
        name,
        help,
        type,
        get: async () => ({ name, help, type, values: values(), aggregator: 'sum' }),
        reset() {},
      }
      registry.registerMetric(metric as unknown as Parameters<Registry['registerMetric']>[0])
    }
    return registry
  }
}

function histogramValues(
  name: string,
  histogram: LatencyHistogram,
  labels: Value['labels'],
): Value[] {
  const values: Value[] = []
  let below = 0
  for (let i = 0; i < histogram.counts.length; i++) {
    below += histogram.counts[i]
    const le = i < latencyBoundsSeconds.length ? latencyBoundsSeconds[i] : '+Inf'
    values.push({ metricName: `${name}_bucket`, value: below, labels: { ...labels, le } })
  }
  values.push({ metricName: `${name}_sum`, value: histogram.sumSeconds, labels })
  values.push({ metricName: `${name}_count`, value: histogram.count, labels })
  return values
}
