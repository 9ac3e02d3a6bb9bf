// Sender: takes batches off the partition queues and brings them to the leaders, one request a broker and
// turn, at most `inFlightMax` a broker without an answer. Whatever happens, each batch ends: stored, refused
// for good, or expired after the delivery time-out.

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { ProduceResponse } from '@sluice/protocol/messages/00-produce'
import type { Codec } from '@sluice/protocol/records/batch'
import { zeroUuid } from '@sluice/protocol/schema'
import type { Timer } from '../host/clock.ts'
import { BufferPool } from '../lib/buffer-pool.ts'
import { backoffMs } from './backoff.ts'
import type { KafkaClient } from './kafka-client.ts'
import { asKafkaError, KafkaError } from './kafka-error.ts'
import type { PartitionQueue, ProducerIdentity } from './partition-queue.ts'
import { lastVersionByName, refusals } from './produce-errors.ts'
import type { ProducerBatch } from './producer-batch.ts'
import { pointsToStaleMetadata } from './stale-metadata.ts'

export interface SenderOptions {
  readonly acks: -1 | 0 | 1
  readonly codec: Codec
  readonly level: number | undefined
  readonly lingerMs: number
  readonly deliveryTimeoutMs: number
  readonly requestBytesMax: number
  readonly inFlightMax: number
  readonly retriesMax: number
  /** Of its requests; the common one without. */
  readonly lane?: string
  /** Bytes of batches that were settled are free. */
  readonly onFreed: (bytes: number) => void
}

interface Entry {
  readonly queue: PartitionQueue
  readonly batch: ProducerBatch
}

/** What is under way to one leader. */
interface Leader {
  inFlight: number
  bytes: number
  entries: Entry[]
}

type RecordError = PartitionAnswer['recordErrors'][number]
type PartitionAnswer = ProduceResponse['responses'][number]['partitionResponses'][number]

/** Codes that may lie with some records of a batch only: the others get another chance without them. */
const recordRefusals: ReadonlySet<number> = new Set([
  errors.MESSAGE_TOO_LARGE,
  errors.RECORD_LIST_TOO_LARGE,
  errors.INVALID_RECORD,
  errors.INVALID_TIMESTAMP,
])

/** Memory of batches that were stored, kept for those to come. */
const spareBytesMax = 8 * 1024 * 1024

export class Sender {
  readonly #client: KafkaClient
  readonly #options: SenderOptions
  /** Queues with batches that wait or are in flight, the one longest not served first. */
  readonly #queues = new Set<PartitionQueue>()
  readonly #leaders = new Map<number, Leader>()
  readonly #refreshing = new Set<string>()
  readonly #buffers = new BufferPool(spareBytesMax)
  #identity: ProducerIdentity | undefined
  #fetchingIdentity = false
  #timer: Timer | undefined
  #timerAtMs = Number.POSITIVE_INFINITY
  #runDue = false
  #stopped = false

  constructor(client: KafkaClient, options: SenderOptions) {
    this.#client = client
    this.#options = options
  }

  /** The queue has a new batch, or a batch that became full. */
  notice(queue: PartitionQueue): void {
    this.#queues.add(queue)
    if (this.#options.lingerMs === 0 || queue.head?.sealed) this.wake()
    else this.#runAt(this.#client.clock.monotonic() + this.#options.lingerMs)
  }

  /** Looks at the queues at the end of this turn of the loop: what comes until then goes together. */
  wake(): void {
    if (this.#runDue || this.#stopped) return
    this.#runDue = true
    this.#client.clock.defer(() => {
      this.#runDue = false
      this.#run()
    })
  }

  /** Sends nothing any more; batches that are left fail with `error`. */
  stop(error: KafkaError): void {
    this.#stopped = true
    this.#timer?.cancel()
    for (const queue of this.#queues) {
      for (const batch of [...queue.waiting, ...queue.inFlight]) this.#fail(batch, error)
    }
    this.#queues.clear()
  }

  #run(): void {
    if (this.#stopped) return
    const nowMs = this.#client.clock.monotonic()
    let wakeAtMs = Number.POSITIVE_INFINITY
    let needsIdentity = false
    for (const queue of [...this.#queues]) {
      wakeAtMs = Math.min(wakeAtMs, this.#expire(queue, nowMs))
      if (queue.isIdle) this.#queues.delete(queue)
      if (queue.isEmpty) continue
      const readyAtMs = this.#readyAtMs(queue)
      if (readyAtMs > nowMs) wakeAtMs = Math.min(wakeAtMs, readyAtMs)
      else this.#serve(queue)
      needsIdentity ||= queue.needsIdentity
    }
    for (const [nodeId, leader] of this.#leaders) this.#flush(nodeId, leader)
    if (needsIdentity) this.#fetchIdentity()
    this.#runAt(wakeAtMs)
  }

  #runAt(atMs: number): void {
    if (atMs >= this.#timerAtMs || this.#stopped) return
    this.#timer?.cancel()
    this.#timerAtMs = atMs
    const delayMs = Math.max(0, atMs - this.#client.clock.monotonic())
    this.#timer = this.#client.clock.setTimer(delayMs, () => {
      this.#timerAtMs = Number.POSITIVE_INFINITY
      this.#run()
    })
  }

  /** When the first batch of a queue may leave. */
  #readyAtMs(queue: PartitionQueue): number {
    const { head } = queue
    if (head === undefined) return Number.POSITIVE_INFINITY
    return Math.max(queue.retryAtMs, head.sealed ? 0 : head.createdMs + this.#options.lingerMs)
  }

  /** Fails what is older than the delivery time-out; returns when the next batch will be. */
  #expire(queue: PartitionQueue, nowMs: number): number {
    const { deliveryTimeoutMs } = this.#options
    let nextMs = Number.POSITIVE_INFINITY
    // One in flight keeps its place until its answer comes: only then its numbers can be judged.
    for (const batch of queue.inFlight) {
      if (batch.settled) continue
      const expiresMs = batch.createdMs + deliveryTimeoutMs
      if (expiresMs > nowMs) nextMs = Math.min(nextMs, expiresMs)
      else this.#fail(batch, this.#expired(queue, batch))
    }
    for (let head = queue.head; head !== undefined; head = queue.head) {
      const expiresMs = head.createdMs + deliveryTimeoutMs
      if (expiresMs > nowMs) return Math.min(nextMs, expiresMs)
      queue.dropped(head, head.outcomeUnknown)
      this.#fail(head, this.#expired(queue, head))
    }
    return nextMs
  }

  #expired({ topic, index }: PartitionQueue, { recordCount }: ProducerBatch): KafkaError {
    const { deliveryTimeoutMs } = this.#options
    const detail = `${recordCount} records for ${topic}-${index} expired after ${deliveryTimeoutMs} ms`
    return new KafkaError(errors.REQUEST_TIMED_OUT, detail)
  }

  /** Puts the first batch of a queue into the next request to its leader. */
  #serve(queue: PartitionQueue): void {
    if (queue.needsIdentity && this.#identity !== undefined) queue.adopt(this.#identity)
    const partition = this.#client.topic(queue.topic)?.partitions[queue.index]
    if (partition === undefined || partition.leader < 0) {
      this.#findLeader(queue)
      return
    }
    const leader = this.#leaderOf(partition.leader)
    if (leader.inFlight >= this.#options.inFlightMax || !queue.canTake()) return
    const bytes = queue.head?.bytes ?? 0
    if (leader.entries.length > 0 && leader.bytes + bytes > this.#options.requestBytesMax) {
      this.wake()
      return
    }
    leader.bytes += bytes
    leader.entries.push({ queue, batch: queue.take() })
    // To the end of the line, so that no partition starves where a request is full.
    this.#queues.delete(queue)
    this.#queues.add(queue)
    if (!queue.isEmpty) this.wake()
  }

  #leaderOf(nodeId: number): Leader {
    let leader = this.#leaders.get(nodeId)
    if (leader === undefined) {
      leader = { inFlight: 0, bytes: 0, entries: [] }
      this.#leaders.set(nodeId, leader)
    }
    return leader
  }

  #findLeader(queue: PartitionQueue): void {
    queue.retryAtMs = this.#client.clock.monotonic() + this.#client.backoff.firstMs
    this.#runAt(queue.retryAtMs)
    this.#refresh(queue.topic)
  }

  #refresh(topic: string): void {
    if (this.#refreshing.has(topic)) return
    this.#refreshing.add(topic)
    const done = () => {
      this.#refreshing.delete(topic)
      this.wake()
    }
    this.#client.metadata([topic], { refresh: true }).then(done, done)
  }

  #flush(nodeId: number, leader: Leader): void {
    const { entries } = leader
    if (entries.length === 0) return
    leader.entries = []
    leader.bytes = 0
    leader.inFlight += 1
    const landed = (settle: () => void) => {
      leader.inFlight -= 1
      if (this.#stopped) return
      settle()
      this.wake()
    }
    this.#send(nodeId, entries).then(
      (response) => landed(() => this.#answered(entries, response)),
      (error) => landed(() => this.#unanswered(entries, error)),
    )
  }

  async #send(nodeId: number, entries: readonly Entry[]): Promise<ProduceResponse | undefined> {
    const { acks, lane } = this.#options
    const { topicData, namedById } = this.#topicData(entries)
    const body = { acks, timeoutMs: this.#client.requestTimeoutMs, topicData }
    if (acks !== 0) {
      const maxVersion = namedById ? undefined : lastVersionByName
      return this.#client.request(apis.produce, { node: nodeId }, body, { maxVersion, lane })
    }
    await this.#client.send(apis.produce, { node: nodeId }, body, { lane })
    return undefined
  }

  #topicData(entries: readonly Entry[]) {
    const { codec, level } = this.#options
    const encoding = { codec, level, buffers: this.#buffers }
    const topics = new Map<string, { topicId: string; partitionData: PartitionData[] }>()
    let namedById = true
    for (const { queue, batch } of entries) {
      let topic = topics.get(queue.topic)
      if (topic === undefined) {
        const topicId = this.#client.topic(queue.topic)?.id ?? zeroUuid
        if (topicId === zeroUuid) namedById = false
        topic = { topicId, partitionData: [] }
        topics.set(queue.topic, topic)
      }
      topic.partitionData.push({ index: queue.index, records: batch.encode(encoding) })
    }
    const topicData = [...topics].map(([name, topic]) => ({ name, ...topic }))
    return { topicData, namedById }
  }

  #answered(entries: readonly Entry[], response: ProduceResponse | undefined): void {
    if (response === undefined) {
      for (const { queue, batch } of entries) this.#stored(queue, batch, -1, -1)
      return
    }
    const answers = new Map<string, PartitionAnswer>()
    for (const { name, topicId, partitionResponses } of response.responses) {
      for (const answer of partitionResponses)
        answers.set(`${name || topicId}/${answer.index}`, answer)
    }
    for (const { queue, batch } of entries) {
      const answer =
        answers.get(`${queue.topic}/${queue.index}`) ??
        answers.get(`${this.#client.topic(queue.topic)?.id}/${queue.index}`)
      if (answer === undefined) {
        const detail = `the answer to Produce says nothing about ${queue.topic}-${queue.index}`
        this.#failed({ queue, batch }, new KafkaError(errors.NETWORK_EXCEPTION, detail), [])
      } else if (answer.errorCode === errors.NONE) {
        // Sent once, and read by who answers. Another connection may still have one that was sent twice.
        if (batch.attempts === 1) batch.reuse(this.#buffers)
        this.#stored(queue, batch, answer.baseOffset, answer.logAppendTimeMs)
      } else if (answer.errorCode === errors.DUPLICATE_SEQUENCE_NUMBER) {
        this.#stored(queue, batch, -1, -1)
      } else {
        const error = new KafkaError(answer.errorCode, answer.errorMessage)
        this.#failed({ queue, batch }, error, answer.recordErrors)
      }
    }
  }

  #unanswered(entries: readonly Entry[], cause: unknown): void {
    const error =
      cause instanceof KafkaError
        ? cause
        : new KafkaError(errors.UNKNOWN_SERVER_ERROR, String(cause), cause)
    for (const entry of entries) this.#failed(entry, error, [])
  }

  #stored(queue: PartitionQueue, batch: ProducerBatch, offset: number, timeMs: number): void {
    queue.acknowledged(batch)
    if (batch.settled) return
    batch.succeed(queue.index, offset, timeMs)
    this.#options.onFreed(batch.bytes)
  }

  /** The batch did not make it: back into the queue, in pieces, or settled with the error. */
  #failed({ queue, batch }: Entry, error: KafkaError, recordErrors: readonly RecordError[]): void {
    const outOfOrder = error.code === errors.OUT_OF_ORDER_SEQUENCE_NUMBER
    // That this attempt was refused says nothing of one before it that was lost; an order that is wrong
    // does, because the broker looked for the batch among the latest first.
    const mayBeStored = !outOfOrder && (batch.outcomeUnknown || !refusals.has(error.code))
    if (batch.settled) {
      queue.dropped(batch, mayBeStored)
      return
    }
    const renewed = this.#renew(queue, batch, error)
    const worthwhile = error.retriable || outOfOrder || (renewed && !mayBeStored)
    if (worthwhile && batch.attempts <= this.#options.retriesMax && !this.#client.closed) {
      this.#retry({ queue, batch }, error, mayBeStored)
    } else if (recordRefusals.has(error.code) && batch.recordCount > 1 && !mayBeStored) {
      const pieces = piecesOf(batch, error, recordErrors)
      queue.refused(batch, pieces, 0)
      this.#options.onFreed(pieces.reduce((bytes, piece) => bytes - piece.bytes, batch.bytes))
    } else {
      queue.dropped(batch, mayBeStored)
      this.#fail(batch, error)
    }
  }

  #retry({ queue, batch }: Entry, error: KafkaError, mayBeStored: boolean): void {
    const pauseMs = error.retriable
      ? backoffMs(this.#client.backoff, batch.attempts, this.#client.random)
      : 0
    const retryAtMs = this.#client.clock.monotonic() + pauseMs
    if (mayBeStored) queue.lost(batch, retryAtMs)
    else queue.refused(batch, [batch], retryAtMs)
    if (pointsToStaleMetadata(error.code)) this.#refresh(queue.topic)
  }

  /** Whether the broker has forgotten the producer; then the queue will take other numbers. */
  #renew(queue: PartitionQueue, batch: ProducerBatch, { code }: KafkaError): boolean {
    switch (code) {
      case errors.OUT_OF_ORDER_SEQUENCE_NUMBER:
        // Otherwise one before it was not stored, and the repetition in order settles it.
        if (!queue.isExpected(batch)) return false
        this.#forgotten(queue, 'epoch')
        return true
      case errors.UNKNOWN_PRODUCER_ID:
        this.#forgotten(queue, 'epoch')
        return true
      case errors.INVALID_PRODUCER_EPOCH:
        if (batch.identity?.producerId === this.#identity?.producerId) this.#identity = undefined
        this.#forgotten(queue, 'producer')
        return true
      default:
        return false
    }
  }

  #forgotten(queue: PartitionQueue, renewal: 'epoch' | 'producer'): void {
    queue.renew(renewal)
    const { topic, index } = queue
    this.#client.logger.warn(
      { topic, index, renewal },
      'the broker forgot this idempotent producer',
    )
  }

  #fail(batch: ProducerBatch, error: KafkaError): void {
    if (batch.settled) return
    batch.fail(error)
    this.#options.onFreed(batch.bytes)
  }

  #fetchIdentity(): void {
    if (this.#fetchingIdentity || this.#identity !== undefined) return
    this.#fetchingIdentity = true
    const body = { transactionalId: null, transactionTimeoutMs: noTransactionTimeoutMs }
    const attempt = async () => {
      const response = await this.#client.request(apis.initProducerId, 'any', body)
      if (response.errorCode !== errors.NONE) throw new KafkaError(response.errorCode)
      return response
    }
    this.#client.retry(attempt, { timeoutMs: this.#options.deliveryTimeoutMs }).then(
      ({ producerId, producerEpoch }) => {
        this.#fetchingIdentity = false
        this.#identity = { producerId, producerEpoch }
        this.wake()
      },
      (thrown) => {
        this.#fetchingIdentity = false
        const error = asKafkaError(thrown)
        for (const queue of this.#queues) {
          if (!queue.needsIdentity) continue
          for (const batch of [...queue.waiting]) {
            queue.dropped(batch, false)
            this.#fail(batch, error)
          }
        }
      },
    )
  }
}

function piecesOf(
  batch: ProducerBatch,
  error: KafkaError,
  recordErrors: readonly RecordError[],
): ProducerBatch[] {
  if (recordErrors.length === 0) return batch.split()
  const refused = new Map<number, KafkaError>()
  for (const { batchIndex, batchIndexErrorMessage } of recordErrors) {
    refused.set(batchIndex, new KafkaError(error.code, batchIndexErrorMessage ?? error.message))
  }
  const rest = batch.without(refused)
  return rest.recordCount === 0 ? [] : [rest]
}

interface PartitionData {
  readonly index: number
  readonly records: Buffer
}

/** What Java's client says where there are no transactions. */
const noTransactionTimeoutMs = 2 ** 31 - 1
