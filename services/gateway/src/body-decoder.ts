// Content codings of request bodies: whole bodies to a bound, and streams.

import type { Transform } from 'node:stream'
import * as zlib from 'node:zlib'

export type Encoding = 'identity' | 'gzip' | 'deflate' | 'br' | 'zstd'

export class BodyTooLarge extends Error {}

/** Of a Content-Encoding; undefined for one that is not known, or for several. */
export function encodingOf(header: string | undefined): Encoding | undefined {
  switch (header?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return 'identity'
    case 'gzip':
    case 'x-gzip':
      return 'gzip'
    case 'deflate':
      return 'deflate'
    case 'br':
      return 'br'
    case 'zstd':
      return typeof zlib.zstdDecompressSync === 'function' ? 'zstd' : undefined
    default:
      return undefined
  }
}

/** Throws BodyTooLarge beyond `bytesMax`, and anything else where `body` is not that. */
export function decode(encoding: Encoding, body: Buffer, bytesMax: number): Buffer {
  const options = { maxOutputLength: Math.max(1, bytesMax) }
  try {
    switch (encoding) {
      case 'identity':
        return body
      case 'gzip':
        return zlib.gunzipSync(body, options)
      case 'deflate':
        return isZlib(body) ? zlib.inflateSync(body, options) : zlib.inflateRawSync(body, options)
      case 'br':
        return zlib.brotliDecompressSync(body, options)
      case 'zstd':
        return zlib.zstdDecompressSync(body, options)
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw code === 'ERR_BUFFER_TOO_LARGE' ? new BodyTooLarge() : error
  }
}

export function decoder(encoding: Exclude<Encoding, 'identity'>): Transform {
  switch (encoding) {
    case 'gzip':
      return zlib.createGunzip()
    case 'deflate':
      return zlib.createInflate()
    case 'br':
      return zlib.createBrotliDecompress()
    case 'zstd':
      return zlib.createZstdDecompress()
  }
}

/** Some clients send deflate without the frame that RFC 9110 asks for. */
function isZlib(body: Buffer): boolean {
  return body.length >= 2 && (body[0] & 0x0f) === 8 && ((body[0] << 8) | body[1]) % 31 === 0
}
