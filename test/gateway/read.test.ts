import { errors } from '@sluice/protocol/errors'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestGateway } from './test-gateway.ts'

let gateway: TestGateway

beforeAll(async () => {
  gateway = await TestGateway.start({ limits: { waitMsMax: 5000 } })
})

afterAll(() => gateway[Symbol.asyncDispose]())

interface PageRecord {
  partition: number
  offset: number
  value: unknown
}

const path = (topic: string) => `/v1/topics/${topic}/records`

/** Values "0" … in one partition, one batch each, or spread as `partition` says. */
async function fill(topic: string, count: number, partition?: (n: number) => number) {
  const values = Array.from({ length: count }, (_, n) => n)
  for (const n of values) {
    const record = { value: String(n), partition: partition?.(n), timestamp: (n + 1) * 1000 }
    await gateway.post(path(topic), { records: [record] })
  }
}

async function page(topic: string, query = '') {
  const { status, json } = await gateway.get(`${path(topic)}?format=string${query}`)
  if (status !== 200) throw new Error(JSON.stringify(json))
  return json as { records: PageRecord[]; next: string; high_watermark: object; caught_up: boolean }
}

const valuesOf = ({ records }: { records: PageRecord[] }) => records.map(({ value }) => value)

describe('pages', () => {
  test('from every kind of place', async () => {
    await fill('places', 5)
    expect(valuesOf(await page('places'))).toEqual(['0', '1', '2', '3', '4'])
    expect(valuesOf(await page('places', '&from=earliest&max_records=2'))).toEqual(['0', '1'])
    expect(valuesOf(await page('places', '&from=offset:3'))).toEqual(['3', '4'])
    expect(valuesOf(await page('places', '&from=offset:5'))).toEqual([])
    expect(valuesOf(await page('places', '&from=tail:2'))).toEqual(['3', '4'])
    expect(valuesOf(await page('places', '&from=tail:9'))).toEqual(['0', '1', '2', '3', '4'])
    expect(valuesOf(await page('places', '&from=ts:2500'))).toEqual(['2', '3', '4'])
    expect(valuesOf(await page('places', '&from=ts:1970-01-01T00:00:05Z'))).toEqual(['4'])
    expect(valuesOf(await page('places', '&from=ts:99000'))).toEqual([])
    expect(valuesOf(await page('places', '&from=latest'))).toEqual([])
  })

  test('its cursor goes on where it ended, in all partitions', async () => {
    await gateway.createTopic('paged', { partitions: 3 })
    await fill('paged', 10, (n) => n % 3)
    const seen: unknown[] = []
    let query = '&max_records=3'
    for (let pages = 0; pages < 5; pages++) {
      const one = await page('paged', query)
      seen.push(...valuesOf(one))
      expect(one.caught_up).toBe(seen.length === 10)
      expect(one.high_watermark).toEqual({ 0: 4, 1: 3, 2: 3 })
      query = `&max_records=3&from=cursor:${one.next}`
    }
    // Merged by time, each once.
    expect(seen).toEqual(Array.from({ length: 10 }, (_, n) => String(n)))
    await gateway.post(path('paged'), 'more')
    expect(valuesOf(await page('paged', query))).toEqual(['more'])
  })

  test('partitions are merged by time, also where one takes many fetches', async () => {
    await gateway.createTopic('merged', { partitions: 2 })
    const large = 'x'.repeat(20_000)
    for (let n = 0; n < 60; n++) {
      // One partition has all the bytes, the other one a small record now and then.
      const partition = n % 10 === 9 ? 1 : 0
      const value = partition === 0 ? `${n} ${large}` : `${n}`
      const records = [{ value, partition, timestamp: 1000 + n }]
      await gateway.post(path('merged'), { records })
    }
    const { text } = await gateway.get(`${path('merged')}`, { accept: 'text/plain' })
    const order = text
      .trimEnd()
      .split('\n')
      .map((line) => Number.parseInt(line, 10))
    expect(order).toEqual(Array.from({ length: 60 }, (_, n) => n))
  })

  test('some partitions only', async () => {
    await gateway.createTopic('some', { partitions: 3 })
    await fill('some', 6, (n) => n % 3)
    expect(valuesOf(await page('some', '&partition=0,2'))).toEqual(['0', '2', '3', '5'])
    const one = await gateway.get('/v1/topics/some/partitions/1/records?from=offset:1')
    expect(valuesOf(one.json)).toEqual([4])
    expect((await gateway.get(`${path('some')}?partition=3`)).status).toBe(404)
    expect((await gateway.get(`${path('some')}?from=offset:1`)).status).toBe(400)
    const both = await gateway.get('/v1/topics/some/partitions/1/records?partition=1')
    expect(both.status).toBe(400)
  })

  test('by key', async () => {
    const records = Array.from({ length: 30 }, (_, n) => ({ key: `k${n % 3}`, value: String(n) }))
    await gateway.post(path('filtered'), { records })
    const first = await page('filtered', '&key=k1&max_records=4')
    expect(valuesOf(first)).toEqual(['1', '4', '7', '10'])
    const rest = await page('filtered', `&key=k1&from=cursor:${first.next}`)
    expect(valuesOf(rest)).toEqual(['13', '16', '19', '22', '25', '28'])
    expect(rest.caught_up).toBe(true)
    const other = await gateway.get(`${path('filtered')}?key=k2&from=cursor:${first.next}`)
    expect(other.json.code).toBe('invalid_cursor')
  })

  test('bytes are bounded, but one record is always given', async () => {
    const records = Array.from({ length: 4 }, () => ({ value: 'x'.repeat(3000) }))
    await gateway.post(path('sized'), { records })
    expect((await page('sized', '&max_bytes=1')).records.length).toBe(1)
    expect((await page('sized', '&max_bytes=7000')).records.length).toBe(2)
    expect((await page('sized', '&max_bytes=70000')).records.length).toBe(4)
  })

  test('one odd record spoils no page', async () => {
    await gateway.post(path('odd'), Buffer.from([0xff, 0xfe]))
    await gateway.post(path('odd'), '{"a":12345678901234567890}')
    await gateway.post(path('odd'), { records: [{ value: null }] })
    const { text, json } = await gateway.get(path('odd'))
    expect(json.records[0].value_b64).toBe('//4=')
    expect(json.records[2].value).toBeNull()
    expect(text).toContain('"value":{"a":12345678901234567890}')
  })
})

describe('a long poll', () => {
  test('returns when the first record comes', async () => {
    await gateway.createTopic('awaited', { partitions: 2 })
    const poll = page('awaited', '&wait=5000')
    const other = page('awaited', '&wait=5000&partition=1')
    await gateway.post('/v1/topics/awaited/partitions/1/records', 'here')
    expect(valuesOf(await poll)).toEqual(['here'])
    expect(valuesOf(await other)).toEqual(['here'])
  })

  test('returns an empty page when nothing comes', async () => {
    await gateway.createTopic('silent')
    const empty = await page('silent', '&wait=50')
    expect(empty).toMatchObject({ records: [], caught_up: true, high_watermark: { 0: 0 } })
    expect((await gateway.get(`${path('silent')}?wait=5001`)).status).toBe(400)
  })

  test('many at once, on many topics, all return', async () => {
    const topics = Array.from({ length: 40 }, (_, n) => `crowd-${n}`)
    await Promise.all(topics.map((topic) => gateway.createTopic(topic)))
    const polls = topics.map((topic) => page(topic, '&wait=5000'))
    await new Promise((resolve) => setTimeout(resolve, 50))
    await Promise.all(topics.map((topic) => gateway.post(path(topic), topic)))
    expect((await Promise.all(polls)).map(valuesOf)).toEqual(topics.map((topic) => [topic]))
  })
})

describe('out of range', () => {
  test('below the start 410 with the earliest, beyond the end 416 with the latest', async () => {
    await fill('ranged', 6)
    gateway.broker.partitions.get('ranged', 0)!.deleteRecordsBefore(4)
    const trimmed = await gateway.get(`${path('ranged')}?from=offset:1`)
    expect(trimmed.status).toBe(410)
    expect(trimmed.json).toMatchObject({ code: 'offset_trimmed', earliest: { 0: 4 } })
    const beyond = await gateway.get(`${path('ranged')}?from=offset:7`)
    expect(beyond.status).toBe(416)
    expect(beyond.json).toMatchObject({ code: 'offset_beyond_end', latest: { 0: 6 } })
    expect(valuesOf(await page('ranged', '&from=offset:1&clamp=true'))).toEqual(['4', '5'])
    expect(valuesOf(await page('ranged', '&from=offset:9&clamp=true'))).toEqual([])
    expect(valuesOf(await page('ranged'))).toEqual(['4', '5'])
  })

  test('a cursor of a topic that was deleted and made again', async () => {
    await fill('reborn', 2)
    const { next } = await page('reborn')
    await gateway.request('DELETE', '/v1/topics/reborn')
    await fill('reborn', 3)
    const stale = await gateway.get(`${path('reborn')}?from=cursor:${next}`)
    expect(stale.status).toBe(410)
    expect(stale.json.code).toBe('topic_replaced')
    expect(valuesOf(await page('reborn'))).toEqual(['0', '1', '2'])
  })

  test('a topic that was replaced behind our back is read as it is now', async () => {
    await fill('swapped', 2)
    await page('swapped')
    const { id } = (await gateway.get('/v1/topics/swapped')).json
    await gateway.broker.cluster.controller.deleteTopics([id])
    await gateway.createTopic('swapped')
    expect(valuesOf(await page('swapped'))).toEqual([])
  })
})

describe('text and bytes', () => {
  test('values, one a line, to what was the end', async () => {
    await gateway.createTopic('lines', { partitions: 2 })
    await fill('lines', 6, (n) => n % 2)
    const answer = await gateway.get(path('lines'), { accept: 'text/plain' })
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(answer.text).toBe('0\n1\n2\n3\n4\n5\n')
    const some = await gateway.get(`${path('lines')}?max_records=2`, { accept: 'text/plain' })
    expect(some.text).toBe('0\n1\n')
    // Each of these counts for 101 bytes with what surrounds it.
    const bytes = await gateway.get(`${path('lines')}?max_bytes=300`, { accept: 'text/plain' })
    expect(bytes.text).toBe('0\n1\n')
    await gateway.createTopic('no-lines')
    expect((await gateway.get(path('no-lines'), { accept: 'text/plain' })).text).toBe('')
  })

  test('a large log streams through', async () => {
    const line = 'x'.repeat(1000)
    const records = Array.from({ length: 1000 }, (_, n) => ({ value: `${n} ${line}` }))
    for (let n = 0; n < 5; n++) await gateway.post(path('long'), { records })
    const { text } = await gateway.get(path('long'), { accept: 'text/plain' })
    const lines = text.split('\n')
    expect(lines.length).toBe(5001)
    lines.pop()
    expect(lines.every((each, n) => each === `${n % 1000} ${line}`)).toBe(true)
  })

  test('text that is to end waits for its first record', async () => {
    await gateway.createTopic('first-line')
    const text = gateway.get(`${path('first-line')}?wait=5000`, { accept: 'text/plain' })
    await new Promise((resolve) => setTimeout(resolve, 20))
    await gateway.post(path('first-line'), 'here')
    expect((await text).text).toBe('here\n')
  })

  test('text that cannot be finished does not look finished', async () => {
    const large = 'x'.repeat(100_000)
    const records = Array.from({ length: 9 }, () => ({ value: large }))
    for (let n = 0; n < 4; n++) await gateway.post(path('broken'), { records })
    const url = gateway.url(path('broken'))
    const response = await fetch(url, { headers: { accept: 'text/plain' } })
    gateway.faults.fail('Fetch', errors.TOPIC_AUTHORIZATION_FAILED, { times: 5 })
    await expect(response.text()).rejects.toThrow()
    gateway.faults.clear()
  })

  test('follow goes on when all is read', async () => {
    await fill('followed', 2)
    const accept = 'text/plain'
    const aborted = new AbortController()
    const { signal } = aborted
    const followed = gateway.url(`${path('followed')}?follow=true`)
    const response = await fetch(followed, { headers: { accept }, signal })
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    const readUntil = async (wanted: string) => {
      while (text.length < wanted.length) text += (await reader.read()).value
      expect(text).toBe(wanted)
    }
    await readUntil('0\n1\n')
    await gateway.post(path('followed'), 'and more')
    await readUntil('0\n1\nand more\n')
    aborted.abort()
  })

  test('one record as it is', async () => {
    const accept = 'application/octet-stream'
    const headers = { 'record-key': ':AP8=:', 'record-header': 'a=b', 'record-timestamp': '7000' }
    await gateway.post(path('single'), Buffer.from([1, 0, 255]), headers)
    await gateway.post(path('single'), { records: [{ value: null }] })
    const one = await gateway.get(`${path('single')}?from=offset:0&max_records=1`, { accept })
    expect(one.status).toBe(200)
    expect(one.body).toEqual(Buffer.from([1, 0, 255]))
    expect(one.headers).toMatchObject({
      'content-type': accept,
      'record-key': ':AP8=:',
      'record-header': 'a="b"',
      'record-timestamp': '7000',
      'record-position': 'p=0;o=0..0',
    })
    expect((await gateway.get(`${path('single')}?from=offset:1`, { accept })).status).toBe(204)
    const none = await gateway.get(`${path('single')}?from=offset:2`, { accept })
    expect(none.json).toMatchObject({ status: 404, code: 'record_not_found' })
    const two = await gateway.get(`${path('single')}?max_records=2`, { accept })
    expect(two.status).toBe(400)
  })
})

describe('mistakes and trouble', () => {
  test('what is not understood is refused', async () => {
    await gateway.createTopic('asked')
    const xml = await gateway.get(path('asked'), { accept: 'application/xml' })
    expect(xml.status).toBe(406)
    for (const query of [
      'from=begin',
      'from=cursor:xyz',
      'max_records=0',
      'max_records=10001',
      'wait=soon',
      'format=xml',
      'isolation=serializable',
      'follow=true',
      'partition=-1',
      'form=latest',
    ]) {
      const answer = await gateway.get(`${path('asked')}?${query}`)
      expect([query, answer.status]).toEqual([query, 400])
      expect(answer.json.side_effects).toBe('none')
    }
    const missing = await gateway.get(path('never'))
    expect(missing.json).toMatchObject({ status: 404, code: 'topic_not_found' })
    expect((await gateway.get('/v1/topics')).text).not.toContain('never')
  })

  test('a look creates no topic, also beside a produce that does', async () => {
    const [made, ...looks] = await Promise.all([
      gateway.post(path('made'), 'x'),
      gateway.get(path('looked-for')),
      gateway.get('/v1/topics/looked-for/offsets'),
      gateway.get('/v1/topics/looked-for'),
    ])
    expect(made.status).toBe(200)
    expect(looks.map(({ status }) => status)).toEqual([404, 404, 404])
    expect((await gateway.get('/v1/topics')).text).not.toContain('looked-for')
  })

  test('HEAD answers without reading', async () => {
    await fill('headed', 1)
    const head = await gateway.request('HEAD', path('headed'))
    expect([head.status, head.body.length]).toEqual([200, 0])
    expect((await gateway.request('HEAD', path('never'))).status).toBe(404)
  })

  test('a fetch that fails for a moment is tried again', async () => {
    await fill('shaky', 3)
    gateway.faults.fail('Fetch', errors.NOT_LEADER_OR_FOLLOWER, { times: 2 })
    expect(valuesOf(await page('shaky'))).toEqual(['0', '1', '2'])
    gateway.faults.fail('ListOffsets', errors.LEADER_NOT_AVAILABLE, { times: 1 })
    expect(valuesOf(await page('shaky'))).toEqual(['0', '1', '2'])
    gateway.faults.fail('Fetch', errors.TOPIC_AUTHORIZATION_FAILED, { times: 1 })
    expect((await gateway.get(path('shaky'))).status).toBe(403)
  })
})
