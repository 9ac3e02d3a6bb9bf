import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeCursor, encodeCursor } from '../../services/gateway/src/cursor.ts'
import { parseReadFrom } from '../../services/gateway/src/read-from.ts'
import { parseTimestamp } from '../../services/gateway/src/timestamps.ts'

const topicId = fc.uint8Array({ minLength: 16, maxLength: 16 })
const cursors = fc.record({
  topicId: topicId.map((bytes) => Buffer.from(bytes).toString('base64url')),
  allPartitions: fc.boolean(),
  filter: fc.nat(0xffff_ffff),
  positions: fc.array(
    fc.record({
      partition: fc.nat(0x7fff_ffff),
      offset: fc.oneof(fc.nat(200), fc.nat(2 ** 52)),
      leaderEpoch: fc.integer({ min: -1, max: 0x7fff_ffff }),
    }),
    { maxLength: 20 },
  ),
})

describe('cursor', () => {
  test('comes back as it went, in characters that a URL takes', () => {
    fc.assert(
      fc.property(cursors, (cursor) => {
        const text = encodeCursor(cursor)
        expect(text).toMatch(/^[\w-]+$/)
        expect(decodeCursor(text)).toEqual(cursor)
      }),
    )
  })

  test('one that was altered or cut is refused', () => {
    fc.assert(
      fc.property(cursors, fc.nat(), fc.nat(63), (cursor, place, with64) => {
        const text = encodeCursor(cursor)
        const at = place % text.length
        const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
        const altered = text.slice(0, at) + letters[with64] + text.slice(at + 1)
        const same = Buffer.from(altered, 'base64url').equals(Buffer.from(text, 'base64url'))
        if (!same) expect(decodeCursor(altered)).toBeUndefined()
        expect(decodeCursor(text.slice(0, at))).toBeUndefined()
      }),
    )
  })

  test('any text is taken or refused, never thrown on', () => {
    fc.assert(fc.property(fc.base64String(), (text) => void decodeCursor(text)))
    expect(decodeCursor('')).toBeUndefined()
    expect(decodeCursor('no cursor')).toBeUndefined()
  })

  test('one partition takes 40 characters', () => {
    const positions = [{ partition: 0, offset: 41, leaderEpoch: 0 }]
    const cursor = { topicId: 'AAAAAAAAAAAAAAAAAAAAAA', allPartitions: true, filter: 0, positions }
    expect(encodeCursor(cursor).length).toBe(40)
  })
})

describe('from', () => {
  test.each([
    ['earliest', { kind: 'earliest' }],
    ['latest', { kind: 'latest' }],
    ['offset:0', { kind: 'offset', offset: 0 }],
    ['offset:9007199254740991', { kind: 'offset', offset: Number.MAX_SAFE_INTEGER }],
    ['tail:10', { kind: 'tail', records: 10 }],
    ['ts:1767225600000', { kind: 'timestamp', timestampMs: 1767225600000 }],
    ['ts:2026-01-01T00:00:00Z', { kind: 'timestamp', timestampMs: 1767225600000 }],
  ])('%s', (text, expected) => {
    expect(parseReadFrom(text)).toEqual(expected)
  })

  test.each([
    '',
    'begin',
    'offset:',
    'offset:-1',
    'offset:1.5',
    'offset:9007199254740993',
    'tail:x',
  ])('%j is refused', (text) => {
    expect(parseReadFrom(text)).toBeUndefined()
  })
})

describe('timestamps', () => {
  test.each([
    ['2026-01-01T00:00:00Z', 1767225600000],
    ['2026-01-01t01:00:00.250+01:00', 1767225600250],
    // An unescaped '+' of a query.
    ['2026-01-01T01:00:00 01:00', 1767225600000],
    ['0', 0],
  ])('%s', (text, expected) => {
    expect(parseTimestamp(text)).toBe(expected)
  })

  test.each(['3 pm', '2026-01-01', '2026-01-01T00:00:00', '2026-13-01T00:00:00Z', '-1', ''])(
    '%j is refused',
    (text) => {
      expect(parseTimestamp(text)).toBeUndefined()
    },
  )
})
