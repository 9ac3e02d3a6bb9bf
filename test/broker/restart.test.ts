import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NodeNetwork } from '@sluice/core/host/node/network'
import { apis } from '@sluice/protocol/apis'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fetchRequestOf } from './requests.ts'
import { batchOf, TestClient } from './test-broker.ts'

let folder: string
let child: ChildProcess | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-restart-'))
})
afterEach(async () => {
  if (child) await end('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

async function start(...configs: string[]): Promise<TestClient> {
  const script = join(import.meta.dirname, 'disk-broker.ts')
  const started = spawn(process.execPath, [script, folder, ...configs], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  child = started
  const port = await new Promise<number>((resolve, reject) => {
    started.stdout.once('data', (line: Buffer) => resolve(Number(line)))
    started.once('exit', (code) => reject(new Error(`the broker ended with ${code}`)))
  })
  return TestClient.connect(new NodeNetwork(), { host: '127.0.0.1', port })
}

/** @returns the exit status. */
function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
  const ended = child
  child = undefined
  return new Promise((resolve) => {
    ended?.once('exit', resolve)
    ended?.kill(signal)
  })
}

async function endOf(client: TestClient, topic: string): Promise<number> {
  const request = fetchRequestOf({ topic, partitions: [0] })
  const { responses } = await client.send(apis.fetch, 12, request)
  return responses[0].partitions[0].highWatermark
}

async function createTopic(client: TestClient, name: string, partitions = 1) {
  const { topics } = await client.send(apis.createTopics, 7, {
    topics: [
      { name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] },
    ],
  })
  return topics[0].topicId
}

test('topics, records, producer ids and sequences are there again after a clean stop', async () => {
  let client = await start()
  const topicId = await createTopic(client, 'orders', 3)
  const init = { transactionalId: null, transactionTimeoutMs: 1000 }
  const { producerId } = await client.send(apis.initProducerId, 4, init)
  const sequenced = (baseSequence: number) => ({
    batch: batchOf(['a', 'b'], { producerId, producerEpoch: 0, baseSequence }),
  })
  await client.produce('orders', [], sequenced(0))
  await client.produce('orders', [], sequenced(2))
  client.close()
  expect(await end('SIGTERM')).toBe(0)
  expect(existsSync(join(folder, '.kafka_cleanshutdown'))).toBe(true)

  client = await start()
  const { topics } = await client.send(apis.metadata, 12, { topics: [{ name: 'orders' }] })
  expect(topics[0]).toMatchObject({ topicId, errorCode: 0 })
  expect(topics[0].partitions).toHaveLength(3)
  expect(topics[0].partitions[0].leaderEpoch).toBe(0)
  expect(await endOf(client, 'orders')).toBe(4)
  expect(await client.produce('orders', [], sequenced(2))).toMatchObject({ baseOffset: 2 })
  expect(await client.produce('orders', [], sequenced(4))).toMatchObject({ baseOffset: 4 })
  expect((await client.send(apis.initProducerId, 4, init)).producerId).toBeGreaterThan(producerId)
  client.close()
})

test('nothing acknowledged is lost by kill -9 under load, and nothing is there twice', async () => {
  let client = await start()
  await createTopic(client, 'orders')
  let acknowledged = 0
  for (let round = 0; round < 3; round++) {
    const writer = client
    let failed = false
    const writing = Array.from({ length: 8 }, async (_, i) => {
      for (let n = 0; !failed; n++) {
        try {
          const answer = await writer.produce('orders', [`${round} ${i} ${n}`])
          if (answer.errorCode === 0) acknowledged += 1
        } catch {
          failed = true
        }
      }
    })
    const enough = acknowledged + 100
    await expect.poll(() => acknowledged, { interval: 1 }).toBeGreaterThan(enough)
    await end('SIGKILL')
    await Promise.all(writing)
    client = await start()
    // A request that got no answer may be in the log, or not: eight at most were under way.
    const found = await endOf(client, 'orders')
    expect(found).toBeGreaterThanOrEqual(acknowledged)
    expect(found).toBeLessThanOrEqual(acknowledged + 8)
    acknowledged = found
    // Whether records were lost is not known: a new epoch lets consumers find out (KIP-320).
    const { topics } = await client.send(apis.metadata, 12, { topics: [{ name: 'orders' }] })
    expect(topics[0].partitions[0].leaderEpoch).toBe(round + 1)
  }
  client.close()
})

test('a deleted topic is gone from the disk, also when the broker was killed right after', async () => {
  let client = await start()
  await createTopic(client, 'orders', 4)
  await client.produce('orders', ['a'])
  await client.send(apis.deleteTopics, 5, { topicNames: ['orders'], timeoutMs: 1000 })
  await end('SIGKILL')
  client = await start()
  const { topics } = await client.send(apis.metadata, 12, { topics: null })
  expect(topics).toEqual([])
  const left = () => readdirSync(folder).filter((name) => name.startsWith('orders'))
  await expect.poll(left).toEqual([])
  client.close()
})

test('deleted records stay deleted, also when the broker was killed right after', async () => {
  const client = await start()
  await createTopic(client, 't')
  const topicData = [
    { name: 't', partitionData: [{ index: 0, records: batchOf(['a', 'b', 'c']) }] },
  ]
  await client.send(apis.produce, 9, { acks: -1, timeoutMs: 1000, topicData })
  const deleted = await client.send(apis.deleteRecords, 2, {
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, offset: 2 }] }],
    timeoutMs: 1000,
  })
  expect(deleted.topics[0].partitions[0]).toMatchObject({ lowWatermark: 2, errorCode: 0 })
  await end('SIGKILL')

  const again = await start()
  const { topics } = await again.send(apis.listOffsets, 7, {
    replicaId: -1,
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -2 }] }],
  })
  expect(topics[0].partitions[0]).toMatchObject({ errorCode: 0, offset: 2 })
})

test('a folder of another cluster is refused', async () => {
  const client = await start()
  await createTopic(client, 'orders')
  client.close()
  await end('SIGTERM')
  rmSync(join(folder, 'meta.properties'))
  await start().then(
    () => expect.unreachable('it started'),
    (cause: Error) => expect(cause.message).toContain('ended with 1'),
  )
  child = undefined
})
