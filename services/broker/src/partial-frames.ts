// PartialFrames: the bytes of requests that have begun to arrive and are not complete, of all connections
// of a broker. Nothing can be done with them but wait, so they cannot wait for room like whole requests:
// whoever holds most of them gives way, for otherwise a few clients that stop in the middle of large
// requests could hold up all others for good.

export interface PartialHolder {
  /** Ends the connection and with it what it holds. */
  close(reason: string): void
}

export class PartialFrames {
  readonly #bytesMax: number
  #bytes = 0
  readonly #held = new Map<PartialHolder, number>()

  /** A single connection may hold more than `bytesMax` if it is the only one. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** `holder` now holds so many bytes of an incomplete request; 0: none any more. */
  hold(holder: PartialHolder, bytes: number): void {
    const before = this.#held.get(holder) ?? 0
    if (bytes === before) return
    this.#bytes += bytes - before
    if (bytes === 0) this.#held.delete(holder)
    else this.#held.set(holder, bytes)
    while (this.#bytes > this.#bytesMax && this.#held.size > 1) this.#giveWay()
  }

  #giveWay(): void {
    let most: PartialHolder | undefined
    let mostBytes = 0
    for (const [holder, bytes] of this.#held) {
      if (bytes <= mostBytes) continue
      most = holder
      mostBytes = bytes
    }
    if (!most) return
    this.hold(most, 0)
    most.close(`${mostBytes} bytes of a request have come and there is no memory for the rest`)
  }
}
