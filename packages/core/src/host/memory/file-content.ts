// The bytes of a file in memory, in chunks of one size, so that appending and finding a position do not
// depend on the file's length.
//
//   chunk 0 [256 KiB]  chunk 1 [256 KiB]  …  last chunk [4 KiB, doubled as it fills]
//
// A snapshot shares the chunks: it keeps the bytes below its own size, whatever the file does later.

import { assert } from '../../lib/assert.ts'

const chunkBytes = 256 * 1024
const firstCapacityBytes = 4 * 1024

export class FileContent {
  #chunks: Buffer[] = []
  #sizeBytes = 0
  /** A snapshot sees the same chunks: bytes that are there already must not change in place. */
  #shared = false

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  append(bytes: Uint8Array): void {
    let taken = 0
    while (taken < bytes.length) {
      const offset = this.#sizeBytes % chunkBytes
      const wanted = Math.min(chunkBytes, offset + bytes.length - taken)
      const chunk = this.#chunkWithRoom(Math.floor(this.#sizeBytes / chunkBytes), offset, wanted)
      const length = Math.min(chunk.length - offset, bytes.length - taken)
      chunk.set(bytes.subarray(taken, taken + length), offset)
      this.#sizeBytes += length
      taken += length
    }
  }

  /** Copies from `position` into `target`; returns the bytes copied (fewer at the end). */
  read(target: Uint8Array, position: number): number {
    const end = Math.min(this.#sizeBytes, position + target.length)
    let at = position
    while (at < end) {
      const offset = at % chunkBytes
      const length = Math.min(chunkBytes - offset, end - at)
      const chunk = this.#chunks[Math.floor(at / chunkBytes)]
      target.set(chunk.subarray(offset, offset + length), at - position)
      at += length
    }
    return Math.max(0, end - position)
  }

  /** Overwrites from `position`; what lies behind the end is appended. */
  write(bytes: Uint8Array, position: number): void {
    assert(position <= this.#sizeBytes, 'a write leaves no hole')
    this.#unshare()
    const inside = Math.min(bytes.length, this.#sizeBytes - position)
    for (let done = 0; done < inside; ) {
      const offset = (position + done) % chunkBytes
      const length = Math.min(chunkBytes - offset, inside - done)
      const chunk = this.#chunks[Math.floor((position + done) / chunkBytes)]
      chunk.set(bytes.subarray(done, done + length), offset)
      done += length
    }
    this.append(bytes.subarray(inside))
  }

  truncate(sizeBytes: number): void {
    assert(sizeBytes <= this.#sizeBytes, 'truncating makes a file shorter')
    this.#unshare()
    this.#sizeBytes = sizeBytes
    this.#chunks.length = Math.ceil(sizeBytes / chunkBytes)
  }

  snapshot(): FileContent {
    const copy = new FileContent()
    copy.#chunks = this.#chunks
    copy.#sizeBytes = this.#sizeBytes
    copy.#shared = true
    this.#shared = true
    return copy
  }

  #chunkWithRoom(index: number, used: number, wanted: number): Buffer {
    const chunk = this.#chunks[index]
    if (chunk !== undefined && chunk.length >= wanted) return chunk
    let capacity = Math.max(firstCapacityBytes, chunk?.length ?? 0)
    while (capacity < wanted) capacity *= 2
    const grown = Buffer.allocUnsafeSlow(Math.min(capacity, chunkBytes))
    if (used > 0) grown.set(chunk.subarray(0, used))
    this.#chunks[index] = grown
    return grown
  }

  #unshare(): void {
    if (!this.#shared) return
    this.#chunks = this.#chunks.map((chunk) => Buffer.from(chunk))
    this.#shared = false
  }
}
