// Log lines by pino, one JSON object a line on standard error; standard output belongs to commands.

import { destination, type LevelWithSilent, pino } from 'pino'
import type { Logger } from '../logger.ts'

export function nodeLogger(options: { level: LevelWithSilent }): Logger {
  // Synchronous: the last lines before a crash are the ones that are wanted.
  return pino({ level: options.level, base: undefined }, destination({ dest: 2, sync: true }))
}
