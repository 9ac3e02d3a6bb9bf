// DescribeClientQuotas and AlterClientQuotas: what may be set for what, and how it is found again.

import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import { apis } from '@sluice/protocol/apis'
import { errorName } from '@sluice/protocol/errors'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TestBroker, type TestClient } from '../test-broker.ts'

type Entity = Record<string, string | null>
type Values = Record<string, number | null>

const clock = new NodeClock()
let storage: { table: MemoryTable; disk: MemoryDisk }
let running: TestBroker
let client: TestClient

beforeEach(async () => {
  storage = { table: new MemoryTable(new MemoryTableStore(clock)), disk: new MemoryDisk() }
  running = await TestBroker.start(storage)
  client = await running.connect()
})
afterEach(() => running.close())

const named = (entity: Entity) =>
  Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }))

async function alter(entity: Entity, values: Values, version = 1, validateOnly = false) {
  const ops = Object.entries(values).map(([key, value]) => ({
    key,
    value: value ?? 0,
    remove: value === null,
  }))
  const { entries } = await client.send(apis.alterClientQuotas, version, {
    entries: [{ entity: named(entity), ops }],
    validateOnly,
  })
  const [{ errorCode, errorMessage }] = entries
  return errorCode === 0 ? 'NONE' : `${errorName(errorCode)}: ${errorMessage}`
}

const [exact, byDefault, specified] = [0, 1, 2]

async function find(components: [string, number, string | null][], strict = false, version = 1) {
  const answer = await client.send(apis.describeClientQuotas, version, {
    components: components.map(([entityType, matchType, match]) => ({
      entityType,
      matchType,
      match,
    })),
    strict,
  })
  if (answer.errorCode !== 0) return errorName(answer.errorCode)
  return (answer.entries ?? []).map(({ entity, values }) => {
    const names = entity.map(({ entityType, entityName }) => `${entityType}=${entityName}`)
    return `${names.join(' ')}: ${values.map(({ key, value }) => `${key}=${value}`).join(' ')}`
  })
}

test('quotas are set, removed and found again at every version, also after a restart', async () => {
  for (let version = 0; version <= 1; version++) {
    expect(await alter({ user: 'alice' }, { producer_byte_rate: 1000 }, version)).toBe('NONE')
    expect(await find([], false, version)).toEqual(['user=alice: producer_byte_rate=1000'])
  }
  expect(await alter({ user: 'alice' }, { consumer_byte_rate: 5 }, 1, true)).toBe('NONE')
  expect(await alter({ user: 'alice', 'client-id': null }, { controller_mutation_rate: 0.5 })) //
    .toBe('NONE')
  expect(await alter({ 'client-id': 'a,b=<c>' }, { request_percentage: 12.5 })).toBe('NONE')
  expect(await alter({ ip: '127.0.0.9' }, { connection_creation_rate: 5 })).toBe('NONE')
  expect(await alter({ ip: null }, { connection_creation_rate: 50 })).toBe('NONE')
  await running.close()
  running = await TestBroker.start({ ...storage, seed: 'again' })
  client = await running.connect()
  expect(await find([])).toEqual([
    'client-id=a,b=<c>: request_percentage=12.5',
    'ip=127.0.0.9: connection_creation_rate=5',
    'ip=null: connection_creation_rate=50',
    'user=alice: producer_byte_rate=1000',
    'client-id=null user=alice: controller_mutation_rate=0.5',
  ])
  expect(await alter({ user: 'alice' }, { producer_byte_rate: null })).toBe('NONE')
  expect(await alter({ user: 'nobody' }, { producer_byte_rate: null })).toBe('NONE')
  expect(await find([['user', exact, 'alice']], true)).toEqual([])
})

test('entities and limits are answered in the order of Kafka, whatever that of the request', async () => {
  const entity = named({ user: 'u', 'client-id': 'c' })
  const ops = ['producer_byte_rate', 'request_percentage', 'consumer_byte_rate'] //
    .map((key) => ({ key, value: 1, remove: false }))
  const { entries } = await client.send(apis.alterClientQuotas, 1, {
    entries: [{ entity, ops }],
    validateOnly: false,
  })
  expect(entries[0].entity).toEqual(named({ 'client-id': 'c', user: 'u' }))
  expect(await find([])).toEqual([
    'client-id=c user=u: consumer_byte_rate=1 request_percentage=1 producer_byte_rate=1',
  ])
})

test('a filter matches by name, default or type; a strict one excludes further types', async () => {
  await alter({ user: 'u' }, { producer_byte_rate: 1 })
  await alter({ user: null }, { producer_byte_rate: 2 })
  await alter({ user: 'u', 'client-id': 'c' }, { producer_byte_rate: 3 })
  const rates = async (...given: Parameters<typeof find>) => {
    const found = await find(...given)
    return typeof found === 'string' ? found : found.map((one) => Number(one.at(-1))).sort()
  }
  expect(await rates([['user', exact, 'u']])).toEqual([1, 3])
  expect(await rates([['user', exact, 'u']], true)).toEqual([1])
  expect(await rates([['user', byDefault, null]])).toEqual([2])
  expect(await rates([['client-id', specified, null]])).toEqual([3])
  expect(await rates([['client-id', specified, null]], true)).toEqual([])
  expect(await rates([], true)).toEqual([])
  expect(await rates([['foo', specified, null]])).toBe('UNSUPPORTED_VERSION')
  expect(await rates([['', exact, 'x']])).toBe('INVALID_REQUEST')
  expect(await rates([['user', 9, null]])).toBe('INVALID_REQUEST')
  expect(await rates([['user', exact, null]])).toBe('INVALID_REQUEST')
  expect(
    await rates([
      ['user', specified, null],
      ['user', specified, null],
    ]),
  ).toBe('INVALID_REQUEST')
  expect(
    await rates([
      ['user', specified, null],
      ['ip', specified, null],
    ]),
  ).toBe('INVALID_REQUEST')
})

test('what cannot be set is refused, and nothing of it is set', async () => {
  const bad: [Entity, Values, string][] = [
    [{}, { producer_byte_rate: 5 }, 'Invalid empty client quota entity'],
    [{ foo: 'x' }, { producer_byte_rate: 5 }, 'Unhandled client quota entity type: foo'],
    [{ user: '' }, { producer_byte_rate: 5 }, 'Empty user not supported'],
    [{ ip: 'nowhere.invalid' }, { connection_creation_rate: 5 }, 'nowhere.invalid is not a valid'],
    [{ ip: '300.1.1.1' }, { connection_creation_rate: 5 }, '300.1.1.1 is not a valid IP'],
    [{ ip: '1.2.3.4', user: 'u' }, { connection_creation_rate: 5 }, 'Invalid quota entity combina'],
    [{ ip: '1.2.3.4' }, { producer_byte_rate: 5 }, 'Invalid configuration key producer_byte_rate'],
    [{ ip: '::1' }, { connection_creation_rate: 2.5 }, 'connection_creation_rate cannot be a frac'],
    [{ ip: '::1' }, { connection_creation_rate: 1e10 }, 'Proposed value for connection_creation'],
    [{ user: 'u' }, { connection_creation_rate: 5 }, 'Invalid configuration key connection_creati'],
    [{ user: 'u' }, { foo: 5 }, 'Invalid configuration key foo'],
    [{ user: 'u' }, { toString: 5 }, 'Invalid configuration key toString'],
    [{ user: 'u' }, { producer_byte_rate: 0 }, 'Quota producer_byte_rate must be greater than 0'],
    [{ user: 'u' }, { request_percentage: Number.NaN }, 'Quota request_percentage must be greater'],
    [{ user: 'u' }, { consumer_byte_rate: 0.5 }, 'consumer_byte_rate cannot be a fractional value'],
    [{ user: 'u' }, { consumer_byte_rate: 1e30 }, 'Proposed value for consumer_byte_rate is too l'],
    [{ user: 'u' }, { consumer_byte_rate: 5, foo: 1 }, 'Invalid configuration key foo'],
  ]
  for (const [entity, values, message] of bad) {
    expect(await alter(entity, values)).toContain(`INVALID_REQUEST: ${message}`)
  }
  const twice = { entity: named({ user: 'u' }), ops: [] }
  const { entries } = await client.send(apis.alterClientQuotas, 1, {
    entries: [twice, twice],
    validateOnly: false,
  })
  expect(entries.map(({ errorCode }) => errorName(errorCode))).toEqual([
    'INVALID_REQUEST',
    'INVALID_REQUEST',
  ])
  expect(await find([])).toEqual([])
})
