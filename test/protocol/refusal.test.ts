import { apis } from '@sluice/protocol/apis'
import { DecodeError, decode, EncodeError, encode } from '@sluice/protocol/codec'
import { array, int32, message, parseVersions, string, struct } from '@sluice/protocol/schema'
import { describe, expect, it } from 'vitest'

const heartbeat = { groupId: 'g', generationId: 1, memberId: 'm' }

describe('encoding refuses', () => {
  it('a value that the version cannot carry, unless it is the default', () => {
    expect(() => encode(apis.heartbeat.request, 2, { ...heartbeat, groupInstanceId: 'i' })).toThrow(
      'HeartbeatRequest v2.groupInstanceId: version 2 cannot carry it',
    )
    encode(apis.heartbeat.request, 2, { ...heartbeat, groupInstanceId: null })
  })

  it('but drops one that may be ignored', () => {
    const v0 = encode(apis.heartbeat.response, 0, { throttleTimeMs: 5, errorCode: 0 })
    expect(Buffer.concat(v0)).toEqual(Buffer.from([0, 0]))
  })

  it('a nested value that the version cannot carry, and says where', () => {
    const request = {
      maxWaitMs: 0,
      minBytes: 0,
      topics: [
        {
          topic: 't',
          partitions: [
            { partition: 0, fetchOffset: 0, partitionMaxBytes: 0 },
            { partition: 1, fetchOffset: 0, partitionMaxBytes: 0, lastFetchedEpoch: 3 },
          ],
        },
      ],
    }
    expect(() => encode(apis.fetch.request, 11, request)).toThrow(
      'FetchRequest v11.topics[0].partitions[1].lastFetchedEpoch: version 11 cannot carry it',
    )
  })

  it('unknown tagged fields before the flexible versions', () => {
    const tagged = { ...heartbeat, unknownTags: [{ tag: 9, data: Buffer.alloc(1) }] }
    expect(() => encode(apis.heartbeat.request, 3, tagged)).toThrow('has no tagged fields')
    encode(apis.heartbeat.request, 3, { ...heartbeat, unknownTags: [] })
  })

  it('an unknown tagged field with the number of a known one, or given twice', () => {
    const one = { tag: 0, data: Buffer.alloc(1) }
    const request = { maxWaitMs: 0, minBytes: 0, topics: [] }
    expect(() => encode(apis.fetch.request, 12, { ...request, unknownTags: [one] })).toThrow(
      'FetchRequest v12: tag 0 is given twice',
    )
    const nine = { ...one, tag: 9 }
    expect(() => encode(apis.fetch.request, 12, { ...request, unknownTags: [nine, nine] })).toThrow(
      'tag 9 is given twice',
    )
  })

  it.each([
    [{ ...heartbeat, generationId: 2 ** 31 }, 'HeartbeatRequest v4.generationId'],
    [{ ...heartbeat, generationId: 1.5 }, 'HeartbeatRequest v4.generationId'],
    [{ ...heartbeat, generationId: undefined }, 'HeartbeatRequest v4.generationId: is missing'],
    [{ ...heartbeat, groupId: null }, 'HeartbeatRequest v4.groupId: is null'],
    [{ ...heartbeat, groupId: 5 }, 'HeartbeatRequest v4.groupId: 5 is not of string'],
    [{ ...heartbeat, groupId: 'x'.repeat(0x8000) }, 'more than 32767 bytes'],
    [{ ...heartbeat, groupId: 'ä'.repeat(0x4000) }, 'more than 32767 bytes'],
    [undefined, 'HeartbeatRequest v4: is missing'],
  ])('%o', (value, message) => {
    for (const version of [0, 4]) {
      expect(() => encode(apis.heartbeat.request, version, value as never)).toThrow(
        message.replace('v4', `v${version}`),
      )
    }
  })

  it('values that are not what they should be, anywhere', () => {
    const topics = [{ name: 't', partitionIndexes: [1, '2'] }]
    const request = { groupId: 'g', topics }
    expect(() => encode(apis.offsetFetch.request, 7, request as never)).toThrow(
      'OffsetFetchRequest v7.topics[0].partitionIndexes[1]: 2 is not of int32',
    )
    expect(() => encode(apis.offsetFetch.request, 7, { topics: [undefined] } as never)).toThrow(
      EncodeError,
    )
    expect(() => encode(apis.offsetFetch.request, 7, { topics: 'abc' } as never)).toThrow(
      EncodeError,
    )
  })

  it('an int64 past 2^53', () => {
    const value = { topics: [{ name: 't', partitions: [{ partitionIndex: 0, offset: 2 ** 53 }] }] }
    expect(() => encode(apis.deleteRecords.request, 0, { ...value, timeoutMs: 0 })).toThrow(
      'DeleteRecordsRequest v0.topics[0].partitions[0].offset: 9007199254740992 is not of int64',
    )
  })

  it('a version that there is not', () => {
    expect(() => encode(apis.produce.request, 2, {} as never)).toThrow(EncodeError)
    expect(() => encode(apis.heartbeat.request, 5, heartbeat)).toThrow('there is no such version')
    expect(() => decode(apis.heartbeat.request, -1, Buffer.alloc(9))).toThrow(DecodeError)
    expect(() => decode(apis.heartbeat.request, 1.5, Buffer.alloc(9))).toThrow(DecodeError)
  })

  it('and goes on well afterwards', () => {
    const before = Buffer.concat(encode(apis.heartbeat.request, 4, heartbeat))
    expect(() => encode(apis.heartbeat.request, 4, { ...heartbeat, memberId: 1 } as never)).toThrow(
      EncodeError,
    )
    expect(Buffer.concat(encode(apis.heartbeat.request, 4, heartbeat))).toEqual(before)
  })
})

describe('a schema refuses', () => {
  const options = { versions: '0', flexible: 'none' } as const

  it('names that are not plain identifiers, as they become source text', () => {
    for (const name of ['a.b', 'a-b', '', '1a', 'a()', '__proto__', 'unknownTags']) {
      const fields = Object.fromEntries([[name, int32()]])
      expect(() => message('Message', options, fields)).toThrow('bad name')
      expect(() => struct(fields)).toThrow('bad name')
      expect(() => message('Message', options, { nested: array(struct(fields)) })).toThrow()
    }
    expect(() => message('x(){}', options, {})).toThrow('not a message name')
  })

  it('ranges that are none, and a null that no version allows', () => {
    expect(() => parseVersions('1-' as never)).toThrow()
    expect(() => string({ default: null })).toThrow('needs nullable')
  })
})
