// What a log is opened with.

import type { Clock } from '../host/clock.ts'
import type { Disk, DiskError } from '../host/disk.ts'
import type { Logger } from '../host/logger.ts'
import type { Random } from '../host/random.ts'
import type { LogConfig } from './log-config.ts'
import type { LogResources } from './resources.ts'

/** The files in which a data folder keeps offsets of its logs; the owner of the logs writes them. */
export interface LogCheckpoints {
  /** Resolves when the recovery points, as they are now, are on the disk. */
  saveRecoveryPoints(): Promise<void>
  saveStartOffsets(): Promise<void>
  saveFirstDirtyOffsets(): Promise<void>
}

export interface LogOptions {
  readonly clock: Clock
  readonly random: Random
  readonly disk: Disk
  readonly logger: Logger
  /** Of this log; it is there. */
  readonly folder: string
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly config: () => LogConfig
  /** Everything below it was flushed; 0 where that is not known. */
  readonly recoveryPoint: number
  /** The log start offset as it was last written down; 0 where it was not. */
  readonly startOffset: number
  /** Where the log cleaner goes on, as last written down; 0 where it was not. */
  readonly firstDirtyOffset: number
  /** The process before closed the log, and nothing has touched it since. */
  readonly cleanShutdown: boolean
  readonly producerExpirationMs: () => number
  readonly resources: LogResources
  readonly checkpoints: LogCheckpoints
  /** The disk failed under the log, perhaps behind the back of any caller. Called once. */
  readonly onFailure: (error: DiskError) => void
}
