import { apis } from '@sluice/protocol/apis'
import { decode, encode } from '@sluice/protocol/codec'
import { Reader } from '@sluice/protocol/reader'
import { Writer } from '@sluice/protocol/writer'
import { describe, expect, it } from 'vitest'

describe('Writer', () => {
  it('gives each message bytes of its own, across the ends of its slabs', () => {
    const writer = new Writer()
    const texts = Array.from({ length: 3000 }, (_, i) => `${i}`.padEnd(30 + (i % 60), '·'))
    const all = texts.map((text) => {
      writer.begin()
      writer.compactString(text)
      writer.string(text)
      writer.bigint64(-1n)
      writer.float64(0.5)
      writer.uuid('AAECAwQFBgcICQoLDA0ODw')
      return writer.finish()
    })
    for (const [i, buffers] of all.entries()) {
      const reader = new Reader(Buffer.concat(buffers))
      expect(reader.compactString()).toBe(texts[i])
      expect(reader.string()).toBe(texts[i])
      expect(reader.bigint64()).toBe(-1n)
      expect(reader.float64()).toBe(0.5)
      expect(reader.uuid()).toBe('AAECAwQFBgcICQoLDA0ODw')
    }
  })

  it('writes messages much larger than a slab', () => {
    const topics = Array.from({ length: 20_000 }, (_, i) => ({ name: `topic-number-${i}` }))
    const wire = Buffer.concat(encode(apis.metadata.request, 12, { topics }))
    expect(decode(apis.metadata.request, 12, wire).topics).toMatchObject(topics)
  })

  it('writes tagged fields whose size takes several bytes', () => {
    const nodeEndpoints = Array.from({ length: 3000 }, (_, i) => ({
      nodeId: i,
      host: `host-${i}.example.org`,
      port: 9092,
      rack: null,
    }))
    const wire = Buffer.concat(encode(apis.fetch.response, 16, { responses: [], nodeEndpoints }))
    expect(decode(apis.fetch.response, 16, wire).nodeEndpoints).toEqual(nodeEndpoints)
  })

  it('writes unknown tagged fields between the known ones, in order', () => {
    const data = Buffer.from('x')
    const unknownTags = [
      { tag: 9, data },
      { tag: 4, data },
    ]
    const response = { errorCode: 0, apiKeys: [], zkMigrationReady: true, unknownTags }
    const wire = Buffer.concat(encode(apis.apiVersions.response, 3, response))
    expect(wire.toString('hex')).toBe('00000100000000' + '03' + '030101' + '040178' + '090178')
    expect(decode(apis.apiVersions.response, 3, wire).unknownTags).toEqual([
      { tag: 4, data },
      { tag: 9, data },
    ])
  })

  it('never copies records, and leaves out empty ones', () => {
    const records = [Buffer.alloc(10, 1), Buffer.alloc(0), Buffer.alloc(20, 2)]
    const produce = (value: Uint8Array | readonly Uint8Array[] | null) =>
      encode(apis.produce.request, 9, {
        acks: 1,
        timeoutMs: 1,
        topicData: [{ name: 't', partitionData: [{ index: 0, records: value }] }],
      })
    const parts = produce(records)
    expect(parts.map((part) => part.length)).toEqual([parts[0].length, 10, 20, 3])
    expect(parts[1].buffer).toBe(records[0].buffer)
    expect(parts[1].byteOffset).toBe(records[0].byteOffset)
    expect(produce(null)).toHaveLength(1)
    expect(produce(new Uint8Array(5))[1]).toEqual(Buffer.alloc(5))
  })
})
