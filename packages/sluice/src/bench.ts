// `sluice bench`: one producer and one consumer in this process, for a time or a number of records. While
// it runs a terminal shows where it is; at the end stand rates and latencies.
//
//   produce   from the call until its records are acknowledged, the wait for the batch included
//   consume   from the record's time until it is here: of the whole way, in whole milliseconds

import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { Admin } from '@sluice/core/kafka-client/admin'
import { Consumer } from '@sluice/core/kafka-client/consumer'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { Producer, type ProducerRecord } from '@sluice/core/kafka-client/producer'
import { withCluster } from './client.ts'
import type { BenchOptions } from './commands/bench.ts'
import { Failure } from './failure.ts'
import { LiveLine } from './live-line.ts'
import { refuseFailed } from './outcome.ts'
import { print, printJson } from './output.ts'
import { bytesText, digits, grouped } from './quantities.ts'
import { table } from './table.ts'

const acksByName = { all: -1, '1': 1, '0': 0 } as const
/** Values are cut out of so many random bytes, each at another place. */
const poolBytes = 1024 * 1024
/** More that waits would only add to the latencies. */
const bufferBytesMin = 4 * 1024 * 1024
const showEveryMs = 200
/** How long the consumer may take for what is left when all is produced. */
const drainMs = 30_000
const pollMs = 100
const tickMs = 2

/** One direction: how many, how long, how late. */
class Side {
  /** Microseconds. */
  readonly latency: RecordableHistogram = createHistogram()
  readonly startedMs = performance.now()
  endedMs = this.startedMs
  records = 0

  add(records: number, latencyMs: number): void {
    this.records += records
    this.endedMs = performance.now()
    this.latency.record(Math.max(1, Math.round(latencyMs * 1000)))
  }

  /** Latencies in milliseconds. */
  result(size: number) {
    const seconds = Math.max(0.001, (this.endedMs - this.startedMs) / 1000)
    const at = (percent: number) => this.latency.percentile(percent) / 1000
    return {
      records: this.records,
      seconds,
      recordsPerSecond: this.records / seconds,
      megabytesPerSecond: (this.records * size) / seconds / 1e6,
      latencyMs: {
        p50: at(50),
        p95: at(95),
        p99: at(99),
        p999: at(99.9),
        max: this.latency.count === 0 ? 0 : this.latency.max / 1000,
      },
    }
  }
}

export async function bench(options: BenchOptions): Promise<void> {
  await withCluster(options.bootstrap, async (client) => {
    const admin = new Admin(client)
    const topic = options.topic ?? `sluice-bench-${process.pid}-${Date.now().toString(36)}`
    if (options.topic === undefined) await createTopic(admin, topic, options.partitions)
    try {
      await new Bench(client, topic, options).run(admin)
    } finally {
      if (options.topic === undefined) await admin.deleteTopics([topic])
    }
  })
}

async function createTopic(admin: Admin, name: string, partitionCount: number): Promise<void> {
  const created = await admin.createTopics([{ name, partitionCount }])
  refuseFailed(created.map((result) => ({ ...result, what: `topic ${result.name}` })))
}

class Bench {
  readonly #topic: string
  readonly #options: BenchOptions
  readonly #producer: Producer
  readonly #consumer: Consumer
  readonly #pool = Buffer.allocUnsafe(poolBytes + 1)
  #produced = new Side()
  #consumed = new Side()
  #sent = 0
  #stopped = false
  #failure: unknown

  constructor(client: KafkaClient, topic: string, options: BenchOptions) {
    this.#topic = topic
    this.#options = options
    this.#producer = new Producer(client, {
      acks: acksByName[options.acks],
      codec: options.codec,
      batchBytes: options.batchSize,
      lingerMs: options.linger,
      bufferBytes: Math.max(bufferBytesMin, 2 * (options.size + options.batchSize)),
      requestBytesMax: Math.max(1_048_576, options.size + options.batchSize),
    })
    this.#consumer = new Consumer(client)
    crypto.getRandomValues(this.#pool.subarray(0, 65_536))
    for (let at = 65_536; at < this.#pool.length; at *= 2) this.#pool.copy(this.#pool, at, 0, at)
  }

  async run(admin: Admin): Promise<void> {
    const interrupt = () => {
      this.#stopped = true
    }
    process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
    const live = new LiveLine(showEveryMs, () => this.#liveText())
    try {
      const [described] = await admin.describeTopics([this.#topic])
      refuseFailed([{ what: `topic ${this.#topic}`, error: described.error }])
      const queries = described.partitions.map(({ index }) => {
        return { topic: this.#topic, partition: index, at: 'latest' } as const
      })
      if (this.#options.consume) this.#consumer.assign(await admin.listOffsets(queries))
      this.#produced = new Side()
      this.#consumed = new Side()
      const consuming = this.#options.consume ? this.#consume() : undefined
      await this.#produce()
      this.#stopped = true
      await consuming
      if (this.#failure !== undefined) throw this.#failure
    } finally {
      live.end()
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
      this.#producer.abort()
      await this.#consumer.close()
    }
    this.#report()
  }

  async #produce(): Promise<void> {
    const { count = Number.POSITIVE_INFINITY, duration, rate, size, batchSize } = this.#options
    const endMs =
      count === Number.POSITIVE_INFINITY
        ? this.#produced.startedMs + duration
        : Number.POSITIVE_INFINITY
    const atOnce = Math.max(1, Math.min(1000, Math.floor(batchSize / Math.max(1, size))))
    while (!this.#stopped && this.#sent < count && this.#failure === undefined) {
      const nowMs = performance.now()
      if (nowMs >= endMs) break
      const due = rate === undefined ? atOnce : this.#due(nowMs, rate)
      if (due === 0) {
        await new Promise((resolve) => setTimeout(resolve, tickMs))
        continue
      }
      this.#send(Math.min(due, count - this.#sent))
      await this.#producer.room()
      // Acknowledgements come in between.
      if (rate === undefined) await new Promise((resolve) => setImmediate(resolve))
    }
    await this.#producer.flush()
  }

  /** Records that should have been sent by now, and were not. */
  #due(nowMs: number, rate: number): number {
    return Math.floor(((nowMs - this.#produced.startedMs) / 1000) * rate) - this.#sent
  }

  #send(count: number): void {
    const { size } = this.#options
    const records: ProducerRecord[] = []
    for (let index = 0; index < count; index++) {
      const at = size >= poolBytes ? 0 : (this.#sent * 7919) % (poolBytes - size)
      const value = size >= poolBytes ? Buffer.alloc(size, 'x') : this.#pool.subarray(at, at + size)
      records.push({ key: null, value })
      this.#sent += 1
    }
    const startMs = performance.now()
    this.#producer.send(this.#topic, records).then(
      () => this.#produced.add(count, performance.now() - startMs),
      (error) => {
        this.#failure ??= error
      },
    )
  }

  async #consume(): Promise<void> {
    let deadlineMs = Number.POSITIVE_INFINITY
    while (this.#failure === undefined) {
      if (this.#stopped && deadlineMs === Number.POSITIVE_INFINITY) {
        deadlineMs = performance.now() + drainMs
      }
      const allProduced = this.#stopped && this.#produced.records >= this.#sent
      if (allProduced && this.#consumed.records >= this.#sent) return
      if (performance.now() > deadlineMs) {
        const missing = this.#sent - this.#consumed.records
        throw new Failure(`${grouped(missing)} records were produced and not consumed`)
      }
      for (const { records } of await this.#consumer.poll(pollMs)) {
        const nowMs = Date.now()
        for (const { timestamp } of records) this.#consumed.add(1, nowMs - timestamp)
      }
    }
  }

  #liveText(): string {
    const { size, consume } = this.#options
    const side = (name: string, of: Side) => {
      const { records, recordsPerSecond, megabytesPerSecond, latencyMs } = of.result(size)
      const rates = `${grouped(recordsPerSecond)}/s, ${digits(megabytesPerSecond)} MB/s`
      return `${name} ${grouped(records)} (${rates}, p99 ${digits(latencyMs.p99)} ms)`
    }
    const seconds = (performance.now() - this.#produced.startedMs) / 1000
    const consumed = consume ? `  ${side('consumed', this.#consumed)}` : ''
    return `${seconds.toFixed(1)} s  ${side('produced', this.#produced)}${consumed}`
  }

  #report(): void {
    const { size, consume, acks, codec, batchSize, linger, rate, json } = this.#options
    const produce = this.#produced.result(size)
    const consumed = consume ? this.#consumed.result(size) : null
    const load = { size, acks, codec, batchSize, lingerMs: linger, rate: rate ?? null }
    if (json) {
      printJson({ topic: this.#topic, load, produce, consume: consumed })
      return
    }
    const pace = rate === undefined ? 'as fast as it goes' : `${grouped(rate)} records/s`
    const batch = `batches of ${bytesText(batchSize)}, linger ${linger} ms`
    print(`values of ${bytesText(size)}, ${batch}, ${codec}, acks=${acks}, ${pace}`)
    const numbers = ['RECORDS', 'RECORDS/S', 'MB/S', 'P50 MS', 'P95', 'P99', 'P99.9', 'MAX']
    const columns = [{ title: '' }, ...numbers.map((title) => ({ title, right: true }))]
    const row = (name: string, of: ReturnType<Side['result']>) => {
      const { p50, p95, p99, p999, max } = of.latencyMs
      const latencies = [p50, p95, p99, p999, max].map(digits)
      const rates = [grouped(of.recordsPerSecond), digits(of.megabytesPerSecond)]
      return [name, grouped(of.records), ...rates, ...latencies]
    }
    const rows = [row('produce', produce), ...(consumed ? [row('consume', consumed)] : [])]
    print(table(columns, rows))
  }
}
