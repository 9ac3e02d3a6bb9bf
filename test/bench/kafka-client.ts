// What the Kafka client costs, with the broker in the same process and on the same core, in memory:
// node test/bench/kafka-client.ts [records, default 300000]. A program to compare two states, not a test.

import { Consumer } from '@sluice/core/kafka-client/consumer'
import { Producer, type ProducerRecord } from '@sluice/core/kafka-client/producer'
import { Cluster } from '../core/kafka-client/cluster.ts'

const recordCount = Number(process.argv[2] ?? 300_000)
const chunkRecords = 500

function report(
  name: string,
  records: number,
  bytes: number,
  startMs: number,
  cpu: NodeJS.CpuUsage,
) {
  const seconds = (performance.now() - startMs) / 1000
  const used = process.cpuUsage(cpu)
  const perRecord = (used.user + used.system) / records
  const rate = Math.round(records / seconds / 1000)
  const megabytes = Math.round(bytes / seconds / 1e6)
  console.log(
    `${name.padEnd(44)}${String(rate).padStart(6)} k/s${String(megabytes).padStart(6)} MB/s` +
      `${perRecord.toFixed(2).padStart(8)} us CPU a record`,
  )
}

function recordsOf(bytes: number, keyed: boolean): ProducerRecord[] {
  return Array.from({ length: chunkRecords }, (_, index) => ({
    key: keyed ? Buffer.from(`key ${index}`) : null,
    value: Buffer.alloc(bytes, `a line of text, number ${index}; `),
  }))
}

await using cluster = await Cluster.start()

for (const { bytes, keyed, partitions } of [
  { bytes: 100, keyed: false, partitions: 1 },
  { bytes: 100, keyed: true, partitions: 6 },
  { bytes: 1024, keyed: false, partitions: 1 },
]) {
  const topic = `topic-${bytes}-${keyed}`
  await cluster.createTopic(topic, partitions)
  const name = `${bytes} B, ${keyed ? 'keyed' : 'no key'}, ${partitions} partitions`
  for (const batchBytes of [16_384, 262_144]) {
    const producer = new Producer(cluster.client, { batchBytes, lingerMs: 5 })
    const records = recordsOf(bytes, keyed)
    const startMs = performance.now()
    const cpu = process.cpuUsage()
    const sent: Promise<unknown>[] = []
    for (let count = 0; count < recordCount; count += chunkRecords) {
      await producer.room()
      sent.push(producer.send(topic, records))
      // As a reader of a file gives its chunks: one a turn of the loop.
      await new Promise((resolve) => setImmediate(resolve))
    }
    await producer.flush()
    await Promise.all(sent)
    report(
      `produce ${name}, ${batchBytes / 1024} KiB`,
      recordCount,
      recordCount * bytes,
      startMs,
      cpu,
    )
    await producer.close()
  }
  const consumer = new Consumer(cluster.client)
  consumer.assign(
    Array.from({ length: partitions }, (_, partition) => ({
      topic,
      partition,
      offset: 'earliest',
    })),
  )
  const startMs = performance.now()
  const cpu = process.cpuUsage()
  let read = 0
  while (read < 2 * recordCount) {
    for (const { records } of await consumer.poll(1000)) read += records.length
  }
  report(`consume ${name}`, read, read * bytes, startMs, cpu)
  consumer.close()
}

await cluster.createTopic('single')
for (const concurrency of [1, 16, 256]) {
  const producer = new Producer(cluster.client, { lingerMs: 0 })
  const value = Buffer.alloc(1024, 'x')
  const count = concurrency === 1 ? 5000 : 100_000
  let left = count
  const startMs = performance.now()
  const cpu = process.cpuUsage()
  const worker = async () => {
    while (left-- > 0) await producer.send('single', [{ key: null, value }])
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  report(`one 1 KiB record a call, ${concurrency} at once`, count, count * 1024, startMs, cpu)
  await producer.close()
}
