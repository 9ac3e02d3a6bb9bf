// Compressed responses: negotiated, never where there is nothing to gain, and flushed event by event.

import { request } from 'node:http'
import { createGunzip, createZstdDecompress, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestGateway } from './test-gateway.ts'

/** A busy machine takes its time. */
const poll = <T>(read: () => T) => expect.poll(read, { timeout: 15_000 })

let gateway: TestGateway
const path = '/v1/topics/texts/records'

beforeAll(async () => {
  gateway = await TestGateway.start()
  const records = Array.from({ length: 200 }, (_, n) => ({ value: `line ${n} of many` }))
  await gateway.post(path, { records })
})

afterAll(() => gateway[Symbol.asyncDispose]())

describe('pages', () => {
  test.each([
    ['gzip', 'gzip', gunzipSync],
    ['gzip, deflate, br, zstd', 'zstd', zstdDecompressSync],
    ['zstd;q=0.5, gzip;q=0.8', 'gzip', gunzipSync],
    ['*', 'zstd', zstdDecompressSync],
  ])('Accept-Encoding: %s', async (accepted, encoding, decode) => {
    const plain = await gateway.get(path)
    const { headers, body } = await gateway.request('GET', path, {
      headers: { 'accept-encoding': accepted, accept: 'application/json' },
    })
    expect(headers).toMatchObject({ 'content-encoding': encoding, vary: 'accept-encoding' })
    expect(body.length).toBeLessThan(plain.body.length / 4)
    expect(decode(body).equals(plain.body)).toBe(true)
  })

  test.each(['br', 'identity', 'gzip;q=0', ''])('%s: as it is', async (accepted) => {
    const { headers, json } = await gateway.get(path, { 'accept-encoding': accepted })
    expect(headers['content-encoding']).toBeUndefined()
    expect(json.records).toHaveLength(200)
  })

  test('what is small, or bytes of any kind, stays as it is', async () => {
    const headers = { 'accept-encoding': 'gzip' }
    const small = await gateway.get('/healthz', headers)
    expect(small.headers['content-encoding']).toBeUndefined()
    const bytes = await gateway.get(`${path}?from=offset:0`, {
      ...headers,
      accept: 'application/octet-stream',
    })
    expect(bytes.text).toBe('line 0 of many')
    const reference = await gateway.request('GET', '/openapi.json', { headers })
    expect(JSON.parse(gunzipSync(reference.body).toString()).openapi).toBe('3.1.0')
  })
})

describe('streams', () => {
  test.each([
    ['gzip', createGunzip],
    ['zstd', createZstdDecompress],
  ])('%s: an event is there when it happens', async (encoding, decoder) => {
    const topic = `live-${encoding}`
    await gateway.createTopic(topic)
    const text = decoder()
    let seen = ''
    text.on('data', (chunk: Buffer) => {
      seen += chunk
    })
    const sent = request({
      port: gateway.port,
      path: `/v1/topics/${topic}/records`,
      headers: { accept: 'text/event-stream', 'accept-encoding': encoding },
    }).end()
    const closed = new Promise((resolve) => sent.on('close', resolve))
    sent.on('error', () => {})
    const response = await new Promise<import('node:http').IncomingMessage>((resolve) =>
      sent.on('response', resolve),
    )
    expect(response.headers['content-encoding']).toBe(encoding)
    response.on('error', () => {})
    response.on('data', (chunk: Buffer) => text.write(chunk))
    await poll(() => seen).toContain('caught-up')
    for (let n = 0; n < 5; n++) {
      await gateway.post(`/v1/topics/${topic}/records`, `event ${n}`)
      await poll(() => seen).toContain(`event ${n}`)
    }
    sent.destroy()
    await closed
  })
})

test('every response says the id of its request; a problem repeats it', async () => {
  const ids = new Set<unknown>()
  for (const each of ['/', '/v1/topics', path, '/nowhere', '/v1/topics/none']) {
    const { headers, json } = await gateway.get(each)
    expect(headers['request-id']).toMatch(/^[0-9a-f]{12}-[0-9a-z]+$/)
    if (json?.status >= 400) expect(json.request_id).toBe(headers['request-id'])
    ids.add(headers['request-id'])
  }
  expect(ids.size).toBe(5)
})
