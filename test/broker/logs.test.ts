// Log lines: what a client's own line can be matched with, and how much is said at which level.

import { Writable } from 'node:stream'
import type { Logger } from '@sluice/core/host/logger'
import { nodeLogger } from '@sluice/core/host/node/logger'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { afterEach, expect, test } from 'vitest'
import { TestBroker, type TestClient } from './test-broker.ts'

interface Line {
  readonly level: string
  readonly message: string
  readonly fields: Record<string, unknown>
}

let running: TestBroker
let client: TestClient
let lines: Line[]
afterEach(() => running.close())

async function start(): Promise<void> {
  lines = []
  const keep = (level: string) => (fields: object, message: string) => {
    lines.push({ level, message, fields: { ...fields } })
  }
  const logger: Logger = {
    debug: keep('debug'),
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
  }
  running = await TestBroker.start({ logger })
  client = await running.connect()
  await running.createTopic('orders')
  lines.length = 0
}

async function setLevel(name: string, value: string | null): Promise<void> {
  const configOperation = value === null ? 1 : 0
  const { responses } = await client.send(apis.incrementalAlterConfigs, 1, {
    resources: [
      { resourceType: 8, resourceName: '1', configs: [{ name, configOperation, value }] },
    ],
    validateOnly: false,
  })
  expect(responses[0].errorMessage).toBe(null)
}

test('a request leaves no line at INFO, and one at DEBUG of the request logger', async () => {
  await start()
  await client.produce('orders', ['a'])
  expect(lines).toEqual([])
  await setLevel('kafka.request.logger', 'DEBUG')
  lines.length = 0
  await client.produce('orders', ['b'])
  expect(lines).toMatchObject([
    {
      level: 'debug',
      message: 'answered',
      fields: {
        api: 'Produce',
        apiVersion: 9,
        clientId: 'test',
        correlationId: 3,
        connectionId: expect.stringMatching(/^broker:9092-broker:\d+-1$/),
        principal: 'User:ANONYMOUS',
        listener: 'PLAINTEXT',
        totalMs: expect.any(Number),
      },
    },
  ])
  await setLevel('kafka.request.logger', null)
  lines.length = 0
  await client.produce('orders', ['c'])
  expect(lines).toEqual([])
})

test('a request that fails is named by connection, client and correlation id', async () => {
  await start()
  const { controller } = running.broker.cluster
  controller.createTopics = () => Promise.reject(new Error('the table burnt down'))
  const answer = await client.send(apis.createTopics, 5, {
    topics: [{ name: 'x', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
  })
  expect(answer.topics[0].errorCode).toBe(errors.UNKNOWN_SERVER_ERROR)
  expect(lines).toMatchObject([
    {
      level: 'error',
      message: 'a request failed',
      fields: {
        api: 'CreateTopics',
        apiVersion: 5,
        clientId: 'test',
        correlationId: 1,
        connectionId: expect.any(String),
        cause: expect.objectContaining({ message: 'the table burnt down' }),
      },
    },
  ])
})

test('a connection that is closed is named by what it asked last', async () => {
  await start()
  await client.produce('orders', ['a'])
  client.write(Buffer.from('0000000affff000000000001ffff', 'hex'))
  await client.closed
  expect(lines).toMatchObject([
    {
      level: 'warn',
      message: 'connection closed: API key -1 is not served',
      fields: { lastApi: 'Produce', clientId: 'test', correlationId: 1 },
    },
  ])
})

test('lines are JSON, errors in them with their causes', async () => {
  await start()
  const written: string[] = []
  const to = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk))
      done()
    },
  })
  const cause = new Error('outer', { cause: new Error('inner') })
  nodeLogger({ level: 'info', to }).error({ cause, why: 'because' }, 'it failed')
  expect(JSON.parse(written[0])).toMatchObject({
    level: 50,
    msg: 'it failed',
    why: 'because',
    cause: { message: 'outer', cause: { message: 'inner' } },
  })
})
