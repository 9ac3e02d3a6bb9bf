// LiveLine: one line on standard error that is written anew while something runs; nothing where nobody
// would see it.

const clearLine = '\r\x1b[2K'

export class LiveLine {
  readonly #stream: NodeJS.WriteStream = process.stderr
  readonly #timer: NodeJS.Timeout | undefined

  constructor(everyMs: number, text: () => string) {
    if (!this.#stream.isTTY) return
    this.#timer = setInterval(() => {
      this.#stream.write(`${clearLine}${text().slice(0, this.#stream.columns - 1)}`)
    }, everyMs)
  }

  /** Leaves no trace. */
  end(): void {
    if (this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#stream.write(clearLine)
  }
}
