import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestGateway } from './test-gateway.ts'

let gateway: TestGateway

beforeAll(async () => {
  gateway = await TestGateway.start()
})

afterAll(() => gateway[Symbol.asyncDispose]())

describe('topics', () => {
  test('created, described, listed, deleted', async () => {
    const created = await gateway.post('/v1/topics', {
      name: 'orders',
      partitions: 3,
      config: { 'retention.ms': 60_000, 'cleanup.policy': 'compact' },
    })
    expect(created.status).toBe(201)
    expect(created.headers.location).toBe('/v1/topics/orders')
    expect(created.json).toEqual({
      name: 'orders',
      id: expect.stringMatching(/^[\w-]{22}$/),
      internal: false,
      partitions: 3,
      replication_factor: 1,
      config: { 'cleanup.policy': 'compact', 'retention.ms': '60000' },
    })
    expect((await gateway.get('/v1/topics/orders')).json).toEqual(created.json)
    const { topics } = (await gateway.get('/v1/topics')).json
    expect(topics.map(({ name }: { name: string }) => name)).toContain('orders')

    const deleted = await gateway.request('DELETE', '/v1/topics/orders')
    expect(deleted.status).toBe(202)
    const { id } = created.json
    expect(deleted.json).toEqual({ name: 'orders', id, state: 'deleting' })
    expect((await gateway.get('/v1/topics/orders')).status).toBe(404)
    expect((await gateway.request('DELETE', '/v1/topics/orders')).status).toBe(404)
  })

  test('one that exists, and what is not valid', async () => {
    await gateway.createTopic('taken')
    const again = await gateway.post('/v1/topics', { name: 'taken' })
    expect(again.status).toBe(409)
    expect(again.json).toMatchObject({
      code: 'topic_exists',
      kafka: { code: 36, name: 'TOPIC_ALREADY_EXISTS' },
      retriable: false,
      side_effects: 'none',
    })
    expect((await gateway.post('/v1/topics', { name: 'a/b' })).json.code).toBe('invalid_topic')
    const zero = await gateway.post('/v1/topics', { name: 'zero', partitions: 0 })
    expect(zero.status).toBe(422)
    expect(zero.json.errors[0].pointer).toBe('/partitions')
    const odd = await gateway.post('/v1/topics', { name: 'odd', partitons: 1 })
    expect(odd.json.errors[0].detail).toContain('partitons')
    const config = await gateway.post('/v1/topics', { name: 'odd', config: { 'retention.mss': 1 } })
    expect(config.status).toBe(422)
    expect(config.json.code).toBe('invalid_config')
    expect((await gateway.get('/v1/topics/odd')).status).toBe(404)
  })

  test('PUT makes it so, however often', async () => {
    const settings = { partitions: 2, config: { 'retention.ms': '1000' } }
    const first = await gateway.request('PUT', '/v1/topics/ensured', { body: settings })
    expect(first.status).toBe(201)
    const second = await gateway.request('PUT', '/v1/topics/ensured', { body: settings })
    expect(second.status).toBe(200)
    expect(second.json).toEqual(first.json)
    const more = await gateway.request('PUT', '/v1/topics/ensured', {
      body: { partitions: 4, config: { 'retention.ms': 2000 } },
    })
    expect(more.json).toMatchObject({ partitions: 4, config: { 'retention.ms': '2000' } })
    const fewer = await gateway.request('PUT', '/v1/topics/ensured', { body: { partitions: 1 } })
    expect(fewer.status).toBe(409)
  })

  test('PATCH adds partitions, sets and unsets configs', async () => {
    await gateway.createTopic('grown', { configs: { 'retention.ms': '5' } })
    const grown = await gateway.request('PATCH', '/v1/topics/grown', {
      body: { partitions: 5, config: { 'retention.ms': null, 'segment.bytes': 1_048_576 } },
    })
    expect(grown.json).toMatchObject({ partitions: 5, config: { 'segment.bytes': '1048576' } })
    expect(grown.json.config['retention.ms']).toBeUndefined()
    const body = { partitions: 2 }
    const shrunk = await gateway.request('PATCH', '/v1/topics/grown', { body })
    expect(shrunk.status).toBe(422)
    expect((await gateway.request('PATCH', '/v1/topics/no', { body })).status).toBe(404)
  })

  test('pages by name', async () => {
    for (const name of ['page.a', 'page.b', 'page.c']) await gateway.createTopic(name)
    const first = (await gateway.get('/v1/topics?limit=2&after=page.')).json
    expect(first.topics.map((topic: { name: string }) => topic.name)).toEqual(['page.a', 'page.b'])
    expect(first.next).toBe('page.b')
    const rest = (await gateway.get(`/v1/topics?limit=2&after=${first.next}`)).json
    expect(rest.topics[0].name).toBe('page.c')
    expect((await gateway.get('/v1/topics?limit=0')).status).toBe(400)
    expect((await gateway.get('/v1/topics?limti=5')).json.detail).toContain('limti')
  })

  test('partitions and offsets', async () => {
    await gateway.createTopic('placed', { partitions: 2 })
    const { partitions } = (await gateway.get('/v1/topics/placed/partitions')).json
    expect(partitions).toEqual([
      { partition: 0, leader: 1, leader_epoch: 0, replicas: [1], isr: [1], offline: [] },
      { partition: 1, leader: 1, leader_epoch: 0, replicas: [1], isr: [1], offline: [] },
    ])
    const records = [1, 2, 3].map((n) => ({ value: n, partition: 0, timestamp: n * 1000 }))
    await gateway.post('/v1/topics/placed/records', { records })
    const at = async (query: string) =>
      (await gateway.get(`/v1/topics/placed/offsets${query}`)).json.offsets.map(
        ({ offset, timestamp }: { offset: number; timestamp: number }) => [offset, timestamp],
      )
    expect(await at('')).toEqual([
      [3, null],
      [0, null],
    ])
    expect(await at('?at=earliest')).toEqual([
      [0, null],
      [0, null],
    ])
    expect(await at('?at=1500')).toEqual([
      [1, 2000],
      [null, null],
    ])
    expect(await at('?at=1970-01-01T00:00:02Z')).toEqual(await at('?at=ts:2000'))
    expect((await gateway.get('/v1/topics/placed/offsets?at=noon')).status).toBe(400)
    expect((await gateway.get('/v1/topics/nowhere/offsets')).status).toBe(404)
  })
})

describe('the service', () => {
  test('health, readiness, metrics, welcome', async () => {
    expect((await gateway.get('/healthz')).text).toBe('ok\n')
    expect((await gateway.get('/readyz')).status).toBe(200)
    gateway.ready = false
    expect((await gateway.get('/readyz')).status).toBe(503)
    gateway.ready = true
    const metrics = await gateway.get('/metrics')
    expect(metrics.headers['content-type']).toContain('version=0.0.4')
    expect(metrics.text).toContain('sluice_http_responses_total{status="201"}')
    const welcome = await gateway.get('/')
    expect(welcome.text).toContain(`http://127.0.0.1:${gateway.port}/v1/topics`)
  })

  test('paths and methods that are not there', async () => {
    const path = await gateway.get('/v2/topics')
    expect(path.status).toBe(404)
    expect(path.json).toMatchObject({ code: 'route_not_found', instance: '/v2/topics' })
    const method = await gateway.request('DELETE', '/v1/topics')
    expect(method.status).toBe(405)
    expect(method.headers.allow).toBe('GET, POST, HEAD, OPTIONS')
    const options = await gateway.request('OPTIONS', '/v1/topics/a/records')
    expect(options.status).toBe(204)
    expect(options.headers.allow).toBe('POST, GET, HEAD, OPTIONS')
    const head = await gateway.request('HEAD', '/v1/topics')
    expect(head.status).toBe(200)
    expect(head.body.length).toBe(0)
  })

  test('JSON is asked for where JSON is needed', async () => {
    const body = 'name=x'
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await gateway.post('/v1/topics', body, type)).status).toBe(415)
    const broken = await gateway.post('/v1/topics', '{"name":', {
      'content-type': 'application/json',
    })
    expect(broken.status).toBe(400)
    expect(broken.json).toMatchObject({ code: 'malformed_json', position: 8, line: 1, column: 9 })
  })

  test('a strange Host or Origin gets 403 and nothing is stored', async () => {
    await gateway.createTopic('guarded')
    const path = '/v1/topics/guarded/records'
    for (const headers of [
      { host: 'evil.example' },
      { origin: 'http://evil.example' },
      { origin: 'null' },
    ]) {
      const refused = await gateway.post(path, 'x', headers)
      expect(refused.status).toBe(403)
      expect(refused.headers['content-type']).toBe('application/problem+json')
    }
    const own = { origin: `http://127.0.0.1:${gateway.port}` }
    expect((await gateway.post(path, 'own', own)).status).toBe(200)
    expect((await gateway.get(path, { accept: 'text/plain' })).text).toBe('own\n')
  })
})
