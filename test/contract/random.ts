// What every Random promises.

import type { Random } from '@sluice/core/host/random'
import { describe, expect, test } from 'vitest'

export function randomContract(name: string, setUp: () => Random): void {
  describe(`random contract: ${name}`, () => {
    test('number is in [0, 1) and spreads', () => {
      const random = setUp()
      const drawn = Array.from({ length: 2_000 }, () => random.number())
      expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0)
      expect(Math.max(...drawn)).toBeLessThan(1)
      const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length
      expect(mean).toBeGreaterThan(0.45)
      expect(mean).toBeLessThan(0.55)
    })

    test('integer covers [0, limit) evenly, up to 2^32', () => {
      const random = setUp()
      const counts = new Array(7).fill(0)
      for (let i = 0; i < 7_000; i++) counts[random.integer(7)] += 1
      for (const count of counts) expect(count).toBeGreaterThan(800)
      expect(random.integer(1)).toBe(0)
      expect(random.integer(2 ** 32)).toBeLessThan(2 ** 32)
      for (const limit of [0, -1, 1.5, 2 ** 32 + 1]) {
        expect(() => random.integer(limit)).toThrow()
      }
    })

    test('bytes has the length asked for and is not all the same', () => {
      const random = setUp()
      for (const length of [0, 1, 3, 4, 17, 1_000]) {
        expect(random.bytes(length)).toHaveLength(length)
      }
      expect(new Set(random.bytes(1_000)).size).toBeGreaterThan(100)
    })

    test('uuid is a version 4 UUID in 22 characters that never begins with a dash', () => {
      const random = setUp()
      const seen = new Set<string>()
      for (let i = 0; i < 500; i++) {
        const uuid = random.uuid()
        seen.add(uuid)
        expect(uuid).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/)
        const bytes = Buffer.from(uuid, 'base64url')
        expect(bytes).toHaveLength(16)
        expect(bytes[6] >> 4).toBe(4)
        expect(bytes[8] >> 6).toBe(2)
      }
      expect(seen.size).toBe(500)
    })
  })
}
