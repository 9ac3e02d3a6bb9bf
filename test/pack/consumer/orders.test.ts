// What a user writes who installed the package: a test of his own against an embedded broker.

import { Kafka, logLevel } from 'kafkajs'
import { Sluice, type SluiceRecord } from 'sluice'
import { expect, test } from 'vitest'

test('records of a real client are in the topic', async () => {
  await using sluice = await Sluice.start({ topics: [{ name: 'orders', partitions: 2 }] })
  const kafka = new Kafka({ brokers: [sluice.bootstrapServers], logLevel: logLevel.NOTHING })
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic: 'orders', messages: [{ key: 'a', value: 'one' }] })
  await producer.disconnect()
  const records: SluiceRecord[] = await sluice.records('orders')
  expect(records.map(({ key, value }) => [String(key), String(value)])).toEqual([['a', 'one']])
  const ready = await fetch(`${sluice.httpUrl}/readyz`)
  expect(ready.status).toBe(200)
})
