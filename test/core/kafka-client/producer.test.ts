import { Consumer } from '@sluice/core/kafka-client/consumer'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { KafkaError } from '@sluice/core/kafka-client/kafka-error'
import { partitionOfKey } from '@sluice/core/kafka-client/partitioner'
import { Producer, type ProducerRecord } from '@sluice/core/kafka-client/producer'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { codecs, readBatchHeader } from '@sluice/protocol/records/batch'
import { decodeRecords } from '@sluice/protocol/records/record'
import { describe, expect, test } from 'vitest'
import { Cluster, scripted } from './cluster.ts'

function valuesOf(from: number, to: number): ProducerRecord[] {
  return Array.from({ length: to - from }, (_, index) => ({
    key: null,
    value: Buffer.from(`value ${from + index}`),
  }))
}

/** Everything in the partition from the start, as text. */
async function readAll(client: KafkaClient, topic: string, partition: number, count: number) {
  const consumer = new Consumer(client)
  consumer.assign([{ topic, partition, offset: 'earliest' }])
  const values: (string | undefined)[] = []
  while (values.length < count) {
    for (const { records } of await consumer.poll(2000)) {
      for (const { value } of records) values.push(value?.toString())
    }
  }
  expect(await consumer.poll(20)).toEqual([])
  consumer.close()
  return values
}

describe('against the broker', () => {
  test('records of one call get their offsets in order', async () => {
    await using cluster = await Cluster.start()
    await cluster.createTopic('topic')
    const producer = new Producer(cluster.client, { lingerMs: 0 })
    const positions = await producer.send('topic', valuesOf(0, 1000))
    expect(positions.map(({ offset }) => offset)).toEqual(valuesOf(0, 1000).map((_, i) => i))
    expect(positions[0].partition).toBe(0)
    expect(positions[0].timestamp).toBeGreaterThan(1.7e12)
    const more = await producer.send('topic', [{ key: null, value: null, timestamp: 7 }])
    expect(more).toEqual([{ partition: 0, offset: 1000, timestamp: 7 }])
    await producer.close()
    const values = await readAll(cluster.client, 'topic', 0, 1001)
    expect(values.slice(0, 3)).toEqual(['value 0', 'value 1', 'value 2'])
  })

  test.each(codecs)('records come back as they went in, %s', async (codec) => {
    await using cluster = await Cluster.start()
    await cluster.createTopic('topic')
    const producer = new Producer(cluster.client, { codec })
    const headers = [
      { key: 'name', value: Buffer.from('header') },
      { key: 'none', value: null },
    ]
    const record = {
      key: Buffer.from('key'),
      value: Buffer.alloc(2000, 'v'),
      headers,
      timestamp: 9,
    }
    await producer.send('topic', [record, { key: null, value: null, timestamp: 10 }])
    const consumer = new Consumer(cluster.client)
    consumer.assign([{ topic: 'topic', partition: 0, offset: 0 }])
    const [fetched] = await consumer.poll(2000)
    expect(fetched.records).toEqual([
      { offset: 0, ...record },
      { offset: 1, key: null, value: null, timestamp: 10, headers: [] },
    ])
    expect(fetched).toMatchObject({ nextOffset: 2, highWatermark: 2 })
    await producer.close()
  })

  test('keys decide the partition, and a given partition counts', async () => {
    await using cluster = await Cluster.start()
    await cluster.createTopic('topic', 5)
    const producer = new Producer(cluster.client, { lingerMs: 0 })
    const keys = Array.from({ length: 40 }, (_, index) => Buffer.from(`key ${index}`))
    const positions = await producer.send(
      'topic',
      keys.map((key) => ({ key, value: null })),
    )
    expect(positions.map(({ partition }) => partition)).toEqual(
      keys.map((key) => partitionOfKey(key, 5)),
    )
    const [position] = await producer.send('topic', [{ key: keys[0], value: null, partition: 3 }])
    expect(position.partition).toBe(3)
    const failure = producer.send('topic', [{ key: null, value: null, partition: 5 }])
    await expect(failure).rejects.toMatchObject({ name: 'UNKNOWN_TOPIC_OR_PARTITION' })
    await producer.close()
  })

  test.each([0, 1] as const)('acks=%i', async (acks) => {
    await using cluster = await Cluster.start()
    await cluster.createTopic('topic')
    const producer = new Producer(cluster.client, { acks, lingerMs: 0 })
    const positions = await producer.send('topic', valuesOf(0, 3))
    expect(positions.map(({ offset }) => offset)).toEqual(acks === 0 ? [-1, -1, -1] : [0, 1, 2])
    expect(await readAll(cluster.client, 'topic', 0, 3)).toEqual(['value 0', 'value 1', 'value 2'])
    await producer.close()
  })

  test('one record a call, many calls: few batches', async () => {
    await using cluster = await Cluster.start()
    await cluster.createTopic('topic')
    const producer = new Producer(cluster.client, { lingerMs: 0 })
    const calls = valuesOf(0, 2000).map((record) => producer.send('topic', [record]))
    const positions = (await Promise.all(calls)).map(([position]) => position.offset)
    expect(positions).toEqual(valuesOf(0, 2000).map((_, index) => index))
    await producer.close()
  })

  test('a topic that is not there is created, or not', async () => {
    await using cluster = await Cluster.start()
    const producer = new Producer(cluster.client, { lingerMs: 0 })
    await producer.send('created', valuesOf(0, 1))
    await producer.close()
    const careful = new Producer(cluster.client, { allowAutoTopicCreation: false, blockMs: 30 })
    const failure = careful.send('missing', valuesOf(0, 1))
    await expect(failure).rejects.toMatchObject({ name: 'UNKNOWN_TOPIC_OR_PARTITION' })
    const invalid = careful.send('in valid', valuesOf(0, 1))
    await expect(invalid).rejects.toMatchObject({ name: 'INVALID_TOPIC_EXCEPTION' })
    await careful.close()
  })

  test('one bad record does not fail those that share its batch', async () => {
    await using cluster = await Cluster.start()
    await cluster.createTopic('compacted', 1, { 'cleanup.policy': 'compact' })
    await cluster.createTopic('small', 1, { 'max.message.bytes': '500' })
    const producer = new Producer(cluster.client, { lingerMs: 5 })
    const keyed = { key: Buffer.from('key'), value: Buffer.from('value') }
    const keyless = { key: null, value: Buffer.from('value') }
    const outcomes = await producer.sendEach('compacted', [keyed, keyless, keyed, keyless, keyed])
    expect(
      outcomes.map((outcome) => (outcome instanceof KafkaError ? outcome.name : outcome.offset)),
    ).toEqual([0, 'INVALID_RECORD', 1, 'INVALID_RECORD', 2])
    const sizes = [100, 2000, 300, 10].map((size) => ({ key: null, value: Buffer.alloc(size) }))
    const sized = await producer.sendEach('small', sizes)
    expect(
      sized.map((outcome) => (outcome instanceof KafkaError ? outcome.name : outcome.offset)),
    ).toEqual([0, 'MESSAGE_TOO_LARGE', 1, 2])
    expect(producer.bufferedBytes).toBe(0)
    await producer.close()
  })

  test('errors that pass are waited out', async () => {
    await using cluster = await Cluster.start()
    await cluster.createTopic('topic')
    cluster.faults.fail('Produce', errors.NOT_LEADER_OR_FOLLOWER, { times: 2 })
    cluster.faults.fail('Produce', errors.NOT_ENOUGH_REPLICAS, { times: 1 })
    cluster.faults.fail('InitProducerId', errors.COORDINATOR_LOAD_IN_PROGRESS, { times: 1 })
    cluster.faults.fail('Metadata', errors.LEADER_NOT_AVAILABLE, { times: 1 })
    const producer = new Producer(cluster.client, { lingerMs: 0 })
    const sent = [valuesOf(0, 10), valuesOf(10, 20)].map((some) => producer.send('topic', some))
    const positions = (await Promise.all(sent)).flat()
    expect(positions.map(({ offset }) => offset)).toEqual(valuesOf(0, 20).map((_, i) => i))
    await producer.close()
  })

  test('memory of batches is used again, and each record is what it was, over retries too', async () => {
    await using cluster = await Cluster.start()
    await cluster.createTopic('topic')
    const producer = new Producer(cluster.client, { lingerMs: 0, batchBytes: 40_000 })
    const values = Array.from({ length: 24 }, (_, n) => `${n} `.repeat(4000 + n * 100))
    for (const round of [values.slice(0, 8), values.slice(8, 16), values.slice(16)]) {
      cluster.faults.fail('Produce', errors.NOT_LEADER_OR_FOLLOWER, { times: 1 })
      const sent = round.map((value) => {
        return producer.send('topic', [{ key: null, value: Buffer.from(value) }])
      })
      await Promise.all(sent)
    }
    await producer.close()
    const stored = await readAll(cluster.client, 'topic', 0, values.length)
    expect(stored.map((value, n) => value === values[n])).toEqual(values.map(() => true))
  })

  test('an error that stays fails after the delivery time-out, and the next records go on', async () => {
    await using cluster = await Cluster.start()
    await cluster.createTopic('topic')
    const producer = new Producer(cluster.client, { lingerMs: 0, deliveryTimeoutMs: 60 })
    await producer.send('topic', valuesOf(0, 1))
    cluster.faults.fail('Produce', errors.NOT_LEADER_OR_FOLLOWER, { times: 1e9 })
    const failure = producer.send('topic', valuesOf(1, 2))
    await expect(failure).rejects.toMatchObject({ name: 'REQUEST_TIMED_OUT' })
    cluster.faults.clear()
    const [position] = await producer.send('topic', valuesOf(2, 3))
    expect(position.offset).toBe(1)
    await producer.close()
  })

  test('flush sends at once what lingers', async () => {
    await using cluster = await Cluster.start()
    await cluster.createTopic('topic')
    const producer = new Producer(cluster.client, { lingerMs: 60_000 })
    const sent = producer.send('topic', valuesOf(0, 5))
    await producer.flush()
    expect(await sent).toHaveLength(5)
    const again = producer.send('topic', valuesOf(5, 8))
    await producer.flush()
    expect(await again).toHaveLength(3)
    await producer.close()
    await expect(producer.send('topic', valuesOf(0, 1))).rejects.toThrow(/closed/)
  })

  test('close sends what was accepted before its topic was known, or waits for room', async () => {
    await using cluster = await Cluster.start()
    await cluster.createTopic('topic')
    const options = { blockMs: 5000, bufferBytes: 300, batchBytes: 200, lingerMs: 0 }
    const producer = new Producer(cluster.newClient(), options)
    const sent = Array.from({ length: 10 }, () =>
      producer.send('topic', [{ key: null, value: Buffer.alloc(100) }]),
    )
    await producer.close()
    const positions = (await Promise.all(sent)).flat()
    expect(positions.map(({ offset }) => offset)).toEqual(positions.map((_, i) => i))
    const late = producer.send('topic', valuesOf(0, 1))
    await expect(late).rejects.toMatchObject({ name: 'NETWORK_EXCEPTION' })
  })

  test('lingers no longer than told', async () => {
    await using cluster = await Cluster.start()
    await cluster.createTopic('topic')
    const producer = new Producer(cluster.client, { lingerMs: 15 })
    await producer.send('topic', valuesOf(0, 1))
    await producer.send('topic', valuesOf(1, 2))
    await producer.abort()
  })

  test('memory is bounded: calls wait for room', async () => {
    await using cluster = await Cluster.start()
    await cluster.createTopic('topic')
    const producer = new Producer(cluster.client, { bufferBytes: 2000, lingerMs: 0 })
    const big = [{ key: null, value: Buffer.alloc(1500) }]
    expect(producer.room()).toBeUndefined()
    const sent = Array.from({ length: 10 }, () => producer.send('topic', big))
    await sent[1]
    expect(producer.bufferedBytes).toBeLessThan(4000)
    const offsets = (await Promise.all(sent)).map(([{ offset }]) => offset)
    expect(offsets).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    await producer.close()
    expect(producer.bufferedBytes).toBe(0)
  })

  test('a record larger than a request is refused before it is sent', async () => {
    await using cluster = await Cluster.start()
    await cluster.createTopic('topic')
    const producer = new Producer(cluster.client, { requestBytesMax: 1000 })
    const [small, large] = await producer.sendEach('topic', [
      { key: null, value: Buffer.alloc(100) },
      { key: null, value: Buffer.alloc(1000) },
    ])
    expect(small).toMatchObject({ offset: 0 })
    expect(large).toMatchObject({ name: 'MESSAGE_TOO_LARGE' })
    await producer.close()
  })

  test('what is asked for against itself is a bug of the caller', async () => {
    const { client } = await scripted()
    expect(() => new Producer(client, { acks: 1, idempotent: true })).toThrow(/acks=all/)
    expect(() => new Producer(client, { inFlightMax: 6 })).toThrow(/at most 5/)
    client.close()
  })
})

describe('against a broker that loses answers', () => {
  type Stored = { sequence: number; epoch: number; producerId: number; values: string[] }

  /** Stores what it is sent, as often as it comes. */
  async function forgetful() {
    const parts = await scripted({ requestTimeoutMs: 40 })
    const stored: Stored[] = []
    let producerIds = 70
    parts.broker.topics = { topic: { id: 'AAAAAAAAAAAAAAAAAAAAAQ', partitions: 1 } }
    parts.broker.on(apis.initProducerId, () => {
      return { errorCode: 0, producerId: producerIds++, producerEpoch: 0 }
    })
    const store = (records: Buffer | null) => {
      const bytes = records as Buffer
      const { producerId, producerEpoch: epoch, baseSequence: sequence } = readBatchHeader(bytes, 0)
      const values = decodeRecords(bytes, 0).map(({ value }) => String(value))
      stored.push({ producerId, epoch, sequence, values })
    }
    const answer = (errorCode: number, baseOffset = 0) => ({
      responses: [
        {
          topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
          partitionResponses: [{ index: 0, errorCode, baseOffset }],
        },
      ],
    })
    return { ...parts, stored, store, answer }
  }

  test('the same batch goes again, with the same numbers', async () => {
    const { broker, client, stored, store, answer } = await forgetful()
    const fates = ['hang-up', 'silence', 'answer', 'answer'] as const
    broker.on(apis.produce, ({ topicData }) => {
      store(topicData[0].partitionData[0].records)
      const fate = fates[stored.length - 1] ?? 'answer'
      return fate === 'answer' ? answer(0, 5) : fate
    })
    const producer = new Producer(client, { lingerMs: 0 })
    const [position] = await producer.send('topic', valuesOf(0, 1))
    expect(position.offset).toBe(5)
    await producer.send('topic', valuesOf(1, 3))
    expect(stored).toEqual([
      { producerId: 70, epoch: 0, sequence: 0, values: ['value 0'] },
      { producerId: 70, epoch: 0, sequence: 0, values: ['value 0'] },
      { producerId: 70, epoch: 0, sequence: 0, values: ['value 0'] },
      { producerId: 70, epoch: 0, sequence: 1, values: ['value 1', 'value 2'] },
    ])
    producer.abort()
    client.close()
  })

  test('a broker that forgot the producer gets a new epoch, or a new producer', async () => {
    const { broker, client, stored, store, answer } = await forgetful()
    const codes = [
      errors.NONE,
      errors.OUT_OF_ORDER_SEQUENCE_NUMBER,
      errors.NONE,
      errors.INVALID_PRODUCER_EPOCH,
      errors.NONE,
      errors.UNKNOWN_PRODUCER_ID,
    ]
    broker.on(apis.produce, ({ topicData }) => {
      store(topicData[0].partitionData[0].records)
      return answer(codes[stored.length - 1] ?? errors.NONE)
    })
    const producer = new Producer(client, { lingerMs: 0 })
    for (let index = 0; index < 4; index++) await producer.send('topic', valuesOf(index, index + 1))
    const numbers = stored.map(({ producerId, epoch, sequence }) => [producerId, epoch, sequence])
    expect(numbers).toEqual([
      [70, 0, 0],
      [70, 0, 1],
      [70, 1, 0],
      [70, 1, 1],
      [71, 0, 0],
      [71, 0, 1],
      [71, 1, 0],
    ])
    producer.abort()
    client.close()
  })

  test('a batch that the broker stored before counts as stored', async () => {
    const { broker, client, store, answer } = await forgetful()
    broker.on(apis.produce, ({ topicData }) => {
      store(topicData[0].partitionData[0].records)
      return answer(errors.DUPLICATE_SEQUENCE_NUMBER)
    })
    const producer = new Producer(client, { lingerMs: 0 })
    expect(await producer.send('topic', valuesOf(0, 1))).toMatchObject([{ offset: -1 }])
    producer.abort()
    client.close()
  })

  test('the end of the producer is told to all that wait', async () => {
    const { broker, client } = await forgetful()
    broker.on(apis.produce, () => 'silence')
    const producer = new Producer(client, { lingerMs: 0 })
    const sent = producer.send('topic', valuesOf(0, 1))
    const waiting = producer.send('nowhere', valuesOf(0, 1))
    setTimeout(() => producer.abort(), 10)
    await expect(sent).rejects.toMatchObject({ name: 'NETWORK_EXCEPTION' })
    await expect(waiting).rejects.toMatchObject({ name: 'NETWORK_EXCEPTION' })
    expect(producer.bufferedBytes).toBe(0)
    client.close()
  })
})
