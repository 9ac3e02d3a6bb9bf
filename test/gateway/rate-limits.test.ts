// The brokers' quotas as HTTP has them: refusals that say how long, and streams that wait. The quotas here allow a
// byte a second, so that whatever is sent uses them up for longer than a test lasts.

import { fetchPartitions } from '@sluice/core/kafka-client/fetch'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Answer, TestGateway } from './test-gateway.ts'

let gateway: TestGateway
beforeEach(async () => {
  gateway = await TestGateway.start()
  await gateway.createTopic('orders')
})
afterEach(() => gateway[Symbol.asyncDispose]())

const path = '/v1/topics/orders/records'

async function limit(key: 'producer_byte_rate' | 'consumer_byte_rate'): Promise<void> {
  const entity = [{ entityType: 'client-id', entityName: 'gateway' }]
  const ops = [{ key, value: 1, remove: false }]
  const body = { entries: [{ entity, ops }], validateOnly: false }
  const { entries } = await gateway.client.request(apis.alterClientQuotas, 'controller', body)
  expect(entries[0].errorCode).toBe(errors.NONE)
}

/** Seconds that it says. */
function expectRefusal({ status, headers, json }: Answer, name: string): void {
  expect(status).toBe(429)
  expect(json).toMatchObject({
    code: 'throttled',
    kafka: { code: errors.THROTTLING_QUOTA_EXCEEDED },
    retriable: true,
    side_effects: 'none',
  })
  const seconds = Number(headers['retry-after'])
  expect(seconds).toBeGreaterThan(1)
  expect(headers['ratelimit']).toBe(`"${name}";r=0;t=${seconds}`)
}

describe('a quota on what is produced', () => {
  test('the request that uses it up is stored and says so; those behind it are refused', async () => {
    const before = await gateway.post(path, 'free')
    expect(before.status).toBe(200)
    expect(before.headers['ratelimit']).toBeUndefined()
    await limit('producer_byte_rate')
    const stored = await gateway.post(path, 'first')
    expect(stored.status).toBe(200)
    expect(stored.headers['ratelimit']).toMatch(/^"produce";r=0;t=[1-9]\d*$/)
    expectRefusal(await gateway.post(path, 'second'), 'produce')
    const keyed = { 'idempotency-key': 'k' }
    expectRefusal(await gateway.post(path, 'third', keyed), 'produce')
    const lines = { 'content-type': 'application/x-ndjson' }
    expectRefusal(await gateway.post(path, '{"value":1}\n', lines), 'produce')
    // Reads, and what is asked beside, go on.
    const page = await gateway.get(`${path}?from=earliest`)
    expect(page.json.records.map(({ value }: { value: string }) => value)).toEqual([
      'free',
      'first',
    ])
    expect((await gateway.get('/v1/topics')).status).toBe(200)
  })

  test('a conditional append says so too', async () => {
    await limit('producer_byte_rate')
    const stored = await gateway.post(path, 'first', { 'if-match': '"0"' })
    expect(stored.status).toBe(200)
    expect(stored.headers['ratelimit']).toMatch(/^"produce";r=0;t=/)
  })
})

describe('a quota on what is fetched', () => {
  beforeEach(async () => {
    await gateway.post(path, 'one')
    await limit('consumer_byte_rate')
  })

  test.each([
    'application/json',
    'application/octet-stream',
    'multipart/mixed',
    'application/vnd.kafka.recordbatch',
  ])('%s: refused, not taken for the end of the log', async (accept) => {
    expectRefusal(await gateway.get(`${path}?from=offset:0`, { accept }), 'fetch')
    expectRefusal(await gateway.get(`${path}?from=offset:0`, { accept }), 'fetch')
    expect((await gateway.post(path, 'two')).status).toBe(200)
  })

  test('a stream begins, and waits', async () => {
    const gone = new AbortController()
    const response = await fetch(gateway.url(`${path}?from=earliest`), {
      headers: { accept: 'text/event-stream' },
      signal: gone.signal,
    })
    expect(response.status).toBe(200)
    const reader = response.body?.getReader()
    const { value } = (await reader?.read()) ?? {}
    expect(Buffer.from(value ?? []).toString()).toBe('retry: 1000\n\n')
    gone.abort()
  })

  test('a client is told by name, and knows for how long', async () => {
    expect(gateway.client.throttledMs(apis.fetch)).toBe(0)
    const wanted = [{ topic: 'orders', partition: 0, offset: 0 }]
    const options = {
      isolation: 'read_uncommitted' as const,
      minBytes: 1,
      maxBytes: 1000,
      partitionMaxBytes: 1000,
      maxWaitMs: 0,
    }
    await expect(fetchPartitions(gateway.client, 1, wanted, options)).rejects.toMatchObject({
      code: errors.THROTTLING_QUOTA_EXCEEDED,
    })
    expect(gateway.client.throttledMs(apis.fetch)).toBeGreaterThan(1000)
    expect(gateway.client.throttledMs(apis.produce)).toBe(0)
  })
})
