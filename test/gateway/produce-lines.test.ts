// application/x-ndjson in: streamed, acknowledged line by line, bounded.

import { request as httpRequest, type IncomingMessage } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestGateway } from './test-gateway.ts'

let gateway: TestGateway
const limits = { bodyBytesMax: 64 * 1024, recordsMax: 50 }

beforeAll(async () => {
  gateway = await TestGateway.start({ limits })
})

afterAll(() => gateway[Symbol.asyncDispose]())

const type = { 'content-type': 'application/x-ndjson' }
const duplex = { ...type, accept: 'application/x-ndjson' }
const pathOf = (topic: string) => `/v1/topics/${topic}/records`

async function values(topic: string): Promise<unknown[]> {
  const { records } = (await gateway.get(`${pathOf(topic)}?format=string&max_records=1000`)).json
  return records.map(({ value }: { value: unknown }) => value)
}

const linesOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

/** A request whose body is written bit by bit, and its acknowledgements as they come. */
function open(topic: string, headers: Record<string, string> = duplex) {
  const sent = httpRequest({
    host: '127.0.0.1',
    port: gateway.port,
    method: 'POST',
    path: pathOf(topic),
    headers,
    agent: false,
  })
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    sent.on('response', resolve).on('error', reject)
  })
  response.catch(() => {})
  const lines = (async function* () {
    let text = ''
    for await (const chunk of await response) {
      text += chunk
      const parts = text.split('\n')
      text = parts.pop() ?? ''
      for (const part of parts) yield JSON.parse(part)
    }
  })()
  return { sent, response, lines }
}

describe('acknowledged line by line', () => {
  test('while the body is still being sent', async () => {
    await gateway.createTopic('talk')
    const { sent, lines, response } = open('talk')
    for (let n = 0; n < 5; n++) {
      sent.write(`{"value":"v${n}","id":"${n}"}\n`)
      const { value } = await lines.next()
      expect(value).toMatchObject({ partition: 0, offset: n, id: String(n) })
    }
    expect((await response).headers['content-type']).toBe('application/x-ndjson')
    sent.end('{"value":"last"}')
    expect((await lines.next()).value).toMatchObject({ offset: 5 })
    expect((await lines.next()).done).toBe(true)
    expect(await values('talk')).toEqual(['v0', 'v1', 'v2', 'v3', 'v4', 'last'])
  })

  test('in order, with errors in their places', async () => {
    await gateway.createTopic('errors', { configs: { 'max.message.bytes': '2000' } })
    const body = [
      '{"value":1}',
      'no json',
      '',
      '{"valu":1}',
      `{"value":"${'x'.repeat(3000)}"}`,
      `{"value":"${'x'.repeat(limits.bodyBytesMax)}"}`,
      '{"value":"\u00fc","partition":7}',
      '{"key":"k","value_b64":"AP8=","headers":[["a","b"]],"timestamp":"2026-01-01T00:00:00Z"}\r',
    ].join('\n')
    const answer = await gateway.post(pathOf('errors'), body, duplex)
    expect(answer.status).toBe(200)
    expect(linesOf(answer.text)).toMatchObject([
      { partition: 0, offset: 0 },
      { error: { code: 'malformed_json', status: 400 } },
      { error: { code: 'invalid_record' } },
      { error: { code: 'record_too_large', status: 413 } },
      { error: { code: 'record_too_large' } },
      { error: { code: 'partition_not_found' } },
      { partition: 0, offset: 1, timestamp: 1767225600000 },
    ])
  })

  test('many more than a request of another type may hold, compressed', async () => {
    await gateway.createTopic('many', { partitions: 2 })
    const count = 20_000
    const body = Array.from({ length: count }, (_, n) => `{"key":"k${n % 7}","value":${n}}\n`).join(
      '',
    )
    const headers = { ...duplex, 'content-encoding': 'gzip' }
    const acks = linesOf((await gateway.post(pathOf('many'), gzipSync(body), headers)).text)
    expect(acks).toHaveLength(count)
    const next = [0, 0]
    for (const { partition, offset } of acks) expect(offset).toBe(next[partition]++)
  })

  test('a body that breaks off: what came whole is stored, the rest is not', async () => {
    await gateway.createTopic('broken')
    const { sent, lines } = open('broken')
    sent.write('{"value":"whole"}\n{"value":"ha')
    expect((await lines.next()).value).toMatchObject({ offset: 0 })
    sent.destroy()
    await lines.next().catch(() => {})
    expect(await values('broken')).toEqual(['whole'])
    const gzip = { ...duplex, 'content-encoding': 'gzip' }
    const cut = gzipSync('{"value":"a"}\n').subarray(0, -4)
    const [last] = linesOf((await gateway.post(pathOf('broken'), cut, gzip)).text).slice(-1)
    expect(last).toMatchObject({ error: { code: 'malformed_request', status: 400 } })
  })

  test('a client that takes no acknowledgements is not read from for ever', async () => {
    await gateway.createTopic('deaf')
    const { sent, response } = open('deaf')
    const line = Buffer.from(`{"value":"${'x'.repeat(1000)}"}\n`)
    const piece = Buffer.concat(Array.from({ length: 500 }, () => line))
    sent.write(piece)
    ;(await response).pause()
    let written = piece.length
    const full = () => sent.writableLength > 8 * 1024 * 1024
    while (!full() && written < 512 * 1024 * 1024) {
      sent.write(piece)
      written += piece.length
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(full()).toBe(true)
    sent.destroy()
  })
})

describe('one answer about all', () => {
  test('with a result a line', async () => {
    const answer = await gateway.post(pathOf('sum'), '{"value":1}\n{"value":2,"id":"b"}\n', type)
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({
      results: [
        { partition: 0, offset: 0 },
        { partition: 0, offset: 1, id: 'b' },
      ],
      stored: 2,
      failed: 0,
      positions: [{ partition: 0, first_offset: 0, last_offset: 1, count: 2 }],
      ack: 'durable',
    })
  })

  test('207 when mixed, a problem when nothing is stored', async () => {
    const mixed = await gateway.post(pathOf('mixed-lines'), '{"value":1}\nx\n', type)
    expect(mixed.status).toBe(207)
    expect(mixed.json).toMatchObject({ stored: 1, failed: 1, side_effects: 'partial' })
    expect(mixed.json.results[1].error.code).toBe('malformed_json')
    const none = await gateway.post(pathOf('mixed-lines'), 'x\ny\n', type)
    expect(none.json).toMatchObject({ status: 400, code: 'malformed_json', side_effects: 'none' })
    expect(none.json.errors).toMatchObject([{ index: 0 }, { index: 1 }])
    expect((await gateway.post(pathOf('mixed-lines'), '\n\n', type)).status).toBe(422)
    const strange = await gateway.post(pathOf('mixed-lines'), '{}', {
      ...type,
      accept: 'image/png',
    })
    expect(strange.status).toBe(406)
  })

  test('of a long body it says how many and where, not each', async () => {
    await gateway.createTopic('long')
    const body = Array.from({ length: 200 }, (_, n) => `${n}\n`).join('')
    const answer = await gateway.post(`${pathOf('long')}?values=true`, body, type)
    expect(answer.json).toMatchObject({
      stored: 200,
      positions: [{ first_offset: 0, last_offset: 199, count: 200 }],
    })
    expect(answer.json.results).toBeUndefined()
    expect((await values('long'))[7]).toBe('7')
  })

  test('once only, under a key: then it is read as a whole, and all its lines must be right', async () => {
    await gateway.createTopic('once-lines')
    const headers = { ...type, 'idempotency-key': 'k' }
    const body = '{"value":"a"}\n{"value":"b","id":"2"}\n'
    const first = await gateway.post(pathOf('once-lines'), body, headers)
    expect(first.json.results).toMatchObject([{ offset: 0 }, { offset: 1, id: '2' }])
    const again = await gateway.post(pathOf('once-lines'), body, headers)
    expect(again.json).toEqual(first.json)
    expect(again.headers['idempotency-replayed']).toBe('true')
    const wrong = { ...type, 'idempotency-key': 'l' }
    const refused = await gateway.post(pathOf('once-lines'), '{"value":1}\nx\n', wrong)
    expect(refused.json).toMatchObject({ status: 422, errors: [{ index: 1 }] })
    expect(await values('once-lines')).toEqual(['a', 'b'])
  })
})
