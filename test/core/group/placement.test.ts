import { groupPartition } from '@sluice/core/group/placement'
import { expect, test } from 'vitest'

// As Java computes Utils.abs(groupId.hashCode()) % 50; the fifth hashes to the smallest int.
test.each([
  ['', 0],
  ['a', 47],
  ['my-group', 12],
  ['console-consumer-12345', 6],
  ['polygenelubricants', 0],
  ['größe-😀', 21],
])('group %j lives in partition %i of 50', (groupId, partition) => {
  expect(groupPartition(groupId, 50)).toBe(partition)
})
