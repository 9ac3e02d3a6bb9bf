// The forms in which records are read besides the JSON page: NDJSON, multipart, raw batches, filters, and
// where a client says by other means than `from` where it was.

import { request as httpRequest } from 'node:http'
import { errors } from '@sluice/protocol/errors'
import { readBatchHeader } from '@sluice/protocol/records/batch'
import { decodeRecords } from '@sluice/protocol/records/record'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestEventSource } from './event-source.ts'
import { TestGateway } from './test-gateway.ts'

/** A busy machine takes its time. */
const poll = <T>(read: () => T) => expect.poll(read, { timeout: 15_000 })

const ndjson = { accept: 'application/x-ndjson' }
const raw = { accept: 'application/vnd.kafka.recordbatch' }
const parts = { accept: 'multipart/mixed' }
let gateway: TestGateway

beforeAll(async () => {
  gateway = await TestGateway.start({ limits: { heartbeatMs: 100 } })
})

afterAll(() => gateway[Symbol.asyncDispose]())

const path = (topic: string) => `/v1/topics/${topic}/records`

/** One request, and so one batch, a value. */
async function fill(topic: string, values: readonly unknown[], partition = 0) {
  for (const value of values) {
    const { status } = await gateway.post(path(topic), { records: [{ value, partition }] })
    if (status !== 200) throw new Error(`status ${status}`)
  }
}

/** A record, or where the stream stands, or how it ends. */
interface Line {
  readonly value?: unknown
  readonly offset?: unknown
  readonly cursor?: string
  readonly caught_up?: boolean
  readonly high_watermark?: unknown
  readonly reconnect?: string
  readonly error?: { readonly code: string }
}

const lines = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line)

/** Lines as they come, until the client goes. */
function followLines(url: string) {
  const seen: Line[] = []
  const sent = httpRequest(url, { headers: ndjson, agent: false }, (response) => {
    let pending = ''
    response.setEncoding('utf8')
    response.on('data', (text: string) => {
      const all = (pending + text).split('\n')
      pending = all.pop() ?? ''
      seen.push(...all.map((line) => JSON.parse(line) as Line))
    })
    response.on('error', () => {})
  }).end()
  sent.on('error', () => {})
  return { seen, close: () => sent.destroy() }
}

describe('NDJSON', () => {
  test('the records there are, then how to go on', async () => {
    await gateway.createTopic('lines', { partitions: 2 })
    await fill('lines', [1, { a: 'two' }])
    await fill('lines', ['three'], 1)
    const answer = await gateway.get(path('lines'), ndjson)
    expect(answer.headers['content-type']).toBe('application/x-ndjson')
    const seen = lines(answer.text)
    expect(seen.slice(0, 3).map(({ value }) => value)).toEqual([1, { a: 'two' }, 'three'])
    expect(seen[3]).toMatchObject({ high_watermark: { 0: 2, 1: 1 }, caught_up: true })
    expect(seen).toHaveLength(4)
    await fill('lines', ['four'], 1)
    const rest = await gateway.get(`${path('lines')}?from=cursor:${seen[3].cursor}`, ndjson)
    expect(lines(rest.text).map(({ value }) => value)).toEqual(['four', undefined])
  })

  test('max_records and max_bytes end it with a cursor, never with too much', async () => {
    await fill('limited', [1, 2, 3, 4])
    const two = lines((await gateway.get(`${path('limited')}?max_records=2`, ndjson)).text)
    expect(two.map(({ value }) => value)).toEqual([1, 2, undefined])
    expect(two[2].caught_up).toBe(false)
    const bytes = lines((await gateway.get(`${path('limited')}?max_bytes=350`, ndjson)).text)
    expect(bytes.map(({ value }) => value)).toEqual([1, 2, 3, undefined])
    const one = lines((await gateway.get(`${path('limited')}?max_bytes=1`, ndjson)).text)
    expect(one.map(({ value }) => value)).toEqual([1, undefined])
    const next = await gateway.get(`${path('limited')}?from=cursor:${one[1].cursor}`, ndjson)
    expect(lines(next.text).map(({ value }) => value)).toEqual([2, 3, 4, undefined])
  })

  test('followed: what comes, cursors in silence, and the reason it ends', async () => {
    await fill('followed', [1])
    const { seen, close } = followLines(gateway.url(`${path('followed')}?follow=true`))
    await poll(() => seen.length).toBeGreaterThanOrEqual(2)
    expect(seen[0].value).toBe(1)
    expect(seen[1]).toMatchObject({ caught_up: true, high_watermark: { 0: 1 } })
    await poll(() => seen.filter(({ cursor }) => cursor).length).toBeGreaterThan(2)
    await fill('followed', [2])
    await poll(() => seen.some(({ value }) => value === 2)).toBe(true)
    await gateway.request('DELETE', '/v1/topics/followed')
    await gateway.createTopic('followed')
    await poll(() => seen.at(-1)?.error?.code).toBe('topic_replaced')
    expect(seen.at(-1)?.cursor).toBeTypeOf('string')
    close()
  })

  test('its age and a shutdown end it with a cursor to go on from', async () => {
    const aging = await TestGateway.start({ limits: { streamAgeMsMax: 100 } })
    await aging.createTopic('old')
    const old = followLines(aging.url(`${path('old')}?follow=true`))
    await poll(() => old.seen.at(-1)?.reconnect).toBe('max_age')
    await aging[Symbol.asyncDispose]()
    const closing = await TestGateway.start()
    await closing.createTopic('shut')
    const shut = followLines(closing.url(`${path('shut')}?follow=true`))
    await poll(() => shut.seen.length).toBe(1)
    await closing[Symbol.asyncDispose]()
    await poll(() => shut.seen.at(-1)?.reconnect).toBe('shutdown')
  })
})

describe('filters', () => {
  test('by headers, all of them, with or without a value', async () => {
    const records = [
      { value: 1, headers: [['kind', 'a']] },
      { value: 2, headers: [['kind', 'b']] },
      {
        value: 3,
        headers: [
          ['kind', 'b'],
          ['trace', 'x=y'],
        ],
      },
      { value: 4, key: 'k', headers: [['trace', null]] },
      { value: 5 },
    ]
    await gateway.post(path('labelled'), { records })
    const values = async (query: string) => {
      const { json } = await gateway.get(`${path('labelled')}?${query}`)
      return json.records.map(({ value }: { value: number }) => value)
    }
    expect(await values('header=kind')).toEqual([1, 2, 3])
    expect(await values('header=kind=b')).toEqual([2, 3])
    expect(await values('header=kind%3Db&header=trace')).toEqual([3])
    expect(await values('header=trace=x=y')).toEqual([3])
    expect(await values('header=trace&key=k')).toEqual([4])
    expect(await values('header=none')).toEqual([])
    expect((await gateway.get(`${path('labelled')}?header==b`)).status).toBe(400)
  })

  test('a cursor goes with its filter, in whatever order that is given', async () => {
    await gateway.createTopic('with-filter')
    const of = (query: string) => gateway.get(`${path('with-filter')}?${query}`)
    const { next } = (await of('header=a=1&header=b')).json
    expect((await of(`header=b&header=a=1&from=cursor:${next}`)).status).toBe(200)
    for (const other of ['', 'header=a=1&', 'header=a&header=b&', 'key=a&header=a=1&header=b&']) {
      const refused = await of(`${other}from=cursor:${next}`)
      expect([other, refused.json.code]).toEqual([other, 'invalid_cursor'])
    }
  })

  test('cursors that are damaged or not ours have a code of their own', async () => {
    await gateway.createTopic('cursors')
    const { next } = (await gateway.get(path('cursors'))).json as { next: string }
    const damaged = next.slice(0, -1) + (next.endsWith('A') ? 'B' : 'A')
    for (const cursor of [damaged, next.slice(0, 10), 'x%20y', '']) {
      const { status, json } = await gateway.get(`${path('cursors')}?from=cursor:${cursor}`)
      expect([cursor, status, json.code]).toEqual([cursor, 400, 'invalid_cursor'])
    }
    await gateway.createTopic('other')
    const foreign = await gateway.get(`${path('other')}?from=cursor:${next}`)
    expect([foreign.status, foreign.json.code]).toEqual([410, 'topic_replaced'])
  })
})

describe('a range that ends', () => {
  test('to= ends any form before that offset', async () => {
    await fill('ranged', [0, 1, 2, 3, 4])
    const query = '?from=offset:1&to=offset:3'
    const { json } = await gateway.get(path('ranged') + query)
    expect(json.records.map(({ value }: { value: number }) => value)).toEqual([1, 2])
    expect(json.caught_up).toBe(true)
    const followed = await gateway.get(`${path('ranged')}${query}&follow=true`, ndjson)
    expect(lines(followed.text).flatMap(({ value }) => value ?? [])).toEqual([1, 2])
    const text = await gateway.get(`${path('ranged')}${query}`, { accept: 'text/plain' })
    expect(text.text).toBe('1\n2\n')
    const source = new TestEventSource(gateway.url(path('ranged') + query))
    await source.open()
    await source.until(() => source.ended)
    expect(source.records().map(({ data }) => data.value)).toEqual([1, 2])
    // It comes back, as EventSource does: 204 says that this is all.
    await source.open()
    expect(source.status).toBe(204)
  })

  test('a range of nothing tells where the log ends, and its cursor stays', async () => {
    await fill('nothing', [0, 1, 2])
    const at = (from: string, to: number) =>
      gateway.get(`${path('nothing')}?from=${from}&to=offset:${to}`)
    for (const from of ['earliest', 'offset:0']) {
      const { json } = await at(from, 0)
      expect(json).toMatchObject({ records: [], high_watermark: { 0: 3 }, caught_up: true })
    }
    const { json: page } = await gateway.get(`${path('nothing')}?from=offset:2&max_records=1`)
    const { json } = await at(`cursor:${page.next}`, 1)
    expect(json).toMatchObject({ records: [], next: page.next, high_watermark: { 0: 3 } })
  })

  test('what contradicts itself is refused', async () => {
    await gateway.createTopic('two', { partitions: 2 })
    for (const query of ['from=offset:4&to=offset:3&partition=0', 'to=offset:3', 'to=3']) {
      expect([query, (await gateway.get(`${path('two')}?${query}`)).status]).toEqual([query, 400])
    }
  })
})

test('bigint=string: offsets and timestamps as strings, in every form', async () => {
  await fill('exact', [{ n: 12345678901234567890n.toString() }])
  const { json } = await gateway.get(`${path('exact')}?bigint=string`)
  expect(json.records[0].offset).toBe('0')
  expect(json.records[0].timestamp).toMatch(/^\d+$/)
  expect(json.high_watermark).toEqual({ 0: '1' })
  const [record, end] = lines((await gateway.get(`${path('exact')}?bigint=string`, ndjson)).text)
  expect([record.offset, end.high_watermark]).toEqual(['0', { 0: '1' }])
})

describe('several records as they are', () => {
  test('a part each, bytes and headers; then how to go on', async () => {
    const headers = { 'record-key': ':AP8=:', 'record-header': 'a=b' }
    await gateway.post(path('parts'), Buffer.from('one\r\n--x'), headers)
    await gateway.post(path('parts'), { records: [{ value: null, key: 'gone' }, { value: '' }] })
    const answer = await gateway.get(path('parts'), parts)
    const [, boundary] = /^multipart\/mixed; boundary=(\S+)$/.exec(answer.headers['content-type']!)!
    const pieces = answer.text.split(`--${boundary}`)
    expect(pieces.at(-1)).toBe('--\r\n')
    expect(pieces).toHaveLength(5)
    expect(pieces[1]).toMatch(/\r\n\r\none\r\n--x\r\n$/)
    expect(pieces[1]).toMatch(/content-length: 8\r\n/)
    expect(pieces[1]).toMatch(/record-position: p=0;o=0\.\.0\r\n/)
    expect(pieces[1]).toMatch(/record-key: :AP8=:\r\n/)
    expect(pieces[2]).toMatch(/record-null: \?1\r\n/)
    expect(pieces[3]).not.toMatch(/record-null/)
    expect(answer.headers['high-watermark']).toBe('p=0;o=3')
    const next = answer.headers['next-cursor']
    const rest = await gateway.get(`${path('parts')}?from=cursor:${next}`, parts)
    expect([rest.status, rest.body.length]).toEqual([204, 0])
  })
})

describe('record batches as they are', () => {
  test('byte for byte what was produced, whole batches only', async () => {
    await fill('raw', ['a', 'b', 'c'])
    const { body, headers, status } = await gateway.get(path('raw'), raw)
    expect(status).toBe(200)
    expect(headers).toMatchObject({
      'content-type': raw.accept,
      'record-position': 'p=0;o=0..2',
      'high-watermark': 'p=0;o=3',
      'cache-control': 'no-store',
    })
    expect(valuesOf(body)).toEqual(['a', 'b', 'c'])
    const first = readBatchHeader(body, 0).batchBytes
    const one = await gateway.get(`${path('raw')}?max_bytes=${first + 10}`, raw)
    expect(one.body.equals(body.subarray(0, first))).toBe(true)
    const least = await gateway.get(`${path('raw')}?max_bytes=1`, raw)
    expect(least.body.equals(one.body)).toBe(true)
    const next = await gateway.get(`${path('raw')}?from=cursor:${one.headers['next-cursor']}`, raw)
    expect(next.body.equals(body.subarray(first))).toBe(true)
  })

  test('between two offsets nothing changes: ETag, immutable, ranges', async () => {
    await fill('fixed', ['a', 'b', 'c', 'd'])
    const url = `${path('fixed')}?from=offset:1&to=offset:3`
    const whole = await gateway.get(url, raw)
    expect(valuesOf(whole.body)).toEqual(['b', 'c'])
    expect(whole.headers['cache-control']).toBe('private, max-age=60, immutable')
    expect(whole.headers['accept-ranges']).toBe('bytes')
    const etag = whole.headers.etag!
    expect(etag).toMatch(/^"[\w-]+"$/)
    const known = await gateway.get(url, { ...raw, 'if-none-match': `"x", W/${etag}` })
    expect([known.status, known.body.length, known.headers.etag]).toEqual([304, 0, etag])
    const part = await gateway.get(url, { ...raw, range: 'bytes=10-19', 'if-range': etag })
    expect(part.status).toBe(206)
    expect(part.body.equals(whole.body.subarray(10, 20))).toBe(true)
    expect(part.headers['content-range']).toBe(`bytes 10-19/${whole.body.length}`)
    const suffix = await gateway.get(url, { ...raw, range: 'bytes=-5' })
    expect(suffix.body.equals(whole.body.subarray(-5))).toBe(true)
    const stale = await gateway.get(url, { ...raw, range: 'bytes=0-1', 'if-range': '"old"' })
    expect(stale.status).toBe(200)
    const outside = await gateway.get(url, { ...raw, range: 'bytes=100000-' })
    expect([outside.status, outside.json.code]).toEqual([416, 'range_not_satisfiable'])
    expect(outside.headers['content-range']).toBe(`bytes */${whole.body.length}`)
    // A range that is not all there yet may still change.
    const open = await gateway.get(`${path('fixed')}?from=offset:1&to=offset:9`, raw)
    expect([open.headers.etag, open.headers['cache-control']]).toEqual([undefined, 'no-store'])
    const cursor = (await gateway.get(`${path('fixed')}?max_records=1`)).json.next
    const pinned = await gateway.get(`${path('fixed')}?from=cursor:${cursor}&to=offset:3`, raw)
    expect(pinned.headers['cache-control']).toContain('max-age=31536000, immutable')
    expect(pinned.headers.etag).toBe(etag)
  })

  test('a large range does not depend on how it was fetched', async () => {
    const value = 'x'.repeat(300_000)
    await fill('large', Array(12).fill(value))
    const url = `${path('large')}?from=offset:0&to=offset:12&max_bytes=16777216`
    const { body, headers } = await gateway.get(url, raw)
    expect(headers['record-position']).toBe('p=0;o=0..11')
    expect(valuesOf(body)).toEqual(Array(12).fill(value))
    const some = await gateway.get(`${path('large')}?from=offset:0&to=offset:12`, raw)
    expect(some.headers['record-position']).toBe('p=0;o=0..2')
    expect(some.headers['cache-control']).toContain('immutable')
  })

  test('waits, and is refused where it cannot be', async () => {
    await gateway.createTopic('waited', { partitions: 2 })
    const url = `/v1/topics/waited/partitions/1/records`
    expect((await gateway.get(url, raw)).status).toBe(204)
    const waiting = gateway.get(`${url}?wait=5000`, raw)
    await new Promise((resolve) => setTimeout(resolve, 30))
    await gateway.post(url, 'here')
    expect(valuesOf((await waiting).body)).toEqual(['here'])
    expect((await gateway.get(path('waited'), raw)).status).toBe(400)
    for (const query of ['max_records=1', 'key=k', 'header=h', 'follow=true', 'batch=true']) {
      expect([query, (await gateway.get(`${url}?${query}`, raw)).status]).toEqual([query, 400])
    }
    const beyond = await gateway.get(`${url}?from=offset:5`, raw)
    expect([beyond.status, beyond.json.latest]).toEqual([416, { 1: 1 }])
    const clamped = await gateway.get(`${url}?from=offset:5&clamp=true`, raw)
    expect(clamped.status).toBe(204)
    gateway.faults.fail('Fetch', errors.NOT_LEADER_OR_FOLLOWER, { times: 2 })
    expect(valuesOf((await gateway.get(url, raw)).body)).toEqual(['here'])
  })
})

test('one record as it is may be kept, and fetched in part', async () => {
  await gateway.post(path('kept'), 'a value')
  const accept = { accept: 'application/octet-stream' }
  const url = `${path('kept')}?from=offset:0&max_records=1`
  const { headers, text } = await gateway.get(url, accept)
  expect(text).toBe('a value')
  expect(headers['cache-control']).toContain('immutable')
  const again = await gateway.get(url, { ...accept, 'if-none-match': headers.etag })
  expect(again.status).toBe(304)
  const part = await gateway.get(url, { ...accept, range: 'bytes=2-' })
  expect([part.status, part.text]).toEqual([206, 'value'])
  const moving = await gateway.get(`${path('kept')}?from=earliest`, accept)
  expect(moving.headers['cache-control']).toBe('no-store')
})

describe('event streams', () => {
  test('many records in one event, and its id is behind the last', async () => {
    await gateway.post(path('batched'), { records: [{ value: 1 }, { value: 2 }] })
    const source = new TestEventSource(gateway.url(`${path('batched')}?batch=true`))
    await source.open()
    await source.until(() => source.events.some(({ event }) => event === 'caught-up'))
    const batches = source.events.filter(({ event }) => event === 'batch')
    expect(batches.map(({ data }) => data.records.length)).toEqual([2])
    source.lastEventId = batches[0].id
    await gateway.post(path('batched'), '3')
    await source.open()
    const of = () => source.events.filter(({ event }) => event === 'batch')
    await source.until(() => of().length === 2)
    expect(of()[1].data.records[0].value).toBe(3)
    source.close()
  })

  test('positions as KafkaSSE gives them are taken up', async () => {
    await gateway.createTopic('positions', { partitions: 3 })
    await fill('positions', ['a0', 'a1', 'a2'], 0)
    await fill('positions', ['b0', 'b1'], 1)
    await fill('positions', ['c0'], 2)
    const source = new TestEventSource(gateway.url(`${path('positions')}?from=latest`))
    source.lastEventId = JSON.stringify([
      { topic: 'positions', partition: 0, offset: 2 },
      { topic: 'positions', partition: 1, timestamp: 0 },
    ])
    await source.open()
    await source.until(() => source.records().length === 3)
    const seen = () => source.records().map(({ data }) => data.value)
    expect(seen().sort()).toEqual(['a2', 'b0', 'b1'])
    await source.open()
    await fill('positions', ['c1'], 2)
    await source.until(() => source.records().length === 4)
    expect(seen()[3]).toBe('c1')
    source.close()
    for (const wrong of [
      [{ topic: 'others', partition: 0, offset: 0 }],
      [{ topic: 'positions', partition: 7, offset: 0 }],
      [{ topic: 'positions', partition: 0 }],
      [],
    ]) {
      const refused = new TestEventSource(gateway.url(path('positions')))
      refused.lastEventId = JSON.stringify(wrong)
      await refused.open()
      expect([wrong, refused.status]).toEqual([wrong, 400])
    }
  })

  test('a slow client is told to come back where it stands', async () => {
    await using slow = await TestGateway.start({ limits: { streamSlowMs: 50 } })
    const value = 'x'.repeat(100_000)
    const records = Array.from({ length: 100 }, () => ({ value }))
    for (let n = 0; n < 3; n++) await slow.post(path('heavy'), { records })
    const source = new TestEventSource(slow.url(path('heavy')))
    await source.open()
    source.pause()
    // Long enough for a busy machine to have sent all that the connection takes, and then 50 ms.
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    source.resume()
    await source.until(() => source.ended)
    expect(source.events.at(-1)).toMatchObject({ event: 'reconnect', data: { reason: 'slow' } })
    const before = source.records().length
    expect(before).toBeLessThan(300)
    // On a busy machine it may look slow again.
    while (source.records().length < 300) {
      await source.open()
      await source.until(() => source.ended || source.records().length === 300)
    }
    const offsets = source.records().map(({ data }) => data.offset)
    expect(offsets).toEqual(Array.from({ length: 300 }, (_, n) => n))
    source.close()
  })
})

function valuesOf(batches: Buffer): string[] {
  const values: string[] = []
  for (let at = 0; at < batches.length; at += readBatchHeader(batches, at).batchBytes) {
    values.push(...decodeRecords(batches, at).map(({ value }) => String(value)))
  }
  return values
}
