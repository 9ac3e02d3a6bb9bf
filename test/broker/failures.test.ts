import type { Disk, DiskFile } from '@sluice/core/host/disk'
import { DiskError } from '@sluice/core/host/disk'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import { TableError } from '@sluice/core/host/table'
import { apis } from '@sluice/protocol/apis'
import { errorName } from '@sluice/protocol/errors'
import { afterEach, describe, expect, test } from 'vitest'
import { fetchRequestOf } from './requests.ts'
import { TestBroker, type TestClient } from './test-broker.ts'

let running: TestBroker
afterEach(() => running.close())

/** A memory disk whose appends to logs fail on demand. */
class BrittleDisk extends MemoryDisk {
  failure: DiskError | undefined

  override openSync(path: string, options?: { create?: boolean }): DiskFile {
    const file = super.openSync(path, options)
    if (!path.endsWith('.log')) return file
    const append = file.append.bind(file)
    file.append = (buffers) => {
      if (this.failure) throw this.failure
      return append(buffers)
    }
    return file
  }
}

async function errorOf(client: TestClient, topic: string): Promise<string> {
  return errorName((await client.produce(topic, ['a'])).errorCode)
}

describe('bug class 4: Produce is never answered with -1:', () => {
  test('a disk that fails takes its log directory offline, and the broker asks to end', async () => {
    const disk = new BrittleDisk()
    let fatal: Error | undefined
    running = await TestBroker.start({
      disk: disk as Disk,
      onFatal: (reason) => {
        fatal = reason
      },
    })
    await running.createTopic('orders')
    await running.createTopic('others')
    const client = await running.connect()
    expect(await errorOf(client, 'orders')).toBe('NONE')
    const waiting = client.send(
      apis.fetch,
      12,
      fetchRequestOf({ partitions: [0], offset: 1, maxWaitMs: 60_000 }),
    )
    const writer = await running.connect()
    disk.failure = new DiskError('io', 'append', 'orders-0/0.log')
    expect(await errorOf(writer, 'orders')).toBe('KAFKA_STORAGE_ERROR')
    disk.failure = undefined
    expect(await errorOf(writer, 'orders')).toBe('KAFKA_STORAGE_ERROR')
    expect(await errorOf(writer, 'others')).toBe('KAFKA_STORAGE_ERROR')
    expect(errorName((await waiting).responses[0].partitions[0].errorCode)).toBe(
      'KAFKA_STORAGE_ERROR',
    )
    expect(fatal?.message).toContain('append')
    const { topics } = await writer.send(apis.metadata, 12, { topics: [{ name: 'orders' }] })
    expect(topics[0].partitions[0].offlineReplicas).toEqual([1])
  })

  test('a full disk refuses appends; reading goes on, and appending when there is room', async () => {
    const disk = new BrittleDisk()
    running = await TestBroker.start({ disk: disk as Disk })
    await running.createTopic('orders')
    const client = await running.connect()
    await client.produce('orders', ['kept'])
    disk.failure = new DiskError('no-space', 'append', 'orders-0/0.log')
    expect(await errorOf(client, 'orders')).toBe('KAFKA_STORAGE_ERROR')
    const read = await client.send(apis.fetch, 12, fetchRequestOf({ partitions: [0] }))
    expect(read.responses[0].partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 1 })
    disk.failure = undefined
    expect(await client.produce('orders', ['more'])).toMatchObject({ errorCode: 0, baseOffset: 1 })
  })
})

test('bug class 4: nor when its handler has a bug', async () => {
  running = await TestBroker.start()
  await running.createTopic('orders')
  const client = await running.connect()
  const partition = running.broker.partitions.get('orders', 0)
  if (partition) {
    partition.submit = () => {
      throw new TypeError('a bug')
    }
  }
  expect(await errorOf(client, 'orders')).toBe('KAFKA_STORAGE_ERROR')
  expect((await client.send(apis.apiVersions, 0, {})).errorCode).toBe(0)
})

describe('A metadata table', () => {
  test('out of reach holds up its own requests, in their time, and no others', async () => {
    const clock = new NodeClock()
    const table = new MemoryTable(new MemoryTableStore(clock))
    running = await TestBroker.start({ table, clock })
    await running.createTopic('orders')
    const client = await running.connect()
    const transact = table.transact.bind(table)
    table.transact = async () => {
      throw new TableError('cut off', { retryable: true })
    }
    const { topics } = await client.send(apis.createTopics, 7, {
      topics: [
        { name: 'late', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
      ],
      timeoutMs: 20,
    })
    expect(errorName(topics[0].errorCode)).toBe('REQUEST_TIMED_OUT')
    expect(await errorOf(client, 'orders')).toBe('NONE')
    table.transact = transact
    await expect.poll(() => running.broker.cluster.image.topic('late') !== undefined).toBe(true)
  })

  test('that fails for good is an error in the shape of the request', async () => {
    const clock = new NodeClock()
    const table = new MemoryTable(new MemoryTableStore(clock))
    running = await TestBroker.start({ table, clock })
    const client = await running.connect()
    table.transact = async () => {
      throw new TableError('broken', { retryable: false })
    }
    const { topics } = await client.send(apis.createTopics, 7, {
      topics: [
        { name: 'never', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
      ],
    })
    expect(topics[0]).toMatchObject({ name: 'never', errorCode: -1 })
    const init = { transactionalId: null, transactionTimeoutMs: 1 }
    expect((await client.send(apis.initProducerId, 4, init)).errorCode).toBe(-1)
  })
})
