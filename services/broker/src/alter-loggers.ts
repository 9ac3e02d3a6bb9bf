// Altering the levels of loggers (KIP-412): checked as a whole, then set. They hold until the broker ends.

import { type LogLevel, logLevels, rootLogger } from '@sluice/core/host/log-levels'
import { errors } from '@sluice/protocol/errors'
import type { Broker } from './broker.ts'
import type { ConfigRefusal } from './config-resources.ts'

export interface LoggerChange {
  readonly name: string
  /** Undefined: back to the level of the root logger. */
  readonly level: string | null | undefined
}

/** @returns why nothing was altered; undefined: it was, or would be. */
export function alterLoggers(
  { logs }: Broker,
  changes: readonly LoggerChange[],
  options: { validateOnly: boolean },
): ConfigRefusal | undefined {
  for (const { name, level } of changes) {
    const wrong = wrongChange(name, level, logs.has(name))
    if (wrong) return wrong
  }
  if (options.validateOnly) return undefined
  for (const { name, level } of changes) {
    if (level === undefined || level === null) logs.unset(name)
    else logs.set(name, level as LogLevel)
  }
  return undefined
}

function wrongChange(
  name: string,
  level: string | null | undefined,
  isKnown: boolean,
): ConfigRefusal | undefined {
  const { INVALID_CONFIG, INVALID_REQUEST } = errors
  if (!isKnown) return { error: INVALID_CONFIG, message: `Logger ${name} does not exist!` }
  if (level === undefined) {
    if (name !== rootLogger) return undefined
    const message = 'Removing the log level of the root logger is not allowed'
    return { error: INVALID_REQUEST, message }
  }
  if ((logLevels as readonly (string | null)[]).includes(level)) return undefined
  const valid = [...logLevels].sort().join(', ')
  return {
    error: INVALID_CONFIG,
    message:
      `Cannot set the log level of ${name} to ${level} as it is not a supported log level. ` +
      `Valid log levels are ${valid}`,
  }
}
