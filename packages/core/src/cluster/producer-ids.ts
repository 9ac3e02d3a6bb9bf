// Producer ids for idempotent producers: unique in the cluster and never given twice, also across
// restarts. A broker takes them from the controller by the block; what is left of a block when it
// stops is never used.

import type { ProducerIdBlock } from './controller.ts'

export class ProducerIds {
  readonly #allocate: () => Promise<ProducerIdBlock>
  #next = 0
  #end = 0
  #refill: Promise<void> | undefined

  constructor(allocate: () => Promise<ProducerIdBlock>) {
    this.#allocate = allocate
  }

  async take(): Promise<number> {
    while (this.#next === this.#end) {
      this.#refill ??= this.#takeBlock().finally(() => {
        this.#refill = undefined
      })
      await this.#refill
    }
    return this.#next++
  }

  async #takeBlock(): Promise<void> {
    const { first, count } = await this.#allocate()
    this.#next = first
    this.#end = first + count
  }
}
