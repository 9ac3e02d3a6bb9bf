// Records at every version: Produce, Fetch, ListOffsets, DeleteRecords and what belongs to producers.

import { apis } from '@sluice/protocol/apis'
import { zeroUuid } from '@sluice/protocol/schema'
import { expect } from 'vitest'
import { fetchRequestOf } from '../requests.ts'
import { batchOf } from '../test-broker.ts'
import { type Check, check, errorsIn, type Topic, unknownId, valuesOf } from './ground.ts'

const produce = check(apis.produce, [3, 13], async (ground, version) => {
  const topic = await ground.topic(['before'])
  const byId = version >= 13
  const send = (given: Topic) => {
    const partitionData = [{ index: 0, records: batchOf([`v${version}`]) }]
    return ground.client.send(apis.produce, version, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ ...(byId ? { topicId: given.id } : { name: given.name }), partitionData }],
    })
  }
  const { responses } = await send(topic)
  expect(responses[0]).toMatchObject({
    name: byId ? '' : topic.name,
    topicId: byId ? topic.id : zeroUuid,
    partitionResponses: [{ errorCode: 0, baseOffset: 1, logStartOffset: version >= 5 ? 0 : -1 }],
  })
  expect(await ground.values(topic)).toEqual(['before', `v${version}`])
  expect(errorsIn(await send({ name: 'nowhere', id: unknownId }))).toEqual([
    byId ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION',
  ])
})

const fetch = check(apis.fetch, [4, 18], async (ground, version) => {
  const topic = await ground.topic(['a', 'b'])
  const byId = version >= 13
  const send = (given: Topic, offset = 0, sessionEpoch = -1) => {
    const asked = { topic: given.name, topicId: given.id, partitions: [0], offset, sessionEpoch }
    return ground.client.send(apis.fetch, version, fetchRequestOf(asked))
  }
  const { responses } = await send(topic)
  const [{ partitions, ...about }] = responses
  expect(about).toMatchObject({
    topic: byId ? '' : topic.name,
    topicId: byId ? topic.id : zeroUuid,
  })
  const logStartOffset = version >= 5 ? 0 : -1
  expect(partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 2, logStartOffset })
  expect(valuesOf(partitions[0].records)).toEqual(['a', 'b'])
  const codes = (answer: unknown) => errorsIn(answer).slice(-1)
  expect(codes(await send(topic, 9))).toEqual(['OFFSET_OUT_OF_RANGE'])
  expect(codes(await send({ name: 'nowhere', id: unknownId }))).toEqual([
    byId ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION',
  ])
  if (version < 7) return
  const session = await send(topic, 0, 0)
  expect(session.sessionId).toBeGreaterThan(0)
})

const listOffsets = check(apis.listOffsets, [0, 11], async (ground, version) => {
  const { name } = await ground.topic()
  for (const timestamp of [1000, 3000, 2000]) {
    await ground.client.produce(name, [], { batch: batchOf(['x'], { timestamp }) })
  }
  const ask = async (timestamp: number) => {
    const answer = await ground.client.send(apis.listOffsets, version, {
      replicaId: -1,
      topics: [{ name, partitions: [{ partitionIndex: 0, timestamp }] }],
    })
    const { errorCode, offset, oldStyleOffsets, leaderEpoch } = answer.topics[0].partitions[0]
    if (version === 0) return oldStyleOffsets
    expect(leaderEpoch).toBe(version >= 4 && offset >= 0 ? 0 : -1)
    return errorCode === 0 ? offset : errorsIn(answer)[0]
  }
  if (version === 0) {
    expect([await ask(-1), await ask(-2), await ask(2500), await ask(3000)]) //
      .toEqual([[3], [0], [1], [1]])
    return
  }
  const since = (first: number, offset: number) =>
    version >= first ? offset : 'UNSUPPORTED_VERSION'
  expect(await ask(-1)).toBe(3)
  expect(await ask(-2)).toBe(0)
  expect(await ask(1500)).toBe(1)
  expect(await ask(-3)).toBe(since(7, 1))
  expect(await ask(-4)).toBe(since(8, 0))
  expect(await ask(-5)).toBe(since(9, -1))
  expect(await ask(-6)).toBe(since(11, -1))
})

const deleteRecords = check(apis.deleteRecords, [0, 2], async (ground, version) => {
  const topic = await ground.topic()
  for (const value of ['a', 'b', 'c']) await ground.client.produce(topic.name, [value])
  const before = (offset: number) =>
    ground.client.send(apis.deleteRecords, version, {
      topics: [{ name: topic.name, partitions: [{ partitionIndex: 0, offset }] }],
      timeoutMs: 1000,
    })
  const { topics } = await before(2)
  expect(topics[0].partitions).toMatchObject([{ errorCode: 0, lowWatermark: 2 }])
  const request = fetchRequestOf({ topic: topic.name, partitions: [0], offset: 2 })
  const { responses } = await ground.client.send(apis.fetch, 12, request)
  expect(responses[0].partitions[0].logStartOffset).toBe(2)
  expect(valuesOf(responses[0].partitions[0].records)).toEqual(['c'])
  expect(errorsIn(await before(9))).toEqual(['OFFSET_OUT_OF_RANGE'])
})

const initProducerId = check(apis.initProducerId, [0, 5], async (ground, version) => {
  const { name } = await ground.topic()
  const init = (transactionalId: string | null) =>
    ground.client.send(apis.initProducerId, version, {
      transactionalId,
      transactionTimeoutMs: 1000,
    })
  const [one, other] = [await init(null), await init(null)]
  expect([one.errorCode, one.producerEpoch]).toEqual([0, 0])
  expect(other.producerId).not.toBe(one.producerId)
  const sequence = { producerId: one.producerId, producerEpoch: 0, baseSequence: 0 }
  const batch = batchOf(['once'], sequence)
  for (let i = 0; i < 2; i++) {
    expect(await ground.client.produce(name, [], { batch })).toMatchObject({
      errorCode: 0,
      baseOffset: 0,
    })
  }
  expect(errorsIn(await init(''))).toEqual(['INVALID_REQUEST'])
})

const offsetForLeaderEpoch = check(apis.offsetForLeaderEpoch, [2, 4], async (ground, version) => {
  const topic = await ground.topic(['a', 'b'])
  const ask = (name: string, currentLeaderEpoch: number) =>
    ground.client.send(apis.offsetForLeaderEpoch, version, {
      topics: [{ topic: name, partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch: 0 }] }],
    })
  const { topics } = await ask(topic.name, 0)
  expect(topics[0].partitions).toMatchObject([{ errorCode: 0, leaderEpoch: 0, endOffset: 2 }])
  expect(errorsIn(await ask(topic.name, 9))).toEqual(['UNKNOWN_LEADER_EPOCH'])
  expect(errorsIn(await ask('nowhere', 0))).toEqual(['UNKNOWN_TOPIC_OR_PARTITION'])
})

const describeProducers = check(apis.describeProducers, [0, 0], async (ground, version) => {
  const { name } = await ground.topic()
  const batch = batchOf(['a', 'b'], { producerId: 77, producerEpoch: 3, baseSequence: 0 })
  await ground.client.produce(name, [], { batch })
  const ask = (topic: string) =>
    ground.client.send(apis.describeProducers, version, {
      topics: [{ name: topic, partitionIndexes: [0] }],
    })
  const { topics } = await ask(name)
  expect(topics[0].partitions[0]).toMatchObject({
    errorCode: 0,
    activeProducers: [{ producerId: 77, producerEpoch: 3, lastSequence: 1 }],
  })
  expect(errorsIn(await ask('nowhere'))).toEqual(['UNKNOWN_TOPIC_OR_PARTITION'])
})

export const recordChecks: readonly Check[] = [
  produce,
  fetch,
  listOffsets,
  deleteRecords,
  initProducerId,
  offsetForLeaderEpoch,
  describeProducers,
]
