// Content encodings of responses: which one a client would like, and bodies compressed as they are taken.
// A stream is flushed piece by piece, so that an event is there when it was sent, and keeps a small window,
// because there may be thousands of them. This is the origin: `no-transform` binds the proxies behind it.

import type { Transform } from 'node:stream'
import * as zlib from 'node:zlib'
import { qualitiesOf } from './media-types.ts'
import type { Reply } from './reply.ts'

export type ContentEncoding = 'gzip' | 'zstd'

/** Below this the frame of an encoding costs more than it saves. */
const bodyBytesMin = 1024
const compressible = /^(text\/|application\/(json|problem\+json|x-ndjson|schema\+json)\b)/

/** Windows of 4 KiB (2 ** 12) in streams: lines of one topic resemble their neighbours. */
const streamWindowBits = 12
const streamChunkBytes = 4096

interface Codec {
  readonly ofBody: () => Encoder
  readonly ofStream: () => Encoder
  readonly flushKind: number
}

type Encoder = Transform & { flush(kind: number, done: () => void): void }

const { constants } = zlib

/** By preference; older Node 22 has no zstd. */
const codecs = new Map<ContentEncoding, Codec>()
if (typeof zlib.createZstdCompress === 'function') {
  const params = {
    [constants.ZSTD_c_windowLog]: streamWindowBits,
    [constants.ZSTD_c_compressionLevel]: 1,
  }
  codecs.set('zstd', {
    ofBody: () => zlib.createZstdCompress(),
    ofStream: () => zlib.createZstdCompress({ params, chunkSize: streamChunkBytes }),
    flushKind: constants.ZSTD_e_flush,
  })
}
codecs.set('gzip', {
  ofBody: () => zlib.createGzip({ level: 5 }),
  ofStream: () =>
    zlib.createGzip({ windowBits: streamWindowBits, memLevel: 5, chunkSize: streamChunkBytes }),
  flushKind: constants.Z_SYNC_FLUSH,
})

/** Whether a reply is of a kind that is compressed, for those who ask. */
export function isCompressible({ body, headers, status }: Reply): boolean {
  if (body === null || status === 206 || headers['content-encoding'] !== undefined) return false
  if (!isStream(body) && body.length < bodyBytesMin) return false
  return compressible.test(headers['content-type'] ?? '')
}

/** What `accept` (Accept-Encoding) likes best; undefined: the body as it is. */
export function contentEncodingFor(accept: string): ContentEncoding | undefined {
  const wanted = qualitiesOf(accept)
  let best: ContentEncoding | undefined
  let bestQuality = 0
  for (const encoding of codecs.keys()) {
    const quality = wanted.get(encoding) ?? wanted.get('*') ?? 0
    if (quality > bestQuality) {
      best = encoding
      bestQuality = quality
    }
  }
  return best
}

/** `body` compressed, and taken as slowly as the client takes it. */
export function encodedBody(
  body: NonNullable<Reply['body']>,
  encoding: ContentEncoding,
): ReadableStream<Uint8Array> {
  const codec = codecs.get(encoding) as Codec
  const encoder = isStream(body)
    ? new PieceEncoder(codec.ofStream(), codec.flushKind)
    : new PieceEncoder(codec.ofBody(), undefined)
  const reader: PieceReader = isStream(body) ? body.getReader() : wholeReader(body)
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const { value: piece } = await reader.read()
          const encoded = await (piece ? encoder.encode(piece) : encoder.finish())
          if (encoded.length > 0) controller.enqueue(encoded)
          if (!piece) controller.close()
          if (!piece || encoded.length > 0) return
        }
      },
      async cancel(reason) {
        encoder.close()
        await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

function isStream(body: Reply['body']): body is ReadableStream<Uint8Array> {
  return body !== null && typeof body === 'object' && 'getReader' in body
}

interface PieceReader {
  read(): Promise<{ value?: Uint8Array }>
  cancel(reason?: unknown): Promise<void>
}

function wholeReader(body: string | Uint8Array): PieceReader {
  let rest: Uint8Array | undefined = typeof body === 'string' ? Buffer.from(body) : body
  return {
    async read() {
      const value = rest
      rest = undefined
      return { value }
    },
    async cancel() {},
  }
}

/** An encoder that is given a piece and asked for what came of it. */
class PieceEncoder {
  readonly #encoder: Encoder
  readonly #flushKind: number | undefined
  #chunks: Buffer[] = []

  /** With a kind of flush, all of a piece comes out with it. */
  constructor(encoder: Encoder, flushKind: number | undefined) {
    this.#encoder = encoder
    this.#flushKind = flushKind
    encoder.on('data', (chunk: Buffer) => this.#chunks.push(chunk))
  }

  encode(piece: Uint8Array): Promise<Buffer> {
    const encoder = this.#encoder
    const flushKind = this.#flushKind
    return new Promise((resolve, reject) => {
      encoder.write(piece, (error) => {
        if (error) reject(error)
        else if (flushKind === undefined) resolve(this.#take())
        else encoder.flush(flushKind, () => resolve(this.#take()))
      })
    })
  }

  finish(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#encoder.once('error', reject).once('end', () => resolve(this.#take()))
      this.#encoder.end()
    })
  }

  /** What it holds lies outside the heap, where no collection sees it soon. */
  close(): void {
    this.#encoder.destroy()
  }

  #take(): Buffer {
    const taken = Buffer.concat(this.#chunks)
    this.#chunks = []
    return taken
  }
}
