// Consumer: reads the partitions it was given, in order, from where it was told.
//
//   assign -> position (given, or looked up) -> fetch from the leader -> ready -> poll
//
// One fetch a leader is under way at a time, for the partitions of which nothing is ready: while the
// caller works on what poll() gave it, the next is on its way, and no more than that waits in memory.
// Keys and values are views on the bytes that came over the wire: they live as long as they are held.

import { errors } from '@sluice/protocol/errors'
import type { Record } from '@sluice/protocol/records/record'
import { backoffMs } from './backoff.ts'
import { type FetchedPartition, type FetchOptions, fetchPartitions } from './fetch.ts'
import { readBatches } from './fetched-batches.ts'
import type { KafkaClient } from './kafka-client.ts'
import { asKafkaError, KafkaError } from './kafka-error.ts'
import { type Isolation, listOffsets, type OffsetSpec } from './list-offsets.ts'
import { pointsToStaleMetadata } from './stale-metadata.ts'
import type { TopicPartition } from './topic-partition.ts'
import { Wakeup } from './wakeup.ts'

export interface Assignment extends TopicPartition {
  /** Where to begin; by `offsetReset` without. */
  readonly offset?: number | OffsetSpec
}

export interface FetchedRecords extends TopicPartition {
  readonly records: Record[]
  /** What poll() will give next of this partition. */
  readonly nextOffset: number
  readonly highWatermark: number
}

export interface PartitionPosition {
  /** Undefined until it was looked up. */
  readonly position: number | undefined
  /** -1 until the first fetch. */
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
}

/** Kafka's consumer configs under our names, with Kafka's defaults. */
export interface ConsumerOptions {
  /** auto.offset.reset: where to begin without an offset, or when it is not there any more. */
  readonly offsetReset?: 'earliest' | 'latest' | 'none'
  readonly isolation?: Isolation
  readonly minBytes?: number
  readonly maxBytes?: number
  readonly partitionMaxBytes?: number
  readonly maxWaitMs?: number
  readonly checkCrcs?: boolean
  readonly allowAutoTopicCreation?: boolean
  /** A lane to share; one of its own without. */
  readonly lane?: string
}

interface State extends TopicPartition {
  position: number | undefined
  /** Where to look the position up. */
  from: OffsetSpec | undefined
  paused: boolean
  busy: boolean
  attempts: number
  retryAtMs: number
  ready: FetchedPartition | undefined
  highWatermark: number
  lastStableOffset: number
  logStartOffset: number
}

const defaults = {
  offsetReset: 'latest',
  isolation: 'read_uncommitted',
  minBytes: 1,
  maxBytes: 52_428_800,
  partitionMaxBytes: 1_048_576,
  maxWaitMs: 500,
  checkCrcs: true,
  allowAutoTopicCreation: true,
} as const

export class Consumer {
  readonly #client: KafkaClient
  readonly #settings: Required<Omit<ConsumerOptions, 'lane'>>
  readonly #lane: string
  readonly #ownsLane: boolean
  readonly #wakeup: Wakeup
  readonly #fetching = new Set<number>()
  #states = new Map<string, State>()
  #failure: KafkaError | undefined
  #problem: KafkaError | undefined
  #lookingUp = false
  #closed = false

  constructor(client: KafkaClient, options: ConsumerOptions = {}) {
    this.#client = client
    this.#settings = { ...defaults, ...options }
    this.#ownsLane = options.lane === undefined
    this.#lane = options.lane ?? client.newLane('fetch')
    this.#wakeup = new Wakeup(client.clock)
  }

  get assignment(): TopicPartition[] {
    return [...this.#states.values()].map(({ topic, partition }) => ({ topic, partition }))
  }

  /** What keeps a partition from being read at the moment; retried all the while. */
  get problem(): KafkaError | undefined {
    return this.#problem
  }

  /** Replaces the assignment. A partition that stays, and comes without an offset, goes on where it is. */
  assign(partitions: readonly Assignment[]): void {
    const before = this.#states
    this.#states = new Map()
    for (const { topic, partition, offset } of partitions) {
      const key = `${topic}/${partition}`
      const present = offset === undefined ? before.get(key) : undefined
      this.#states.set(key, present ?? this.#begin({ topic, partition, offset }))
    }
    this.#failure = undefined
    this.#wakeup.call()
  }

  /** Goes on at `offset`; what is ready of the partition is dropped. */
  seek({ topic, partition }: TopicPartition, offset: number | OffsetSpec): void {
    const key = `${topic}/${partition}`
    if (!this.#states.has(key)) throw new RangeError(`${topic}-${partition} is not assigned`)
    this.#states.set(key, this.#begin({ topic, partition, offset }))
    this.#failure = undefined
    this.#wakeup.call()
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const state of this.#find(partitions)) state.paused = true
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const state of this.#find(partitions)) state.paused = false
    this.#wakeup.call()
  }

  position({ topic, partition }: TopicPartition): PartitionPosition | undefined {
    return this.#states.get(`${topic}/${partition}`)
  }

  /**
   * What is ready, at once; else what comes within `maxWaitMs`, or nothing. Rejects with KafkaError for
   * what a retry does not mend: no such offset (reset 'none'), a corrupt batch, no permission.
   */
  async poll(maxWaitMs: number): Promise<FetchedRecords[]> {
    const deadlineMs = this.#client.clock.monotonic() + maxWaitMs
    for (;;) {
      const woken = this.#wakeup.next()
      const ready = this.#takeReady()
      this.#proceed()
      if (ready.length > 0) return ready
      if (this.#failure !== undefined) {
        const failure = this.#failure
        this.#failure = undefined
        throw failure
      }
      const leftMs = deadlineMs - this.#client.clock.monotonic()
      if (leftMs <= 0 || this.#closed) return []
      if ((await woken(leftMs)) === 'interrupted') return []
    }
  }

  /** Lets a poll() that waits return what there is, which is nothing. */
  interrupt(): void {
    this.#wakeup.interrupt()
  }

  close(): void {
    this.#closed = true
    this.#states.clear()
    this.#wakeup.call()
    if (this.#ownsLane) this.#client.closeLane(this.#lane)
  }

  #begin({ topic, partition, offset }: Assignment): State {
    const { offsetReset } = this.#settings
    let from: OffsetSpec | undefined
    if (typeof offset !== 'number')
      from = offset ?? (offsetReset === 'none' ? undefined : offsetReset)
    return {
      topic,
      partition,
      position: typeof offset === 'number' ? offset : undefined,
      from,
      paused: false,
      busy: false,
      attempts: 0,
      retryAtMs: 0,
      ready: undefined,
      highWatermark: -1,
      lastStableOffset: -1,
      logStartOffset: -1,
    }
  }

  #find(partitions: readonly TopicPartition[]): State[] {
    return partitions.flatMap(({ topic, partition }) => {
      return this.#states.get(`${topic}/${partition}`) ?? []
    })
  }

  #takeReady(): FetchedRecords[] {
    const taken: FetchedRecords[] = []
    for (const [key, state] of [...this.#states]) {
      const { ready, topic, partition } = state
      if (ready === undefined || state.position === undefined || state.paused) continue
      state.ready = undefined
      // Asked for last next time: what a response has room for goes to each partition in turn.
      this.#states.delete(key)
      this.#states.set(key, state)
      try {
        const { records, nextOffset } = readBatches(ready, state.position, this.#settings)
        state.position = nextOffset
        if (records.length === 0) continue
        taken.push({ topic, partition, records, nextOffset, highWatermark: state.highWatermark })
      } catch (thrown) {
        // Retried by the next poll: the bytes may have been damaged on their way.
        this.#failure = asKafkaError(thrown)
      }
    }
    return taken
  }

  /** Starts whatever can be started: look-ups of positions, fetches from leaders that are free. */
  #proceed(): void {
    if (this.#closed) return
    const nowMs = this.#client.clock.monotonic()
    const unplaced: State[] = []
    const byLeader = new Map<number, State[]>()
    let wakeAtMs = Number.POSITIVE_INFINITY
    for (const state of this.#states.values()) {
      if (state.busy || state.paused || state.ready !== undefined) continue
      if (state.retryAtMs > nowMs) {
        wakeAtMs = Math.min(wakeAtMs, state.retryAtMs)
      } else if (state.position === undefined) {
        unplaced.push(state)
      } else {
        const leader = this.#client.topic(state.topic)?.partitions[state.partition]?.leader ?? -1
        const ofLeader = byLeader.get(leader)
        if (ofLeader === undefined) byLeader.set(leader, [state])
        else ofLeader.push(state)
      }
    }
    this.#findLeaders(byLeader.get(-1) ?? [])
    byLeader.delete(-1)
    if (unplaced.length > 0) this.#place(unplaced)
    for (const [nodeId, states] of byLeader) {
      if (!this.#fetching.has(nodeId)) this.#fetch(nodeId, states)
    }
    if (Number.isFinite(wakeAtMs)) this.#wakeup.after(wakeAtMs - nowMs)
  }

  #findLeaders(states: readonly State[]): void {
    if (states.length === 0) return
    const topics = [...new Set(states.map((state) => state.topic))]
    const { allowAutoTopicCreation } = this.#settings
    for (const state of states) state.busy = true
    this.#client.metadata(topics, { refresh: true, allowAutoTopicCreation }).then(
      (metadata) => {
        for (const state of states) {
          state.busy = false
          const topic = metadata.topics.get(state.topic)
          const leader = topic?.partitions[state.partition]?.leader
          if (leader !== undefined && leader >= 0) continue
          const unknown = topic?.error || errors.UNKNOWN_TOPIC_OR_PARTITION
          const code = leader === undefined ? unknown : errors.LEADER_NOT_AVAILABLE
          this.#failed(state, new KafkaError(code, `${state.topic}-${state.partition}`))
        }
        this.#wakeup.call()
      },
      (thrown) => {
        for (const state of states) this.#failed(state, asKafkaError(thrown))
        this.#wakeup.call()
      },
    )
  }

  /** Looks up where partitions without a position begin. */
  #place(states: readonly State[]): void {
    if (this.#lookingUp) return
    const queries: { topic: string; partition: number; at: OffsetSpec }[] = []
    for (const { topic, partition, from } of states) {
      if (from === undefined) {
        const detail = `no offset for ${topic}-${partition}, and offsets are not reset`
        this.#failure = new KafkaError(errors.OFFSET_OUT_OF_RANGE, detail)
        continue
      }
      queries.push({ topic, partition, at: from })
    }
    if (queries.length === 0) return
    this.#lookingUp = true
    const { isolation } = this.#settings
    listOffsets(this.#client, queries, { isolation, timeoutMs: 0 })
      .then(
        (listed) => {
          for (const { topic, partition, error, offset } of listed) {
            const state = this.#states.get(`${topic}/${partition}`)
            if (state === undefined || !states.includes(state)) continue
            if (error !== errors.NONE)
              this.#failed(state, new KafkaError(error, `${topic}-${partition}`))
            // No record is that late: what comes next will be.
            else if (offset < 0) state.from = 'latest'
            else this.#succeeded(state, offset)
          }
        },
        (thrown) => {
          for (const state of states) this.#failed(state, asKafkaError(thrown))
        },
      )
      .then(() => {
        this.#lookingUp = false
        this.#wakeup.call()
      })
  }

  #fetch(nodeId: number, states: readonly State[]): void {
    this.#fetching.add(nodeId)
    const wanted = states.map((state) => {
      state.busy = true
      const { topic, partition } = state
      return { topic, partition, offset: state.position ?? 0 }
    })
    const options: FetchOptions = { ...this.#settings, lane: this.#lane }
    fetchPartitions(this.#client, nodeId, wanted, options)
      .then(
        (fetched) => {
          for (let index = 0; index < states.length; index++)
            this.#take(states[index], fetched[index])
        },
        (thrown) => {
          const error = asKafkaError(thrown)
          for (const state of states) {
            this.#client.forgetTopic(state.topic)
            this.#failed(state, error)
          }
        },
      )
      .then(() => {
        this.#fetching.delete(nodeId)
        this.#wakeup.call()
      })
  }

  #take(state: State, fetched: FetchedPartition): void {
    state.busy = false
    const { error } = fetched
    if (error === errors.NONE) {
      state.attempts = 0
      state.highWatermark = fetched.highWatermark
      state.lastStableOffset = fetched.lastStableOffset
      state.logStartOffset = fetched.logStartOffset
      if (fetched.bytes.length > 0) state.ready = fetched
      return
    }
    if (error === errors.OFFSET_OUT_OF_RANGE) {
      const { offsetReset } = this.#settings
      const { topic, partition, position } = state
      this.#client.logger.info({ topic, partition, position, offsetReset }, 'offset out of range')
      state.position = undefined
      state.from = offsetReset === 'none' ? undefined : offsetReset
      return
    }
    if (pointsToStaleMetadata(error)) this.#client.forgetTopic(state.topic)
    this.#failed(state, new KafkaError(error, `${state.topic}-${state.partition}`))
  }

  #succeeded(state: State, position: number): void {
    state.position = position
    state.from = undefined
    state.attempts = 0
    state.busy = false
  }

  /** Backs off from the partition; a failure for good goes to the next poll. */
  #failed(state: State, error: KafkaError): void {
    state.busy = false
    state.attempts += 1
    const { clock, random, backoff } = this.#client
    state.retryAtMs = clock.monotonic() + backoffMs(backoff, state.attempts, random)
    if (this.#states.get(`${state.topic}/${state.partition}`) !== state) return
    if (error.retriable) this.#problem = error
    else this.#failure = error
  }
}
