// A disk in memory.
//
//   new MemoryDisk()                    for embedded brokers and tests: everything is done at once
//   new MemoryDisk({ clock, random })   for the simulator: operations take simulated time, faults are
//                                       drawn, and written and flushed are kept apart for crash()
//
// crash('process') keeps all that was written; crash('power') loses or tears what was not flushed.

import { assert } from '../../lib/assert.ts'
import { KeyedQueue } from '../../lib/keyed-queue.ts'
import { AppendQueue } from '../append-queue.ts'
import type { Clock } from '../clock.ts'
import type { Disk, DiskEntry, DiskErrorKind, DiskFile, DiskStat, Volume } from '../disk.ts'
import { DiskError, smallFileBytesMax, smallFolderEntriesMax } from '../disk.ts'
import { WritePace } from '../write-pace.ts'
import { FileContent } from './file-content.ts'
import { type File, type Folder, FolderTree } from './folder-tree.ts'
import { contentAfterPowerLoss } from './power-loss.ts'
import type { SeededRandom } from './random.ts'

/** Chances are 0..1 and drawn per call; they may be altered while the disk is in use. */
export interface DiskFaults {
  latencyMs: { min: number; max: number }
  /** What an append takes. From the event loop it is done at once all the same, but the disk is then slow. */
  appendMs: number
  /** EIO on flush; the process's later flushes of the file fail too. */
  flushErrorChance: number
  appendErrorChance: number
}

export interface MemoryDiskOptions {
  readonly capacityBytes?: number
  /** Both or none: a simulated disk. */
  readonly clock?: Clock
  readonly random?: SeededRandom
}

const defaultCapacityBytes = 2 ** 40

export class MemoryDisk implements Disk {
  readonly faults: DiskFaults = {
    latencyMs: { min: 0.05, max: 0.5 },
    appendMs: 0,
    flushErrorChance: 0,
    appendErrorChance: 0,
  }
  capacityBytes: number
  readonly #random: SeededRandom | undefined
  readonly #tree: FolderTree
  #replacements = new KeyedQueue<string>()
  #clock: Clock | undefined
  #pace: WritePace
  #usedBytes = 0
  /** Counts the crashes: what an earlier process opened is dead. */
  #epoch = 0

  constructor(options: MemoryDiskOptions = {}) {
    const simulated = options.random !== undefined
    assert(simulated === (options.clock !== undefined), 'a simulated disk has a clock and a random')
    this.capacityBytes = options.capacityBytes ?? defaultCapacityBytes
    this.#random = options.random
    this.#clock = options.clock
    this.#pace = this.#newPace()
    this.#tree = new FolderTree({ recordsChanges: simulated })
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  openSync(path: string, options: { create?: boolean } = {}): DiskFile {
    const place = this.#tree.locate(path)
    let file = place?.folder.entries.get(place.name)
    if (file === undefined && place !== undefined && options.create) {
      file = newFile()
      this.#tree.link(place.folder, place.name, file)
    }
    if (file === undefined) throw new DiskError('not-found', 'open', path)
    if (file.kind === 'folder') throw new DiskError('io', 'open', path)
    return new MemoryFile(this, path, file, this.#epoch)
  }

  readFile(path: string): Promise<Buffer> {
    return this.later(() => wholeOf(this.#contentOf(path)))
  }

  readSmallSync(path: string): Buffer | undefined {
    const content = this.#contentOf(path)
    return content.sizeBytes > smallFileBytesMax ? undefined : wholeOf(content)
  }

  replaceFile(path: string, content: Uint8Array): Promise<void> {
    const copy = Buffer.from(content)
    return this.#replacements.run(path, () => this.later(() => this.#replaceNow(path, copy)))
  }

  list(path: string): Promise<DiskEntry[]> {
    return this.later(() => this.#listNow(path))
  }

  listSmallSync(path: string): DiskEntry[] | undefined {
    const entries = this.#listNow(path)
    return entries.length > smallFolderEntriesMax ? undefined : entries
  }

  statSync(path: string): DiskStat | undefined {
    const node = this.#tree.find(path)
    if (node === undefined) return undefined
    const { modified } = node
    return { sizeBytes: node.kind === 'folder' ? 0 : node.content.sizeBytes, modified }
  }

  makeFolder(path: string): Promise<void> {
    return this.later(() => {
      if (this.#tree.makeFolder(path) === undefined) throw new DiskError('io', 'make folder', path)
    })
  }

  rename(from: string, to: string): Promise<void> {
    return this.later(() => {
      const source = this.#tree.locate(from)
      const target = this.#tree.locate(to)
      const node = source?.folder.entries.get(source.name)
      if (source === undefined || target === undefined || node === undefined) {
        throw new DiskError('not-found', 'rename', from)
      }
      const replaced = target.folder.entries.get(target.name)
      if (replaced === node) return
      if (replaced?.kind === 'folder') throw new DiskError('io', 'rename', from)
      this.#forget(replaced)
      this.#tree.rename(source, target)
    })
  }

  unlink(path: string): Promise<void> {
    return this.later(() => {
      const place = this.#tree.locate(path)
      const node = place?.folder.entries.get(place.name)
      if (place === undefined || node === undefined) return
      if (node.kind === 'folder') throw new DiskError('io', 'unlink', path)
      this.#forget(node)
      this.#tree.unlink(place.folder, place.name)
    })
  }

  removeFolder(path: string): Promise<void> {
    return this.later(() => {
      const place = this.#tree.locate(path)
      const node = place?.folder.entries.get(place.name)
      if (place === undefined || node === undefined) return
      if (node.kind === 'file') throw new DiskError('io', 'remove folder', path)
      for (const file of this.#tree.files(node)) this.#forget(file)
      this.#tree.unlink(place.folder, place.name)
    })
  }

  flushFolder(path: string): Promise<void> {
    return this.later(() => {
      const folder = this.#tree.find(path)
      if (folder?.kind !== 'folder') throw new DiskError('not-found', 'flush folder', path)
      this.#tree.flush(folder)
    })
  }

  volume(_path: string): Promise<Volume> {
    const { capacityBytes } = this
    return this.later(() => ({
      totalBytes: capacityBytes,
      usableBytes: Math.max(0, capacityBytes - this.#usedBytes),
    }))
  }

  /** The process that used the disk is gone; the next one runs on `clock`. */
  crash(kind: 'process' | 'power', clock: Clock): void {
    const random = this.#random
    assert(random !== undefined, 'only a simulated disk crashes')
    this.#epoch += 1
    this.#clock = clock
    this.#pace = this.#newPace()
    // What the dead process was about to replace it never will.
    this.#replacements = new KeyedQueue()
    for (const file of this.#tree.files()) file.flushFailed = false
    if (kind === 'process') return
    this.#tree.losePending(() => random.chance(0.5))
    this.#usedBytes = 0
    for (const file of this.#tree.files()) {
      if (file.version !== file.durableVersion) {
        file.content = contentAfterPowerLoss(file.durable, file.content, random)
        file.durable = file.content.snapshot()
        file.version = file.durableVersion
      }
      this.#usedBytes += file.content.sizeBytes
    }
  }

  /** By path, the content that a power loss now would be sure to leave. */
  flushedFiles(): Map<string, Buffer> {
    const files = new Map<string, Buffer>()
    for (const [path, file] of this.#tree.paths('durable')) files.set(path, wholeOf(file.durable))
    return files
  }

  /** By path, the content of all files. */
  writtenFiles(): Map<string, Buffer> {
    const files = new Map<string, Buffer>()
    for (const [path, file] of this.#tree.paths('entries')) files.set(path, wholeOf(file.content))
    return files
  }

  /** Flips one bit of a file, as a worn disk does. */
  flipBit(path: string, position: number, bit: number): void {
    const file = this.#tree.find(path)
    assert(file?.kind === 'file', 'a bit of a file is flipped')
    const byte = Buffer.alloc(1)
    assert(file.content.read(byte, position) === 1, 'the bit lies in the file')
    byte[0] ^= 1 << bit
    file.content.write(byte, position)
    file.durable = file.content.snapshot()
  }

  /**
   * For MemoryFile: does `run` after the operation's time, and `moreMs`; at once when the disk is not simulated.
   */
  async later<T>(run: () => T, moreMs = 0): Promise<T> {
    const clock = this.#clock
    if (clock !== undefined && this.#random !== undefined) {
      const { min, max } = this.faults.latencyMs
      const delayMs = this.#random.between(min, max) + moreMs
      await new Promise<void>((resolve) => clock.setTimer(delayMs, resolve))
    }
    return run()
  }

  /** For MemoryFile: draws a fault. */
  drawFault(chance: number): boolean {
    return chance > 0 && this.#random !== undefined && this.#random.chance(chance)
  }

  get simulated(): boolean {
    return this.#random !== undefined
  }

  get epoch(): number {
    return this.#epoch
  }

  get pace(): WritePace {
    return this.#pace
  }

  /** For MemoryFile: its content is another. */
  changed(file: File): void {
    file.version += 1
    this.#tree.modified(file)
  }

  /** For MemoryFile: takes room, or throws. */
  claim(bytes: number, operation: string, path: string): void {
    if (this.#usedBytes + bytes > this.capacityBytes) {
      throw new DiskError('no-space', operation, path)
    }
    this.#usedBytes += bytes
  }

  release(bytes: number): void {
    this.#usedBytes -= bytes
  }

  #newPace(): WritePace {
    const clock = this.#clock
    return new WritePace({ now: () => clock?.monotonic() ?? 0 })
  }

  #contentOf(path: string): FileContent {
    const file = this.#tree.find(path)
    if (file?.kind !== 'file') {
      throw new DiskError(file === undefined ? 'not-found' : 'io', 'read', path)
    }
    return file.content
  }

  #listNow(path: string): DiskEntry[] {
    const folder = this.#tree.find(path)
    if (folder === undefined) return []
    if (folder.kind === 'file') throw new DiskError('io', 'list', path)
    const entries = [...folder.entries].map(([name, node]) => ({
      name,
      folder: node.kind === 'folder',
      sizeBytes: node.kind === 'folder' ? 0 : node.content.sizeBytes,
    }))
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  #replaceNow(path: string, content: Buffer): void {
    const place = this.#tree.locate(path)
    if (place === undefined) throw new DiskError('not-found', 'replace', path)
    this.claim(content.length, 'replace', path)
    this.#forget(place.folder.entries.get(place.name))
    const file = newFile()
    file.content.append(content)
    file.durable = file.content.snapshot()
    this.#tree.link(place.folder, place.name, file)
    this.#tree.flush(place.folder)
  }

  #forget(node: File | Folder | undefined): void {
    if (node?.kind === 'file') this.#usedBytes -= node.content.sizeBytes
  }
}

class MemoryFile implements DiskFile {
  readonly path: string
  readonly #disk: MemoryDisk
  readonly #file: File
  readonly #epoch: number
  readonly #appends = new AppendQueue()
  #flushesUnderWay = 0
  #closed = false

  constructor(disk: MemoryDisk, path: string, file: File, epoch: number) {
    this.#disk = disk
    this.path = path
    this.#file = file
    this.#epoch = epoch
  }

  get sizeBytes(): number {
    return this.#file.content.sizeBytes
  }

  append(buffers: readonly Uint8Array[]): undefined | Promise<void> {
    this.#check('append')
    const { pace, faults } = this.#disk
    if (this.#flushesUnderWay === 0 && !this.#appends.busy && !pace.slow) {
      pace.took(faults.appendMs)
      this.#appendNow(buffers)
      return undefined
    }
    return this.appendLater(buffers)
  }

  async appendLater(buffers: readonly Uint8Array[]): Promise<void> {
    this.#check('append')
    const { pace, faults } = this.#disk
    const append = () => this.#disk.later(() => this.#appendNow(buffers), faults.appendMs)
    await this.#appends.add(() => pace.later(append))
  }

  readSync(target: Uint8Array, position: number): number {
    this.#check('read')
    return this.#file.content.read(target, position)
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    this.#check('read')
    return this.#disk.later(() => this.#file.content.read(target, position))
  }

  writeSync(content: Uint8Array, position: number): void {
    this.#check('write')
    assert(position <= this.sizeBytes, 'a write leaves no hole')
    const growth = Math.max(0, position + content.length - this.sizeBytes)
    this.#disk.claim(growth, 'write', this.path)
    this.#file.content.write(content, position)
    this.#disk.changed(this.#file)
  }

  async flush(): Promise<void> {
    this.#check('flush')
    this.#flushesUnderWay += 1
    try {
      await this.#appends.settled()
      await this.#flushNow()
    } finally {
      this.#flushesUnderWay -= 1
    }
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#check('truncate')
    assert(sizeBytes <= this.sizeBytes, 'truncating makes a file shorter')
    await this.#disk.later(() => {
      this.#disk.release(this.sizeBytes - sizeBytes)
      this.#file.content.truncate(sizeBytes)
      this.#disk.changed(this.#file)
    })
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #appendNow(buffers: readonly Uint8Array[]): void {
    if (this.#disk.drawFault(this.#disk.faults.appendErrorChance)) throw this.#error('io', 'append')
    const bytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0)
    this.#disk.claim(bytes, 'append', this.path)
    for (const buffer of buffers) this.#file.content.append(buffer)
    this.#disk.changed(this.#file)
  }

  async #flushNow(): Promise<void> {
    const file = this.#file
    const { version } = file
    const flushed = this.#disk.simulated ? file.content.snapshot() : file.durable
    await this.#disk.later(() => {
      if (this.#disk.drawFault(this.#disk.faults.flushErrorChance)) file.flushFailed = true
      if (file.flushFailed) throw this.#error('io', 'flush')
      if (version < file.durableVersion) return
      file.durable = flushed
      file.durableVersion = version
    })
  }

  #check(operation: string): void {
    assert(this.#epoch === this.#disk.epoch, `${operation} by a process that is gone: ${this.path}`)
    if (this.#closed) throw this.#error('closed', operation)
  }

  #error(kind: DiskErrorKind, operation: string): DiskError {
    return new DiskError(kind, operation, this.path)
  }
}

function newFile(): File {
  return {
    kind: 'file',
    content: new FileContent(),
    durable: new FileContent(),
    version: 0,
    modified: 0,
    durableVersion: 0,
    flushFailed: false,
  }
}

function wholeOf(content: FileContent): Buffer {
  const whole = Buffer.allocUnsafeSlow(content.sizeBytes)
  content.read(whole, 0)
  return whole
}
