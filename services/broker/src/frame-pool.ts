// FramePool: buffers for the frames of requests. Large ones are used again when their handler says that it
// is done with them: a fresh buffer for every Produce is a page fault each 4 KiB and work for the collector.
// A frame that is not given back (its request's views may still be in use) is merely collected.

import { BufferPool } from '@sluice/core/lib/buffer-pool'

/** Smaller frames are cheaper to allocate than to keep. */
const pooledBytesMin = 8 * 1024
const freeBytesMax = 32 * 1024 * 1024

export class FramePool {
  readonly #buffers = new BufferPool(freeBytesMax)

  /** A buffer of exactly `bytes`. */
  take(bytes: number): Buffer {
    if (bytes < pooledBytesMin) return Buffer.allocUnsafe(bytes)
    const buffer = this.#buffers.take(bytes)
    return buffer.length === bytes ? buffer : buffer.subarray(0, bytes)
  }

  /** Nothing looks at the frame, or at a view on it, any more. */
  give(frame: Buffer): void {
    if (frame.length < pooledBytesMin || frame.byteOffset !== 0) return
    this.#buffers.give(Buffer.from(frame.buffer))
  }
}
