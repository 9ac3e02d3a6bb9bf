// compress and decompress: the codecs of record batches, synchronous, output bounded.
//
// Synchronous, because a batch must be whole before its CRC is, and because results that come back from a
// thread pool come in any order, which the simulator could not replay.

import * as zlib from 'node:zlib'
import { errors } from '../errors.ts'
import type { Codec } from './batch.ts'
import { compressLz4, decompressLz4 } from './lz4.ts'
import { RecordsError } from './records-error.ts'
import { compressSnappy, decompressSnappy } from './snappy.ts'

const chunkBytesMin = 16 * 1024
const chunkBytesMax = 256 * 1024
/** How much larger than its input zlib's first output chunk is guessed to be. */
const expansionGuess = 4

/**
 * `level` as in Kafka: of gzip (1 to 9, or -1: zlib's default), lz4 (1 to 17) and zstd (-131072 to 22); the
 * others have none.
 */
export function compress(codec: Codec, input: Buffer, level?: number): Buffer {
  switch (codec) {
    case 'none':
      return input
    case 'gzip':
      return zlib.gzipSync(input, { level, chunkSize: chunkBytes(input.length) })
    case 'snappy':
      return compressSnappy(input)
    case 'lz4':
      return compressLz4(input, level)
    case 'zstd':
      return requireZstd().zstdCompressSync(input, {
        chunkSize: chunkBytes(input.length),
        params: level === undefined ? {} : { [zlib.constants.ZSTD_c_compressionLevel]: level },
      })
  }
}

/**
 * Throws RecordsError: INVALID_RECORD for malformed data, MESSAGE_TOO_LARGE beyond `maxBytes`,
 * UNSUPPORTED_COMPRESSION_TYPE where this runtime lacks the codec. With 'none' the input comes back.
 */
export function decompress(codec: Codec, input: Buffer, maxBytes: number): Buffer {
  switch (codec) {
    case 'none':
      return input
    case 'gzip':
      return inflate(codec, zlib.gunzipSync, input, maxBytes)
    case 'snappy':
      return decompressSnappy(input, maxBytes)
    case 'lz4':
      return decompressLz4(input, maxBytes)
    case 'zstd':
      return inflate(codec, requireZstd().zstdDecompressSync, input, maxBytes)
  }
}

type Inflate = (input: Buffer, options: { maxOutputLength: number; chunkSize: number }) => Buffer

function inflate(codec: Codec, run: Inflate, input: Buffer, maxBytes: number): Buffer {
  try {
    return run(input, {
      maxOutputLength: Math.max(1, maxBytes),
      chunkSize: chunkBytes(input.length * expansionGuess),
    })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      const message = `${codec} data decodes to more than ${maxBytes} bytes`
      throw new RecordsError(errors.MESSAGE_TOO_LARGE, message, cause)
    }
    throw new RecordsError(errors.INVALID_RECORD, `malformed ${codec} data`, cause)
  }
}

function chunkBytes(guess: number): number {
  return Math.min(chunkBytesMax, Math.max(chunkBytesMin, guess))
}

/** Node has zstd since 22.15; the published package runs on any 22. */
function requireZstd(): typeof zlib {
  if (typeof zlib.zstdCompressSync === 'function') return zlib
  throw new RecordsError(
    errors.UNSUPPORTED_COMPRESSION_TYPE,
    'zstd needs Node 22.15 or newer; this runtime lacks it',
  )
}
