// Limits on connections: how many, how fast, of one address, of a listener and of all.

import { NodeClock } from '@sluice/core/host/node/clock'
import { apis } from '@sluice/protocol/apis'
import { afterEach, describe, expect, test } from 'vitest'
import { TestBroker, type TestClient } from './test-broker.ts'

const clock = new NodeClock()
let running: TestBroker
afterEach(() => running.close())

async function start(config: Record<string, string>): Promise<void> {
  running = await TestBroker.start({ clock, config })
}

/** Whether the client is served, once all that is at hand is done. */
async function isServed(client: TestClient): Promise<'served' | 'waits' | 'closed'> {
  let state: 'served' | 'waits' | 'closed' = 'waits'
  client.send(apis.apiVersions, 0, {}).then(
    () => {
      state = 'served'
    },
    () => {
      state = 'closed'
    },
  )
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  return state
}

/** Sets a config of the running broker. */
async function alter(client: TestClient, name: string, value: string): Promise<void> {
  const { responses } = await client.send(apis.incrementalAlterConfigs, 1, {
    resources: [
      { resourceType: 4, resourceName: '1', configs: [{ name, configOperation: 0, value }] },
    ],
    validateOnly: false,
  })
  expect(responses[0].errorMessage).toBe(null)
}

describe('max.connections', () => {
  test('one too many waits until another one ends', async () => {
    await start({ 'max.connections': '2' })
    const first = await running.connect()
    const second = await running.connect()
    const third = await running.connect()
    expect(await isServed(second)).toBe('served')
    expect(await isServed(third)).toBe('waits')
    first.close()
    expect(await isServed(third)).toBe('served')
  })

  test('is altered while the broker runs, for a listener, too', async () => {
    await start({ 'listener.name.plaintext.max.connections': '1' })
    const first = await running.connect()
    const second = await running.connect()
    expect(await isServed(second)).toBe('waits')
    await alter(first, 'listener.name.plaintext.max.connections', '2')
    expect(await isServed(second)).toBe('served')
    await alter(first, 'max.connections', '2')
    expect(await isServed(await running.connect())).toBe('waits')
  })

  test('one that waits may go away', async () => {
    await start({ 'max.connections': '1' })
    const first = await running.connect()
    const second = await running.connect()
    second.close()
    await second.closed
    first.close()
    await first.closed
    expect(await isServed(await running.connect())).toBe('served')
  })
})

describe('max.connections.per.ip', () => {
  test('closes what is over it; an address may have a limit of its own', async () => {
    await start({
      'max.connections.per.ip': '1',
      'max.connections.per.ip.overrides': 'elsewhere:9, broker:2',
    })
    const clients = [await running.connect(), await running.connect(), await running.connect()]
    expect([...running.broker.connectionLimits.byListener]).toEqual([['PLAINTEXT', 2]])
    expect(await isServed(clients[1])).toBe('served')
    await clients[2].closed
    await alter(clients[0], 'max.connections.per.ip.overrides', 'broker:3')
    expect(await isServed(await running.connect())).toBe('served')
  })
})

describe('rates', () => {
  test('connections that come too fast wait to be read', async () => {
    await start({ 'max.connection.creation.rate': '1' })
    // A window of ten seconds may come at once.
    for (let n = 0; n < 10; n++) expect(await isServed(await running.connect())).toBe('served')
    const late = await running.connect()
    expect(await isServed(late)).toBe('waits')
    clock.advance(1100)
    expect(await isServed(late)).toBe('served')
  })

  test('of one address: closed after the time that it should have waited', async () => {
    await start({})
    const admin = await running.connect()
    await admin.send(apis.alterClientQuotas, 1, {
      entries: [
        {
          entity: [{ entityType: 'ip', entityName: null }],
          ops: [{ key: 'connection_creation_rate', value: 1, remove: false }],
        },
      ],
      validateOnly: false,
    })
    for (let n = 0; n < 10; n++) expect(await isServed(await running.connect())).toBe('served')
    const late = await running.connect()
    expect(await isServed(late)).toBe('waits')
    clock.advance(1100)
    expect(await isServed(late)).toBe('closed')
    clock.advance(12_000)
    expect(await isServed(await running.connect())).toBe('served')
  })
})
