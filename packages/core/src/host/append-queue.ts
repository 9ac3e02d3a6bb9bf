// AppendQueue: the appends of one file that cannot be done at once because the file is being flushed or its
// disk is slow. They are done one after another; when one fails, those waiting behind it fail with the same error
// (they were meant to stand after it), and the queue is usable again once it is empty.

export class AppendQueue {
  #tail: Promise<void> | undefined

  /** True while appends wait or are under way: a new one must queue behind them. */
  get busy(): boolean {
    return this.#tail !== undefined
  }

  add(append: () => Promise<void>): Promise<void> {
    const done = this.#tail === undefined ? append() : this.#tail.then(append)
    this.#tail = done
    const clear = () => {
      if (this.#tail === done) this.#tail = undefined
    }
    done.then(clear, clear)
    return done
  }

  /** Resolves when what is queued now is done or has failed. */
  async settled(): Promise<void> {
    try {
      await this.#tail
    } catch {
      // Whoever called append() has the error.
    }
  }
}
