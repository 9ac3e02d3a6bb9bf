// SharedReads: consumers at the tail of a log want the same batches in the same turn. What was read for the
// first of them serves the others, too, until the last one has sent it. Nothing is kept for that: a read
// whose buffer has come back is gone.

import { assert } from '../lib/assert.ts'
import type { Wanted } from './batch-selection.ts'
import type { LogRecords } from './log-records.ts'

interface SharedRead {
  readonly wanted: Wanted
  readonly records: LogRecords
  users: number
}

export class SharedReads {
  #latest: SharedRead | undefined

  /** The same again for another reader, to be released by it; undefined where it must be read. */
  find({ offset, upTo, maxBytes, wholeFirstBatch }: Wanted): LogRecords | undefined {
    const latest = this.#latest
    if (latest === undefined || latest.wanted.offset !== offset) return undefined
    const { wanted } = latest
    if (wanted.upTo !== upTo || wanted.maxBytes !== maxBytes) return undefined
    if (wanted.wholeFirstBatch !== wholeFirstBatch) return undefined
    latest.users += 1
    return latest.records
  }

  /** What was read for `wanted`; `giveBack` is called when nobody needs it any more. */
  share(wanted: Wanted, records: Buffer, giveBack: () => void): LogRecords {
    const release = () => {
      assert(shared.users > 0, 'records are given back once')
      shared.users -= 1
      if (shared.users > 0) return
      if (this.#latest === shared) this.#latest = undefined
      giveBack()
    }
    const shared: SharedRead = {
      wanted,
      records: { ok: true, records, bytes: records.length, release },
      users: 1,
    }
    this.#latest = shared
    return shared.records
  }

  /** The log was cut or segments went: whoever still sends goes on, nobody else gets it. */
  forget(): void {
    this.#latest = undefined
  }
}
