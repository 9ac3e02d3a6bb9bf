// Tails: readers that have read everything and wait for more. All of them that wait on one broker share
// long polls there, whatever the number of readers, and share what comes: decoded once, encoded once.
//
//   reader --wait(positions)--> tail of a partition <--chunk-- lane (one Fetch under way, on a connection
//                                                              of its own)
//
// Nothing depends on it but promptness: a reader that is woken, rightly or not, looks at the log from its
// own position. So an error here wakes the readers, and they meet it themselves.
//
// A partition that nobody waited on gets a new lane at once; the main lane takes it over when its own poll
// returns (after a second at the latest), and the new lane ends. So a broker has one long poll at rest.

import type { Clock } from '@sluice/core/host/clock'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import type { Isolation } from '@sluice/core/kafka-client/list-offsets'
import type { TopicMetadata } from '@sluice/core/kafka-client/metadata-cache'
import { pointsToStaleMetadata } from '@sluice/core/kafka-client/stale-metadata'
import type { TimerQueue } from '@sluice/core/lib/timer-queue'
import { errors } from '@sluice/protocol/errors'
import { look, type PartitionFetch } from './log-fetch.ts'
import { PartitionTail } from './partition-tail.ts'

/** A poll that brings nothing ends after this: the time in which lanes come together. */
const pollMs = 1000
const pollBytesMax = 4 * 1024 * 1024
/** Polls under way at one broker; a partition beyond that waits for the next one to return. */
const lanesMax = 16
/** After an error the readers of a partition are woken this much later, so that they do not spin. */
const errorPauseMs = 200

export interface WaitFor {
  readonly topic: TopicMetadata
  readonly isolation: Isolation
  /** By partition: the next offset that the reader wants. */
  readonly positions: ReadonlyMap<number, number>
}

export interface TailsOptions {
  readonly client: KafkaClient
  readonly clock: Clock
  readonly deadlines: TimerQueue
}

/** The polls of one isolation to one broker. */
interface Station {
  readonly node: number
  readonly isolation: Isolation
  /** The first one is the main lane. */
  readonly lanes: Set<Lane>
  /** Tails that no lane polls yet. */
  readonly fresh: Set<PartitionTail>
  startDue: boolean
}

interface Lane {
  readonly name: string
  tails: readonly PartitionTail[]
}

export class Tails {
  readonly #options: TailsOptions
  readonly #tails = new Map<string, PartitionTail>()
  readonly #stations = new Map<string, Station>()
  #closed = false

  constructor(options: TailsOptions) {
    this.#options = options
  }

  /**
   * Resolves true when one of the partitions has something at or behind its position, or should be looked
   * at for another reason; false after `timeoutMs` or when `signal` was aborted.
   */
  wait(
    { topic, isolation, positions }: WaitFor,
    { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
  ): Promise<boolean> {
    if (this.#closed || signal.aborted) return Promise.resolve(false)
    const tails = [...positions].map(([partition, offset]) => ({
      tail: this.#tail(topic, partition, isolation),
      offset,
    }))
    if (tails.some(({ tail, offset }) => tail.reaches(offset))) return Promise.resolve(true)
    return new Promise((resolve) => {
      const settle = (woken: boolean) => {
        deadline.cancel()
        signal.removeEventListener('abort', interrupt)
        for (const [tail, leave] of joined) {
          leave()
          this.#forgetIdle(tail)
        }
        resolve(woken)
      }
      const interrupt = () => settle(false)
      const wake = () => settle(true)
      const joined = tails.map(({ tail, offset }) => [tail, tail.join(offset, wake)] as const)
      const deadline = this.#options.deadlines.after(timeoutMs, interrupt)
      signal.addEventListener('abort', interrupt)
      for (const { tail } of tails) this.#place(tail)
    })
  }

  /** What lately came behind `offset` of a partition, if it is still at hand without a gap. */
  recent(
    topic: TopicMetadata,
    partition: number,
    isolation: Isolation,
    offset: number,
  ): PartitionFetch | undefined {
    return this.#tails.get(keyOf(topic, partition, isolation))?.recent(offset)
  }

  close(): void {
    this.#closed = true
    for (const tail of this.#tails.values()) tail.wake()
    for (const { lanes } of this.#stations.values()) {
      for (const { name } of lanes) this.#options.client.closeLane(name)
    }
    this.#tails.clear()
  }

  #tail(topic: TopicMetadata, partition: number, isolation: Isolation): PartitionTail {
    const key = keyOf(topic, partition, isolation)
    let tail = this.#tails.get(key)
    if (!tail) {
      tail = new PartitionTail(key, topic, partition, isolation)
      this.#tails.set(key, tail)
    }
    return tail
  }

  #forgetIdle(tail: PartitionTail): void {
    if (tail.waiting > 0 || tail.lane !== undefined || tail.wakeDue) return
    if (this.#tails.get(tail.key) === tail) this.#tails.delete(tail.key)
  }

  /** Has the tail polled at its leader, unless it is or will soon be looked after. */
  #place(tail: PartitionTail): void {
    if (tail.lane !== undefined || tail.wakeDue) return
    const known = this.#options.client.topic(tail.topic.name)
    const leader = known?.partitions[tail.partition]?.leader ?? -1
    if (leader < 0) {
      this.#wakeLater(tail)
      return
    }
    const station = this.#station(leader, tail.isolation)
    station.fresh.add(tail)
    this.#startLane(station)
  }

  #station(node: number, isolation: Isolation): Station {
    const key = `${node}/${isolation}`
    let station = this.#stations.get(key)
    if (!station) {
      station = { node, isolation, lanes: new Set(), fresh: new Set(), startDue: false }
      this.#stations.set(key, station)
    }
    return station
  }

  /** One lane for all that joined in this turn of the loop. */
  #startLane(station: Station): void {
    if (station.startDue) return
    station.startDue = true
    this.#options.clock.defer(() => {
      station.startDue = false
      const { lanes, fresh } = station
      if (this.#closed || fresh.size === 0 || lanes.size >= lanesMax) return
      const lane: Lane = { name: this.#options.client.newLane('tail'), tails: [] }
      lanes.add(lane)
      this.#run(station, lane)
    })
  }

  async #run(station: Station, lane: Lane): Promise<void> {
    while (this.#gather(station, lane)) {
      await this.#poll(station, lane)
      // Those who were woken may have read and come back by the end of this turn.
      await new Promise<void>((resolve) => this.#options.clock.defer(resolve))
    }
    station.lanes.delete(lane)
    this.#options.client.closeLane(lane.name)
    if (station.fresh.size > 0) this.#startLane(station)
  }

  /** Chooses what the next poll of the lane asks for; false: nothing, the lane ends. */
  #gather(station: Station, lane: Lane): boolean {
    if (this.#closed) return false
    const { lanes, fresh } = station
    const [main] = lanes
    const wanted: PartitionTail[] = []
    for (const tail of lane.tails) {
      if (tail.lane !== lane) continue
      if (tail.waiting > 0) wanted.push(tail)
      else {
        tail.lane = undefined
        this.#forgetIdle(tail)
      }
    }
    const others = lane === main ? [...lanes].filter((other) => other !== lane) : []
    for (const other of others) {
      wanted.push(...other.tails.filter((tail) => tail.lane === other && tail.waiting > 0))
    }
    wanted.push(...[...fresh].filter((tail) => tail.lane === undefined && tail.waiting > 0))
    fresh.clear()
    for (const tail of wanted) tail.lane = lane
    lane.tails = wanted
    return wanted.length > 0
  }

  async #poll({ node, isolation }: Station, lane: Lane): Promise<void> {
    const { client } = this.#options
    const { tails } = lane
    const from = tails.map((tail) => {
      return { topic: tail.topic.name, partition: tail.partition, offset: tail.pollFrom() }
    })
    const options = { isolation, maxBytes: pollBytesMax, maxWaitMs: pollMs, lane: lane.name }
    try {
      const fetched = await look(client, node, from, options)
      fetched.forEach((fetch, index) => {
        this.#deliver(tails[index], fetch)
      })
    } catch (error) {
      if (this.#closed) return
      client.logger.debug({ err: error, node }, 'a long poll failed')
      for (const tail of tails) this.#unplace(tail)
    }
  }

  #deliver(tail: PartitionTail, fetch: PartitionFetch): void {
    const { client } = this.#options
    const { name, id } = tail.topic
    const replaced = client.topic(name)?.id !== id
    if (fetch.error === errors.NONE && !replaced) {
      tail.push(fetch)
      return
    }
    if (pointsToStaleMetadata(fetch.error)) client.forgetTopic(name)
    this.#unplace(tail)
  }

  /** The tail's broker has failed it: its readers look for themselves, a little later. */
  #unplace(tail: PartitionTail): void {
    tail.lane = undefined
    this.#wakeLater(tail)
  }

  #wakeLater(tail: PartitionTail): void {
    if (tail.wakeDue) return
    tail.wakeDue = true
    this.#options.deadlines.after(errorPauseMs, () => {
      tail.wakeDue = false
      tail.wake()
      this.#forgetIdle(tail)
    })
  }
}

function keyOf(topic: TopicMetadata, partition: number, isolation: Isolation): string {
  return `${topic.id}/${topic.name}/${partition}/${isolation}`
}
