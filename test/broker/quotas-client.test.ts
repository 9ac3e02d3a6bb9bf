// A real client under a quota: it is slowed down, and nothing is lost or doubled. Only a lower bound of the
// time is looked at.

import { NodeNetwork } from '@sluice/core/host/node/network'
import { apis } from '@sluice/protocol/apis'
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, expect, test } from 'vitest'
import { TestBroker } from './test-broker.ts'

let running: TestBroker
afterEach(() => running.close())

test('kafkajs produces and consumes at the rate that it is allowed, record for record', async () => {
  // Two samples of a second: the rate is that of the last second or two.
  running = await TestBroker.start({
    network: new NodeNetwork(),
    config: { 'quota.window.num': '2', 'group.initial.rebalance.delay.ms': '0' },
  })
  await running.createTopic('orders')
  const admin = await running.connect()
  await admin.send(apis.alterClientQuotas, 1, {
    entries: [
      {
        entity: [{ entityType: 'client-id', entityName: 'limited' }],
        ops: ['producer_byte_rate', 'consumer_byte_rate'].map((key) => ({
          key,
          value: 100_000,
          remove: false,
        })),
      },
    ],
    validateOnly: false,
  })
  const { host, port } = running.broker.listeners[0].bound
  const kafka = new Kafka({
    brokers: [`${host}:${port}`],
    clientId: 'limited',
    logLevel: logLevel.NOTHING,
  })
  const values = Array.from({ length: 8 }, (_, n) => `${n}`.padEnd(50_000, 'x'))
  const producer = kafka.producer()
  await producer.connect()
  const startedMs = performance.now()
  for (const value of values) await producer.send({ topic: 'orders', messages: [{ value }] })
  // 400 kB at 100 kB/s; a second's worth is free, the last request is answered before its wait.
  expect(performance.now() - startedMs).toBeGreaterThan(1000)
  await producer.disconnect()

  const consumer = kafka.consumer({ groupId: 'readers', maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders', fromBeginning: true })
  const read: string[] = []
  await consumer.run({
    eachMessage: async ({ message }) => void read.push(String(message.value)),
  })
  await expect.poll(() => read.length, { timeout: 20_000 }).toBe(values.length)
  expect(read).toEqual(values)
  await consumer.disconnect()
  const waits = running.broker.quotas.waits
  expect(waits.Produce.count).toBeGreaterThan(0)
})
