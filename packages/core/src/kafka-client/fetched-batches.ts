// What a fetch response holds of a partition: readBatches gives its records, visibleBatches the batches as
// they are. Both leave out what lies before the position, control records, and with read_committed what was
// aborted (KIP-98); readBatches checks each batch's CRC.

import { errors } from '@sluice/protocol/errors'
import {
  type BatchHeader,
  batchCrc,
  batchHeaderBytes,
  batchLengthPrefixBytes,
  currentMagic,
  readBatchHeader,
  readInt32,
} from '@sluice/protocol/records/batch'
import { controlType } from '@sluice/protocol/records/control'
import { decodeRecords, type Record } from '@sluice/protocol/records/record'
import { RecordsError } from '@sluice/protocol/records/records-error'
import { KafkaError } from './kafka-error.ts'

export interface FetchedBytes {
  readonly topic: string
  readonly partition: number
  /** Batches, the last one possibly cut off. */
  readonly bytes: Buffer
  /** With read_committed: where aborted transactions begin, in any order. */
  readonly aborted: readonly { readonly producerId: number; readonly firstOffset: number }[]
}

export interface ReadBatches {
  readonly records: Record[]
  /** Where to go on; the position itself when there was no whole batch. */
  readonly nextOffset: number
}

/**
 * Throws KafkaError CORRUPT_MESSAGE where the first batch does not hold what it says. One further on ends
 * the records: they are read before the error is met.
 */
export function readBatches(
  fetched: FetchedBytes,
  position: number,
  options: { checkCrcs: boolean },
): ReadBatches {
  const { bytes } = fetched
  const aborted = new AbortedTransactions(fetched.aborted)
  let records: Record[] = []
  let nextOffset = position
  try {
    for (let at = 0; at < bytes.length; ) {
      const header = wholeBatch(fetched, at)
      if (header === undefined) break
      at += header.batchBytes
      const lastOffset = header.baseOffset + header.lastOffsetDelta
      if (lastOffset < position) continue
      if (options.checkCrcs && batchCrc(bytes, header.at) !== header.crc) {
        throw corrupt(fetched, header.baseOffset, 'its CRC is wrong')
      }
      const hidden = aborted.hides(header, lastOffset)
      if (header.control) aborted.end(header, () => decode(fetched, header))
      else if (!hidden) {
        records = joined(records, visible(decode(fetched, header), header, position))
      }
      nextOffset = lastOffset + 1
    }
  } catch (error) {
    if (nextOffset === position || !(error instanceof KafkaError)) throw error
  }
  return { records, nextOffset }
}

export interface VisibleBatch {
  /** The batch as the broker has it. */
  readonly bytes: Buffer
  readonly firstOffset: number
  readonly lastOffset: number
}

export interface VisibleBatches {
  readonly batches: VisibleBatch[]
  readonly nextOffset: number
}

/** The whole batches, those that no reader sees left out; no record is looked at. */
export function visibleBatches(fetched: FetchedBytes, position: number): VisibleBatches {
  const { bytes } = fetched
  const aborted = new AbortedTransactions(fetched.aborted)
  const batches: VisibleBatch[] = []
  let nextOffset = position
  for (let at = 0; at < bytes.length; ) {
    const header = wholeBatch(fetched, at)
    if (header === undefined) break
    const batch = bytes.subarray(at, at + header.batchBytes)
    at += header.batchBytes
    const lastOffset = header.baseOffset + header.lastOffsetDelta
    if (lastOffset < position) continue
    const hidden = aborted.hides(header, lastOffset)
    if (header.control) aborted.end(header, () => decode(fetched, header))
    else if (!hidden) batches.push({ bytes: batch, firstOffset: header.baseOffset, lastOffset })
    nextOffset = lastOffset + 1
  }
  return { batches, nextOffset }
}

/** The batch at `at`; undefined when it is cut off, as the last one of a response may be. */
function wholeBatch(fetched: FetchedBytes, at: number): BatchHeader | undefined {
  const { bytes } = fetched
  if (at + batchHeaderBytes > bytes.length) return undefined
  const length = readInt32(bytes, at + 8)
  if (length < batchHeaderBytes - batchLengthPrefixBytes) {
    throw corrupt(fetched, -1, `its length is ${length}`)
  }
  if (at + batchLengthPrefixBytes + length > bytes.length) return undefined
  const header = readBatchHeader(bytes, at)
  if (header.magic !== currentMagic) {
    throw corrupt(fetched, header.baseOffset, `its format is ${header.magic}`)
  }
  return header
}

function decode(fetched: FetchedBytes, header: BatchHeader): Record[] {
  try {
    return decodeRecords(fetched.bytes, header.at)
  } catch (cause) {
    if (!(cause instanceof RecordsError)) throw cause
    throw corrupt(fetched, header.baseOffset, cause.message, cause)
  }
}

/** A fetch at an offset inside a batch gets the whole batch. */
function visible(records: Record[], header: BatchHeader, position: number): Record[] {
  if (header.baseOffset >= position) return records
  return records.filter((record) => record.offset >= position)
}

function joined(before: Record[], more: Record[]): Record[] {
  if (before.length === 0) return more
  for (const record of more) before.push(record)
  return before
}

function corrupt(fetched: FetchedBytes, offset: number, why: string, cause?: unknown): KafkaError {
  const detail = `the batch at offset ${offset} of ${fetched.topic}-${fetched.partition}: ${why}`
  return new KafkaError(errors.CORRUPT_MESSAGE, detail, cause)
}

/** Which producers' transactional batches are to be left out, going up through the offsets. */
class AbortedTransactions {
  readonly #begins: { readonly producerId: number; readonly firstOffset: number }[]
  readonly #open = new Set<number>()
  #next = 0

  constructor(begins: FetchedBytes['aborted']) {
    this.#begins = [...begins].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  hides(header: BatchHeader, lastOffset: number): boolean {
    while (this.#begins[this.#next]?.firstOffset <= lastOffset) {
      this.#open.add(this.#begins[this.#next++].producerId)
    }
    return header.transactional && this.#open.has(header.producerId)
  }

  end(header: BatchHeader, records: () => Record[]): void {
    if (!this.#open.has(header.producerId)) return
    if (controlType(records()[0]?.key ?? null) === 'abort') this.#open.delete(header.producerId)
  }
}
