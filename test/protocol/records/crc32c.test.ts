import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32c, crc32cRange, crc32cTables } from '../../../packages/protocol/src/records/crc32c.ts'

describe('crc32c', () => {
  // RFC 3720, B.4
  test.each([
    ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
    ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['0 to 31', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
    ['31 to 0', Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
    ['digits', Buffer.from('123456789'), 0xe3069283],
    ['nothing', Buffer.alloc(0), 0],
  ])('%s', (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected)
  })

  test('native and tables agree on every range', () => {
    const bytes = fc.uint8Array({ maxLength: 700 })
    fc.assert(
      fc.property(bytes, fc.nat(700), fc.nat(700), (view, a, b) => {
        const start = Math.min(a, b, view.length)
        const end = Math.min(Math.max(a, b), view.length)
        const expected = crc32cTables(view, start, end)
        expect(crc32cRange(view, start, end)).toBe(expected)
        expect(crc32c(view.subarray(start, end))).toBe(expected)
      }),
      { numRuns: 300 },
    )
  })
})
