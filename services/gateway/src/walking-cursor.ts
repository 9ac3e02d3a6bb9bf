// WalkingCursor: the cursor behind each record of a run of records, made step by step.

import { type Cursor, encodeCursor, type Position } from './cursor.ts'

export class WalkingCursor {
  #cursor: Omit<Cursor, 'positions'>
  #positions: Position[] = []
  /** By partition: its place among the positions. */
  readonly #places = new Map<number, number>()

  constructor(cursor: Cursor) {
    this.#cursor = cursor
    this.follow(cursor)
  }

  /** The record at `offset` was passed. */
  pass(partition: number, offset: number): void {
    const place = this.#places.get(partition)
    if (place === undefined) return
    this.#positions[place] = { ...this.#positions[place], offset: offset + 1 }
  }

  /** Behind what was passed. */
  text(): string {
    return encodeCursor({ ...this.#cursor, positions: this.#positions })
  }

  /** Takes over where a reader stands, and returns that. */
  follow(cursor: Cursor): string {
    this.#cursor = cursor
    this.#positions = cursor.positions.map(({ partition, offset, leaderEpoch }) => {
      return { partition, offset, leaderEpoch }
    })
    this.#places.clear()
    this.#positions.forEach(({ partition }, place) => {
      this.#places.set(partition, place)
    })
    return encodeCursor(cursor)
  }
}
