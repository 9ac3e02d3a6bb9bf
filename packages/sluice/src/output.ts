// Output: standard output with back-pressure. What is given is gathered and written in large pieces;
// whoever writes awaits room when the reader is slower than we are.

/** Gathered bytes are written at this size, so that a million short values are few system calls. */
const pieceBytes = 64 * 1024

export class Output {
  readonly #stream: NodeJS.WritableStream
  #pieces: Buffer[] = []
  #bytes = 0

  constructor(stream: NodeJS.WritableStream = process.stdout) {
    this.#stream = stream
  }

  /** Keeps a view on `piece` until it is written. */
  add(piece: Buffer): void {
    this.#pieces.push(piece)
    this.#bytes += piece.length
  }

  get full(): boolean {
    return this.#bytes >= pieceBytes
  }

  /** Writes what was gathered; resolves when there is room for more. */
  async flush(): Promise<void> {
    if (this.#bytes === 0) return
    const gathered = Buffer.concat(this.#pieces, this.#bytes)
    this.#pieces = []
    this.#bytes = 0
    if (this.#stream.write(gathered)) return
    await new Promise<void>((resolve) => this.#stream.once('drain', resolve))
  }
}

/** Prints one line to standard output. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Prints a value for other programs to read: one line of JSON. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value))
}
