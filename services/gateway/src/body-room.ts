// BodyRoom: memory for the body of one request, to be used again once nobody looks at the body any more. It is
// only taken when a body's first chunk has come, and only for bodies of a size at which memory that is taken on
// a client's word does no harm.

import type { BufferPool } from '@sluice/core/lib/buffer-pool'

const pooledBytesMin = 8 * 1024
const pooledBytesMax = 256 * 1024

export class BodyRoom {
  readonly #pool: BufferPool
  #taken: Buffer | undefined

  constructor(pool: BufferPool) {
    this.#pool = pool
  }

  /** undefined: a body of this size, or of no known one (NaN), is collected as it comes. */
  take(bytes: number): Buffer | undefined {
    if (!(bytes >= pooledBytesMin && bytes <= pooledBytesMax)) return undefined
    this.#taken = this.#pool.take(bytes)
    return this.#taken.subarray(0, bytes)
  }

  /** Without it the memory is merely collected. */
  giveBack(): void {
    if (this.#taken !== undefined) this.#pool.give(this.#taken)
    this.#taken = undefined
  }
}
