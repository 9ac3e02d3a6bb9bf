// What all logs of one process share, each of it bounded.

import { BufferPool } from '../lib/buffer-pool.ts'
import { Limiter } from '../lib/limiter.ts'
import { IndexPages } from './index-pages.ts'
import { OpenFiles } from './open-files.ts'
import { Residency } from './residency.ts'

/** As many as the thread pool does at once for a disk: those that wait should hold no file open. */
const backgroundFlushesMax = 8

export interface LogResources {
  readonly buffers: BufferPool
  readonly files: OpenFiles
  readonly backgroundFlushes: Limiter
  readonly pages: IndexPages
  readonly residency: Residency
}

/** For the logs of one disk: one that hangs holds up its own flushes only. */
export function newBackgroundFlushes(): Limiter {
  return new Limiter(backgroundFlushesMax)
}

export function newLogResources(): LogResources {
  return {
    buffers: new BufferPool(),
    files: new OpenFiles(),
    backgroundFlushes: newBackgroundFlushes(),
    pages: new IndexPages(),
    residency: new Residency(),
  }
}
