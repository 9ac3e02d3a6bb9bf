import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  formatRecordHeaders,
  formatRecordKey,
  formatRecordPosition,
  parseRecordHeaders,
  parseRecordKey,
} from '../../services/gateway/src/record-headers.ts'
import { parseDictionary } from '../../services/gateway/src/structured-fields.ts'

function members(text: string) {
  const result = parseDictionary(text)
  if (!result.ok) return `${result.at}: ${result.message}`
  return result.members.map(({ name, value }) => [name, value?.toString('utf8') ?? null])
}

describe('structured fields', () => {
  test.each([
    ['', []],
    ['a=b', [['a', 'b']]],
    [
      'trace=abc/1:2, Size=42,  gone',
      [
        ['trace', 'abc/1:2'],
        ['Size', '42'],
        ['gone', null],
      ],
    ],
    ['note="two \\"words\\"\\\\"', [['note', 'two "words"\\']]],
    ['raw=:w7w=:', [['raw', 'ü']]],
    ['name=%"gr%c3%bc%c3%9fe"', [['name', 'grüße']]],
    [
      'a=1, a=2',
      [
        ['a', '1'],
        ['a', '2'],
      ],
    ],
    ['a="', '2: the string does not end'],
    ['a=:***:', '2: a byte sequence is :base64:'],
    ['a=%"%C3"', '2: the display string does not end'],
    ['a=', '2: a string, a token, a number or :base64: was expected'],
    ['a=b c=d', '3: a comma was expected'],
    ['a=b,', '4: a name was expected after the comma'],
    ['=b', '0: a name was expected'],
  ])('%j', (text, expected) => {
    expect(members(text)).toEqual(expected)
  })

  test('any headers come back as they went, those whose name no dictionary holds aside', () => {
    const name = fc.oneof(fc.constantFrom('a', 'Trace-Id', 'x_y.z'), fc.string())
    const value = fc.option(fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)))
    fc.assert(
      fc.property(fc.array(fc.record({ key: name, value })), (headers) => {
        const { text, omitted } = formatRecordHeaders(headers)
        const writable = headers.filter(({ key }) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(key))
        expect(omitted).toBe(headers.length - writable.length)
        expect(parseRecordHeaders(text)).toEqual({ ok: true, headers: writable })
      }),
    )
  })

  test('any text is taken or refused, never thrown on', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (text) => void parseDictionary(text)),
    )
  })
})

describe('record headers', () => {
  test('any key comes back as it went', () => {
    const key = fc.oneof(
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.constantFrom('', ' a', ':AQI=:', '::', 'a:', 'ключ').map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(key, (bytes) => {
        const text = formatRecordKey(bytes)
        expect(text).toMatch(/^[ -~]*$/)
        expect(text).toBe(text.trim())
        expect(parseRecordKey(text)).toEqual(bytes)
      }),
    )
  })

  test('a key sent as UTF-8 is taken as it was sent', () => {
    const asNodeSeesIt = Buffer.from('ключ').toString('latin1')
    expect(parseRecordKey(asNodeSeesIt).toString()).toBe('ключ')
  })

  test('positions', () => {
    expect(
      formatRecordPosition([
        { partition: 0, firstOffset: 41, lastOffset: 52 },
        { partition: 3, firstOffset: -1, lastOffset: -1 },
      ]),
    ).toBe('p=0;o=41..52, p=3')
  })
})
