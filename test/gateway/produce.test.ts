import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'
import { partitionOfKey } from '@sluice/core/kafka-client/partitioner'
import { errors } from '@sluice/protocol/errors'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, TestGateway } from './test-gateway.ts'

let gateway: TestGateway
const limits = { bodyBytesMax: 2 * 1024 * 1024, recordsMax: 100 }

beforeAll(async () => {
  gateway = await TestGateway.start({ limits })
})

afterAll(() => gateway[Symbol.asyncDispose]())

test('memory of bodies is used again, and each record is what it was', async () => {
  const topic = '/v1/topics/reused/records'
  const values = Array.from({ length: 12 }, (_, n) => `${n} `.repeat(30_000))
  for (const some of [values.slice(0, 4), values.slice(4, 8), values.slice(8)]) {
    const sent = some.map((value) => {
      return gateway.post(topic, { records: [{ value }, { value: value.slice(0, 9) }] })
    })
    const answers = await Promise.all(sent)
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  }
  const answer = await gateway.get(`${topic}?format=string&max_bytes=4000000`)
  const { records } = answer.json as { records: { value: string }[] }
  const found = new Set(records.map(({ value }) => value))
  const missing = values.filter((value) => !found.has(value) || !found.has(value.slice(0, 9)))
  expect(missing.map(({ length }) => length)).toEqual([])
  expect(records).toHaveLength(24)
})

async function stored(topic: string) {
  const { records } = (await gateway.get(`/v1/topics/${topic}/records?format=string`)).json
  return records
}

describe('raw produce', () => {
  test('a body is a record; the topic comes to be', async () => {
    const answer = await gateway.post('/v1/topics/fresh/records', Buffer.from([0, 255, 10]))
    expect(answer.status).toBe(200)
    expect(answer.json).toEqual({
      results: [{ partition: 0, offset: 0, timestamp: expect.any(Number) }],
      ack: 'durable',
    })
    expect(await stored('fresh')).toMatchObject([{ offset: 0, key: null, value_b64: 'AP8K' }])
  })

  test('key, time and headers', async () => {
    const headers = {
      'Record-Key': 'k1',
      'Record-Timestamp': '1767225600000',
      'Record-Header': ['a=b', 'c=:/w==:'],
    }
    await gateway.post('/v1/topics/dressed/records', 'v', headers)
    await gateway.post('/v1/topics/dressed/records?key=k%C3%BC', '')
    expect(await stored('dressed')).toMatchObject([
      {
        key: 'k1',
        value: 'v',
        timestamp: 1767225600000,
        headers: [
          ['a', 'b'],
          ['c', { b64: '/w==' }],
        ],
      },
      { key: 'kü', value: '', headers: [] },
    ])
  })

  test('acks and the short answer', async () => {
    const path = '/v1/topics/acks/records'
    const acks = async (query: string) => (await gateway.post(path + query, 'v')).json
    expect(await acks('?acks=all')).toMatchObject({ ack: 'durable', results: [{ offset: 0 }] })
    expect(await acks('?acks=1')).toMatchObject({ ack: 'leader', results: [{ offset: 1 }] })
    expect(await acks('?acks=0')).toMatchObject({ ack: 'none', results: [{ offset: null }] })
    expect(await acks('?acks=2')).toMatchObject({ status: 400, code: 'invalid_parameter' })
    const minimal = await gateway.post(path, 'v', { prefer: 'respond-async, return=minimal' })
    expect(minimal.status).toBe(204)
    expect(minimal.headers['record-position']).toBe('p=0;o=3..3')
  })

  test('compressed bodies, bounded when they are open', async () => {
    const path = '/v1/topics/packed/records'
    const gzip = { 'content-encoding': 'gzip' }
    expect((await gateway.post(path, gzipSync('zipped'), gzip)).status).toBe(200)
    const zstd = { 'content-encoding': 'zstd' }
    expect((await gateway.post(path, zstdCompressSync('stood'), zstd)).status).toBe(200)
    const bomb = await gateway.post(path, gzipSync(Buffer.alloc(limits.bodyBytesMax + 1)), gzip)
    expect(bomb.status).toBe(413)
    expect((await gateway.post(path, 'no gzip', gzip)).status).toBe(400)
    const br = { 'content-encoding': 'br' }
    expect((await gateway.post(path, brotliCompressSync('brewed'), br)).status).toBe(200)
    const deflate = { 'content-encoding': 'deflate' }
    expect((await gateway.post(path, deflateSync('flat'), deflate)).status).toBe(200)
    expect((await gateway.post(path, deflateRawSync('raw'), deflate)).status).toBe(200)
    const brBomb = await gateway.post(
      path,
      brotliCompressSync(Buffer.alloc(limits.bodyBytesMax + 1)),
      br,
    )
    expect(brBomb.status).toBe(413)
    const unknown = await gateway.post(path, 'x', { 'content-encoding': 'lzma' })
    expect(unknown.status).toBe(415)
    expect(unknown.headers['accept-encoding']).toContain('gzip')
    expect((await stored('packed')).map(({ value }: { value: string }) => value)).toEqual([
      'zipped',
      'stood',
      'brewed',
      'flat',
      'raw',
    ])
  })

  test('too large is refused, with a length and without', async () => {
    const path = '/v1/topics/large/records'
    const large = Buffer.alloc(limits.bodyBytesMax + 1)
    const declared = await gateway.post(path, large)
    expect(declared.status).toBe(413)
    expect(declared.json.code).toBe('body_too_large')
    const streamed = await fetch(gateway.url(path), {
      method: 'POST',
      body: new Blob([large]).stream(),
      duplex: 'half',
    } as RequestInit)
    expect(streamed.status).toBe(413)
    // The topic's own limit is the broker's to check.
    const record = await gateway.post(path, Buffer.alloc(1_100_000))
    expect(record.status).toBe(413)
    expect(record.json).toMatchObject({ code: 'record_too_large', kafka: { code: 10 } })
    expect(await stored('large')).toEqual([])
  })
})

describe('JSON produce', () => {
  test('keys go where a Java client sends them', async () => {
    await gateway.createTopic('keyed', { partitions: 5 })
    const keys = Array.from({ length: 40 }, (_, n) => `key-${n}`)
    const records = keys.map((key) => ({ key, value: key }))
    const { results } = (await gateway.post('/v1/topics/keyed/records', { records })).json
    const partitions = results.map(({ partition }: { partition: number }) => partition)
    expect(partitions).toEqual(keys.map((key) => partitionOfKey(Buffer.from(key), 5)))
  })

  test('bare values', async () => {
    const answer = await gateway.post('/v1/topics/bare/records?values=true', [1, 'a', { b: [] }])
    expect(answer.json.results.map(({ offset }: { offset: number }) => offset)).toEqual([0, 1, 2])
    const { records } = (await gateway.get('/v1/topics/bare/records')).json
    expect(records.map(({ value }: { value: unknown }) => value)).toEqual([1, 'a', { b: [] }])
  })

  test('values=true without a JSON type is a mistake, not one raw record', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await gateway.post('/v1/topics/bare/records?values=true', '[1]', form)
    expect(answer.status).toBe(415)
    expect(answer.json.detail).toContain('application/json')
  })

  test('a partition by path or by record', async () => {
    await gateway.createTopic('parted', { partitions: 3 })
    const path = '/v1/topics/parted/partitions/2/records'
    expect((await gateway.post(path, 'x')).json.results[0].partition).toBe(2)
    const records = [{ value: 1, partition: 1 }]
    const direct = await gateway.post('/v1/topics/parted/records', { records })
    expect(direct.json.results[0].partition).toBe(1)
    expect((await gateway.post(path, { records })).status).toBe(422)
    const beyond = await gateway.post('/v1/topics/parted/partitions/3/records', 'x')
    expect(beyond.status).toBe(404)
    expect(beyond.json.code).toBe('partition_not_found')
    expect((await gateway.post('/v1/topics/parted/partitions/x/records', 'x')).status).toBe(400)
  })

  test('some stored, some not: 207, and each result says which', async () => {
    await gateway.createTopic('mixed', { configs: { 'max.message.bytes': '1000' } })
    const records = [
      { value: 'small', id: 'a' },
      { value: 'x'.repeat(2000), id: 'b' },
      { value: 'small too', id: 'c' },
    ]
    const answer = await gateway.post('/v1/topics/mixed/records', { records })
    expect(answer.status).toBe(207)
    expect(answer.json).toMatchObject({
      ack: 'durable',
      side_effects: 'partial',
      results: [
        { id: 'a', partition: 0, offset: expect.any(Number) },
        { id: 'b', error: { code: 'record_too_large', status: 413, retriable: false } },
        { id: 'c', partition: 0, offset: expect.any(Number) },
      ],
    })
    expect((await stored('mixed')).length).toBe(2)
  })

  test('none stored is never 200', async () => {
    await gateway.createTopic('compacted', { configs: { 'cleanup.policy': 'compact' } })
    const records = [{ value: 1 }, { value: 2 }]
    const answer = await gateway.post('/v1/topics/compacted/records', { records })
    expect(answer.status).toBe(422)
    expect(answer.json).toMatchObject({ code: 'invalid_record', side_effects: 'none' })
    expect(answer.json.errors.length).toBe(2)
  })

  test('limits and mistakes store nothing', async () => {
    const path = '/v1/topics/limited/records'
    await gateway.createTopic('limited')
    const many = Array.from({ length: limits.recordsMax + 1 }, () => ({ value: 1 }))
    const refusals: [Promise<Answer>, number, string][] = [
      [gateway.post(path, { records: many }), 413, 'too_many_records'],
      [gateway.post(path, { records: [{ value: 1 }, { valu: 1 }] }), 422, 'invalid_record'],
      [gateway.post(path, '{', { 'content-type': 'application/json' }), 400, 'malformed_json'],
      [
        gateway.post(path, '{}\n{}', { 'content-type': 'application/x-ndjson' }),
        422,
        'invalid_record',
      ],
      [gateway.post(`${path}?aks=1`, 'x'), 400, 'invalid_parameter'],
    ]
    for (const [answer, status, code] of refusals) {
      expect(await answer).toMatchObject({ status, json: { code, status } })
    }
    expect(await stored('limited')).toEqual([])
  })
})

describe('produce in trouble', () => {
  test('a topic that is not there and may not be made', async () => {
    await using strict = await TestGateway.start({
      config: { 'auto.create.topics.enable': 'false' },
    })
    const answer = await strict.post('/v1/topics/none/records', 'x')
    expect(answer.status).toBe(404)
    expect(answer.json).toMatchObject({ code: 'topic_not_found', kafka: { code: 3 } })
  })

  test('a leader that is moving is found again', async () => {
    await gateway.createTopic('moving')
    gateway.faults.fail('Produce', errors.NOT_LEADER_OR_FOLLOWER, { times: 2 })
    const answer = await gateway.post('/v1/topics/moving/records', 'x')
    expect(answer.status).toBe(200)
    expect((await stored('moving')).length).toBe(1)
  })

  test('a topic made again with fewer partitions takes what had its place in the others', async () => {
    const keys = Array.from({ length: 20 }, (_, n) => `key-${n}`)
    expect(keys.some((key) => partitionOfKey(Buffer.from(key), 5) > 0)).toBe(true)
    const records = keys.map((key) => ({ key, value: key }))
    await gateway.createTopic('shrunk', { partitions: 5 })
    expect((await gateway.post('/v1/topics/shrunk/records', { records })).status).toBe(200)
    await gateway.request('DELETE', '/v1/topics/shrunk')
    await gateway.createTopic('shrunk', { partitions: 1 })
    const again = await gateway.post('/v1/topics/shrunk/records', { records })
    expect(again.status).toBe(200)
    expect((await stored('shrunk')).length).toBe(20)
  })

  test('a refusal by the broker is told by its own problem', async () => {
    await gateway.createTopic('denied')
    gateway.faults.fail('Produce', errors.TOPIC_AUTHORIZATION_FAILED, { times: 1 })
    const answer = await gateway.post('/v1/topics/denied/records', 'x')
    expect(answer.status).toBe(403)
    expect(answer.json.kafka.name).toBe('TOPIC_AUTHORIZATION_FAILED')
  })

  test('requests of one turn are one batch, and a bad one spoils no other', async () => {
    await gateway.createTopic('shared', { configs: { 'max.message.bytes': '100000' } })
    const bodies = Array.from({ length: 30 }, (_, n) => 'x'.repeat(n === 7 ? 200_000 : 50 + n))
    const answers = await Promise.all(
      bodies.map((body) => gateway.post('/v1/topics/shared/records', body)),
    )
    expect(answers.map(({ status }) => status)).toEqual(bodies.map((_, n) => (n === 7 ? 413 : 200)))
    const offsets = answers.filter(({ status }) => status === 200)
    expect(new Set(offsets.map(({ json }) => json.results[0].offset)).size).toBe(29)
  })
})
