import { Consumer, type FetchedRecords } from '@sluice/core/kafka-client/consumer'
import { Producer } from '@sluice/core/kafka-client/producer'
import { errors } from '@sluice/protocol/errors'
import { describe, expect, test } from 'vitest'
import { Cluster } from './cluster.ts'

async function filled(partitions = 1, records = 10) {
  const cluster = await Cluster.start()
  await cluster.createTopic('topic', partitions)
  const producer = new Producer(cluster.client, { lingerMs: 0 })
  for (let partition = 0; partition < partitions; partition++) {
    const values = Array.from({ length: records }, (_, index) => `${partition}:${index}`)
    await producer.send(
      'topic',
      values.map((value, index) => ({
        key: null,
        value: Buffer.from(value),
        partition,
        timestamp: 1000 + index * 10,
      })),
    )
  }
  return { cluster, producer }
}

function textOf(fetched: readonly FetchedRecords[]): string[] {
  return fetched.flatMap(({ records }) => records.map(({ value }) => String(value)))
}

/** Polls until `count` records have come. */
async function take(consumer: Consumer, count: number): Promise<string[]> {
  const values: string[] = []
  while (values.length < count) values.push(...textOf(await consumer.poll(2000)))
  return values
}

const first = { topic: 'topic', partition: 0 }

describe('where to begin', () => {
  test.each([
    ['earliest' as const, 10, '0:0'],
    [4, 6, '0:4'],
    [{ timestampMs: 1045 }, 5, '0:5'],
    ['max-timestamp' as const, 1, '0:9'],
  ])('at %j', async (offset, count, value) => {
    const { cluster } = await filled()
    await using _ = cluster
    const consumer = new Consumer(cluster.client)
    consumer.assign([{ ...first, offset }])
    const values = await take(consumer, count)
    expect([values.length, values[0]]).toEqual([count, value])
    expect(consumer.position(first)).toMatchObject({ position: 10, highWatermark: 10 })
    consumer.close()
  })

  test('at the end: only what comes later', async () => {
    const { cluster, producer } = await filled()
    await using _ = cluster
    for (const offset of ['latest', { timestampMs: 5000 }] as const) {
      const consumer = new Consumer(cluster.client)
      consumer.assign([{ ...first, offset }])
      expect(await consumer.poll(50)).toEqual([])
      const polled = consumer.poll(5000)
      await producer.send('topic', [{ key: null, value: Buffer.from('later'), timestamp: 1 }])
      expect(textOf(await polled)).toEqual(['later'])
      consumer.close()
    }
  })

  test('by the reset policy, also when the offset is not there (any more)', async () => {
    const { cluster } = await filled()
    await using _ = cluster
    const consumer = new Consumer(cluster.client, { offsetReset: 'earliest' })
    consumer.assign([{ ...first, offset: 1000 }])
    expect(await take(consumer, 10)).toHaveLength(10)
    consumer.close()
    const strict = new Consumer(cluster.client, { offsetReset: 'none' })
    strict.assign([{ ...first, offset: 1000 }])
    await expect(strict.poll(2000)).rejects.toMatchObject({ name: 'OFFSET_OUT_OF_RANGE' })
    strict.seek(first, 9)
    expect(await take(strict, 1)).toEqual(['0:9'])
    strict.close()
  })
})

test('several partitions, each in its order', async () => {
  const { cluster } = await filled(3, 50)
  await using _ = cluster
  const consumer = new Consumer(cluster.client, { partitionMaxBytes: 200 })
  consumer.assign([0, 1, 2].map((partition) => ({ ...first, partition, offset: 'earliest' })))
  const values = await take(consumer, 150)
  for (const partition of [0, 1, 2]) {
    const own = values.filter((value) => value.startsWith(`${partition}:`))
    expect(own).toEqual(Array.from({ length: 50 }, (__, index) => `${partition}:${index}`))
  }
  consumer.close()
})

test('partitions are read in turn where a response has room for one batch', async () => {
  const { cluster, producer } = await filled(3, 0)
  await using _ = cluster
  for (let index = 0; index < 4; index++) {
    for (const partition of [0, 1, 2]) {
      await producer.send('topic', [{ key: null, value: Buffer.from(`${partition}:`), partition }])
    }
  }
  const consumer = new Consumer(cluster.client, { maxBytes: 1, partitionMaxBytes: 1 })
  consumer.assign([0, 1, 2].map((partition) => ({ ...first, partition, offset: 'earliest' })))
  const values = await take(consumer, 6)
  expect(values.slice(0, 6).sort()).toEqual(['0:', '0:', '1:', '1:', '2:', '2:'])
  consumer.close()
})

test('a partition that is paused rests, and goes on where it was', async () => {
  const { cluster } = await filled(2)
  await using _ = cluster
  const consumer = new Consumer(cluster.client)
  consumer.assign([0, 1].map((partition) => ({ ...first, partition, offset: 'earliest' })))
  consumer.pause([first])
  expect(await take(consumer, 10)).toContain('1:0')
  expect(await consumer.poll(20)).toEqual([])
  consumer.resume([first])
  expect(await take(consumer, 10)).toContain('0:0')
  consumer.close()
})

test('a new assignment keeps the position of what stays', async () => {
  const { cluster } = await filled(2)
  await using _ = cluster
  const consumer = new Consumer(cluster.client)
  consumer.assign([{ ...first, offset: 3 }])
  expect(await take(consumer, 7)).toHaveLength(7)
  consumer.assign([first, { ...first, partition: 1, offset: 9 }])
  expect(await take(consumer, 1)).toEqual(['1:9'])
  expect(await consumer.poll(20)).toEqual([])
  consumer.close()
})

test('a poll that waits can be interrupted and ends with close', async () => {
  const { cluster } = await filled()
  await using _ = cluster
  const consumer = new Consumer(cluster.client)
  consumer.assign([{ ...first, offset: 'latest' }])
  const interrupted = consumer.poll(60_000)
  setTimeout(() => consumer.interrupt(), 10)
  expect(await interrupted).toEqual([])
  const closed = consumer.poll(60_000)
  setTimeout(() => consumer.close(), 10)
  expect(await closed).toEqual([])
})

test('errors that pass are waited out', async () => {
  const { cluster } = await filled()
  await using _ = cluster
  const { faults } = cluster
  faults.fail('ListOffsets', errors.LEADER_NOT_AVAILABLE, { times: 2 })
  faults.fail('Fetch', errors.NOT_LEADER_OR_FOLLOWER, { times: 2 })
  faults.fail('Fetch', errors.UNKNOWN_LEADER_EPOCH, { times: 1 })
  const consumer = new Consumer(cluster.newClient())
  consumer.assign([{ ...first, offset: 'earliest' }])
  expect(await take(consumer, 10)).toHaveLength(10)
  consumer.close()
})

test('a topic that comes later is read when it is there', async () => {
  await using cluster = await Cluster.start({ 'auto.create.topics.enable': 'false' })
  const consumer = new Consumer(cluster.newClient())
  consumer.assign([{ topic: 'later', partition: 0, offset: 'earliest' }])
  expect(await consumer.poll(30)).toEqual([])
  expect(consumer.problem).toMatchObject({ name: 'UNKNOWN_TOPIC_OR_PARTITION' })
  await cluster.createTopic('later')
  await new Producer(cluster.client).send('later', [{ key: null, value: Buffer.from('here') }])
  expect(await take(consumer, 1)).toEqual(['here'])
  consumer.close()
})

test('a broker that went away and came back is found again', async () => {
  const { cluster } = await filled()
  await using _ = cluster
  const client = cluster.newClient({ requestTimeoutMs: 200 })
  const consumer = new Consumer(client, { maxWaitMs: 20 })
  consumer.assign([{ ...first, offset: 'earliest' }])
  expect(await take(consumer, 10)).toHaveLength(10)
  client.closeLane('fetch-1') // as if every connection of the consumer broke
  await new Producer(cluster.client).send('topic', [{ key: null, value: Buffer.from('more') }])
  expect(await take(consumer, 1)).toEqual(['more'])
  consumer.close()
})
