// CleaningPass: what one cleaning of one log carries from step to step: its means, whether it is to go on,
// and what it has done so far. Each step of the work waits here: for the throttle, for the other work of the
// event loop, and it ends here when the log is closed, cut or no longer compacted meanwhile.

import { type Clock, sleep } from '../host/clock.ts'
import { Slices } from '../lib/slices.ts'
import type { Throttle } from '../lib/throttle.ts'
import { CleaningReader } from './cleaning-reader.ts'
import type { Segment } from './segment.ts'

/** The log wants to be left alone: nothing is wrong, and nothing has changed. */
export class CleaningAborted extends Error {
  override readonly name = 'CleaningAborted'
}

/** A segment as it was when the cleaning began: its own size is not to be relied on while it is read. */
export interface CleanedPart {
  readonly segment: Segment
  readonly baseOffset: number
  readonly sizeBytes: number
}

export interface CleaningMeans {
  readonly clock: Clock
  /** For the offset map. */
  readonly mapBytes: number
  readonly mapLoadFactor: number
  /** For the read buffer; a larger batch gets one of its own. */
  readonly bufferBytes: number
  readonly throttle: Throttle
}

/** An abort is noticed so soon while the throttle makes us wait. */
const waitStepMs = 100

export class CleaningPass {
  readonly means: CleaningMeans
  readonly nowMs: number
  bytesRead = 0
  bytesWritten = 0
  recordsWritten = 0
  readonly #reader: CleaningReader
  readonly #slices: Slices
  readonly #goesOn: () => boolean

  /** `goesOn` is asked again and again. */
  constructor(means: CleaningMeans, goesOn: () => boolean) {
    this.means = means
    this.#reader = new CleaningReader(means.bufferBytes)
    this.nowMs = means.clock.now()
    this.#slices = new Slices(means.clock)
    this.#goesOn = goesOn
  }

  /** Throws CleaningAborted. */
  check(): void {
    if (!this.#goesOn()) throw new CleaningAborted('the log wants to be left alone')
  }

  /** Whole batches from byte `position` of the part on, one at least; valid until the next call. */
  async read({ segment, sizeBytes }: CleanedPart, position: number): Promise<Buffer> {
    this.check()
    if (segment.retired) throw new CleaningAborted('a segment was removed')
    const batches = await this.#reader.read(segment, position, sizeBytes)
    this.bytesRead += batches.length
    await this.spend(batches.length)
    return batches
  }

  /** After each batch. */
  async pause(): Promise<void> {
    const pausing = this.#slices.pause()
    if (pausing === undefined) return
    await pausing
    this.check()
  }

  /** So many bytes were read or written. */
  async spend(bytes: number): Promise<void> {
    this.check()
    let waitMs = this.means.throttle.take(bytes)
    for (; waitMs >= 1; waitMs -= waitStepMs) {
      await sleep(this.means.clock, Math.min(waitMs, waitStepMs))
      this.check()
    }
  }
}
