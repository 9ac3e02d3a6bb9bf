// Fetch
// v4 isolation level (KIP-98) · v5 log start offset · v7 sessions (KIP-227) · v9 leader epoch (KIP-320)
// v11 rack (KIP-392) · v12 flexible, diverging epoch (KIP-595) · v13 topic ids (KIP-516)
// v15 replica state (KIP-903) · v16 node endpoints (KIP-951) · v17 directory ids · v18 high watermark
//
// Records go out as the buffers that the log lends; they are given back when the response has left.
// A fetch that finds less than it wants waits in the purgatory and then reads once more.

import type { Partition } from '@sluice/core/partition/partition'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { FetchRequest } from '@sluice/protocol/messages/01-fetch'
import type { Broker } from '../broker.ts'
import type { FetchContext, FetchOutcome, FetchPartition } from '../fetch-session.ts'
import { handler, later, type RequestContext } from '../handler.ts'
import { findPartition } from '../lookup.ts'

const noRecords = Buffer.alloc(0)
const nothing = { records: noRecords, release: undefined }
const readCommitted = 1

interface Result extends FetchOutcome {
  readonly at: FetchPartition
  readonly partition: Partition | undefined
  readonly lastStableOffset: number
  readonly divergingEpoch: { epoch: number; endOffset: number } | undefined
  readonly records: Buffer
  readonly release: (() => void) | undefined
}

export const fetch = handler(
  apis.fetch,
  { min: 4, max: 18, failed: (_request, { errorCode }) => ({ errorCode, responses: [] }) },
  (broker, request, context) => {
    const session = broker.fetchSessions.begin(request, context.apiVersion)
    if (session.errorCode !== 0) return { errorCode: session.errorCode, responses: [] }
    const fetch = new PendingFetch(broker, request, context, session)
    fetch.start()
    return later
  },
)

class PendingFetch {
  readonly #broker: Broker
  readonly #request: FetchRequest
  readonly #context: RequestContext
  readonly #session: FetchContext
  readonly #wanted: readonly FetchPartition[]
  readonly #fromReplica: boolean
  #maxBytes = 0
  #results: Result[] = []
  #bytes = 0
  #freeReserved: (() => void) | undefined
  #answerNow = false
  /** It has waited: it is answered with what there is. */
  #waited = false

  constructor(
    broker: Broker,
    request: FetchRequest,
    context: RequestContext,
    session: FetchContext,
  ) {
    this.#broker = broker
    this.#request = request
    this.#context = context
    this.#session = session
    this.#wanted = session.partitions
    this.#fromReplica = Math.max(request.replicaId, request.replicaState.replicaId) >= 0
  }

  start(): void {
    this.#context.whenRoom(this.#readAll)
  }

  readonly #readAll = (): void => {
    const limit = Math.min(this.#broker.config['fetch.max.bytes'], this.#context.answerBytesMax)
    const quota = this.#broker.quotas.fetchBytesMax(this.#context)
    this.#maxBytes = Math.min(this.#request.maxBytes, limit, quota)
    this.#readFrom(0)
  }

  /** What is wanted has been read, as far as there is room. */
  #gathered(): void {
    const { maxWaitMs, minBytes } = this.#request
    const missing = Math.min(minBytes, this.#maxBytes) - this.#bytes
    const enough = missing <= 0 || this.#answerNow || this.#waited
    if (enough || maxWaitMs <= 0 || this.#wanted.length === 0) this.#answer()
    else this.#wait(maxWaitMs, missing)
  }

  #wait(maxWaitMs: number, bytes: number): void {
    const partitions = this.#partitions()
    const moved = this.#results.some(hasMoved)
    this.#drop()
    this.#waited = true
    const complete = () => this.start()
    if (moved) {
      complete()
      return
    }
    const waiting = this.#broker.purgatory.wait({ partitions, bytes, maxWaitMs, complete })
    this.#context.onAbandoned(() => waiting.cancel())
  }

  #partitions(): Partition[] {
    const partitions: Partition[] = []
    for (const { partition } of this.#results) if (partition) partitions.push(partition)
    return partitions
  }

  /** Reads partitions in order as long as there is room, then goes on. */
  #readFrom(first: number): void {
    for (let i = first; i < this.#wanted.length; i++) {
      const result = this.#tryOne(this.#wanted[i])
      if (result instanceof Promise) {
        this.#freeReserved ??= this.#context.reserve(Math.max(this.#maxBytes, 0))
        result.then(
          (settled) => {
            this.#take(settled)
            this.#readFrom(i + 1)
          },
          (cause) => {
            this.#take(this.#unreadable(this.#wanted[i], cause))
            this.#readFrom(i + 1)
          },
        )
        return
      }
      this.#take(result)
    }
    this.#gathered()
  }

  #tryOne(at: FetchPartition): Result | Promise<Result> {
    try {
      return this.#readOne(at)
    } catch (cause) {
      return this.#unreadable(at, cause)
    }
  }

  /** The disk would not read, or what it read is damaged: the partition says so, the others go on. */
  #unreadable(at: FetchPartition, cause: unknown): Result {
    const { topic, topicId, index } = at
    const fields = { topic, topicId, index, ...this.#context.about, cause }
    this.#broker.host.logger.error(fields, 'a read failed')
    const partition = findPartition(this.#broker, { name: topic, topicId }, index)
    return failed(at, typeof partition === 'number' ? partition : partition.readFailed(cause))
  }

  #take(result: Result): void {
    this.#results.push(result)
    this.#bytes += result.bytes
    if (result.errorCode !== 0 || result.diverging) this.#answerNow = true
  }

  #readOne(at: FetchPartition): Result | Promise<Result> {
    // Only brokers of the cluster replicate, and they say who they are on a listener of their own.
    if (this.#fromReplica) return failed(at, errors.TOPIC_AUTHORIZATION_FAILED)
    const { topic: name, topicId, index } = at
    const partition = findPartition(this.#broker, { name, topicId }, index)
    if (typeof partition === 'number') return failed(at, partition)
    if (partition.closed) return failed(at, errors.NOT_LEADER_OR_FOLLOWER)
    if (partition.offline) return failed(at, errors.KAFKA_STORAGE_ERROR)
    const fenced = partition.checkEpoch(at.currentLeaderEpoch)
    if (fenced !== 0) return failed(at, fenced)
    const { log } = partition
    if (at.fetchOffset < log.startOffset) return failed(at, errors.OFFSET_OUT_OF_RANGE)
    const diverging = divergingEpoch(partition, at)
    // Where it parted from this log tells a client more than that it is behind the end.
    const isAstray = diverging ? diverging.epoch === -1 : at.fetchOffset > log.endOffset
    if (isAstray) return failed(at, errors.OFFSET_OUT_OF_RANGE)
    const room = this.#maxBytes - this.#bytes
    if (diverging || (room <= 0 && this.#bytes > 0)) {
      return found(at, partition, nothing, partition, diverging)
    }
    const { highWatermark, lastStableOffset } = partition
    const read = partition.read({
      offset: at.fetchOffset,
      maxBytes: Math.min(at.maxBytes, room),
      isolation: this.#request.isolationLevel === readCommitted ? 'committed' : 'uncommitted',
      wholeFirstBatch: this.#bytes === 0,
    })
    if (!(read instanceof Promise)) return asResult(at, partition, read, partition)
    // What was readable when it began: more has come meanwhile, perhaps, that it does not have.
    const readable = { highWatermark, lastStableOffset }
    return read.then((settled) => asResult(at, partition, settled, readable))
  }

  #drop(): void {
    for (const { release } of this.#results) release?.()
    this.#results = []
    this.#bytes = 0
    this.#answerNow = false
    this.#free()
  }

  #free(): void {
    this.#freeReserved?.()
    this.#freeReserved = undefined
  }

  #answer(): void {
    this.#free()
    if (!this.#broker.quotas.chargeFetch(this.#context, this.#bytes)) {
      this.#answerThrottled()
      return
    }
    const results = this.#results
    for (const { release } of results) if (release) this.#context.onReleased(release)
    const { sessionId, included } = this.#session.finish(results)
    const committed = this.#request.isolationLevel === readCommitted
    const responses: TopicResponse[] = []
    results.forEach((result, i) => {
      if (result.partition) result.partition.bytesOut += result.bytes
      if (included[i]) addTo(responses, result, committed)
    })
    this.#context.respond({ errorCode: 0, sessionId, responses })
  }

  /** The client has to wait: it gets nothing, and asks for the same again (KIP-219). */
  #answerThrottled(): void {
    this.#drop()
    this.#context.respond({ errorCode: 0, sessionId: this.#session.sessionId, responses: [] })
  }
}

interface TopicResponse {
  readonly topic: string
  readonly topicId: string
  readonly partitions: PartitionResponse[]
}

interface PartitionResponse {
  readonly partitionIndex: number
  readonly errorCode: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly abortedTransactions: readonly [] | null
  readonly records: Buffer
  divergingEpoch?: { epoch: number; endOffset: number }
}

/** Topics stand in the response in the order of their partitions' turns. */
function addTo(responses: TopicResponse[], result: Result, committed: boolean): void {
  const { topic, topicId, index } = result.at
  let last = responses.at(-1)
  if (!last || last.topic !== topic || last.topicId !== topicId) {
    last = { topic, topicId, partitions: [] }
    responses.push(last)
  }
  const partition: PartitionResponse = {
    partitionIndex: index,
    errorCode: result.errorCode,
    highWatermark: result.highWatermark,
    lastStableOffset: result.lastStableOffset,
    logStartOffset: result.logStartOffset,
    abortedTransactions: committed ? [] : null,
    records: result.records,
  }
  if (result.divergingEpoch) partition.divergingEpoch = result.divergingEpoch
  last.partitions.push(partition)
}

function failed(at: FetchPartition, errorCode: number): Result {
  return {
    at,
    partition: undefined,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    bytes: 0,
    diverging: false,
    divergingEpoch: undefined,
    records: noRecords,
    release: undefined,
  }
}

function found(
  at: FetchPartition,
  partition: Partition,
  read: { records: Buffer; release: (() => void) | undefined },
  { highWatermark, lastStableOffset }: Readable,
  divergingEpoch?: Result['divergingEpoch'],
): Result {
  return {
    at,
    partition,
    errorCode: 0,
    highWatermark,
    lastStableOffset,
    logStartOffset: partition.log.startOffset,
    bytes: read.records.length,
    diverging: divergingEpoch !== undefined,
    divergingEpoch,
    records: read.records,
    release: read.release,
  }
}

/** While others were read from the disk: nobody would wake us for that. */
function hasMoved({ partition, highWatermark, logStartOffset }: Result): boolean {
  if (!partition) return false
  const { closed, offline, log } = partition
  if (closed || offline) return true
  return partition.highWatermark !== highWatermark || log.startOffset !== logStartOffset
}

type Readable = Pick<Partition, 'highWatermark' | 'lastStableOffset'>
type PartitionRead = Awaited<ReturnType<Partition['read']>>

function asResult(
  at: FetchPartition,
  partition: Partition,
  read: PartitionRead,
  readable: Readable,
): Result {
  return read.ok ? found(at, partition, read, readable) : failed(at, errors.OFFSET_OUT_OF_RANGE)
}

/**
 * The client's last batch is of an epoch that ended earlier here: it has to go back (KIP-595). Of an epoch that
 * is not known here it cannot be told how far: -1.
 */
function divergingEpoch(partition: Partition, at: FetchPartition): Result['divergingEpoch'] {
  if (at.lastFetchedEpoch < 0) return undefined
  const { epoch, endOffset } = partition.endOffsetForEpoch(at.lastFetchedEpoch)
  if (epoch >= at.lastFetchedEpoch && endOffset >= at.fetchOffset) return undefined
  return { epoch, endOffset }
}
