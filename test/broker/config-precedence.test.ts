// Every topic config that has an effect and a broker config behind it: what the topic sets comes first, then what
// is set for its broker, for all brokers, in the broker's file, and the default; each altered without a restart.

import { formatValue } from '@sluice/core/config/definition'
import { brokerSynonyms, topicConfigs } from '@sluice/core/config/tables/topic'
import { apis } from '@sluice/protocol/apis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TestBroker, type TestClient } from './test-broker.ts'

/** Of the broker's file, all brokers, this broker and the topic. */
type Values = readonly [file: string, ofAll: string, own: string, topic: string]

const rows: Readonly<Record<string, Values>> = {
  'cleanup.policy': ['compact', 'compact,delete', 'delete', ''],
  'compression.type': ['gzip', 'zstd', 'lz4', 'snappy'],
  'compression.gzip.level': ['1', '2', '-1', '9'],
  'compression.lz4.level': ['1', '2', '17', '9'],
  'compression.zstd.level': ['-131072', '22', '3', '4'],
  'delete.retention.ms': ['0', '1', '2', '9223372036854775807'],
  'flush.messages': ['1', '2', '3', '9223372036854775807'],
  'flush.ms': ['0', '1', '2', '9223372036854775807'],
  'index.interval.bytes': ['0', '1', '2', '2147483647'],
  'max.compaction.lag.ms': ['1000', '1001', '1002', '9223372036854775807'],
  'max.message.bytes': ['1000000', '1000001', '0', '2147483647'],
  'message.timestamp.after.max.ms': ['0', '1', '2', '9223372036854775807'],
  'message.timestamp.before.max.ms': ['0', '1', '2', '9223372036854775807'],
  'message.timestamp.type': ['LogAppendTime', 'CreateTime', 'LogAppendTime', 'CreateTime'],
  'min.cleanable.dirty.ratio': ['0.0', '1.0', '0.25', '0.75'],
  'min.compaction.lag.ms': ['1', '2', '3', '4'],
  'min.insync.replicas': ['2', '3', '4', '5'],
  'retention.bytes': ['0', '-1', '2', '9223372036854775807'],
  'retention.ms': ['1', '-1', '2', '9223372036854775807'],
  'segment.bytes': ['1048576', '1048577', '1048578', '2147483647'],
  'segment.index.bytes': ['4', '5', '6', '2147483647'],
  'segment.jitter.ms': ['0', '1', '2', '9223372036854775807'],
  'segment.ms': ['1', '2', '3', '9223372036854775807'],
}

const brokerType = 4
const topicType = 2
const brokerName = (name: string) => brokerSynonyms[name][0].name

let running: TestBroker
let client: TestClient

beforeAll(async () => {
  const file = Object.entries(rows).map(([name, values]) => [brokerName(name), values[0]])
  running = await TestBroker.start({ config: Object.fromEntries(file) })
  client = await running.connect()
  await running.createTopic('orders')
})
afterAll(() => running.close())

async function alter(type: number, resourceName: string, at: number | undefined): Promise<void> {
  const configs = Object.entries(rows).map(([name, values]) => ({
    name: type === topicType ? name : brokerName(name),
    configOperation: at === undefined ? 1 : 0,
    value: at === undefined ? null : values[at],
  }))
  const resources = [{ resourceType: type, resourceName, configs }]
  const { responses } = await client.send(apis.incrementalAlterConfigs, 1, {
    resources,
    validateOnly: false,
  })
  expect(responses[0].errorMessage).toBeNull()
}

/** What the log runs by, as it would be described. */
function inForce(): Record<string, string | null> {
  const config = running.broker.partitions.get('orders', 0)?.config
  const names = Object.keys(rows) as (keyof typeof topicConfigs)[]
  return Object.fromEntries(
    names.map((name) => [name, formatValue(config?.[name], topicConfigs[name].type)]),
  )
}

async function described(): Promise<Record<string, string | null>> {
  const { results } = await client.send(apis.describeConfigs, 4, {
    resources: [
      { resourceType: topicType, resourceName: 'orders', configurationKeys: Object.keys(rows) },
    ],
    includeSynonyms: false,
    includeDocumentation: false,
  })
  return Object.fromEntries(results[0].configs.map(({ name, value }) => [name, value]))
}

async function expectAll(at: number): Promise<void> {
  const wanted = Object.fromEntries(Object.entries(rows).map(([name, all]) => [name, all[at]]))
  expect(inForce()).toEqual(wanted)
  expect(await described()).toEqual(wanted)
}

test('a row for each of them', () => {
  const names = Object.keys(topicConfigs) as (keyof typeof topicConfigs)[]
  const wanted = names.filter(
    (name) => topicConfigs[name].effect === 'implemented' && brokerSynonyms[name] !== undefined,
  )
  expect(Object.keys(rows).sort()).toEqual([...wanted].sort())
})

test('the nearest one counts, at once, and the next when it is deleted', async () => {
  await expectAll(0)
  await alter(brokerType, '', 1)
  await expectAll(1)
  await alter(brokerType, '1', 2)
  await expectAll(2)
  await alter(topicType, 'orders', 3)
  await expectAll(3)
  await alter(topicType, 'orders', undefined)
  await expectAll(2)
  await alter(brokerType, '1', undefined)
  await expectAll(1)
  await alter(brokerType, '', undefined)
  await expectAll(0)
})
