// Readers of a compacted log come by batches that the log cleaner left without records: they go on to the records
// behind them, kafkajs too, and wait for them as for others.

import { NodeNetwork } from '@sluice/core/host/node/network'
import { apis } from '@sluice/protocol/apis'
import { batchHeaderBytes, readBatchHeader } from '@sluice/protocol/records/batch'
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fetchRequestOf, groupConfig } from './requests.ts'
import { batchOf, TestBroker, type TestClient } from './test-broker.ts'

const configs = { 'internal.segment.bytes': '600', 'min.cleanable.dirty.ratio': '0.1' }
/** The only record that stays of those below cleanedTo; the keys of the others are written again and again. */
const keptAt = 3
const endOffset = 41
const cleanedTo = 30

let server: TestBroker
let client: TestClient

beforeEach(async () => {
  const config = { ...groupConfig, 'log.cleaner.backoff.ms': '20' }
  server = await TestBroker.start({ config, network: new NodeNetwork() })
  client = await server.connect()
  await server.createTopic('table', { configs })
  for (let i = 0; i < endOffset; i++) await write(i === keptAt ? 'kept' : `k${i % 3}`, `${i}`)
  await client.send(apis.incrementalAlterConfigs, 1, {
    resources: [
      {
        resourceType: 2,
        resourceName: 'table',
        configs: [{ name: 'cleanup.policy', configOperation: 0, value: 'compact' }],
      },
    ],
    validateOnly: false,
  })
  const log = () => server.broker.partitions.get('table', 0)?.log
  await expect.poll(() => log()?.firstDirtyOffset, { timeout: 20_000 }).toBeGreaterThan(cleanedTo)
})
afterEach(() => server.close())

async function write(key: string, value: string, by = client): Promise<void> {
  const batch = batchOf([value.padEnd(50)], { key })
  expect((await by.produce('table', [], { batch })).errorCode).toBe(0)
}

/** Offsets of the records that a fetch from `offset` gives. */
async function fetched(offset: number, wait: { maxWaitMs?: number; minBytes?: number } = {}) {
  const request = fetchRequestOf({ topic: 'table', partitions: [0], offset, ...wait })
  const { responses } = await client.send(apis.fetch, 12, request)
  const { errorCode, records } = responses[0].partitions[0]
  expect(errorCode).toBe(0)
  const offsets: number[] = []
  for (let at = 0; records && at + batchHeaderBytes <= records.length; ) {
    const { baseOffset, recordCount, batchBytes } = readBatchHeader(records, at)
    if (recordCount > 0) offsets.push(baseOffset)
    at += batchBytes
  }
  return offsets
}

test('a fetch that comes to emptied batches gives the records behind them', async () => {
  for (let offset = keptAt + 1; offset < endOffset; offset++) {
    const [first] = await fetched(offset)
    expect(first).toBeGreaterThanOrEqual(offset)
  }
})

test('a long poll over what compaction emptied is woken by what comes behind it', async () => {
  const waiting = fetched(keptAt + 1, { maxWaitMs: 60_000, minBytes: 700 })
  const writer = await server.connect()
  for (const key of ['k0', 'k1']) await write(key, 'x'.repeat(400), writer)
  expect(await waiting).not.toEqual([])
})

test('kafkajs reads a compacted topic to its end', async () => {
  const { port } = server.broker.listeners[0].bound
  const kafka = new Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: 'readers', maxWaitTimeInMs: 100 })
  const seen = new Map<string, string>()
  await consumer.connect()
  await consumer.subscribe({ topic: 'table', fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => void seen.set(`${message.key}`, message.offset),
  })
  const last = { kept: `${keptAt}`, k0: '39', k1: '40', k2: '38' }
  await expect.poll(() => Object.fromEntries(seen), { timeout: 20_000 }).toEqual(last)
  await consumer.disconnect()
})
