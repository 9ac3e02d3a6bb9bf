// Several disks as one: each top folder is a disk of its own, which can fail or be full on demand. By default
// they lie in one memory disk; a folder can be given another one.

import {
  type Disk,
  type DiskEntry,
  DiskError,
  type DiskFile,
  type DiskStat,
} from '@sluice/core/host/disk'
import { MemoryDisk } from '@sluice/core/host/memory/disk'

export type DiskState = 'sound' | 'failed' | 'full'

export class SeveralDisks implements Disk {
  readonly #disk: Disk
  readonly #own: ReadonlyMap<string, Disk>
  readonly #states = new Map<string, DiskState>()

  constructor(disk: Disk = new MemoryDisk(), own: Record<string, Disk> = {}) {
    this.#disk = disk
    this.#own = new Map(Object.entries(own))
  }

  /** From now on, for what is open, too. */
  set(folder: string, state: DiskState): void {
    this.#states.set(folder, state)
  }

  openSync(path: string, options?: { create?: boolean }): DiskFile {
    this.#check('open', path, options?.create ? 'write' : 'read')
    const file = this.#diskOf(path).openSync(path, options)
    return new CheckedFile(file, (operation, kind) => this.#check(operation, path, kind))
  }

  async readFile(path: string): Promise<Buffer> {
    this.#check('read', path, 'read')
    return this.#diskOf(path).readFile(path)
  }

  readSmallSync(path: string): Buffer | undefined {
    this.#check('read', path, 'read')
    return this.#diskOf(path).readSmallSync(path)
  }

  async replaceFile(path: string, content: Uint8Array): Promise<void> {
    this.#check('replace', path, 'write')
    await this.#diskOf(path).replaceFile(path, content)
    this.#check('replace', path, 'read')
  }

  async list(path: string): Promise<DiskEntry[]> {
    this.#check('list', path, 'read')
    return this.#diskOf(path).list(path)
  }

  listSmallSync(path: string): DiskEntry[] | undefined {
    this.#check('list', path, 'read')
    return this.#diskOf(path).listSmallSync(path)
  }

  statSync(path: string): DiskStat | undefined {
    this.#check('look at', path, 'read')
    return this.#diskOf(path).statSync(path)
  }

  async makeFolder(path: string): Promise<void> {
    this.#check('make folder', path, 'write')
    await this.#diskOf(path).makeFolder(path)
  }

  async rename(from: string, to: string): Promise<void> {
    this.#check('rename', from, 'read')
    await this.#diskOf(from).rename(from, to)
  }

  async unlink(path: string): Promise<void> {
    this.#check('unlink', path, 'read')
    await this.#diskOf(path).unlink(path)
  }

  async removeFolder(path: string): Promise<void> {
    this.#check('remove folder', path, 'read')
    await this.#diskOf(path).removeFolder(path)
  }

  async flushFolder(path: string): Promise<void> {
    this.#check('flush folder', path, 'read')
    await this.#diskOf(path).flushFolder(path)
  }

  async volume(path: string) {
    this.#check('measure', path, 'read')
    return this.#diskOf(path).volume(path)
  }

  #diskOf(path: string): Disk {
    return this.#own.get(topFolder(path)) ?? this.#disk
  }

  #check(operation: string, path: string, kind: 'read' | 'write'): void {
    const state = this.#states.get(topFolder(path)) ?? 'sound'
    if (state === 'failed') throw new DiskError('io', operation, path)
    if (state === 'full' && kind === 'write') throw new DiskError('no-space', operation, path)
  }
}

function topFolder(path: string): string {
  return `/${path.split('/')[1]}`
}

class CheckedFile implements DiskFile {
  readonly path: string
  readonly #file: DiskFile
  readonly #check: (operation: string, kind: 'read' | 'write') => void

  constructor(file: DiskFile, check: (operation: string, kind: 'read' | 'write') => void) {
    this.path = file.path
    this.#file = file
    this.#check = check
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes
  }

  append(buffers: readonly Uint8Array[]): undefined | Promise<void> {
    this.#check('append', 'write')
    return this.#file.append(buffers)
  }

  async appendLater(buffers: readonly Uint8Array[]): Promise<void> {
    this.#check('append', 'write')
    await this.#file.appendLater(buffers)
  }

  readSync(target: Uint8Array, position: number): number {
    this.#check('read', 'read')
    return this.#file.readSync(target, position)
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    this.#check('read', 'read')
    return this.#file.read(target, position)
  }

  writeSync(content: Uint8Array, position: number): void {
    this.#check('write', 'write')
    this.#file.writeSync(content, position)
  }

  async flush(): Promise<void> {
    this.#check('flush', 'read')
    await this.#file.flush()
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#check('truncate', 'read')
    await this.#file.truncate(sizeBytes)
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}
