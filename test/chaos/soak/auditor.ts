// The auditor of a soak: reads every record of the audited topics, at the tail, and enters it in the books.

import { Consumer } from '@sluice/core/kafka-client/consumer'
import { audited, partitionCount, type Soak } from './soak.ts'

export async function audit(soak: Soak): Promise<void> {
  const client = soak.newClient('auditor')
  const consumer = new Consumer(client)
  consumer.assign(
    Object.values(audited).flatMap((topic) =>
      Array.from({ length: partitionCount }, (_, partition) => ({
        ...{ topic, partition },
        offset: 'earliest' as const,
      })),
    ),
  )
  while (soak.reading) {
    for (const { topic, partition, records } of await consumer.poll(500)) {
      for (const { offset, value } of records) {
        soak.ledger.read(topic, partition, offset, String(value))
      }
    }
  }
  consumer.close()
  client.close()
}
