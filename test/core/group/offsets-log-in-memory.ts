// __consumer_offsets in memory, for tests of the coordinator alone: the partitions as lists of records.
// Appends can be held back (they are in the log, and nobody knows yet) or be made to fail.

import type { OffsetsLog, OffsetsRecord, StoredRecord } from '@sluice/core/group/offsets-log'
import { errors } from '@sluice/protocol/errors'
import type { RecordHeader } from '@sluice/protocol/records/record'

export class OffsetsLogInMemory implements OffsetsLog {
  readonly partitionCount = 4
  readonly partitions: OffsetsRecord[][] = [[], [], [], []]
  /** Records of each append. */
  readonly batchSizes: number[] = []
  /** Errors of the next appends, in order; nothing of these is kept. */
  readonly failures: number[] = []
  /** Errors of the next loads. */
  readonly loadFailures: number[] = []
  /** While it is true, appends are answered by release(). */
  held = false
  readonly #waiting: (() => void)[] = []
  #loadGate: Promise<void> | undefined

  ensure(): Promise<number> {
    return Promise.resolve(errors.NONE)
  }

  append(partition: number, records: readonly OffsetsRecord[]): Promise<{ error: number }> {
    const error = this.failures.shift() ?? errors.NONE
    this.batchSizes.push(records.length)
    if (error === errors.NONE) {
      // As the wire would: what is appended is a copy.
      this.partitions[partition].push(
        ...records.map(({ key, value, timestamp, headers }) => ({
          key: Buffer.from(key),
          value: value && Buffer.from(value),
          timestamp,
          headers: (headers ?? []).map(copyOf),
        })),
      )
    }
    if (!this.held) return Promise.resolve({ error })
    return new Promise((resolve) => this.#waiting.push(() => resolve({ error })))
  }

  async load(partition: number, each: (record: StoredRecord) => void): Promise<{ error: number }> {
    await this.#loadGate
    const error = this.loadFailures.shift() ?? errors.NONE
    if (error !== errors.NONE) return { error }
    for (const [offset, stored] of this.partitions[partition].entries()) {
      const { key, value, timestamp, headers = [] } = stored
      const record = {
        offset,
        timestamp,
        key: Buffer.from(key),
        value: value && Buffer.from(value),
        headers: headers.map(copyOf),
      }
      each(record)
      // Its buffers die with the call.
      record.key.fill(0xaa)
      record.value?.fill(0xaa)
      for (const header of record.headers) header.value?.fill(0xaa)
    }
    return { error }
  }

  /** Answers held appends: the last ones first if `reversed`. */
  release(options: { reversed?: boolean } = {}): void {
    const waiting = this.#waiting.splice(0)
    if (options.reversed) waiting.reverse()
    for (const answer of waiting) answer()
  }

  /** Loads wait until the returned function is called. */
  holdLoads(): () => void {
    let open = () => {}
    this.#loadGate = new Promise((resolve) => {
      open = () => {
        this.#loadGate = undefined
        resolve()
      }
    })
    return () => open()
  }
}

function copyOf({ key, value }: RecordHeader): RecordHeader {
  return { key, value: value && Buffer.from(value) }
}
