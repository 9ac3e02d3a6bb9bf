// kafkajs behind the drivers' common command line (see drivers.ts). It brings gzip; snappy, lz4 and zstd are
// plugged in the way its documentation tells users to, with the same packages.

import { compress, decompress } from '@sluice/protocol/records/compression'
import kafkajs from 'kafkajs'
import { data, flushPrinted, linesIn, option, options, print, text } from './line-protocol.ts'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs
const codecs = { snappy: 'Snappy', lz4: 'LZ4', zstd: 'ZSTD' } as const
for (const [codec, name] of Object.entries(codecs) as [keyof typeof codecs, 'Snappy'][]) {
  CompressionCodecs[CompressionTypes[name]] = () => ({
    compress: async (encoder: { buffer: Buffer }) => compress(codec, encoder.buffer),
    decompress: async (buffer: Buffer) => decompress(codec, buffer, 1 << 28),
  })
}
const kafka = new Kafka({
  brokers: option('bootstrap').split(','),
  clientId: 'kafkajs',
  logLevel: logLevel.ERROR,
})

async function produce(): Promise<void> {
  const idempotent = (options['idempotent'] ?? 'true') === 'true'
  const producer = kafka.producer({
    idempotent,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: true,
  })
  await producer.connect()
  const types: Record<string, number> = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 }
  let sent = 0
  for await (const records of linesIn(500)) {
    await producer.send({
      topic: option('topic'),
      acks: -1,
      compression: types[options['codec'] ?? 'none'],
      messages: records.map((record) => ({
        key: data(record.key),
        value: data(record.value),
        partition: record.partition,
        timestamp: record.timestamp === undefined ? undefined : String(record.timestamp),
        headers: headersOf(record.headers),
      })),
    })
    sent += records.length
  }
  await producer.disconnect()
  process.stdout.write(`${JSON.stringify({ sent })}\n`)
}

/** kafkajs groups headers of one name into an array. */
function headersOf(pairs: [string, string | null][]): Record<string, Buffer | Buffer[]> {
  const headers: Record<string, Buffer | Buffer[]> = {}
  for (const [name, value] of pairs) {
    const bytes = data(value) ?? Buffer.alloc(0)
    const before = headers[name]
    headers[name] = before === undefined ? bytes : [before, bytes].flat()
  }
  return headers
}

async function consume(): Promise<void> {
  const group = options['group']
  const topics = option('topics').split(',')
  const consumer = kafka.consumer({
    groupId: group ?? `kafkajs-${process.pid}`,
    readUncommitted: options['isolation'] !== 'read_committed',
  })
  let seen = 0
  const most = Number(option('max'))
  const done = Promise.withResolvers<void>()
  const timer = setTimeout(done.resolve, Number(options['timeout'] ?? 30_000))
  process.on('SIGTERM', () => done.resolve())
  await consumer.connect()
  await consumer.subscribe({ topics, fromBeginning: true })
  await consumer.run({
    autoCommit: group !== undefined,
    autoCommitInterval: 200,
    eachMessage: async ({ topic, partition, message }) => {
      if (seen >= most) return
      seen++
      const headers = Object.entries(message.headers ?? {}).flatMap(([name, value]) =>
        [value ?? null].flat().map((one): [string, string | null] => [name, text(toBuffer(one))]),
      )
      print({
        topic,
        partition,
        offset: Number(message.offset),
        timestamp: Number(message.timestamp),
        key: message.key,
        value: message.value,
        headers,
      })
      if (seen >= most) done.resolve()
    },
  })
  await done.promise
  clearTimeout(timer)
  await consumer.disconnect()
}

function toBuffer(value: string | Buffer | null | undefined): Buffer | null {
  if (value === null || value === undefined) return null
  return typeof value === 'string' ? Buffer.from(value) : value
}

/** Begins a transaction, which a broker without transactions must refuse at once. */
async function transact(): Promise<void> {
  const producer = kafka.producer({
    transactionalId: 't1',
    idempotent: true,
    maxInFlightRequests: 1,
  })
  await producer.connect()
  const verdict = await producer.transaction().then(
    () => 'begun',
    (error: Error) => `refused: ${error.message}`,
  )
  process.stdout.write(`${verdict}\n`)
}

/** One of each thing that its admin client can do. */
async function admin(): Promise<void> {
  const it = kafka.admin()
  const [topic, groupId] = [option('topic'), option('group')]
  await it.connect()
  await it.createTopics({ topics: [{ topic, numPartitions: 1 }] })
  await it.createPartitions({ topicPartitions: [{ topic, count: 2 }] })
  await it.fetchTopicMetadata({ topics: [topic] })
  await it.fetchTopicOffsets(topic)
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }
  await it.describeConfigs({ resources: [resource], includeSynonyms: false })
  const configEntries = [{ name: 'retention.ms', value: '3600000' }]
  await it.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] })
  await it.describeCluster()
  await it.listGroups()
  await it.describeGroups([groupId])
  await it.fetchOffsets({ groupId })
  await it.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '0' }] })
  await it.deleteGroups([groupId])
  await it.deleteTopics({ topics: [topic] })
  await it.disconnect()
}

const verbs: Record<string, () => Promise<void>> = { produce, consume, transact, admin }
await verbs[process.argv[2]]()
// The client may keep sockets open; what was printed must get out first.
flushPrinted(() => process.exit(0))
