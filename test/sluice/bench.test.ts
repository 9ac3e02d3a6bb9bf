import { expect, test } from 'vitest'
import { againstEmbedded } from './against-embedded.ts'

const { run, output } = againstEmbedded()

test('sluice bench produces and consumes so many records, and leaves nothing behind', async () => {
  const load = ['--count', '500', '--size', '100', '--partitions', '2', '--codec', 'lz4']
  const result = JSON.parse(await output(['bench', ...load, '--json']))
  expect(result).toMatchObject({
    load: { size: 100, codec: 'lz4', acks: 'all', rate: null },
    produce: { records: 500 },
    consume: { records: 500 },
  })
  const { p50, p99, p999, max } = result.produce.latencyMs
  expect(p50).toBeGreaterThan(0)
  expect([p50, p99, p999, max]).toEqual([p50, p99, p999, max].sort((a, b) => a - b))
  expect(await output(['topics', 'list'])).toBe('')
})

test('sluice bench keeps to a rate, on a topic that stays', async () => {
  await output(['topics', 'create', 'load'])
  const load = ['--topic', 'load', '--rate', '200', '--duration', '1s', '--no-consume']
  const text = await output(['bench', ...load])
  const [, records] = /^produce +(\d+)/m.exec(text) ?? []
  expect(Number(records)).toBeGreaterThan(0)
  expect(Number(records)).toBeLessThanOrEqual(200)
  expect(await output(['topics', 'list'])).toBe('load\n')
})

test('sluice bench says what is wrong', async () => {
  const missing = await run(['bench', '--topic', 'missing'])
  expect([missing.status, missing.stderr]).toEqual([
    1,
    expect.stringMatching(/^sluice: topic missing: it does not exist/),
  ])
  expect((await run(['bench', '--count', '1', '--duration', '1s'])).status).toBe(2)
})
