import { consumerConfig, producerConfig } from '@sluice/core/config/client-config'
import {
  clientOptions,
  consumerOptions,
  groupConsumerOptions,
  producerOptions,
} from '@sluice/core/kafka-client/client-options'
import { describe, expect, test } from 'vitest'

function producer(overrides: Record<string, string>) {
  const result = producerConfig(overrides)
  if (!result.ok) throw new Error(result.errors[0].message)
  return result.config
}

function consumer(overrides: Record<string, string>) {
  const result = consumerConfig(overrides)
  if (!result.ok) throw new Error(result.errors[0].message)
  return result.config
}

test('what the connection takes', () => {
  const config = producer({ 'request.timeout.ms': '7', 'retry.backoff.ms': '1' })
  expect(clientOptions(config)).toEqual({
    requestTimeoutMs: 7,
    metadataMaxAgeMs: 300_000,
    backoff: { firstMs: 1, maxMs: 1000 },
  })
})

describe('a producer', () => {
  test("has Kafka's defaults", () => {
    expect(producerOptions(producer({}))).toEqual({
      acks: -1,
      codec: 'none',
      level: undefined,
      idempotent: true,
      inFlightMax: 5,
      lingerMs: 5,
      batchBytes: 16_384,
      requestBytesMax: 1_048_576,
      deliveryTimeoutMs: 120_000,
      bufferBytes: 33_554_432,
      retriesMax: 2 ** 31 - 1,
    })
  })

  test.each([
    [{ acks: '1' }, { acks: 1, idempotent: false }],
    [{ acks: 'all', 'max.in.flight.requests.per.connection': '9' }, { idempotent: false }],
    [{ 'enable.idempotence': 'false' }, { acks: -1, idempotent: false }],
    [{ 'compression.type': 'gzip' }, { codec: 'gzip', level: -1 }],
    [{ 'compression.type': 'gzip', 'compression.gzip.level': '9' }, { level: 9 }],
    [{ 'compression.type': 'zstd', 'compression.zstd.level': '-1' }, { level: -1 }],
    [{ 'compression.type': 'lz4' }, { codec: 'lz4', level: 9 }],
  ])('%j', (overrides, expected) => {
    expect(producerOptions(producer(overrides as Record<string, string>))).toMatchObject(expected)
  })
})

describe('a consumer', () => {
  test('has what was set', () => {
    const config = consumer({
      'isolation.level': 'read_committed',
      'auto.offset.reset': 'earliest',
      'check.crcs': 'false',
    })
    expect(consumerOptions(config)).toMatchObject({
      isolation: 'read_committed',
      offsetReset: 'earliest',
      checkCrcs: false,
      maxWaitMs: 500,
    })
  })

  test("takes assignors by Java's names or short ones, and says which there are", () => {
    const java = 'org.apache.kafka.clients.consumer.'
    const named = `${java}RoundRobinAssignor,range,${java}CooperativeStickyAssignor,sticky`
    const taken = groupConsumerOptions(consumer({ 'partition.assignment.strategy': named }))
    const assignors = ['roundrobin', 'range', 'cooperative-sticky', 'sticky']
    expect(taken).toMatchObject({ ok: true, options: { assignors, sessionTimeoutMs: 45_000 } })
    const own = consumer({ 'partition.assignment.strategy': 'com.example.Own' })
    expect(groupConsumerOptions(own)).toEqual({
      ok: false,
      message:
        'there is no assignor com.example.Own here; there are range, roundrobin, sticky, cooperative-sticky',
    })
  })

  test('may be a static member', () => {
    const options = groupConsumerOptions(consumer({ 'group.instance.id': 'one' }))
    expect(options).toMatchObject({ ok: true, options: { instanceId: 'one' } })
  })
})
