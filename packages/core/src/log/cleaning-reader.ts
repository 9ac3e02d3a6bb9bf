// CleaningReader: reads a segment for the log cleaner, as many whole batches at a time as fit its buffer, on
// the thread pool. A batch that does not fit by itself gets a buffer of its own. What is no batch, or not the
// one that it was, is an error: what the cleaner does not understand it leaves alone.

import {
  batchCrc,
  batchField,
  batchHeaderBytes,
  currentMagic,
  readInt32,
} from '@sluice/protocol/records/batch'
import { DiskError } from '../host/disk.ts'
import { batchBytesAt } from './batch-selection.ts'
import type { Segment } from './segment.ts'

const bufferBytesMin = 4 * 1024

export class CleaningReader {
  readonly #buffer: Buffer

  constructor(bufferBytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(bufferBytesMin, bufferBytes))
  }

  /**
   * Whole batches from byte `position` on, one at least, none that reaches behind byte `end`; valid until
   * the next call. Rejects with DiskError.
   */
  async read(segment: Segment, position: number, end: number): Promise<Buffer> {
    const left = end - position
    let buffer = this.#buffer
    for (;;) {
      const target = buffer.subarray(0, Math.min(buffer.length, left))
      const got = await segment.readLater(target, position)
      const whole = endOfWholeBatches(target, got)
      if (whole > 0) return target.subarray(0, whole)
      const bytes = got < batchHeaderBytes ? 0 : batchBytesAt(target, 0)
      const readable = bytes > buffer.length && bytes <= left && isCurrent(target, 0)
      if (!readable) throw notABatch(segment, position)
      buffer = Buffer.allocUnsafeSlow(bytes)
    }
  }
}

/** Throws where the batch is not what was written. */
export function checkBatch(segment: Segment, buffer: Buffer, at: number, position: number): void {
  const sound = isCurrent(buffer, at)
  if (sound && batchCrc(buffer, at) === readInt32(buffer, at + batchField.crc) >>> 0) return
  throw notABatch(segment, position)
}

function endOfWholeBatches(buffer: Buffer, length: number): number {
  let at = 0
  while (at + batchHeaderBytes <= length) {
    const bytes = batchBytesAt(buffer, at)
    if (bytes < batchHeaderBytes || at + bytes > length) break
    at += bytes
  }
  return at
}

function isCurrent(buffer: Buffer, at: number): boolean {
  return buffer[at + batchField.magic] === currentMagic
}

function notABatch(segment: Segment, position: number): DiskError {
  return new DiskError('damaged', `find a sound batch at byte ${position} of`, segment.path)
}
