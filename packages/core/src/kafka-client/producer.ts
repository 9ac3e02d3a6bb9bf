// Producer: records to topics, in batches by partition. One promise tells about all records of a call.
//
//   send -> (topic known?) -> partitioner -> batch of the partition -> sender -> leader
//
// Keys, values and headers belong to the producer until the promise of their call has resolved: they are
// copied once, into the batch that goes over the wire. Records of one partition keep their order, also
// over retries. What waits is bounded by `bufferBytes`: watch `room()`.

import { errors } from '@sluice/protocol/errors'
import { batchHeaderBytes, type Codec } from '@sluice/protocol/records/batch'
import type { RecordInput } from '@sluice/protocol/records/record-writer'
import { recordBytesMax } from '@sluice/protocol/records/record-writer'
import type { Timer } from '../host/clock.ts'
import { Delivery, type RecordOutcome, type RecordPosition } from './delivery.ts'
import type { KafkaClient } from './kafka-client.ts'
import { asKafkaError, KafkaError } from './kafka-error.ts'
import { PartitionQueue } from './partition-queue.ts'
import { createPartitioner, type Partitioner, type PartitionerName } from './partitioner.ts'
import { Sender } from './sender.ts'

export interface ProducerRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: RecordInput['headers']
  /** The partitioner's choice without. */
  readonly partition?: number
  /** Milliseconds since 1970; now without. */
  readonly timestamp?: number
}

/** Kafka's producer configs under our names, with Kafka's defaults. */
export interface ProducerOptions {
  readonly acks?: -1 | 0 | 1
  /** 0: what is sent in one turn of the loop goes together. */
  readonly lingerMs?: number
  readonly batchBytes?: number
  readonly codec?: Codec
  readonly level?: number
  /** Needs acks -1; on by default where they are. */
  readonly idempotent?: boolean
  readonly partitioner?: PartitionerName
  /** max.request.size: of a record and of a request. */
  readonly requestBytesMax?: number
  /** max.in.flight.requests.per.connection, at most 5 with idempotence. */
  readonly inFlightMax?: number
  readonly retriesMax?: number
  readonly deliveryTimeoutMs?: number
  readonly bufferBytes?: number
  /** How long a call waits for metadata or room. */
  readonly blockMs?: number
  readonly allowAutoTopicCreation?: boolean
  /** Of what it sends (KafkaClient.newLane): a broker that holds it back holds up nothing else. */
  readonly lane?: string
}

interface Topic {
  readonly name: string
  readonly partitioner: Partitioner
  readonly queues: PartitionQueue[]
  /** Calls that wait for metadata or room, in order. */
  readonly parked: Parked[]
  /** 0 until the topic's metadata has come. */
  partitionCount: number
  loading: boolean
  /** Fails the first of the parked calls when it has waited too long for room. */
  parkedTimer: Timer | undefined
}

/**
 * The calls between two flushes that are not settled. Counted, not kept in a Set: under load the tables
 * that a Set leaves behind hold what was in them until a full garbage collection.
 */
interface Calls {
  open: number
  settled: (() => void) | undefined
}

interface Parked {
  readonly records: readonly ProducerRecord[]
  readonly delivery: Delivery
  readonly deadlineMs: number
}

const idempotentInFlightMax = 5

const defaults = {
  acks: -1,
  lingerMs: 5,
  batchBytes: 16_384,
  codec: 'none',
  partitioner: 'default',
  requestBytesMax: 1_048_576,
  inFlightMax: 5,
  retriesMax: 2 ** 31 - 1,
  deliveryTimeoutMs: 120_000,
  bufferBytes: 32 * 1024 * 1024,
  blockMs: 60_000,
  allowAutoTopicCreation: true,
} as const

type Settings = Required<Omit<ProducerOptions, 'level' | 'lane'>>

export class Producer {
  readonly #client: KafkaClient
  readonly #settings: Settings
  readonly #sender: Sender
  readonly #topics = new Map<string, Topic>()
  /** Topics with calls that wait for room. */
  readonly #crowded = new Set<Topic>()
  #calls: Calls = { open: 0, settled: undefined }
  #flushed: Promise<void> = Promise.resolve()
  #bufferedBytes = 0
  #roomWaiters: (() => void)[] = []
  /** Calls of flush() under way: nothing lingers. */
  #flushes = 0
  #closed = false

  constructor(client: KafkaClient, options: ProducerOptions = {}) {
    const { acks = defaults.acks, level, lane } = options
    const settings = { ...defaults, idempotent: acks === -1, ...options }
    if (settings.idempotent && acks !== -1) {
      throw new RangeError('an idempotent producer needs acks=all')
    }
    if (settings.idempotent && settings.inFlightMax > idempotentInFlightMax) {
      throw new RangeError('an idempotent producer has at most 5 requests in flight')
    }
    this.#client = client
    this.#settings = settings
    this.#sender = new Sender(client, {
      ...settings,
      level,
      lane,
      onFreed: (bytes) => this.#free(bytes),
    })
  }

  /** Bytes of records that are not settled. */
  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  /** Whether a call now would wait for room. */
  get full(): boolean {
    return this.#bufferedBytes >= this.#settings.bufferBytes
  }

  /** Resolves when there is room; undefined when there is. */
  room(): Promise<void> | undefined {
    if (!this.full) return undefined
    return new Promise((resolve) => this.#roomWaiters.push(resolve))
  }

  /** The positions of the records in order; rejects with the first KafkaError when any was not stored. */
  send(topic: string, records: readonly ProducerRecord[]): Promise<RecordPosition[]> {
    return this.#accept(topic, records).done.then(({ outcomes, failure }) => {
      if (failure !== undefined) throw failure
      return outcomes as RecordPosition[]
    })
  }

  /** What became of each record, in order; never rejects. */
  async sendEach(topic: string, records: readonly ProducerRecord[]): Promise<RecordOutcome[]> {
    const { outcomes } = await this.#accept(topic, records).done
    return outcomes
  }

  /** Sends what waits without further delay; resolves when all that was given before is settled. */
  async flush(): Promise<void> {
    this.#flushes += 1
    for (const topic of this.#topics.values()) this.#seal(topic)
    const before = this.#calls
    if (before.open > 0) {
      this.#calls = { open: 0, settled: undefined }
      const settled = new Promise<void>((resolve) => {
        before.settled = resolve
      })
      // Resolves to nothing: a result within a result for each flush would never be collected.
      this.#flushed = Promise.all([this.#flushed, settled]).then(() => {})
    }
    await this.#flushed
    this.#flushes -= 1
  }

  /**
   * Takes no more records, and resolves when all that were taken before are settled, those that wait for
   * metadata or room included. The client stays open.
   */
  async close(): Promise<void> {
    this.#closed = true
    await this.flush()
    this.abort()
  }

  /** Gives up at once: what is not settled fails. */
  abort(): void {
    this.#closed = true
    const error = new KafkaError(errors.NETWORK_EXCEPTION, 'the producer was closed')
    for (const topic of this.#topics.values()) this.#failParked(topic, error)
    this.#sender.stop(error)
  }

  #accept(name: string, records: readonly ProducerRecord[]): Delivery {
    const delivery = new Delivery(records.length)
    if (this.#closed) {
      delivery.failedFrom(0, new KafkaError(errors.NETWORK_EXCEPTION, 'the producer was closed'))
      return delivery
    }
    const calls = this.#calls
    calls.open += 1
    delivery.done.then(() => {
      calls.open -= 1
      if (calls.open === 0) calls.settled?.()
    })
    const topic = this.#topic(name)
    if (topic.partitionCount > 0 && topic.parked.length === 0 && !this.full) {
      // First: a topic that was deleted and made again may have fewer partitions.
      this.#keepFresh(topic)
      this.#append(topic, records, delivery)
    } else {
      const deadlineMs = this.#client.clock.monotonic() + this.#settings.blockMs
      topic.parked.push({ records, delivery, deadlineMs })
      if (topic.partitionCount === 0) this.#load(topic)
      else if (topic.parked.length === 1) this.#watchParked(topic)
    }
    return delivery
  }

  #topic(name: string): Topic {
    let topic = this.#topics.get(name)
    if (topic !== undefined) return topic
    const { partitioner, batchBytes } = this.#settings
    const { random } = this.#client
    topic = {
      name,
      partitioner: createPartitioner(partitioner, { random, stickyBytes: batchBytes }),
      queues: [],
      parked: [],
      partitionCount: 0,
      loading: false,
      parkedTimer: undefined,
    }
    this.#topics.set(name, topic)
    return topic
  }

  #append(topic: Topic, records: readonly ProducerRecord[], delivery: Delivery): void {
    const nowMs = this.#client.clock.monotonic()
    let wallMs: number | undefined
    for (let slot = 0; slot < records.length; slot++) {
      const record = records[slot]
      let input = record as RecordInput
      if (record.timestamp === undefined) {
        wallMs ??= this.#client.clock.now()
        const { key, value, headers } = record
        input = { timestamp: wallMs, key, value, headers }
      }
      const bytes = recordBytesMax(input)
      const error = this.#misfit(topic, record, bytes)
      if (error !== undefined) {
        delivery.failed(slot, error)
        continue
      }
      const { partitionCount } = topic
      const index =
        record.partition ?? topic.partitioner.partition(record.key, bytes, partitionCount)
      this.#put(this.#queue(topic, index), input, { bytes, delivery, slot, nowMs })
    }
    if (this.#flushes > 0) this.#seal(topic)
  }

  #seal(topic: Topic): void {
    for (const queue of topic.queues) queue?.seal()
    this.#sender.wake()
  }

  #put(
    queue: PartitionQueue,
    record: RecordInput,
    {
      bytes,
      delivery,
      slot,
      nowMs,
    }: { bytes: number; delivery: Delivery; slot: number; nowMs: number },
  ): void {
    const { batchBytes } = this.#settings
    const batch = queue.openBatch(bytes, batchBytes, nowMs)
    const before = batch.recordCount === 0 ? 0 : batch.bytes
    batch.add(record, bytes, delivery, slot)
    this.#bufferedBytes += batch.bytes - before
    if (batch.bytes >= batchBytes) batch.sealed = true
    if (before === 0 || batch.sealed) this.#sender.notice(queue)
  }

  #queue(topic: Topic, index: number): PartitionQueue {
    const queue = topic.queues[index]
    if (queue !== undefined) return queue
    const { inFlightMax, idempotent } = this.#settings
    const fresh = new PartitionQueue(topic.name, index, { inFlightMax, idempotent })
    topic.queues[index] = fresh
    return fresh
  }

  /** Why a record cannot be sent at all. */
  #misfit(topic: Topic, record: ProducerRecord, bytes: number): KafkaError | undefined {
    const { requestBytesMax } = this.#settings
    if (bytes + batchHeaderBytes > requestBytesMax) {
      const detail = `a record of up to ${bytes} bytes is larger than max.request.size ${requestBytesMax}`
      return new KafkaError(errors.MESSAGE_TOO_LARGE, detail)
    }
    const { partition } = record
    if (partition === undefined) return undefined
    if (partition >= 0 && partition < topic.partitionCount) return undefined
    const detail = `${topic.name} has ${topic.partitionCount} partitions, there is no ${partition}`
    return new KafkaError(errors.UNKNOWN_TOPIC_OR_PARTITION, detail)
  }

  /** Asks for the topic's partitions; what is parked goes on or fails. */
  #load(topic: Topic): void {
    if (topic.loading) return
    topic.loading = true
    const { blockMs, allowAutoTopicCreation } = this.#settings
    const attempt = async () => {
      const metadata = await this.#client.metadata([topic.name], { allowAutoTopicCreation })
      const found = metadata.topics.get(topic.name)
      const error = found?.error ?? errors.UNKNOWN_TOPIC_OR_PARTITION
      if (error !== errors.NONE) throw new KafkaError(error, `topic ${topic.name}`)
      if (!found?.partitions.length) throw new KafkaError(errors.LEADER_NOT_AVAILABLE, topic.name)
      return found.partitions.length
    }
    this.#client.retry(attempt, { timeoutMs: blockMs }).then(
      (partitionCount) => {
        topic.loading = false
        topic.partitionCount = partitionCount
        this.#unpark(topic)
      },
      (thrown) => {
        topic.loading = false
        this.#failParked(topic, asKafkaError(thrown))
        // Not to be kept for every name that somebody tries.
        if (topic.queues.every((queue) => queue.isIdle)) this.#topics.delete(topic.name)
      },
    )
  }

  /** Metadata that aged is asked for again while what is known goes on to be used. */
  #keepFresh(topic: Topic): void {
    const known = this.#client.topic(topic.name)
    if (known !== undefined) topic.partitionCount = known.partitions.length
    else this.#load(topic)
  }

  #unpark(topic: Topic): void {
    while (topic.parked.length > 0 && !this.full) {
      const { records, delivery } = topic.parked.shift() as Parked
      this.#append(topic, records, delivery)
    }
    this.#watchParked(topic)
  }

  /** Fails what waited for room too long. */
  #watchParked(topic: Topic): void {
    topic.parkedTimer?.cancel()
    const first = topic.parked[0]
    if (first === undefined) {
      this.#crowded.delete(topic)
      return
    }
    this.#crowded.add(topic)
    const { clock } = this.#client
    const delayMs = Math.max(0, first.deadlineMs - clock.monotonic())
    topic.parkedTimer = clock.setTimer(delayMs, () => {
      topic.parked.shift()
      const detail = `no room for more records after ${this.#settings.blockMs} ms`
      first.delivery.failedFrom(0, new KafkaError(errors.REQUEST_TIMED_OUT, detail))
      this.#watchParked(topic)
    })
  }

  #failParked(topic: Topic, error: KafkaError): void {
    topic.parkedTimer?.cancel()
    this.#crowded.delete(topic)
    for (const { delivery } of topic.parked.splice(0)) delivery.failedFrom(0, error)
  }

  #free(bytes: number): void {
    this.#bufferedBytes -= bytes
    if (this.full) return
    for (const topic of this.#crowded) this.#unpark(topic)
    if (this.full) return
    const waiters = this.#roomWaiters
    this.#roomWaiters = []
    for (const resolve of waiters) resolve()
  }
}
