import { type BrokerConfig, brokerConfig } from '@sluice/core/config/broker-config'
import { type ConfigInput, configErrorText } from '@sluice/core/config/config-entry'
import { environmentConfigs } from '@sluice/core/config/environment'
import { parseProperties } from '@sluice/core/config/properties'
import { brokerConfigs } from '@sluice/core/config/tables/broker'
import { retiredConfigs } from '@sluice/core/config/tables/retired'
import { variableName } from '@sluice/core/config/variable-name'
import { describe, expect, test } from 'vitest'

function resolved(input: ConfigInput): BrokerConfig {
  const result = brokerConfig(input)
  if (!result.ok) throw new Error(result.errors.map(configErrorText).join('\n'))
  return result.config
}

function errorsOf(input: ConfigInput): string[] {
  const result = brokerConfig(input)
  return result.ok ? [] : result.errors.map(configErrorText)
}

function fromFile(text: string) {
  const parsed = parseProperties(text, 'server.properties')
  if (!parsed.ok) throw new Error('malformed')
  return parsed.entries
}

describe('brokerConfig', () => {
  test('has the defaults of Kafka 4', () => {
    const config = resolved({})
    expect(config['num.partitions']).toBe(1)
    expect(config['message.max.bytes']).toBe(1_048_588)
    expect(config['log.retention.hours']).toBe(168)
    expect(config['log.retention.ms']).toBeNull()
    expect(config['auto.create.topics.enable']).toBe(true)
    expect(config['log.cleanup.policy']).toEqual(['delete'])
    expect(config['log.flush.interval.messages']).toBe(2 ** 63)
    expect(Object.isFrozen(config)).toBe(true)
  })

  test('is typed by name', () => {
    const config = resolved({ 'num.partitions': ' 3 ', 'log.cleanup.policy': 'compact, delete' })
    const partitions: number = config['num.partitions']
    const retention: number | null = config['log.retention.ms']
    const policy: readonly string[] = config['log.cleanup.policy']
    const kind: 'CreateTime' | 'LogAppendTime' = config['log.message.timestamp.type']
    expect([partitions, retention, policy, kind]).toEqual([
      3,
      null,
      ['compact', 'delete'],
      'CreateTime',
    ])
  })

  test.each([
    [{ 'num.partitions': 'three' }, 'Not a number of type INT'],
    [{ 'num.partitions': '2147483648' }, 'Not a number of type INT'],
    [{ 'num.partitions': '0' }, 'Value must be at least 1'],
    [{ 'num.partitions': '' }, 'Not a number of type INT'],
    [{ 'log.retention.ms': '9223372036854775808' }, 'Not a number of type LONG'],
    [{ 'auto.create.topics.enable': 'yes' }, 'either true or false'],
    [{ 'log.message.timestamp.type': 'Never' }, 'must be one of: CreateTime, LogAppendTime'],
    [{ 'log.cleanup.policy': 'delete,shred' }, 'must be one of: compact, delete'],
    [{ 'log.cleaner.min.cleanable.ratio': '1.5' }, 'no more than 1'],
    [{ 'log.retention.hours': '0' }, 'must be -1 (for ever) or more than 0'],
    [{ 'node.id': '2', 'broker.id': '1' }, 'that of broker.id (1)'],
    [{ 'max.connections.per.ip.overrides': 'a:1,b' }, "'b' is not of the form host:number"],
    [{ 'max.connections.per.ip': '0' }, 'only if max.connections.per.ip.overrides is set'],
    [{ 'group.min.session.timeout.ms': '9', 'group.max.session.timeout.ms': '8' }, 'more than'],
    [{ 'group.consumer.session.timeout.ms': '60001' }, 'more than group.consumer.max.session'],
    [{ 'group.share.min.heartbeat.interval.ms': '5001' }, 'more than group.share.heartbeat'],
    [{ 'log.cleaner.threads': '128' }, 'more than 1 MB for each cleaner thread'],
    [{ 'log.retention.ms': '0', 'log.retention.hours': '1' }, 'must be -1 (for ever) or more'],
    [{ 'log.roll.ms': '0' }, 'must be at least 1'],
    [{ 'log.roll.jitter.ms': '-1' }, 'must be at least 0'],
    [{ 'queued.max.request.bytes': '1000' }, 'at least socket.request.max.bytes (104857600)'],
    [{ 'connections.max.idle.ms': '100' }, 'must be less than connections.max.idle.ms (100)'],
    [{ 'replica.lag.time.max.ms': '499' }, 'more than replica.lag.time.max.ms (499)'],
  ])('%j is refused', (input, message) => {
    expect(errorsOf(input)).toEqual([expect.stringContaining(message)])
  })

  test('an error says the line, what is wrong, and the nearest known name', () => {
    const entries = fromFile('# mine\n\nnum.partition=3\nnum.partitions=x\nquite.unheard.of=1\n')
    expect(errorsOf(entries)).toEqual([
      'server.properties:3: unknown config num.partition; did you mean num.partitions?',
      'server.properties:5: unknown config quite.unheard.of',
      'server.properties:4: Invalid value x for configuration num.partitions: Not a number of type INT',
    ])
  })

  test('names of Object.prototype are unknown configs', () => {
    expect(errorsOf([{ name: 'constructor', value: '1' }])).toHaveLength(1)
    expect(errorsOf([{ name: '__proto__', value: '1' }])).toHaveLength(1)
  })

  test('the last one of a name counts', () => {
    const entries = fromFile('num.partitions=2\nnum.partitions=4')
    expect(resolved(entries)['num.partitions']).toBe(4)
  })

  test.each([
    [{}, 1],
    [{ 'broker.id': '7' }, 7],
    [{ 'node.id': '0' }, 0],
    [{ 'broker.id': '-1' }, 1],
    [{ 'node.id': '5', 'broker.id': '5' }, 5],
  ])('node.id of %j is %d', (input, id) => {
    expect(resolved(input)['node.id']).toBe(id)
    expect(resolved(input)['broker.id']).toBe(id)
  })

  test('configs of listeners and plugins pass, where the name behind the prefix is known', () => {
    expect(errorsOf({ 'listener.name.internal.ssl.keystore.location': '/k' })).toEqual([])
    expect(errorsOf({ 'listener.name.internal.scram-sha-256.sasl.jaas.config': 'x' })).toEqual([])
    expect(errorsOf({ 'rsm.config.anything': 'x' })).toEqual([])
    expect(errorsOf({ 'listener.name.internal.no.such': 'x' })).toHaveLength(1)
  })

  test('retired names and those without effect start, and say so', () => {
    const result = brokerConfig(
      fromFile('zookeeper.connect=localhost:2181\nnum.io.threads=8\nnum.partitions=2'),
    )
    expect(result.ok && result.notices.map(configErrorText)).toEqual([
      expect.stringMatching(/^server.properties:1: zookeeper.connect is retired: /),
      expect.stringMatching(/^server.properties:2: num.io.threads is accepted without effect, bec/),
    ])
  })
})

describe('server.properties of any age', () => {
  test.each([
    [
      '0.8',
      'broker.id=0\nport=9092\nhost.name=localhost\nadvertised.host.name=h\nadvertised.port=9092\n' +
        'num.network.threads=2\nnum.io.threads=8\nsocket.send.buffer.bytes=1048576\n' +
        'socket.receive.buffer.bytes=1048576\nsocket.request.max.bytes=104857600\n' +
        'log.dirs=/tmp/kafka-logs\nnum.partitions=2\nlog.flush.interval.messages=10000\n' +
        'log.flush.interval.ms=1000\nlog.retention.hours=168\nlog.retention.bytes=1073741824\n' +
        'log.segment.bytes=536870912\nlog.retention.check.interval.ms=60000\n' +
        'log.cleaner.enable=false\nzookeeper.connect=localhost:2181\n' +
        'zookeeper.connection.timeout.ms=1000000\nreplica.lag.max.messages=4000',
    ],
    [
      '1.1',
      'broker.id=0\nlisteners=PLAINTEXT://:9092\nadvertised.listeners=PLAINTEXT://your.host:9092\n' +
        'num.network.threads=3\nnum.io.threads=8\nnum.recovery.threads.per.data.dir=1\n' +
        'offsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n' +
        'transaction.state.log.min.isr=1\nlog.retention.hours=168\nlog.segment.bytes=1073741824\n' +
        'zookeeper.connect=localhost:2181\nzookeeper.connection.timeout.ms=6000\n' +
        'inter.broker.protocol.version=1.1\nlog.message.format.version=1.1\n' +
        'group.initial.rebalance.delay.ms=0',
    ],
    [
      '4.2',
      'process.roles=broker,controller\nnode.id=1\n' +
        'controller.quorum.bootstrap.servers=localhost:9093\n' +
        'listeners=PLAINTEXT://:9092,CONTROLLER://:9093\ninter.broker.listener.name=PLAINTEXT\n' +
        'advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093\n' +
        'controller.listener.names=CONTROLLER\n' +
        'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL\n' +
        'num.network.threads=3\nlog.dirs=/tmp/kraft-combined-logs\n' +
        'share.coordinator.state.topic.replication.factor=1\n' +
        'share.coordinator.state.topic.min.isr=1\nlog.retention.check.interval.ms=300000',
    ],
  ])('of Kafka %s', (_age, text) => {
    expect(errorsOf(fromFile(text))).toEqual([])
  })
})

describe('the table', () => {
  test('has its own defaults within its own limits', () => {
    for (const [name, { min, max, also, default: value }] of Object.entries<{
      min?: number
      max?: number
      also?: number
      default: unknown
    }>(brokerConfigs)) {
      if (typeof value !== 'number' || value === also || name === 'broker.id') continue
      expect(value, name).toBeGreaterThanOrEqual(min ?? Number.NEGATIVE_INFINITY)
      expect(value, name).toBeLessThanOrEqual(max ?? Number.POSITIVE_INFINITY)
    }
  })

  test('says of every config what it does, or why it does nothing', () => {
    for (const [name, { doc, effect }] of Object.entries(brokerConfigs)) {
      expect(doc.endsWith('.'), name).toBe(true)
      if (effect !== 'implemented') expect(effect.noEffect, name).toMatch(/^because /)
    }
  })

  test('holds no name that is retired too', () => {
    const both = Object.keys(retiredConfigs).filter((name) => Object.hasOwn(brokerConfigs, name))
    expect(both).toEqual([])
  })
})

describe('environmentConfigs', () => {
  test('maps every config to a variable of its own', () => {
    const names = Object.keys(brokerConfigs)
    expect(new Set(names.map(variableName)).size).toBe(names.length)
    expect(variableName('log.retention.hours')).toBe('SLUICE_LOG_RETENTION_HOURS')
    expect(variableName('sluice.validate')).toBe('SLUICE_VALIDATE')
  })

  test('takes SLUICE_ variables only, and names the variable as the origin', () => {
    const variables = { PATH: '/bin', SLUICE_LOG_RETENTION_HOURS: '24', KAFKA_X: 'y' }
    expect(environmentConfigs(variables)).toEqual({
      ok: true,
      entries: [{ name: 'log.retention.hours', value: '24', origin: 'SLUICE_LOG_RETENTION_HOURS' }],
    })
  })

  test('an unknown variable is an error with the nearest one', () => {
    const result = environmentConfigs({ SLUICE_NUM_PARTITION: '1' })
    expect(!result.ok && result.errors[0].message).toContain('did you mean SLUICE_NUM_PARTITIONS?')
  })
})
