// A disk whose process dies at a call of its choice: before the call does anything, or, where it appends, when
// part of it is written. From then on no call comes back, as in a process that is gone; what the calls before
// have done is what the next process finds.

import type { Disk, DiskEntry, DiskFile, DiskStat } from '@sluice/core/host/disk'

export class Died extends Error {
  override readonly name = 'Died'
}

export interface Death {
  /** The call that is the last, counted from 1. */
  readonly atCall: number
  /** What it still writes, where it is an append: 0 to 1. */
  readonly share: number
}

export class MortalDisk implements Disk {
  calls = 0
  lastCall = ''
  readonly #disk: Disk
  readonly #death: Death
  readonly #onDeath: () => void
  #dead = false

  constructor(disk: Disk, death: Death, onDeath: () => void) {
    this.#disk = disk
    this.#death = death
    this.#onDeath = onDeath
  }

  openSync(path: string, options?: { create?: boolean }): DiskFile {
    this.callSync(`open ${path}`)
    return new MortalFile(this, this.#disk.openSync(path, options))
  }

  readFile(path: string): Promise<Buffer> {
    return this.call(`read ${path}`, () => this.#disk.readFile(path))
  }

  readSmallSync(path: string): Buffer | undefined {
    this.callSync(`read ${path}`)
    return this.#disk.readSmallSync(path)
  }

  replaceFile(path: string, content: Uint8Array): Promise<void> {
    return this.call(`replace ${path}`, () => this.#disk.replaceFile(path, content))
  }

  list(path: string): Promise<DiskEntry[]> {
    return this.call(`list ${path}`, () => this.#disk.list(path))
  }

  listSmallSync(path: string): DiskEntry[] | undefined {
    this.callSync(`list ${path}`)
    return this.#disk.listSmallSync(path)
  }

  statSync(path: string): DiskStat | undefined {
    this.callSync(`look at ${path}`)
    return this.#disk.statSync(path)
  }

  makeFolder(path: string): Promise<void> {
    return this.call(`make folder ${path}`, () => this.#disk.makeFolder(path))
  }

  rename(from: string, to: string): Promise<void> {
    return this.call(`rename ${from}`, () => this.#disk.rename(from, to))
  }

  unlink(path: string): Promise<void> {
    return this.call(`unlink ${path}`, () => this.#disk.unlink(path))
  }

  removeFolder(path: string): Promise<void> {
    return this.call(`remove folder ${path}`, () => this.#disk.removeFolder(path))
  }

  flushFolder(path: string): Promise<void> {
    return this.call(`flush folder ${path}`, () => this.#disk.flushFolder(path))
  }

  volume(path: string) {
    return this.call(`measure ${path}`, () => this.#disk.volume(path))
  }

  /** Never settles once the process is dead. */
  call<T>(name: string, run: () => Promise<T>): Promise<T> {
    return this.#isLast(name) ? new Promise(() => {}) : run()
  }

  callSync(name: string, dying: (share: number) => void = () => {}): void {
    const wasDead = this.#dead
    if (!this.#isLast(name)) return
    if (!wasDead) dying(this.#death.share)
    throw new Died(name)
  }

  #isLast(name: string): boolean {
    if (this.#dead) return true
    this.calls += 1
    if (this.calls < this.#death.atCall) return false
    this.#dead = true
    this.lastCall = name
    this.#onDeath()
    return true
  }
}

class MortalFile implements DiskFile {
  readonly #disk: MortalDisk
  readonly #file: DiskFile

  constructor(disk: MortalDisk, file: DiskFile) {
    this.#disk = disk
    this.#file = file
  }

  get path(): string {
    return this.#file.path
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes
  }

  append(buffers: readonly Uint8Array[]): undefined | Promise<void> {
    this.#disk.callSync(`append ${this.path}`, (share) => {
      const whole = Buffer.concat(buffers)
      const part = whole.subarray(0, Math.floor(whole.length * share))
      Promise.resolve(this.#file.append([part])).catch(() => {})
    })
    return this.#file.append(buffers)
  }

  appendLater(buffers: readonly Uint8Array[]): Promise<void> {
    return this.#disk.call(`append ${this.path}`, () => this.#file.appendLater(buffers))
  }

  readSync(target: Uint8Array, position: number): number {
    this.#disk.callSync(`read ${this.path}`)
    return this.#file.readSync(target, position)
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.#disk.call(`read ${this.path}`, () => this.#file.read(target, position))
  }

  writeSync(content: Uint8Array, position: number): void {
    this.#disk.callSync(`write ${this.path}`)
    this.#file.writeSync(content, position)
  }

  flush(): Promise<void> {
    return this.#disk.call(`flush ${this.path}`, () => this.#file.flush())
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#disk.call(`truncate ${this.path}`, () => this.#file.truncate(sizeBytes))
  }

  close(): Promise<void> {
    return this.#disk.call(`close ${this.path}`, () => this.#file.close())
  }
}
