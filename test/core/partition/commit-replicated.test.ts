// Which appends the commit rule of replicated topics refuses.

import { commitReplicated, effectiveMinIsr } from '@sluice/core/partition/commit-replicated'
import { errors } from '@sluice/protocol/errors'
import { expect, test } from 'vitest'

test('too few replicas in sync refuse acks=all, and only that', () => {
  const rule = commitReplicated({ isrSize: () => 1, minIsr: () => 2 })
  expect(rule.refusal(-1)).toBe(errors.NOT_ENOUGH_REPLICAS)
  expect([rule.refusal(0), rule.refusal(1)]).toEqual([0, 0])
})

test('min.insync.replicas counts up to the number of replicas that there are', () => {
  expect(effectiveMinIsr(2, [1])).toBe(1)
  expect(effectiveMinIsr(2, [1, 2, 3])).toBe(2)
  expect(effectiveMinIsr(3, [1, 2, 3])).toBe(3)
})
