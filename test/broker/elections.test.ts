import { apis } from '@sluice/protocol/apis'
import { expect, test } from 'vitest'
import { TestBroker, type TestClient } from './test-broker.ts'

const groups = Array.from({ length: 200 }, (_, i) => `group ${i}`)

async function commit(client: TestClient, groupId: string, committedOffset: number) {
  const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: '' }]
  const answer = await client.send(apis.offsetCommit, 9, {
    groupId,
    generationIdOrMemberEpoch: -1,
    memberId: '',
    groupInstanceId: null,
    topics: [{ name: 'orders', partitions }],
  })
  expect(answer.topics[0].partitions[0].errorCode).toBe(0)
}

async function committed(client: TestClient, groupId: string): Promise<number> {
  const topics = [{ name: 'orders', partitionIndexes: [0] }]
  const answer = await client.send(apis.offsetFetch, 9, { groups: [{ groupId, topics }] })
  return answer.groups[0].topics[0].partitions[0].committedOffset
}

test('bug class 27: an offset of a deleted topic says nothing about a new one of its name', async () => {
  const running = await TestBroker.start({ config: { 'offsets.topic.num.partitions': '1' } })
  const client = await running.connect()
  const before = await running.createTopic('orders')
  await client.send(apis.findCoordinator, 4, { keyType: 0, coordinatorKeys: groups })
  await running.broker.cluster.controller.deleteTopics([before])
  await running.createTopic('orders')
  // Its commit was on its way when the topic went, and is in the log behind the tombstones.
  const late = { topic: 'orders', topicId: before, partition: 0, offset: 7, leaderEpoch: -1 }
  const claim = { memberId: '', instanceId: null, generation: -1, retentionTimeMs: -1 }
  const offsets = [{ ...late, metadata: null }]
  await running.broker.groups.commitOffsets({ groupId: groups[0], ...claim, offsets }, 9)
  expect(await committed(client, groups[0])).toBe(-1)
  await running.close()
})

test('bug class 27: what is committed for a topic made again does not go with the deleted one', async () => {
  const running = await TestBroker.start({ config: { 'offsets.topic.num.partitions': '1' } })
  const client = await running.connect()
  const id = await running.createTopic('orders')
  await client.send(apis.findCoordinator, 4, { keyType: 0, coordinatorKeys: groups })
  await Promise.all(groups.map((group) => commit(client, group, 7)))
  await running.broker.cluster.controller.deleteTopics([id])
  await running.createTopic('orders')
  const last = groups[groups.length - 1]
  await commit(client, last, 3)
  // A commit and a tombstone of each, and the last commit.
  const log = running.broker.partitions.get('__consumer_offsets', 0)
  await expect.poll(() => log?.highWatermark).toBe(2 * groups.length + 1)
  expect(await committed(client, last)).toBe(3)
  expect(await committed(client, groups[0])).toBe(-1)
  await running.close()
})
