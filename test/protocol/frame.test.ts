import { type Api, apiByKey, apis } from '@sluice/protocol/apis'
import { decode } from '@sluice/protocol/codec'
import {
  FrameError,
  FrameReader,
  readRequestHeader,
  readResponse,
  requestFrame,
  responseFrame,
} from '@sluice/protocol/frame'
import { Reader } from '@sluice/protocol/reader'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messages, valuesOf, versionsOf } from './messages.ts'

describe('requests and responses', () => {
  it('come back as they went, for every API and version', () => {
    for (const api of Object.values(apis) as Api[]) {
      for (const version of versionsOf(api.request)) {
        for (const body of fc.sample(valuesOf(api.request, version), { numRuns: 2, seed: 2 })) {
          const frame = Buffer.concat(requestFrame(api, version, 77, 'client', body))
          expect(frame.readInt32BE()).toBe(frame.length - 4)
          const reader = new Reader(frame.subarray(4))
          expect(readRequestHeader(reader)).toEqual({
            apiKey: api.key,
            apiVersion: version,
            correlationId: 77,
            clientId: 'client',
          })
          decode(api.request, version, frame.subarray(4), reader.at)
        }
        for (const body of fc.sample(valuesOf(api.response, version), { numRuns: 2, seed: 3 })) {
          const frame = Buffer.concat(responseFrame(api, version, -5, body))
          expect(frame.readInt32BE()).toBe(frame.length - 4)
          expect(readResponse(api, version, frame.subarray(4)).correlationId).toBe(-5)
        }
      }
    }
  })

  it('of an unknown API, or in a version not served, still have a header', () => {
    const unknown = new Reader(Buffer.from('7fff000300000009000161ff', 'hex'))
    expect(readRequestHeader(unknown)).toMatchObject({ apiKey: 0x7fff })
    expect(unknown.at).toBe(11)
    expect(apiByKey(0x7fff)).toBeUndefined()
    const newer = new Reader(Buffer.from('0012006300000009ffff00', 'hex'))
    expect(readRequestHeader(newer)).toMatchObject({ apiVersion: 99, clientId: null })
    expect(newer.at).toBe(11)
  })

  it('with trailing bytes are refused', () => {
    const frame = Buffer.concat(responseFrame(apis.heartbeat, 4, 1, { errorCode: 0 }))
    const longer = Buffer.concat([frame.subarray(4), Buffer.alloc(2)])
    expect(() => readResponse(apis.heartbeat, 4, longer)).toThrow('2 bytes too many')
  })

  it('are one buffer where there are no records', () => {
    expect(responseFrame(apis.heartbeat, 4, 1, { errorCode: 0 })).toHaveLength(1)
  })
})

describe('every API', () => {
  it('has one key and name, and two messages of it', () => {
    for (const [name, api] of Object.entries(apis)) {
      expect(apiByKey(api.key)).toBe(api)
      expect(api.name.toLowerCase()).toBe(name.toLowerCase())
      expect(api.request).toMatchObject({ name: `${api.name}Request`, apiKey: api.key })
      expect(api.response).toMatchObject({ name: `${api.name}Response`, apiKey: api.key })
      expect(api.request.versions).toEqual(api.response.versions)
      expect(api.request.flexible).toEqual(api.response.flexible)
    }
    expect(new Set(messages.map(({ name }) => name)).size).toBe(messages.length)
  })
})

describe('FrameReader', () => {
  function collect(options: { maxBytes?: number } = {}) {
    const frames: Buffer[] = []
    const reader = new FrameReader({
      maxBytes: 1000,
      onFrame: (one) => frames.push(one),
      ...options,
    })
    return { frames, reader }
  }

  function framed(...bodies: Buffer[]): Buffer {
    return Buffer.concat(
      bodies.flatMap((body) => {
        const size = Buffer.alloc(4)
        size.writeInt32BE(body.length)
        return [size, body]
      }),
    )
  }

  it('finds the same frames however the stream is cut, and keeps none of the views', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 8 })
    const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 })
    const property = fc.property(bodies, cuts, (arrays, lengths) => {
      const sent = arrays.map((one) => Buffer.from(one))
      const stream = framed(...sent)
      const { frames, reader } = collect()
      const view = Buffer.alloc(40)
      for (let at = 0, i = 0; at < stream.length; i++) {
        const length = Math.min(lengths[i % lengths.length], stream.length - at)
        stream.copy(view, 0, at, at + length)
        reader.push(view.subarray(0, length))
        view.fill(0xee)
        at += length
      }
      expect(frames).toEqual(sent)
      expect(reader.pendingBytes).toBe(0)
    })
    fc.assert(property, { numRuns: 300 })
  })

  it('delivers all frames of one view in one go', () => {
    const { frames, reader } = collect()
    reader.push(framed(...Array.from({ length: 500 }, (_, i) => Buffer.from(`frame ${i}`))))
    expect(frames).toHaveLength(500)
    expect(frames[499].toString()).toBe('frame 499')
  })

  it('asks `allocate` once a frame, for exactly its bytes', () => {
    const asked: number[] = []
    const frames: Buffer[] = []
    const reader = new FrameReader({
      maxBytes: 100,
      onFrame: (one) => frames.push(one),
      allocate: (bytes) => {
        asked.push(bytes)
        return Buffer.alloc(bytes)
      },
    })
    const stream = framed(Buffer.alloc(10), Buffer.alloc(0), Buffer.alloc(100))
    for (const byte of stream) reader.push(Buffer.from([byte]))
    expect(asked).toEqual([10, 0, 100])
    expect(frames.map((one) => one.length)).toEqual([10, 0, 100])
  })

  it('takes memory for what arrives, not for what is announced', () => {
    const frames: Buffer[] = []
    const asked: number[] = []
    const reader = new FrameReader({
      maxBytes: 100_000_000,
      onFrame: (one) => frames.push(one),
      allocate: (bytes) => {
        asked.push(bytes)
        return Buffer.alloc(bytes)
      },
    })
    const frame = Buffer.alloc(3_000_000, 'sluice')
    const before = process.memoryUsage().arrayBuffers
    const waiting = Array.from({ length: 500 }, () => {
      const one = new FrameReader({ maxBytes: 100_000_000, onFrame: () => {} })
      one.push(Buffer.from('05f5e10000', 'hex'))
      return one
    })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200_000_000)
    expect(waiting.every((one) => one.pendingBytes === 5)).toBe(true)
    const stream = framed(frame)
    for (let at = 0; at < stream.length; at += 10_000) reader.push(stream.subarray(at, at + 10_000))
    expect(asked).toEqual([3_000_000])
    expect(frames[0].equals(frame)).toBe(true)
    expect(reader.pendingBytes).toBe(0)
  })

  it('refuses a size that is negative or too large, after the frames before it', () => {
    for (const size of ['ffffffff', '80000000', '000003e9', '47455420']) {
      const { frames, reader } = collect()
      const bad = Buffer.concat([framed(Buffer.from('good')), Buffer.from(size, 'hex')])
      expect(() => reader.push(bad)).toThrow(FrameError)
      expect(frames.map(String)).toEqual(['good'])
      expect(() => reader.push(framed(Buffer.from('more')))).toThrow(FrameError)
    }
  })

  it('stays whole when onFrame throws', () => {
    const frames: Buffer[] = []
    const reader = new FrameReader({
      maxBytes: 100,
      onFrame: (one) => {
        frames.push(one)
        if (frames.length === 1) throw new Error('first')
      },
    })
    expect(() => reader.push(framed(Buffer.from('a')))).toThrow('first')
    reader.push(framed(Buffer.from('b')))
    expect(frames.map(String)).toEqual(['a', 'b'])
  })
})
