// A log as the log manager is asked for it, and as it holds it.

import type { TopicConfig } from '../config/topic-config.ts'
import type { Log } from './log.ts'
import type { LogDir } from './log-dir.ts'

export interface LogName {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

export interface LogRequest extends LogName {
  readonly config: () => TopicConfig
  /** It cannot be in a folder that is offline. */
  readonly isNew?: boolean
}

/** A log that is open, and where. */
export interface HeldLog {
  readonly log: Log
  readonly dir: LogDir
}
