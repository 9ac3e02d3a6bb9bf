// Pages of other origins: refused unless configured; what browsers ask and are told (Fetch, 3.2).

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Cors } from '../../services/gateway/src/cors.ts'
import { TestGateway } from './test-gateway.ts'

const app = 'https://app.example'
let gateway: TestGateway
let open: TestGateway

beforeAll(async () => {
  gateway = await TestGateway.start({ allowedOrigins: [app, 'http://localhost:*'] })
  open = await TestGateway.start({ allowedOrigins: ['*'] })
})

afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  await open[Symbol.asyncDispose]()
})

describe('origins', () => {
  test.each([
    ['https://app.example', true],
    ['HTTPS://APP.example', true],
    ['https://app.example:444', false],
    ['http://app.example', false],
    ['https://app.example.evil', false],
    ['http://localhost:3000', true],
    ['http://localhost:3000.evil', false],
    ['http://localhost', false],
    ['https://a.pages.example', true],
    ['https://a.b.pages.example', true],
    ['https://evil/x.pages.example', false],
    ['https://evil:1.pages.example', false],
    ['null', false],
  ])('%s: %s', (origin, allowed) => {
    const cors = new Cors([app, 'http://localhost:*', 'https://*.pages.example'])
    expect(cors.allows(origin)).toBe(allowed)
  })

  test('null and * are what they say', () => {
    expect(new Cors(['null']).allows('null')).toBe(true)
    expect(new Cors(['*']).allows('https://anywhere')).toBe(true)
    expect(new Cors([]).headers(app)).toEqual({})
  })
})

const preflight = (origin: string, method: string) => ({
  origin,
  'access-control-request-method': method,
  'access-control-request-headers': 'content-type,if-none-match,x-anything',
})

describe('preflights', () => {
  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])('%s, on every path', async (method) => {
    for (const path of ['/v1/topics', '/v1/topics/t/records?from=earliest', '/nowhere', '/']) {
      const answer = await gateway.request('OPTIONS', path, { headers: preflight(app, method) })
      expect(answer.status).toBe(204)
      expect(answer.headers).toMatchObject({
        'access-control-allow-origin': app,
        'access-control-allow-credentials': 'true',
        'access-control-allow-headers': 'content-type,if-none-match,x-anything',
        'access-control-max-age': '86400',
        vary: 'origin',
      })
      expect(answer.headers['access-control-allow-methods']).toContain(method)
    }
  })

  test('a foreign one is refused', async () => {
    const headers = preflight('https://evil.example', 'GET')
    const answer = await gateway.request('OPTIONS', '/v1/topics', { headers })
    expect(answer.status).toBe(403)
    expect(answer.json).toMatchObject({ code: 'foreign_origin', side_effects: 'none' })
    expect(answer.headers['access-control-allow-origin']).toBeUndefined()
  })

  test('into a private network', async () => {
    const headers = {
      ...preflight(app, 'GET'),
      'access-control-request-private-network': 'true',
    }
    const answer = await gateway.request('OPTIONS', '/v1/topics', { headers })
    expect(answer.headers['access-control-allow-private-network']).toBe('true')
  })

  test('an OPTIONS that is none lists the methods of its path', async () => {
    const answer = await gateway.request('OPTIONS', '/v1/topics', { headers: { origin: app } })
    expect(answer.status).toBe(204)
    expect(answer.headers.allow).toBe('GET, POST, HEAD, OPTIONS')
  })
})

describe('requests', () => {
  test('of a configured page: its scripts may read what came, errors too', async () => {
    const origin = { origin: 'http://localhost:3000' }
    for (const path of ['/v1/topics', '/v1/topics/none']) {
      const { headers } = await gateway.get(path, origin)
      expect(headers).toMatchObject({
        'access-control-allow-origin': 'http://localhost:3000',
        vary: 'origin',
      })
      expect(headers['access-control-expose-headers']).toMatch(/Request-Id.*Record-Position/)
    }
    const produced = await gateway.post('/v1/topics/of-pages/records', 'x', origin)
    expect(produced.status).toBe(200)
    expect(produced.headers['access-control-allow-origin']).toBe('http://localhost:3000')
  })

  test('of a foreign page are refused; those without a page never mind', async () => {
    const { status } = await gateway.get('/v1/topics', { origin: 'https://evil.example' })
    expect(status).toBe(403)
    const plain = await gateway.get('/v1/topics')
    expect(plain.status).toBe(200)
    expect(plain.headers.vary).toBe('origin')
    expect(plain.headers['access-control-allow-origin']).toBeUndefined()
  })

  test('of any page, where all may: no credentials', async () => {
    const { headers } = await open.get('/v1/topics', { origin: 'null' })
    expect(headers['access-control-allow-origin']).toBe('*')
    expect(headers['access-control-allow-credentials']).toBeUndefined()
    expect(headers.vary).toBeUndefined()
  })
})
