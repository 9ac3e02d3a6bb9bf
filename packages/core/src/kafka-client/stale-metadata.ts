// Errors after which a leader, an id or an address is to be asked for again before the next attempt.

import { errors } from '@sluice/protocol/errors'

const codes: ReadonlySet<number> = new Set([
  errors.UNKNOWN_TOPIC_OR_PARTITION,
  errors.LEADER_NOT_AVAILABLE,
  errors.NOT_LEADER_OR_FOLLOWER,
  errors.REQUEST_TIMED_OUT,
  errors.BROKER_NOT_AVAILABLE,
  errors.REPLICA_NOT_AVAILABLE,
  errors.NETWORK_EXCEPTION,
  errors.KAFKA_STORAGE_ERROR,
  errors.LISTENER_NOT_FOUND,
  errors.FENCED_LEADER_EPOCH,
  errors.UNKNOWN_LEADER_EPOCH,
  errors.UNKNOWN_TOPIC_ID,
  errors.INCONSISTENT_TOPIC_ID,
])

export function pointsToStaleMetadata(code: number): boolean {
  return codes.has(code)
}
