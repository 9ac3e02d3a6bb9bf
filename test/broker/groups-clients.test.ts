// Consumer groups of real clients against a broker process: members come and go, by leaving and by
// being killed, while records are produced. Every record is seen, each partition has one owner in the
// end, and what was committed is where everybody stopped.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Consumer as PlatformaticConsumer } from '@platformatic/kafka'
import { type Admin, Kafka, logLevel, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const partitions = 6

let server: ChildProcess
let brokers: string[]
let kafka: Kafka
let admin: Admin
let producer: Producer

beforeAll(async () => {
  const script = join(import.meta.dirname, 'loopback-broker.ts')
  const overrides = [
    'group.initial.rebalance.delay.ms=100',
    'group.min.session.timeout.ms=500',
    'offsets.topic.num.partitions=3',
  ]
  server = spawn(process.execPath, [script, ...overrides], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const died = once(server, 'exit').then(() => Promise.reject(new Error('the broker ended')))
  const [port] = await Promise.race([once(server.stdout as NodeJS.ReadableStream, 'data'), died])
  died.catch(() => {})
  brokers = [`127.0.0.1:${String(port).trim()}`]
  kafka = new Kafka({ clientId: 'groups', brokers, logLevel: logLevel.NOTHING })
  admin = kafka.admin()
  producer = kafka.producer()
  await Promise.all([admin.connect(), producer.connect()])
})

afterAll(async () => {
  await Promise.all([admin.disconnect(), producer.disconnect()])
  server.stdin?.end()
  if (server.exitCode === null) await once(server, 'exit')
})

interface Member {
  /** Values it was given. */
  readonly seen: Set<string>
  owned(): readonly number[]
  leave(): Promise<void>
}

type Join = (groupId: string, topic: string) => Promise<Member>

async function joinKafkajs(groupId: string, topic: string): Promise<Member> {
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: 6000,
    heartbeatInterval: 200,
    rebalanceTimeout: 6000,
    maxWaitTimeInMs: 100,
  })
  const seen = new Set<string>()
  let owned: readonly number[] = []
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    owned = payload.memberAssignment[topic] ?? []
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommitInterval: 100,
    eachMessage: async ({ message }) => void seen.add(String(message.value)),
  })
  const leave = async () => {
    await consumer.disconnect()
    owned = []
  }
  return { seen, owned: () => owned, leave }
}

async function joinPlatformatic(groupId: string, topic: string): Promise<Member> {
  const consumer = new PlatformaticConsumer({
    clientId: 'groups',
    groupId,
    bootstrapBrokers: brokers,
    sessionTimeout: 6000,
    heartbeatInterval: 200,
    rebalanceTimeout: 6000,
  })
  const seen = new Set<string>()
  const stream = await consumer.consume({
    topics: [topic],
    mode: 'committed',
    fallbackMode: 'earliest',
    autocommit: 100,
    maxWaitTime: 100,
  })
  stream.on('data', (message: { value: Buffer }) => void seen.add(String(message.value)))
  stream.on('error', () => {})
  const leave = async () => {
    await stream.close()
    await consumer.close(true)
  }
  return {
    seen,
    owned: () => consumer.assignments?.flatMap((assigned) => assigned.partitions) ?? [],
    leave,
  }
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 15_000; !(await condition()); ) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

async function produce(topic: string, from: number, count: number): Promise<void> {
  const values = Array.from({ length: count }, (_, i) => `v${from + i}`)
  const messages = values.map((value, i) => ({ value, partition: i % partitions }))
  await producer.send({ topic, messages })
}

function shared(members: readonly Member[]): boolean {
  const owned = members.flatMap((member) => member.owned())
  const all = new Set(owned)
  const each = members.every((member) => member.owned().length > 0)
  return each && owned.length === partitions && all.size === partitions
}

async function committedOffsets(groupId: string, topic: string): Promise<number[]> {
  const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] })
  return answer.partitions.map(({ offset }) => Number(offset))
}

async function stateOf(groupId: string): Promise<string> {
  const { groups } = await admin.describeGroups([groupId])
  return groups[0].state
}

describe.each<[name: string, join: Join]>([
  ['kafkajs', joinKafkajs],
  ['@platformatic/kafka', joinPlatformatic],
])('a group of %s', (name, joinGroup) => {
  test('of one to four members that come and go', async () => {
    const topic = `orders-${name.replace(/\W/g, '')}`
    const groupId = `readers-of-${name}`
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] })
    const members: Member[] = []
    const everybody: Member[] = []
    const come = async () => {
      const member = await joinGroup(groupId, topic)
      members.push(member)
      everybody.push(member)
      await until(() => shared(members), `${members.length} members share ${partitions} partitions`)
    }
    const go = async () => {
      await members.shift()?.leave()
      if (members.length > 0) await until(() => shared(members), `${members.length} are left`)
    }
    let produced = 0
    const allSeen = async () => {
      await produce(topic, produced, 60)
      produced += 60
      const count = () => new Set(everybody.flatMap(({ seen }) => [...seen])).size
      await until(() => count() === produced, `all ${produced} records are seen`)
    }

    for (const move of [come, come, come, come, go, go, come, go, go]) {
      await move()
      await allSeen()
    }
    expect(members).toHaveLength(1)
    const ends = Array.from({ length: partitions }, () => produced / partitions)
    await until(
      async () => `${await committedOffsets(groupId, topic)}` === `${ends}`,
      'all is committed',
    )
    expect(await stateOf(groupId)).toBe('Stable')
    await go()
    await until(async () => (await stateOf(groupId)) === 'Empty', 'the group is empty')
    expect(await committedOffsets(groupId, topic)).toEqual(ends)
    await admin.deleteGroups([groupId])
    expect(await stateOf(groupId)).toBe('Dead')
  })
})

test('a killed member loses its partitions when its session ends', async () => {
  const [topic, groupId] = ['killed', 'survivors']
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] })
  const survivor = await joinKafkajs(groupId, topic)
  await until(() => survivor.owned().length === partitions, 'it has everything')
  const script = join(import.meta.dirname, 'kafkajs-member.ts')
  const victim = spawn(process.execPath, [script, brokers[0], groupId, topic], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(victim.stdout, 'data')
  await until(() => survivor.owned().length === partitions / 2, 'they share')
  victim.kill('SIGKILL')
  await until(() => survivor.owned().length === partitions, 'it has everything again')
  await survivor.leave()
})
