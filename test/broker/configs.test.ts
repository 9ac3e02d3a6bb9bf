import { apis } from '@sluice/protocol/apis'
import { errorName, errors } from '@sluice/protocol/errors'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TestBroker, type TestClient } from './test-broker.ts'

let running: TestBroker
let client: TestClient

const topicType = 2
const brokerType = 4
const op = { set: 0, delete: 1, append: 2, subtract: 3 }

beforeEach(async () => {
  running = await TestBroker.start({ config: { 'log.retention.hours': '24' } })
  client = await running.connect()
  await running.createTopic('orders', { configs: { 'segment.bytes': '2000000' } })
})
afterEach(() => running.close())

async function describeOne(type: number, name: string, keys: string[] | null = null, version = 4) {
  const { results } = await client.send(apis.describeConfigs, version, {
    resources: [{ resourceType: type, resourceName: name, configurationKeys: keys }],
    includeSynonyms: true,
    includeDocumentation: version >= 3,
  })
  return results[0]
}

async function configOf(type: number, name: string, key: string) {
  const { configs } = await describeOne(type, name, [key])
  return configs[0]
}

async function alter(
  type: number,
  name: string,
  configs: [string, number, string | null][],
  validateOnly = false,
) {
  const { responses } = await client.send(apis.incrementalAlterConfigs, 1, {
    resources: [
      {
        resourceType: type,
        resourceName: name,
        configs: configs.map(([key, configOperation, value]) => ({
          name: key,
          configOperation,
          value,
        })),
      },
    ],
    validateOnly,
  })
  return errorName(responses[0].errorCode)
}

describe('DescribeConfigs', () => {
  test('says of each config of a topic what it is and where it comes from', async () => {
    for (let version = 1; version <= 4; version++) {
      const { errorCode, configs } = await describeOne(topicType, 'orders', null, version)
      expect(errorCode).toBe(0)
      expect(configs.length).toBeGreaterThan(25)
    }
    // An empty list of names is no list.
    expect((await describeOne(topicType, 'orders', [])).configs.length).toBeGreaterThan(25)
    expect(await configOf(topicType, 'orders', 'segment.bytes')).toMatchObject({
      value: '2000000',
      configSource: 1,
      configType: 3,
      synonyms: [
        { name: 'segment.bytes', value: '2000000', source: 1 },
        { name: 'log.segment.bytes', value: '1073741824', source: 5 },
      ],
    })
    expect(await configOf(topicType, 'orders', 'retention.ms')).toMatchObject({
      // As Kafka: what stands behind log.retention.ms is named only where that is set itself.
      value: '86400000',
      configSource: 5,
      synonyms: [],
    })
    expect(await configOf(brokerType, '1', 'log.retention.hours')).toMatchObject({
      value: '24',
      configSource: 4,
      readOnly: true,
      synonyms: [
        { name: 'log.retention.hours', value: '24', source: 4 },
        { name: 'log.retention.hours', value: '168', source: 5 },
      ],
    })
  })

  test('an empty list of keys asks for all of them, as null does', async () => {
    for (const type of [topicType, brokerType]) {
      const name = type === topicType ? 'orders' : '1'
      const { configs } = await describeOne(type, name, [])
      expect(configs).toEqual((await describeOne(type, name, null)).configs)
      expect(configs.length).toBeGreaterThan(20)
    }
  })

  test('says what cannot be described', async () => {
    const errorOf = async (type: number, name: string) =>
      errorName((await describeOne(type, name)).errorCode)
    expect(await errorOf(topicType, 'nowhere')).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(await errorOf(topicType, 'bad name')).toBe('INVALID_TOPIC_EXCEPTION')
    expect(await errorOf(brokerType, '9')).toBe('INVALID_REQUEST')
    expect(await errorOf(99, 'x')).toBe('INVALID_REQUEST')
    expect(await errorOf(brokerType, '1')).toBe('NONE')
  })
})

describe('IncrementalAlterConfigs', () => {
  test('sets, deletes, appends and subtracts; the log runs by it at once', async () => {
    expect(await alter(topicType, 'orders', [['retention.ms', op.set, '5000']])).toBe('NONE')
    expect((await configOf(topicType, 'orders', 'retention.ms')).value).toBe('5000')
    expect(running.broker.partitions.get('orders', 0)?.config['retention.ms']).toBe(5000)
    expect(await alter(topicType, 'orders', [['cleanup.policy', op.append, 'compact']])).toBe(
      'NONE',
    )
    expect((await configOf(topicType, 'orders', 'cleanup.policy')).value).toBe('delete,compact')
    expect(await alter(topicType, 'orders', [['cleanup.policy', op.subtract, 'delete']])).toBe(
      'NONE',
    )
    expect((await configOf(topicType, 'orders', 'cleanup.policy')).value).toBe('compact')
    expect(await alter(topicType, 'orders', [['retention.ms', op.delete, null]])).toBe('NONE')
    expect((await configOf(topicType, 'orders', 'retention.ms')).value).toBe('86400000')
    expect(running.broker.cluster.image.configs('topic', 'orders')).toEqual({
      'segment.bytes': '2000000',
      'cleanup.policy': 'compact',
    })
  })

  test('changes nothing where one of the changes is refused, or only validates', async () => {
    const bad: [string, number, string | null][][] = [
      [
        ['retention.ms', op.set, '5000'],
        ['segment.bytes', op.set, 'large'],
      ],
      [['no.such.config', op.set, '1']],
      [['retention.ms', op.append, '1']],
      [['retention.ms', op.set, null]],
      [['retention.ms', 9, '1']],
    ]
    const codes = []
    for (const configs of bad) codes.push(await alter(topicType, 'orders', configs))
    expect(codes).toEqual([
      'INVALID_CONFIG',
      'INVALID_CONFIG',
      'INVALID_CONFIG',
      'INVALID_REQUEST',
      'INVALID_REQUEST',
    ])
    expect(await alter(topicType, 'orders', [['retention.ms', op.set, '1']], true)).toBe('NONE')
    expect(await alter(topicType, 'nowhere', [['retention.ms', op.set, '1']])).toBe(
      'UNKNOWN_TOPIC_OR_PARTITION',
    )
    expect((await configOf(topicType, 'orders', 'retention.ms')).value).toBe('86400000')
  })

  test('configs of the broker stand behind those of its topics', async () => {
    expect(await alter(brokerType, '', [['log.retention.ms', op.set, '7000']])).toBe('NONE')
    expect(await configOf(topicType, 'orders', 'retention.ms')).toMatchObject({
      value: '7000',
      configSource: 3,
    })
    expect(await alter(brokerType, '1', [['log.retention.ms', op.set, '9000']])).toBe('NONE')
    expect(running.broker.partitions.get('orders', 0)?.config['retention.ms']).toBe(9000)
    expect(await configOf(brokerType, '1', 'log.retention.ms')).toMatchObject({
      value: '9000',
      configSource: 2,
      readOnly: false,
    })
    const ofAll = { value: '7000', source: 3 }
    expect((await describeOne(brokerType, '')).configs).toMatchObject([
      { name: 'log.retention.ms', value: '7000', configSource: 3, synonyms: [ofAll] },
    ])
    expect(await configOf(topicType, 'orders', 'retention.ms')).toMatchObject({
      synonyms: [
        { name: 'log.retention.ms', value: '9000', source: 2 },
        { name: 'log.retention.ms', value: '7000', source: 3 },
        { name: 'log.retention.hours', value: '24', source: 4 },
        { name: 'log.retention.hours', value: '168', source: 5 },
      ],
    })
    expect(await alter(brokerType, '1', [['node.id', op.set, '7']])).toBe('INVALID_REQUEST')
    expect(await alter(brokerType, '1', [['log.retention.ms', op.delete, null]])).toBe('NONE')
    expect(await alter(brokerType, '', [['log.retention.ms', op.delete, null]])).toBe('NONE')
    expect(running.broker.partitions.get('orders', 0)?.config['retention.ms']).toBe(86_400_000)
  })
})

describe('broker configs that are altered while it runs', () => {
  test('are refused as Kafka refuses them', async () => {
    const bad: [string, string, number, string][] = [
      ['1', 'log.retention.hours', op.set, '3'],
      ['', 'advertised.listeners', op.set, 'A://x:1'],
      ['1', 'num.io.threads', op.set, 'x'],
      ['1', 'num.io.threads', op.set, '100'],
      ['1', 'log.segment.bytes', op.set, '10'],
      ['', 'ssl.keystore.location', op.set, '/x'],
      ['', 'sasl.enabled.mechanisms', op.set, 'PLAIN'],
      ['1', 'listener.name.plaintext.max.connections', op.set, 'x'],
      ['1', 'max.connections.per.ip.overrides', op.set, 'nobody'],
      ['x', 'log.retention.ms', op.set, '1'],
    ]
    for (const [name, key, operation, value] of bad) {
      expect([key, await alter(brokerType, name, [[key, operation, value]])]).toEqual([
        key,
        'INVALID_REQUEST',
      ])
    }
    expect(await alter(brokerType, '1', [['num.io.threads', op.append, '1']])).toBe(
      'INVALID_CONFIG',
    )
    expect(running.broker.cluster.image.configs('broker', '1')).toEqual({})
  })

  test('are looked at together with all others, and with what is in force', async () => {
    const messageOf = async (name: string, configs: Record<string, string>) => {
      const { responses } = await client.send(apis.incrementalAlterConfigs, 1, {
        resources: [
          {
            resourceType: brokerType,
            resourceName: name,
            configs: Object.entries(configs).map(([key, value]) => ({
              ...{ name: key, configOperation: op.set, value },
            })),
          },
        ],
        validateOnly: true,
      })
      return responses[0].errorMessage
    }
    expect(await messageOf('', { 'log.cleaner.threads': '3' })).toBe(
      'Log cleaner threads cannot be increased to more than double the current value 1',
    )
    expect(await messageOf('', { 'log.cleaner.threads': '0' })).toBe(
      'Log cleaner threads should be at least 1',
    )
    expect(await messageOf('1', { 'num.io.threads': '3' })).toMatch(/at least half the current val/)
    expect(await messageOf('1', { 'log.retention.ms': '0' })).toMatch(/or more than 0/)
    expect(await messageOf('1', { 'log.cleaner.dedupe.buffer.size': '1048576' })).toMatch(/1 MB/)
    expect(await messageOf('1', { 'max.connections.per.ip': '0' })).toMatch(/only if/)
    const both = { 'max.connections.per.ip': '0', 'max.connections.per.ip.overrides': 'a:1' }
    expect(await messageOf('1', both)).toBeNull()
    // What this broker has of its own hides what is meant for all.
    await alter(brokerType, '1', [['num.io.threads', op.set, '8']])
    expect(await messageOf('', { 'num.io.threads': '100' })).toBeNull()
  })

  test('are kept, also those that a plugin may know, and what is not there is deleted', async () => {
    const good: [string, number, string | null][] = [
      ['no.such.config', op.set, '1'],
      ['node.id', op.delete, null],
      ['leader.replication.throttled.rate', op.set, '1000'],
      ['listener.name.plaintext.max.connections', op.set, '5'],
      ['num.io.threads', op.set, '16'],
      ['log.cleanup.policy', op.append, 'compact'],
      ['log.cleanup.policy', op.subtract, 'delete'],
    ]
    for (const one of good) expect(await alter(brokerType, '1', [one])).toBe('NONE')
    expect(await configOf(brokerType, '1', 'leader.replication.throttled.rate')).toMatchObject({
      value: '1000',
      configSource: 2,
    })
    expect(
      await configOf(brokerType, '1', 'listener.name.plaintext.max.connections'),
    ).toMatchObject({
      value: '5',
      configSource: 2,
      readOnly: false,
      synonyms: [
        { name: 'listener.name.plaintext.max.connections', value: '5', source: 2 },
        { name: 'max.connections', value: '2147483647', source: 5 },
      ],
    })
    expect((await configOf(brokerType, '1', 'log.cleanup.policy')).value).toBe('compact')
  })

  test('passwords are not shown', async () => {
    expect(await configOf(brokerType, '1', 'ssl.keystore.password')).toMatchObject({
      value: null,
      isSensitive: true,
      configType: 9,
    })
  })
})

describe('loggers', () => {
  const loggerType = 8
  const level = async (name: string) => (await configOf(loggerType, '1', name)).value

  test('have levels that are altered while the broker runs', async () => {
    expect(await configOf(loggerType, '1', 'root')).toMatchObject({
      value: 'INFO',
      configSource: 6,
      readOnly: false,
      configType: 0,
    })
    const apis = 'kafka.server.KafkaApis'
    expect(await alter(loggerType, '1', [[apis, op.set, 'DEBUG']], true)).toBe('NONE')
    expect(await level(apis)).toBe('INFO')
    expect(await alter(loggerType, '1', [[apis, op.set, 'DEBUG']])).toBe('NONE')
    expect(await alter(loggerType, '1', [['root', op.set, 'WARN']])).toBe('NONE')
    expect([await level(apis), await level('kafka.request.logger')]).toEqual(['DEBUG', 'WARN'])
    expect(await alter(loggerType, '1', [[apis, op.delete, null]])).toBe('NONE')
    expect(await level(apis)).toBe('WARN')
  })

  test('refuse what is no logger and no level, all or nothing', async () => {
    const codes = []
    for (const changes of [
      [['no.such.logger', op.set, 'DEBUG']],
      [['root', op.set, 'LOUD']],
      [['root', op.set, null]],
      [['root', op.append, 'DEBUG']],
      [['root', op.delete, null]],
      [
        ['root', op.set, 'DEBUG'],
        ['no.such.logger', op.set, 'DEBUG'],
      ],
    ] as [string, number, string | null][][]) {
      codes.push(await alter(loggerType, '1', changes))
    }
    expect(codes).toEqual([
      'INVALID_CONFIG',
      'INVALID_CONFIG',
      'INVALID_REQUEST',
      'INVALID_REQUEST',
      'INVALID_REQUEST',
      'INVALID_CONFIG',
    ])
    expect(await alter(loggerType, '2', [['root', op.set, 'DEBUG']])).toBe('INVALID_REQUEST')
    expect(await level('root')).toBe('INFO')
    const { responses } = await client.send(apis.alterConfigs, 2, {
      resources: [{ resourceType: loggerType, resourceName: '1', configs: [] }],
      validateOnly: false,
    })
    expect(errorName(responses[0].errorCode)).toBe('INVALID_REQUEST')
  })
})

test('AlterConfigs refuses a config that is named twice, and leaves all as it is', async () => {
  const twice = ['500', '600'].map((value) => ({ name: 'max.message.bytes', value }))
  const before = running.broker.cluster.image.configs('topic', 'orders')
  const { responses } = await client.send(apis.alterConfigs, 2, {
    resources: [{ resourceType: topicType, resourceName: 'orders', configs: twice }],
    validateOnly: false,
  })
  expect(responses[0]).toMatchObject({
    errorCode: errors.INVALID_REQUEST,
    errorMessage: 'Error due to duplicate config keys',
  })
  expect(running.broker.cluster.image.configs('topic', 'orders')).toEqual(before)
})

test('AlterConfigs replaces all overrides at once', async () => {
  const { responses } = await client.send(apis.alterConfigs, 2, {
    resources: [
      {
        resourceType: topicType,
        resourceName: 'orders',
        configs: [{ name: 'max.message.bytes', value: '500' }],
      },
    ],
    validateOnly: false,
  })
  expect(responses[0].errorCode).toBe(0)
  expect(running.broker.cluster.image.configs('topic', 'orders')).toEqual({
    'max.message.bytes': '500',
  })
  const { errorCode } = await client.produce('orders', ['x'.repeat(600)])
  expect(errorName(errorCode)).toBe('MESSAGE_TOO_LARGE')
})

test('ListConfigResources and DescribeLogDirs name what there is', async () => {
  const { configResources } = await client.send(apis.listConfigResources, 1, { resourceTypes: [2] })
  expect(configResources).toMatchObject([{ resourceName: 'orders', resourceType: 2 }])
  await client.produce('orders', ['a'])
  const { results } = await client.send(apis.describeLogDirs, 4, { topics: null })
  expect(results).toMatchObject([{ errorCode: 0, logDir: '/data' }])
  expect(results[0].topics[0].partitions[0].partitionSize).toBeGreaterThan(60)
})
