// Frames written down by hand after the protocol guide. The codec as a whole was compared byte for
// byte with the message classes of Apache Kafka 4.4: random values of every message and version.

import { apis } from '@sluice/protocol/apis'
import { decodeNext } from '@sluice/protocol/codec'
import {
  readRequestHeader,
  readResponse,
  requestFrame,
  responseFrame,
} from '@sluice/protocol/frame'
import { Reader } from '@sluice/protocol/reader'
import { zeroUuid } from '@sluice/protocol/schema'
import { describe, expect, it } from 'vitest'

/** Hex with spaces and comments to bytes. */
function hex(text: string): Buffer {
  return Buffer.from(text.replace(/#.*$/gm, '').replace(/\s/g, ''), 'hex')
}

const topicId = 'AAECAwQFBgcICQoLDA0ODw'
const records = Buffer.from('not looked at')

describe('ApiVersions', () => {
  const body = {
    errorCode: 0,
    apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }],
    supportedFeatures: [{ name: 'kraft.version', minVersion: 0, maxVersion: 1 }],
    finalizedFeaturesEpoch: 3,
  }

  it('request v0', () => {
    const frame = hex(`
      0000000e 0012 0000 00000007 0004 74657374   # size, key, version, correlation id, "test"
    `)
    expect(Buffer.concat(requestFrame(apis.apiVersions, 0, 7, 'test', {}))).toEqual(frame)
  })

  it('request v3 and v4', () => {
    for (const version of [3, 4]) {
      const frame = hex(`
        0000001a 0012 000${version} 00000007 0004 74657374
        00                                        # tagged fields of the header
        05 6b676f21 04 312e30 00                  # "kgo!", "1.0", tagged fields
      `)
      frame.writeInt32BE(frame.length - 4)
      const request = { clientSoftwareName: 'kgo!', clientSoftwareVersion: '1.0' }
      expect(Buffer.concat(requestFrame(apis.apiVersions, version, 7, 'test', request))).toEqual(
        frame,
      )
      const reader = new Reader(frame.subarray(4))
      const header = readRequestHeader(reader)
      expect(header).toMatchObject({ apiKey: 18, apiVersion: version, clientId: 'test' })
      expect(decodeNext(reader, apis.apiVersions.request, version)).toMatchObject(request)
    }
  })

  it('response v0 drops what it may and v1 adds the throttle time', () => {
    const v0 = hex('00000010 00000007 0000 00000001 0012 0000 0004')
    expect(Buffer.concat(responseFrame(apis.apiVersions, 0, 7, body))).toEqual(v0)
    const v1 = hex('00000014 00000007 0000 00000001 0012 0000 0004 00000000')
    expect(Buffer.concat(responseFrame(apis.apiVersions, 1, 7, body))).toEqual(v1)
    expect(readResponse(apis.apiVersions, 1, v1.subarray(4))).toMatchObject({
      correlationId: 7,
      body: { apiKeys: body.apiKeys, supportedFeatures: [], finalizedFeaturesEpoch: -1 },
    })
  })

  it('response v3 has compact arrays, tagged features, and no tags in its header', () => {
    const v3 = hex(`
      00000035 00000007                           # size, correlation id: header v0
      0000 02 0012 0000 0004 00 00000000          # error, api keys, throttle time
      02                                          # two tagged fields
      00 14 02 0e 6b726166742e76657273696f6e 0000 0001 00
      01 08 0000000000000003                      # epoch of the features
    `)
    v3.writeInt32BE(v3.length - 4)
    expect(Buffer.concat(responseFrame(apis.apiVersions, 3, 7, body))).toEqual(v3)
    expect(readResponse(apis.apiVersions, 3, v3.subarray(4)).body).toMatchObject(body)
  })

  it('a refusal is read as the v0 that it is (KIP-511)', () => {
    const refusal = hex('00000007 0023 00000001 0012 0000 0004')
    expect(readResponse(apis.apiVersions, 5, refusal).body).toMatchObject({
      errorCode: 35,
      apiKeys: body.apiKeys,
    })
  })
})

describe('Produce', () => {
  const request = {
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ name: 'orders', topicId, partitionData: [{ index: 2, records }] }],
  }

  it('request v7 is not flexible', () => {
    const frame = hex(`
      00000000 0000 0007 0000002a ffff            # no client id
      ffff ffff 00007530                          # no transactional id, acks, time-out
      00000001 0006 6f7264657273                  # "orders"
      00000001 00000002 0000000d ${records.toString('hex')}
    `)
    frame.writeInt32BE(frame.length - 4)
    expect(Buffer.concat(requestFrame(apis.produce, 7, 42, null, request))).toEqual(frame)
  })

  it('request v9', () => {
    const frame = hex(`
      00000000 0000 0009 0000002a 0003 616263 00  # "abc", tagged fields of the header
      00 ffff 00007530
      02 07 6f7264657273
      02 00000002 0e ${records.toString('hex')} 00
      00 00
    `)
    frame.writeInt32BE(frame.length - 4)
    expect(Buffer.concat(requestFrame(apis.produce, 9, 42, 'abc', request))).toEqual(frame)
    const reader = new Reader(frame.subarray(4))
    readRequestHeader(reader)
    const decoded = decodeNext(reader, apis.produce.request, 9)
    expect(decoded).toEqual({
      transactionalId: null,
      ...request,
      topicData: [{ ...request.topicData[0], topicId: zeroUuid }],
    })
    const [view] = decoded.topicData[0].partitionData
    expect(view.records!.buffer).toBe(frame.buffer)
  })

  it('request v13 names the topic by its id', () => {
    const frame = hex(`
      00000000 0000 000d 0000002a ffff 00
      00 ffff 00007530
      02 000102030405060708090a0b0c0d0e0f
      02 00000002 0e ${records.toString('hex')} 00
      00 00
    `)
    frame.writeInt32BE(frame.length - 4)
    expect(Buffer.concat(requestFrame(apis.produce, 13, 42, null, request))).toEqual(frame)
  })

  it('response v10 carries the new leader in tags', () => {
    const frame = hex(`
      00000000 0000002a 00                        # header v1
      02 07 6f7264657273
      02 00000002 0006 ffffffffffffffff ffffffffffffffff ffffffffffffffff 01 00
         01 00 09 00000003 00000009 00            # tag 0: leader 3, epoch 9
      00
      00000000
      01 00 0d 02 00000003 02 68 00002384 00 00   # tag 0: node 3 at h:9092
    `)
    frame.writeInt32BE(frame.length - 4)
    const body = {
      responses: [
        {
          name: 'orders',
          partitionResponses: [
            {
              index: 2,
              errorCode: 6,
              baseOffset: -1,
              currentLeader: { leaderId: 3, leaderEpoch: 9 },
            },
          ],
        },
      ],
      nodeEndpoints: [{ nodeId: 3, host: 'h', port: 9092 }],
    }
    expect(Buffer.concat(responseFrame(apis.produce, 10, 42, body))).toEqual(frame)
    expect(readResponse(apis.produce, 10, frame.subarray(4)).body).toMatchObject(body)
  })
})

describe('Fetch', () => {
  const partition = {
    partition: 1,
    currentLeaderEpoch: 4,
    fetchOffset: 1234567890123,
    logStartOffset: -1,
  }
  const request = {
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: 52428800,
    topics: [{ topic: 't', topicId, partitions: [{ ...partition, partitionMaxBytes: 1048576 }] }],
    rackId: 'eu',
  }
  const partitionHex = `
      02 00000001 00000004 0000011f71fb04cb ffffffff ffffffffffffffff 00100000 00`

  it('request v12', () => {
    const frame = hex(`
      00000000 0001 000c 00000001 ffff 00
      ffffffff 000001f4 00000001 03200000 00      # replica, wait, min, max bytes, isolation
      00000000 ffffffff                           # session id and epoch
      02 02 74 ${partitionHex} 00
      01                                          # nothing forgotten
      03 6575 00                                  # "eu"
    `)
    frame.writeInt32BE(frame.length - 4)
    expect(Buffer.concat(requestFrame(apis.fetch, 12, 1, null, request))).toEqual(frame)
  })

  it('request v13 and v15: topic ids, then the replica moves into a tag', () => {
    const head = (version: string) => `00000000 0001 ${version} 00000001 ffff 00`
    const tail = `
      000001f4 00000001 03200000 00 00000000 ffffffff
      02 000102030405060708090a0b0c0d0e0f ${partitionHex} 00 01 03 6575`
    const v13 = hex(`${head('000d')} 00000005 ${tail} 00`)
    v13.writeInt32BE(v13.length - 4)
    expect(
      Buffer.concat(requestFrame(apis.fetch, 13, 1, null, { ...request, replicaId: 5 })),
    ).toEqual(v13)

    const v15 = hex(`${head('000f')} ${tail} 01 01 0d 00000005 0000000000000007 00`)
    v15.writeInt32BE(v15.length - 4)
    const replicaState = { replicaId: 5, replicaEpoch: 7 }
    expect(
      Buffer.concat(requestFrame(apis.fetch, 15, 1, null, { ...request, replicaState })),
    ).toEqual(v15)
  })

  it('response v12 takes records in several buffers, as they are', () => {
    const slices = [Buffer.from('first'), Buffer.from('second')]
    const body = {
      responses: [
        {
          topic: 't',
          partitions: [
            {
              partitionIndex: 1,
              errorCode: 0,
              highWatermark: 9,
              lastStableOffset: 8,
              logStartOffset: 0,
              abortedTransactions: [{ producerId: 7, firstOffset: 6 }],
              records: slices,
            },
          ],
        },
      ],
    }
    const frame = hex(`
      00000000 00000001 00
      00000000 0000 00000000                      # throttle time, error, session id
      02 02 74
      02 00000001 0000 0000000000000009 0000000000000008 0000000000000000
         02 0000000000000007 0000000000000006 00
         ffffffff                                 # preferred read replica
         0c ${Buffer.concat(slices).toString('hex')} 00
      00 00
    `)
    frame.writeInt32BE(frame.length - 4)
    const parts = responseFrame(apis.fetch, 12, 1, body)
    expect(Buffer.concat(parts)).toEqual(frame)
    expect(parts.map((part) => part.buffer)).toContain(slices[0].buffer)
    expect(parts).toHaveLength(4)
  })
})

describe('Metadata', () => {
  const topic = {
    errorCode: 0,
    name: 't',
    topicId,
    partitions: [
      {
        errorCode: 0,
        partitionIndex: 0,
        leaderId: 1,
        leaderEpoch: 2,
        replicaNodes: [1, 3],
        isrNodes: [1],
      },
    ],
  }
  const body = {
    brokers: [{ nodeId: 1, host: 'h', port: 9092, rack: 'a' }],
    clusterId: 'c',
    controllerId: 1,
    topics: [topic],
  }

  it('response v12', () => {
    const frame = hex(`
      00000000 00000001 00
      00000000
      02 00000001 02 68 00002384 02 61 00
      02 63 00000001
      02 0000 02 74 000102030405060708090a0b0c0d0e0f 00
         02 0000 00000000 00000001 00000002 03 00000001 00000003 02 00000001 01 00
         80000000 00                              # operations unknown
      00
    `)
    frame.writeInt32BE(frame.length - 4)
    expect(Buffer.concat(responseFrame(apis.metadata, 12, 1, body))).toEqual(frame)
  })

  it('response v1: what it lacks is left out where it may be', () => {
    const frame = hex(`
      00000000 00000001
      00000001 00000001 0001 68 00002384 0001 61
      00000001
      00000001 0000 0001 74 00
         00000001 0000 00000000 00000001 00000002 00000001 00000003 00000001 00000001
    `)
    frame.writeInt32BE(frame.length - 4)
    expect(Buffer.concat(responseFrame(apis.metadata, 1, 1, body))).toEqual(frame)
  })

  it('request: null asks for all topics from v1 on', () => {
    expect(Buffer.concat(requestFrame(apis.metadata, 1, 1, null, { topics: null }))).toEqual(
      hex('0000000e 0003 0001 00000001 ffff ffffffff'),
    )
    expect(() => requestFrame(apis.metadata, 0, 1, null, { topics: null })).toThrow(
      'MetadataRequest v0.topics: is null where the version allows none',
    )
  })
})
