// Bodies that are neither JSON nor one record: record batches, binary records, CloudEvents.

import { readBatchHeader } from '@sluice/protocol/records/batch'
import { encodeBatch } from '@sluice/protocol/records/record'
import type { RecordInput } from '@sluice/protocol/records/record-writer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestGateway } from './test-gateway.ts'

let gateway: TestGateway

beforeAll(async () => {
  gateway = await TestGateway.start({ limits: { recordsMax: 100 } })
})

afterAll(() => gateway[Symbol.asyncDispose]())

const pathOf = (topic: string) => `/v1/topics/${topic}/records`

async function stored(topic: string) {
  const { records } = (await gateway.get(`${pathOf(topic)}?format=string`)).json
  return records
}

async function batchesIn(topic: string): Promise<Buffer> {
  const accept = { accept: 'application/vnd.kafka.recordbatch' }
  const path = `/v1/topics/${topic}/partitions/0/records?from=earliest`
  return (await gateway.get(path, accept)).body
}

const record = (value: string): RecordInput => ({
  timestamp: 1767225600000,
  key: Buffer.from('k'),
  value: Buffer.from(value),
})

describe('application/vnd.kafka.recordbatch', () => {
  const type = { 'content-type': 'application/vnd.kafka.recordbatch' }

  test('batches are stored as they are, in the codec of the client', async () => {
    await gateway.createTopic('raw')
    const batches = [
      encodeBatch({ records: [record('a'), record('b')], codec: 'lz4', baseOffset: 500 }),
      encodeBatch({ records: [record('c')], codec: 'none', leaderEpoch: 9 }),
    ]
    const answer = await gateway.post(pathOf('raw'), Buffer.concat(batches), type)
    expect(answer.json).toEqual({
      results: [
        { partition: 0, offset: 0, timestamp: 1767225600000, count: 2 },
        { partition: 0, offset: 2, timestamp: 1767225600000, count: 1 },
      ],
      ack: 'durable',
    })
    expect((await stored('raw')).map(({ value }: { value: string }) => value)).toEqual([
      'a',
      'b',
      'c',
    ])
    const read = await batchesIn('raw')
    expect(readBatchHeader(read, 0)).toMatchObject({ codec: 'lz4', baseOffset: 0 })
    expect(read.subarray(21, batches[0].length)).toEqual(batches[0].subarray(21))
  })

  test('what one topic gives another takes, marks of keys included', async () => {
    await gateway.createTopic('from')
    await gateway.createTopic('to')
    await gateway.post(pathOf('from'), 'v', { 'idempotency-key': 'k' })
    await gateway.post(pathOf('from'), 'w')
    const copied = await gateway.post(pathOf('to'), await batchesIn('from'), type)
    expect(copied.status).toBe(200)
    const fresh = await gateway.post(pathOf('to'), 'v', { 'idempotency-key': 'k' })
    expect(fresh.headers['idempotency-replayed']).toBeUndefined()
    expect(await stored('to')).toHaveLength(3)
  })

  test('once only, under a key', async () => {
    await gateway.createTopic('raw-once')
    const records = [record('a'), record('b')]
    const body = Buffer.concat([
      encodeBatch({ records, codec: 'gzip' }),
      encodeBatch({ records, codec: 'zstd' }),
    ])
    const headers = { ...type, 'idempotency-key': 'k' }
    const first = await gateway.post(pathOf('raw-once'), body, headers)
    const again = await gateway.post(pathOf('raw-once'), body, headers)
    expect(again.headers['idempotency-replayed']).toBe('true')
    expect(again.json).toEqual(first.json)
    expect(await stored('raw-once')).toHaveLength(4)
    expect(readBatchHeader(await batchesIn('raw-once'), 0).codec).toBe('gzip')
  })

  test('its own producer is asked for its sequence', async () => {
    await gateway.createTopic('raw-seq')
    const numbered = (baseSequence: number) =>
      encodeBatch({ records: [record('a')], producerId: 5, producerEpoch: 0, baseSequence })
    const post = (body: Buffer) => gateway.post(pathOf('raw-seq'), body, type)
    expect((await post(numbered(0))).status).toBe(200)
    expect((await post(numbered(0))).json.results[0].offset).toBe(0)
    expect((await post(numbered(7))).status).toBe(409)
    expect(await stored('raw-seq')).toHaveLength(1)
  })

  test('where it ends, one batch', async () => {
    await gateway.createTopic('raw-at')
    const batch = encodeBatch({ records: [record('a')] })
    const headers = { ...type, 'if-match': '"0"' }
    const two = await gateway.post(pathOf('raw-at'), Buffer.concat([batch, batch]), headers)
    expect(two.status).toBe(400)
    expect((await gateway.post(pathOf('raw-at'), batch, headers)).headers['etag']).toBe('"1"')
    expect((await gateway.post(pathOf('raw-at'), batch, headers)).status).toBe(412)
  })

  test('what is damaged stores nothing', async () => {
    await gateway.createTopic('raw-bad', { partitions: 2 })
    const good = encodeBatch({ records: [record('a')] })
    const crc = Buffer.from(good)
    crc[crc.length - 1] ^= 1
    const magic = Buffer.from(good)
    magic[16] = 1
    const control = encodeBatch({ records: [record('a')], control: true })
    const transactional = encodeBatch({ records: [record('a')], transactional: true })
    const path = '/v1/topics/raw-bad/partitions/1/records'
    for (const bad of [
      crc,
      magic,
      control,
      transactional,
      good.subarray(0, -1),
      Buffer.from('x'),
    ]) {
      const answer = await gateway.post(path, Buffer.concat([good, bad]), type)
      expect(answer.json).toMatchObject({
        status: 422,
        code: 'invalid_record',
        side_effects: 'none',
      })
      expect(answer.json.errors[0].index).toBe(1)
    }
    expect((await gateway.post(path, Buffer.alloc(0), type)).status).toBe(422)
    // Which of several partitions is meant cannot be guessed.
    expect((await gateway.post(pathOf('raw-bad'), good, type)).status).toBe(400)
    expect((await gateway.post(`${pathOf('raw-bad')}?partition=7`, good, type)).status).toBe(404)
    expect(await stored('raw-bad')).toEqual([])
    expect((await gateway.post(path, good, type)).status).toBe(200)
  })
})

describe('application/vnd.stream.records', () => {
  const type = { 'content-type': 'application/vnd.stream.records' }

  const varint = (value: number): number[] => {
    const bytes: number[] = []
    let raw = value < 0 ? -2 * value - 1 : 2 * value
    for (; raw >= 128; raw = Math.floor(raw / 128)) bytes.push((raw % 128) | 128)
    return [...bytes, raw]
  }
  const bytes = (value: Buffer | null) =>
    value === null ? varint(-1) : [...varint(value.length), ...value]
  const encoded = (
    key: Buffer | null,
    value: Buffer | null,
    headers: [string, Buffer | null][],
  ) => {
    const body = [
      ...bytes(key),
      ...bytes(value),
      ...varint(headers.length),
      ...headers.flatMap(([name, it]) => [...bytes(Buffer.from(name)), ...bytes(it)]),
    ]
    return Buffer.from([...varint(body.length), ...body])
  }

  test('keys, values and headers, byte for byte', async () => {
    const body = Buffer.concat([
      encoded(Buffer.from('k'), Buffer.from([0, 255]), [['a', Buffer.from('b')]]),
      encoded(null, null, [['n', null]]),
      encoded(null, Buffer.alloc(300, 'x'), []),
    ])
    const answer = await gateway.post(pathOf('binary'), body, type)
    expect(answer.json.results).toHaveLength(3)
    expect(await stored('binary')).toMatchObject([
      { key: 'k', value_b64: 'AP8=', headers: [['a', 'b']] },
      { key: null, value: null, headers: [['n', null]] },
      { value: 'x'.repeat(300) },
    ])
  })

  test('nothing of a body that is cut anywhere', async () => {
    const body = Buffer.concat([
      encoded(null, Buffer.from('a'), []),
      encoded(null, Buffer.from('b'), [['h', Buffer.from('c')]]),
    ])
    const whole = encoded(null, Buffer.from('a'), []).length
    for (let end = 0; end < body.length; end++) {
      if (end === whole) continue
      const answer = await gateway.post(pathOf('binary-cut'), body.subarray(0, end), type)
      expect([end, answer.status]).toEqual([end, 422])
    }
    const many = Buffer.concat(Array.from({ length: 101 }, () => encoded(null, null, [])))
    expect((await gateway.post(pathOf('binary-cut'), many, type)).status).toBe(413)
  })
})

describe('CloudEvents', () => {
  const event = {
    specversion: '1.0',
    id: '1',
    source: '/orders',
    type: 'paid',
    partitionkey: 'order-17',
  }
  const attributes = [
    ['ce_specversion', '1.0'],
    ['ce_id', '1'],
    ['ce_source', '/orders'],
    ['ce_type', 'paid'],
    ['ce_partitionkey', 'order-17'],
  ]

  test('structured: the data is the value, exactly; attributes are headers', async () => {
    const type = { 'content-type': 'application/cloudevents+json; charset=utf-8' }
    const text = `{${JSON.stringify(event).slice(1, -1)},"data":{"total": 12.50}}`
    expect((await gateway.post(pathOf('ce'), text, type)).status).toBe(200)
    const [read] = await stored('ce')
    expect(read).toMatchObject({ key: 'order-17', value: '{"total": 12.50}' })
    expect(read.headers).toEqual([...attributes, ['content-type', 'application/json']])
  })

  test('structured: bytes, text, a JSON string, and no data', async () => {
    const type = { 'content-type': 'application/cloudevents-batch+json' }
    const events = [
      { ...event, data_base64: 'AP8=' },
      { ...event, datacontenttype: 'text/plain', data: 'plain' },
      { ...event, data: 'a JSON string' },
      { ...event, data: null, traceparent: '00-1', n: 3 },
    ]
    expect((await gateway.post(pathOf('ce-batch'), JSON.stringify(events), type)).status).toBe(200)
    const read = await stored('ce-batch')
    expect(read).toMatchObject([
      { value_b64: 'AP8=' },
      { value: 'plain' },
      { value: '"a JSON string"' },
      { value: null },
    ])
    expect(read[1].headers).toContainEqual(['content-type', 'text/plain'])
    expect(read[3].headers).toContainEqual(['ce_n', '3'])
  })

  test('binary: the body is the data, whatever its type', async () => {
    const headers = {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': '1',
      'ce-source': '/orders',
      'ce-type': 'paid%20%E2%82%AC',
      'ce-partitionkey': 'k',
    }
    expect((await gateway.post(pathOf('ce-http'), '[1, 2]', headers)).status).toBe(200)
    const [read] = await stored('ce-http')
    expect(read).toMatchObject({ key: 'k', value: '[1, 2]' })
    expect(read.headers).toContainEqual(['ce_type', 'paid €'])
    expect(read.headers).toContainEqual(['content-type', 'application/json'])
  })

  test('what is no event stores nothing', async () => {
    const type = { 'content-type': 'application/cloudevents+json' }
    const { id: _, ...anonymous } = event
    const bad = [
      anonymous,
      { ...event, specversion: '0.3' },
      { ...event, 'Not-Lower': 'x' },
      { ...event, nested: {} },
      { ...event, data: 1, data_base64: 'AA==' },
      [event],
      'text',
    ]
    for (const body of bad) {
      const answer = await gateway.post(pathOf('ce-bad'), JSON.stringify(body), type)
      expect(answer.json).toMatchObject({ status: 422, code: 'invalid_record' })
    }
    const binary = await gateway.post(pathOf('ce-bad'), 'v', {
      'ce-specversion': '1.0',
      'ce-id': '1',
    })
    expect(binary.status).toBe(422)
  })
})
