// Meters: what clients used of their limits, by who shares a limit. One that was idle for so long that
// it says nothing any more makes room for others: client ids are made up by clients.

/** Meters kept at a time; beyond that idle ones go, then the oldest. */
const metersMax = 10_000

interface Entry<M> {
  readonly meter: M
  lastMs: number
}

export class Meters<M> {
  readonly #idleMs: number
  readonly #entries = new Map<string, Entry<M>>()

  /** `idleMs`: after so long a meter is as good as a new one. */
  constructor(idleMs: number) {
    this.#idleMs = idleMs
  }

  get size(): number {
    return this.#entries.size
  }

  of(name: string, nowMs: number, create: () => M): M {
    const found = this.#entries.get(name)
    if (found) {
      found.lastMs = nowMs
      return found.meter
    }
    if (this.#entries.size >= metersMax) this.#makeRoom(nowMs)
    const meter = create()
    this.#entries.set(name, { meter, lastMs: nowMs })
    return meter
  }

  clear(): void {
    this.#entries.clear()
  }

  #makeRoom(nowMs: number): void {
    for (const [name, { lastMs }] of this.#entries) {
      if (nowMs - lastMs >= this.#idleMs) this.#entries.delete(name)
    }
    if (this.#entries.size < metersMax) return
    const [oldest] = this.#entries.keys()
    this.#entries.delete(oldest)
  }
}
