import { Cluster } from '@sluice/core/cluster/cluster'
import { topicPartition } from '@sluice/core/cluster/items'
import { brokerConfig } from '@sluice/core/config/broker-config'
import type { Host } from '@sluice/core/host/host'
import { silentLogger } from '@sluice/core/host/logger'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { MemoryNetwork } from '@sluice/core/host/memory/network'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import { type Action, type Table, TableError, type WriteResult } from '@sluice/core/host/table'
import { errors } from '@sluice/protocol/errors'
import { beforeEach, describe, expect, test } from 'vitest'

const clock = new NodeClock()
let store: MemoryTableStore
let seed = 0

beforeEach(() => {
  store = new MemoryTableStore(clock)
})

async function open(table: Table = new MemoryTable(store), nodeId = 1): Promise<Cluster> {
  const resolved = brokerConfig({})
  if (!resolved.ok) throw new Error('bad config')
  const host: Host = {
    clock,
    random: new SeededRandom(seed++),
    disk: new MemoryDisk(),
    network: new MemoryNetwork(clock),
    table,
    logger: silentLogger,
  }
  const cluster = await Cluster.open({ host, config: () => resolved.config, nodeId })
  const broker = { id: nodeId, directoryId: 'dir', rack: null, endpoints: [], fenced: false }
  await cluster.controller.registerBroker(broker)
  return cluster
}

const newTopic = (name: string, partitions = 2) => ({
  name,
  partitions,
  replicationFactor: -1,
  configs: {},
})

/** A table that loses answers: the write is done, the caller hears nothing of it. */
class ForgetfulTable extends MemoryTable {
  lose = 0

  override async transact(actions: readonly Action[], token?: string): Promise<WriteResult> {
    const result = await super.transact(actions, token)
    if (this.lose-- > 0) throw new TableError('the answer was lost', { retryable: true })
    return result
  }
}

describe('Controller', () => {
  test('a topic, its configs and producer ids survive a restart', async () => {
    const first = await open()
    const configs = { 'retention.ms': '1000' }
    const [created] = await first.controller.createTopics([{ ...newTopic('orders'), configs }])
    const block = await first.controller.allocateProducerIds()
    await first.controller.createPartitions('orders', {
      count: 3,
      assignments: null,
      validateOnly: false,
    })

    const { image, controller } = await open()
    expect(image.clusterId).toBe(first.image.clusterId)
    expect(image.topic('orders')?.id).toBe(created.ok && created.topic.id)
    expect(image.topic('orders')).toEqual(first.image.topic('orders'))
    expect(image.topic('orders')?.partitions).toHaveLength(3)
    expect(image.configs('topic', 'orders')).toEqual(configs)
    const next = await controller.allocateProducerIds()
    expect(next.first).toBe(block.first + block.count)
  })

  test('a topic larger than one transaction is there as a whole', async () => {
    const { controller } = await open()
    await controller.createTopics([newTopic('large', 500)])
    const { image } = await open()
    expect(image.topic('large')?.partitions.map(({ index }) => index)).toEqual(
      Array.from({ length: 500 }, (_, index) => index),
    )
  })

  test('a deleted topic leaves nothing, and its name is free at once', async () => {
    const { controller, image } = await open()
    const [created] = await controller.createTopics([newTopic('orders', 200)])
    const id = created.ok ? created.topic.id : ''
    expect(await controller.deleteTopics([id, id])).toEqual([0, errors.UNKNOWN_TOPIC_ID])
    expect(image.topic('orders')).toBeUndefined()
    expect(store.query(topicPartition(id)).items).toEqual([])
    expect(store.query('names').items).toEqual([])
    const [again] = await controller.createTopics([newTopic('orders')])
    expect(again.ok && again.topic.id).not.toBe(id)
  })

  test('remains of a creation that was cut short are removed', async () => {
    const table = new MemoryTable(store)
    const { controller } = await open(table)
    let left = 2
    const transact = table.transact.bind(table)
    table.transact = async (actions, token) => {
      if (left-- > 0) return transact(actions, token)
      throw new TableError('the process is gone', { retryable: false })
    }
    await expect(controller.createTopics([newTopic('large', 300)])).rejects.toThrow('gone')
    const [remains] = store.query('topics').items
    expect(store.query(topicPartition(remains.sort)).items.length).toBeGreaterThan(0)

    const { image } = await open()
    expect(image.topicCount).toBe(0)
    expect(store.query('topics').items).toEqual([])
    expect(store.query(topicPartition(remains.sort)).items).toEqual([])
  })

  test('bug class 28: a write whose answer was lost is recognised as its own', async () => {
    const table = new ForgetfulTable(store)
    const { controller, image } = await open(table)
    table.lose = 2
    const [created] = await controller.createTopics([newTopic('orders')])
    expect(created.ok).toBe(true)
    expect(image.topic('orders')).toBeDefined()
    expect(store.query('names').items).toHaveLength(1)
    const version = image.version
    await controller.createTopics([newTopic('more')])
    expect(image.version).toBe(version + 1)
  })

  test('a controller that was replaced writes nothing', async () => {
    const first = await open()
    const second = await open(new MemoryTable(store), 2)
    await expect(first.controller.createTopics([newTopic('stale')])).rejects.toThrow('controller')
    await second.controller.createTopics([newTopic('fresh')])
    expect(store.query('names').items.map(({ sort }) => sort)).toEqual(['fresh'])
  })

  test('operations side by side do not lose each other', async () => {
    const { controller, image } = await open()
    const alter = (name: string) =>
      controller.alterConfigs('broker', '', (overrides) => ({ ...overrides, [name]: '1' }))
    await Promise.all(['a', 'b', 'c'].map(alter))
    expect(image.configs('broker', '')).toEqual({ a: '1', b: '1', c: '1' })
    await controller.alterConfigs('broker', '', () => ({}))
    expect(image.configs('broker', '')).toEqual({})
  })

  test('new leader epochs begin in all partitions, however many transactions it takes', async () => {
    const { controller, image } = await open()
    await controller.createTopics([newTopic('large', 150), newTopic('small', 1)])
    await controller.beginEpochs(1)
    await controller.beginEpochs(2)
    // What is told of it is not the whole topic each time: with very many partitions that would be most of a start.
    const { items } = await new MemoryTable(store).query('log')
    const told = items.slice(-2).flatMap(({ value }) => value['changes'] as { kind: string }[])
    expect(told.map(({ kind }) => kind)).toEqual(['partitions', 'partitions', 'partitions'])
    expect(told.flatMap((one) => (one as unknown as { partitions: [] }).partitions)).toHaveLength(
      151,
    )
    const reread = await open()
    for (const each of [image, reread.image]) {
      for (const { partitions } of each.topics()) {
        const epochs = partitions.map(({ leaderEpoch, partitionEpoch }) => [
          leaderEpoch,
          partitionEpoch,
        ])
        expect(new Set(epochs.flat())).toEqual(new Set([1]))
      }
    }
    expect(image.partitionCount).toBe(151)
  })

  test('entries of the change log are trimmed', async () => {
    const { controller } = await open()
    for (let i = 0; i < 1100; i++) await controller.allocateProducerIds()
    expect(store.query('log').items.length).toBeLessThanOrEqual(1000)
  })
})
