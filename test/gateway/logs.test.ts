// What a client is told of a problem and what the log says of it share the request id.

import { type Logger, silentLogger } from '@sluice/core/host/logger'
import { expect, test } from 'vitest'
import { TestGateway } from './test-gateway.ts'

test('a problem has a line at DEBUG with the request id of its answer', async () => {
  const lines: Record<string, unknown>[] = []
  const logger: Logger = {
    ...silentLogger,
    debug: (fields, message) => lines.push({ ...fields, message }),
  }
  await using gateway = await TestGateway.start({ logger })
  const { headers, json } = await gateway.get('/v1/topics/nowhere')
  const requestId = json.request_id
  expect(headers['request-id']).toBe(requestId)
  expect(lines.filter((line) => line['requestId'] === requestId)).toMatchObject([
    { message: 'a problem was answered', path: '/v1/topics/nowhere', method: 'GET' },
  ])
})
