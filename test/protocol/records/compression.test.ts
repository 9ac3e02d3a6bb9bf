import * as zlib from 'node:zlib'
import fc from 'fast-check'
import lz4 from 'lz4-napi'
import snappy from 'snappy'
import { describe, expect, test } from 'vitest'
import { errors } from '../../../packages/protocol/src/errors.ts'
import { type Codec, codecs } from '../../../packages/protocol/src/records/batch.ts'
import { compress, decompress } from '../../../packages/protocol/src/records/compression.ts'
import {
  compressLz4,
  decodeLz4Frame,
  encodeLz4Frame,
} from '../../../packages/protocol/src/records/lz4.ts'
import { RecordsError } from '../../../packages/protocol/src/records/records-error.ts'
import {
  decodeSnappyBlock,
  encodeSnappyBlock,
} from '../../../packages/protocol/src/records/snappy-block.ts'
import { xxhash32 } from '../../../packages/protocol/src/records/xxhash32.ts'

const mebibyte = 1024 * 1024

/** Bytes with repetitions near and far, so that matches of all lengths and offsets occur. */
const compressible = fc
  .array(
    fc.record({
      piece: fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        fc.constant(new Uint8Array(3)),
      ),
      times: fc.integer({ min: 1, max: 400 }),
    }),
    { maxLength: 25 },
  )
  .map((parts) =>
    Buffer.concat(parts.flatMap(({ piece, times }) => Array<Uint8Array>(times).fill(piece))),
  )

function codeOf(run: () => unknown): number | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof RecordsError) return error.code
    throw error
  }
}

describe.each(codecs)('%s', (codec: Codec) => {
  test('gives back what went in', () => {
    fc.assert(
      fc.property(compressible, (input) => {
        const packed = compress(codec, input)
        expect(decompress(codec, packed, input.length + 1).equals(input)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('gives back a mebibyte, within a limit of exactly that', () => {
    const input = Buffer.alloc(mebibyte, 'a line of text that repeats; ')
    const packed = compress(codec, input)
    expect(decompress(codec, packed, mebibyte).equals(input)).toBe(true)
  })
})

describe.each(codecs.slice(1))('%s', (codec: Codec) => {
  test('stops a decompression bomb', () => {
    const bomb = compress(codec, Buffer.alloc(8 * mebibyte))
    expect(codeOf(() => decompress(codec, bomb, mebibyte))).toBe(errors.MESSAGE_TOO_LARGE)
    expect(decompress(codec, bomb, 8 * mebibyte).length).toBe(8 * mebibyte)
  })

  test('refuses what is not of its format', () => {
    for (const bytes of ['', 'x', 'this is no compressed data, whatever it claims to be']) {
      const input = Buffer.from(bytes, 'latin1')
      expect(codeOf(() => decompress(codec, input, mebibyte))).toBe(errors.INVALID_RECORD)
    }
  })

  test('never does worse than refuse random and damaged bytes', () => {
    const packed = compress(codec, Buffer.from('some text, some text, some more text'.repeat(20)))
    fc.assert(
      fc.property(fc.nat(packed.length - 1), fc.nat(255), fc.uint8Array(), (at, byte, noise) => {
        const damaged = Buffer.from(packed)
        damaged[at] = byte
        const inputs = [damaged, packed.subarray(0, at), Buffer.from(noise)]
        for (const input of inputs) codeOf(() => decompress(codec, input, mebibyte))
      }),
      { numRuns: 200 },
    )
  })
})

test('levels reach gzip and zstd', () => {
  const input = Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * i) % 251))
  for (const codec of ['gzip', 'zstd'] as const) {
    const packed = compress(codec, input, 9)
    expect(decompress(codec, packed, input.length).equals(input)).toBe(true)
  }
  const params = { [zlib.constants.ZSTD_c_compressionLevel]: 19 }
  expect(compress('zstd', input, 19).equals(zlib.zstdCompressSync(input, { params }))).toBe(true)
})

describe('snappy', () => {
  const text = Buffer.from('hello snappy, hello framing, hello Kafka. '.repeat(3000))

  test('writes the framing of snappy-java in blocks of 32 KiB', () => {
    const packed = compress('snappy', text)
    expect(packed.subarray(0, 16).toString('hex')).toBe('82534e41505059000000000100000001')
    const firstBytes = packed.readUInt32BE(16)
    const first = snappy.uncompressSync(packed.subarray(20, 20 + firstBytes)) as Buffer
    expect(first.equals(text.subarray(0, 32 * 1024))).toBe(true)
  })

  test('reads one raw block, as librdkafka writes it', () => {
    expect(decompress('snappy', snappy.compressSync(text), text.length).equals(text)).toBe(true)
  })

  test('reads framed streams that follow each other', () => {
    const twice = Buffer.concat([compress('snappy', text), compress('snappy', text)])
    const expected = Buffer.concat([text, text])
    expect(decompress('snappy', twice, expected.length).equals(expected)).toBe(true)
  })

  test('does not believe a length that the bytes cannot hold', () => {
    const lie = Buffer.from([0xff, 0xff, 0xff, 0x3f, 0x00, 0x61])
    expect(codeOf(() => decompress('snappy', lie, 2 ** 31))).toBe(errors.INVALID_RECORD)
    expect(codeOf(() => decompress('snappy', lie, 1000))).toBe(errors.MESSAGE_TOO_LARGE)
  })

  test('JavaScript and native read each other', () => {
    fc.assert(
      fc.property(compressible, (input) => {
        expect((snappy.uncompressSync(encodeSnappyBlock(input)) as Buffer).equals(input)).toBe(true)
        expect(decodeSnappyBlock(snappy.compressSync(input))?.equals(input)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('JavaScript never reads past damaged input', () => {
    const packed = snappy.compressSync(text.subarray(0, 500))
    fc.assert(
      fc.property(fc.nat(packed.length - 1), fc.nat(255), (at, byte) => {
        const damaged = Buffer.from(packed)
        damaged[at] = byte
        if (at > 1) decodeSnappyBlock(damaged)
        expect(decodeSnappyBlock(packed.subarray(0, at))).toBeUndefined()
      }),
    )
  })
})

describe('lz4', () => {
  const text = Buffer.from('hello lz4, hello frames, hello Kafka. '.repeat(9000))

  test('the checksum is XXH32', () => {
    const digits = Buffer.from('Nobody inspects the spammish repetition')
    expect(xxhash32(digits, 0, digits.length)).toBe(0xe2293b2f)
    expect(xxhash32(digits, 0, 0)).toBe(0x02cc5d05)
  })

  test('writes independent blocks: Java clients read no others', () => {
    for (const packed of [compressLz4(text), encodeLz4Frame(text)]) {
      expect(packed.readUInt32LE(0)).toBe(0x184d2204)
      expect(packed[4] & 0xf4).toBe(0x60) // version 1, independent, no block or content checksum
    }
  })

  test('JavaScript and native read each other', () => {
    fc.assert(
      fc.property(compressible, (input) => {
        expect(lz4.decompressFrameSync(encodeLz4Frame(input)).equals(input)).toBe(true)
        expect(decodeLz4Frame(lz4.compressFrameSync(input), input.length).equals(input)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('levels search for longer matches, as Kafka has them: 9 is the fast one', () => {
    const words = Array.from({ length: 9000 }, (_, i) => `user-${(i * 7919) % 977} clicked; `)
    const prose = Buffer.from(words.join(''))
    const size = (level: number) => compress('lz4', prose, level).length
    expect(size(9)).toBe(compress('lz4', prose).length)
    expect(size(4)).toBeLessThan(size(1))
    expect(size(17)).toBeLessThan(size(4))
    fc.assert(
      fc.property(compressible, fc.integer({ min: 1, max: 17 }), (input, level) => {
        const packed = compress('lz4', input, level)
        expect(lz4.decompressFrameSync(packed).equals(input)).toBe(true)
        expect(decodeLz4Frame(packed, input.length).equals(input)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('JavaScript stores what does not shrink and checks the content checksum', () => {
    const noise = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 2654435761) >>> 24))
    expect(lz4.decompressFrameSync(encodeLz4Frame(noise)).equals(noise)).toBe(true)
    const checked = lz4.compressFrameSync(text, { contentChecksum: true, blockChecksums: true })
    expect(decodeLz4Frame(checked, text.length).equals(text)).toBe(true)
    checked[checked.length - 1] ^= 1
    expect(codeOf(() => decodeLz4Frame(checked, text.length))).toBe(errors.INVALID_RECORD)
  })

  test('passes over what follows the frame, as Kafka does', () => {
    const packed = Buffer.concat([compressLz4(text), Buffer.from('more')])
    expect(decompress('lz4', packed, text.length).equals(text)).toBe(true)
  })

  test('JavaScript never reads past damaged input', () => {
    const packed = encodeLz4Frame(text.subarray(0, 600))
    fc.assert(
      fc.property(fc.nat(packed.length - 1), fc.nat(255), (at, byte) => {
        const damaged = Buffer.from(packed)
        damaged[at] = byte
        codeOf(() => decodeLz4Frame(damaged, mebibyte))
        expect(codeOf(() => decodeLz4Frame(packed.subarray(0, at), mebibyte))).toBeDefined()
      }),
    )
  })
})
