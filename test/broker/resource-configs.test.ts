// Configs of groups and of subscriptions to client metrics: kept, checked and described as Kafka 4.2 does it.

import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { MemoryTable, MemoryTableStore } from '@sluice/core/host/memory/table'
import { NodeClock } from '@sluice/core/host/node/clock'
import { apis } from '@sluice/protocol/apis'
import { errorName } from '@sluice/protocol/errors'
import { afterEach, describe, expect, test } from 'vitest'
import { TestBroker, type TestBrokerOptions, type TestClient } from './test-broker.ts'

const type = { topic: 2, clientMetrics: 16, group: 32 }
const op = { set: 0, delete: 1, append: 2, subtract: 3 }
const source = { default: 5, clientMetrics: 7, group: 8 }

let running: TestBroker | undefined
let client: TestClient

afterEach(async () => {
  await running?.close()
  running = undefined
})

async function start(options: TestBrokerOptions = {}): Promise<void> {
  running = await TestBroker.start(options)
  client = await running.connect()
}

async function alter(
  resourceType: number,
  resourceName: string,
  changes: Record<string, string | null>,
  configOperation = op.set,
) {
  const configs = Object.entries(changes).map(([name, value]) => ({ name, value, configOperation }))
  const { responses } = await client.send(apis.incrementalAlterConfigs, 1, {
    resources: [{ resourceType, resourceName, configs }],
    validateOnly: false,
  })
  const [{ errorCode, errorMessage }] = responses
  return errorMessage === null ? errorName(errorCode) : `${errorName(errorCode)}: ${errorMessage}`
}

async function described(resourceType: number, resourceName: string) {
  const { results } = await client.send(apis.describeConfigs, 4, {
    resources: [{ resourceType, resourceName, configurationKeys: null }],
    includeSynonyms: true,
    includeDocumentation: true,
  })
  const [{ errorCode, errorMessage, configs }] = results
  const error = errorCode === 0 ? undefined : `${errorName(errorCode)}: ${errorMessage}`
  return { error, of: new Map(configs.map((one) => [one.name, one])) }
}

async function listed(version: number, resourceTypes: number[] = []) {
  const asked = version === 0 ? {} : { resourceTypes }
  const answer = await client.send(apis.listConfigResources, version, asked)
  if (answer.errorCode !== 0) return errorName(answer.errorCode)
  return answer.configResources.map(({ resourceName, resourceType }) =>
    version === 0 ? resourceName : `${resourceType} ${resourceName}`,
  )
}

describe('a group', () => {
  test('has configs before it is there, and over a restart', async () => {
    const clock = new NodeClock()
    const table = new MemoryTable(new MemoryTableStore(clock))
    const disk = new MemoryDisk()
    await start({ clock, table, disk })
    expect(await alter(type.group, 'readers', { 'consumer.session.timeout.ms': '50000' })).toBe(
      'NONE',
    )
    await running?.close()
    await start({ clock, table, disk, seed: 'again' })
    const { of } = await described(type.group, 'readers')
    expect(of.get('consumer.session.timeout.ms')).toMatchObject({
      ...{ value: '50000', configSource: source.group, readOnly: false, configType: 3 },
      synonyms: [{ name: 'consumer.session.timeout.ms', value: '50000', source: source.group }],
    })
    expect(await listed(1, [type.group])).toEqual(['32 readers'])
    const deleted = await alter(
      type.group,
      'readers',
      { 'consumer.session.timeout.ms': null },
      op.delete,
    )
    expect([deleted, await listed(1, [type.group])]).toEqual(['NONE', []])
  })

  test('has what it does not set from the broker', async () => {
    await start({ config: { 'group.share.record.lock.duration.ms': '20000' } })
    const { of } = await described(type.group, 'nobody-yet')
    expect([...of].map(([name, { value }]) => `${name}=${value}`)).toEqual([
      'consumer.session.timeout.ms=45000',
      'consumer.heartbeat.interval.ms=5000',
      'share.session.timeout.ms=45000',
      'share.heartbeat.interval.ms=5000',
      'share.record.lock.duration.ms=20000',
      'share.auto.offset.reset=latest',
      'share.isolation.level=read_uncommitted',
      'streams.session.timeout.ms=45000',
      'streams.heartbeat.interval.ms=5000',
      'streams.num.standby.replicas=0',
      'streams.initial.rebalance.delay.ms=3000',
    ])
    expect(of.get('share.isolation.level')).toMatchObject({
      configSource: source.default,
      synonyms: [{ source: source.default }],
    })
  })

  test.each([
    [{ 'no.such': '1' }, 'INVALID_CONFIG: Unknown group config name: no.such'],
    [{ 'consumer.session.timeout.ms': 'x' }, 'INVALID_CONFIG: Invalid value x for configuration '],
    [{ 'consumer.session.timeout.ms': '44999' }, 'greater than or equal to group.consumer.min.ses'],
    [{ 'consumer.session.timeout.ms': '60001' }, 'less than or equal to group.consumer.max.sessio'],
    [{ 'share.record.lock.duration.ms': '14999' }, 'or equal to group.share.min.record.lock.durat'],
    [{ 'streams.num.standby.replicas': '3' }, 'or equal to group.streams.max.standby.replicas'],
    [{ 'share.auto.offset.reset': 'none' }, "must be either 'earliest', 'latest' or of the format"],
    [{ 'share.auto.offset.reset': 'by_duration:PT' }, "either 'earliest', 'latest' or of the form"],
    [{ 'share.isolation.level': 'READ_COMMITTED' }, 'String must be one of: read_committed'],
  ])('is refused %j', async (configs, why) => {
    await start()
    const given = configs as Record<string, string>
    expect(await alter(type.group, 'readers', given)).toContain(why)
    expect(await listed(1, [type.group])).toEqual([])
  })

  test('takes what is legal; a name it must have', async () => {
    await start()
    const good = {
      'share.auto.offset.reset': 'by_duration:P1DT2H3.5S',
      'share.isolation.level': 'read_committed',
      'streams.num.standby.replicas': '2',
    }
    expect(await alter(type.group, 'readers', good)).toBe('NONE')
    expect(await alter(type.group, '', good)).toMatch(/^INVALID_REQUEST: /)
    expect((await described(type.group, '')).error).toBe(
      'INVALID_REQUEST: Group name must not be empty',
    )
    expect(await alter(type.group, 'readers', { 'share.isolation.level': 'x' }, op.append)).toBe(
      "INVALID_CONFIG: Can't APPEND to key share.isolation.level because its type is not LIST.",
    )
  })
})

describe('a subscription to client metrics', () => {
  test('is kept, listed and described', async () => {
    await start()
    const wanted = {
      metrics: 'org.apache.kafka.producer.',
      'interval.ms': '1000',
      match: 'client_id=app-.*,client_software_name=apache-kafka-java',
    }
    expect(await alter(type.clientMetrics, 'all', wanted)).toBe('NONE')
    expect(await alter(type.clientMetrics, 'all', { metrics: 'x.,y.' }, op.append)).toBe('NONE')
    expect(await alter(type.clientMetrics, 'all', { metrics: 'x.' }, op.subtract)).toBe('NONE')
    const { of } = await described(type.clientMetrics, 'all')
    expect(of.get('metrics')).toMatchObject({
      ...{ value: 'org.apache.kafka.producer.,y.', configType: 7 },
      configSource: source.clientMetrics,
    })
    expect((await described(type.clientMetrics, 'none')).of.get('interval.ms')).toMatchObject({
      ...{ value: '300000', configSource: source.default, synonyms: [] },
    })
    expect(await listed(0)).toEqual(['all'])
    expect(await listed(1, [type.clientMetrics])).toEqual(['16 all'])
    expect(await listed(1, [99])).toBe('UNSUPPORTED_VERSION')
    await running?.createTopic('orders')
    expect(await listed(1)).toEqual(['2 orders', '4 1', '8 1', '16 all'])
  })

  test.each([
    [{ 'no.such': '1' }, 'INVALID_REQUEST: Unknown client metrics configuration: no.such'],
    [{ 'interval.ms': '99' }, 'INVALID_REQUEST: Invalid value 99 for interval.ms, interval must '],
    [{ 'interval.ms': '3600001' }, 'INVALID_REQUEST: Invalid value 3600001 for interval.ms'],
    [{ 'interval.ms': 'x' }, 'INVALID_CONFIG: '],
    [{ match: 'client_id' }, 'INVALID_CONFIG: Illegal client matching pattern: client_id'],
    [{ match: 'age=7' }, 'INVALID_CONFIG: Illegal client matching pattern: age=7'],
    [{ match: 'client_id=(' }, 'INVALID_CONFIG: Illegal client matching pattern: client_id=('],
  ])('is refused %j', async (configs, why) => {
    await start()
    const given = configs as Record<string, string>
    expect(await alter(type.clientMetrics, 'all', given)).toContain(why)
    expect(await alter(type.clientMetrics, '', {})).toMatch(/^INVALID_REQUEST: /)
    expect(await listed(0)).toEqual([])
  })
})
