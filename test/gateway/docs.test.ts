// GET /docs: the reference as a page that needs nothing but itself.

import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { html } from '../../services/gateway/src/docs/html.ts'
import { schemaView } from '../../services/gateway/src/docs/schema-view.ts'
import { type Answer, TestGateway } from './test-gateway.ts'

let gateway: TestGateway
let page: Answer

beforeAll(async () => {
  gateway = await TestGateway.start()
  page = await gateway.get('/docs')
})

afterAll(() => gateway[Symbol.asyncDispose]())

test('loads nothing from anywhere, and its policy says so', () => {
  expect(page.status).toBe(200)
  expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
  const [, style] = /<style>([\s\S]*?)<\/style>/.exec(page.text)!
  const hash = createHash('sha256').update(style).digest('base64')
  const policy = page.headers['content-security-policy']
  expect(policy).toContain(`default-src 'none'; style-src 'sha256-${hash}'`)
  expect(policy).not.toMatch(/unsafe|script|https?:/)
  expect(page.text).not.toMatch(/<script|<img|src=|@import|url\(| style=/)
})

test('has every operation and every schema, and its links lead somewhere', async () => {
  const { json } = await gateway.get('/openapi.json')
  const ids = new Set([...page.text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))
  for (const methods of Object.values(json.paths)) {
    for (const { operationId } of Object.values(methods as object)) {
      expect(ids).toContain(operationId)
    }
  }
  for (const name of Object.keys(json.components.schemas)) expect(ids).toContain(`schema-${name}`)
  const links = [...page.text.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id)
  expect(links.filter((link) => !ids.has(link))).toEqual([])
})

test('lines to copy name the host that the reader used', () => {
  expect(page.text).toContain(`http://127.0.0.1:${gateway.port}/v1/topics/orders/records`)
})

test('what is put into HTML is escaped', async () => {
  expect(html`<p>${'<b>&"\''}</p>`.text).toBe('<p>&lt;b&gt;&amp;&quot;&#39;</p>')
  const { text } = await gateway.get('/docs', { host: 'localhost:1"><b>' })
  expect(text).not.toContain('<b>')
})

test('schemas read as types', () => {
  const schema = {
    type: 'object',
    required: ['name'],
    properties: {
      name: { type: 'string' },
      place: { $ref: '#/components/schemas/Place' },
      sizes: { type: 'array', items: { type: 'integer', minimum: 1 } },
      kind: { enum: ['a', null] },
      pair: { type: 'array', prefixItems: [{ type: 'string' }, { anyOf: [{ type: 'null' }, {}] }] },
      more: { type: 'object', additionalProperties: { const: 1 } },
    },
  }
  const text = schemaView(schema)
    .text.replace(/<[^>]+>/g, '')
    .replaceAll('&quot;', '"')
  expect(text).toBe(`{
  name: string
  place?: Place
  sizes?: [integer 1…, …]
  kind?: "a" | null
  pair?: [string, null | any JSON]
  more?: { [name]: 1 }
}`)
})
