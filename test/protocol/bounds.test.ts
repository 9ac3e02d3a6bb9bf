// Whatever comes in: a value or a DecodeError, and no more memory than the input is worth.

import { apis } from '@sluice/protocol/apis'
import { DecodeError, decode, encode } from '@sluice/protocol/codec'
import { readRequestHeader } from '@sluice/protocol/frame'
import { arrayLengthMax, elementsMax, Reader, taggedFieldsMax } from '@sluice/protocol/reader'
import type { Message } from '@sluice/protocol/schema'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messages, valuesOf, versionsOf } from './messages.ts'

function decodesOrRefuses(message: Message, version: number, input: Buffer): boolean {
  try {
    decode(message, version, input)
    return true
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError)
    return false
  }
}

/** Runs `action` and returns how many bytes the heap grew by, at most. */
function heapGrowth(action: () => void): number {
  const before = process.memoryUsage()
  action()
  const after = process.memoryUsage()
  return after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers
}

describe('random input', () => {
  it('is refused or decoded, for every message and version', () => {
    for (const message of messages) {
      for (const version of versionsOf(message)) {
        const property = fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
          decodesOrRefuses(message, version, Buffer.from(bytes))
        })
        fc.assert(property, { numRuns: 30 })
      }
    }
  })

  it('made by damaging a good message is refused or decoded', () => {
    for (const message of messages) {
      const version = message.versions.max
      const damaged = fc.tuple(valuesOf(message, version), fc.nat(), fc.nat(255), fc.nat())
      const property = fc.property(damaged, ([value, at, byte, cut]) => {
        const wire = Buffer.concat(encode(message, version, value))
        if (wire.length === 0) return
        wire[at % wire.length] = byte
        decodesOrRefuses(message, version, wire)
        decodesOrRefuses(message, version, wire.subarray(0, cut % wire.length))
      })
      fc.assert(property, { numRuns: 30 })
    }
  })

  it('as a request header is refused or read', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        const reader = new Reader(Buffer.from(bytes))
        readRequestHeader(reader)
        expect(reader.at).toBeLessThanOrEqual(bytes.length)
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError)
      }
    })
    fc.assert(property, { numRuns: 500 })
  })
})

describe('a message cut off anywhere', () => {
  it('is refused, and so is one that goes on', () => {
    for (const message of messages) {
      const version = message.versions.max
      for (const value of fc.sample(valuesOf(message, version), { numRuns: 3, seed: 1 })) {
        const wire = Buffer.concat(encode(message, version, value))
        for (let end = 0; end < wire.length; end++) {
          expect(decodesOrRefuses(message, version, wire.subarray(0, end))).toBe(false)
        }
        expect(decodesOrRefuses(message, version, Buffer.concat([wire, Buffer.alloc(1)]))).toBe(
          false,
        )
      }
    }
  })
})

describe('counts and lengths', () => {
  const metadata = apis.metadata.request

  it('of an array are held against the bytes left before anything is made', () => {
    const claims = Buffer.alloc(64)
    claims.writeInt32BE(900_000)
    const grown = heapGrowth(() => {
      for (let i = 0; i < 100; i++) {
        expect(() => decode(metadata, 1, claims)).toThrow(
          'MetadataRequest v1.topics: cut off: 60 bytes left',
        )
      }
    })
    expect(grown).toBeLessThan(4 << 20)
  })

  it('of an array are at most a million, of tagged fields ten thousand', () => {
    const many = Buffer.alloc(8 + 4 * (arrayLengthMax + 1))
    many.writeInt32BE(arrayLengthMax + 1)
    expect(() => decode(apis.metadata.request, 1, many)).toThrow('an array of 1000001 elements')
    expect(new Reader(Buffer.from([0x90, 0x4e])).tagCount()).toBe(taggedFieldsMax)
    expect(() => new Reader(Buffer.from([0x91, 0x4e])).tagCount()).toThrow('10001 tagged fields')
  })

  it('of all arrays and tagged fields of a message are at most two million', () => {
    const input = Buffer.alloc(4 + arrayLengthMax)
    input.writeInt32BE(arrayLengthMax)
    const reader = new Reader(input)
    for (let left = elementsMax; left > 0; left -= arrayLengthMax) {
      expect(reader.arrayLength(1)).toBe(arrayLengthMax)
      reader.at = 0
    }
    input[0] = 1
    expect(() => reader.tagCount()).toThrow('more than 2000000 elements in all')
  })

  it('that are negative mean null, where null is allowed', () => {
    const all = Buffer.from('fffffffe', 'hex')
    expect(decode(metadata, 1, all).topics).toBeNull()
    expect(() => decode(metadata, 0, all)).toThrow('MetadataRequest v0.topics: null')
  })

  it('of a varint are at most 32 bits in five bytes', () => {
    const reader = (text: string) => new Reader(Buffer.from(text, 'hex'))
    expect(reader('ffffffff0f').uvarint()).toBe(0xffffffff)
    expect(reader('8080808000').uvarint()).toBe(0)
    expect(() => reader('ffffffff10').uvarint()).toThrow('more than 32 bits')
    expect(() => reader('808080808000').uvarint()).toThrow('more than 32 bits')
    expect(() => reader('ffff').uvarint()).toThrow('cut off')
  })

  it('of an int64 are within 2^53', () => {
    const reader = (text: string) => new Reader(Buffer.from(text, 'hex'))
    expect(reader('001fffffffffffff').int64()).toBe(Number.MAX_SAFE_INTEGER)
    expect(reader('ffe0000000000001').int64()).toBe(Number.MIN_SAFE_INTEGER)
    expect(reader('ffffffffffffffff').int64()).toBe(-1)
    expect(() => reader('0020000000000000').int64()).toThrow('past 2^53')
    expect(() => reader('ffdfffffffffffff').int64()).toThrow('past 2^53')
    expect(() => reader('ffe0000000000000').int64()).toThrow('past 2^53')
  })

  it('of an int64 where Kafka knows larger ones are clamped to 2^53', () => {
    const reader = (text: string) => new Reader(Buffer.from(text, 'hex'))
    expect(reader('7fffffffffffffff').clampedInt64()).toBe(Number.MAX_SAFE_INTEGER)
    expect(reader('0020000000000000').clampedInt64()).toBe(Number.MAX_SAFE_INTEGER)
    expect(reader('001ffffffffffffe').clampedInt64()).toBe(Number.MAX_SAFE_INTEGER - 1)
    expect(reader('fffffffffffffffe').clampedInt64()).toBe(-2)
    expect(reader('ffe0000000000000').clampedInt64()).toBe(Number.MIN_SAFE_INTEGER)
    expect(reader('8000000000000000').clampedInt64()).toBe(Number.MIN_SAFE_INTEGER)
  })

  it('of a tagged field must fit its content', () => {
    const fetch = (tag: string) =>
      Buffer.from(`ffffffff000000000000000000000000000000000000000000010101${tag}`, 'hex')
    expect(decode(apis.fetch.request, 12, fetch('0100020261')).clusterId).toBe('a')
    expect(() => decode(apis.fetch.request, 12, fetch('0100030261ff'))).toThrow('longer than')
    expect(() => decode(apis.fetch.request, 12, fetch('01000102'))).toThrow('cut off')
  })
})

describe('a long message', () => {
  it('that is damaged is read once only, and costs no more than a good one', () => {
    const topics = Array.from({ length: 20_000 }, (_, i) => ({ name: `topic-${i}` }))
    const wire = Buffer.concat(encode(apis.metadata.request, 12, { topics }))
    expect(() => decode(apis.metadata.request, 12, wire.subarray(0, -1))).toThrow(
      /^MetadataRequest v12: cut off: 0 bytes left$/,
    )
  })
})
