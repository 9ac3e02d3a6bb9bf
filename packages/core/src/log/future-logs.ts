// FutureLogs: copies of logs in other folders, which are to take their place (KIP-113).
//
//   /disk1/orders-0/                       the log
//   /disk2/orders-0.<32 hex>-future/       its copy, which grows beside it
//
// When the copy is whole and flushed the log's folder is renamed to -delete, then the copy's to the log's name:
// at any time there is one folder that counts, and a start that finds a copy alone takes it for the log.

import { basename, join } from 'node:path/posix'
import type { TopicConfig } from '../config/topic-config.ts'
import type { Disk } from '../host/disk.ts'
import type { Logger } from '../host/logger.ts'
import type { Random } from '../host/random.ts'
import { assert } from '../lib/assert.ts'
import type { KeyedQueue } from '../lib/keyed-queue.ts'
import { futureFolderName, partitionFolderName } from './file-names.ts'
import type { HeldLog, LogName, LogRequest } from './held-log.ts'
import { Log } from './log.ts'
import { isFailure, type KnownOffsets, type LogDir, nothingKnown } from './log-dir.ts'
import { isOnline } from './log-dirs.ts'
import type { LogOptions } from './log-options.ts'
import {
  partitionMetadataFileName,
  readPartitionMetadata,
  writePartitionMetadata,
} from './partition-metadata.ts'

/** What a log is opened with, wherever it lies. */
export type CommonLogOptions = Omit<LogOptions, 'folder' | keyof KnownOffsets | 'cleanShutdown'>

export interface FutureLogsOptions {
  readonly random: Random
  readonly disk: Disk
  readonly logger: Logger
  readonly dirs: readonly LogDir[]
  /** Shared with the log manager: logs and copies, by the folder name of their partition. */
  readonly logs: Map<string, HeldLog>
  readonly futures: Map<string, HeldLog>
  readonly folderJobs: KeyedQueue<string>
  readonly logOptions: (dir: LogDir, request: LogRequest) => CommonLogOptions
}

export class FutureLogs {
  readonly #options: FutureLogsOptions
  readonly #futures: Map<string, HeldLog>
  #closed = false

  constructor(options: FutureLogsOptions) {
    this.#options = options
    this.#futures = options.futures
  }

  /** No copy is opened, or takes its place, any more. */
  close(): void {
    this.#closed = true
  }

  /** The log whose place `copy` is to take; undefined where it is no copy. */
  currentOf(copy: Log): Log | undefined {
    const folderName = partitionFolderName(copy.topic, copy.partition)
    if (this.#futures.get(folderName)?.log !== copy) return undefined
    return this.#options.logs.get(folderName)?.log
  }

  /** The folder in which an earlier process left a copy that was to take the log's place. */
  unfinished({ topic, partition }: Omit<LogName, 'topicId'>): LogDir | undefined {
    const folderName = partitionFolderName(topic, partition)
    return this.#options.dirs.find((dir) => isOnline(dir) && dir.futureFolders.has(folderName))
  }

  /** Opens or begins the copy of a log in `dir`. Rejects with DiskError. */
  open(request: LogRequest, dir: LogDir): Promise<Log> {
    const folderName = partitionFolderName(request.topic, request.partition)
    return this.#options.folderJobs.run(folderName, async () => {
      assert(!this.#closed, 'no log is opened any more')
      assert(!this.#futures.has(folderName), `${folderName} has one copy`)
      // Where a folder is offline it may have a copy, and two would be one too many.
      const offline = this.#options.dirs.find((one) => !isOnline(one))
      if (offline !== undefined) throw offline.failure
      let log: Log | undefined
      await dir.whileOnline(async () => {
        log = await this.#openCopy(dir, folderName, request)
        if (dir.failure !== undefined) return log.abandon(dir.failure)
        dir.logs.add(log)
        dir.futureFolders.delete(folderName)
        this.#futures.set(folderName, { log, dir })
      })
      if (log === undefined || dir.failure !== undefined) throw dir.failure
      return log
    })
  }

  /** The log stays where it is. */
  remove(log: Log): Promise<void> {
    const folderName = partitionFolderName(log.topic, log.partition)
    return this.#options.folderJobs.run(folderName, () => this.removeNow(folderName))
  }

  /**
   * The copy, whole, takes the place of `log`; nobody appends meanwhile. Undefined where either is gone.
   * Rejects with DiskError; the log is open as before then, unless its own disk failed.
   */
  promote(log: Log, config: () => TopicConfig): Promise<Log | undefined> {
    const folderName = partitionFolderName(log.topic, log.partition)
    return this.#options.folderJobs.run(folderName, async () => {
      const current = this.#options.logs.get(folderName)
      const future = this.#futures.get(folderName)
      if (current?.log !== log || future === undefined || this.#closed) return undefined
      const request = { topic: log.topic, topicId: log.topicId, partition: log.partition, config }
      return this.#promote(folderName, request, { current, future })
    })
  }

  async #openCopy(dir: LogDir, folderName: string, request: LogRequest): Promise<Log> {
    const { disk, random } = this.#options
    const { topic, topicId, partition } = request
    const known = dir.futureFolders.get(folderName)
    if (known !== undefined) {
      const found = await readPartitionMetadata(
        disk,
        join(dir.path, known, partitionMetadataFileName),
      )
      if (found !== topicId) await dir.discard(known)
    }
    const inherited = dir.futureFolders.get(folderName)
    const unique = random.bytes(16).toString('hex')
    const name = inherited ?? futureFolderName(topic, partition, unique)
    assert(name !== undefined, 'the name of the topic is short enough')
    const folder = join(dir.path, name)
    if (inherited === undefined) {
      await dir.forgetCheckpoints(topic, partition)
      await disk.makeFolder(folder)
      await writePartitionMetadata(disk, join(folder, partitionMetadataFileName), topicId)
    }
    return Log.open({
      ...this.#options.logOptions(dir, request),
      folder,
      ...(inherited ? dir.known(folderName) : nothingKnown),
      cleanShutdown: dir.cleanShutdownEpoch !== undefined,
    })
  }

  /** Within a job of the log's folder. */
  async removeNow(folderName: string): Promise<void> {
    const future = this.#futures.get(folderName)
    if (future === undefined) return
    const { log, dir } = future
    this.#futures.delete(folderName)
    dir.logs.delete(log)
    await dir.whileOnline(async () => {
      if (log.closed) await dir.discard(basename(log.folder))
      else dir.removeInBackground(await log.detach())
    })
  }

  async #promote(
    folderName: string,
    request: LogRequest,
    { current, future }: { current: HeldLog; future: HeldLog },
  ): Promise<Log> {
    const { log, dir: from } = current
    const { dir: to } = future
    const { disk, logger } = this.#options
    // What is about to count is on its disk for good, its start offset included.
    future.log.adoptMemory(log)
    await future.log.close()
    await to.startOffsets.write()
    await to.recoveryPoints.write()
    let left = log.folder
    this.#options.logs.delete(folderName)
    from.logs.delete(log)
    try {
      left = await log.detach()
      // From here on a start takes the copy.
      await disk.flushFolder(from.path)
      const moved = await this.#openAgain(to, request, { from: future.log.folder, as: future.log })
      this.#futures.delete(folderName)
      to.logs.delete(future.log)
      from.removeInBackground(left)
      return moved
    } catch (cause) {
      logger.error({ log: folderName, cause }, 'a log could not take its new place')
      if (isFailure(cause) && cause.path.startsWith(`${from.path}/`)) from.fail(cause)
      return this.#openAgain(from, request, { from: left, as: log })
    }
  }

  /** Opens a log that was closed just now, under its own name. Rejects with DiskError. */
  async #openAgain(
    dir: LogDir,
    request: LogRequest,
    { from, as }: { from: string; as: Log },
  ): Promise<Log> {
    const { disk } = this.#options
    const folderName = partitionFolderName(request.topic, request.partition)
    const folder = join(dir.path, folderName)
    let log: Log | undefined
    await dir.whileOnline(async () => {
      if (from !== folder) await disk.rename(from, folder)
      await disk.flushFolder(dir.path)
      const { startOffset, recoveryPoint, firstDirtyOffset } = as
      const known = { startOffset, recoveryPoint, firstDirtyOffset }
      const cleanShutdown = recoveryPoint === as.endOffset
      const options = this.#options.logOptions(dir, request)
      log = await Log.open({ ...options, ...known, folder, cleanShutdown })
    })
    if (log === undefined || dir.failure !== undefined) throw dir.failure
    dir.logs.add(log)
    this.#options.logs.set(folderName, { log, dir })
    return log
  }
}
