// Outcome: how it went with each of several things. Those that failed are one Failure, a line each; the
// others are done.

import { errorText } from '@sluice/protocol/error-texts'
import { errorName, errors } from '@sluice/protocol/errors'
import { Failure } from './failure.ts'

export interface Outcome {
  /** What it is about, as in 'topic orders'. */
  readonly what: string
  /** A Kafka error code, 0 for done. */
  readonly error: number
  readonly message?: string | null
}

export function refuseFailed(outcomes: readonly Outcome[]): void {
  const failed = outcomes.filter(({ error }) => error !== errors.NONE)
  if (failed.length === 0) return
  throw new Failure(failed.map(lineOf).join('\nsluice: '))
}

function lineOf({ what, error, message }: Outcome): string {
  const why = message ?? plainWords[error] ?? errorText(error)
  return `${what}: ${why.replace(/\.$/, '')} (${errorName(error)})`
}

const plainWords: Readonly<Record<number, string>> = {
  [errors.UNKNOWN_TOPIC_OR_PARTITION]: 'it does not exist',
  [errors.TOPIC_ALREADY_EXISTS]: 'it exists already',
  [errors.INVALID_TOPIC_EXCEPTION]: 'this name is not allowed',
  [errors.GROUP_ID_NOT_FOUND]: 'it does not exist',
  [errors.NON_EMPTY_GROUP]: 'it has members; only an empty group can go',
  [errors.UNKNOWN_MEMBER_ID]: 'the group has members; only offsets of an empty one can be set',
  [errors.GROUP_SUBSCRIBED_TO_TOPIC]: 'a member reads it',
  [errors.OFFSET_OUT_OF_RANGE]: 'the offset is not within the log',
}
