// The body of a request, whole and bounded: refused by its Content-Length before a byte of it is read,
// cut off while it streams in where no length was given, and decompressed to the same bound. Or in pieces,
// as they come and as they are taken.

import { Readable } from 'node:stream'
import { BodyTooLarge, decode, decoder, type Encoding, encodingOf } from './body-decoder.ts'
import type { BodyRoom } from './body-room.ts'
import { done, failed, type Outcome, type Problem } from './problem.ts'

/** Node's own message under the Request, where there is one: read directly it costs half. */
export interface Incoming extends Readable {
  readonly headers: { readonly [name: string]: string | string[] | undefined }
  readonly socket: { destroy(): void }
}

export interface BodySource {
  readonly request: Request
  readonly incoming?: Incoming
}

/** `room`: where a body that comes in several chunks may be put together. */
export async function readBody(
  source: BodySource,
  bytesMax: number,
  room?: BodyRoom,
): Promise<Outcome<Buffer>> {
  const declared = Number(headerOf(source, 'content-length'))
  if (declared > bytesMax) return failed(tooLarge(bytesMax))
  const encodingName = headerOf(source, 'content-encoding')
  const encoding = encodingOf(encodingName)
  if (encoding === undefined) return failed(unknownEncoding(encodingName))
  const body = source.incoming
    ? await collectIncoming(source.incoming, { bytesMax, declared, room })
    : await collect(source.request, bytesMax)
  return body.ok && encoding !== 'identity' ? unpack(body.value, encoding, bytesMax) : body
}

export function headerOf({ request, incoming }: BodySource, name: string): string | undefined {
  if (!incoming) return request.headers.get(name) ?? undefined
  const value = incoming.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** In lower case. */
export function headerNames({ request, incoming }: BodySource): string[] {
  return incoming ? Object.keys(incoming.headers) : [...request.headers.keys()]
}

interface Expected {
  readonly bytesMax: number
  /** NaN where it is not said. */
  readonly declared: number
  readonly room: BodyRoom | undefined
}

function collectIncoming(
  incoming: Incoming,
  { bytesMax, declared, room }: Expected,
): Promise<Outcome<Buffer>> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let whole: Buffer | undefined
    let bytes = 0
    const settle = (outcome: Outcome<Buffer>) => {
      incoming.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose)
      resolve(outcome)
    }
    const onData = (chunk: Buffer) => {
      if (bytes === 0 && chunk.length < declared) whole = room?.take(declared)
      whole?.set(chunk, bytes)
      bytes += chunk.length
      // What still comes is left unread: the server closes the connection behind the refusal.
      if (bytes > bytesMax) settle(failed(tooLarge(bytesMax)))
      else if (whole === undefined) chunks.push(chunk)
    }
    const onEnd = () => {
      settle(done(whole ?? (chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, bytes))))
    }
    const onClose = () => settle(failed(cutOff))
    incoming.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose)
  })
}

async function collect(request: Request, bytesMax: number): Promise<Outcome<Buffer>> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  const reader = request.body?.getReader()
  while (reader) {
    const { done: ended, value } = await reader.read()
    if (ended) break
    bytes += value.length
    if (bytes > bytesMax) {
      // The refusal must not wait for a client that goes on sending.
      reader.cancel().catch(() => {})
      return failed(tooLarge(bytesMax))
    }
    chunks.push(value)
  }
  return done(Buffer.concat(chunks, bytes))
}

function unpack(body: Buffer, encoding: Encoding, bytesMax: number): Outcome<Buffer> {
  try {
    return done(decode(encoding, body, bytesMax))
  } catch (error) {
    if (error instanceof BodyTooLarge) return failed(tooLarge(bytesMax))
    return failed({ code: 'malformed_request', detail: `the body is not ${encoding}` })
  }
}

/** The body in pieces, decompressed. Throws BodyBroken where it ends too early or does not open. */
export function bodyPieces(source: BodySource): Outcome<AsyncIterable<Buffer>> {
  const name = headerOf(source, 'content-encoding')
  const encoding = encodingOf(name)
  if (encoding === undefined) return failed(unknownEncoding(name))
  return done(pieces(source, encoding))
}

export class BodyBroken extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail)
    this.problem = problem
  }
}

async function* pieces(source: BodySource, encoding: Encoding): AsyncGenerator<Buffer> {
  const { incoming, request } = source
  const body = incoming ?? (request.body ? Readable.fromWeb(request.body as never) : undefined)
  if (body === undefined) return
  const opened = encoding === 'identity' ? undefined : decoder(encoding)
  // An end that comes too early must reach who reads the decoded body.
  if (opened)
    body.on('error', (error) => opened.destroy(error)).on('aborted', () => opened.destroy())
  try {
    yield* opened ? body.pipe(opened) : body
  } catch {
    const whole = opened && body.readableEnded
    throw new BodyBroken(
      whole ? { code: 'malformed_request', detail: `the body is not ${encoding}` } : cutOff,
    )
  }
}

const cutOff: Problem = { code: 'malformed_request', detail: 'the body ended too early' }

function tooLarge(bytesMax: number): Problem {
  return { code: 'body_too_large', detail: `a request body holds at most ${bytesMax} bytes` }
}

function unknownEncoding(encoding: string | undefined): Problem {
  return {
    code: 'unsupported_media_type',
    detail: `Content-Encoding: ${encoding}; known are gzip, deflate, br and zstd`,
    headers: { 'accept-encoding': 'gzip, deflate, br, zstd' },
  }
}
