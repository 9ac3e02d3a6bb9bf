// Consumer groups of a soak: members that come, leave and are cut off; groups that are made and deleted again. Each
// group that stays must have seen every offset of its topic, and at the end have committed the end of each partition.

import { GroupConsumer } from '@sluice/core/kafka-client/group-consumer'
import { fetchOffsets } from '@sluice/core/kafka-client/group-offsets'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import kafkajs from 'kafkajs'
import { audited, between, partitionCount, type Soak } from './soak.ts'

const membersMax = 4
const timing = { sessionTimeoutMs: 6_000, heartbeatIntervalMs: 1_000, autoCommitIntervalMs: 1_000 }
/** How long a group may take, after the last record, to have read it. */
const finishMs = 40_000

/** Which offsets of a topic were seen, without a gap from 0 on, and which ones beyond. */
class Coverage {
  readonly #next = new Array<number>(partitionCount).fill(0)
  readonly #beyond = Array.from({ length: partitionCount }, () => new Set<number>())

  add(partition: number, offset: number): void {
    const beyond = this.#beyond[partition]
    beyond.add(offset)
    while (beyond.delete(this.#next[partition])) this.#next[partition] += 1
  }

  /** The first offset of each partition that was not seen. */
  get ends(): readonly number[] {
    return this.#next
  }
}

interface RunningMember {
  /** Leaves in good order, or is cut off from one moment to the other. */
  stop(how: 'leave' | 'cut'): Promise<void>
}

export async function ourGroup(soak: Soak): Promise<void> {
  const group = 'soak-ours'
  const start = (coverage: Coverage) => startOurMember(soak, group, coverage)
  await comeAndGo(soak, { group, topic: audited.ours, start })
}

export async function kafkajsGroup(soak: Soak): Promise<void> {
  const group = 'soak-kafkajs'
  const start = (coverage: Coverage) => startKafkajsMember(soak, group, coverage)
  await comeAndGo(soak, { group, topic: audited.kafkajs, start })
}

/** Makes groups, reads with them and deletes them. */
export async function passingGroups(soak: Soak): Promise<void> {
  const client = soak.newClient('passing-groups')
  for (let count = 0; soak.writing; count++) {
    const group = `passing-${count}`
    const topics = [audited.ours, audited.http]
    const options = { group, topics, offsetReset: 'latest' as const, ...timing }
    const consumer = new GroupConsumer(client, { ...options, assignors: ['sticky', 'roundrobin'] })
    for (let polls = 0; polls < 6 && soak.writing; polls++) await consumer.poll(500)
    await consumer.close()
    const answer = await client.request(apis.deleteGroups, { group }, () => ({
      groupsNames: [group],
    }))
    const { errorCode } = answer.results[0]
    if (errorCode !== errors.NONE) soak.ledger.violation(`${group} was not deleted: ${errorCode}`)
    await soak.pause(between(2_000, 6_000))
  }
  client.close()
}

async function comeAndGo(
  soak: Soak,
  {
    group,
    topic,
    start,
  }: { group: string; topic: string; start: (coverage: Coverage) => Promise<RunningMember> },
): Promise<void> {
  const coverage = new Coverage()
  const members = [await start(coverage)]
  while (soak.writing) {
    await soak.pause(between(3_000, 9_000))
    const grow = members.length === 1 || (members.length < membersMax && Math.random() < 0.5)
    if (grow) members.push(await start(coverage))
    else await members.shift()?.stop(Math.random() < 0.2 ? 'cut' : 'leave')
  }
  const client = soak.newClient('groups-end')
  const ends = await endOffsets(soak, topic)
  const deadline = performance.now() + finishMs
  const finished = () => ends.every((end, partition) => coverage.ends[partition] >= end)
  while (!finished() && performance.now() < deadline)
    await new Promise((done) => setTimeout(done, 200))
  if (!finished()) {
    soak.ledger.violation(`${group} has seen [${coverage.ends}] of [${ends}]`)
  }
  // They commit by the clock; one that ends while its group rebalances may not be able to any more.
  const places = ends.map((_, partition) => ({ topic, partition }))
  let committed = await fetchOffsets(client, group, places, {})
  const lag = () => committed.filter(({ partition, offset }) => offset !== ends[partition])
  while (lag().length > 0 && performance.now() < deadline) {
    await new Promise((done) => setTimeout(done, 200))
    committed = await fetchOffsets(client, group, places, {})
  }
  await Promise.all(members.map((member) => member.stop('leave')))
  for (const { partition, offset } of lag()) {
    soak.ledger.violation(
      `${group} committed ${offset} of ${ends[partition]} in partition ${partition}`,
    )
  }
  client.close()
}

async function endOffsets(soak: Soak, topic: string): Promise<number[]> {
  const client = soak.newClient('end-offsets')
  const { topics } = await client.request(apis.listOffsets, { node: 1 }, () => ({
    replicaId: -1,
    topics: [
      {
        name: topic,
        partitions: Array.from({ length: partitionCount }, (_, partitionIndex) => ({
          ...{ partitionIndex, timestamp: -1 },
        })),
      },
    ],
  }))
  client.close()
  return topics[0].partitions
    .toSorted((a, b) => a.partitionIndex - b.partitionIndex)
    .map(({ offset }) => offset)
}

async function startOurMember(
  soak: Soak,
  group: string,
  coverage: Coverage,
): Promise<RunningMember> {
  const client = soak.newClient(`${group}-member`)
  const consumer = new GroupConsumer(client, {
    ...{ group, topics: [audited.ours], offsetReset: 'earliest', ...timing },
    assignors: ['cooperative-sticky'],
  })
  let over = false
  const run = (async () => {
    while (!over) {
      try {
        for (const { partition, records } of await consumer.poll(500)) {
          for (const { offset } of records) coverage.add(partition, offset)
        }
      } catch (error) {
        if (!over) throw error
      }
    }
  })()
  run.catch((error) => soak.ledger.violation(`a member of ${group}: ${error}`))
  return {
    async stop(how) {
      over = true
      if (how === 'leave') {
        await run
        await consumer.close()
      }
      client.close()
    },
  }
}

async function startKafkajsMember(
  soak: Soak,
  group: string,
  coverage: Coverage,
): Promise<RunningMember> {
  const kafka = new kafkajs.Kafka({
    brokers: [soak.broker.bootstrap],
    logLevel: kafkajs.logLevel.NOTHING,
  })
  const consumer = kafka.consumer({
    groupId: group,
    sessionTimeout: timing.sessionTimeoutMs,
    heartbeatInterval: timing.heartbeatIntervalMs,
  })
  await consumer.connect()
  await consumer.subscribe({ topic: audited.kafkajs, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ partition, message }) => coverage.add(partition, Number(message.offset)),
  })
  return { stop: () => consumer.disconnect() }
}
