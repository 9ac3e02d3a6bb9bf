// Groups and committed offsets through the real log: over restarts of the broker, and at the limit of
// what one record holds.

import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { groupConfig } from './requests.ts'
import { TestBroker, type TestClient } from './test-broker.ts'

let start: () => Promise<void>
let server: TestBroker
let client: TestClient

beforeEach(async () => {
  const clock = new NodeClock()
  const disk = new MemoryDisk()
  const store = new MemoryTableStore(clock)
  let starts = 0
  start = async () => {
    if (starts > 0) await server.close()
    server = await TestBroker.start({
      seed: `start ${++starts}`,
      config: groupConfig,
      disk,
      table: new MemoryTable(store),
      clock,
    })
    client = await server.connect()
    await client.send(apis.findCoordinator, 4, { coordinatorKeys: ['readers'] })
  }
  await start()
  await server.createTopic('orders', { partitions: 3 })
})

afterEach(() => server.close())

async function join(groupId: string): Promise<string> {
  const joined = await client.send(apis.joinGroup, 3, {
    groupId,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('topics') }],
  })
  return joined.memberId
}

function sync(groupId: string, memberId: string, assignment?: Buffer) {
  const assignments = assignment ? [{ memberId, assignment }] : []
  return client.send(apis.syncGroup, 3, { groupId, generationId: 1, memberId, assignments })
}

/** As soon as the coordinator has loaded its groups. */
async function loaded(): Promise<void> {
  for (;;) {
    const { errorCode } = await client.send(apis.listGroups, 4, {})
    if (errorCode === errors.NONE) return
    expect(errorCode).toBe(errors.COORDINATOR_LOAD_IN_PROGRESS)
  }
}

test('members and offsets are there again after a restart, and after another', async () => {
  const memberId = await join('readers')
  await sync('readers', memberId, Buffer.from('all'))
  const commit = (offset: number) =>
    client.send(apis.offsetCommit, 7, {
      groupId: 'readers',
      generationIdOrMemberEpoch: 1,
      memberId,
      topics: [
        {
          name: 'orders',
          partitions: [0, 1, 2].map((partitionIndex) => ({
            partitionIndex,
            committedOffset: offset + partitionIndex,
            committedMetadata: `note ${offset}`,
          })),
        },
      ],
    })
  for (let round = 1; round <= 3; round++) {
    const committed = await commit(round * 10)
    expect(committed.topics[0].partitions.map(({ errorCode }) => errorCode)).toEqual([0, 0, 0])
    await start()
    await loaded()
    const fetched = await client.send(apis.offsetFetch, 7, { groupId: 'readers', topics: null })
    const { partitions } = fetched.topics[0]
    expect(partitions.map(({ committedOffset }) => committedOffset)).toEqual(
      [0, 1, 2].map((index) => round * 10 + index),
    )
    expect(partitions[0].metadata).toBe(`note ${round * 10}`)
    const beat = { groupId: 'readers', generationId: 1, memberId }
    expect(await client.send(apis.heartbeat, 3, beat)).toMatchObject({ errorCode: 0 })
    expect(String((await sync('readers', memberId)).assignment)).toBe('all')
  }
})

test('a deleted group stays deleted', async () => {
  await client.send(apis.offsetCommit, 7, {
    groupId: 'simple',
    memberId: '',
    topics: [
      {
        name: 'orders',
        partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }],
      },
    ],
  })
  await client.send(apis.deleteGroups, 2, { groupsNames: ['simple'] })
  await start()
  await loaded()
  const listed = await client.send(apis.listGroups, 4, {})
  expect(listed.groups).toEqual([])
})

test('an assignment that one record cannot hold is an error to its group, and nothing else', async () => {
  const memberId = await join('readers')
  const large = Buffer.alloc(900_000, 'x')
  expect((await sync('readers', memberId, large)).assignment.equals(large)).toBe(true)
  await start()
  await loaded()
  expect((await sync('readers', memberId)).assignment.equals(large)).toBe(true)

  const other = await join('others')
  const tooLarge = await sync('others', other, Buffer.alloc(2_000_000, 'x'))
  expect(tooLarge.errorCode).toBe(errors.UNKNOWN_SERVER_ERROR)
  const beat = { groupId: 'others', generationId: 1, memberId: other }
  const { errorCode } = await client.send(apis.heartbeat, 3, beat)
  expect(errorCode).toBe(errors.REBALANCE_IN_PROGRESS)
})
