// A read of record batches as the log has them: nothing is decoded, nothing encoded anew. Batches that no
// reader sees (control batches, aborted transactions) are left out; all others come whole, also one in the
// middle of which `from` or `to` lies.

import { fetchPartitions } from '@sluice/core/kafka-client/fetch'
import { type VisibleBatch, visibleBatches } from '@sluice/core/kafka-client/fetched-batches'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { pointsToStaleMetadata } from '@sluice/core/kafka-client/stale-metadata'
import { errors } from '@sluice/protocol/errors'
import type { Cursor, Position } from './cursor.ts'
import { readLane } from './log-fetch.ts'
import { replaced } from './log-reader.ts'
import {
  type ReadRequest,
  type ReadServices,
  type ReadStart,
  startOfRead,
  withCurrentTopic,
} from './open-reader.ts'
import { done, failed, type Outcome, type Problem } from './problem.ts'
import { lookProblem } from './problems.ts'
import { throttled } from './rate-limits.ts'
import { moveIntoRange } from './read-start.ts'

export interface RawBatches {
  readonly topicId: string
  readonly partition: number
  readonly batches: readonly VisibleBatch[]
  /** Where to go on. */
  readonly next: Cursor
  /** Where what can be read ends. */
  readonly endOffset: number
  /** The same request will always find the same batches: it came to its `to`, or to its `max_bytes`. */
  readonly closed: boolean
}

/** How long a leader that moves is looked for before a reader is told. */
const retryTimeoutMs = 10_000

export async function readRaw(
  services: ReadServices,
  request: ReadRequest,
  wait: (start: ReadStart, position: Position) => Promise<boolean>,
): Promise<Outcome<RawBatches>> {
  return withCurrentTopic(services, request, async () => {
    const started = await startOfRead(services, request)
    if (!started.ok) return started
    if (started.value.positions.length !== 1) return failed(onePartition)
    return new RawReader(services, request, started.value).read(wait)
  })
}

const onePartition: Problem = {
  code: 'invalid_parameter',
  detail: 'record batches are read of one partition: …/partitions/{p}/records or partition=p',
}

class RawReader {
  readonly #services: ReadServices
  readonly #request: ReadRequest
  readonly #start: ReadStart
  readonly #batches: VisibleBatch[] = []
  #position: Position
  #bytes = 0
  #endOffset = -1

  constructor(services: ReadServices, request: ReadRequest, start: ReadStart) {
    this.#services = services
    this.#request = request
    this.#start = start
    this.#position = start.positions[0]
  }

  async read(
    wait: (start: ReadStart, position: Position) => Promise<boolean>,
  ): Promise<Outcome<RawBatches>> {
    const { to } = this.#request
    for (;;) {
      const before = this.#position.offset
      if (to !== undefined && before >= to) return done(this.#result(true))
      const fetched = await this.#fetchRetrying()
      if (!fetched.ok) return fetched
      if (fetched.value === 'full') return done(this.#result(to !== undefined))
      if (fetched.value === 'moved') continue
      if (this.#position.offset > before) {
        // Without `to` what came first is the answer; with it the answer must not depend on chance.
        if (to === undefined && this.#batches.length > 0) return done(this.#result(false))
        continue
      }
      const idle = this.#batches.length === 0 && this.#position.offset >= this.#endOffset
      if (!idle || !(await wait(this.#start, this.#position))) return done(this.#result(false))
    }
  }

  #result(closed: boolean): RawBatches {
    const { topic, selection } = this.#start
    const next = { topicId: topic.id, ...selection, positions: [this.#position] }
    const { partition } = this.#position
    const batches = this.#batches
    return { topicId: topic.id, partition, batches, next, endOffset: this.#endOffset, closed }
  }

  async #fetchRetrying(): Promise<Outcome<'full' | 'more' | 'moved'>> {
    const { client } = this.#services
    try {
      return await client.retry(() => this.#fetch().catch((error) => this.#throttled(error)), {
        timeoutMs: retryTimeoutMs,
        onRetry: (error) => {
          if (pointsToStaleMetadata(error.code)) client.forgetTopic(this.#start.topic.name)
        },
      })
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return failed(lookProblem(error))
    }
  }

  /** A refusal where the quota is used up. */
  #throttled(error: unknown): Outcome<never> {
    const quota = error instanceof KafkaError && error.code === errors.THROTTLING_QUOTA_EXCEEDED
    const problem = quota ? throttled(this.#services.client, 'fetch') : undefined
    if (problem) return failed(problem)
    throw error
  }

  async #fetch(): Promise<Outcome<'full' | 'more' | 'moved'>> {
    const { client } = this.#services
    const { topic, isolation } = this.#start
    const { partition, offset } = this.#position
    const { topics } = await client.metadata([topic.name])
    const current = topics.get(topic.name)
    if (current?.error !== errors.NONE) {
      throw new KafkaError(current?.error ?? errors.UNKNOWN_TOPIC_OR_PARTITION)
    }
    if (current.id !== topic.id) return failed(replaced(topic.name))
    const leader = current.partitions[partition]?.leader ?? -1
    if (leader < 0) throw new KafkaError(errors.LEADER_NOT_AVAILABLE)
    const maxBytes = this.#request.limits.maxBytes - this.#bytes
    const wanted = [{ topic: topic.name, partition, offset }]
    const limits = { minBytes: 1, maxBytes, partitionMaxBytes: maxBytes, maxWaitMs: 0 }
    const options = { isolation, lane: readLane, ...limits }
    const [fetched] = await fetchPartitions(client, leader, wanted, options)
    if (fetched.error === errors.OFFSET_OUT_OF_RANGE) return this.#moveIntoRange()
    if (fetched.error !== errors.NONE) throw new KafkaError(fetched.error)
    const committed = isolation === 'read_committed' && fetched.lastStableOffset >= 0
    this.#endOffset = committed ? fetched.lastStableOffset : fetched.highWatermark
    const { batches, nextOffset } = visibleBatches(fetched, offset)
    return done(this.#take(batches, nextOffset))
  }

  /** Whether the answer is full with them. */
  #take(batches: readonly VisibleBatch[], nextOffset: number): 'full' | 'more' {
    const { to = Number.POSITIVE_INFINITY, limits } = this.#request
    for (const batch of batches) {
      if (batch.firstOffset >= to) {
        this.#moveTo(to)
        return 'full'
      }
      const bytes = this.#bytes + batch.bytes.length
      if (this.#batches.length > 0 && bytes > limits.maxBytes) return 'full'
      this.#batches.push(batch)
      this.#bytes = bytes
      this.#moveTo(batch.lastOffset + 1)
    }
    this.#moveTo(nextOffset)
    return this.#bytes >= limits.maxBytes ? 'full' : 'more'
  }

  async #moveIntoRange(): Promise<Outcome<'moved'>> {
    const { topic, isolation } = this.#start
    const { client } = this.#services
    const { clamp } = this.#request
    const moved = await moveIntoRange(this.#position, { client, topic, isolation, clamp })
    if (!moved.ok) return moved
    this.#position = moved.value
    return done('moved')
  }

  #moveTo(offset: number): void {
    this.#position = { ...this.#position, offset, leaderEpoch: -1 }
  }
}

/** All of them as one run of bytes: without a copy where they lie side by side, as they mostly do. */
export function joinBatches(batches: readonly VisibleBatch[]): Buffer {
  const [first] = batches
  if (!first) return Buffer.alloc(0)
  const { buffer, byteOffset } = first.bytes
  let end = byteOffset
  for (const { bytes } of batches) {
    if (bytes.buffer !== buffer || bytes.byteOffset !== end) {
      return Buffer.concat(batches.map((batch) => batch.bytes))
    }
    end += bytes.length
  }
  return Buffer.from(buffer, byteOffset, end - byteOffset)
}
