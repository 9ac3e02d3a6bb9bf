// LogDir: one of the folders in which a broker keeps its logs (log.dirs), in Kafka's layout.
//
//   meta.properties  .kafka_cleanshutdown                            whose folder; whether it was closed
//   recovery-point-offset-checkpoint  log-start-offset-checkpoint    offsets by partition
//   cleaner-offset-checkpoint                                        likewise: where the log cleaner goes on
//   closed-logs-checkpoint                                           what was found when it was closed
//   <topic>-<partition>/                                             a log
//   <topic>-<partition>.<32 hex>-future/                             one that comes from another folder
//   <topic>-<partition>.<32 hex>-delete/                             one being removed
//   <topic>-<partition>.<32 hex>-stray/                              one that nobody knows, kept
//
// A folder whose disk fails is offline until the process starts again: nothing in it is touched any more. The
// other folders go on. What a crash left half deleted is removed at the next start at which all are online.

import { join } from 'node:path/posix'
import { type Disk, DiskError } from '../host/disk.ts'
import type { Logger } from '../host/logger.ts'
import type { Random } from '../host/random.ts'
import { assert } from '../lib/assert.ts'
import { markCleanShutdown, takeCleanShutdown } from './clean-shutdown.ts'
import { ClosedLogs } from './closed-logs.ts'
import {
  deletedFolderName,
  isDeletedFolderName,
  parseFutureFolderName,
  parsePartitionFolderName,
  partitionFolderName,
  segmentFileName,
} from './file-names.ts'
import type { Log } from './log.ts'
import { type MetaProperties, readMetaProperties, writeMetaProperties } from './meta-properties.ts'
import { OffsetCheckpoint, type PartitionOffset } from './offset-checkpoint.ts'
import { newBackgroundFlushes } from './resources.ts'

export interface LogDirOptions {
  readonly random: Random
  readonly disk: Disk
  readonly logger: Logger
  readonly path: string
  /** Called once, when the folder goes offline. */
  readonly onFailure: (dir: LogDir, cause: DiskError) => void
}

/** A log's offsets as they were written down when it was last open. */
export interface KnownOffsets {
  readonly recoveryPoint: number
  readonly startOffset: number
  readonly firstDirtyOffset: number
}

export const nothingKnown: KnownOffsets = { recoveryPoint: 0, startOffset: 0, firstDirtyOffset: 0 }

export class LogDir {
  readonly path: string
  /** Open now, those that come from another folder included. */
  readonly logs = new Set<Log>()
  /** Folders of logs that are not open yet. */
  readonly folders = new Set<string>()
  /** By the name of the partition, the folders that come from elsewhere and are not open yet. */
  readonly futureFolders = new Map<string, string>()
  /** Of logs that are being made. */
  readonly newFolders = new Set<string>()
  readonly backgroundFlushes = newBackgroundFlushes()
  readonly recoveryPoints: OffsetCheckpoint
  readonly startOffsets: OffsetCheckpoint
  readonly firstDirtyOffsets: OffsetCheckpoint
  readonly closedLogs: ClosedLogs
  readonly #options: LogDirOptions
  readonly #removals = new Set<Promise<void>>()
  /** Found at the start, marked as deleted. */
  readonly #deleted: string[] = []
  #knownRecoveryPoints: ReadonlyMap<string, number> = new Map()
  #knownStartOffsets: ReadonlyMap<string, number> = new Map()
  #knownFirstDirtyOffsets: ReadonlyMap<string, number> = new Map()
  #meta: MetaProperties | undefined
  #cleanShutdownEpoch: number | undefined
  #fresh = false
  #failure: DiskError | undefined

  constructor(options: LogDirOptions) {
    const { disk, path } = options
    this.path = path
    this.#options = options
    this.closedLogs = new ClosedLogs(disk, path)
    this.recoveryPoints = new OffsetCheckpoint({
      disk,
      path: join(path, 'recovery-point-offset-checkpoint'),
      current: () => this.#offsets('recoveryPoint', this.#knownRecoveryPoints),
    })
    this.startOffsets = new OffsetCheckpoint({
      disk,
      path: join(path, 'log-start-offset-checkpoint'),
      current: () => this.#offsets('startOffsetToSave', this.#knownStartOffsets),
    })
    this.firstDirtyOffsets = new OffsetCheckpoint({
      disk,
      path: join(path, 'cleaner-offset-checkpoint'),
      current: () => this.#offsets('firstDirtyOffset', this.#knownFirstDirtyOffsets),
    })
  }

  /** Undefined where the folder has no owner yet, or is offline. */
  get meta(): MetaProperties | undefined {
    return this.#meta
  }

  /** The epoch of the broker that closed these logs before; undefined where it crashed, -1: not known. */
  get cleanShutdownEpoch(): number | undefined {
    return this.#cleanShutdownEpoch
  }

  /** It had no owner when it was opened, and so no logs. */
  get fresh(): boolean {
    return this.#fresh
  }

  /** Why it is offline. */
  get failure(): DiskError | undefined {
    return this.#failure
  }

  /** Logs in it, open or not. */
  get count(): number {
    return this.logs.size + this.folders.size + this.futureFolders.size + this.newFolders.size
  }

  /** The folder's files and what they say. Rejects with DataFolderError; a disk that fails: see failure. */
  async find(): Promise<void> {
    const { disk } = this.#options
    await this.whileOnline(async () => {
      await disk.makeFolder(this.path)
      this.#meta = await readMetaProperties(disk, this.path)
    })
  }

  /** Makes `meta` the folder's where it has none. */
  async claim(meta: MetaProperties, nowMs: number): Promise<void> {
    if (this.#meta !== undefined) return
    await this.whileOnline(async () => {
      await writeMetaProperties(this.#options.disk, this.path, meta, nowMs)
      this.#meta = meta
      this.#fresh = true
    })
  }

  /** Finds the logs. From now on nothing says any more that the folder was closed well. */
  async open(): Promise<void> {
    const { disk } = this.#options
    await this.whileOnline(async () => {
      const clean = await takeCleanShutdown(disk, this.path)
      this.#cleanShutdownEpoch = clean?.brokerEpoch
      await this.closedLogs.load(clean?.closedLogs)
      for (const { name, folder } of await disk.list(this.path)) {
        if (folder) this.#found(name)
      }
      this.#knownRecoveryPoints = byFolder(await this.recoveryPoints.read())
      this.#knownStartOffsets = byFolder(await this.startOffsets.read())
      this.#knownFirstDirtyOffsets = byFolder(await this.firstDirtyOffsets.read())
    })
  }

  known(folderName: string): KnownOffsets {
    return {
      recoveryPoint: this.#knownRecoveryPoints.get(folderName) ?? 0,
      startOffset: this.#knownStartOffsets.get(folderName) ?? 0,
      firstDirtyOffset: this.#knownFirstDirtyOffsets.get(folderName) ?? 0,
    }
  }

  /** Every log in it was closed, or recovered and closed: says so to the next owner. */
  async markClosed(brokerEpoch: number): Promise<void> {
    // What a crash left and nobody opened since must be recovered by whoever opens it.
    const recovered = this.#cleanShutdownEpoch !== undefined || this.folders.size === 0
    if (!recovered) return
    const closedLogs = await this.closedLogs.write()
    await markCleanShutdown(this.#options.disk, this.path, { brokerEpoch, closedLogs })
  }

  /** An older log of this name may be checkpointed: what that says is not true of a new one. */
  async forgetCheckpoints(topic: string, partition: number): Promise<void> {
    const all = [this.recoveryPoints, this.startOffsets, this.firstDirtyOffsets]
    for (const checkpoint of all) {
      if (checkpoint.mayName(topic, partition)) await checkpoint.write()
    }
  }

  async checkpoint(): Promise<void> {
    await this.whileOnline(async () => {
      await this.recoveryPoints.write()
      await this.startOffsets.write()
    })
  }

  /** Frees the name of a log that is not open. @returns the path of the folder now. */
  async rename(folderName: string, newName: typeof deletedFolderName): Promise<string> {
    const { disk, random } = this.#options
    const parsed = parsePartitionFolderName(folderName) ?? parseFutureFolderName(folderName)
    assert(parsed !== undefined, 'a log folder')
    const unique = random.bytes(16).toString('hex')
    const renamed = join(this.path, newName(parsed.topic, parsed.partition, unique))
    await disk.rename(join(this.path, folderName), renamed)
    this.folders.delete(folderName)
    const partition = partitionFolderName(parsed.topic, parsed.partition)
    if (this.futureFolders.get(partition) === folderName) this.futureFolders.delete(partition)
    return renamed
  }

  /** Frees the name of a log that is not open, and removes it. */
  async discard(folderName: string): Promise<void> {
    this.removeInBackground(await this.rename(folderName, deletedFolderName))
  }

  /** Whether nothing was ever appended to a log that is not open: its making was cut short, or all that came of it. */
  async neverHeld(folderName: string): Promise<boolean> {
    const entries = await this.#options.disk.list(join(this.path, folderName))
    // By whatever name: an exchange of segments that was cut short leaves records in a `.log.swap` alone.
    return entries
      .filter(({ name }) => name.includes('.log'))
      .every(({ name, sizeBytes }) => name === segmentFileName(0, 'log') && sizeBytes === 0)
  }

  /** Removes a log that never held anything. */
  async discardHollow(folderName: string): Promise<void> {
    const folder = join(this.path, folderName)
    this.#options.logger.warn({ folder }, 'empty log that is in another directory, too: removed')
    await this.discard(folderName)
  }

  /** A copy whose log gave way to it becomes the log. */
  async takeCopy(folderName: string): Promise<void> {
    const { disk, logger } = this.#options
    const name = this.futureFolders.get(folderName)
    assert(name !== undefined, 'the copy is there')
    await disk.rename(join(this.path, name), join(this.path, folderName))
    await disk.flushFolder(this.path)
    this.futureFolders.delete(folderName)
    this.folders.add(folderName)
    logger.info({ folder: join(this.path, folderName) }, 'a move that a crash cut short is done')
  }

  /** What an earlier process did not get to remove. */
  removeDeleted(): void {
    for (const folder of this.#deleted.splice(0)) this.removeInBackground(folder)
  }

  removeInBackground(folder: string): void {
    const { disk, logger } = this.#options
    const remove = async () => {
      try {
        await disk.removeFolder(folder)
        await disk.flushFolder(this.path)
      } catch (cause) {
        logger.warn(
          { folder, cause },
          'a deleted log could not be removed; the next start tries again',
        )
      }
    }
    const removal = remove().finally(() => this.#removals.delete(removal))
    this.#removals.add(removal)
  }

  /** Resolves when what is being removed is gone. */
  async removed(): Promise<void> {
    await Promise.all(this.#removals)
  }

  /** Its disk failed. */
  fail(cause: DiskError): void {
    if (this.#failure !== undefined) return
    this.#failure = cause
    this.#options.onFailure(this, cause)
  }

  /**
   * Does `work` where the folder is online. When the disk fails meanwhile it is offline afterwards; that it
   * is full is told to the caller, and changes nothing.
   */
  async whileOnline(work: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) return
    try {
      await work()
    } catch (error) {
      if (!isFailure(error)) throw error
      this.fail(error)
    }
  }

  #found(name: string): void {
    const future = parseFutureFolderName(name)
    if (isDeletedFolderName(name)) this.#deleted.push(join(this.path, name))
    else if (parsePartitionFolderName(name) !== undefined) this.folders.add(name)
    else if (future !== undefined) {
      this.futureFolders.set(partitionFolderName(future.topic, future.partition), name)
    }
  }

  /** Of the logs that are open, and of those that are not open yet as they were found. */
  #offsets(
    which: 'recoveryPoint' | 'startOffsetToSave' | 'firstDirtyOffset',
    known: ReadonlyMap<string, number>,
  ): PartitionOffset[] {
    const offsets: PartitionOffset[] = []
    for (const log of this.logs) {
      offsets.push({ topic: log.topic, partition: log.partition, offset: log[which] })
    }
    for (const folderName of [...this.folders, ...this.futureFolders.keys()]) {
      const offset = known.get(folderName) ?? 0
      const name = parsePartitionFolderName(folderName)
      if (name !== undefined) offsets.push({ ...name, offset })
    }
    return offsets.filter(({ offset }) => offset > 0)
  }
}

/** A disk that is full, or a file that was closed, has not failed. */
export function isFailure(error: unknown): error is DiskError {
  return error instanceof DiskError && (error.kind === 'io' || error.kind === 'not-found')
}

function byFolder(offsets: readonly PartitionOffset[]): Map<string, number> {
  return new Map(
    offsets.map(({ topic, partition, offset }) => [partitionFolderName(topic, partition), offset]),
  )
}
