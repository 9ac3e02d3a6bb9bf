import type { OffsetsRecord } from '@sluice/core/group/offsets-log'
import { groupRecord, offsetRecord, readRecord } from '@sluice/core/group/records'
import { zeroUuid } from '@sluice/protocol/schema'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const stored = (record: OffsetsRecord) => ({ headers: [], ...record, offset: 0 })

const text = fc.string({ maxLength: 40, unit: 'grapheme' })
const count = fc.nat({ max: 2 ** 31 - 1 })
const uuid = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('base64url'))
const bytes = fc.uint8Array({ maxLength: 60 }).map((view) => Buffer.from(view))

const offsetKey = fc.record({ groupId: text, topic: text, partition: count })
const common = {
  offset: fc.maxSafeNat(),
  metadata: text,
  commitTimestampMs: fc.maxSafeNat(),
}
const committed = fc.oneof(
  fc.record({
    ...common,
    leaderEpoch: fc.integer({ min: -1, max: 1000 }),
    expireTimestampMs: fc.constant(-1),
    topicId: fc.oneof(fc.constant(zeroUuid), uuid),
  }),
  // Version 1 has no epoch: its clients did not send any.
  fc.record({
    ...common,
    leaderEpoch: fc.constant(-1),
    expireTimestampMs: fc.maxSafeNat(),
    topicId: fc.oneof(fc.constant(zeroUuid), uuid),
  }),
)

const member = fc.record({
  memberId: text,
  instanceId: fc.option(text),
  clientId: text,
  clientHost: text,
  rebalanceTimeoutMs: count,
  sessionTimeoutMs: count,
  subscription: bytes,
  assignment: bytes,
})
const group = fc.record({
  metadata: fc.record({
    protocolType: text,
    generation: count,
    protocolName: fc.option(text),
    leader: fc.option(text),
    members: fc.array(member, { maxLength: 4 }),
  }),
  stateSinceMs: fc.maxSafeNat(),
})

describe('records of __consumer_offsets', () => {
  test('offsets survive a round trip', () => {
    fc.assert(
      fc.property(offsetKey, fc.option(committed), (key, value) => {
        const read = readRecord(stored(offsetRecord(key, value, 1)))
        expect(read).toEqual({ kind: 'offset', key, committed: value })
      }),
    )
  })

  test('generations survive a round trip', () => {
    fc.assert(
      fc.property(text, fc.option(group), (groupId, value) => {
        const read = readRecord(stored(groupRecord(groupId, value, 1)))
        expect(read).toEqual({ kind: 'group', groupId, group: value })
      }),
    )
  })

  test('an offset is written as Kafka writes it: key version 1, value version 3', () => {
    const record = offsetRecord(
      { groupId: 'g', topic: 'top', partition: 7 },
      {
        offset: 258,
        leaderEpoch: 5,
        metadata: 'hi',
        commitTimestampMs: 1000,
        expireTimestampMs: -1,
        topicId: zeroUuid,
      },
      1000,
    )
    expect(record.key.toString('hex')).toBe('0001' + '000167' + '0003746f70' + '00000007')
    expect(record.value?.toString('hex')).toBe(
      '0003' + '0000000000000102' + '00000005' + '00026869' + '00000000000003e8',
    )
  })

  test('the id of its topic is a header: the value stays what every reader of this topic knows', () => {
    const record = offsetRecord(
      { groupId: 'g', topic: 'top', partition: 7 },
      {
        offset: 1,
        leaderEpoch: -1,
        metadata: '',
        commitTimestampMs: 2,
        expireTimestampMs: -1,
        topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
      },
      2,
    )
    expect(record.value?.toString('hex')).toBe(
      '0003' + '0000000000000001' + 'ffffffff' + '0000' + '0000000000000002',
    )
    const value = Buffer.from('00000000000000000000000000000001', 'hex')
    expect(record.headers).toEqual([{ key: 'sluice.topic.id', value }])
  })

  test("Kafka's own version 4 is read, with the id of the topic in a tagged field", () => {
    const key = Buffer.from('0001' + '000167' + '0003746f70' + '00000007', 'hex')
    const value = Buffer.from(
      '0004' +
        '0000000000000001' +
        'ffffffff' +
        '01' +
        '0000000000000002' +
        '01' + // one tagged field:
        '0010' + // tag 0 of 16 bytes
        '00000000000000000000000000000001',
      'hex',
    )
    expect(readRecord(stored({ key, value, timestamp: 2 }))).toEqual({
      kind: 'offset',
      key: { groupId: 'g', topic: 'top', partition: 7 },
      committed: {
        offset: 1,
        leaderEpoch: -1,
        metadata: '',
        commitTimestampMs: 2,
        expireTimestampMs: -1,
        topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
      },
    })
  })

  test('a generation is written as Kafka writes it: key version 2, value version 3', () => {
    const metadata = {
      protocolType: 'consumer',
      generation: 3,
      protocolName: null,
      leader: null,
      members: [],
    }
    const record = groupRecord('g', { metadata, stateSinceMs: 5 }, 5)
    expect(record.key.toString('hex')).toBe('0002' + '000167')
    expect(record.value?.toString('hex')).toBe(
      '0003' +
        '0008636f6e73756d6572' +
        '00000003' +
        'ffff' +
        'ffff' +
        '0000000000000005' +
        '00000000',
    )
  })

  test('what it does not know or cannot read is said, not thrown', () => {
    const read = (key: Buffer | null, value: Buffer | null) =>
      readRecord({ offset: 0, timestamp: 0, key, value, headers: [] }).kind
    expect(read(null, null)).toBe('unknown')
    expect(read(Buffer.from('00', 'hex'), null)).toBe('unknown')
    // ConsumerGroupMetadataKey (KIP-848)
    expect(read(Buffer.from('0003000167', 'hex'), Buffer.from('000000000001', 'hex'))).toBe(
      'unknown',
    )
    // A key and a value that end too early
    expect(read(Buffer.from('00010005', 'hex'), null)).toBe('unknown')
    expect(read(Buffer.from('0002000167', 'hex'), Buffer.from('0003', 'hex'))).toBe('unknown')
    fc.assert(
      fc.property(bytes, fc.option(bytes), (key, value) => {
        expect(read(key, value)).toMatch(/offset|group|unknown/)
      }),
    )
  })
})
