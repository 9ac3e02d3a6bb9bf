// MemoryBudget: the bytes of requests and responses that all connections of a broker may hold at a
// time. A connection that finds it used up stops reading its socket and is called when there is room.

/** Used unless queued.max.request.bytes says otherwise. */
export const memoryBudgetDefault = 256 * 1024 * 1024

export class MemoryBudget {
  readonly #bytesMax: number
  #bytes = 0
  #waiting = new Set<() => void>()

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytesMax(): number {
    return this.#bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** One more request may begin; it may itself be larger than what is left. */
  get hasRoom(): boolean {
    return this.#bytes < this.#bytesMax
  }

  take(bytes: number): void {
    this.#bytes += bytes
  }

  give(bytes: number): void {
    this.#bytes -= bytes
    if (!this.hasRoom || this.#waiting.size === 0) return
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const run of waiting) run()
  }

  /** Calls `run` once when there is room; asking twice is asking once. */
  whenRoom(run: () => void): void {
    this.#waiting.add(run)
  }

  forget(run: () => void): void {
    this.#waiting.delete(run)
  }
}
