// Log lines by pino, one JSON object a line on standard error; standard output belongs to commands.

import { type DestinationStream, destination, type LevelWithSilent, pino } from 'pino'
import type { Logger } from '../logger.ts'

/** An error is an object of which JSON shows nothing: these fields may hold one. */
const errorFields = ['err', 'error', 'cause', 'why']

export interface NodeLoggerOptions {
  readonly level: LevelWithSilent
  /** Default: standard error. */
  readonly to?: DestinationStream
}

export function nodeLogger({ level, to }: NodeLoggerOptions): Logger {
  const serializers = Object.fromEntries(errorFields.map((name) => [name, serialized]))
  // Synchronous: the last lines before a crash are the ones that are wanted.
  const stream = to ?? destination({ dest: 2, sync: true })
  return pino({ level, base: undefined, serializers }, stream)
}

function serialized(value: unknown): unknown {
  return value instanceof Error ? pino.stdSerializers.errWithCause(value) : value
}
