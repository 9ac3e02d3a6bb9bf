import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findJsonError } from '../../services/gateway/src/json-error.ts'
import {
  elementSlices,
  memberSlice,
  nestsDeeperThan,
} from '../../services/gateway/src/json-scan.ts'

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

describe('JSON scan', () => {
  test('depth is what a parser would find, brackets in strings aside', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const depth = depthOf(JSON.parse(text))
        expect(nestsDeeperThan(text, depth)).toBe(false)
        if (depth > 0) expect(nestsDeeperThan(text, depth - 1)).toBe(true)
      }),
    )
    expect(nestsDeeperThan('"[[[[\\"[["', 0)).toBe(false)
  })

  test('a megabyte of brackets is found out without parsing it', () => {
    expect(nestsDeeperThan('['.repeat(1 << 20), 64)).toBe(true)
  })

  test('slices of a record are its exact text, whatever the spacing', () => {
    const number = '12345678901234567890.10'
    const text = ` { "records" : [ {"value" : ${number} , "key":"a" } ,\n {"value":{"a":[1 , "}"]}} ] } `
    const records = memberSlice(text, 0, 'records')!
    const values = elementSlices(text, records.start).map(({ start }) => {
      const slice = memberSlice(text, start, 'value')!
      return text.slice(slice.start, slice.end)
    })
    expect(values).toEqual([number, '{"a":[1 , "}"]}'])
  })

  test('the last of repeated members counts, as with JSON.parse', () => {
    const text = '{"value":1,"v\\u0061lue":2}'
    const slice = memberSlice(text, 0, 'value')!
    expect(text.slice(slice.start, slice.end)).toBe('2')
  })

  test('elements and members of any JSON parse to what JSON.parse gives', () => {
    const key = fc.string({ minLength: 1 }).filter((name) => name !== '__proto__')
    fc.assert(
      fc.property(fc.array(fc.dictionary(key, fc.jsonValue())), fc.nat(3), (objects, indent) => {
        const text = JSON.stringify(objects, null, indent)
        const elements = elementSlices(text, 0)
        expect(elements.length).toBe(objects.length)
        elements.forEach(({ start, end }, index) => {
          expect(JSON.parse(text.slice(start, end))).toEqual(
            JSON.parse(JSON.stringify(objects[index])),
          )
          for (const name of Object.keys(objects[index])) {
            const member = memberSlice(text, start, name)!
            const value: unknown = JSON.parse(text.slice(member.start, member.end))
            expect(value).toEqual(JSON.parse(JSON.stringify(objects[index][name])))
          }
        })
      }),
    )
  })
})

describe('JSON error', () => {
  test.each([
    ['', 0, 'a value'],
    ['{', 1, 'a property name in double quotes'],
    ['[1,]', 3, 'a value'],
    ['{"a":}', 5, 'a value'],
    ['{"a" 1}', 5, "':'"],
    ['nope', 0, 'a value'],
    ['{"a":1}x', 7, 'the end of the text'],
    ['"abc', 4, 'the rest of a string'],
    ['"a\\x"', 2, 'an escape such as \\n or \\u0041'],
    ['[1 2]', 3, "',' or ']'"],
    ['{"a":1 "b":2}', 7, "',' or '}'"],
    ['01', 1, 'the end of the text'],
  ])('%j goes wrong at %i: %s', (text, position, expected) => {
    expect(() => JSON.parse(text)).toThrow()
    expect(findJsonError(text)).toEqual({ position, expected })
  })

  test('agrees with JSON.parse on what is JSON', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 2 }), (json, at, patch) => {
        const text = json.slice(0, at % (json.length + 1)) + patch
        let valid = true
        try {
          JSON.parse(text)
        } catch {
          valid = false
        }
        const { position, expected } = findJsonError(text)
        expect(expected === 'valid JSON').toBe(valid)
        expect(position).toBeLessThanOrEqual(text.length)
      }),
      { numRuns: 500 },
    )
  })
})
