// Cuts what a connection receives into frames. The views it is given are valid only during push(),
// so each frame's bytes are copied out, once; a frame may be split at any byte, also within its
// size.
//
// A size is only an announcement: a large frame's buffer grows with what has really arrived, so that
// a peer has to send in order to take memory. Growing copies a sixteenth of the frame once more.

export type FrameHandler = (frame: Buffer) => void

export interface FrameReaderOptions {
  /** Frames above this are refused, before anything is allocated. */
  readonly maxBytes: number
  /** Gets each frame, without its size; the buffer is the receiver's own. */
  readonly onFrame: FrameHandler
  /** Gives the buffer of a frame, of exactly `bytes`. Default: fresh or from Node's pool. */
  readonly allocate?: (bytes: number) => Buffer
}

/** The peer does not speak Kafka, or asks for too much: the connection is of no further use. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

const sizeBytes = 4
/** A frame of this size is taken at its word: it holds the largest batch of a producer that is tuned. */
const trustedBytes = 256 * 1024
/** How much larger than what has arrived of a frame its buffer may be. */
const growthFactor = 16

export class FrameReader {
  readonly #maxBytes: number
  readonly #onFrame: FrameHandler
  readonly #allocate: (bytes: number) => Buffer
  /** Room for the frame in work, with `#filled` bytes of it; undefined while its size is incomplete. */
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
      const part = Math.min(this.#size - this.#filled, view.length - at)
      const frame = this.#roomFor(part)
      view.copy(frame, this.#filled, at, at + part)
      this.#filled += part
      at += part
      if (!this.#isComplete()) return
      this.#frame = undefined
      this.#size = 0
      this.#onFrame(frame)
    }
  }

  #isComplete(): boolean {
    return this.#frame !== undefined && this.#filled === this.#size
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
    this.#filled = 0
    this.#sizeFilled = 0
    this.#frame = this.#make(Math.min(size, view.length - at))
    return at
  }

  /** The frame in work, with room for `part` more bytes. */
  #roomFor(part: number): Buffer {
    const frame = this.#frame as Buffer
    if (this.#filled + part <= frame.length) return frame
    const larger = this.#make(this.#filled + part)
    frame.copy(larger, 0, 0, this.#filled)
    this.#frame = larger
    return larger
  }

  /** Room for a frame of which `arrived` bytes are there: for all of it, or as much as those are worth. */
  #make(arrived: number): Buffer {
    const worth = Math.max(trustedBytes, arrived * growthFactor)
    return worth < this.#size ? Buffer.allocUnsafeSlow(worth) : this.#allocate(this.#size)
  }
}
