// BatchRetention: what the log cleaner does with a batch, by Kafka's rules. Pure.
//
//   the last batch of a producer that is known ......... stays, if only as an empty one: by it the producer's
//                                                        sequence and epoch survive
//   the last batch of a cleaned segment ................ likewise: by it the segment knows where it ends
//   data of an aborted transaction ..................... goes
//   a marker whose data is gone ........................ gets a delete horizon, and goes when that has passed
//   any other .......................................... is looked at record by record: see staysInLog
//
// Where no record stays the batch goes.

import type { BatchHeader } from '@sluice/protocol/records/batch'
import { noProducerId } from '@sluice/protocol/records/batch'
import type { ControlType } from '@sluice/protocol/records/control'
import type { RecordWalk } from '@sluice/protocol/records/record-walk'
import type { CleanedTransactions } from './cleaned-transactions.ts'
import type { OffsetMap } from './offset-map.ts'

/** What the log remembers of a producer. */
export interface LastOfProducer {
  /** Of its last data; -1 where only markers are known. */
  readonly dataOffset: number
  readonly epoch: number
}

export interface BatchVerdict {
  /** No record stays, whatever it is. */
  readonly discardsRecords: boolean
  /** The batch stays without any. */
  readonly staysEmpty: boolean
  /** A marker without data: its time begins to run. */
  readonly marksHorizon: boolean
}

export interface BatchRetentionOptions {
  readonly nowMs: number
  /** By id, those that are known. */
  readonly producers: ReadonlyMap<number, LastOfProducer>
  readonly transactions: CleanedTransactions
}

export class BatchRetention {
  readonly #options: BatchRetentionOptions

  constructor(options: BatchRetentionOptions) {
    this.#options = options
  }

  /** Batches are asked about in order. `marker`: what the record of a control batch says, where it has one. */
  judge(
    header: BatchHeader,
    place: { readonly last: boolean; readonly marker: ControlType | undefined },
  ): BatchVerdict {
    const { transactions, nowMs } = this.#options
    const { producerId, transactional, control } = header
    const lastOffset = header.baseOffset + header.lastOffsetDelta
    const batch = { producerId, lastOffset, transactional }
    const dataGone = control
      ? transactions.sawMarker(batch, place.marker)
      : transactions.sawData(batch)
    return {
      discardsRecords: dataGone && (!control || horizonPassed(header, nowMs)),
      staysEmpty: place.last || this.#isLastOfProducer(header, lastOffset),
      marksHorizon: dataGone && control,
    }
  }

  #isLastOfProducer(header: BatchHeader, lastOffset: number): boolean {
    const { producerId } = header
    if (producerId === noProducerId) return false
    const last = this.#options.producers.get(producerId)
    if (last === undefined) return false
    if (last.dataOffset >= 0) return lastOffset === last.dataOffset
    return header.control && header.producerEpoch === last.epoch
  }
}

/** Tombstones and markers of the batch may go: all have had their time to read them. */
export function horizonPassed(header: BatchHeader, nowMs: number): boolean {
  return header.hasDeleteHorizon && header.baseTimestamp <= nowMs
}

/** Whether the record on which `walk` stands is one that a reader still needs. */
export function staysInLog(
  walk: RecordWalk,
  header: BatchHeader,
  context: { readonly map: OffsetMap; readonly nowMs: number },
): boolean {
  const { map, nowMs } = context
  // Nothing behind it has been looked at.
  if (walk.offset > map.latestOffset) return true
  // A compacted topic takes none without a key; one that was not compacted before may have some.
  if (walk.keyBytes < 0) return false
  if (walk.offset < map.get(walk.bytes, walk.keyAt, walk.keyBytes)) return false
  return walk.valueBytes >= 0 || !horizonPassed(header, nowMs)
}
