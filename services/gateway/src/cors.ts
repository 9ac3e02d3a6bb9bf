// CORS: which pages of other origins may use this server, and what browsers are told about it. Nobody may
// who is not configured (guard.ts refuses); same-origin pages need none of this.
//
//   origins   https://app.example     exactly that one
//             http://localhost:*      any port;  https://*.example  any name below it
//             *                       everybody, without credentials;  null  pages without an origin (files)

import type { ResponseHeaders } from './reply.ts'

/** Headers of ours, which scripts of another origin see only when they are named. */
const exposedHeaders = [
  'Request-Id',
  'Allow',
  'Content-Range',
  'ETag',
  'High-Watermark',
  'Idempotency-Replayed',
  'Link',
  'Location',
  'Next-Cursor',
  'Preference-Applied',
  'Producer-Epoch',
  'Producer-Expected-Seq',
  'Producer-Received-Seq',
  'RateLimit',
  'RateLimit-Policy',
  'Record-Header',
  'Record-Header-Omitted',
  'Record-Key',
  'Record-Position',
  'Record-Timestamp',
  'Retry-After',
].join(', ')

const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
const preflightSeconds = 86_400
const fieldNames = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(\s*,\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*$/

export class Cors {
  readonly #any: boolean
  readonly #patterns: readonly RegExp[]

  constructor(origins: readonly string[]) {
    this.#any = origins.includes('*')
    this.#patterns = origins.map(patternOf)
  }

  /** A page of this origin may use the server. */
  allows(origin: string): boolean {
    return this.#any || this.#patterns.some((pattern) => pattern.test(origin.toLowerCase()))
  }

  /** For every response to a request of `origin`; caches are told what it depends on. */
  headers(origin: string | undefined): ResponseHeaders {
    if (this.#patterns.length === 0) return none
    if (!origin || !this.allows(origin)) return this.#any ? none : varying
    const common = { 'access-control-expose-headers': exposedHeaders }
    if (this.#any) return { 'access-control-allow-origin': '*', ...common }
    return {
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      ...common,
      ...varying,
    }
  }

  /** The answer to a preflight of an allowed origin: it holds for every path. */
  preflight(wanted: { headers: string | undefined; privateNetwork: boolean }): ResponseHeaders {
    const headers = wanted.headers?.trim()
    return {
      'access-control-allow-methods': methods,
      ...(headers && fieldNames.test(headers) ? { 'access-control-allow-headers': headers } : {}),
      // A page out of the internet that reaches into a private network asks for that too.
      ...(wanted.privateNetwork ? { 'access-control-allow-private-network': 'true' } : {}),
      'access-control-max-age': String(preflightSeconds),
    }
  }
}

const none: ResponseHeaders = {}
const varying: ResponseHeaders = { vary: 'origin' }

function patternOf(origin: string): RegExp {
  const escaped = origin
    .trim()
    .toLowerCase()
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll(':*', ':\\d+').replaceAll('*', '[^/:]+')}$`)
}
