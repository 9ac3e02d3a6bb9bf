// A file of the operating system, as disk.ts wants it: appended from the event loop (while its disk is fast),
// flushed and read on the thread pool.

import { closeSync, fdatasync, ftruncate, ftruncateSync, read, readSync, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { assert } from '../../lib/assert.ts'
import { AppendQueue } from '../append-queue.ts'
import { DiskError, type DiskFile } from '../disk.ts'
import type { Device } from './device.ts'
import { diskError } from './disk-errors.ts'
import { bytesOf, writeAll, writeAllSync } from './write-all.ts'

const flushPooled = promisify(fdatasync)
const readPooled = promisify(read)
const truncatePooled = promisify(ftruncate)

export class NodeFile implements DiskFile {
  readonly path: string
  readonly #fd: number
  readonly #device: Device
  readonly #appends = new AppendQueue()
  #sizeBytes: number
  #flushesUnderWay = 0
  /** What stands behind sizeBytes could not be cut off, or what stands before it may not be on disk. */
  #appendsFailed = false
  #flushFailed = false
  #jobs = 0
  #closing: PromiseWithResolvers<void> | undefined

  constructor(path: string, options: { fd: number; sizeBytes: number; device: Device }) {
    this.path = path
    this.#fd = options.fd
    this.#sizeBytes = options.sizeBytes
    this.#device = options.device
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  append(buffers: readonly Uint8Array[]): undefined | Promise<void> {
    this.#check('append')
    if (this.#flushesUnderWay === 0 && !this.#appends.busy && !this.#device.pace.slow) {
      this.#appendNow(buffers)
      return undefined
    }
    return this.appendLater(buffers)
  }

  async appendLater(buffers: readonly Uint8Array[]): Promise<void> {
    this.#check('append')
    await this.#job('append', () => this.#appends.add(() => this.#appendPooled(buffers)))
  }

  readSync(target: Uint8Array, position: number): number {
    this.#check('read')
    try {
      return readSync(this.#fd, target, 0, target.length, position)
    } catch (error) {
      throw diskError(error, 'read', this.path)
    }
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    this.#check('read')
    return this.#job('read', () =>
      this.#device.run(async () => {
        const { bytesRead } = await readPooled(this.#fd, target, 0, target.length, position)
        return bytesRead
      }),
    )
  }

  writeSync(content: Uint8Array, position: number): void {
    this.#check('write')
    assert(position <= this.#sizeBytes, 'a write leaves no hole')
    try {
      const written = writeSync(this.#fd, content, 0, content.length, position)
      this.#sizeBytes = Math.max(this.#sizeBytes, position + written)
      if (written < content.length) throw new DiskError('no-space', 'write', this.path)
    } catch (error) {
      throw diskError(error, 'write', this.path)
    }
  }

  async flush(): Promise<void> {
    this.#check('flush')
    this.#flushesUnderWay += 1
    try {
      await this.#job('flush', async () => {
        await this.#appends.settled()
        await this.#flushOnce()
      })
    } finally {
      this.#flushesUnderWay -= 1
    }
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#check('truncate')
    assert(sizeBytes <= this.#sizeBytes, 'truncating makes a file shorter')
    await this.#job('truncate', () =>
      this.#device.run(async () => {
        await truncatePooled(this.#fd, sizeBytes)
        this.#sizeBytes = sizeBytes
      }),
    )
  }

  close(): Promise<void> {
    this.#closing ??= Promise.withResolvers()
    this.#closeWhenIdle()
    return this.#closing.promise
  }

  #appendNow(buffers: readonly Uint8Array[]): void {
    try {
      this.#device.pace.now(() => writeAllSync(this.#fd, buffers, this.#sizeBytes))
    } catch (error) {
      throw this.#cutBack(error)
    }
    this.#sizeBytes += bytesOf(buffers)
  }

  async #appendPooled(buffers: readonly Uint8Array[]): Promise<void> {
    this.#checkAppends()
    try {
      const write = () => writeAll(this.#fd, buffers, this.#sizeBytes)
      await this.#device.run(() => this.#device.pace.later(write))
    } catch (error) {
      throw this.#cutBack(error)
    }
    this.#sizeBytes += bytesOf(buffers)
  }

  /** After a failed append: what it wrote goes; the error to throw. */
  #cutBack(error: unknown): DiskError {
    try {
      ftruncateSync(this.#fd, this.#sizeBytes)
    } catch {
      // Whatever is behind the end now must not come before a later append: there is none.
      this.#appendsFailed = true
    }
    return diskError(error, 'append', this.path)
  }

  async #flushOnce(): Promise<void> {
    if (this.#flushFailed) throw new DiskError('io', 'flush', this.path)
    try {
      await this.#device.run(() => flushPooled(this.#fd))
    } catch (error) {
      this.#flushFailed = true
      throw error
    }
  }

  /** Runs what needs the descriptor after an await: close() waits for it. */
  async #job<T>(operation: string, run: () => Promise<T>): Promise<T> {
    this.#jobs += 1
    try {
      return await run()
    } catch (error) {
      throw diskError(error, operation, this.path)
    } finally {
      this.#jobs -= 1
      this.#closeWhenIdle()
    }
  }

  #closeWhenIdle(): void {
    if (this.#closing === undefined || this.#jobs > 0) return
    const { resolve, reject } = this.#closing
    // Set once: a second close() must not close a descriptor that is someone else's by then.
    this.#jobs = Number.POSITIVE_INFINITY
    try {
      closeSync(this.#fd)
      resolve()
    } catch (error) {
      reject(diskError(error, 'close', this.path))
    }
  }

  #check(operation: string): void {
    if (this.#closing !== undefined) throw new DiskError('closed', operation, this.path)
    if (operation === 'append') this.#checkAppends()
  }

  #checkAppends(): void {
    if (this.#appendsFailed) throw new DiskError('io', 'append', this.path)
  }
}
