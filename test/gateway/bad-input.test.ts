// Whatever comes over HTTP, it is answered by the caller's fault or done; never by ours, and the next
// request is served as ever.

import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestGateway } from './test-gateway.ts'

let gateway: TestGateway
const failures: string[] = []

beforeAll(async () => {
  const log = (fields: object, message: string) => failures.push(`${message} ${String(fields)}`)
  gateway = await TestGateway.start({
    // What is followed must come to an end, too.
    limits: { bodyBytesMax: 100_000, waitMsMax: 10, streamAgeMsMax: 20 },
    logger: { debug() {}, info() {}, warn() {}, error: log },
  })
  await gateway.createTopic('t', { partitions: 2 })
  await gateway.post('/v1/topics/t/records', 'x')
})

afterAll(async () => {
  expect(failures).toEqual([])
  await gateway[Symbol.asyncDispose]()
})

const segment = fc.oneof(
  fc.constantFrom('v1', 'topics', 't', 'records', 'partitions', '0', '1', '-1', 'offsets', 'none'),
  fc.webSegment(),
  fc.constantFrom('%', '%zz', '%00', '..', '', 'é'.normalize(), '__proto__', 'constructor'),
)
const path = fc
  .oneof(
    fc.array(segment, { maxLength: 7 }),
    fc.tuple(fc.constantFrom('v1'), fc.constant('topics'), segment, segment),
    fc.constantFrom(['v1', 'topics', 't', 'records'], ['v1', 'topics', 't'], ['v1', 'topics']),
  )
  .map((segments) => `/${segments.map((part) => part.replace(/[^\x21-\x7e]/g, '%C3')).join('/')}`)
const queryName = fc.constantFrom(
  ...[
    'from',
    'partition',
    'max_records',
    'max_bytes',
    'wait',
    'format',
    'key',
    'isolation',
    'clamp',
  ],
  ...['acks', 'values', 'limit', 'after', 'at', 'follow', '__proto__'],
)
const queryValue = fc.oneof(
  fc.constantFrom('earliest', 'latest', 'offset:0', 'offset:1', 'tail:1', 'ts:0', 'cursor:AAAA'),
  fc.constantFrom('true', '0', '1', '-1', '99999999999999999999', 'all', 'json', '0,1', '0,,1'),
  fc.string(),
)
const query = fc
  .array(fc.tuple(queryName, queryValue), { maxLength: 3 })
  .map((pairs) => pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&'))
const headerName = fc.constantFrom(
  ...['accept', 'content-type', 'content-encoding', 'prefer', 'record-key', 'record-header'],
  ...['record-timestamp', 'last-event-id', 'x-anything'],
)
const headerValue = fc.oneof(
  fc.constantFrom('application/json', 'text/plain', 'application/octet-stream', '*/*', 'gzip'),
  fc.constantFrom('return=minimal', ':AQ==:', 'a=b, c', ';q=', ',,', 'a="'),
  fc.string().map((text) => text.replace(/[^\x20-\x7e]/g, '')),
)
const body = fc.oneof(
  fc.constant(''),
  fc.json(),
  fc.jsonValue().map((value) => JSON.stringify({ records: [{ value }, value] })),
  fc.record({ name: fc.string(), partitions: fc.integer() }).map((topic) => JSON.stringify(topic)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
)

describe('bad input', () => {
  test('any request is answered, and not by a failure of ours', async () => {
    const method = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS')
    const headers = fc.dictionary(headerName, headerValue, { maxKeys: 3 })
    await fc.assert(
      fc.asyncProperty(
        fc.record({ method, path, query, headers, body }),
        async ({ method, path, query, headers, body }) => {
          const target = query === '' ? path : `${path}?${query}`
          // Node frames no body for the other methods.
          const sent = /^P/.test(method) ? body : undefined
          const answer = await gateway.request(method, target, { headers, body: sent })
          expect([method, target, answer.status]).not.toEqual([method, target, 500])
          if (answer.status >= 400 && method !== 'HEAD') {
            expect(answer.headers['content-type']).toBe('application/problem+json')
            expect(answer.json).toMatchObject({ status: answer.status, code: expect.any(String) })
          }
        },
      ),
      { numRuns: 600 },
    )
    expect((await gateway.get('/readyz')).status).toBe(200)
  })
})
