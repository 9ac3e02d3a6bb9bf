// Topics of a soak that come and go, and configs that change meanwhile: each topic is made, written, read back whole
// and deleted; topic and broker configs are set and unset.

import { Admin } from '@sluice/core/kafka-client/admin'
import { Consumer } from '@sluice/core/kafka-client/consumer'
import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { Producer } from '@sluice/core/kafka-client/producer'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { audited, between, type Soak, valueBy } from './soak.ts'

const recordCount = 60
const partitions = 3
const resourceTypes = { topic: 2, broker: 4 }
const operations = { set: 0, delete: 1 }

export async function passingTopics(soak: Soak): Promise<void> {
  const client = soak.newClient('passing-topics')
  const admin = new Admin(client)
  for (let count = 0; soak.writing; count++) {
    // Some names come back: another topic each time.
    const topic = `passing-${count % 5}`
    await expectNone(
      soak,
      'create',
      admin.createTopics([{ name: topic, partitionCount: partitions }]),
    )
    await fill(soak, client, topic)
    await expectNone(soak, 'delete', admin.deleteTopics([topic]))
    await soak.pause(between(1_500, 4_000))
  }
  client.close()
}

async function expectNone(
  soak: Soak,
  what: string,
  answered: Promise<readonly { name: string; error: number }[]>,
): Promise<void> {
  for (const { name, error } of await answered) {
    if (error !== errors.NONE) soak.ledger.violation(`${what} ${name}: error ${error}`)
  }
}

async function fill(soak: Soak, client: KafkaClient, topic: string): Promise<void> {
  const producer = new Producer(client, { codec: 'lz4' })
  const records = Array.from({ length: recordCount }, (_, index) => ({
    ...{ key: null, value: Buffer.from(valueBy(topic, index)), partition: index % partitions },
  }))
  await producer.send(topic, records)
  await producer.close()
  const consumer = new Consumer(client)
  consumer.assign(
    Array.from({ length: partitions }, (_, partition) => ({
      ...{ topic, partition, offset: 'earliest' as const },
    })),
  )
  let read = 0
  const deadline = performance.now() + 10_000
  while (read < recordCount && performance.now() < deadline) {
    for (const fetched of await consumer.poll(500)) read += fetched.records.length
  }
  consumer.close()
  if (read !== recordCount) soak.ledger.violation(`${topic}: ${read} of ${recordCount} were read`)
}

/** Sets and unsets configs that change nothing that others check. */
export async function changingConfigs(soak: Soak): Promise<void> {
  const client = soak.newClient('changing-configs')
  for (let count = 0; soak.writing; count++) {
    const configOperation = count % 2 === 0 ? operations.set : operations.delete
    const topicConfigs = [
      { name: 'retention.ms', value: String(86_400_000 + count) },
      { name: 'segment.ms', value: String(60_000 + count) },
    ]
    const brokerConfigs = [{ name: 'message.max.bytes', value: String(2_000_000 + count) }]
    const withOperation = (configs: { name: string; value: string }[]) =>
      configs.map(({ name, value }) => ({
        ...{ name, configOperation, value: configOperation === operations.set ? value : null },
      }))
    const answer = await client.request(apis.incrementalAlterConfigs, 'any', () => ({
      validateOnly: false,
      resources: [
        {
          resourceType: resourceTypes.topic,
          resourceName: audited.ours,
          configs: withOperation(topicConfigs),
        },
        {
          resourceType: resourceTypes.broker,
          resourceName: '',
          configs: withOperation(brokerConfigs),
        },
      ],
    }))
    for (const { resourceName, errorCode, errorMessage } of answer.responses) {
      if (errorCode === errors.NONE) continue
      soak.ledger.violation(`configs of '${resourceName}': ${errorCode} ${errorMessage}`)
    }
    await soak.pause(between(4_000, 9_000))
  }
  client.close()
}
