// Burrow reads __consumer_offsets by itself and asks for the ends of partitions: the lag that it shows is the lag.

import kafkajs, { type Admin, type Consumer, type Kafka } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Burrow } from './burrow/burrow.ts'
import { consume } from './drivers.ts'
import { startTarget, type Target } from './target.ts'

const topic = 'burrow.lag'
const patience = { timeout: 30_000, interval: 250 }

let target: Target
let burrow: Burrow
let kafka: Kafka
let admin: Admin
let member: Consumer

beforeAll(async () => {
  target = await startTarget({ 'offsets.topic.num.partitions': '5' })
  kafka = new kafkajs.Kafka({
    brokers: [target.bootstrap],
    logLevel: kafkajs.logLevel.NOTHING,
  })
  admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 3 }] })
  await produceSome([30, 20, 10])
  // One that commits before Burrow is there: its offsets are found in the log.
  await consume('java', { bootstrap: target.bootstrap, topics: [topic], max: 60, group: 'java' })
  burrow = await Burrow.start(target.bootstrap)
}, 180_000)
afterAll(async () => {
  await burrow?.[Symbol.asyncDispose]()
  await Promise.all([member?.disconnect(), admin?.disconnect()])
  await target?.stop()
  target?.remove()
}, 60_000)

test('it finds the ends of the partitions, and who committed before it came', async () => {
  await expect.poll(() => burrow.ends(topic), patience).toEqual([30, 20, 10])
  await expect.poll(() => lagOf('java'), patience).toEqual([0, 0, 0])
})

test('a member of kafkajs commits, and its lag goes down to nothing', async () => {
  member = await joinedMember('kafkajs')
  await commit(member, [10, 5, 0])
  await expect.poll(() => lagOf('kafkajs'), patience).toEqual([20, 15, 10])
  expect((await burrow.lag('kafkajs')).totallag).toBe(45)

  await commit(member, [25, 5, 8])
  await expect.poll(() => lagOf('kafkajs'), patience).toEqual([5, 15, 2])

  await commit(member, [30, 20, 10])
  await expect.poll(() => lagOf('kafkajs'), patience).toEqual([0, 0, 0])
  expect(await burrow.lag('kafkajs')).toMatchObject({ status: 'OK', totallag: 0 })
})

test('what is produced meanwhile is lag, until the Java consumer has read it', async () => {
  await produceSome([7, 0, 3])
  await expect.poll(() => burrow.ends(topic), patience).toEqual([37, 20, 13])
  await expect.poll(() => lagOf('kafkajs'), patience).toEqual([7, 0, 3])

  const group = 'java'
  const read = await consume('java', {
    bootstrap: target.bootstrap,
    topics: [topic],
    max: 10,
    group,
  })
  expect(read.length).toBe(10)
  await expect.poll(() => lagOf(group), patience).toEqual([0, 0, 0])
  const { partitions } = await burrow.lag(group)
  expect(partitions.map(({ end }) => end.offset)).toEqual([37, 20, 13])
})

test('all that it complains of are owners, which it cannot read since Kafka 2.3 wrote them', () => {
  const ofKafka = /"level":"(warn|error)".*"coordinator":"(consumer|cluster)"/
  const complaints = burrow.log.split('\n').filter((line) => ofKafka.test(line))
  const newer = /"msg":"failed to decode".*"message_type":"metadata".*"version":3/
  expect(complaints.filter((line) => !newer.test(line))).toEqual([])
})

test('a topic that is deleted is no lag any more', async () => {
  await member.disconnect()
  await admin.deleteTopics({ topics: [topic] })
  await expect.poll(() => burrow.ends(topic), patience).toBeUndefined()
  expect(await lagOf('kafkajs')).toEqual([])
})

async function produceSome(counts: number[]): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  const messages = counts.flatMap((count, partition) =>
    Array.from({ length: count }, (_, i) => ({ value: `record ${i}`, partition })),
  )
  await producer.send({ topic, messages })
  await producer.disconnect()
}

/** One that commits nothing by itself. */
async function joinedMember(groupId: string): Promise<Consumer> {
  const consumer = kafka.consumer({ groupId })
  const joined = new Promise((done) => consumer.on(consumer.events.GROUP_JOIN, done))
  await consumer.connect()
  await consumer.subscribe({ topic })
  await consumer.run({ autoCommit: false, eachMessage: async () => {} })
  await joined
  return consumer
}

async function commit(consumer: Consumer, offsets: number[]): Promise<void> {
  const all = offsets.map((offset, partition) => ({ topic, partition, offset: String(offset) }))
  await consumer.commitOffsets(all)
}

async function lagOf(group: string): Promise<number[]> {
  const { partitions } = await burrow.lag(group)
  return partitions
    .toSorted((one, other) => one.partition - other.partition)
    .map(({ current_lag }) => current_lag)
}
