// What is not there yet is refused at once, in the client's own words, and never left to time out.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { startDriver } from './drivers.ts'
import { finished } from './kafka/apache.ts'
import { startTarget, type Target } from './target.ts'

let target: Target

beforeAll(async () => {
  target = await startTarget()
}, 60_000)
afterAll(async () => {
  await target?.stop()
  target?.remove()
}, 30_000)

for (const client of ['java', 'confluent', 'kafkajs'] as const) {
  test(`a transaction of ${client}`, { timeout: 60_000 }, async () => {
    const begin = performance.now()
    const child = startDriver(client, 'transact', { bootstrap: target.bootstrap })
    const { stdout, stderr } = await finished(child, '', 50_000)
    expect(stdout + stderr).toContain('refused: ')
    expect(performance.now() - begin).toBeLessThan(6_000)
    console.log(`${client}: ${stdout.trim()}`)
  })
}
