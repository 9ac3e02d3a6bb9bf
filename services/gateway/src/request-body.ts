// The body of a request, whole and bounded: refused by its Content-Length before a byte of it is read,
// cut off while it streams in where no length was given, and decompressed (gzip, zstd) to the same bound.

import type { Readable } from 'node:stream'
import { errors } from '@sluice/protocol/errors'
import { decompress } from '@sluice/protocol/records/compression'
import { RecordsError } from '@sluice/protocol/records/records-error'
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

type Encoding = 'identity' | 'gzip' | 'zstd'

export async function readBody(source: BodySource, bytesMax: number): Promise<Outcome<Buffer>> {
  const declared = headerOf(source, 'content-length')
  if (declared !== undefined && Number(declared) > bytesMax) return failed(tooLarge(bytesMax))
  const encodingName = headerOf(source, 'content-encoding')
  const encoding = encodingOf(encodingName)
  if (encoding === undefined) return failed(unknownEncoding(encodingName))
  const body = source.incoming
    ? await collectIncoming(source.incoming, bytesMax)
    : await collect(source.request, bytesMax)
  return body.ok && encoding !== 'identity' ? unpack(body.value, encoding, bytesMax) : body
}

export function headerOf({ request, incoming }: BodySource, name: string): string | undefined {
  if (!incoming) return request.headers.get(name) ?? undefined
  const value = incoming.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

function encodingOf(header: string | undefined): Encoding | undefined {
  switch (header?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return 'identity'
    case 'gzip':
    case 'x-gzip':
      return 'gzip'
    case 'zstd':
      return 'zstd'
    default:
      return undefined
  }
}

function collectIncoming(incoming: Incoming, bytesMax: number): Promise<Outcome<Buffer>> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const settle = (outcome: Outcome<Buffer>) => {
      incoming.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose)
      resolve(outcome)
    }
    const onData = (chunk: Buffer) => {
      bytes += chunk.length
      // What still comes is left unread: the server closes the connection behind the refusal.
      if (bytes > bytesMax) settle(failed(tooLarge(bytesMax)))
      else chunks.push(chunk)
    }
    const onEnd = () => settle(done(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, bytes)))
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

function unpack(body: Buffer, encoding: 'gzip' | 'zstd', bytesMax: number): Outcome<Buffer> {
  try {
    return done(decompress(encoding, body, bytesMax))
  } catch (error) {
    if (!(error instanceof RecordsError)) throw error
    if (error.code === errors.MESSAGE_TOO_LARGE) return failed(tooLarge(bytesMax))
    return failed({ code: 'malformed_request', detail: `the body is not ${encoding}` })
  }
}

const cutOff: Problem = { code: 'malformed_request', detail: 'the body ended too early' }

function tooLarge(bytesMax: number): Problem {
  return { code: 'body_too_large', detail: `a request body holds at most ${bytesMax} bytes` }
}

function unknownEncoding(encoding: string | undefined): Problem {
  return {
    code: 'unsupported_media_type',
    detail: `Content-Encoding: ${encoding}; known are gzip and zstd`,
    headers: { 'accept-encoding': 'gzip, zstd' },
  }
}
