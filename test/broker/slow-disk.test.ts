// A disk that hangs within a write: noticed once, it holds up its own partitions and nothing else.

import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { NodeClock } from '@sluice/core/host/node/clock'
import { apis } from '@sluice/protocol/apis'
import { decodeRecords } from '@sluice/protocol/records/record'
import { afterEach, describe, expect, test } from 'vitest'
import { SeveralDisks } from '../core/log/several-disks.ts'
import { fetchRequestOf } from './requests.ts'
import { TestBroker, type TestClient } from './test-broker.ts'

/** Longer than any test takes: only the clock of the test ends it. */
const stallMs = 60_000

let running: TestBroker
afterEach(() => running.close())

/** Partition 0 lies on the slow disk, partition 1 on a sound one. */
async function start() {
  const clock = new NodeClock()
  const slow = new MemoryDisk({ clock, random: new SeededRandom('disk') })
  const disk = new SeveralDisks(new MemoryDisk(), { '/slow': slow })
  running = await TestBroker.start({ clock, disk, config: { 'log.dirs': '/slow,/sound' } })
  await running.createTopic('orders', { partitions: 2 })
  const names = (await disk.list('/slow')).map(({ name }) => name)
  expect(names).toContain('orders-0')
  return { slow, clock }
}

async function valuesAt(client: TestClient, partition: number): Promise<string[]> {
  const request = fetchRequestOf({ partitions: [partition] })
  const { responses } = await client.send(apis.fetch, 12, request)
  const { records } = responses[0].partitions[0]
  const values: string[] = []
  for (let at = 0; records && at < records.length; at += 12 + records.readInt32BE(at + 8)) {
    values.push(...decodeRecords(records, at).map(({ value }) => `${value}`))
  }
  return values
}

/** A slow write that nobody could foresee. */
async function stall(slow: MemoryDisk, client: TestClient): Promise<void> {
  expect((await client.produce('orders', ['before'])).errorCode).toBe(0)
  slow.faults.appendMs = stallMs
  expect((await client.produce('orders', ['noticed'])).errorCode).toBe(0)
  expect(slow.pace.slow).toBe(true)
}

describe('a disk that hangs within a write', () => {
  test('holds up appends to its own partitions, in their order, and nothing else', async () => {
    const { slow, clock } = await start()
    const client = await running.connect()
    await stall(slow, client)
    const writer = await running.connect()
    const settled: string[] = []
    const writes = ['first', 'second', 'third'].map(async (value) => {
      const { errorCode, baseOffset } = await writer.produce('orders', [value])
      settled.push(`${value} ${errorCode} ${baseOffset}`)
    })
    expect((await client.produce('orders', ['other'], { partition: 1 })).errorCode).toBe(0)
    expect(await valuesAt(client, 1)).toEqual(['other'])
    expect(await valuesAt(client, 0)).toEqual(['before', 'noticed'])
    const { topics } = await client.send(apis.metadata, 12, { topics: [{ name: 'orders' }] })
    expect(topics[0].partitions.map(({ leaderId }) => leaderId)).toEqual([1, 1])
    const beat = { groupId: 'g', generationId: 1, memberId: 'nobody' }
    expect((await client.send(apis.heartbeat, 4, beat)).errorCode).not.toBe(0)
    expect(settled).toEqual([])

    const advancing = setInterval(() => clock.advance(stallMs), 5)
    await Promise.all(writes)
    clearInterval(advancing)
    slow.faults.appendMs = 0
    expect(settled).toEqual(['first 0 2', 'second 0 3', 'third 0 4'])
    expect(await valuesAt(client, 0)).toEqual(['before', 'noticed', 'first', 'second', 'third'])
  })

  test('is written to from the loop again once it has been fast for a second', async () => {
    const { slow, clock } = await start()
    const client = await running.connect()
    await stall(slow, client)
    slow.faults.appendMs = 0
    // On a busy machine a write takes long now and then without any fault.
    while (slow.pace.slow) {
      clock.advance(1000)
      expect((await client.produce('orders', ['fast'])).errorCode).toBe(0)
    }
    expect((await client.produce('orders', ['at once'])).errorCode).toBe(0)
  })
})
