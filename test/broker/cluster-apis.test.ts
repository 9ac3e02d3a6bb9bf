// What tools ask of a cluster, answered by one node: elections, moves of replicas, features, brokers.

import { apis } from '@sluice/protocol/apis'
import { errorName } from '@sluice/protocol/errors'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TestBroker, type TestClient } from './test-broker.ts'

let running: TestBroker
let client: TestClient

beforeEach(async () => {
  running = await TestBroker.start()
  client = await running.connect()
  await running.createTopic('orders', { partitions: 2 })
})
afterEach(() => running.close())

const preferred = 0
const unclean = 1

describe('ElectLeaders', () => {
  async function elect(
    version: number,
    electionType: number,
    topicPartitions: { topic: string; partitions: number[] }[] | null,
  ) {
    const request = { electionType: version === 0 ? 0 : electionType, topicPartitions }
    const answer = await client.send(apis.electLeaders, version, request)
    const codes = answer.replicaElectionResults.flatMap(({ topic, partitionResult }) =>
      partitionResult.map(
        ({ partitionId, errorCode }) => `${topic}-${partitionId} ${errorName(errorCode)}`,
      ),
    )
    return { top: errorName(answer.errorCode), codes }
  }

  test('nothing is to be done where the leader is the one that is wanted', async () => {
    for (let version = 0; version <= 2; version++) {
      for (const type of [preferred, unclean]) {
        expect(await elect(version, type, [{ topic: 'orders', partitions: [1, 7] }])).toEqual({
          top: 'NONE',
          codes: ['orders-1 ELECTION_NOT_NEEDED', 'orders-7 UNKNOWN_TOPIC_OR_PARTITION'],
        })
      }
      // Of all partitions only those are named for which something was to be done.
      expect(await elect(version, preferred, null)).toEqual({ top: 'NONE', codes: [] })
    }
  })

  test('unknown topics and types are refused', async () => {
    const nowhere = [{ topic: 'nowhere', partitions: [0] }]
    expect((await elect(2, unclean, nowhere)).codes).toEqual([
      'nowhere-0 UNKNOWN_TOPIC_OR_PARTITION',
    ])
    expect((await elect(2, 9, nowhere)).top).toBe('INVALID_REQUEST')
  })
})

describe('AlterPartitionReassignments', () => {
  async function reassign(
    version: number,
    partitions: { partitionIndex: number; replicas: number[] | null }[],
    given: { allowReplicationFactorChange?: boolean; name?: string } = {},
  ) {
    const { name = 'orders', ...rest } = given
    const { responses } = await client.send(apis.alterPartitionReassignments, version, {
      ...rest,
      topics: [{ name, partitions }],
    })
    return responses[0].partitions.map(({ errorCode }) => errorName(errorCode))
  }

  test('a move to where the replicas are is done at once; nothing is left to cancel', async () => {
    for (let version = 0; version <= 1; version++) {
      expect(
        await reassign(version, [
          { partitionIndex: 0, replicas: [1] },
          { partitionIndex: 1, replicas: null },
        ]),
      ).toEqual(['NONE', 'NO_REASSIGNMENT_IN_PROGRESS'])
    }
    const { topics } = await client.send(apis.listPartitionReassignments, 0, { topics: null })
    expect(topics).toEqual([])
  })

  test('says what is wrong with replicas', async () => {
    const wrong: [number, number[]][] = [
      [0, []],
      [0, [1, 1]],
      [0, [2]],
      [9, [1]],
    ]
    const codes = []
    for (const [partitionIndex, replicas] of wrong) {
      codes.push(...(await reassign(1, [{ partitionIndex, replicas }])))
    }
    expect(codes).toEqual([
      'INVALID_REPLICA_ASSIGNMENT',
      'INVALID_REPLICA_ASSIGNMENT',
      'INVALID_REPLICA_ASSIGNMENT',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ])
    const nowhere = { name: 'nowhere' }
    expect(await reassign(1, [{ partitionIndex: 0, replicas: [1] }], nowhere)).toEqual([
      'UNKNOWN_TOPIC_OR_PARTITION',
    ])
  })

  test('a move to a broker that is away goes on until it is cancelled', async () => {
    await running.broker.cluster.controller.registerBroker({
      id: 2,
      directoryId: 'AAAAAAAAAAAAAAAAAAAAAA',
      rack: null,
      endpoints: [],
      fenced: true,
    })
    const refused = { allowReplicationFactorChange: false }
    expect(await reassign(1, [{ partitionIndex: 0, replicas: [1, 2] }], refused)).toEqual([
      'INVALID_REPLICATION_FACTOR',
    ])
    expect(await reassign(1, [{ partitionIndex: 0, replicas: [1, 2] }])).toEqual(['NONE'])
    const { topics } = await client.send(apis.listPartitionReassignments, 0, { topics: null })
    expect(topics).toMatchObject([
      {
        name: 'orders',
        partitions: [
          { partitionIndex: 0, replicas: [1, 2], addingReplicas: [2], removingReplicas: [] },
        ],
      },
    ])
    expect((await client.produce('orders', ['a'])).errorCode).toBe(0)
    expect(await reassign(0, [{ partitionIndex: 0, replicas: null }])).toEqual(['NONE'])
    expect(running.broker.cluster.image.topic('orders')?.partitions[0].replicas).toEqual([1])
    expect((await client.produce('orders', ['b'])).errorCode).toBe(0)
  })
})

describe('features', () => {
  const upgrade = 1
  const safeDowngrade = 2

  async function update(
    version: number,
    feature: string,
    maxVersionLevel: number,
    given: { upgradeType?: number; allowDowngrade?: boolean; validateOnly?: boolean } = {},
  ) {
    const { validateOnly = false, ...rest } = given
    const { errorCode, errorMessage, results } = await client.send(apis.updateFeatures, version, {
      featureUpdates: [{ feature, maxVersionLevel, ...rest }],
      ...(version >= 1 && { validateOnly }),
    })
    return { error: errorName(errorCode), errorMessage, named: results.length }
  }

  async function finalized() {
    const software = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }
    const answer = await client.send(apis.apiVersions, 4, software)
    return Object.fromEntries(
      answer.finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel]),
    )
  }

  test('ApiVersions names those that a client of its version can read', async () => {
    const software = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }
    const named = []
    for (let version = 0; version <= 5; version++) {
      const body = version >= 3 ? software : {}
      const answer = await client.send(apis.apiVersions, version, body)
      named.push(answer.supportedFeatures.length)
    }
    expect(named).toEqual([0, 0, 0, 1, 7, 7])
    expect(await finalized()).toEqual({ 'metadata.version': 29 })
  })

  test('are altered within what is served, and stay so', async () => {
    const downgrade = { upgradeType: safeDowngrade }
    expect((await update(1, 'metadata.version', 25, { upgradeType: upgrade })).error).toBe(
      'INVALID_UPDATE_VERSION',
    )
    expect((await update(2, 'metadata.version', 25, { ...downgrade, validateOnly: true })).error) //
      .toBe('NONE')
    expect(await finalized()).toEqual({ 'metadata.version': 29 })
    expect(await update(2, 'metadata.version', 25, downgrade)).toMatchObject({
      error: 'NONE',
      named: 0,
    })
    expect(await finalized()).toEqual({ 'metadata.version': 25 })
    expect(await update(0, 'metadata.version', 24, { allowDowngrade: true })).toMatchObject({
      error: 'NONE',
      named: 1,
    })
    expect((await update(2, 'metadata.version', 10, downgrade)).error).toBe(
      'INVALID_UPDATE_VERSION',
    )
    expect((await update(2, 'metadata.version', 29)).error).toBe('NONE')
  })

  test('that are not served are refused in the words of Kafka', async () => {
    expect(await update(2, 'group.version', 1)).toMatchObject({
      error: 'INVALID_UPDATE_VERSION',
      errorMessage:
        'The update failed for all features since the following feature had an error: Invalid ' +
        'update version 1 for feature group.version. Local controller 1 only supports versions 0-0',
    })
    expect((await update(2, 'foo.version', 1)).errorMessage).toContain(
      'Local controller 1 does not support this feature.',
    )
    expect((await update(2, 'group.version', -1)).error).toBe('INVALID_UPDATE_VERSION')
    expect((await update(2, 'group.version', 0, { upgradeType: 7 })).error).toBe(
      'INVALID_UPDATE_VERSION',
    )
  })
})

test('UnregisterBroker forgets a broker that is away; one that lives is there again', async () => {
  const { controller, image } = running.broker.cluster
  const away = { id: 2, directoryId: 'dir', rack: null, endpoints: [], fenced: true }
  await controller.registerBroker(away)
  const unregister = async (brokerId: number) =>
    errorName((await client.send(apis.unregisterBroker, 0, { brokerId })).errorCode)
  expect(await unregister(2)).toBe('NONE')
  expect(image.broker(2)).toBeUndefined()
  expect(await unregister(2)).toBe('BROKER_ID_NOT_REGISTERED')
  const epoch = image.broker(1)?.epoch ?? 0
  expect(await unregister(1)).toBe('NONE')
  expect(image.broker(1)?.epoch).toBeGreaterThan(epoch)
  expect((await client.produce('orders', ['a'])).errorCode).toBe(0)
})
