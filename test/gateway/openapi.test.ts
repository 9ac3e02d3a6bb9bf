import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestGateway } from './test-gateway.ts'

let gateway: TestGateway
// biome-ignore lint/suspicious/noExplicitAny: a JSON document, walked as it is
let document: any

beforeAll(async () => {
  gateway = await TestGateway.start()
  document = (await gateway.get('/openapi.json')).json
})

afterAll(() => gateway[Symbol.asyncDispose]())

/** Every value under `node`, with the way to it. */
function* walk(node: unknown, path = ''): Generator<[string, unknown]> {
  yield [path, node]
  if (typeof node !== 'object' || node === null) return
  for (const [name, value] of Object.entries(node)) yield* walk(value, `${path}/${name}`)
}

describe('the description of the API', () => {
  test('is OpenAPI 3.1 and whole: every reference leads somewhere', () => {
    expect(document.openapi).toBe('3.1.0')
    const references = [...walk(document)].filter(([path]) => path.endsWith('/$ref'))
    expect(references.length).toBeGreaterThan(10)
    for (const [, reference] of references) {
      const found = String(reference)
        .slice(2)
        .split('/')
        // biome-ignore lint/suspicious/noExplicitAny: as above
        .reduce((node: any, name) => node?.[name], document)
      expect([reference, found !== undefined]).toEqual([reference, true])
    }
  })

  test('names every operation once', () => {
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const operations = Object.values(document.paths).flatMap((path: any) => Object.values(path))
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const ids = operations.map((operation: any) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toEqual(expect.arrayContaining(['produce', 'read', 'createTopic', 'listOffsets']))
  })

  test('every path it names is there, and every parameter of a path is described', async () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      for (const [method, operation] of Object.entries(methods as object)) {
        const described = (operation.parameters ?? [])
          .filter((parameter: { in: string }) => parameter.in === 'path')
          .map((parameter: { name: string }) => parameter.name)
        expect([path, described.sort()]).toEqual([path, names.sort()])
        if (method !== 'get') continue
        const answer = await gateway.get(
          path.replace('{topic}', 'none').replace('{partition}', '0').replace('{group}', 'none'),
        )
        expect([path, answer.json?.code]).not.toEqual([path, 'route_not_found'])
      }
    }
  })

  test('describes what validates: limits and names of the query', () => {
    const read = document.paths['/v1/topics/{topic}/records'].get
    const byName = Object.fromEntries(
      read.parameters.map((parameter: { name: string }) => [parameter.name, parameter]),
    )
    expect(byName['max_records'].schema).toMatchObject({ type: 'integer', maximum: 10_000 })
    expect(byName['wait'].schema).toMatchObject({ type: 'integer', maximum: 60_000 })
    expect(byName['format'].schema.enum).toEqual(['auto', 'json', 'string', 'base64'])
    const produce = document.paths['/v1/topics/{topic}/records'].post
    const types = Object.keys(produce.requestBody.content)
    expect(types).toEqual(expect.arrayContaining(['application/json', 'text/plain', '*/*']))
    expect(Object.keys(read.responses['200'].content)).toContain('text/event-stream')
  })
})
