// Bytes that never change, as HTTP serves them (RFC 9110, 13 and 14): an entity tag, 304 to who has them
// already, 206 with a part of them, 416 where the part lies outside.

import type { Problem } from './problem.ts'
import type { Reply, ResponseHeaders } from './reply.ts'
import type { Responder } from './responder.ts'

export interface FixedBytes {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** With its quotes. */
  readonly etag: string
  readonly headers: ResponseHeaders
}

/** The headers of a request that matter. */
export interface Conditions {
  readonly ifNoneMatch: string | undefined
  readonly range: string | undefined
  readonly ifRange: string | undefined
}

export function fixedReply(
  { bytes, etag, headers }: FixedBytes,
  { ifNoneMatch, range, ifRange }: Conditions,
  responder: Responder,
): Reply | Problem {
  const common = { ...headers, etag, 'accept-ranges': 'bytes' }
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, etag)) return responder.empty(304, common)
  const wanted = ifRange === undefined || ifRange.trim() === etag ? range : undefined
  const part = wanted === undefined ? undefined : parseRange(wanted, bytes.length)
  if (part === undefined) return responder.body(bytes, 200, common)
  if (part === 'outside') {
    return {
      code: 'range_not_satisfiable',
      detail: `the body has ${bytes.length} bytes`,
      headers: { 'content-range': `bytes */${bytes.length}` },
    }
  }
  const { first, last } = part
  return responder.body(bytes.subarray(first, last + 1), 206, {
    ...common,
    'content-range': `bytes ${first}-${last}/${bytes.length}`,
  })
}

/** Of If-None-Match, which compares weakly. */
function matches(list: string, etag: string): boolean {
  return list
    .split(',')
    .map((each) => each.trim())
    .some((each) => each === '*' || each.replace(/^W\//, '') === etag)
}

interface ByteRange {
  readonly first: number
  readonly last: number
}

/** One range. undefined: something else, which a server may ignore (RFC 9110, 14.2). */
export function parseRange(text: string, length: number): ByteRange | 'outside' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(text.replaceAll(' ', ''))
  if (!match || (match[1] === '' && match[2] === '')) return undefined
  if (match[1] === '') {
    const suffix = Math.min(Number(match[2]), length)
    return suffix === 0 ? 'outside' : { first: length - suffix, last: length - 1 }
  }
  const first = Number(match[1])
  const last = match[2] === '' ? length - 1 : Math.min(Number(match[2]), length - 1)
  if (match[2] !== '' && Number(match[2]) < first) return undefined
  return first >= length ? 'outside' : { first, last }
}
