// @platformatic/kafka behind the drivers' common command line (see drivers.ts).

import {
  Admin,
  CompressionAlgorithms,
  ConfigResourceTypes,
  Consumer,
  MessagesStreamModes,
  ProduceAcks,
  Producer,
} from '@platformatic/kafka'
import { data, flushPrinted, linesIn, option, options, print, text } from './line-protocol.ts'

const bootstrapBrokers = option('bootstrap').split(',')

async function produce(): Promise<void> {
  const producer = new Producer({
    clientId: 'platformatic',
    bootstrapBrokers,
    autocreateTopics: true,
    idempotent: (options['idempotent'] ?? 'true') === 'true',
  })
  let sent = 0
  for await (const records of linesIn(500)) {
    await producer.send({
      acks: ProduceAcks.ALL,
      compression: CompressionAlgorithms[(options['codec'] ?? 'none').toUpperCase() as 'NONE'],
      messages: records.map((record) => ({
        topic: option('topic'),
        key: data(record.key) as Buffer,
        value: data(record.value) as Buffer,
        partition: record.partition,
        timestamp: record.timestamp === undefined ? undefined : BigInt(record.timestamp),
        headers: new Map(
          record.headers.map(([name, value]) => [Buffer.from(name), data(value) as Buffer]),
        ),
      })),
    })
    sent += records.length
  }
  await producer.close()
  process.stdout.write(`${JSON.stringify({ sent })}\n`)
}

async function consume(): Promise<void> {
  const topics = option('topics').split(',')
  const most = Number(option('max'))
  const consumer = new Consumer({
    clientId: 'platformatic',
    groupId: options['group'] ?? `platformatic-${process.pid}`,
    bootstrapBrokers,
    groupInstanceId: options['instance'],
    isolationLevel: options['isolation'] === 'read_committed' ? 1 : 0,
  })
  const stream = await consumer.consume({
    topics,
    mode: options['group'] ? MessagesStreamModes.COMMITTED : MessagesStreamModes.EARLIEST,
    fallbackMode: 'earliest',
    autocommit: options['group'] ? 200 : false,
    sessionTimeout: 10_000,
    heartbeatInterval: 500,
    maxWaitTime: 200,
  })
  const stop = () => void stream.close()
  const timer = setTimeout(stop, Number(options['timeout'] ?? 30_000))
  process.on('SIGTERM', stop)
  let seen = 0
  for await (const message of stream) {
    print({
      topic: message.topic,
      partition: message.partition,
      offset: Number(message.offset),
      timestamp: Number(message.timestamp),
      key: message.key,
      value: message.value,
      headers: [...message.headers].map(
        ([name, value]) => [name.toString(), text(value)] as [string, string | null],
      ),
    })
    if (++seen >= most) break
  }
  clearTimeout(timer)
  await stream.close()
  await consumer.close()
}

/** One of each thing that its admin client can do. */
async function admin(): Promise<void> {
  const it = new Admin({ clientId: 'platformatic', bootstrapBrokers })
  const [topic, group] = [option('topic'), option('group')]
  await it.createTopics({ topics: [topic], partitions: 1, replicas: 1 })
  await it.createPartitions({
    topics: [{ name: topic, count: 2, assignments: [{ brokerIds: [1] }] }],
  })
  const resourceType = ConfigResourceTypes.TOPIC
  await it.describeConfigs({ resources: [{ resourceType, resourceName: topic }] })
  const configs = [{ name: 'retention.ms', value: '3600000', configOperation: 0 as const }]
  await it.incrementalAlterConfigs({
    resources: [{ resourceType, resourceName: topic, configs }],
    validateOnly: false,
  })
  await it.listTopics()
  await it.listOffsets({
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
  })
  await it.listGroups()
  await it.describeGroups({ groups: [group] })
  await it.listConsumerGroupOffsets({ groups: [group] })
  await it.describeLogDirs({ topics: [{ name: topic, partitions: [0] }] })
  await it.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 0n }] }] })
  await it.deleteGroups({ groups: [group] })
  await it.deleteTopics({ topics: [topic] })
  await it.close()
}

const verbs: Record<string, () => Promise<void>> = { produce, consume, admin }
await verbs[process.argv[2]]()
// The client may keep sockets open; what was printed must get out first.
flushPrinted(() => process.exit(0))
