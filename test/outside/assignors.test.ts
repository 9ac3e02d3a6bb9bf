// Every assignor of every client: alone and with others, each of whom leads the group once. Whatever the leader hands
// out, each partition is one member's, and every record is read. Static members come back without a rebalance, and
// Apache Kafka's own formatters read what the groups left in __consumer_offsets.

import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { silentLogger } from '@sluice/core/host/logger'
import { NodeClock } from '@sluice/core/host/node/clock'
import { NodeNetwork } from '@sluice/core/host/node/network'
import { NodeRandom } from '@sluice/core/host/node/random'
import { Admin } from '@sluice/core/kafka-client/admin'
import { describeGroup } from '@sluice/core/kafka-client/group-description'
import { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { Producer } from '@sluice/core/kafka-client/producer'
import { keyOf } from '@sluice/core/kafka-client/topic-partition'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Client, type ConsumedRecord, startDriver } from './drivers.ts'
import { runTool } from './kafka/apache.ts'
import { startTarget, type Target } from './target.ts'

const partitionCount = 7
const recordsEach = 70
const describeMs = 20_000
/** Java machines and interpreters come up while others run. */
const settleMs = 60_000

let target: Target
let client: KafkaClient
let producer: Producer

beforeAll(async () => {
  target = await startTarget({ 'group.initial.rebalance.delay.ms': '0' })
  client = new KafkaClient({
    network: new NodeNetwork(),
    clock: new NodeClock(),
    random: new NodeRandom(),
    logger: silentLogger,
    bootstrap: [{ host: '127.0.0.1', port: target.port }],
    clientId: 'assignors-test',
  })
  producer = new Producer(client)
}, 60_000)
afterAll(async () => {
  await producer?.close()
  client?.close()
  await target?.stop()
  target?.remove()
}, 30_000)

interface MemberOptions {
  readonly client: Client
  readonly assignor?: string
  readonly instance?: string
}

/** A topic, and processes that read it as one group. */
class Scene {
  readonly name: string
  readonly seen = new Set<string>()
  readonly #running = new Set<ChildProcess>()
  #produced = 0
  /** What a member said that ended by itself. */
  #failure: string | undefined

  private constructor(name: string) {
    this.name = name
  }

  static async create(name: string): Promise<Scene> {
    const [{ error }] = await new Admin(client).createTopics([{ name, partitionCount }])
    expect(error).toBe(0)
    return new Scene(name)
  }

  start({ client: driver, ...options }: MemberOptions): ChildProcess {
    const child = startDriver(driver, 'consume', {
      ...{ bootstrap: target.bootstrap, topics: this.name, group: this.name, ...options },
      ...{ max: 1_000_000, timeout: 300_000 },
    })
    let said = ''
    child.stderr?.on('data', (bytes) => {
      said = `${said}${bytes}`.slice(-2_000)
    })
    child.on('close', (code) => {
      if (this.#running.has(child)) this.#failure ??= `${driver} ended with ${code}: ${said}`
    })
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (line.startsWith('{')) this.seen.add(keyOfRecord(JSON.parse(line) as ConsumedRecord))
    })
    this.#running.add(child)
    return child
  }

  async stop(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (!this.#running.delete(child)) return
    const ended = new Promise((done) => child.on('close', done))
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), 15_000)
    await ended
    clearTimeout(timer)
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((child) => this.stop(child)))
  }

  /** So many members in a stable group, and each partition in the hands of one of them. */
  async settled(
    members: number,
    protocol: string,
  ): Promise<Awaited<ReturnType<Scene['describe']>>> {
    const whole = Array.from({ length: partitionCount }, (_, partition) =>
      keyOf({ topic: this.name, partition }),
    )
    await expect
      .poll(
        async () => {
          const { state, shares, ...group } = await this.describe()
          const held = [...shares.values()].flat().sort()
          return { state, members: shares.size, protocol: group.protocol, held }
        },
        { timeout: settleMs, interval: 100 },
      )
      .toEqual({ state: 'Stable', members, protocol, held: whole })
    return await this.describe()
  }

  async describe() {
    if (this.#failure !== undefined) throw new Error(this.#failure)
    const group = await describeGroup(client, this.name, { timeoutMs: describeMs })
    const { state, protocol, members } = group
    const shares = new Map(members.map((each) => [each.memberId, each.assignment.map(keyOf)]))
    return { state, protocol, members, shares }
  }

  /** Writes some records to each partition and waits until they, too, were read. */
  async produceAndRead(): Promise<void> {
    const records = Array.from({ length: recordsEach }, (_, index) => ({
      key: null,
      value: Buffer.from(`record ${index}`),
      partition: index % partitionCount,
    }))
    await producer.send(this.name, records)
    this.#produced += recordsEach
    await expect
      .poll(() => this.seen.size, { timeout: settleMs, interval: 50 })
      .toBe(this.#produced)
  }
}

function keyOfRecord({ partition, offset }: ConsumedRecord): string {
  return `${partition}:${offset}`
}

const all = ['range', 'roundrobin', 'sticky', 'cooperative-sticky']
/** Those that can be told which, and which they know. */
const choices: readonly (readonly [Client, readonly string[]])[] = [
  ['java', all],
  ['confluent', ['range', 'roundrobin', 'cooperative-sticky']],
  ['kafka-python', all],
  ['franz-go', ['cooperative-sticky']],
  ['sarama', ['range']],
  ['sluice', all],
]
/** Those that have one of their own. */
const fixed: readonly (readonly [Client, string])[] = [
  ['kafkajs', 'RoundRobinAssigner'],
  ['platformatic', 'roundrobin'],
]

const alone: (MemberOptions & { readonly protocol: string })[] = [
  ...choices.flatMap(([driver, names]) =>
    names.map((assignor) => ({ client: driver, assignor, protocol: assignor })),
  ),
  ...fixed.map(([driver, protocol]) => ({ client: driver, protocol })),
]

describe('members of one client', () => {
  test.each(alone)('$client: $protocol', { timeout: 240_000 }, async ({ protocol, ...member }) => {
    const scene = await Scene.create(`alone.${member.client}.${protocol}`)
    try {
      const first = scene.start(member)
      await scene.settled(1, protocol)
      scene.start(member)
      const two = await scene.settled(2, protocol)
      expect([...two.shares.values()].map(({ length }) => length).sort()).toEqual([3, 4])
      await scene.produceAndRead()
      await scene.stop(first)
      await scene.settled(1, protocol)
      await scene.produceAndRead()
    } finally {
      await scene.stopAll()
    }
  })
})

describe('members of several clients, each of which leads once', () => {
  const mixed = all.map((assignor) => ({
    assignor,
    members: choices.flatMap(([driver, names]) => (names.includes(assignor) ? [driver] : [])),
  }))

  test.each(mixed)('$assignor: $members', { timeout: 300_000 }, async ({ assignor, members }) => {
    const scene = await Scene.create(`mixed.${assignor}`)
    try {
      const running: ChildProcess[] = []
      for (const driver of members) {
        running.push(scene.start({ client: driver, assignor }))
        await scene.settled(running.length, assignor)
      }
      await scene.produceAndRead()
      // The first leads; when it goes, the next does.
      while (running.length > 1) {
        await scene.stop(running.shift()!)
        await scene.settled(running.length, assignor)
        await scene.produceAndRead()
      }
    } finally {
      await scene.stopAll()
    }
  })
})

describe('static members are restarted without a rebalance', () => {
  const drivers: Client[] = ['java', 'confluent', 'kafka-python', 'franz-go', 'sluice']

  test.each(drivers)('%s', { timeout: 240_000 }, async (driver) => {
    const scene = await Scene.create(`static.${driver}`)
    try {
      const start = (instance: string) =>
        scene.start({ client: driver, assignor: 'range', instance })
      start('one')
      await scene.settled(1, 'range')
      const two = start('two')
      const before = await scene.settled(2, 'range')
      await scene.produceAndRead()
      // A kill of our driver would not reach the command that it runs; a static member does not leave either way.
      await scene.stop(two, driver === 'sluice' ? 'SIGTERM' : 'SIGKILL')
      start('two')
      const byInstance = (group: typeof before) =>
        new Map(group.members.map((each) => [each.instanceId, each]))
      const states = new Set<string>()
      await expect
        .poll(
          async () => {
            const now = await scene.describe()
            states.add(now.state)
            return byInstance(now).get('two')?.memberId
          },
          { timeout: settleMs, interval: 20 },
        )
        .not.toBe(byInstance(before).get('two')?.memberId)
      await scene.produceAndRead()
      const now = await scene.describe()
      states.add(now.state)
      expect([...states]).toEqual(['Stable'])
      expect(byInstance(now).get('one')).toEqual(byInstance(before).get('one'))
      const share = byInstance(before).get('two')?.assignment
      expect(byInstance(now).get('two')?.assignment).toEqual(share)
    } finally {
      await scene.stopAll()
    }
  })
})

test("Apache Kafka's formatters read __consumer_offsets", { timeout: 120_000 }, async () => {
  const scene = await Scene.create('formatted')
  try {
    scene.start({ client: 'sluice', instance: 'one' })
    await scene.settled(1, 'range')
    await scene.produceAndRead()
  } finally {
    await scene.stopAll()
  }
  const records = async (formatter: string) => {
    const { stdout } = await runTool('kafka-console-consumer', [
      ...['--bootstrap-server', target.bootstrap, '--topic', '__consumer_offsets'],
      ...['--formatter', `org.apache.kafka.tools.consumer.${formatter}`],
      ...['--from-beginning', '--timeout-ms', '10000'],
    ])
    // One behind the other, without a separator.
    return stdout
      .replaceAll('}{', '}\n{')
      .split('\n')
      .filter((line) => line.startsWith('{') && line.includes('"group":"formatted"'))
      .map((line) => JSON.parse(line))
  }
  const offsets = await records('OffsetsMessageFormatter')
  const ends = new Map(offsets.map(({ key, value }) => [key.data.partition, value.data.offset]))
  expect(ends.size).toBe(partitionCount)
  expect([...ends.values()].reduce((sum, offset) => sum + offset, 0)).toBe(recordsEach)
  const generations = await records('GroupMetadataMessageFormatter')
  expect(generations.some(({ value }) => value?.data.members[0]?.groupInstanceId === 'one')).toBe(
    true,
  )
  expect(generations[0].value.data.protocolType).toBe('consumer')
})
