// The machine's file system. Appends, reads of the page cache and opening are done from the event loop;
// all else is done by the thread pool, 12 jobs at a time at most: the launcher gives the pool 16 threads, so
// that stuck disks leave some for name look-ups. A single one (device.ts) leaves some for the others.

import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs'
import * as fs from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { KeyedQueue } from '../../lib/keyed-queue.ts'
import { Limiter } from '../../lib/limiter.ts'
import {
  type Disk,
  type DiskEntry,
  type DiskFile,
  type DiskStat,
  smallFileBytesMax,
  smallFolderEntriesMax,
  type Volume,
} from '../disk.ts'
import { Device } from './device.ts'
import { codeOf, diskError } from './disk-errors.ts'
import { NodeFile } from './file.ts'
import { ReadPace } from './read-pace.ts'

const poolJobsMax = 12

export interface NodeDiskOptions {
  /** See WritePace. */
  readonly slowWriteMs?: number
  /** See ReadPace. */
  readonly slowReadMs?: number
}

export class NodeDisk implements Disk {
  readonly #root: string
  readonly #options: NodeDiskOptions
  readonly #pool = new Limiter(poolJobsMax)
  /** By the number that the operating system has for each. */
  readonly #devices = new Map<number, Device>()
  readonly #readPace: ReadPace
  readonly #replacements = new KeyedQueue<string>()

  /** Relative paths are below `root`, by default the working directory. */
  constructor(root = '.', options: NodeDiskOptions = {}) {
    this.#root = resolve(root)
    this.#options = options
    this.#readPace = new ReadPace(options.slowReadMs)
  }

  openSync(path: string, options: { create?: boolean } = {}): DiskFile {
    const create = options.create ? constants.O_CREAT : 0
    let fd: number | undefined
    try {
      fd = openSync(this.#full(path), constants.O_RDWR | create, 0o644)
      const { size: sizeBytes, dev } = fstatSync(fd)
      return new NodeFile(path, { fd, sizeBytes, device: this.#device(dev) })
    } catch (error) {
      if (fd !== undefined) closeSync(fd)
      throw diskError(error, 'open', path)
    }
  }

  readFile(path: string): Promise<Buffer> {
    return this.#run('read', path, () => fs.readFile(this.#full(path)))
  }

  readSmallSync(path: string): Buffer | undefined {
    return this.#readPace.now(() => this.#readSmall(path))
  }

  replaceFile(path: string, content: Uint8Array): Promise<void> {
    const full = this.#full(path)
    // Kafka names such files so, too: whoever scans the folder passes over it.
    const temporary = `${full}.tmp`
    return this.#replacements.run(full, () =>
      this.#run('replace', path, async () => {
        await fs.writeFile(temporary, content, { flush: true })
        await fs.rename(temporary, full)
        await flushFolder(dirname(full))
      }),
    )
  }

  list(path: string): Promise<DiskEntry[]> {
    return this.#run('list', path, async () => {
      const full = this.#full(path)
      const entries: DiskEntry[] = []
      for (const entry of await ifThere(fs.readdir(full, { withFileTypes: true }), [])) {
        const stats = entry.isDirectory()
          ? undefined
          : await ifThere(fs.stat(join(full, entry.name)), null)
        if (stats !== null) entries.push(diskEntry(entry.name, stats))
      }
      return entries.sort(byName)
    })
  }

  listSmallSync(path: string): DiskEntry[] | undefined {
    return this.#readPace.now(() => this.#listSmall(path))
  }

  statSync(path: string): DiskStat | undefined {
    try {
      const stats = statSync(this.#full(path), { throwIfNoEntry: false })
      if (stats === undefined) return undefined
      return { sizeBytes: stats.isDirectory() ? 0 : stats.size, modified: stats.mtimeMs }
    } catch (error) {
      throw diskError(error, 'look at', path)
    }
  }

  async makeFolder(path: string): Promise<void> {
    await this.#run('make folder', path, () => makeFolder(this.#full(path)))
  }

  rename(from: string, to: string): Promise<void> {
    return this.#run('rename', from, () => fs.rename(this.#full(from), this.#full(to)))
  }

  unlink(path: string): Promise<void> {
    return this.#run('unlink', path, () => ifThere(fs.unlink(this.#full(path)), undefined))
  }

  removeFolder(path: string): Promise<void> {
    return this.#run('remove folder', path, () => removeFolder(this.#full(path)))
  }

  flushFolder(path: string): Promise<void> {
    return this.#run('flush folder', path, () => flushFolder(this.#full(path)))
  }

  volume(path: string): Promise<Volume> {
    return this.#run('measure', path, async () => {
      const { blocks, bavail, bsize } = await fs.statfs(this.#full(path))
      return { totalBytes: blocks * bsize, usableBytes: bavail * bsize }
    })
  }

  #device(id: number): Device {
    const known = this.#devices.get(id)
    if (known !== undefined) return known
    const device = new Device({ pool: this.#pool, ...this.#options })
    this.#devices.set(id, device)
    return device
  }

  #readSmall(path: string): Buffer | undefined {
    let fd: number | undefined
    try {
      fd = openSync(this.#full(path), constants.O_RDONLY)
      const { size } = fstatSync(fd)
      if (size > smallFileBytesMax) return undefined
      const content = Buffer.allocUnsafe(size)
      return content.subarray(0, readSync(fd, content, 0, size, 0))
    } catch (error) {
      throw diskError(error, 'read', path)
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
  }

  #listSmall(path: string): DiskEntry[] | undefined {
    const full = this.#full(path)
    const entries: DiskEntry[] = []
    try {
      const found = readFolderSync(full)
      if (found.length > smallFolderEntriesMax) return undefined
      for (const entry of found) {
        const stats = entry.isDirectory()
          ? undefined
          : (statSync(join(full, entry.name), { throwIfNoEntry: false }) ?? null)
        if (stats !== null) entries.push(diskEntry(entry.name, stats))
      }
    } catch (error) {
      throw diskError(error, 'list', path)
    }
    return entries.sort(byName)
  }

  async #run<T>(operation: string, path: string, job: () => Promise<T>): Promise<T> {
    try {
      return await this.#pool.run(job)
    } catch (error) {
      throw diskError(error, operation, path)
    }
  }

  #full(path: string): string {
    return resolve(this.#root, path)
  }
}

/** `stats` of what is not known to be a folder. */
function diskEntry(name: string, stats: Stats | undefined): DiskEntry {
  const folder = stats?.isDirectory() ?? true
  return { name, folder, sizeBytes: folder ? 0 : (stats?.size ?? 0) }
}

function byName(a: DiskEntry, b: DiskEntry): number {
  return a.name < b.name ? -1 : 1
}

function readFolderSync(full: string): Dirent[] {
  try {
    return readdirSync(full, { withFileTypes: true })
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

async function ifThere<T, U>(call: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await call
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return otherwise
    throw error
  }
}

/** With `recursive` alone Node says ENOENT where the disk failed, for then there is no such folder. */
async function makeFolder(full: string): Promise<void> {
  try {
    await fs.mkdir(full)
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes(codeOf(error) ?? '')) throw error
    await fs.mkdir(full, { recursive: true })
  }
}

/** One file after another: fs.rm would take as many threads of the pool as there are files. */
async function removeFolder(full: string): Promise<void> {
  for (const entry of await ifThere(fs.readdir(full, { withFileTypes: true }), [])) {
    const child = join(full, entry.name)
    if (entry.isDirectory()) await removeFolder(child)
    else await ifThere(fs.unlink(child), undefined)
  }
  await ifThere(fs.rmdir(full), undefined)
}

async function flushFolder(full: string): Promise<void> {
  // Windows opens no folders; its file system keeps entries in its own journal.
  if (process.platform === 'win32') return
  const handle = await fs.open(full, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
