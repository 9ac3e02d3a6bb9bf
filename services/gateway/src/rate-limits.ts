// Rate limits: what callers over HTTP hear of the quotas that the brokers keep for this gateway (KIP-13), whose
// client id they are set for. While one is used up a request is refused before anything is read:
//
//   429   Retry-After: 3   RateLimit: "produce";r=0;t=3
//
// The answer to the request that used it up says so too. RateLimit is a list of RFC 9651, as in
// draft-ietf-httpapi-ratelimit-headers: what remains of a quota (r), and the seconds until there is more (t).
// Streams are not refused: they wait.

import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import type { Problem } from './problem.ts'
import type { ResponseHeaders } from './reply.ts'

export type RateLimited = 'produce' | 'fetch'

const used: { readonly [R in RateLimited]: string } = {
  produce: 'producing',
  fetch: 'reading',
}
const none: ResponseHeaders = {}

/** undefined: nothing holds such requests back. */
export function throttled(client: KafkaClient, limited: RateLimited): Problem | undefined {
  const seconds = waitSeconds(client, limited)
  if (seconds === 0) return undefined
  return {
    code: 'throttled',
    kafka: errors.THROTTLING_QUOTA_EXCEEDED,
    detail: `the quota on ${used[limited]} is used up for another ${seconds} s`,
    headers: { 'retry-after': String(seconds), ...rateLimit(limited, seconds) },
  }
}

/** Of an answer that is none of a refusal. */
export function rateLimitHeaders(client: KafkaClient, limited: RateLimited): ResponseHeaders {
  const seconds = waitSeconds(client, limited)
  return seconds === 0 ? none : rateLimit(limited, seconds)
}

function rateLimit(limited: RateLimited, seconds: number): ResponseHeaders {
  return { ratelimit: `"${limited}";r=0;t=${seconds}` }
}

function waitSeconds(client: KafkaClient, limited: RateLimited): number {
  return Math.ceil(client.throttledMs(apis[limited]) / 1000)
}
