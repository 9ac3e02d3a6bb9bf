// LogReader: one reader's way through some partitions of a topic. It keeps only where it stands, so it can
// end behind any record and begin again at its cursor.
//
//   read()  what is there now, of all partitions, the older first; nothing when all is read
//   wait()  until there may be more
//
// Records of a partition come in its order; between partitions they are merged by time.

import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import type { Isolation } from '@sluice/core/kafka-client/list-offsets'
import type { TopicMetadata } from '@sluice/core/kafka-client/metadata-cache'
import { pointsToStaleMetadata } from '@sluice/core/kafka-client/stale-metadata'
import { errors } from '@sluice/protocol/errors'
import type { Cursor, Position } from './cursor.ts'
import { look, type PartitionFetch } from './log-fetch.ts'
import { done, failed, type Outcome, type Problem } from './problem.ts'
import { lookProblem } from './problems.ts'
import { ReadPosition } from './read-position.ts'
import type { ReadRecord } from './read-record.ts'
import { offsetsAt } from './read-start.ts'
import type { RecordFilter } from './record-filter.ts'
import type { Tails } from './tails.ts'

export interface LogReaderOptions {
  readonly client: KafkaClient
  readonly tails: Tails
  readonly topic: TopicMetadata
  readonly isolation: Isolation
  /** What a cursor says besides the positions. */
  readonly selection: Pick<Cursor, 'allPartitions' | 'filter'>
  readonly positions: readonly Position[]
  /** Only records that pass. */
  readonly filter: RecordFilter
  /** Where to end, in the one partition that is read. */
  readonly to: number | undefined
  /** A position that is out of range: where to go on, or the problem. */
  readonly outOfRange: (position: Position) => Promise<Outcome<Position>>
}

export interface ReadLimits {
  readonly maxRecords: number
  readonly maxBytes: number
  /** Give one record even where it is larger than `maxBytes`; true without. */
  readonly atLeastOne?: boolean
}

/** What one read has together. */
interface Gathered {
  readonly records: ReadRecord[]
  bytes: number
  /** Records looked at, those that a filter left out among them. */
  scanned: number
  full: boolean
}

/** How long a leader that moves is looked for before a reader is told. */
const retryTimeoutMs = 10_000
/** A filter that matches nothing gives up a read after this many records, so that the caller hears of it. */
const scanRecordsMax = 100_000

export class LogReader {
  readonly #options: LogReaderOptions
  readonly #positions: ReadPosition[]
  /** By partition: where to end, though there be more. */
  #until: ReadonlyMap<number, number> | undefined
  /** Look at the log even where everything seems to be read. */
  #look = true

  constructor(options: LogReaderOptions) {
    this.#options = options
    this.#positions = options.positions.map((position) => new ReadPosition(position))
    const { to } = options
    if (to !== undefined) {
      this.#until = new Map(this.#positions.map(({ partition }) => [partition, to]))
    }
  }

  /** Everything that was there when it was last looked, or that was to be read, is read. */
  get caughtUp(): boolean {
    return this.#positions.every((position) => position.atEnd || this.#isFinished(position))
  }

  /** It has come as far as endHere() said. */
  get finished(): boolean {
    return this.#positions.every((position) => this.#isFinished(position))
  }

  /** Where it stands: a read that begins there goes on with no gap and no duplicate. */
  cursor(): Cursor {
    const { topic, selection } = this.#options
    return { topicId: topic.id, ...selection, positions: this.#positions }
  }

  /** By partition: where what can be read ends, as last seen. */
  endOffsets(): { [partition: number]: number } {
    return Object.fromEntries(
      this.#positions.map(({ partition, endOffset }) => [partition, endOffset]),
    )
  }

  /** To be read to what is now the end, and no further. A read has found out where that is. */
  endHere(): void {
    const { to = Number.POSITIVE_INFINITY } = this.#options
    const ends = this.#positions.map(({ partition, endOffset }) => {
      return [partition, Math.min(endOffset, to)] as const
    })
    this.#until = new Map(ends)
  }

  /** At least one record if there is one to be read, and as many as there are and as `limits` allow. */
  async read(limits: ReadLimits): Promise<Outcome<ReadRecord[]>> {
    const gathered: Gathered = { records: [], bytes: 0, scanned: 0, full: false }
    while (!gathered.full && gathered.scanned < scanRecordsMax) {
      const moved = await this.#fill(limits.maxBytes)
      // What was read so far comes first: what went wrong is met again by the next read.
      if (!moved.ok) return gathered.records.length > 0 ? done(gathered.records) : moved
      if (!moved.value && !this.#oldest()) break
      this.#drain(gathered, limits)
    }
    return done(gathered.records)
  }

  /** True when there may be something to read; false after `timeoutMs` or when `signal` was aborted. */
  async wait(options: { timeoutMs: number; signal: AbortSignal }): Promise<boolean> {
    const { tails, topic, isolation } = this.#options
    const open = this.#positions.filter((position) => !this.#isFinished(position))
    const positions = new Map(open.map(({ partition, nextOffset }) => [partition, nextOffset]))
    const woken = await tails.wait({ topic, isolation, positions }, options)
    if (woken) this.#look = true
    return woken
  }

  /** A reader of all partitions also reads those that were added to the topic, from their start. */
  async noticePartitions(): Promise<void> {
    const { client, topic, selection } = this.#options
    if (!selection.allPartitions) return
    const { topics } = await client.metadata([topic.name])
    const current = topics.get(topic.name)
    if (current?.id !== topic.id) return
    const partitions = current.partitions.slice(this.#positions.length).map(({ index }) => index)
    if (partitions.length === 0) return
    const starts = await offsetsAt('earliest', { ...this.#options, partitions })
    if (!starts.ok) return
    for (const start of starts.value) this.#positions.push(new ReadPosition(start))
    this.#look = true
  }

  #isFinished({ partition, offset }: ReadPosition): boolean {
    const end = this.#until?.get(partition)
    return end !== undefined && offset >= end
  }

  /**
   * Gives out what is buffered, the oldest first, until a partition has to be fetched from again: what
   * comes next of it may be older than what is buffered of the others.
   */
  #drain(gathered: Gathered, limits: ReadLimits): void {
    const { maxRecords, maxBytes, atLeastOne = true } = limits
    const { filter } = this.#options
    const { records } = gathered
    for (let from = this.#oldest(); from; from = this.#oldest()) {
      const record = from.head as ReadRecord
      const wanted = filter.passesAll || filter.passes(record.record)
      const fits = gathered.bytes + record.bytes <= maxBytes
      gathered.full = wanted && !fits && !(atLeastOne && records.length === 0)
      if (gathered.full) return
      from.take()
      gathered.scanned += 1
      if (wanted) {
        records.push(record)
        gathered.bytes += record.bytes
        gathered.full = records.length >= maxRecords
      }
      if (gathered.full || (!from.head && !from.atEnd)) return
    }
  }

  /** The partition whose next record is the oldest by time. */
  #oldest(): ReadPosition | undefined {
    let oldest: ReadPosition | undefined
    for (const position of this.#positions) {
      if (!position.head) continue
      if (!oldest?.head || position.head.record.timestamp < oldest.head.record.timestamp) {
        oldest = position
      }
    }
    return oldest
  }

  /**
   * Gets records for the partitions that have none buffered and may have some: from what came lately, else
   * from the log. False: nothing has moved.
   */
  async #fill(maxBytes: number): Promise<Outcome<boolean>> {
    // One with nothing to be read is fetched from once all the same: where its log ends is told, too.
    const empty = this.#positions.filter(
      (it) => !it.head && (it.endOffset < 0 || !this.#isFinished(it)),
    )
    const before = empty.map(({ nextOffset }) => nextOffset)
    let unknown = empty.filter((position) => !this.#takeRecent(position) && !position.atEnd)
    if (this.#look && unknown.length === 0) unknown = empty.filter((position) => !position.head)
    this.#look = false
    if (unknown.length > 0) {
      const problem = await this.#fetchRetrying(unknown, maxBytes)
      if (problem) return failed(problem)
    }
    return done(empty.some(({ nextOffset }, index) => nextOffset !== before[index]))
  }

  #takeRecent(position: ReadPosition): boolean {
    const { tails, topic, isolation } = this.#options
    const { partition, nextOffset } = position
    const recent = tails.recent(topic, partition, isolation, nextOffset)
    if (recent) this.#accept(position, recent)
    return recent !== undefined
  }

  #accept(position: ReadPosition, fetch: PartitionFetch): void {
    position.accept(fetch, this.#until?.get(position.partition))
  }

  async #fetchRetrying(
    positions: readonly ReadPosition[],
    maxBytes: number,
  ): Promise<Problem | undefined> {
    const { client, topic } = this.#options
    try {
      const open = () => positions.filter((position) => !position.head)
      return await client.retry(() => this.#fetch(open(), maxBytes).catch(nothingYet), {
        timeoutMs: retryTimeoutMs,
        onRetry: (error) => {
          if (pointsToStaleMetadata(error.code)) client.forgetTopic(topic.name)
        },
      })
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return lookProblem(error)
    }
  }

  /** One attempt at all partitions; throws the KafkaError of the first that failed. */
  async #fetch(positions: readonly ReadPosition[], maxBytes: number): Promise<Problem | undefined> {
    const { client, topic, isolation } = this.#options
    const { topics } = await client.metadata([topic.name])
    const current = topics.get(topic.name)
    if (current?.error !== errors.NONE) {
      throw new KafkaError(current?.error ?? errors.UNKNOWN_TOPIC_OR_PARTITION)
    }
    if (current.id !== topic.id) return replaced(topic.name)
    const leaderOf = ({ partition }: ReadPosition) => current.partitions[partition]?.leader ?? -1
    const fetches = await Promise.all(
      [...Map.groupBy(positions, leaderOf)].map(([node, group]) => {
        if (node < 0) throw new KafkaError(errors.LEADER_NOT_AVAILABLE)
        const from = group.map(({ partition, nextOffset }) => {
          return { topic: topic.name, partition, offset: nextOffset }
        })
        return look(client, node, from, { isolation, maxBytes, maxWaitMs: 0 })
      }),
    )
    const byPartition = new Map(fetches.flat().map((fetch) => [fetch.partition, fetch]))
    let failure = errors.NONE as number
    for (const position of positions) {
      const fetch = byPartition.get(position.partition)
      if (fetch?.error === errors.NONE) this.#accept(position, fetch)
      else if (fetch?.error === errors.OFFSET_OUT_OF_RANGE) {
        const moved = await this.#options.outOfRange(position)
        if (!moved.ok) return moved.problem
        position.moveTo(moved.value)
        this.#look = true
      } else failure = fetch?.error ?? errors.UNKNOWN_TOPIC_OR_PARTITION
    }
    if (failure !== errors.NONE) throw new KafkaError(failure)
    return undefined
  }
}

/** A quota that is used up: there is nothing for the time being. */
function nothingYet(error: unknown): undefined {
  const quota = error instanceof KafkaError && error.code === errors.THROTTLING_QUOTA_EXCEEDED
  if (!quota) throw error
}

export function replaced(topic: string): Problem {
  return { code: 'topic_replaced', detail: `${topic} was deleted and created again` }
}
