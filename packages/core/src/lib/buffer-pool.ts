// BufferPool: large buffers that are used again and again: a fresh one costs a page fault every 4 KiB, which
// is more than the reading or writing of it, and work for the collector.
//
// Sizes are powers of two; each size keeps a stack of free ones, all of them together at most
// `freeBytesMax`. A buffer that is not given back is merely collected.

import { assert } from './assert.ts'

const smallestBytes = 4 * 1024
/** Larger ones are not kept. */
const largestBytes = 1024 * 1024
const defaultFreeBytesMax = 32 * 1024 * 1024

export class BufferPool {
  readonly #free = new Map<number, Buffer[]>()
  readonly #freeBytesMax: number
  #freeBytes = 0

  constructor(freeBytesMax = defaultFreeBytesMax) {
    this.#freeBytesMax = freeBytesMax
  }

  get freeBytes(): number {
    return this.#freeBytes
  }

  /** A buffer of at least `bytes`, with whatever was in it before. */
  take(bytes: number): Buffer {
    if (bytes > largestBytes) return Buffer.allocUnsafeSlow(bytes)
    const size = sizeFor(bytes)
    const buffer = this.#free.get(size)?.pop()
    if (buffer === undefined) return Buffer.allocUnsafeSlow(size)
    this.#freeBytes -= size
    return buffer
  }

  give(buffer: Buffer): void {
    const size = buffer.length
    if (size > largestBytes || this.#freeBytes + size > this.#freeBytesMax) return
    assert(size === sizeFor(size), 'a buffer comes back as it was taken')
    let free = this.#free.get(size)
    if (free === undefined) {
      free = []
      this.#free.set(size, free)
    }
    free.push(buffer)
    this.#freeBytes += size
  }
}

function sizeFor(bytes: number): number {
  if (bytes <= smallestBytes) return smallestBytes
  return 1 << (32 - Math.clz32(bytes - 1))
}
