// Heap: a binary heap whose items know their place, so that any of them can be removed.
//
//   push, pop, remove   O(log n)
//   peek                O(1)
//
// An item is in one heap at most; the heap keeps the item's index in the item itself.

import { assert } from './assert.ts'

export interface HeapItem {
  /** Where the item stands in its heap; -1 when it is in none. Written by the heap only. */
  heapIndex: number
}

export class Heap<T extends HeapItem> {
  readonly #before: (a: T, b: T) => boolean
  readonly #items: T[] = []

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    assert(item.heapIndex === -1, 'an item is in one heap at most')
    this.#items.push(item)
    this.#rise(item, this.#items.length - 1)
  }

  pop(): T | undefined {
    const first = this.#items[0]
    if (first !== undefined) this.remove(first)
    return first
  }

  /** Takes the item out; one that is in no heap is left alone. */
  remove(item: T): void {
    const index = item.heapIndex
    if (index === -1) return
    assert(this.#items[index] === item, 'the item belongs to another heap')
    item.heapIndex = -1
    const last = this.#items.pop() as T
    if (last === item) return
    if (index > 0 && this.#before(last, this.#items[(index - 1) >> 1])) this.#rise(last, index)
    else this.#sink(last, index)
  }

  #rise(item: T, from: number): void {
    const items = this.#items
    let index = from
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = items[parentIndex]
      if (!this.#before(item, parent)) break
      items[index] = parent
      parent.heapIndex = index
      index = parentIndex
    }
    items[index] = item
    item.heapIndex = index
  }

  #sink(item: T, from: number): void {
    const items = this.#items
    let index = from
    for (;;) {
      let childIndex = 2 * index + 1
      if (childIndex >= items.length) break
      const right = childIndex + 1
      if (right < items.length && this.#before(items[right], items[childIndex])) childIndex = right
      const child = items[childIndex]
      if (!this.#before(child, item)) break
      items[index] = child
      child.heapIndex = index
      index = childIndex
    }
    items[index] = item
    item.heapIndex = index
  }
}
