// A compacted log after its cleaning: Apache Kafka's log tool reads every file of it, and the Java client finds
// the last value of each key, and the tombstones.

import { randomBytes } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Admin } from '@sluice/core/kafka-client/admin'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newClient } from '../processes/loads.ts'
import type { LineRecord } from './drivers/line-protocol.ts'
import { type Codec, consume, produce } from './drivers.ts'
import { runTool } from './kafka/apache.ts'
import { startTarget, type Target } from './target.ts'

const codecs: readonly Codec[] = ['none', 'zstd']
const topicOf = (codec: Codec) => `compacted.${codec}`
const recordCount = 12_000
const keyCount = 50
/** From here on the last ten keys are written no more; what they have last is a tombstone. */
const tombstonesFrom = recordCount / 2
/** 50 records of 500 bytes, and the empty batches that cleaning leaves. */
const cleanedBytesMax = 100_000

let target: Target

beforeAll(async () => {
  target = await startTarget({
    'log.cleaner.backoff.ms': '200',
    'log.index.interval.bytes': '4096',
  })
  const client = newClient(target.port)
  const configs = {
    'cleanup.policy': 'compact',
    'segment.bytes': '1048576',
    'min.cleanable.dirty.ratio': '0.01',
  }
  const topics = codecs.map((codec) => ({ name: topicOf(codec), partitionCount: 1, configs }))
  for (const { error } of await new Admin(client).createTopics(topics)) expect(error).toBe(0)
  client.close()
})
afterAll(() => target?.remove())

function history(): LineRecord[] {
  return Array.from({ length: recordCount }, (_, i) => {
    const late = i >= tombstonesFrom + keyCount
    const number = i % (late ? keyCount - 10 : keyCount)
    const gone = i >= tombstonesFrom && number >= keyCount - 10
    const value = gone ? null : base64(randomBytes(200).toString('hex'))
    return { key: base64(`k${number}`), value, headers: [] }
  })
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

function lastOfEachKey(records: readonly LineRecord[]): Map<string | null, string | null> {
  return new Map(records.map(({ key, value }) => [key, value]))
}

const folderOf = (codec: Codec) => join(target.dataFolder, `${topicOf(codec)}-0`)

function sealedBytes(codec: Codec): number {
  const logs = readdirSync(folderOf(codec)).filter((name) => name.endsWith('.log'))
  const sealed = logs.sort().slice(0, -1)
  return sealed.reduce((sum, name) => sum + statSync(join(folderOf(codec), name)).size, 0)
}

test('is read by kafka-dump-log and by the Java client', { timeout: 300_000 }, async () => {
  const written = new Map<string, LineRecord[]>()
  for (const codec of codecs) {
    const records = history()
    written.set(topicOf(codec), records)
    await produce(
      'confluent',
      { bootstrap: target.bootstrap, topic: topicOf(codec), codec },
      records,
    )
  }
  for (const codec of codecs) {
    await expect
      .poll(() => sealedBytes(codec), { timeout: 60_000, interval: 200 })
      .toBeLessThan(cleanedBytesMax)
  }

  const read = await consume('java', {
    bootstrap: target.bootstrap,
    topics: codecs.map(topicOf),
    max: codecs.length * recordCount,
    through: recordCount - 1,
    timeout: 120_000,
    group: 'compacted',
  })
  for (const [topic, records] of written) {
    const of = read.filter((record) => record.topic === topic)
    expect(of.length).toBeGreaterThanOrEqual(keyCount)
    expect(of.length).toBeLessThan(recordCount / 2)
    expect(lastOfEachKey(of)).toEqual(lastOfEachKey(records))
    const late = of.filter(({ offset }) => offset >= tombstonesFrom && offset < tombstonesFrom + 50)
    expect(late.filter(({ value }) => value === null)).toHaveLength(10)
    for (const { key, value, offset } of of) {
      expect([key, value]).toEqual([records[offset].key, records[offset].value])
    }
  }
  await target.stop()

  const files = codecs.flatMap((codec) =>
    readdirSync(folderOf(codec))
      .filter((name) => /\.(log|index|timeindex|snapshot)$/.test(name))
      .map((name) => join(folderOf(codec), name)),
  )
  const dumped = await runTool('kafka-dump-log', [
    ...['--deep-iteration', '--print-data-log', '--files', files.join(',')],
  ])
  expect(dumped.status, dumped.stderr).toBe(0)
  const lines = `${dumped.stdout}\n${dumped.stderr}`.split('\n')
  // Where cleaning took offsets out of the middle of a file, the tool names it: in Kafka's own logs, too.
  const gaps = /^Non-consecutive offsets in \S+\.log$/
  // A batch that cleaning left empty keeps its time in the time index. So it does in Kafka 4.2: MemoryRecords.filterTo
  // writes its empty header with the maxTimestamp of before, and LogSegment.append indexes batches by that. Below,
  // that it is empty.
  const emptied = (line: string) => line.startsWith('Found timestamp mismatch in ')
  const complaints = /corrupt|mismatch|non-consecutive|Found timestamp|Exception|isvalid: false/i
  const found = lines.filter((line) => complaints.test(line) && !gaps.test(line) && !emptied(line))
  const mismatches = lines.filter((line) => /log timestamp: /.test(line))
  expect(mismatches.filter((line) => !/log timestamp: -1$/.test(line))).toEqual([])
  expect(found.slice(0, 5)).toEqual([])
  const offsets = (all: Iterable<number>) => [...all].sort((a, b) => a - b)
  const seen = lines.flatMap((line) => /^\| offset: (\d+) /.exec(line)?.[1] ?? []).map(Number)
  expect(offsets(seen)).toEqual(offsets(read.map(({ offset }) => offset)))
})
