import { parseProperties } from '@sluice/core/config/properties'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

function pairs(text: string): [string, string][] {
  const parsed = parseProperties(text, 'server.properties')
  if (!parsed.ok) throw new Error(parsed.errors[0].message)
  return parsed.entries.map(({ name, value }) => [name, value])
}

describe('parseProperties', () => {
  test.each([
    ['a=b', [['a', 'b']]],
    ['a = b', [['a', 'b']]],
    ['a:b', [['a', 'b']]],
    ['a b', [['a', 'b']]],
    ['a', [['a', '']]],
    ['  a   =   b c  ', [['a', 'b c  ']]],
    ['# a=b\n! c=d\n\n   # e=f', []],
    ['a=b # not a comment', [['a', 'b # not a comment']]],
    [
      'a=1,\\\n   2,\\\n   3\nb=4',
      [
        ['a', '1,2,3'],
        ['b', '4'],
      ],
    ],
    [
      'a=ends in a backslash\\\\\nb=c',
      [
        ['a', 'ends in a backslash\\'],
        ['b', 'c'],
      ],
    ],
    ['a\\ b=c', [['a b', 'c']]],
    ['a\\=b=c', [['a=b', 'c']]],
    ['a=\\t\\n\\u00e9\\x', [['a', '\t\n\u00e9x']]],
    ['a==b', [['a', '=b']]],
    [
      'a=b\r\nc=d\re=f',
      [
        ['a', 'b'],
        ['c', 'd'],
        ['e', 'f'],
      ],
    ],
    ['\uFEFFa=b', [['a', 'b']]],
    ['a=the end\\', [['a', 'the end']]],
    ['# a comment does not go on \\\na=b', [['a', 'b']]],
  ])('%j', (text, expected) => {
    expect(pairs(text)).toEqual(expected)
  })

  test('says on which line an entry stands, continuation lines counted', () => {
    const parsed = parseProperties('# one\na=1,\\\n 2\n\nb=3\n', 'server.properties')
    expect(parsed).toEqual({
      ok: true,
      entries: [
        { name: 'a', value: '1,2', origin: 'server.properties:2' },
        { name: 'b', value: '3', origin: 'server.properties:5' },
      ],
    })
  })

  test('a malformed unicode escape is an error with its line', () => {
    const parsed = parseProperties('a=1\nb=\\u12', 'server.properties')
    expect(parsed).toMatchObject({ ok: false, errors: [{ origin: 'server.properties:2' }] })
  })

  test('any name and value written with escapes come back', () => {
    const escaped = (text: string) =>
      [...text].map((unit) => unit.replace(/[\\=:#! \t\f\n\r]/, hexEscape)).join('')
    const anything = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(anything, anything, (name, value) => {
        expect(pairs(`${escaped(name)}=${escaped(value)}`)).toEqual([[name, value]])
      }),
      { numRuns: 200 },
    )
  })
})

function hexEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
