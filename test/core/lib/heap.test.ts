import { Heap, type HeapItem } from '@sluice/core/lib/heap'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

interface Entry extends HeapItem {
  readonly key: number
}

const entry = (key: number): Entry => ({ key, heapIndex: -1 })

describe('heap', () => {
  test('gives what a sorted list gives, whatever is pushed, popped and removed', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('push'), value: fc.integer({ min: 0, max: 50 }) }),
      fc.record({ kind: fc.constant('pop'), value: fc.constant(0) }),
      fc.record({ kind: fc.constant('remove'), value: fc.nat() }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const heap = new Heap<Entry>((a, b) => a.key < b.key)
        const model: Entry[] = []
        for (const { kind, value } of steps) {
          if (kind === 'push') {
            const item = entry(value)
            heap.push(item)
            model.push(item)
          } else if (kind === 'remove' && model.length > 0) {
            const [item] = model.splice(value % model.length, 1)
            heap.remove(item)
            heap.remove(item)
          } else if (kind === 'pop') {
            const popped = heap.pop()
            expect(popped?.key).toBe(model.toSorted((a, b) => a.key - b.key)[0]?.key)
            if (popped !== undefined) model.splice(model.indexOf(popped), 1)
          }
          expect(heap.size).toBe(model.length)
          expect(heap.peek()?.key).toBe(model.toSorted((a, b) => a.key - b.key)[0]?.key)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('an item is in one heap at most', () => {
    const heap = new Heap<Entry>((a, b) => a.key < b.key)
    const item = entry(1)
    heap.push(item)
    expect(() => heap.push(item)).toThrow(/one heap/)
    heap.pop()
    heap.push(item)
    expect(heap.size).toBe(1)
  })
})
