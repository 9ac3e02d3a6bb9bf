// ExactProduce: produce requests that are more than records to be stored: those under terms
// (produce-terms.ts), and whole batches. Their batches are made here, the same ones each time a request is
// sent, and go to the brokers as they are; the others share the producers' batches.
//
//   records -> by partition -> pieces -> batches, marked -> BatchProducer
//
// Under an idempotency key each piece has a key of its own (the request's and the piece's number), so that a
// request that was stored in part is completed when it comes again. Pieces of one partition go one after
// the other and end with the first that fails.

import { createHash } from 'node:crypto'
import {
  BatchProducer,
  type PreparedBatch,
  type StoredBatch,
} from '@sluice/core/kafka-client/batch-producer'
import type { RecordOutcome } from '@sluice/core/kafka-client/delivery'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { partitionOfKey } from '@sluice/core/kafka-client/partitioner'
import { errors } from '@sluice/protocol/errors'
import type { AppendTerms } from '@sluice/protocol/extensions'
import { noProducerId, readBatchHeader } from '@sluice/protocol/records/batch'
import { newKeyMark, remarkBatch, withKeyMark } from '@sluice/protocol/records/key-mark'
import { encodeBatch } from '@sluice/protocol/records/record'
import { recordBytesMax } from '@sluice/protocol/records/record-writer'
import { RecordsError } from '@sluice/protocol/records/records-error'
import { done, failed, type Outcome, type Problem } from './problem.ts'
import type { Acks } from './produce-result.ts'
import type { ProducerSequence, ProduceTerms } from './produce-terms.ts'
import { deliveryTimeoutMs, wireAcks } from './producers.ts'
import type { ProduceRecord } from './record-json.ts'

export interface ExactRequest {
  readonly topic: string
  readonly acks: Acks
  readonly terms: ProduceTerms
  /** Of the whole request, by which another body under the same key is found out. */
  readonly fingerprint: Uint8Array
  /** Of records without a time of their own. */
  readonly nowMs: number
}

export interface ExactOutcome {
  /** One a record, or one a batch where batches were given. */
  readonly outcomes: readonly (RecordOutcome & { readonly count?: number })[]
  /** All of it had been stored before. */
  readonly repeated: boolean
}

/** What is stored as one batch. */
interface Piece {
  readonly partition: number
  /** Places of its records among those of the request; of a whole batch its own place. */
  readonly places: readonly number[]
  readonly records: readonly ProduceRecord[]
  readonly batch: Buffer | undefined
}

/** Who asks, until there is authentication. */
const principal = 'User:ANONYMOUS'
/** Well below the default max.message.bytes: a piece of many small records always fits. */
const pieceBytesMax = 512 * 1024
const bufferBytes = 32 * 1024 * 1024
/** Producer ids that HTTP clients' names become: above all that brokers hand out, which count from 0. */
const producerIdsFrom = 2 ** 52

export class ExactProduce {
  readonly #client: KafkaClient
  readonly #producer: BatchProducer
  /** What a compressed batch may hold when it has to be opened. */
  readonly #batchBytesMax: number
  /** Keys of requests under way. */
  readonly #keys = new Set<string>()

  constructor(client: KafkaClient, options: { batchBytesMax: number; lane: string }) {
    const { batchBytesMax, lane } = options
    this.#client = client
    this.#batchBytesMax = batchBytesMax
    this.#producer = new BatchProducer(client, { deliveryTimeoutMs, bufferBytes, lane })
  }

  /** Resolves when there is room for more; undefined when there is. */
  room(): Promise<void> | undefined {
    return this.#producer.room()
  }

  close(): Promise<void> {
    return this.#producer.close()
  }

  /** The topic is known. */
  storeRecords(
    request: ExactRequest,
    records: readonly ProduceRecord[],
  ): Promise<Outcome<ExactOutcome>> {
    const pieces = this.#piecesOf(request, records)
    return pieces.ok ? this.#store(request, pieces.value, records.length) : Promise.resolve(pieces)
  }

  /** Batches from offset 0, whole and of one partition. The topic is known. */
  storeBatches(
    request: ExactRequest,
    batches: readonly Buffer[],
    partition: number | undefined,
  ): Promise<Outcome<ExactOutcome>> {
    const chosen = partition ?? this.#partitionOfRequest(request)
    const single = singlePiece(request.terms, batches.length)
    const refused =
      single ?? (chosen === undefined ? partitionNeeded : this.#missing(request, chosen))
    if (refused || chosen === undefined) return Promise.resolve(failed(refused ?? partitionNeeded))
    const pieces = batches.map((batch, index) => ({
      partition: chosen,
      places: [index],
      records: [],
      batch,
    }))
    return this.#store(request, pieces, batches.length)
  }

  async #store(
    request: ExactRequest,
    pieces: readonly Piece[],
    places: number,
  ): Promise<Outcome<ExactOutcome>> {
    const { idempotencyKey } = request.terms
    if (idempotencyKey === undefined) return done(await this.#deliver(request, pieces, places))
    const name = `${request.topic}/${idempotencyKey}`
    if (this.#keys.has(name)) return failed(inFlight)
    this.#keys.add(name)
    try {
      if (await this.#isReused(request, idempotencyKey, pieces)) return failed(reused)
      return done(await this.#deliver(request, pieces, places))
    } catch (error) {
      if (error instanceof RecordsError) return failed(unopened(error))
      throw error
    } finally {
      this.#keys.delete(name)
    }
  }

  /**
   * Whether a partition where nothing is to be stored now knows the key with another body. Those where
   * something is see for themselves.
   */
  async #isReused(
    request: ExactRequest,
    idempotencyKey: string,
    pieces: readonly Piece[],
  ): Promise<boolean> {
    const own = new Set(pieces.map(({ partition }) => partition))
    const all = Array.from({ length: this.#partitionCount(request) }, (_, partition) => partition)
    const others = all.filter((partition) => !own.has(partition))
    if (others.length === 0) return false
    const mark = markOf(request, idempotencyKey, 0)
    return (await this.#producer.otherBodies(request.topic, others, mark)).length > 0
  }

  async #deliver(
    request: ExactRequest,
    pieces: readonly Piece[],
    places: number,
  ): Promise<ExactOutcome> {
    const outcomes = new Array<ExactOutcome['outcomes'][number]>(places)
    const lanes = Map.groupBy(pieces, ({ partition }) => partition)
    let repeated = true
    const deliverLane = async (lane: readonly Piece[]) => {
      const prepared = lane.map((piece, number) => this.#prepare(request, piece, number))
      let failure: KafkaError | undefined
      for (const [number, piece] of lane.entries()) {
        const stored = failure ?? (await this.#produce(prepared[number]))
        if (stored instanceof KafkaError) {
          failure ??= notAttempted
          for (const place of piece.places) outcomes[place] = stored
          repeated = false
        } else {
          positionsOf(stored, piece, request.nowMs, outcomes)
          if (stored.verdict?.kind !== 'repeated') repeated = false
        }
      }
    }
    await Promise.all([...lanes.values()].map(deliverLane))
    return { outcomes, repeated }
  }

  async #produce(batch: PreparedBatch): Promise<StoredBatch | KafkaError> {
    try {
      return await this.#producer.produce(batch)
    } catch (error) {
      if (error instanceof KafkaError) return error
      throw error
    }
  }

  /** `number` counts within the partition. */
  #prepare(request: ExactRequest, piece: Piece, number: number): PreparedBatch {
    const { topic, acks, terms } = request
    const { idempotencyKey, expectedEnd, producer } = terms
    const keyMark =
      idempotencyKey === undefined ? undefined : markOf(request, idempotencyKey, number)
    const records = this.#batchOf(piece, keyMark, producer)
    const plain = keyMark === undefined && expectedEnd === undefined && producer === undefined
    const appendTerms: AppendTerms | undefined = plain ? undefined : { keyMark, expectedEnd }
    return {
      topic,
      partition: piece.partition,
      records,
      acks: wireAcks[acks],
      terms: appendTerms,
      repeatable:
        keyMark !== undefined ||
        (expectedEnd === undefined && readBatchHeader(records, 0).producerId !== noProducerId),
    }
  }

  #batchOf(
    { batch, records }: Piece,
    keyMark: Buffer | undefined,
    producer: ProducerSequence | undefined,
  ): Buffer {
    if (batch !== undefined) {
      return keyMark === undefined ? batch : remarkBatch(batch, keyMark, this.#batchBytesMax)
    }
    const identity = producer && {
      producerId: producerIdOf(producer.id),
      producerEpoch: producer.epoch,
      baseSequence: producer.sequence,
    }
    if (keyMark === undefined) return encodeBatch({ records, ...identity })
    return encodeBatch({ records: withKeyMark(records, keyMark), keyMark: true })
  }

  #piecesOf(request: ExactRequest, records: readonly ProduceRecord[]): Outcome<Piece[]> {
    const count = this.#partitionCount(request)
    const common = this.#partitionOfRequest(request)
    // Terms of one partition are told of one batch, however large it is.
    const whole = request.terms.expectedEnd !== undefined || request.terms.producer !== undefined
    const pieces: Piece[] = []
    const open = new Map<number, { places: number[]; records: ProduceRecord[]; bytes: number }>()
    for (let place = 0; place < records.length; place++) {
      const record = records[place]
      const { key } = record
      const partition =
        record.partition ?? (key === null ? common : partitionOfKey(key, Math.max(1, count)))
      if (partition === undefined) return failed(partitionNeeded)
      const missing = this.#missing(request, partition)
      if (missing) return failed(missing)
      const bytes = recordBytesMax(record)
      let piece = open.get(partition)
      if (piece === undefined || (!whole && piece.bytes + bytes > pieceBytesMax)) {
        piece = { places: [], records: [], bytes: 0 }
        open.set(partition, piece)
        pieces.push({ partition, batch: undefined, places: piece.places, records: piece.records })
      }
      piece.places.push(place)
      piece.records.push(record)
      piece.bytes += bytes
    }
    const refused = singlePiece(request.terms, pieces.length)
    return refused ? failed(refused) : done(pieces)
  }

  #partitionCount({ topic }: ExactRequest): number {
    return this.#client.topic(topic)?.partitions.length ?? 0
  }

  /** Where records go that say nothing of it: always to the same one. */
  #partitionOfRequest(request: ExactRequest): number | undefined {
    const { idempotencyKey, producer } = request.terms
    const count = this.#partitionCount(request)
    if (count <= 1) return 0
    const name = idempotencyKey ?? producer?.id
    return name === undefined ? undefined : partitionOfKey(Buffer.from(name), count)
  }

  #missing(request: ExactRequest, partition: number): Problem | undefined {
    const count = this.#partitionCount(request)
    if (partition < count || count === 0) return undefined
    const detail = `${request.topic} has ${count} partitions, there is no ${partition}`
    return { code: 'partition_not_found', detail }
  }
}

/** Of the piece `number` of a request in a partition. */
function markOf({ fingerprint, nowMs }: ExactRequest, key: string, number: number): Buffer {
  const keyHash = hashOf(principal, key, String(number))
  return newKeyMark({ keyHash, bodyHash: fingerprint, timeMs: nowMs })
}

/** SHA-256 of the parts, which stay apart. */
export function hashOf(...parts: readonly (string | Uint8Array)[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) {
    hash.update(`${typeof part === 'string' ? Buffer.byteLength(part) : part.length}:`)
    hash.update(part)
  }
  return hash.digest()
}

function producerIdOf(name: string): number {
  const hash = hashOf(principal, name)
  return producerIdsFrom + (hash.readUInt32BE(0) & 0xf_ffff) * 2 ** 32 + hash.readUInt32BE(4)
}

function positionsOf(
  { baseOffset, logAppendTimeMs, verdict }: StoredBatch,
  { partition, places, records, batch }: Piece,
  nowMs: number,
  outcomes: ExactOutcome['outcomes'][number][],
): void {
  if (batch !== undefined) {
    const { recordCount: count, maxTimestamp } = readBatchHeader(batch, 0)
    const timestamp = logAppendTimeMs >= 0 ? logAppendTimeMs : maxTimestamp
    outcomes[places[0]] = { partition, offset: baseOffset, timestamp, count }
    return
  }
  // A repeated request has another time than the one that was stored.
  const original = verdict?.kind === 'repeated' ? verdict.timestampMs : -1
  places.forEach((place, index) => {
    const own = records[index].timestamp
    const stated = own === nowMs && original >= 0 ? original : own
    const timestamp = logAppendTimeMs >= 0 ? logAppendTimeMs : stated
    outcomes[place] = { partition, offset: baseOffset < 0 ? -1 : baseOffset + index, timestamp }
  })
}

/** Terms that hold for one batch cannot be told of several. */
function singlePiece({ expectedEnd, producer }: ProduceTerms, pieces: number): Problem | undefined {
  if (pieces <= 1 || (expectedEnd === undefined && producer === undefined)) return undefined
  const name = expectedEnd === undefined ? 'Producer-Seq' : 'If-Match'
  return { code: 'invalid_parameter', detail: `${name}: holds for records of one partition` }
}

const partitionNeeded: Problem = {
  code: 'invalid_parameter',
  detail: 'partition: the topic has several, and the request does not say which one is meant',
}

const reused: Problem = {
  code: 'idempotency_key_reused',
  detail: 'the key was used for another body',
}

const inFlight: Problem = {
  code: 'request_in_flight',
  detail: 'a request with this Idempotency-Key is still under way',
  headers: { 'retry-after': '1' },
}

const notAttempted = new KafkaError(
  errors.OPERATION_NOT_ATTEMPTED,
  'not attempted: what comes before it in its partition was not stored',
)

function unopened(error: RecordsError): Problem {
  return { code: 'invalid_record', detail: error.message, kafka: error.code }
}
