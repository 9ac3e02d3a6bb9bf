// Cuts what a connection receives into frames. The views it is given are valid only during push(),
// so each frame's bytes are copied out, once; a frame may be split at any byte, also within its
// size.

export type FrameHandler = (frame: Buffer) => void

export interface FrameReaderOptions {
  /** Frames above this are refused, before anything is allocated. */
  readonly maxBytes: number
  /** Gets each frame, without its size; the buffer is the receiver's own. */
  readonly onFrame: FrameHandler
  /** Gives a buffer of exactly `bytes`, to be filled. Default: fresh or from Node's pool. */
  readonly allocate?: (bytes: number) => Buffer
}

/** The peer does not speak Kafka, or asks for too much: the connection is of no further use. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

const sizeBytes = 4

export class FrameReader {
  readonly #maxBytes: number
  readonly #onFrame: FrameHandler
  readonly #allocate: (bytes: number) => Buffer
  /** The frame in work, with `#filled` bytes of it; undefined while its size is incomplete. */
  #frame: Buffer | undefined
  #filled = 0
  #size = 0
  #sizeFilled = 0
  #failed = false

  constructor({ maxBytes, onFrame, allocate = Buffer.allocUnsafe }: FrameReaderOptions) {
    this.#maxBytes = maxBytes
    this.#onFrame = onFrame
    this.#allocate = allocate
  }

  /** Bytes of a frame that is not complete yet. */
  get pendingBytes(): number {
    return this.#frame === undefined ? this.#sizeFilled : sizeBytes + this.#filled
  }

  /** Takes `view` in whole and calls onFrame for each frame it completes. @throws FrameError */
  push(view: Buffer): void {
    if (this.#failed) throw new FrameError('a frame before was refused')
    let at = 0
    while (at < view.length || this.#isComplete()) {
      if (this.#frame === undefined) {
        at = this.#readSize(view, at)
        continue
      }
      const frame = this.#frame
      const part = Math.min(frame.length - this.#filled, view.length - at)
      view.copy(frame, this.#filled, at, at + part)
      this.#filled += part
      at += part
      if (!this.#isComplete()) return
      this.#frame = undefined
      this.#onFrame(frame)
    }
  }

  #isComplete(): boolean {
    return this.#frame !== undefined && this.#filled === this.#frame.length
  }

  #readSize(view: Buffer, from: number): number {
    let at = from
    while (at < view.length && this.#sizeFilled < sizeBytes) {
      this.#size = (this.#size << 8) | view[at++]
      this.#sizeFilled++
    }
    if (this.#sizeFilled < sizeBytes) return at
    const size = this.#size
    if (size < 0 || size > this.#maxBytes) {
      this.#failed = true
      throw new FrameError(`a frame of ${size} bytes (at most ${this.#maxBytes} are allowed)`)
    }
    this.#frame = this.#allocate(size)
    this.#filled = 0
    this.#size = 0
    this.#sizeFilled = 0
    return at
  }
}
