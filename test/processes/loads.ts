// Producers that never stop and note what they are told: ours, and kafkajs. Both are idempotent, so that what
// a killed broker left open is sent again and yet is there once.

import { silentLogger } from '@sluice/core/host/logger'
import { NodeClock } from '@sluice/core/host/node/clock'
import { NodeNetwork } from '@sluice/core/host/node/network'
import { NodeRandom } from '@sluice/core/host/node/random'
import { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { Producer } from '@sluice/core/kafka-client/producer'
import { Kafka, logLevel } from 'kafkajs'
import type { History } from './history.ts'

export interface Load {
  /** Sends no more; resolves when all that was sent is acknowledged or has failed for good. */
  stop(): Promise<void>
}

const valueBytes = 200
const callsUnderWayMax = 100

export function newClient(port: number): KafkaClient {
  return new KafkaClient({
    network: new NodeNetwork(),
    clock: new NodeClock(),
    random: new NodeRandom(),
    logger: silentLogger,
    bootstrap: [{ host: '127.0.0.1', port }],
    clientId: 'test',
  })
}

export function ownLoad(client: KafkaClient, topic: string, history: History): Load {
  const producer = new Producer(client, { idempotent: true, deliveryTimeoutMs: 30_000 })
  let stopped = false
  let sent = 0
  const one = async () => {
    while (!stopped) {
      const value = paddedValue('own', sent++)
      history.sends(value)
      try {
        const record = { key: null, value: Buffer.from(value) }
        const [{ partition, offset }] = await producer.send(topic, [record])
        history.acknowledges(value, partition, offset)
      } catch {
        // Not acknowledged: it may be there or not.
      }
    }
  }
  const loops = Array.from({ length: callsUnderWayMax }, one)
  return {
    async stop() {
      stopped = true
      await Promise.all(loops)
      await producer.close()
    },
  }
}

export async function kafkajsLoad(port: number, topic: string, history: History): Promise<Load> {
  const kafka = new Kafka({
    brokers: [`127.0.0.1:${port}`],
    clientId: 'kafkajs',
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 100 },
  })
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  let stopped = false
  const run = async () => {
    for (let sent = 0; !stopped; sent++) {
      const values = Array.from({ length: 5 }, (_, i) => paddedValue('kafkajs', sent * 5 + i))
      for (const value of values) history.sends(value)
      // One partition a call: its answer tells the offset of the first record.
      const messages = values.map((value) => ({ value, partition: sent % 3 }))
      try {
        const [{ partition, baseOffset }] = await producer.send({ topic, messages, acks: -1 })
        const offset = Number(baseOffset)
        values.forEach((value, i) => {
          history.acknowledges(value, partition, offset === -1 ? -1 : offset + i)
        })
      } catch {
        // Not acknowledged: they may be there or not.
      }
    }
  }
  const running = run()
  return {
    async stop() {
      stopped = true
      await running
      await producer.disconnect()
    },
  }
}

function paddedValue(sender: string, number: number): string {
  return `${sender} ${number} `.padEnd(valueBytes, '.')
}
