// ReadPosition: where a reader stands in one partition, and what was fetched for it but not yet given out.
//
//   offset          head                     nextOffset         endOffset
//     | given out -> | buffered records ... | to be fetched ... | not to be read yet

import type { Position } from './cursor.ts'
import type { PartitionFetch } from './log-fetch.ts'
import type { ReadRecord } from './read-record.ts'

export class ReadPosition implements Position {
  readonly partition: number
  /** Where a reader that stops here begins again. */
  offset: number
  /** Of the last batch that was fetched. */
  leaderEpoch: number
  /** Where the next fetch begins. */
  nextOffset: number
  /** -1 while it is not known. */
  endOffset = -1
  #buffered: readonly ReadRecord[] = []
  #taken = 0

  constructor({ partition, offset, leaderEpoch }: Position) {
    this.partition = partition
    this.offset = offset
    this.leaderEpoch = leaderEpoch
    this.nextOffset = offset
  }

  /** The next record, if one is at hand. */
  get head(): ReadRecord | undefined {
    return this.#buffered[this.#taken]
  }

  /** Everything up to the end that was last seen is given out. */
  get atEnd(): boolean {
    return this.endOffset >= 0 && this.offset >= this.endOffset
  }

  /** Gives out the head. */
  take(): void {
    const { offset } = this.#buffered[this.#taken]
    this.#taken += 1
    this.offset = offset + 1
    if (this.#taken === this.#buffered.length) this.#emptied()
  }

  /** What was fetched from `nextOffset` on, up to `until` if that is given. */
  accept(fetch: PartitionFetch, until: number | undefined): void {
    const { records, nextOffset, endOffset, leaderEpoch } = fetch
    const beyond = until !== undefined && nextOffset > until
    this.#buffered = beyond ? records.filter(({ offset }) => offset < until) : records
    this.#taken = 0
    this.nextOffset = beyond ? Math.max(until, this.nextOffset) : nextOffset
    this.endOffset = endOffset
    if (leaderEpoch >= 0) this.leaderEpoch = leaderEpoch
    if (this.#buffered.length === 0) this.#emptied()
  }

  /** Begins again elsewhere. */
  moveTo({ offset, leaderEpoch }: Position): void {
    this.offset = offset
    this.nextOffset = offset
    this.leaderEpoch = leaderEpoch
    this.endOffset = -1
    this.#buffered = []
  }

  /** Behind the last record there may be some that readers do not see: they are passed over. */
  #emptied(): void {
    this.offset = this.nextOffset
    this.#buffered = []
    this.#taken = 0
  }
}
