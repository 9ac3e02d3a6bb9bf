import { BufferPool } from '@sluice/core/lib/buffer-pool'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

describe('pooled buffers', () => {
  test('are used again, and kept up to a number of bytes', () => {
    const buffers = new BufferPool(3 * 64 * 1024)
    const taken = Array.from({ length: 5 }, () => buffers.take(50_000))
    expect(taken.every((buffer) => buffer.length === 65_536)).toBe(true)
    for (const buffer of taken) buffers.give(buffer)
    expect(buffers.freeBytes).toBe(3 * 65_536)
    expect(taken).toContain(buffers.take(65_536))
    expect(buffers.freeBytes).toBe(2 * 65_536)
    const large = buffers.take(5_000_000)
    buffers.give(large)
    expect(buffers.freeBytes).toBe(2 * 65_536)
  })

  test('of any size have room', () => {
    const buffers = new BufferPool()
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3_000_000 }), (bytes) => {
        const buffer = buffers.take(bytes)
        expect(buffer.length).toBeGreaterThanOrEqual(bytes)
        buffers.give(buffer)
      }),
    )
  })
})
