// Bag: things in no order; one is added or taken out in constant time and leaves nothing behind. Where very many
// pass through, a Set or Map chains its dead tables, and all that was in them, until a full collection.

import { assert } from './assert.ts'

export interface BagItem {
  /** Where it is in its bag, of which there is one; -1: in none. */
  bagIndex: number
}

export class Bag<T extends BagItem> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  /** In no order, and another one after each change. */
  get items(): readonly T[] {
    return this.#items
  }

  add(item: T): void {
    assert(item.bagIndex === -1, 'a thing is in one bag')
    item.bagIndex = this.#items.length
    this.#items.push(item)
  }

  /** One that is in no bag is fine. */
  remove(item: T): void {
    const index = item.bagIndex
    if (index === -1) return
    const last = this.#items.pop() as T
    item.bagIndex = -1
    if (last === item) return
    this.#items[index] = last
    last.bagIndex = index
  }
}
