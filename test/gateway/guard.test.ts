import { describe, expect, test } from 'vitest'
import { createGuard } from '../../services/gateway/src/guard.ts'
import { mediaTypeOf, negotiate } from '../../services/gateway/src/media-types.ts'

const guard = createGuard(['broker.example', '10.0.0.7', '::2'])

describe('guard', () => {
  test.each([
    'localhost:9092',
    'LOCALHOST',
    'app.localhost:9092',
    '127.0.0.1:9092',
    '127.1.2.3',
    '[::1]:9092',
    'broker.example',
    'Broker.Example.:80',
    '10.0.0.7:9092',
    '[::2]:9092',
  ])('Host %s is ours', (host) => {
    expect(guard.check(host, undefined)).toBeUndefined()
  })

  test.each([
    'evil.example',
    'localhost.evil.example:9092',
    '127.0.0.1.evil.example',
    '10.0.0.8',
    '[::3]',
    '',
    undefined,
  ])('Host %s is refused', (host) => {
    expect(guard.check(host, undefined)?.code).toBe('unknown_host')
  })

  test('any host, when told so', () => {
    expect(createGuard(['*']).check('anything', null)).toBeUndefined()
  })

  test('a page of ours may, a foreign one may not', () => {
    expect(guard.check('localhost:9092', 'http://localhost:9092')).toBeUndefined()
    expect(guard.check('broker.example', 'https://broker.example')).toBeUndefined()
    for (const origin of [
      'http://localhost:3000',
      'https://evil.example',
      'null',
      'localhost:9092',
    ]) {
      expect(guard.check('localhost:9092', origin)?.code).toBe('foreign_origin')
    }
  })
})

describe('media types', () => {
  const offered = ['application/json', 'text/plain', 'text/event-stream'] as const

  test.each([
    [undefined, 'application/json'],
    ['*/*', 'application/json'],
    ['text/event-stream', 'text/event-stream'],
    ['Text/Plain; charset=utf-8', 'text/plain'],
    ['text/*', 'text/plain'],
    ['text/plain;q=0.2, text/event-stream;q=0.9', 'text/event-stream'],
    ['text/plain;q=0, text/*', 'text/event-stream'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'application/json'],
    ['application/xml', undefined],
    ['application/json;q=0', undefined],
  ])('Accept %j gets %s', (accept, expected) => {
    expect(negotiate(accept, offered)).toBe(expected)
  })

  test('a content type without its parameters', () => {
    expect(mediaTypeOf(' Application/JSON ; charset=utf-8')).toBe('application/json')
    expect(mediaTypeOf(undefined)).toBe('')
  })
})
