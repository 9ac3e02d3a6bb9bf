import { SeededRandom } from '@sluice/core/host/memory/random'
import { backoffMs } from '@sluice/core/kafka-client/backoff'
import { expect, test } from 'vitest'

test('doubles up to the limit, each pause within a fifth of that', () => {
  const random = new SeededRandom('backoff')
  const limits = { firstMs: 100, maxMs: 1000 }
  const expected = [100, 200, 400, 800, 1000, 1000]
  for (let repeat = 0; repeat < 50; repeat++) {
    expected.forEach((middleMs, index) => {
      const pauseMs = backoffMs(limits, index + 1, random)
      expect(pauseMs).toBeGreaterThanOrEqual(middleMs * 0.8)
      expect(pauseMs).toBeLessThanOrEqual(middleMs * 1.2)
    })
  }
  expect(backoffMs(limits, 1_000_000, random)).toBeLessThanOrEqual(1200)
})
