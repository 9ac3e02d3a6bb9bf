// Kafka producers of a soak: our client with each codec, idempotent, and kafkajs.

import { Producer } from '@sluice/core/kafka-client/producer'
import type { Codec } from '@sluice/protocol/records/batch'
import kafkajs from 'kafkajs'
import { audited, partitionCount, type Soak, valueBy } from './soak.ts'

const codecs: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const recordsEach = 16
const pauseMs = 500

export async function produceWithOurs(soak: Soak): Promise<void> {
  await Promise.all(codecs.map((codec) => produceWith(soak, codec)))
}

async function produceWith(soak: Soak, codec: Codec): Promise<void> {
  const client = soak.newClient(`producer-${codec}`)
  const producer = new Producer(client, { codec, idempotent: true, lingerMs: 5 })
  for (let sequence = 0; soak.writing; ) {
    const values = Array.from({ length: recordsEach }, () => valueBy(codec, sequence++))
    const records = values.map((value, index) => ({
      key: Buffer.from(`key ${index}`),
      value: Buffer.from(value),
    }))
    for (const [index, outcome] of (await producer.sendEach(audited.ours, records)).entries()) {
      if (outcome instanceof Error) {
        soak.ledger.doubtful(values[index])
        soak.ledger.violation(`a ${codec} record was refused: ${outcome.message}`)
      } else {
        soak.ledger.acknowledged(audited.ours, outcome.partition, outcome.offset, values[index])
      }
    }
    await soak.pause(pauseMs)
  }
  await producer.close()
  client.close()
}

export async function produceWithKafkajs(soak: Soak): Promise<void> {
  const kafka = new kafkajs.Kafka({
    brokers: [soak.broker.bootstrap],
    logLevel: kafkajs.logLevel.NOTHING,
  })
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  await producer.connect()
  for (let sequence = 0; soak.writing; ) {
    const partition = sequence % partitionCount
    const values = Array.from({ length: recordsEach }, () => valueBy('kafkajs', sequence++))
    const [{ baseOffset }] = await producer.send({
      topic: audited.kafkajs,
      compression: kafkajs.CompressionTypes.GZIP,
      messages: values.map((value) => ({ value, partition })),
    })
    values.forEach((value, index) => {
      const offset = Number(baseOffset) + index
      soak.ledger.acknowledged(audited.kafkajs, partition, offset, value)
    })
    await soak.pause(2 * pauseMs)
    sequence += 1
  }
  await producer.disconnect()
}
