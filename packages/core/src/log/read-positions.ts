// ReadPositions: where the last reads of a log ended. A consumer goes on where it stopped, so its next read
// needs no index: the position of its offset is known.

import type { Segment } from './segment.ts'

/** Readers of one partition that are told apart. */
const positionsMax = 16

export interface ReadPosition {
  readonly offset: number
  readonly segment: Segment
  readonly position: number
}

export class ReadPositions {
  /** A ring: the oldest is overwritten. */
  readonly #positions: ReadPosition[] = []
  #next = 0

  find(offset: number): ReadPosition | undefined {
    for (const position of this.#positions) if (position.offset === offset) return position
    return undefined
  }

  remember(position: ReadPosition): void {
    this.#positions[this.#next] = position
    this.#next = (this.#next + 1) % positionsMax
  }

  /** Segments were cut or removed. */
  forget(): void {
    this.#positions.length = 0
    this.#next = 0
  }
}
