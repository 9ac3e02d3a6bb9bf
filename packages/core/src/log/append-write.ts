// Writes the parts of an append, each with one vectored write: to the end of the last segment, then to new
// ones. All of it is written or nothing stays: where a later part fails, the earlier ones are cut off again
// before the failure is told.

import type { AppendPart } from './append-plan.ts'
import type { Segment } from './segment.ts'

export interface AppendTarget {
  readonly last: Segment
  /** A segment that belongs to the log only when all is written. Throws DiskError. */
  readonly create: (baseOffset: number) => Segment
}

export class AppendWrite {
  readonly #parts: readonly AppendPart[]
  readonly #target: AppendTarget
  /** New ones, in order. */
  readonly segments: Segment[] = []
  #written = 0

  constructor(parts: readonly AppendPart[], target: AppendTarget) {
    this.#parts = parts
    this.#target = target
  }

  /** Undefined when all is written; a promise where a file is being flushed. Throws DiskError. */
  run(): undefined | Promise<void> {
    while (this.#written < this.#parts.length) {
      const part = this.#parts[this.#written]
      const pending = this.#segmentOf(part).write(part.buffers)
      if (pending !== undefined) {
        return pending.then(() => {
          this.#written += 1
          return this.run()
        })
      }
      this.#written += 1
    }
    return undefined
  }

  /** Whether something is on the disk that must not stay, after a failure. */
  get leftSomething(): boolean {
    return this.#written > 0 || this.segments.length > 0
  }

  async undo(): Promise<void> {
    for (const segment of this.segments.toReversed()) await segment.remove()
    await this.#target.last.cutUnadded()
  }

  #segmentOf(part: AppendPart): Segment {
    if (part.newSegmentAt === undefined) return this.#target.last
    const segment = this.#target.create(part.newSegmentAt)
    this.segments.push(segment)
    segment.open()
    return segment
  }
}
