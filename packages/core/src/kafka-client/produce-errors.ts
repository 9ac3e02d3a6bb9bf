// What every sender of Produce requests has to know of them: which answers mean that nothing was stored, and
// up to which version a topic is named by its name.

import { errors } from '@sluice/protocol/errors'

/** Codes that say that nothing of the batch is in the log. With all others it may be. */
export const refusals: ReadonlySet<number> = new Set([
  errors.CORRUPT_MESSAGE,
  errors.MESSAGE_TOO_LARGE,
  errors.RECORD_LIST_TOO_LARGE,
  errors.NOT_ENOUGH_REPLICAS,
  errors.INVALID_REQUIRED_ACKS,
  errors.INVALID_TOPIC_EXCEPTION,
  errors.TOPIC_AUTHORIZATION_FAILED,
  errors.CLUSTER_AUTHORIZATION_FAILED,
  errors.INVALID_TIMESTAMP,
  errors.UNSUPPORTED_VERSION,
  errors.UNSUPPORTED_FOR_MESSAGE_FORMAT,
  errors.UNSUPPORTED_COMPRESSION_TYPE,
  errors.INVALID_REQUEST,
  errors.POLICY_VIOLATION,
  errors.INVALID_RECORD,
  errors.OUT_OF_ORDER_SEQUENCE_NUMBER,
  errors.UNKNOWN_PRODUCER_ID,
  errors.INVALID_PRODUCER_EPOCH,
])

/** From version 13 on a topic is named by its id (KIP-516). */
export const lastVersionByName = 12
