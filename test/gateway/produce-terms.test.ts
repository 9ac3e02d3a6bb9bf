// Produce requests under terms: Idempotency-Key, If-Match, Producer-Id.

import { errors } from '@sluice/protocol/errors'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestGateway } from './test-gateway.ts'

let gateway: TestGateway

beforeAll(async () => {
  gateway = await TestGateway.start()
})

afterAll(() => gateway[Symbol.asyncDispose]())

const pathOf = (topic: string) => `/v1/topics/${topic}/records`

async function stored(topic: string) {
  const { records } = (await gateway.get(`${pathOf(topic)}?format=string`)).json
  return records
}

async function values(topic: string): Promise<string[]> {
  return (await stored(topic)).map(({ value }: { value: string }) => value)
}

describe('Idempotency-Key', () => {
  const key = { 'idempotency-key': 'order-17' }

  test('the same request is stored once and answered the same; another body is refused', async () => {
    await gateway.createTopic('once', { partitions: 3 })
    const first = await gateway.post(pathOf('once'), 'paid', key)
    expect(first.status).toBe(200)
    expect(first.headers['idempotency-replayed']).toBeUndefined()
    for (let i = 0; i < 3; i++) {
      const again = await gateway.post(pathOf('once'), 'paid', { 'Idempotency-Key': '"order-17"' })
      expect(again.status).toBe(200)
      expect(again.headers['idempotency-replayed']).toBe('true')
      expect(again.json).toEqual(first.json)
    }
    const other = await gateway.post(pathOf('once'), 'sent', key)
    expect(other.status).toBe(422)
    expect(other.json).toMatchObject({ code: 'idempotency_key_reused', side_effects: 'none' })
    const otherHeader = await gateway.post(pathOf('once'), 'paid', { ...key, 'record-key': 'k' })
    expect(otherHeader.status).toBe(422)
    expect(await values('once')).toEqual(['paid'])
  })

  test('is known in one topic only, and forgotten with it', async () => {
    await gateway.createTopic('mine')
    await gateway.createTopic('theirs')
    expect((await gateway.post(pathOf('mine'), 'a', key)).status).toBe(200)
    expect((await gateway.post(pathOf('theirs'), 'b', key)).status).toBe(200)
    await gateway.request('DELETE', '/v1/topics/mine')
    await gateway.createTopic('mine')
    expect((await gateway.post(pathOf('mine'), 'c', key)).status).toBe(200)
    expect(await values('mine')).toEqual(['c'])
  })

  test('records without a key go to the partition of the idempotency key', async () => {
    await gateway.createTopic('spread', { partitions: 20 })
    const places = new Set<number>()
    for (let i = 0; i < 20; i++) {
      const headers = { 'idempotency-key': `k${i}` }
      const answer = await gateway.post(pathOf('spread'), 'v', headers)
      const again = await gateway.post(pathOf('spread'), 'v', headers)
      expect(again.json).toEqual(answer.json)
      places.add(answer.json.results[0].partition)
    }
    expect(places.size).toBeGreaterThan(5)
    expect(await stored('spread')).toHaveLength(20)
  })

  test('a request over several partitions: what was stored is not stored again', async () => {
    await gateway.createTopic('parts', { partitions: 3 })
    const records = [0, 1, 2, 0, 1].map((partition, n) => ({
      partition,
      value: `v${n}`,
      id: `${n}`,
    }))
    const body = { records }
    const first = await gateway.post(pathOf('parts'), body, key)
    expect(first.json.results).toMatchObject(
      records.map(({ partition, id }) => ({ partition, id })),
    )
    const again = await gateway.post(pathOf('parts'), body, key)
    expect(again.json).toEqual(first.json)
    expect(again.headers['idempotency-replayed']).toBe('true')
    const other = await gateway.post(pathOf('parts'), { records: records.slice(1) }, key)
    expect(other.json).toMatchObject({ status: 422, code: 'idempotency_key_reused' })
    expect(await stored('parts')).toHaveLength(5)
  })

  test('another body is refused in whichever partition it would be stored', async () => {
    await gateway.createTopic('elsewhere', { partitions: 4 })
    const to = (partition: number) => ({ records: [{ partition, value: 'v' }] })
    expect((await gateway.post(pathOf('elsewhere'), to(0), key)).status).toBe(200)
    for (const partition of [1, 2, 3]) {
      const other = await gateway.post(pathOf('elsewhere'), to(partition), key)
      expect(other.json).toMatchObject({ status: 422, code: 'idempotency_key_reused' })
    }
    expect(await stored('elsewhere')).toHaveLength(1)
  })

  test('a body larger than a batch is completed by a repetition', async () => {
    await gateway.createTopic('big')
    const records = Array.from({ length: 60 }, (_, n) => ({ value: `${n}`.padEnd(40_000, '.') }))
    const first = await gateway.post(pathOf('big'), { records }, key)
    expect(first.json.results.map(({ offset }: { offset: number }) => offset)).toEqual([
      ...records.keys(),
    ])
    const again = await gateway.post(pathOf('big'), { records }, key)
    expect(again.json).toEqual(first.json)
    expect(again.headers['idempotency-replayed']).toBe('true')
  })

  test('two at once: one is stored, the other waits or is told to', async () => {
    await gateway.createTopic('race')
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => gateway.post(pathOf('race'), 'v', key)),
    )
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0)
    for (const { status, headers, json } of answers) {
      if (status === 200) continue
      expect(json).toMatchObject({ status: 409, code: 'request_in_flight', retriable: true })
      expect(headers['retry-after']).toBe('1')
    }
    expect(await values('race')).toEqual(['v'])
  })

  test('a full table refuses further keys, and only those', async () => {
    const configs = { 'sluice.dedup.entries.max': '2', 'sluice.dedup.window.ms': '600000' }
    await gateway.createTopic('full', { configs })
    const post = (name: string) => gateway.post(pathOf('full'), 'v', { 'idempotency-key': name })
    expect((await post('a')).status).toBe(200)
    expect((await post('b')).status).toBe(200)
    const refused = await post('c')
    expect(refused.json).toMatchObject({
      status: 429,
      code: 'idempotency_keys_full',
      kafka: { name: 'THROTTLING_QUOTA_EXCEEDED' },
      side_effects: 'none',
    })
    expect(refused.headers['retry-after']).toBeDefined()
    expect((await post('a')).headers['idempotency-replayed']).toBe('true')
    expect((await gateway.post(pathOf('full'), 'w')).status).toBe(200)
  })

  test('times are those of the first request, also where the broker stamps them', async () => {
    for (const type of ['CreateTime', 'LogAppendTime']) {
      const configs = { 'message.timestamp.type': type, 'compression.type': 'gzip' }
      await gateway.createTopic(type, { configs })
      const first = await gateway.post(pathOf(type), 'v', key)
      const [{ timestamp }] = await stored(type)
      expect(first.json.results[0].timestamp).toBe(timestamp)
      await new Promise((resolve) => setTimeout(resolve, 5))
      const again = await gateway.post(pathOf(type), 'v', key)
      expect(again.json).toEqual(first.json)
    }
  })

  test.each([
    ['', 'empty'],
    ['""', 'an empty string'],
    ['x'.repeat(256), 'too long'],
    ['"open', 'not closed'],
    ['"a", "b"', 'two'],
    ['a b', 'a space'],
    ['a,b', 'a comma'],
    ['"gr\\x"', 'a wrong escape'],
    ['gr\u00fc\u00dfe', 'not ASCII'],
  ])('%j is no key: %s', async (bad) => {
    const answer = await gateway.post(pathOf('keys'), 'v', { 'idempotency-key': bad })
    expect(answer.json).toMatchObject({ status: 400, code: 'invalid_parameter' })
  })

  test('255 characters are, and quotes belong to the form, not to the key', async () => {
    const long = 'x'.repeat(255)
    expect((await gateway.post(pathOf('long'), 'v', { 'idempotency-key': long })).status).toBe(200)
    const quoted = await gateway.post(pathOf('long'), 'v', { 'idempotency-key': `"${long}"` })
    expect(quoted.headers['idempotency-replayed']).toBe('true')
  })

  test('needs an answer', async () => {
    const answer = await gateway.post(`${pathOf('deaf')}?acks=0`, 'v', key)
    expect(answer.json).toMatchObject({ status: 400, code: 'invalid_parameter' })
  })

  test('a refused record refuses the request, which may be sent again', async () => {
    await gateway.createTopic('picky', { configs: { 'max.message.bytes': '1000' } })
    const large = await gateway.post(pathOf('picky'), 'x'.repeat(2000), key)
    expect(large.json).toMatchObject({ status: 413, code: 'record_too_large' })
    expect((await gateway.post(pathOf('picky'), 'x', key)).status).toBe(200)
  })

  test('the short answer, and what a reader sees', async () => {
    const headers = { ...key, prefer: 'return=minimal', 'record-header': 'a=b' }
    await gateway.post(pathOf('short'), 'v', headers)
    const again = await gateway.post(pathOf('short'), 'v', headers)
    expect(again.status).toBe(204)
    expect(again.headers['record-position']).toBe('p=0;o=0..0')
    expect(again.headers['idempotency-replayed']).toBe('true')
    expect((await stored('short'))[0].headers).toEqual([['a', 'b']])
  })

  test('a broker that fails for a while: the request is carried out once', async () => {
    await gateway.createTopic('shaky')
    gateway.faults.fail('Produce', errors.NOT_LEADER_OR_FOLLOWER, { times: 2 })
    expect((await gateway.post(pathOf('shaky'), 'v', key)).status).toBe(200)
    expect(await values('shaky')).toEqual(['v'])
  })
})

describe('If-Match', () => {
  const at = (offset: number | string) => ({ 'if-match': `"${offset}"` })

  test('stores where the partition ends as expected, else says where it ends', async () => {
    await gateway.createTopic('log')
    const first = await gateway.post(pathOf('log'), 'a', at(0))
    expect(first.status).toBe(200)
    expect(first.headers['etag']).toBe('"1"')
    const stale = await gateway.post(pathOf('log'), 'b', at(0))
    expect(stale.status).toBe(412)
    expect(stale.json).toMatchObject({
      code: 'end_offset_moved',
      end_offset: 1,
      side_effects: 'none',
    })
    expect(stale.headers['etag']).toBe('"1"')
    const records = [{ value: 'b' }, { value: 'c' }]
    expect((await gateway.post(pathOf('log'), { records }, at(1))).headers['etag']).toBe('"3"')
    expect((await gateway.post(pathOf('log'), 'd', { 'if-match': '*' })).status).toBe(200)
    expect(await values('log')).toEqual(['a', 'b', 'c', 'd'])
  })

  test('one of many writers at once gets it', async () => {
    await gateway.createTopic('contended')
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => gateway.post(pathOf('contended'), `${n}`, at(0))),
    )
    const statuses = answers.map(({ status }) => status).sort()
    expect(statuses).toEqual([200, ...Array.from({ length: 19 }, () => 412)])
  })

  test('a repetition under a key is one, whatever the end is by now', async () => {
    await gateway.createTopic('both')
    const headers = { ...at(0), 'idempotency-key': 'k' }
    await gateway.post(pathOf('both'), 'a', headers)
    const again = await gateway.post(pathOf('both'), 'a', headers)
    expect(again.status).toBe(200)
    expect(again.headers['idempotency-replayed']).toBe('true')
    const fresh = { ...at(0), 'idempotency-key': 'l' }
    expect((await gateway.post(pathOf('both'), 'a', fresh)).status).toBe(412)
    const later = { ...at(1), 'idempotency-key': 'l' }
    expect((await gateway.post(pathOf('both'), 'a', later)).status).toBe(200)
  })

  test('needs one partition', async () => {
    await gateway.createTopic('several', { partitions: 3 })
    expect((await gateway.post(pathOf('several'), 'v', at(0))).status).toBe(400)
    const records = [0, 1].map((partition) => ({ partition, value: 'v' }))
    expect((await gateway.post(pathOf('several'), { records }, at(0))).status).toBe(400)
    const path = '/v1/topics/several/partitions/2/records'
    expect((await gateway.post(path, 'v', at(0))).status).toBe(200)
    expect((await gateway.post(`${pathOf('several')}?partition=1`, 'v', at(0))).status).toBe(200)
    expect((await gateway.post(path, 'v', { 'if-match': '1' })).status).toBe(400)
    expect((await gateway.post(path, 'v', { 'if-match': 'W/"1"' })).status).toBe(400)
  })
})

describe('Producer-Id', () => {
  const from = (epoch: number, sequence: number, id = 'till-3') => ({
    'producer-id': id,
    'producer-epoch': String(epoch),
    'producer-seq': String(sequence),
  })

  test('new, repeated, a gap, fenced', async () => {
    await gateway.createTopic('till')
    const post = (epoch: number, sequence: number, id?: string) =>
      gateway.post(pathOf('till'), `${epoch}/${sequence}`, from(epoch, sequence, id))
    expect((await post(0, 0)).status).toBe(200)
    expect((await post(0, 1)).status).toBe(200)
    const again = await post(0, 1)
    expect(again.status).toBe(204)
    expect(again.headers['record-position']).toBe('p=0;o=1..1')
    const gap = await post(0, 5)
    expect(gap.json).toMatchObject({ status: 409, code: 'sequence_gap', expected_sequence: 2 })
    expect(gap.headers['producer-expected-seq']).toBe('2')
    expect(gap.headers['producer-received-seq']).toBe('5')
    expect((await post(1, 0)).status).toBe(200)
    const fenced = await post(0, 2)
    expect(fenced.json).toMatchObject({ status: 403, code: 'producer_fenced', epoch: 1 })
    expect(fenced.headers['producer-epoch']).toBe('1')
    expect((await post(0, 0, 'till-4')).status).toBe(200)
    expect(await values('till')).toEqual(['0/0', '0/1', '1/0', '0/0'])
  })

  test('several records take as many numbers', async () => {
    await gateway.createTopic('tills')
    const records = [{ value: 'a' }, { value: 'b' }]
    expect((await gateway.post(pathOf('tills'), { records }, from(0, 0))).status).toBe(200)
    expect((await gateway.post(pathOf('tills'), { records }, from(0, 2))).status).toBe(200)
    expect((await gateway.post(pathOf('tills'), { records }, from(0, 2))).status).toBe(204)
    expect(await values('tills')).toEqual(['a', 'b', 'a', 'b'])
  })

  test('the three go together, in their bounds', async () => {
    const bad = [
      { 'producer-id': 'p' },
      { 'producer-epoch': '0', 'producer-seq': '0' },
      from(32_768, 0),
      from(0, 2 ** 31),
      from(-1, 0),
      { ...from(0, 0), 'idempotency-key': 'k' },
    ]
    for (const headers of bad) {
      const answer = await gateway.post(pathOf('bounds'), 'v', headers)
      expect(answer.json).toMatchObject({ status: 400, code: 'invalid_parameter' })
    }
  })
})
