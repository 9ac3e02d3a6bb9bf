// Device: what the files of one disk have in common: its pace, and its share of the thread pool. A disk that
// hangs takes its share and no more, so that the files of other disks get theirs.

import { Limiter } from '../../lib/limiter.ts'
import { WritePace } from '../write-pace.ts'

/** Jobs with the files of one disk at a time; all together are limited by the pool. */
const deviceJobsMax = 8

export class Device {
  readonly pace: WritePace
  readonly #pool: Limiter
  readonly #jobs = new Limiter(deviceJobsMax)

  constructor(options: { pool: Limiter; slowWriteMs?: number }) {
    this.#pool = options.pool
    this.pace = new WritePace({ now: () => performance.now(), slowWriteMs: options.slowWriteMs })
  }

  /** Runs a job on the thread pool when there is room for it. */
  run<T>(job: () => Promise<T>): Promise<T> {
    return this.#jobs.run(() => this.#pool.run(job))
  }
}
