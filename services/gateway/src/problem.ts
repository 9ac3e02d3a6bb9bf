// A problem: what went wrong, as RFC 9457 says it (application/problem+json). This is the one table of our
// own codes; problems.ts gives every Kafka error code its place in it.
//
//   {"type":"https://sluice.dev/errors/topic-not-found","title","status":404,"detail","instance",
//    "code":"topic_not_found","kafka":{"code":3,"name":"UNKNOWN_TOPIC_OR_PARTITION"},
//    "retriable":false,"side_effects":"none","request_id":"…","errors":[{"index":0,"code","detail"}]}

import { errorName, isRetriable } from '@sluice/protocol/errors'

/** What a failed request may have left behind: it tells the client whether a retry can duplicate. */
export type SideEffects = 'none' | 'unknown' | 'partial'

interface ProblemKind {
  readonly status: number
  readonly title: string
  readonly retriable?: boolean
  readonly sideEffects?: SideEffects
}

const kinds = {
  // The request itself.
  malformed_request: { status: 400, title: 'The request is malformed' },
  malformed_json: { status: 400, title: 'The body is not JSON' },
  json_too_deep: { status: 400, title: 'The JSON nests too deep' },
  invalid_parameter: { status: 400, title: 'A parameter is not valid' },
  invalid_cursor: { status: 400, title: 'The cursor does not fit this request' },
  invalid_topic: { status: 400, title: 'The topic name is not valid' },
  unauthenticated: { status: 401, title: 'Authentication is required' },
  foreign_origin: { status: 403, title: 'Requests of other web pages are refused' },
  unknown_host: { status: 403, title: 'The Host header names another server' },
  forbidden: { status: 403, title: 'Not allowed' },
  producer_fenced: { status: 403, title: 'A newer epoch of the producer has taken over' },
  route_not_found: { status: 404, title: 'There is nothing at this path' },
  topic_not_found: { status: 404, title: 'The topic does not exist' },
  partition_not_found: { status: 404, title: 'The partition does not exist' },
  record_not_found: { status: 404, title: 'There is no such record' },
  group_not_found: { status: 404, title: 'The group does not exist' },
  resource_not_found: { status: 404, title: 'There is no such resource' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here' },
  not_acceptable: { status: 406, title: 'None of the accepted media types is served here' },
  request_timeout: { status: 408, title: 'The request took too long to arrive', retriable: true },
  conflict: { status: 409, title: 'The request conflicts with what is there' },
  topic_exists: { status: 409, title: 'The topic exists' },
  request_in_flight: { status: 409, title: 'The same request is under way', retriable: true },
  sequence_gap: { status: 409, title: 'A sequence number does not follow the last one' },
  fenced: { status: 409, title: 'A newer one has taken over' },
  group_not_empty: { status: 409, title: 'The group still has members' },
  offset_trimmed: { status: 410, title: 'The records are gone' },
  topic_replaced: { status: 410, title: 'The topic was deleted and created again' },
  end_offset_moved: { status: 412, title: 'The partition does not end where it should' },
  body_too_large: { status: 413, title: 'The body is too large' },
  record_too_large: { status: 413, title: 'The record is too large' },
  too_many_records: { status: 413, title: 'Too many records in one request' },
  unsupported_media_type: { status: 415, title: 'The media type is not understood' },
  offset_beyond_end: { status: 416, title: 'The offset lies beyond the end of the log' },
  range_not_satisfiable: { status: 416, title: 'The range lies outside of the body' },
  idempotency_key_reused: { status: 422, title: 'The key was used for another request' },
  invalid_record: { status: 422, title: 'A record is not valid' },
  invalid_request: { status: 422, title: 'The request is not valid' },
  invalid_config: { status: 422, title: 'A config is not valid' },
  rebalancing: { status: 425, title: 'The group is rebalancing', retriable: true },
  idempotency_keys_full: { status: 429, title: 'Too many keys are known', retriable: true },
  throttled: { status: 429, title: 'A quota is exceeded', retriable: true },
  // The service.
  internal_error: { status: 500, title: 'Internal error', sideEffects: 'unknown' },
  corrupt_data: { status: 500, title: 'Data is corrupt' },
  not_implemented: { status: 501, title: 'Not there yet' },
  not_leader: { status: 503, title: 'The leader is moving', retriable: true },
  unavailable: { status: 503, title: 'Not available at the moment', retriable: true },
  not_enough_replicas: { status: 503, title: 'Too few replicas in sync', retriable: true },
  overloaded: { status: 503, title: 'Too many streams are open', retriable: true },
  outcome_unknown: {
    status: 504,
    title: 'The answer did not come in time',
    retriable: true,
    sideEffects: 'unknown',
  },
} as const satisfies Record<string, ProblemKind>

export type ProblemCode = keyof typeof kinds

/** One of several things that are wrong: with a record of the request, or with a place in it. */
export interface ProblemEntry {
  readonly code: string
  readonly detail: string
  /** Index of the record in the request. */
  readonly index?: number
  /** JSON pointer into the body, or the name of a parameter. */
  readonly pointer?: string
}

/** A failure on its way to the caller. */
export interface Problem {
  readonly code: ProblemCode
  readonly detail: string
  /** The Kafka error code behind it. */
  readonly kafka?: number
  readonly sideEffects?: SideEffects
  readonly errors?: readonly ProblemEntry[]
  /** Further members of the body, e.g. the earliest offsets of a 410. */
  readonly members?: { readonly [name: string]: unknown }
  readonly headers?: { readonly [name: string]: string }
}

/** A result that may be a failure: expected failures are values here, not exceptions. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem }

export function done<T>(value: T): Outcome<T> {
  return { ok: true, value }
}

export function failed(problem: Problem): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem }
}

const problemTypeBase = 'https://sluice.dev/errors/'

/** Status of a problem: the only place where one is chosen. */
export function statusOf(problem: { readonly code: ProblemCode }): number {
  return kinds[problem.code].status
}

/** Whether the same request may succeed later: never where the caller would have to change something. */
export function isRetriableProblem({ code, kafka }: Pick<Problem, 'code' | 'kafka'>): boolean {
  const kind: ProblemKind = kinds[code]
  if (kind.retriable !== undefined) return kind.retriable
  return kind.status >= 500 && kafka !== undefined && isRetriable(kafka)
}

export interface ProblemCodeView {
  readonly code: ProblemCode
  readonly status: number
  readonly title: string
}

/** All codes there are, by status. */
export function problemCodes(): ProblemCodeView[] {
  return (Object.keys(kinds) as ProblemCode[])
    .map((code) => ({ code, status: kinds[code].status, title: kinds[code].title }))
    .sort((a, b) => a.status - b.status)
}

/** The members of the problem's JSON, without those that belong to one request. */
export function problemBody(problem: Problem): { [name: string]: unknown } {
  const kind: ProblemKind = kinds[problem.code]
  const { kafka } = problem
  return {
    type: problemTypeBase + problem.code.replaceAll('_', '-'),
    title: kind.title,
    status: kind.status,
    detail: problem.detail,
    code: problem.code,
    ...(kafka === undefined ? {} : { kafka: { code: kafka, name: errorName(kafka) } }),
    retriable: isRetriableProblem(problem),
    side_effects: problem.sideEffects ?? kind.sideEffects ?? 'none',
    ...(problem.errors ? { errors: problem.errors } : {}),
    ...problem.members,
  }
}
