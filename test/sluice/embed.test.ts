import { consumerConfig } from '@sluice/core/config/client-config'
import { apis } from '@sluice/protocol/apis'
import { type Consumer, Kafka, logLevel, type Producer } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { withClient } from '../../packages/sluice/src/client.ts'
import { Sluice } from '../../packages/sluice/src/embed.ts'

function kafkaOf(sluice: Sluice): Kafka {
  return new Kafka({
    brokers: [sluice.bootstrapServers],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 10, retries: 8 },
  })
}

async function withProducer<T>(sluice: Sluice, work: (producer: Producer) => Promise<T>) {
  const producer = kafkaOf(sluice).producer()
  await producer.connect()
  try {
    return await work(producer)
  } finally {
    await producer.disconnect()
  }
}

function send(sluice: Sluice, topic: string, ...values: string[]) {
  return withProducer(sluice, (producer) =>
    producer.send({ topic, messages: values.map((value) => ({ value })) }),
  )
}

async function valuesOf(sluice: Sluice, topic: string): Promise<string[]> {
  return (await sluice.records(topic)).map(({ value }) => String(value))
}

/** Resolves with the first message that a consumer of `group` sees. */
async function firstMessage(consumer: Consumer, topic: string): Promise<string> {
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const { promise, resolve } = Promise.withResolvers<string>()
  await consumer.run({ eachMessage: async ({ message }) => resolve(String(message.value)) })
  return promise
}

describe('Sluice.start', () => {
  test('gives a broker that Kafka clients and HTTP use', async () => {
    await using sluice = await Sluice.start()
    await send(sluice, 'orders', 'one', 'two')
    expect(await valuesOf(sluice, 'orders')).toEqual(['one', 'two'])
    const posted = await fetch(`${sluice.httpUrl}/v1/topics/orders/records`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: 'three',
    })
    expect(posted.status).toBe(200)
    expect(await valuesOf(sluice, 'orders')).toEqual(['one', 'two', 'three'])
    expect((await fetch(`${sluice.httpUrl}/readyz`)).status).toBe(200)
  })

  test('takes configs and topics', async () => {
    await using sluice = await Sluice.start({
      configs: { 'num.partitions': 3, 'auto.create.topics.enable': false },
      topics: ['a', { name: 'b', partitions: 2, configs: { 'retention.ms': 1000 } }],
    })
    const admin = kafkaOf(sluice).admin()
    await admin.connect()
    const { topics } = await admin.fetchTopicMetadata()
    await admin.disconnect()
    const counts = topics.map(({ name, partitions }) => [name, partitions.length])
    expect(Object.fromEntries(counts)).toEqual({ a: 3, b: 2 })
    await expect(sluice.records('c')).rejects.toThrow('topic c')
  })

  test('shows no listener but those clients can come by', async () => {
    await using sluice = await Sluice.start()
    const consumer = consumerConfig({})
    if (!consumer.ok) throw new Error('the defaults are wrong')
    const { nodes } = await withClient(sluice.bootstrapServers, consumer.config, (client) =>
      client.request(apis.describeQuorum, 'any', { topics: [] }),
    )
    const listeners = nodes.flatMap((node) => node.listeners)
    expect(listeners.map(({ host, port }) => `${host}:${port}`)).toEqual([sluice.bootstrapServers])
  })

  test('records have key, value, headers, partition, offset and time', async () => {
    await using sluice = await Sluice.start({ topics: [{ name: 'a', partitions: 2 }] })
    const message = { key: 'k', value: null, headers: { h: 'v' }, timestamp: '1767225600000' }
    await withProducer(sluice, (producer) =>
      producer.send({ topic: 'a', messages: [{ ...message, partition: 1 }] }),
    )
    expect(await sluice.records('a')).toEqual([
      {
        topic: 'a',
        partition: 1,
        offset: 0,
        timestamp: 1_767_225_600_000,
        key: Buffer.from('k'),
        value: null,
        headers: [{ key: 'h', value: Buffer.from('v') }],
      },
    ])
  })

  test('several run side by side and share nothing', async () => {
    await using first = await Sluice.start()
    await using second = await Sluice.start()
    await send(first, 't', 'of the first')
    await send(second, 't', 'of the second')
    expect(await valuesOf(first, 't')).toEqual(['of the first'])
    expect(await valuesOf(second, 't')).toEqual(['of the second'])
  })

  test('an unknown config is refused with the nearest name', async () => {
    await expect(Sluice.start({ configs: { 'num.partition': 1 } })).rejects.toThrow(
      'did you mean num.partitions?',
    )
  })

  test('after stop() nobody listens; stop() twice is fine', async () => {
    const sluice = await Sluice.start()
    await sluice.stop()
    await sluice.stop()
    await expect(fetch(`${sluice.httpUrl}/readyz`)).rejects.toThrow()
  })
})

describe('reset', () => {
  test('leaves the topics of the options, empty, and nothing else', async () => {
    await using sluice = await Sluice.start({ topics: ['orders'] })
    const consumer = kafkaOf(sluice).consumer({ groupId: 'g', maxWaitTimeInMs: 100 })
    await send(sluice, 'orders', 'old')
    await send(sluice, 'other', 'old')
    expect(await firstMessage(consumer, 'orders')).toBe('old')
    await consumer.disconnect()
    sluice.fail('Produce', 'KAFKA_STORAGE_ERROR', { times: 100 })

    await sluice.reset()
    expect(await valuesOf(sluice, 'orders')).toEqual([])
    await expect(sluice.records('other')).rejects.toThrow()
    const again = kafkaOf(sluice).consumer({ groupId: 'g', maxWaitTimeInMs: 100 })
    await send(sluice, 'orders', 'new')
    expect(await firstMessage(again, 'orders')).toBe('new')
    await again.disconnect()
  })
})

describe('fail', () => {
  test('a client retries what it may, and the record is there once', async () => {
    await using sluice = await Sluice.start({ topics: ['t'] })
    sluice.fail('Produce', 'NOT_LEADER_OR_FOLLOWER', { times: 2 })
    await send(sluice, 't', 'once')
    expect(await valuesOf(sluice, 't')).toEqual(['once'])
  })

  test('an error that is final reaches the caller, and nothing is stored', async () => {
    await using sluice = await Sluice.start({ topics: ['t'] })
    sluice.fail('Produce', 'TOPIC_AUTHORIZATION_FAILED')
    await expect(send(sluice, 't', 'refused')).rejects.toThrow(/authorized/i)
    expect(await valuesOf(sluice, 't')).toEqual([])
  })

  test('names are checked', async () => {
    await using sluice = await Sluice.start()
    expect(() => sluice.fail('Produc', 'NOT_CONTROLLER')).toThrow('did you mean Produce?')
    expect(() => sluice.fail('Produce', 'NOT_LEADER')).toThrow('no error NOT_LEADER')
    expect(() => sluice.fail('Produce', 'NOT_CONTROLLER', { times: 0 })).toThrow('times: 0')
  })
})

describe('advance', () => {
  test('retention removes what is older than it keeps', async () => {
    const day = 24 * 3600 * 1000
    await using sluice = await Sluice.start({
      topics: [{ name: 't', configs: { 'retention.ms': day } }],
    })
    await send(sluice, 't', 'old')
    await sluice.advance(day / 2)
    expect(await valuesOf(sluice, 't')).toEqual(['old'])
    await sluice.advance(day)
    expect(await valuesOf(sluice, 't')).toEqual([])
    await send(sluice, 't', 'new')
    expect(await valuesOf(sluice, 't')).toEqual(['new'])
  })

  test('a member without a heartbeat in the meantime is out of its group', async () => {
    await using sluice = await Sluice.start({ topics: ['t'] })
    const times = { sessionTimeout: 30_000, heartbeatInterval: 10_000, maxWaitTimeInMs: 100 }
    const consumer = kafkaOf(sluice).consumer({ groupId: 'g', ...times })
    await send(sluice, 't', 'a')
    await firstMessage(consumer, 't')
    const admin = kafkaOf(sluice).admin()
    await admin.connect()
    const membersNow = async () => (await admin.describeGroups(['g'])).groups[0].members.length
    expect(await membersNow()).toBe(1)
    await sluice.advance(31_000)
    expect(await membersNow()).toBe(0)
    await consumer.disconnect()
    await admin.disconnect()
  })
})
