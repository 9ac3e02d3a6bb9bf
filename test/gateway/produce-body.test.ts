import { describe, expect, test } from 'vitest'
import { type ProduceInput, parseProduceBody } from '../../services/gateway/src/produce-body.ts'
import { recordText } from '../../services/gateway/src/record-text.ts'

const limits = { recordsMax: 3, jsonDepthMax: 64 }
const raw: Omit<ProduceInput, 'body'> = {
  contentType: undefined,
  values: false,
  key: undefined,
  recordKey: undefined,
  recordTimestamp: undefined,
  recordHeader: undefined,
  nowMs: 1000,
}

function parse(body: string | Buffer, input: Partial<ProduceInput> = {}) {
  return parseProduceBody({ ...raw, ...input, body: Buffer.from(body) }, limits)
}

function json(body: unknown, input: Partial<ProduceInput> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return parse(text, { contentType: 'application/json', ...input })
}

function stored(result: ReturnType<typeof parse>) {
  if (!result.ok) throw new Error(JSON.stringify(result.problem))
  return result.value.records.map(({ key, value }) => [
    key && Buffer.from(key).toString(),
    value && Buffer.from(value).toString(),
  ])
}

function problem(result: ReturnType<typeof parse>) {
  if (result.ok) throw new Error('was taken')
  return result.problem
}

describe('raw records', () => {
  test.each([undefined, 'text/plain', 'application/x-www-form-urlencoded', 'image/png'])(
    'Content-Type %s: the body is the value, byte for byte',
    (contentType) => {
      const bytes = Buffer.from([0, 255, 10, 13, 128])
      const result = parse(bytes, { contentType })
      expect(result).toEqual({
        ok: true,
        value: { records: [{ key: null, value: bytes, timestamp: 1000 }] },
      })
    },
  )

  test('key, time and headers come in request headers', () => {
    const result = parse('v', {
      recordKey: 'k',
      recordTimestamp: '2026-01-01T00:00:00Z',
      recordHeader: 'a=b, c',
    })
    expect(result).toEqual({
      ok: true,
      value: {
        records: [
          {
            key: Buffer.from('k'),
            value: Buffer.from('v'),
            timestamp: 1767225600000,
            headers: [
              { key: 'a', value: Buffer.from('b') },
              { key: 'c', value: null },
            ],
          },
        ],
      },
    })
  })

  test('wrong ones are refused by name', () => {
    expect(problem(parse('v', { recordTimestamp: 'noon' })).detail).toContain('Record-Timestamp')
    expect(problem(parse('v', { recordHeader: 'a=b c' })).detail).toContain('Record-Header')
    expect(problem(parse('v', { recordKey: 'a', key: 'b' })).detail).toContain('twice')
  })
})

describe('JSON records', () => {
  test('strings are their bytes, null is null, all else its exact text', () => {
    const text = `{"records":[
      {"key":"k","value":"v"},
      {"key":{"id": 1.0},"value":{"big": 12345678901234567890, "a":1.0}},
      {"key_b64":"AA==","value":null}]}`
    expect(stored(json(text))).toEqual([
      ['k', 'v'],
      ['{"id": 1.0}', '{"big": 12345678901234567890, "a":1.0}'],
      ['\0', null],
    ])
  })

  test('bare values', () => {
    const values = { values: true }
    expect(stored(json('[1.50, "a", null]', values))).toEqual([
      [null, '1.50'],
      [null, 'a'],
      [null, null],
    ])
    expect(stored(json(' {"a": 1.0} ', values))).toEqual([[null, '{"a": 1.0}']])
    expect(stored(json('"text"', values))).toEqual([[null, 'text']])
  })

  test('headers, partition, time, id', () => {
    const result = json({
      records: [
        {
          value: 'v',
          headers: [
            ['a', 'b'],
            ['c', null],
            ['d', { b64: '/w==' }],
          ],
          partition: 2,
          timestamp: '2026-01-01T00:00:00Z',
          id: 'one',
        },
        { value_b64: '' },
      ],
    })
    expect(result).toEqual({
      ok: true,
      value: {
        ids: ['one', undefined],
        records: [
          {
            key: null,
            value: Buffer.from('v'),
            partition: 2,
            timestamp: 1767225600000,
            headers: [
              { key: 'a', value: Buffer.from('b') },
              { key: 'c', value: null },
              { key: 'd', value: Buffer.from([255]) },
            ],
          },
          {
            key: null,
            value: Buffer.alloc(0),
            partition: undefined,
            timestamp: 1000,
            headers: undefined,
          },
        ],
      },
    })
  })

  test('what is wrong is named by index and place', () => {
    const wrong = { records: [{ value: 1 }, { vlaue: 2 }, { value: 1, timestamp: 'noon' }] }
    expect(problem(json(wrong))).toMatchObject({
      code: 'invalid_record',
      errors: [{ index: 1, pointer: '/records/1', code: 'unrecognized_keys' }],
    })
    expect(problem(json({ records: [{ value: 1 }, {}] }))).toMatchObject({
      errors: [{ index: 1, pointer: '/records/1/value', code: 'invalid_record' }],
    })
    expect(problem(json({ records: [{ value: 1, value_b64: '' }] })).errors?.length).toBe(1)
    expect(problem(json({ records: [{ value_b64: '*' }] })).errors?.[0].index).toBe(0)
  })

  test.each([
    ['{"records":[{"value":}]}', 'malformed_json'],
    [Buffer.from([0x7b, 0xff]).toString('latin1'), 'malformed_json'],
    ['['.repeat(65) + ']'.repeat(65), 'json_too_deep'],
    ['{"records":[]}', 'invalid_request'],
    ['[]', 'invalid_record'],
    ['null', 'invalid_record'],
    ['{"records":[{"value":1},{"value":1},{"value":1},{"value":1}]}', 'too_many_records'],
  ])('%s: %s', (text, code) => {
    expect(problem(json(text)).code).toBe(code)
  })

  test('malformed JSON tells its place', () => {
    expect(problem(json('{"records":[\n{"value":}]}'))).toMatchObject({
      detail: 'expected a value but found "}" at line 2, column 10',
      members: { position: 22, line: 2, column: 10 },
    })
  })
})

describe('records as JSON text', () => {
  const base = { offset: 4, timestamp: 5, key: null, headers: [] }
  const value = (bytes: Buffer | null, format: 'auto' | 'json' | 'string' | 'base64') =>
    recordText(1, { ...base, value: bytes }, format).replace(/^.*"key":null,|,"headers.*$/g, '')

  test('the whole line', () => {
    const record = {
      offset: 4,
      timestamp: 5,
      key: Buffer.from('k'),
      value: Buffer.from('{"a": 1.0}'),
      headers: [
        { key: 'h', value: Buffer.from('x') },
        { key: 'i', value: Buffer.from([255]) },
        { key: 'j', value: null },
      ],
    }
    expect(recordText(1, record, 'auto')).toBe(
      '{"partition":1,"offset":4,"timestamp":5,"key":"k","value":{"a": 1.0},' +
        '"headers":[["h","x"],["i",{"b64":"/w=="}],["j",null]]}',
    )
  })

  test.each([
    ['12345678901234567890', '"value":12345678901234567890', '"value":12345678901234567890'],
    ['{"a":\n1}', '"value":{"a": 1}', '"value":{"a": 1}'],
    ['plain "text"', '"value":"plain \\"text\\""', '"value_b64":"cGxhaW4gInRleHQi"'],
    ['null', '"value":"null"', '"value_b64":"bnVsbA=="'],
    ['', '"value":""', '"value_b64":""'],
    ['[1', '"value":"[1"', '"value_b64":"WzE="'],
  ])('%j', (text, auto, asJson) => {
    expect(value(Buffer.from(text), 'auto')).toBe(auto)
    expect(value(Buffer.from(text), 'json')).toBe(asJson)
    expect(value(Buffer.from(text), 'string')).toBe(`"value":${JSON.stringify(text)}`)
    const encoded = Buffer.from(text).toString('base64')
    expect(value(Buffer.from(text), 'base64')).toBe(`"value_b64":"${encoded}"`)
  })

  test('bytes that are no text, and null', () => {
    for (const format of ['auto', 'json', 'string', 'base64'] as const) {
      expect(value(Buffer.from([255]), format)).toBe('"value_b64":"/w=="')
      expect(value(null, format)).toBe('"value":null')
    }
  })
})
