// KafkaError: what the client throws. Every failure, also of the network, is told by a code of Kafka's
// own table, so that a caller needs one way to judge it: `retriable`, or a mapping of codes.

import { errorText } from '@sluice/protocol/error-texts'
import { errorName, isRetriable } from '@sluice/protocol/errors'

export class KafkaError extends Error {
  /** The name of the code in Kafka's table, such as NOT_COORDINATOR. */
  override readonly name: string
  readonly code: number
  readonly retriable: boolean

  /** `detail` is what the broker said, or what was being done. */
  constructor(code: number, detail?: string | null, cause?: unknown) {
    super(detail ?? errorText(code), { cause })
    this.name = errorName(code)
    this.code = code
    this.retriable = isRetriable(code)
  }
}

/** The error as a KafkaError where it is one; anything else is a bug and is thrown on. */
export function asKafkaError(error: unknown): KafkaError {
  if (error instanceof KafkaError) return error
  throw error
}
