import { sideBySide } from '@sluice/core/lib/side-by-side'
import { expect, test } from 'vitest'

test('each item has its turn, in order, so many at once', async () => {
  const begun: number[] = []
  let running = 0
  let most = 0
  const items = Array.from({ length: 20 }, (_, i) => i)
  await sideBySide(items, 3, async (item) => {
    begun.push(item)
    most = Math.max(most, ++running)
    for (let turns = item % 4; turns > 0; turns--) await new Promise(setImmediate)
    running -= 1
  })
  expect(begun).toEqual(items)
  expect([most, running]).toEqual([3, 0])
  await sideBySide([], 3, () => Promise.reject(new Error('nothing to do')))
})

test('a job that fails is told', async () => {
  const failing = sideBySide([1, 2, 3], 2, async (item) => {
    if (item === 2) throw new Error(`no ${item}`)
  })
  await expect(failing).rejects.toThrow('no 2')
})
