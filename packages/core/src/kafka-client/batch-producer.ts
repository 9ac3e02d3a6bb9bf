// BatchProducer: whole record batches, one by one, to the partitions that the caller chose: for who has them
// ready, or wants them appended under terms (protocol/extensions.ts). A Producer batches, numbers and retries
// on its own; here a batch is sent again only where that cannot store it twice.
//
//   produce -> leader -> answer, with a verdict where there are terms

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { type AppendTerms, readVerdict, termsTags, type Verdict } from '@sluice/protocol/extensions'
import type { ProduceResponse } from '@sluice/protocol/messages/00-produce'
import { zeroUuid } from '@sluice/protocol/schema'
import { sleep } from '../host/clock.ts'
import { backoffMs } from './backoff.ts'
import type { KafkaClient } from './kafka-client.ts'
import { asKafkaError, KafkaError } from './kafka-error.ts'
import { lastVersionByName, refusals } from './produce-errors.ts'
import { pointsToStaleMetadata } from './stale-metadata.ts'

export interface PreparedBatch {
  readonly topic: string
  readonly partition: number
  /** One batch. It belongs to the producer until the promise has settled. */
  readonly records: Buffer
  readonly acks: -1 | 0 | 1
  readonly terms?: AppendTerms
  /** The broker knows it again: an attempt whose answer was lost is repeated. */
  readonly repeatable: boolean
}

export interface StoredBatch {
  /** -1 with acks=0. */
  readonly baseOffset: number
  /** -1 unless the topic stamps the time of append. */
  readonly logAppendTimeMs: number
  readonly verdict: Verdict | undefined
}

/** The broker refused a batch because of its terms. */
export class TermsError extends KafkaError {
  readonly verdict: Verdict

  constructor(code: number, detail: string | null, verdict: Verdict) {
    super(code, detail)
    this.verdict = verdict
  }
}

type PartitionAnswer = ProduceResponse['responses'][number]['partitionResponses'][number]

export interface BatchProducerOptions {
  readonly deliveryTimeoutMs: number
  /** Beyond it there is no room() until some batches are settled. */
  readonly bufferBytes: number
  /** Of its requests; the common one without. */
  readonly lane?: string
}

export class BatchProducer {
  readonly #client: KafkaClient
  readonly #deliveryTimeoutMs: number
  readonly #bufferBytes: number
  readonly #lane: string | undefined
  #bufferedBytes = 0
  #open = 0
  #roomWaiters: (() => void)[] = []
  #idleWaiters: (() => void)[] = []
  #closed = false

  constructor(client: KafkaClient, options: BatchProducerOptions) {
    this.#client = client
    this.#deliveryTimeoutMs = options.deliveryTimeoutMs
    this.#bufferBytes = options.bufferBytes
    this.#lane = options.lane
  }

  /** Resolves when there is room; undefined when there is. */
  room(): Promise<void> | undefined {
    if (this.#bufferedBytes < this.#bufferBytes) return undefined
    return new Promise((resolve) => this.#roomWaiters.push(resolve))
  }

  /**
   * Batches of one partition reach its leader in the order of these calls, as long as none is repeated.
   * Rejects with KafkaError; TermsError where it was the terms.
   */
  async produce(batch: PreparedBatch): Promise<StoredBatch> {
    if (this.#closed) throw new KafkaError(errors.NETWORK_EXCEPTION, 'the producer was closed')
    this.#bufferedBytes += batch.records.length
    this.#open += 1
    try {
      return await this.#deliver(batch)
    } finally {
      this.#free(batch.records.length)
    }
  }

  /** The partitions that know the key of the mark with another body. Rejects with KafkaError. */
  async otherBodies(
    topic: string,
    partitions: readonly number[],
    keyMark: Buffer,
  ): Promise<number[]> {
    const timeoutMs = this.#deliveryTimeoutMs
    const attempt = () => this.#askForOtherBodies(topic, partitions, keyMark)
    return this.#client.retry(attempt, { timeoutMs })
  }

  /** Takes no more; resolves when all is settled. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#open > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve))
  }

  async #deliver(batch: PreparedBatch): Promise<StoredBatch> {
    const { clock, backoff, random } = this.#client
    const deadlineMs = clock.monotonic() + this.#deliveryTimeoutMs
    for (let attempts = 1; ; attempts++) {
      try {
        return await this.#attempt(batch)
      } catch (thrown) {
        const error = asKafkaError(thrown)
        const mayBeStored = !refusals.has(error.code) && !isElsewhere(error.code)
        const repeatable = batch.repeatable || !mayBeStored
        const again = error.retriable && repeatable && !(error instanceof TermsError)
        const pauseMs = backoffMs(backoff, attempts, random)
        const late = clock.monotonic() + pauseMs >= deadlineMs
        if (!again || late || this.#client.closed) throw error
        if (pointsToStaleMetadata(error.code)) this.#client.forgetTopic(batch.topic)
        await sleep(clock, pauseMs)
      }
    }
  }

  /** Up to the request nothing is waited for where the leader is known: that keeps the order. */
  async #attempt(batch: PreparedBatch): Promise<StoredBatch> {
    const { topic, partition, records, acks, terms } = batch
    const known = this.#client.topic(topic) ?? (await this.#findTopic(topic))
    const place = known.partitions[partition]
    if (place === undefined) {
      const detail = `${topic} has ${known.partitions.length} partitions, there is no ${partition}`
      throw new KafkaError(errors.UNKNOWN_TOPIC_OR_PARTITION, detail)
    }
    if (place.leader < 0) {
      throw new KafkaError(errors.LEADER_NOT_AVAILABLE, `${topic}-${partition}`)
    }
    const data = { index: partition, records, unknownTags: terms && termsTags(terms) }
    const body = {
      acks,
      timeoutMs: this.#client.requestTimeoutMs,
      topicData: [{ name: topic, topicId: known.id, partitionData: [data] }],
    }
    const target = { node: place.leader }
    if (acks === 0) {
      await this.#client.send(apis.produce, target, body, { lane: this.#lane })
      return { baseOffset: -1, logAppendTimeMs: -1, verdict: undefined }
    }
    const maxVersion = known.id === zeroUuid ? lastVersionByName : undefined
    const extended = terms !== undefined
    const lane = this.#lane
    const options = { maxVersion, extended, lane }
    const response = await this.#client.request(apis.produce, target, body, options)
    return outcomeOf(response.responses[0]?.partitionResponses[0])
  }

  async #askForOtherBodies(
    topic: string,
    partitions: readonly number[],
    keyMark: Buffer,
  ): Promise<number[]> {
    const known = this.#client.topic(topic) ?? (await this.#findTopic(topic))
    const byLeader = Map.groupBy(partitions, (index) => known.partitions[index]?.leader ?? -1)
    const unknownTags = termsTags({ keyMark })
    const found: number[] = []
    const ask = async (node: number, indexes: readonly number[]) => {
      if (node < 0) throw new KafkaError(errors.LEADER_NOT_AVAILABLE, topic)
      const partitionData = indexes.map((index) => ({ index, records: null, unknownTags }))
      const topicData = [{ name: topic, topicId: known.id, partitionData }]
      const body = { acks: -1, timeoutMs: this.#client.requestTimeoutMs, topicData }
      const maxVersion = known.id === zeroUuid ? lastVersionByName : undefined
      const options = { maxVersion, extended: true, lane: this.#lane }
      const { responses } = await this.#client.request(apis.produce, { node }, body, options)
      for (const answer of responses[0]?.partitionResponses ?? []) {
        if (readVerdict(answer)?.kind === 'other-body') found.push(answer.index)
        else if (answer.errorCode !== errors.NONE) throw this.#stale(topic, answer.errorCode)
      }
    }
    await Promise.all([...byLeader].map(([node, indexes]) => ask(node, indexes)))
    return found
  }

  #stale(topic: string, code: number): KafkaError {
    if (pointsToStaleMetadata(code)) this.#client.forgetTopic(topic)
    return new KafkaError(code)
  }

  async #findTopic(topic: string) {
    const { topics } = await this.#client.metadata([topic], { allowAutoTopicCreation: true })
    const found = topics.get(topic)
    const error = found?.error ?? errors.UNKNOWN_TOPIC_OR_PARTITION
    if (found === undefined || error !== errors.NONE) throw new KafkaError(error, `topic ${topic}`)
    return found
  }

  #free(bytes: number): void {
    this.#bufferedBytes -= bytes
    this.#open -= 1
    if (this.#open === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve()
    if (this.#bufferedBytes >= this.#bufferBytes) return
    for (const resolve of this.#roomWaiters.splice(0)) resolve()
  }
}

function outcomeOf(answer: PartitionAnswer | undefined): StoredBatch {
  if (answer === undefined) {
    throw new KafkaError(errors.NETWORK_EXCEPTION, 'the answer to Produce says nothing')
  }
  const { errorCode, errorMessage, baseOffset, logAppendTimeMs } = answer
  const verdict = readVerdict(answer)
  if (errorCode === errors.NONE) return { baseOffset, logAppendTimeMs, verdict }
  if (verdict !== undefined) throw new TermsError(errorCode, errorMessage, verdict)
  const [first] = answer.recordErrors
  throw new KafkaError(errorCode, errorMessage ?? first?.batchIndexErrorMessage ?? null)
}

/** The broker had no such partition: nothing was appended there. */
function isElsewhere(code: number): boolean {
  return (
    code === errors.UNKNOWN_TOPIC_OR_PARTITION ||
    code === errors.UNKNOWN_TOPIC_ID ||
    code === errors.LEADER_NOT_AVAILABLE ||
    code === errors.BROKER_NOT_AVAILABLE
  )
}
