// Records taken straight out of a body (plain-records.ts) beside those that are parsed and held to the schema:
// whatever is taken is taken with the same result, and the usual form is taken.

import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { unescapeJson } from '../../services/gateway/src/json-unescape.ts'
import { plainRecord, plainRecords, plainValues } from '../../services/gateway/src/plain-records.ts'
import { parseAnyJsonRecords } from '../../services/gateway/src/produce-body.ts'
import { parseAnyRecordLine } from '../../services/gateway/src/record-lines.ts'

const limits = { recordsMax: 5, jsonDepthMax: 8 }
const nowMs = 1000

/** As if at any place in memory: words are read there. */
function bytesOf(text: string | Buffer, shift = 0): Buffer {
  const bytes = Buffer.from(text)
  const whole = Buffer.alloc(bytes.length + shift + 3, 0x07)
  whole.set(bytes, shift)
  return whole.subarray(shift, shift + bytes.length)
}

function taken(text: string | Buffer, shift = 0) {
  return plainRecords(bytesOf(text, shift), { ...limits, nowMs })
}

function parsed(text: string | Buffer, values = false) {
  const result = parseAnyJsonRecords({ body: Buffer.from(text), values, nowMs }, limits)
  return result.ok ? result.value : undefined
}

/** Headers' names as they go out: half a surrogate pair is U+FFFD there. */
function stored(body: ReturnType<typeof parsed>) {
  return body && { records: body.records.map(plainOf), ids: body.ids }
}

function plainOf({ headers, key, value, timestamp, partition }: Stored) {
  const hex = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString('hex')
  const named = headers?.map((header) => [hex(Buffer.from(header.key)), hex(header.value)])
  return { key: hex(key), value: hex(value), headers: named, timestamp, partition }
}

type Stored = NonNullable<ReturnType<typeof parsed>>['records'][number]

const strings = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ maxLength: 60 }),
  fc.constantFrom('\\', '"', '\n', '\u0000', '\ud800', '\ude00\ud83d', '😀', '', 'é'.repeat(40)),
)
const values = fc.oneof(strings, fc.jsonValue({ maxDepth: 3 }), fc.constant(null))
/** Names and ids with escapes are unusual. */
const names = fc.stringMatching(/^[^"\\\p{C}]{0,9}$/u)
const usual = fc.record(
  {
    key: values,
    value: values,
    partition: fc.nat(),
    timestamp: fc.nat(),
    id: names,
    headers: fc.array(fc.tuple(names, strings), { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ['value'] },
)
const odd = fc.oneof(
  { arbitrary: usual, weight: 12 },
  fc.record({ value_b64: fc.base64String() }),
  fc.record({
    value: values,
    timestamp: fc.oneof(fc.double(), fc.constant('2026-01-01T00:00:00Z')),
  }),
  fc.record({
    value: values,
    partition: fc.oneof(fc.integer(), fc.double(), fc.constant(2 ** 31)),
  }),
  fc.record({ value: values, id: fc.string({ maxLength: 300, unit: 'binary' }) }),
  fc.dictionary(fc.constantFrom('key', 'value', 'valu', 'values', '__proto__'), values),
)
const indents = fc.constantFrom(undefined, 1, '\t', ' \r\n')

/** Text as others write it: escapes where none are needed, of letters that are in none themselves. */
function escapeSome(text: string): string {
  return text.replace(/[g-m]/g, (letter) => {
    const code = letter.charCodeAt(0).toString(16)
    return `\\u00${letter > 'i' ? code.toUpperCase() : code}`
  })
}

/** A few bytes changed, left out or put in. */
const mutations = fc.array(
  fc.record({
    at: fc.nat(),
    kind: fc.constantFrom('change', 'drop', 'insert'),
    byte: fc.oneof(fc.constantFrom(...Buffer.from('{}[]",:\\u0eE+-. \n\t1tfn\u0001')), fc.nat(255)),
  }),
  { minLength: 1, maxLength: 3 },
)

function mutate(text: string, changes: typeof mutations extends fc.Arbitrary<infer T> ? T : never) {
  const bytes = [...Buffer.from(text)]
  for (const { at, kind, byte } of changes) {
    const place = at % bytes.length
    if (kind === 'change') bytes[place] = byte
    else bytes.splice(place, kind === 'drop' ? 1 : 0, ...(kind === 'drop' ? [] : [byte]))
    if (bytes.length === 0) bytes.push(byte)
  }
  return Buffer.from(bytes)
}

describe('records of a body', () => {
  test('the usual form is taken as it would be parsed', () => {
    const bodies = fc.array(usual, { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(bodies, indents, fc.nat(3), (records, indent, shift) => {
        const text = JSON.stringify({ records }, undefined, indent)
        expect(stored(taken(text, shift))).toEqual(stored(parsed(text)))
      }),
    )
  })

  test('the usual form is really taken', () => {
    const text = `{"records":[
      {"key":"k","value":"${'long '.repeat(20)}"},
      {"value":{"a":[1.0,-2e5,true,false,null,"x\\n"]},"partition":3,"timestamp":5,"id":"i"},
      {"value":null,"headers":[["a","b"]]}]}`
    expect(taken(text)?.records.length).toBe(3)
    expect(taken(text)?.ids).toEqual([undefined, 'i', undefined])
    expect(stored(taken(text))).toEqual(stored(parsed(text)))
  })

  test('values are views on the body', () => {
    const body = Buffer.from('{"records":[{"key":"k","value":"v"}]}')
    const [record] = plainRecords(body, { ...limits, nowMs })?.records ?? []
    expect(record.value?.buffer).toBe(body.buffer)
    expect(record.key?.byteOffset).toBe(body.byteOffset + body.indexOf('"k"') + 1)
  })

  test('whatever is taken of an odd or broken body would be parsed with the same result', () => {
    const bodies = fc.array(odd, { maxLength: 3 })
    let count = 0
    fc.assert(
      fc.property(bodies, indents, mutations, fc.nat(3), (records, indent, changes, shift) => {
        const text = JSON.stringify({ records }, undefined, indent)
        for (const body of [text, escapeSome(text), mutate(text, changes)]) {
          const result = taken(body, shift)
          if (result === undefined) continue
          count += 1
          expect(stored(result)).toEqual(stored(parsed(body)))
        }
      }),
      { numRuns: 500 },
    )
    expect(count).toBeGreaterThan(20)
  })

  test.each([
    '',
    '{',
    '[]',
    '{"records":[]}',
    '{"records":[{}]}',
    '{"records":[{"key":"k"}]}',
    '{"records":[{"value":1}],"more":1}',
    '{"records":[{"value":1}]} x',
    '{"records":[{"value":1,"value":2}]}',
    '{"records":[{"value":1,"__proto__":2}]}',
    '{"records":[{"value":01}]}',
    '{"records":[{"value":1.}]}',
    '{"records":[{"value":-}]}',
    '{"records":[{"value":1e}]}',
    '{"records":[{"value":.5}]}',
    '{"records":[{"value":tru}]}',
    '{"records":[{"value":nullx}]}',
    '{"records":[{"value":"\\x"}]}',
    '{"records":[{"value":"\\u12g4"}]}',
    '{"records":[{"value":"tab\there"}]}',
    `{"records":[{"value":"${'x'.repeat(40)}\n"}]}`,
    `{"records":[{"value":"${'x'.repeat(40)}\\x"}]}`,
    `{"records":[{"value":"${'x'.repeat(40)}`,
    '{"records":[{"value":"',
    '{"records":[{"value":1,}]}',
    '{"records":[{"value":[1,]}]}',
    '{"records":[{"value":{"a"}}]}',
    `{"records":[{"value":${'['.repeat(6)}${']'.repeat(6)}}]}`,
    `{"records":[${'{"value":1},'.repeat(5)}{"value":1}]}`,
    '{"records":[{"value":1,"partition":2147483648}]}',
    '{"records":[{"value":1,"partition":-1}]}',
    '{"records":[{"value":1,"partition":"1"}]}',
    '{"records":[{"value":1,"timestamp":1.5}]}',
    '{"records":[{"value":1,"headers":[["a"]]}]}',
    `{"records":[{"value":1,"id":"${'x'.repeat(256)}"}]}`,
  ])('%s is left to those who say what is wrong', (text) => {
    expect(taken(text)).toBeUndefined()
    expect(parsed(text)?.records.length ?? 0).toBeLessThanOrEqual(1)
  })

  test('what is not UTF-8 is no JSON', () => {
    expect(taken(Buffer.from([...Buffer.from('{"records":[{"value":"'), 0xff, 0x22, 0x7d]))).toBe(
      undefined,
    )
  })

  test('nesting counts from the body on', () => {
    const text = (depth: number) =>
      `{"records":[{"value":${'['.repeat(depth)}${']'.repeat(depth)}}]}`
    expect(taken(text(5))).toBeDefined()
    expect(parsed(text(5))).toBeDefined()
    expect(taken(text(6))).toBeUndefined()
    expect(parsed(text(6))).toBeUndefined()
  })
})

describe('bare values and lines', () => {
  test('values', () => {
    fc.assert(
      fc.property(fc.array(values, { minLength: 1, maxLength: 5 }), indents, (list, indent) => {
        const text = JSON.stringify(list, undefined, indent)
        const result = plainValues(bytesOf(text), { ...limits, nowMs })
        expect(result).toBeDefined()
        expect(stored(result)).toEqual(stored(parsed(text, true)))
      }),
    )
    for (const text of ['[]', '[1', '[1]]', '{"a":1}', '[1,2,3,4,5,6]']) {
      expect(plainValues(bytesOf(text), { ...limits, nowMs })).toBeUndefined()
    }
  })

  test('lines', () => {
    fc.assert(
      fc.property(odd, mutations, (record, changes) => {
        const text = JSON.stringify(record)
        for (const line of [Buffer.from(text), mutate(text, changes)]) {
          if (!isUtf8(line)) continue
          const options = { values: false, nowMs, jsonDepthMax: 8 }
          const any = parseAnyRecordLine(line, options)
          const plain = plainRecord(line, options)
          if (plain === undefined) continue
          if (!any.ok) throw new Error(`${line}: ${any.flaw.detail}`)
          expect(plain.id).toBe(any.id)
          expect(plainOf(plain.record)).toEqual(plainOf(any.record))
        }
      }),
    )
    const line = Buffer.from(' {"key":"k","value":[1, 2]} ')
    const plain = plainRecord(line, { nowMs, jsonDepthMax: 8 })
    expect(plain?.record.value?.toString()).toBe('[1, 2]')
  })
})

test('a string with escapes is unescaped as JSON.parse does it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), strings, (one, other) => {
      const text = escapeSome(JSON.stringify(one + other))
      const inside = Buffer.from(text).subarray(1, -1)
      expect(unescapeJson(inside).equals(Buffer.from(JSON.parse(text) as string))).toBe(true)
    }),
  )
  const escapes =
    '\\u0041\\u00e9\\u20AC\\ud83d\\ude00\\ud83dx\\ude00\\ud83d\\u0041\\"\\\\\\/\\b\\f\\n\\r\\t'
  const expected = Buffer.from(JSON.parse(`"${escapes}"`) as string)
  expect(unescapeJson(Buffer.from(escapes)).equals(expected)).toBe(true)
})
