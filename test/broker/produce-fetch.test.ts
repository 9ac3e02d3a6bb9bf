import { apis } from '@sluice/protocol/apis'
import { errorName, errors } from '@sluice/protocol/errors'
import { readBatchHeader } from '@sluice/protocol/records/batch'
import { decodeRecords } from '@sluice/protocol/records/record'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fetchRequestOf } from './requests.ts'
import { batchOf, TestBroker, type TestClient } from './test-broker.ts'

let running: TestBroker
let client: TestClient

async function restart(config: Record<string, string> = {}) {
  await running?.close()
  running = await TestBroker.start({ config })
  client = await running.connect()
}

beforeEach(() => restart())
afterEach(() => running.close())

async function fetch(given: Parameters<typeof fetchRequestOf>[0], version = 12) {
  const response = await client.send(apis.fetch, version, fetchRequestOf(given))
  const [found] = response.responses[0]?.partitions ?? []
  return { ...response, found, values: found ? valuesOf(found.records) : [] }
}

function valuesOf(records: Buffer | null): string[] {
  const values: string[] = []
  for (let at = 0; records && at < records.length; at += readBatchHeader(records, at).batchBytes) {
    for (const { value } of decodeRecords(records, at)) values.push(String(value))
  }
  return values
}

describe('Produce and Fetch', () => {
  test('what was produced is fetched, at every version', async () => {
    const topicId = await running.createTopic('orders')
    for (let version = 3; version <= 12; version++) {
      const answer = await client.produce('orders', [`v${version}`], { version })
      expect(answer).toMatchObject({ errorCode: 0, baseOffset: version - 3, logAppendTimeMs: -1 })
    }
    const byId = await client.send(apis.produce, 13, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ topicId, partitionData: [{ index: 0, records: batchOf(['v13']) }] }],
    })
    expect(byId.responses[0]).toMatchObject({ topicId, partitionResponses: [{ baseOffset: 10 }] })

    const expected = Array.from({ length: 11 }, (_, i) => `v${i + 3}`)
    for (let version = 4; version <= 18; version++) {
      const { found, values } = await fetch({ topicId, partitions: [0] }, version)
      expect(found).toMatchObject({ errorCode: 0, highWatermark: 11 })
      expect(values).toEqual(expected)
    }
  })

  test('acks 0 is answered by silence, and the next request by its own answer', async () => {
    await running.createTopic('orders')
    client.sendSilently(apis.produce, 9, {
      acks: 0,
      timeoutMs: 1000,
      topicData: [{ name: 'orders', partitionData: [{ index: 0, records: batchOf(['quiet']) }] }],
    })
    const answer = await client.produce('orders', ['loud'])
    expect(answer.baseOffset).toBe(1)
  })

  test('an error under acks 0 closes the connection', async () => {
    client.sendSilently(apis.produce, 9, {
      acks: 0,
      timeoutMs: 1000,
      topicData: [{ name: 'nowhere', partitionData: [{ index: 0, records: batchOf(['lost']) }] }],
    })
    await client.closed
  })

  test('pipelined requests are answered in their order, whatever each has to wait for', async () => {
    await running.createTopic('orders')
    const waits = fetch({ partitions: [0], maxWaitMs: 10_000, sessionEpoch: 0 })
    const other = await running.connect()
    const sent = [
      client.send(apis.metadata, 9, { topics: null }),
      client.produce('orders', ['a']),
      client.produce('orders', ['b']),
      client.send(apis.apiVersions, 0, {}),
    ]
    const { values } = await waits
    const [, first, second] = await Promise.all(sent)
    expect(first).toMatchObject({ baseOffset: 0 })
    expect(second).toMatchObject({ baseOffset: 1 })
    expect(values).toEqual(['a', 'b'])
    other.close()
  })

  test('a long poll is answered by the append, or by its time-out', async () => {
    await running.createTopic('orders')
    const waiting = fetch({ partitions: [0], maxWaitMs: 60_000 })
    const producer = await running.connect()
    await producer.produce('orders', ['now'])
    expect((await waiting).values).toEqual(['now'])
    expect(running.broker.purgatory.size).toBe(0)

    const late = fetch({ partitions: [0], offset: 1, maxWaitMs: 20 })
    expect((await late).found).toMatchObject({ errorCode: 0, highWatermark: 1 })
  })

  test('a long poll waits for its minimum of bytes', async () => {
    await running.createTopic('orders')
    const waiting = fetch({ partitions: [0], maxWaitMs: 60_000, minBytes: 300 })
    const producer = await running.connect()
    const produced: string[] = []
    let answered = false
    waiting.then(() => {
      answered = true
    })
    while (!answered) {
      produced.push(`value ${produced.length}`)
      await producer.produce('orders', [produced[produced.length - 1]])
    }
    const { values, found } = await waiting
    expect(values).toEqual(produced.slice(0, values.length))
    expect(found.records?.length).toBeGreaterThanOrEqual(300)
    expect(values.length).toBeGreaterThan(2)
  })

  test('a long poll of several partitions ends with an append to any of them', async () => {
    await running.createTopic('orders', { partitions: 3 })
    const waiting = client.send(
      apis.fetch,
      12,
      fetchRequestOf({
        partitions: [0, 1, 2],
        maxWaitMs: 60_000,
      }),
    )
    const producer = await running.connect()
    await producer.produce('orders', ['two'], { partition: 2 })
    const { responses } = await waiting
    expect(responses[0].partitions.map(({ records }) => valuesOf(records))).toEqual([
      [],
      [],
      ['two'],
    ])
  })

  test('a deleted topic ends the polls that wait on it', async () => {
    const id = await running.createTopic('orders')
    const waiting = fetch({ partitions: [0], maxWaitMs: 60_000 })
    await expect.poll(() => running.broker.purgatory.size).toBe(1)
    await running.broker.cluster.controller.deleteTopics([id])
    const { found } = await waiting
    expect(errorName(found.errorCode)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  })

  test('a client that goes away leaves nothing in the purgatory', async () => {
    await running.createTopic('orders')
    const gone = await running.connect()
    const request = fetchRequestOf({ partitions: [0], maxWaitMs: 60_000 })
    gone.send(apis.fetch, 4, request).catch(() => {})
    await expect.poll(() => running.broker.purgatory.size).toBe(1)
    gone.close()
    await expect.poll(() => running.broker.purgatory.size).toBe(0)
  })

  test('bug class 25: a fetch from inside a batch returns the whole batch', async () => {
    await running.createTopic('orders')
    await client.produce('orders', ['a', 'b', 'c'])
    expect((await fetch({ partitions: [0], offset: 2 })).values).toEqual(['a', 'b', 'c'])
  })

  test('limits on bytes: the first batch comes whole, the others only where they fit', async () => {
    await running.createTopic('orders', { partitions: 2 })
    const large = 'x'.repeat(10_000)
    for (const partition of [0, 1]) {
      for (let i = 0; i < 2; i++) await client.produce('orders', [large], { partition })
    }
    const { responses } = await client.send(
      apis.fetch,
      12,
      fetchRequestOf({ partitions: [0, 1], maxBytes: 100, partitionMaxBytes: 100 }),
    )
    const sizes = responses[0].partitions.map(({ records }) => records?.length ?? 0)
    expect(sizes[0]).toBeGreaterThan(10_000)
    expect(sizes[0]).toBeLessThan(20_000)
    expect(sizes[1]).toBe(0)
  })

  test('a session gives each partition its turn within maxBytes', async () => {
    await running.createTopic('orders', { partitions: 3 })
    for (const partition of [0, 1, 2]) {
      await client.produce('orders', ['x'.repeat(10_000)], { partition })
    }
    const limits = { maxBytes: 100, partitionMaxBytes: 100_000 }
    let { sessionId, responses } = await client.send(
      apis.fetch,
      12,
      fetchRequestOf({ partitions: [0, 1, 2], sessionEpoch: 0, ...limits }),
    )
    const read = withRecords(responses)
    for (let sessionEpoch = 1; sessionEpoch <= 2; sessionEpoch++) {
      const next = await client.send(
        apis.fetch,
        12,
        fetchRequestOf({ sessionId, sessionEpoch, ...limits }),
      )
      responses = next.responses
      sessionId = next.sessionId
      read.push(...withRecords(responses))
    }
    expect(read.sort()).toEqual([0, 1, 2])
  })

  test('says what is wrong with a partition', async () => {
    const topicId = await running.createTopic('orders')
    await client.produce('orders', ['a'])
    const errorOf = async (given: Parameters<typeof fetch>[0], version = 12) =>
      errorName(
        (await fetch({ partitions: [0], maxWaitMs: 60_000, ...given }, version)).found.errorCode,
      )
    expect(await errorOf({ topic: 'nowhere' })).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(await errorOf({ partitions: [1] })).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(await errorOf({ partitions: [-1] })).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(await errorOf({ topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' }, 13)).toBe('UNKNOWN_TOPIC_ID')
    expect(await errorOf({ offset: 2 })).toBe('OFFSET_OUT_OF_RANGE')
    expect(await errorOf({ offset: -1 })).toBe('OFFSET_OUT_OF_RANGE')
    expect(await errorOf({ currentLeaderEpoch: 1 })).toBe('UNKNOWN_LEADER_EPOCH')
    expect(await errorOf({ replicaId: 7, topicId })).toBe('TOPIC_AUTHORIZATION_FAILED')
  })

  test('bug class 6: only read_committed carries aborted transactions', async () => {
    await running.createTopic('orders')
    await client.produce('orders', ['a'])
    const { found } = await fetch({ partitions: [0], isolationLevel: 0 })
    expect(found.abortedTransactions).toBeNull()
    const committed = await fetch({ partitions: [0], isolationLevel: 1 })
    expect(committed.found.abortedTransactions).toEqual([])
    expect(committed.values).toEqual(['a'])
  })
})

describe('Produce refuses', () => {
  const errorOf = async (given: Parameters<TestClient['produce']>[2], topic = 'orders') =>
    errorName((await client.produce(topic, ['value'], given)).errorCode)

  test('unknown topics and partitions, bad acks, bad records', async () => {
    await running.createTopic('orders')
    expect(await errorOf({}, 'nowhere')).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(await errorOf({ partition: 1 })).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(await errorOf({ acks: 2 })).toBe('INVALID_REQUIRED_ACKS')
    expect(await errorOf({ batch: Buffer.alloc(0) })).toBe('INVALID_RECORD')
    const two = Buffer.concat([batchOf(['a']), batchOf(['b'])])
    expect(await errorOf({ batch: two })).toBe('INVALID_RECORD')
    const flipped = batchOf(['a'])
    flipped[flipped.length - 2] ^= 1
    expect(await errorOf({ batch: flipped })).toBe('CORRUPT_MESSAGE')
    const oldMagic = batchOf(['a'])
    oldMagic[16] = 1
    expect(await errorOf({ batch: oldMagic })).toBe('INVALID_RECORD')
    expect(await errorOf({ batch: batchOf(['a']).subarray(0, 50) })).toBe('INVALID_RECORD')
    expect((await fetch({ partitions: [0] })).found.highWatermark).toBe(0)
  })

  test('zstd below version 7, transactional batches, a control batch', async () => {
    await running.createTopic('orders')
    const zstd = batchOf(['a'], { codec: 'zstd' })
    expect(await errorOf({ batch: zstd, version: 6 })).toBe('UNSUPPORTED_COMPRESSION_TYPE')
    expect(await errorOf({ batch: zstd, version: 7 })).toBe('NONE')
    const sequenced = { producerId: 1, producerEpoch: 0, baseSequence: 0 }
    const transactional = batchOf(['a'], { transactional: true, ...sequenced })
    expect(await errorOf({ batch: transactional })).toBe('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
    expect(await errorOf({ batch: batchOf(['a'], { control: true }) })).toBe('INVALID_RECORD')
  })

  test('bug class 26: batches of more than max.message.bytes, to the byte', async () => {
    const batch = batchOf(['x'.repeat(100)])
    for (const [topic, bytes] of [
      ['exact', batch.length],
      ['small', batch.length - 1],
    ] as const) {
      await running.createTopic(topic, { configs: { 'max.message.bytes': String(bytes) } })
    }
    expect(await errorOf({ batch }, 'exact')).toBe('NONE')
    expect(await errorOf({ batch }, 'small')).toBe('MESSAGE_TOO_LARGE')
  })

  test('what the configs of the topic forbid', async () => {
    await running.createTopic('keyed', { configs: { 'cleanup.policy': 'compact' } })
    expect(await errorOf({}, 'keyed')).toBe('INVALID_RECORD')
    expect(await errorOf({ batch: batchOf(['v'], { key: 'k' }) }, 'keyed')).toBe('NONE')
  })

  test('min.insync.replicas asks for no more replicas than the partition has, as in Kafka', async () => {
    await running.createTopic('safe', { configs: { 'min.insync.replicas': '2' } })
    expect(await errorOf({}, 'safe')).toBe('NONE')
    expect(await errorOf({ acks: 1 }, 'safe')).toBe('NONE')
  })

  test('timestamps out of bounds, record by record', async () => {
    await running.createTopic('timed', { configs: { 'message.timestamp.before.max.ms': '60000' } })
    const future = batchOf(['a', 'b'], { timestamp: Date.now() + 2 * 3_600_000 })
    const answer = await client.produce('timed', [], { batch: future })
    expect(errorName(answer.errorCode)).toBe('INVALID_TIMESTAMP')
    expect(answer.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([0, 1])
    const past = batchOf(['a'], { timestamp: Date.now() - 120_000 })
    expect(await errorOf({ batch: past }, 'timed')).toBe('INVALID_TIMESTAMP')
  })

  test('clients who write to internal topics', async () => {
    await client.send(apis.findCoordinator, 1, { key: 'group', keyType: 0 })
    const batch = batchOf(['v'], { key: 'k' })
    expect(await errorOf({ batch }, '__consumer_offsets')).toBe('INVALID_TOPIC_EXCEPTION')
  })
})

describe('Topic configs', () => {
  test('LogAppendTime stamps the broker time, in the answer and in the batch', async () => {
    await running.createTopic('stamped', { configs: { 'message.timestamp.type': 'LogAppendTime' } })
    const answer = await client.produce('stamped', [], { batch: batchOf(['a'], { timestamp: 1 }) })
    expect(Math.abs(answer.logAppendTimeMs - Date.now())).toBeLessThan(5000)
    const { found } = await fetch({ topic: 'stamped', partitions: [0] })
    const [record] = decodeRecords(found.records as Buffer, 0)
    expect(record.timestamp).toBe(answer.logAppendTimeMs)
  })

  test('compression.type: batches are stored in the codec of the topic', async () => {
    await running.createTopic('packed', { configs: { 'compression.type': 'lz4' } })
    await running.createTopic('plain', { configs: { 'compression.type': 'uncompressed' } })
    for (const [topic, codec] of [
      ['packed', 'lz4'],
      ['plain', 'none'],
    ]) {
      await client.produce(topic, [], { batch: batchOf(['a', 'b'], { codec: 'gzip' }) })
      const { found, values } = await fetch({ topic, partitions: [0] })
      expect(readBatchHeader(found.records as Buffer, 0).codec).toBe(codec)
      expect(values).toEqual(['a', 'b'])
    }
  })
})

describe('Idempotence', () => {
  test('bug class 3: a batch sent again is not stored again, and one out of order is refused', async () => {
    await running.createTopic('orders')
    const { producerId } = await client.send(apis.initProducerId, 4, {
      transactionalId: null,
      transactionTimeoutMs: 1000,
    })
    const send = (baseSequence: number) =>
      client.produce('orders', [], {
        batch: batchOf(['a', 'b'], { producerId, producerEpoch: 0, baseSequence }),
      })
    for (let i = 0; i < 6; i++) expect(await send(2 * i)).toMatchObject({ baseOffset: 2 * i })
    expect(await send(4)).toMatchObject({ errorCode: 0, baseOffset: 4 })
    expect(errorName((await send(20)).errorCode)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect((await fetch({ partitions: [0] })).found.highWatermark).toBe(12)
  })

  test('producer ids differ; transactional ids are refused at once', async () => {
    const init = (transactionalId: string | null) =>
      client.send(apis.initProducerId, 4, { transactionalId, transactionTimeoutMs: 1000 })
    const ids = await Promise.all([init(null), init(null), init(null)])
    expect(new Set(ids.map(({ producerId }) => producerId)).size).toBe(3)
    const refused = await init('payments')
    expect(errorName(refused.errorCode)).toBe('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
  })
})

test('a fault plan fails the next requests of an API, so many times', async () => {
  await running.createTopic('orders')
  running.faults.fail('Produce', errors.NOT_LEADER_OR_FOLLOWER, { times: 2 })
  const codes = []
  for (let i = 0; i < 3; i++) codes.push((await client.produce('orders', ['a'])).errorCode)
  expect(codes).toEqual([errors.NOT_LEADER_OR_FOLLOWER, errors.NOT_LEADER_OR_FOLLOWER, 0])
  expect((await fetch({ partitions: [0] })).found.highWatermark).toBe(1)
})

function withRecords(
  responses: readonly {
    partitions: readonly { partitionIndex: number; records: Buffer | null }[]
  }[],
): number[] {
  return responses.flatMap(({ partitions }) =>
    partitions
      .filter(({ records }) => records !== null && records.length > 0)
      .map(({ partitionIndex }) => partitionIndex),
  )
}
