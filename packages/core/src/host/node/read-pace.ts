// ReadPace: whether small files are read from the event loop. What is in the page cache is there in microseconds;
// what is not waits for the disk, one behind the other, where the thread pool would read many side by side. Nothing
// tells beforehand, so the first slow read is noticed when it is over; the next ones are left to the pool, then one
// is tried again.

/** Longer than any read of the page cache; on a busy machine it may have waited for a processor instead. */
const slowReadMsDefault = 2
/** Reads left to the pool after a slow one. */
const leftToPool = 32

export class ReadPace {
  readonly #slowReadMs: number
  #left = 0

  constructor(slowReadMs = slowReadMsDefault) {
    this.#slowReadMs = slowReadMs
  }

  /** Runs `read`, or leaves it: undefined then. */
  now<T>(read: () => T): T | undefined {
    if (this.#left > 0) {
      this.#left -= 1
      return undefined
    }
    const startMs = performance.now()
    try {
      return read()
    } finally {
      if (performance.now() - startMs > this.#slowReadMs) this.#left = leftToPool
    }
  }
}
