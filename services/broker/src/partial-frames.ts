// PartialFrames: the bytes of requests that have begun to arrive and are not complete, of all connections
// of a broker. Nothing can be done with them but wait, so they cannot wait for room like whole requests:
// whoever holds most of them gives way, for otherwise a few clients that stop in the middle of large
// requests could hold up all others for good.

import { Bag, type BagItem } from '@sluice/core/lib/bag'

export interface PartialHolder extends BagItem {
  /** Of an incomplete request; kept here. */
  partialBytes: number
  /** Ends the connection and with it what it holds. */
  close(reason: string): void
}

export class PartialFrames {
  readonly #bytesMax: number
  #bytes = 0
  readonly #holders = new Bag<PartialHolder>()

  /** A single connection may hold more than `bytesMax` if it is the only one. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** `holder` now holds so many bytes of an incomplete request; 0: none any more. */
  hold(holder: PartialHolder, bytes: number): void {
    const before = holder.partialBytes
    if (bytes === before) return
    this.#bytes += bytes - before
    holder.partialBytes = bytes
    if (bytes === 0) this.#holders.remove(holder)
    else if (before === 0) this.#holders.add(holder)
    while (this.#bytes > this.#bytesMax && this.#holders.size > 1) this.#giveWay()
  }

  #giveWay(): void {
    let [most] = this.#holders.items
    for (const holder of this.#holders.items) {
      if (holder.partialBytes > most.partialBytes) most = holder
    }
    const { partialBytes } = most
    this.hold(most, 0)
    most.close(`${partialBytes} bytes of a request have come and there is no memory for the rest`)
  }
}
