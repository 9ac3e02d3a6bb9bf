// What a read of a log gives. The bytes belong to the reader until it gives them back with release().

export interface LogRecords {
  readonly ok: true
  /** Whole batches; the first one holds the offset, or is the first behind it. May be empty. */
  readonly records: Buffer
  readonly bytes: number
  /** The records are not needed any more: their memory is used again. Once for each read that gave them. */
  release(): void
}

export type LogRead = LogRecords | { readonly ok: false; readonly error: 'out-of-range' }

export const outOfRange: LogRead = Object.freeze({ ok: false, error: 'out-of-range' })

const noBytes = Buffer.alloc(0)
export const noRecords: LogRead = Object.freeze({
  ok: true,
  records: noBytes,
  bytes: 0,
  release() {},
})
