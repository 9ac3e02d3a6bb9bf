// BatchScan: goes over the batches of a stretch of a segment's file, in order and in large reads, one
// under way while the bytes of the one before are looked at, for at most 5 ms of the loop at a time.
//
//   buffer   | headroom: the batch begun in the chunk before | chunk |     two of them, by turns
//
// It stops where no whole batch of format 2 begins: at a torn tail, at zeros, at a length that cannot be.

import { batchField, batchHeaderBytes, currentMagic } from '@sluice/protocol/records/batch'
import type { Clock } from '../host/clock.ts'
import type { DiskFile } from '../host/disk.ts'
import { Slices } from '../lib/slices.ts'
import { batchBytesAt } from './batch-selection.ts'

const chunkBytes = 1024 * 1024
/** The largest batch under default configs fits; a larger one is read by itself. */
const headroomBytes = chunkBytes + 64 * 1024
/** A length beyond this is damage: no request is as large. */
const scannedBatchBytesMax = 256 * 1024 * 1024
const batchesPerLook = 64

export type ScannedFile = Pick<DiskFile, 'read'>

export interface ScanOptions {
  readonly file: ScannedFile
  readonly clock: Clock
  /** Where a batch begins. */
  readonly from: number
  readonly to: number
  /** Sees each batch, whole, at `at` of `buffer` and at `position` of the file; false stops before it. */
  readonly visit: (buffer: Buffer, at: number, position: number) => boolean
}

/** @returns the position behind the last batch that is whole and was accepted by `visit`. */
export async function scanBatches(options: ScanOptions): Promise<number> {
  const scan = new BatchScan(options)
  try {
    return await scan.run()
  } finally {
    // What is done next (a truncation, a close) must not meet our reading ahead.
    await scan.settled()
  }
}

class BatchScan {
  readonly #options: ScanOptions
  readonly #headroomBytes: number
  #buffer: Buffer = Buffer.alloc(0)
  #aheadBuffer: Buffer | undefined
  #freeBuffer: Buffer | undefined
  #at = 0
  #end = 0
  /** Of the byte at #at. */
  #position: number
  #ahead: Promise<number>
  /** Where the bytes being read ahead begin and end in the file. */
  #aheadFrom: number
  readonly #slices: Slices

  constructor(options: ScanOptions) {
    this.#options = options
    // What is read at once needs no room for what was begun before.
    this.#headroomBytes = options.to - options.from > chunkBytes ? headroomBytes : 0
    this.#position = options.from
    this.#slices = new Slices(options.clock)
    this.#aheadFrom = options.from
    this.#ahead = this.#readAhead()
  }

  async run(): Promise<number> {
    const { to, visit } = this.#options
    for (let batches = 1; ; batches++) {
      while (this.#at + batchHeaderBytes > this.#end) {
        if (!(await this.#more())) return this.#position
      }
      const bytes = batchBytesAt(this.#buffer, this.#at)
      if (bytes < batchHeaderBytes || bytes > scannedBatchBytesMax) return this.#position
      if (this.#buffer[this.#at + batchField.magic] !== currentMagic) return this.#position
      if (this.#position + bytes > to) return this.#position
      if (this.#at + bytes > this.#end) {
        if (!(await this.#wholeBatch(bytes))) return this.#position
        if (this.#at + bytes > this.#end) continue
      }
      if (!visit(this.#buffer, this.#at, this.#position)) return this.#position
      this.#at += bytes
      this.#position += bytes
      if (batches % batchesPerLook === 0) await this.#slices.pause()
    }
  }

  async settled(): Promise<void> {
    await this.#ahead.catch(() => {})
  }

  /** Goes on to the chunk read ahead; false at the end. */
  async #more(): Promise<boolean> {
    const rest = this.#end - this.#at
    const bytes = await this.#ahead
    if (bytes === 0) return false
    await this.#slices.pause()
    const next = this.#aheadBuffer as Buffer
    this.#buffer.copy(next, this.#headroomBytes - rest, this.#at, this.#end)
    this.#freeBuffer = this.#buffer
    this.#buffer = next
    this.#at = this.#headroomBytes - rest
    this.#end = this.#headroomBytes + bytes
    this.#aheadFrom += bytes
    this.#ahead = this.#readAhead()
    return true
  }

  /** Of the batch at #at only a part is here. False: the file ends within it. */
  async #wholeBatch(bytes: number): Promise<boolean> {
    if (bytes <= this.#headroomBytes) return this.#more()
    await this.settled()
    this.#freeBuffer = this.#aheadBuffer
    const whole = Buffer.allocUnsafeSlow(bytes)
    if ((await this.#options.file.read(whole, this.#position)) < bytes) return false
    this.#buffer = whole
    this.#at = 0
    this.#end = bytes
    this.#aheadFrom = this.#position + bytes
    this.#ahead = this.#readAhead()
    return true
  }

  #readAhead(): Promise<number> {
    const { file, to } = this.#options
    const bytes = Math.min(chunkBytes, to - this.#aheadFrom)
    if (bytes <= 0) return Promise.resolve(0)
    this.#aheadBuffer = this.#takeBuffer()
    const target = this.#aheadBuffer.subarray(this.#headroomBytes, this.#headroomBytes + bytes)
    const reading = file.read(target, this.#aheadFrom)
    reading.catch(() => {}) // reported when its turn comes, if it comes
    return reading
  }

  #takeBuffer(): Buffer {
    const { from, to } = this.#options
    const bytes = this.#headroomBytes + Math.min(chunkBytes, to - from)
    const free = this.#freeBuffer
    this.#freeBuffer = undefined
    return free?.length === bytes ? free : Buffer.allocUnsafeSlow(bytes)
  }
}
