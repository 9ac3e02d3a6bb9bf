// WritePace: whether a disk takes at once what is written to it. A write goes to the page cache in microseconds,
// until the disk hangs or the kernel throttles whoever writes to it: then it waits, and from the event loop
// everything waits with it. Nothing tells that beforehand, so the first slow write is noticed when it is over;
// from then on appends go through the thread pool, until the disk has been fast for a while.
//
//   fast, from the loop   --- one write takes slowWriteMs --->   slow, through the pool
//   fast, from the loop   <--- none did for calmMs ----------   slow, through the pool

/** A write that took longer had to wait for the disk. On a busy machine it may have waited for a processor for less. */
const slowWriteMsDefault = 50
/** How long writes must have been fast before they are trusted again. */
const calmMs = 1000

export interface WritePaceOptions {
  /** Milliseconds that only go forward. */
  readonly now: () => number
  readonly slowWriteMs?: number
}

/** One for each disk. */
export class WritePace {
  readonly #now: () => number
  readonly #slowWriteMs: number
  /** When the latest slow write was over; undefined while all are fast. */
  #slowAtMs: number | undefined
  /** When the writes began that are under way on the thread pool, the oldest first. */
  readonly #pooled = new Set<{ readonly atMs: number }>()

  constructor(options: WritePaceOptions) {
    this.#now = options.now
    this.#slowWriteMs = options.slowWriteMs ?? slowWriteMsDefault
  }

  /** Appends go through the thread pool. */
  get slow(): boolean {
    return this.#slowAtMs !== undefined
  }

  /** Runs a write from the event loop. */
  now(write: () => void): void {
    const startMs = this.#now()
    try {
      write()
    } finally {
      this.took(this.#now() - startMs)
    }
  }

  /** A write from the event loop took so long. */
  took(ms: number): void {
    if (ms > this.#slowWriteMs) this.#slowAtMs = this.#now()
  }

  /** Runs a write on the thread pool. */
  async later(write: () => Promise<void>): Promise<void> {
    const begun = { atMs: this.#now() }
    this.#pooled.add(begun)
    try {
      await write()
    } finally {
      this.#pooled.delete(begun)
      this.#ended(begun.atMs)
    }
  }

  /** While writes are fast one on the pool proves nothing: it may have waited for a flush. */
  #ended(startMs: number): void {
    if (this.#slowAtMs === undefined) return
    const nowMs = this.#now()
    const [oldest] = this.#pooled
    const slow = nowMs - Math.min(startMs, oldest?.atMs ?? startMs) > this.#slowWriteMs
    if (slow) this.#slowAtMs = nowMs
    else if (nowMs - this.#slowAtMs >= calmMs) this.#slowAtMs = undefined
  }
}
