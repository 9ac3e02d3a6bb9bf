// Quotas on the wire: who is above a limit hears how long to wait, gets nothing meanwhile, and is served
// again afterwards. The clock is moved ahead by hand.

import { NodeClock } from '@sluice/core/host/node/clock'
import { apis } from '@sluice/protocol/apis'
import { errorName } from '@sluice/protocol/errors'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { batchOf, TestBroker, type TestClient } from './test-broker.ts'

const clock = new NodeClock()
let running: TestBroker
let client: TestClient

beforeEach(async () => {
  running = await TestBroker.start({ clock })
  client = await running.connect()
  await running.createTopic('orders')
})
afterEach(() => running.close())

/** For the test client: it calls itself `test`. */
async function limit(key: string, value: number, entityName: string | null = 'test') {
  const admin = await running.connect()
  const { entries } = await admin.send(apis.alterClientQuotas, 1, {
    entries: [
      {
        entity: [{ entityType: 'client-id', entityName }],
        ops: [{ key, value, remove: value === 0 }],
      },
    ],
    validateOnly: false,
  })
  expect(entries[0].errorMessage).toBe(null)
  admin.close()
}

const produce = (version: number, bytes: number, acks = -1) =>
  client.send(apis.produce, version, {
    acks,
    timeoutMs: 1000,
    topicData: [{ name: 'orders', partitionData: [{ index: 0, records: batch(bytes) }] }],
  })

const batch = (bytes: number) => Buffer.from(batchOf(['x'.repeat(bytes)]))

const fetch = (version: number, given: { maxBytes?: number; sessionEpoch?: number } = {}) =>
  client.send(apis.fetch, version, {
    maxWaitMs: 0,
    minBytes: 1,
    ...(version >= 7 && { sessionEpoch: given.sessionEpoch ?? -1 }),
    maxBytes: given.maxBytes ?? 1_000_000,
    topics: [
      { topic: 'orders', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1e6 }] },
    ],
  })

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Whether the broker reads what the client sends now; else it does so after `waitMs`. */
async function isRead(waitMs = 0): Promise<boolean> {
  let answered = false
  const asked = client.send(apis.listGroups, 4, {}).then(() => {
    answered = true
  })
  await turns()
  const before = answered
  if (!before) clock.advance(waitMs + 1)
  await asked
  return before
}

describe('producers', () => {
  test('wait as long as their rate is above the limit, at every version', async () => {
    await limit('producer_byte_rate', 1000)
    for (let version = 3; version <= 12; version++) {
      const { throttleTimeMs, responses } = await produce(version, 20_000)
      expect(responses[0].partitionResponses[0].errorCode).toBe(0)
      // 2000/s over ten seconds: as long again.
      expect(throttleTimeMs).toBeGreaterThan(9000)
      expect(throttleTimeMs).toBeLessThan(11_500)
      expect(await isRead(throttleTimeMs)).toBe(false)
      clock.advance(20_000)
      expect(await isRead()).toBe(true)
    }
    expect(await metric('sluice_throttle_seconds_count{quota="Produce"}')).toBe(10)
  })

  test('without an answer are not read either', async () => {
    await limit('producer_byte_rate', 1000)
    client.sendSilently(apis.produce, 9, {
      acks: 0,
      timeoutMs: 1000,
      topicData: [{ name: 'orders', partitionData: [{ index: 0, records: batch(20_000) }] }],
    })
    await turns()
    expect(await isRead(11_000)).toBe(false)
  })

  test('of other client ids, and after the limit went, go on', async () => {
    await limit('producer_byte_rate', 1000, 'another')
    expect((await produce(9, 20_000)).throttleTimeMs).toBe(0)
    await limit('producer_byte_rate', 1000)
    await limit('producer_byte_rate', 0)
    expect((await produce(9, 20_000)).throttleTimeMs).toBe(0)
    expect(await isRead()).toBe(true)
  })
})

describe('consumers', () => {
  test('above their limit get nothing but the time to wait, and their records later', async () => {
    await client.produce('orders', ['x'.repeat(20_000)])
    await limit('consumer_byte_rate', 1000)
    for (let version = 4; version <= 12; version++) {
      const answer = await fetch(version)
      expect(answer.throttleTimeMs).toBeGreaterThan(9000)
      expect(answer.responses).toEqual([])
      expect(answer.errorCode).toBe(0)
      clock.advance(answer.throttleTimeMs + 12_000)
    }
    await limit('consumer_byte_rate', 10_000)
    const { throttleTimeMs, responses } = await fetch(12)
    expect(throttleTimeMs).toBe(0)
    expect(responses[0].partitions[0].records?.length).toBeGreaterThan(20_000)
  })

  test('are not given more at once than a window allows', async () => {
    for (let n = 0; n < 10; n++) await client.produce('orders', ['x'.repeat(1000)])
    await limit('consumer_byte_rate', 400)
    const { throttleTimeMs, responses } = await fetch(12)
    expect(throttleTimeMs).toBe(0)
    expect(responses[0].partitions[0].records?.length).toBeLessThanOrEqual(4000)
    expect(responses[0].partitions[0].records?.length).toBeGreaterThan(2000)
  })

  test('keep their fetch session while they wait', async () => {
    const begun = await fetch(12, { sessionEpoch: 0 })
    expect(begun.sessionId).toBeGreaterThan(0)
    await client.produce('orders', ['x'.repeat(20_000)])
    await limit('consumer_byte_rate', 1000)
    const next = async (sessionEpoch: number) =>
      client.send(apis.fetch, 12, {
        maxWaitMs: 0,
        minBytes: 1,
        maxBytes: 1_000_000,
        sessionId: begun.sessionId,
        sessionEpoch,
        topics: [],
      })
    const throttled = await next(1)
    expect(throttled).toMatchObject({ errorCode: 0, sessionId: begun.sessionId, responses: [] })
    clock.advance(throttled.throttleTimeMs + 12_000)
    await limit('consumer_byte_rate', 0)
    const { responses } = await next(2)
    expect(responses[0].partitions[0].records?.length).toBeGreaterThan(20_000)
  })
})

test('the time of the event loop has a limit, too', async () => {
  await limit('request_percentage', 0.000_01, null)
  const { throttleTimeMs } = await client.send(apis.metadata, 12, { topics: null })
  // Never longer than one sample.
  expect(throttleTimeMs).toBe(1000)
  expect(await isRead(1000)).toBe(false)
  clock.advance(12_000)
  const answer = await fetch(12)
  expect(answer).toMatchObject({ throttleTimeMs: 1000, responses: [] })
})

describe('creating and deleting partitions', () => {
  const create = (version: number, names: string[], numPartitions = 10) =>
    client
      .send(apis.createTopics, version, {
        topics: names.map((name) => ({
          name,
          numPartitions,
          replicationFactor: 1,
          assignments: [],
          configs: [],
        })),
        timeoutMs: 1000,
      })
      .then(({ throttleTimeMs, topics }) => ({
        throttleTimeMs,
        codes: topics.map(({ errorCode }) => errorName(errorCode)),
      }))

  beforeEach(() => limit('controller_mutation_rate', 1))

  test('above the limit is refused to clients that know the refusal', async () => {
    const { codes, throttleTimeMs } = await create(6, ['a', 'b', 'c'])
    expect(codes).toEqual(['NONE', 'NONE', 'THROTTLING_QUOTA_EXCEEDED'])
    expect(throttleTimeMs).toBeGreaterThan(8000)
    expect(running.broker.cluster.image.topic('c')).toBeUndefined()
    clock.advance(throttleTimeMs)
    const partitions = await client.send(apis.createPartitions, 3, {
      topics: ['a', 'b'].map((name) => ({ name, count: 25, assignments: null })),
      timeoutMs: 1000,
      validateOnly: false,
    })
    expect(partitions.results.map(({ errorCode }) => errorName(errorCode))).toEqual([
      'NONE',
      'THROTTLING_QUOTA_EXCEEDED',
    ])
    expect(partitions.throttleTimeMs).toBeGreaterThan(14_000)
    clock.advance(partitions.throttleTimeMs)
    const deleted = await client.send(apis.deleteTopics, 5, {
      topicNames: ['a', 'b'],
      timeoutMs: 1000,
    })
    expect(deleted.responses.map(({ errorCode }) => errorName(errorCode))).toEqual([
      'NONE',
      'THROTTLING_QUOTA_EXCEEDED',
    ])
    expect(running.broker.cluster.image.topic('b')).toBeDefined()
  })

  test('is granted to older clients, and they wait', async () => {
    const { codes, throttleTimeMs } = await create(5, ['a', 'b', 'c'])
    expect(codes).toEqual(['NONE', 'NONE', 'NONE'])
    expect(throttleTimeMs).toBeGreaterThan(18_000)
    expect(await isRead(throttleTimeMs)).toBe(false)
  })
})

async function metric(name: string): Promise<number> {
  const text = await running.metrics.text()
  const line = text.split('\n').find((one) => one.startsWith(name))
  return Number(line?.split(' ').at(-1))
}
