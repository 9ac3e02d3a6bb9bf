// The log cleaner in a broker: on topics, on __consumer_offsets, by configs that change while it runs, and
// where a segment is damaged.

import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import { apis } from '@sluice/protocol/apis'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { groupConfig } from './requests.ts'
import { batchOf, TestBroker, type TestClient } from './test-broker.ts'

const config = {
  ...groupConfig,
  'log.cleaner.backoff.ms': '20',
  'offsets.topic.num.partitions': '1',
}
const small = { 'internal.segment.bytes': '600', 'min.cleanable.dirty.ratio': '0.1' }

let disk: MemoryDisk
let server: TestBroker
let client: TestClient
let start: () => Promise<void>

beforeEach(async () => {
  const clock = new NodeClock()
  disk = new MemoryDisk()
  const store = new MemoryTableStore(clock)
  let starts = 0
  start = async () => {
    if (starts > 0) await server.close()
    const table = new MemoryTable(store)
    server = await TestBroker.start({ seed: `start ${++starts}`, config, disk, table, clock })
    client = await server.connect()
  }
  await start()
})
afterEach(() => server.close())

const logOf = (topic: string) => {
  const log = server.broker.partitions.get(topic, 0)?.log
  if (!log) throw new Error(`no log of ${topic}`)
  return log
}

async function fill(topic: string): Promise<void> {
  for (let i = 0; i < 40; i++) {
    await client.produce(topic, [], { batch: batchOf([`${i}`.padEnd(50)], { key: `k${i % 3}` }) })
  }
}

async function alterTopic(name: string, key: string, value: string): Promise<void> {
  const { responses } = await client.send(apis.incrementalAlterConfigs, 1, {
    resources: [
      { resourceType: 2, resourceName: name, configs: [{ name: key, configOperation: 0, value }] },
    ],
    validateOnly: false,
  })
  expect(responses[0].errorCode).toBe(0)
}

test('a topic becomes compacted while it is in use', async () => {
  await server.createTopic('table', { configs: small })
  await fill('table')
  const before = logOf('table').sizeBytes
  await alterTopic('table', 'cleanup.policy', 'compact')
  await expect.poll(() => logOf('table').firstDirtyOffset).toBeGreaterThan(20)
  expect(logOf('table').sizeBytes).toBeLessThan(before)
  expect(logOf('table').endOffset).toBe(40)
  const checkpoint = disk.writtenFiles().get('data/cleaner-offset-checkpoint')
  expect(String(checkpoint)).toMatch(/^0\n1\ntable 0 \d+\n$/)
})

test('a damaged segment makes its partition uncleanable, and no other', async () => {
  const compact = { ...small, 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '1' }
  await server.createTopic('damaged', { configs: compact })
  await server.createTopic('sound', { configs: compact })
  await fill('damaged')
  await fill('sound')
  disk.flipBit(`/data/damaged-0/${'0'.repeat(20)}.log`, 100, 1)
  await alterTopic('damaged', 'min.cleanable.dirty.ratio', '0')
  await alterTopic('sound', 'min.cleanable.dirty.ratio', '0')
  const metric = async (name: string) => {
    const found = new RegExp(`^sluice_log_cleaner_${name} (\\d+)$`, 'm')
    return Number(found.exec(await server.metrics.text())?.[1])
  }
  const uncleanable = () => metric('uncleanable_partitions_count')
  await expect.poll(uncleanable).toBe(1)
  await expect.poll(() => logOf('sound').firstDirtyOffset).toBeGreaterThan(0)
  await expect.poll(() => metric('uncleanable_bytes')).toBeGreaterThan(0)
  expect(logOf('damaged').firstDirtyOffset).toBe(0)
})

test('committed offsets are compacted, and a start finds the latest', async () => {
  await server.createTopic('orders')
  await client.send(apis.findCoordinator, 4, { coordinatorKeys: ['readers'] })
  const commit = (committedOffset: number) =>
    client.send(apis.offsetCommit, 7, {
      groupId: 'readers',
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: [
        {
          name: 'orders',
          partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: '' }],
        },
      ],
    })
  await expect.poll(async () => (await commit(0)).topics[0].partitions[0].errorCode).toBe(0)
  await alterTopic('__consumer_offsets', 'internal.segment.bytes', '600')
  await alterTopic('__consumer_offsets', 'min.cleanable.dirty.ratio', '0')
  for (let i = 1; i <= 60; i++) {
    const { topics } = await commit(i)
    expect(topics[0].partitions[0].errorCode).toBe(0)
  }
  const log = () => logOf('__consumer_offsets')
  await expect.poll(() => log().firstDirtyOffset).toBeGreaterThan(30)
  await expect.poll(() => log().segmentCount).toBeLessThan(12)
  await start()
  const committed = async () => {
    const { groups } = await client.send(apis.offsetFetch, 8, {
      groups: [{ groupId: 'readers', topics: [{ name: 'orders', partitionIndexes: [0] }] }],
    })
    return groups[0].topics[0]?.partitions[0].committedOffset
  }
  await client.send(apis.findCoordinator, 4, { coordinatorKeys: ['readers'] })
  await expect.poll(committed).toBe(60)
})
