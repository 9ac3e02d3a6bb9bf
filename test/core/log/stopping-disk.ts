// StoppingDisk: a disk whose process is killed at its n-th call: that call and all after it never happen, and
// nobody gets an answer any more. Counts the calls of a run that is not killed.

import { type Disk, DiskError, type DiskFile } from '@sluice/core/host/disk'

export class StoppingDisk implements Disk {
  calls = 0
  /** The call before which the process dies. */
  stopAt = Number.POSITIVE_INFINITY
  stopped = false
  readonly #disk: Disk

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** Undefined: it happens. */
  stops(): boolean {
    this.calls += 1
    if (this.calls >= this.stopAt) this.stopped = true
    return this.stopped
  }

  later<T>(call: () => Promise<T>): Promise<T> {
    return this.stops() ? new Promise(() => {}) : call()
  }

  now<T>(call: () => T): T {
    if (this.stops()) throw new DiskError('closed', 'use', 'the disk of a process that is gone')
    return call()
  }

  openSync(path: string, options?: { create?: boolean }): DiskFile {
    return new StoppingFile(
      this,
      this.now(() => this.#disk.openSync(path, options)),
    )
  }

  readFile = (path: string) => this.later(() => this.#disk.readFile(path))
  readSmallSync = (path: string) => this.now(() => this.#disk.readSmallSync(path))
  replaceFile = (path: string, content: Uint8Array) =>
    this.later(() => this.#disk.replaceFile(path, content))
  list = (path: string) => this.later(() => this.#disk.list(path))
  listSmallSync = (path: string) => this.now(() => this.#disk.listSmallSync(path))
  statSync = (path: string) => this.now(() => this.#disk.statSync(path))
  makeFolder = (path: string) => this.later(() => this.#disk.makeFolder(path))
  rename = (from: string, to: string) => this.later(() => this.#disk.rename(from, to))
  unlink = (path: string) => this.later(() => this.#disk.unlink(path))
  removeFolder = (path: string) => this.later(() => this.#disk.removeFolder(path))
  flushFolder = (path: string) => this.later(() => this.#disk.flushFolder(path))
  volume = (path: string) => this.later(() => this.#disk.volume(path))
}

class StoppingFile implements DiskFile {
  readonly #disk: StoppingDisk
  readonly #file: DiskFile

  constructor(disk: StoppingDisk, file: DiskFile) {
    this.#disk = disk
    this.#file = file
  }

  get path(): string {
    return this.#file.path
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes
  }

  append = (buffers: readonly Uint8Array[]) => this.#disk.now(() => this.#file.append(buffers))
  appendLater = (buffers: readonly Uint8Array[]) =>
    this.#disk.later(() => this.#file.appendLater(buffers))
  readSync = (target: Uint8Array, position: number) =>
    this.#disk.now(() => this.#file.readSync(target, position))
  read = (target: Uint8Array, position: number) =>
    this.#disk.later(() => this.#file.read(target, position))
  writeSync = (content: Uint8Array, position: number) =>
    this.#disk.now(() => this.#file.writeSync(content, position))
  flush = () => this.#disk.later(() => this.#file.flush())
  truncate = (sizeBytes: number) => this.#disk.later(() => this.#file.truncate(sizeBytes))
  close = () => this.#disk.later(() => this.#file.close())
}
