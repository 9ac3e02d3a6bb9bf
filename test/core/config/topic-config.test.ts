import { brokerConfig } from '@sluice/core/config/broker-config'
import { consumerConfig, producerConfig } from '@sluice/core/config/client-config'
import { formatValue } from '@sluice/core/config/definition'
import { brokerConfigs } from '@sluice/core/config/tables/broker'
import { brokerSynonyms, topicConfigs } from '@sluice/core/config/tables/topic'
import { topicConfig, validateTopicConfig } from '@sluice/core/config/topic-config'
import { describe, expect, test } from 'vitest'

function brokerOf(configs: Record<string, string>) {
  const result = brokerConfig(configs)
  if (!result.ok) throw new Error(result.errors[0].message)
  return result.config
}

function topicOf(broker: Record<string, string>, overrides: Record<string, string> = {}) {
  return topicConfig(brokerOf(broker), overrides)
}

const errorsOf = (overrides: Record<string, string>, broker: Record<string, string> = {}) =>
  validateTopicConfig(brokerOf(broker), overrides)

describe('topicConfig', () => {
  const hour = 3_600_000
  test.each([
    [{}, {}, 168 * hour],
    [{ 'log.retention.hours': '1' }, {}, hour],
    [{ 'log.retention.hours': '1', 'log.retention.minutes': '2' }, {}, 120_000],
    [{ 'log.retention.minutes': '2', 'log.retention.ms': '7' }, {}, 7],
    [{ 'log.retention.hours': '-1' }, {}, -1],
    [{ 'log.retention.ms': '-1' }, {}, -1],
    [{ 'log.retention.ms': '-7' }, {}, -1],
    [{ 'log.retention.hours': '0', 'log.retention.ms': '7' }, {}, 7],
    [{ 'log.retention.ms': '7' }, { 'retention.ms': '9' }, 9],
  ])('retention.ms of broker %j and topic %j is %d', (broker, overrides, expected) => {
    expect(topicOf(broker, overrides)['retention.ms']).toBe(expected)
  })

  test.each([
    [{}, 168 * hour, 0],
    [{ 'log.roll.hours': '2', 'log.roll.jitter.hours': '1' }, 2 * hour, hour],
    [{ 'log.roll.hours': '2', 'log.roll.ms': '7' }, 7, 0],
    [{ 'log.roll.jitter.hours': '1', 'log.roll.jitter.ms': '7' }, 168 * hour, 7],
  ])('segment.ms and its jitter of broker %j', (broker, segmentMs, jitterMs) => {
    const topic = topicOf(broker)
    expect([topic['segment.ms'], topic['segment.jitter.ms']]).toEqual([segmentMs, jitterMs])
  })

  test('flush.ms comes from the flush interval, else from the scheduler', () => {
    expect(topicOf({ 'log.flush.scheduler.interval.ms': '5' })['flush.ms']).toBe(5)
    expect(
      topicOf({ 'log.flush.interval.ms': '3', 'log.flush.scheduler.interval.ms': '5' })['flush.ms'],
    ).toBe(3)
  })

  test('every synonym is a broker config of the same default', () => {
    const topic = topicOf({})
    for (const [name, synonyms] of Object.entries(brokerSynonyms)) {
      for (const synonym of synonyms) expect(Object.keys(brokerConfigs)).toContain(synonym.name)
      const definition = topicConfigs[name as keyof typeof topicConfigs]
      expect(topic[name as keyof typeof topic], name).toEqual(definition.default)
    }
  })

  test('internal.segment.bytes goes below the bound of segment.bytes', () => {
    expect(errorsOf({ 'segment.bytes': '1000' })).toHaveLength(1)
    expect(topicOf({}, { 'internal.segment.bytes': '1000' })['segment.bytes']).toBe(1000)
  })
})

describe('validateTopicConfig', () => {
  test.each([
    [{ 'retention.ms': '-2' }, 'Invalid value -2 for configuration retention.ms: Value must be at'],
    [{ 'retention.msec': '1' }, 'Unknown topic config name: retention.msec'],
    [{ 'cleanup.policy': 'shred' }, 'String must be one of: compact, delete'],
    [{ 'cleanup.policy': 'compact,' }, 'its entries must not be empty'],
    [{ 'compression.gzip.level': '0' }, 'Value must be between 1 and 9 or equal to -1'],
    [{ 'follower.replication.throttled.replicas': '0:1,*' }, "must be the literal '*' or a list"],
    [
      { 'min.compaction.lag.ms': '5', 'max.compaction.lag.ms': '4' },
      'conflict topic config setting min.compaction.lag.ms (5) > max.compaction.lag.ms (4)',
    ],
    [{ 'remote.storage.enable': 'true' }, 'Tiered Storage functionality is disabled in the broker'],
    [{ 'cleanup.policy': ' '.repeat(32_768) }, 'exceeds the maximum value size of 32767 bytes'],
  ])('%j', (overrides, message) => {
    expect(errorsOf(overrides)).toMatchObject([{ message: expect.stringContaining(message) }])
  })

  test.each([
    ['cleanup.policy', ''],
    ['cleanup.policy', 'delete,delete'],
    ['compression.gzip.level', '-1'],
    ['leader.replication.throttled.replicas', '*'],
    ['leader.replication.throttled.replicas', '0:1, 12:3'],
    ['leader.replication.throttled.replicas', ''],
  ])('%s=%s is legal', (name, value) => {
    expect(errorsOf({ [name]: value })).toEqual([])
  })

  test('what the broker has stands behind what the topic sets', () => {
    const broker = { 'log.cleaner.max.compaction.lag.ms': '1000' }
    const conflict = 'min.compaction.lag.ms (1001) > max.compaction.lag.ms (1000)'
    expect(errorsOf({ 'min.compaction.lag.ms': '1001' }, broker)).toMatchObject([
      { message: expect.stringContaining(conflict) },
    ])
    expect(errorsOf({ 'min.compaction.lag.ms': '1000' }, broker)).toEqual([])
  })

  test('what a list names twice counts once', () => {
    const twice = { 'cleanup.policy': 'delete,compact,delete' }
    expect(topicOf({}, twice)['cleanup.policy']).toEqual(['delete', 'compact'])
    expect(topicOf({}, { 'cleanup.policy': '' })['cleanup.policy']).toEqual([])
  })

  test('a retired topic config passes, as an old tool may send it', () => {
    expect(errorsOf({ 'message.format.version': '2.8' })).toEqual([])
  })
})

test('formatValue prints as the tools of Kafka do', () => {
  expect(formatValue(topicConfigs['flush.messages'].default)).toBe('9223372036854775807')
  expect(formatValue(['compact', 'delete'])).toBe('compact,delete')
  expect(formatValue(false)).toBe('false')
  expect(formatValue(null)).toBeNull()
})

describe('client configs', () => {
  test('have the names, types and defaults of the Java clients', () => {
    const producer = producerConfig({ 'linger.ms': '20', 'compression.type': 'zstd' })
    expect(producer).toMatchObject({
      ok: true,
      config: { acks: 'all', 'linger.ms': 20, 'batch.size': 16_384, 'compression.type': 'zstd' },
    })
    expect(consumerConfig({})).toMatchObject({ config: { 'auto.offset.reset': 'latest' } })
  })

  test('an unknown one is an error with the nearest name', () => {
    expect(producerConfig({ 'linger.m': '20' })).toMatchObject({
      errors: [{ message: 'unknown producer config linger.m; did you mean linger.ms?' }],
    })
    expect(consumerConfig({ acks: 'all' })).toMatchObject({ ok: false })
  })
})
