// A table of a soak: a compacted topic of few keys, written and taken back over and over. Read from its beginning at
// the end, it must give exactly the latest value of each key, whatever was compacted meanwhile.

import { Admin } from '@sluice/core/kafka-client/admin'
import { Consumer } from '@sluice/core/kafka-client/consumer'
import { Producer } from '@sluice/core/kafka-client/producer'
import { between, type Soak, valueBy } from './soak.ts'

const topic = 'table'
const keyCount = 300
const recordsEach = 10
const pauseMs = 500
const readMs = 30_000

export async function writeTable(soak: Soak): Promise<void> {
  const client = soak.newClient('table')
  const configs = {
    'cleanup.policy': 'compact',
    'segment.bytes': '1048576',
    'min.cleanable.dirty.ratio': '0.2',
    'delete.retention.ms': '60000',
  }
  await new Admin(client).createTopics([{ name: topic, partitionCount: 1, configs }])
  const latest = new Map<string, string | null>()
  const producer = new Producer(client, { idempotent: true, codec: 'zstd' })
  let lastOffset = -1
  for (let sequence = 0; soak.writing; ) {
    const records = Array.from({ length: recordsEach }, () => {
      const value = Math.random() < 0.1 ? null : valueBy('table', sequence++)
      return { key: `key ${between(1, keyCount)}`, value }
    })
    const positions = await producer.send(
      topic,
      records.map(({ key, value }) => ({
        ...{ key: Buffer.from(key), value: value === null ? null : Buffer.from(value) },
      })),
    )
    for (const { key, value } of records) latest.set(key, value)
    lastOffset = Math.max(lastOffset, ...positions.map(({ offset }) => offset))
    await soak.pause(pauseMs)
  }
  await producer.close()
  const consumer = new Consumer(client)
  consumer.assign([{ topic, partition: 0, offset: 'earliest' }])
  const read = new Map<string, string | null>()
  const deadline = performance.now() + readMs
  for (let seen = -1; seen < lastOffset && performance.now() < deadline; ) {
    for (const { records, nextOffset } of await consumer.poll(500)) {
      for (const { key, value } of records) read.set(String(key), value && String(value))
      seen = nextOffset - 1
    }
  }
  consumer.close()
  client.close()
  for (const [key, value] of latest) {
    if ((read.get(key) ?? null) !== value) soak.ledger.violation(`table: ${key} is not what it was`)
  }
}
