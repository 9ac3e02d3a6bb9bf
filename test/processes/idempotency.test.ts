// Keyed HTTP requests with cut connections and kills of the broker, each stored once: the short form of
// `npm run chaos -- idempotency`.
//
//   KILL_SEED=… vitest run test/processes/idempotency.test.ts

import { expect, test } from 'vitest'
import { runKeyed } from '../chaos/idempotency/keyed-requests.ts'

const seed = process.env['KILL_SEED'] ?? String(Math.floor(Math.random() * 1e9))
const requests = 1000

test(`keyed requests are stored once, over cuts and kills, seed ${seed}`, async () => {
  const result = await runKeyed({ requests, cutShare: 0.3, kills: 2, seed })
  expect(result.violations).toEqual([])
  expect(result.records).toBe(requests)
  expect(result.cut).toBeGreaterThan(requests / 5)
  expect(result.replayed).toBeGreaterThan(requests / 20)
  expect(result.otherBodiesRefused).toBe(200)
}, 120_000)
