// Who writes can be read by whom: every client writes with every codec it has, every client reads all of it.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LineRecord } from './drivers/line-protocol.ts'
import { type Client, type Codec, clients, codecs, consume, produce } from './drivers.ts'
import { startTarget, type Target } from './target.ts'

const start = 1_760_000_000_000
const base64 = (text: string) => Buffer.from(text).toString('base64')

/** Keys, headers, null keys and values, empty values, timestamps: what a record can hold. */
const rich: LineRecord[] = Array.from({ length: 60 }, (_, i) => ({
  key: i % 5 === 0 ? null : base64(`key-${i % 7}`),
  value: i % 6 === 5 ? null : base64(i % 11 === 10 ? '' : `value ${i} żółć ${'x'.repeat(i * 40)}`),
  headers: i % 3 === 0 ? [['trace', base64(`t${i}`)] as [string, string]] : [],
  timestamp: start + i * 1_000,
  partition: i % 2,
}))

/** What a client cannot say is left out of what it is asked to write, and of what is compared. */
interface Limits {
  codecs?: readonly Codec[]
  record?: (record: LineRecord) => LineRecord
  /** The broker or the client's clock decides. */
  noTimestamps?: boolean
  /** The client's partitioner decides. */
  noPartitions?: boolean
  /** Not one after another in the order of its input. */
  unordered?: boolean
}

const limits: Partial<Record<Client, Limits>> = {
  'kafka-python': {
    // refuses a record that has neither
    record: (record) => (record.key ? record : { ...record, value: record.value ?? 'AA==' }),
  },
  kcat: {
    noTimestamps: true,
    // takes one set of headers a run
    unordered: true,
    // its -Z turns empty into null
    record: (record) => ({ ...record, value: record.value === '' ? null : record.value }),
  },
  console: { noTimestamps: true, noPartitions: true, unordered: true },
  // compression over HTTP is of the request, not of the batch
  curl: { codecs: ['none'] },
}

let target: Target
const written = new Map<string, { client: Client; records: LineRecord[] }>()

beforeAll(async () => {
  // The records' timestamps are of long ago.
  target = await startTarget({ 'num.partitions': '2', 'log.retention.ms': '-1' })
}, 60_000)
afterAll(async () => {
  await target?.stop()
  target?.remove()
}, 30_000)

function topicOf(client: Client, codec: Codec): string {
  return `matrix.${client}.${codec}`
}

/** A line a record, partition by partition where the client chose them. */
function comparable(client: Client, records: LineRecord[]): string[] {
  const { noTimestamps, noPartitions, unordered } = limits[client] ?? {}
  const byPartition = [0, 1].flatMap((index) => records.filter((r) => r.partition === index))
  const lines = (noPartitions ? records : byPartition).map((record) =>
    JSON.stringify([
      noPartitions ? null : record.partition,
      ...[record.key, record.value, record.headers],
      noTimestamps ? null : record.timestamp,
    ]),
  )
  return unordered ? lines.sort() : lines
}

describe('every client writes', () => {
  for (const client of clients) {
    const { record = (record: LineRecord) => record, ...limit } = limits[client] ?? {}
    for (const codec of limit.codecs ?? codecs) {
      test(`${client}, ${codec}`, { timeout: 60_000 }, async () => {
        const topic = topicOf(client, codec)
        await ensureTopic(topic)
        const records = rich.map(record).map((one) => ({
          ...one,
          timestamp: limit.noTimestamps ? undefined : one.timestamp,
          partition: limit.noPartitions ? undefined : one.partition,
        }))
        await produce(client, { bootstrap: target.bootstrap, topic, codec }, records)
        written.set(topic, { client, records })
      })
    }
  }
})

describe('every client reads all of it', () => {
  for (const reader of clients) {
    test(reader, { timeout: 120_000 }, async () => {
      const topics = [...written.keys()]
      const max = topics.length * rich.length
      const got = await consume(reader, { bootstrap: target.bootstrap, topics, max })
      expect(got.length).toBe(max)
      for (const [topic, { client, records }] of written) {
        const read = got.filter((record) => record.topic === topic)
        const differs = firstDifference(comparable(client, records), comparable(client, read))
        expect(differs, `${reader} reads ${topic}`).toBeUndefined()
        for (const partition of [0, 1]) {
          const offsets = read.filter((r) => r.partition === partition).map((r) => r.offset)
          expect(offsets).toEqual(offsets.map((_, i) => i))
        }
      }
    })
  }
})

function firstDifference(expected: string[], actual: string[]): string | undefined {
  const at = expected.findIndex((line, i) => line !== actual[i])
  if (at < 0 && expected.length === actual.length) return undefined
  return `record ${at}: expected ${expected[at]?.slice(0, 200)}, got ${actual[at]?.slice(0, 200)}`
}

/** Two partitions, whatever the broker's default is. */
async function ensureTopic(topic: string): Promise<void> {
  const { Kafka, logLevel } = (await import('kafkajs')).default
  const kafka = new Kafka({ brokers: [target.bootstrap], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 2 }] })
  await admin.disconnect()
}
