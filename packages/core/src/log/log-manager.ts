// LogManager: the logs of one broker, in the folders that log.dirs names (log-dir.ts).
//
//   /disk1   orders-0/  orders-2/             a log stays where it was found
//   /disk2   orders-1/                        a new one goes to the folder with the fewest
//   /disk3   offline: its disk failed         its logs are gone until a new start, the others go on
//
// Logs are opened one by one as the cluster's metadata names them, for only that knows their configs.

import { join } from 'node:path/posix'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { TopicConfig } from '../config/topic-config.ts'
import type { Clock, Timer } from '../host/clock.ts'
import type { Disk, DiskError } from '../host/disk.ts'
import type { Logger } from '../host/logger.ts'
import type { Random } from '../host/random.ts'
import { assert } from '../lib/assert.ts'
import { KeyedQueue } from '../lib/keyed-queue.ts'
import { Limiter } from '../lib/limiter.ts'
import { Slices } from '../lib/slices.ts'
import { partitionFolderName, strayFolderName } from './file-names.ts'
import { FutureLogs } from './future-logs.ts'
import type { HeldLog, LogName, LogRequest } from './held-log.ts'
import { Log } from './log.ts'
import { type LogConfig, logConfig } from './log-config.ts'
import { isFailure, type LogDir, nothingKnown } from './log-dir.ts'
import { isOnline, openLogDirs, withoutSlash } from './log-dirs.ts'
import type { LogOptions } from './log-options.ts'
import {
  partitionMetadataFileName,
  readPartitionMetadata,
  writePartitionMetadata,
} from './partition-metadata.ts'
import { type LogResources, newLogResources } from './resources.ts'

/** Logs that are opened, recovered or closed side by side. */
export const logsAtOnce = 8

export interface LogManagerOptions {
  readonly clock: Clock
  readonly random: Random
  readonly disk: Disk
  readonly logger: Logger
  /** That it starts with. */
  readonly config: BrokerConfig
  /** As altered since; default: as it started. Asked often. */
  readonly inForce?: () => BrokerConfig
  readonly nodeId: number
  /** Shared by its logs; by default of a size for one broker in a process. */
  readonly resources?: LogResources
  /** A folder is offline, and all logs in it are closed; the disk may have failed behind any caller's back. */
  readonly onDirFailure?: (dir: LogDir, cause: DiskError) => void
}

/** Places asked for before there was a log: so many are remembered. */
const preferencesMax = 10_000

type DirOptions = Pick<
  LogOptions,
  | ('clock' | 'random' | 'disk' | 'logger')
  | ('producerExpirationMs' | 'resources' | 'checkpoints' | 'onFailure')
>

export class LogManager {
  /** In the order of log.dirs. */
  readonly dirs: readonly LogDir[]
  /** Copies that are to take the place of logs. */
  readonly futures: FutureLogs
  readonly clusterId: string
  readonly #options: LogManagerOptions
  readonly #resources: LogResources
  readonly #optionsByDir = new Map<LogDir, DirOptions>()
  readonly #logs: Map<string, HeldLog>
  /** Folders of logs that are wanted and could not be opened, on a full disk for one: they are nobody's strays. */
  readonly #unopened = new Set<string>()
  /** Where a log is to be made, by folder. */
  readonly #preferences = new Map<string, LogDir>()
  readonly #limiter = new Limiter(logsAtOnce)
  /** Small logs are opened without a wait for the disk: the loop must go on in between. */
  readonly #slices: Slices
  /** Creating and deleting, by folder. */
  readonly #folderJobs = new KeyedQueue<string>()
  readonly #timers: Timer[] = []
  #closed = false

  /** Claims the folders. Throws DataFolderError where one is not ours, DiskError where none can be used. */
  static async open(options: LogManagerOptions): Promise<LogManager> {
    const logs = new Map<string, HeldLog>()
    const futures = new Map<string, HeldLog>()
    const onFailure = (dir: LogDir, cause: DiskError) => {
      options.logger.error({ folder: dir.path, cause }, 'log directory failed: it is offline')
      closeLogsOf(dir, [logs, futures], cause)
      options.onDirFailure?.(dir, cause)
    }
    const { dirs, clusterId } = await openLogDirs({ ...options, onFailure })
    return new LogManager(options, { dirs, clusterId, logs, futures })
  }

  private constructor(
    options: LogManagerOptions,
    parts: {
      dirs: readonly LogDir[]
      clusterId: string
      logs: Map<string, HeldLog>
      futures: Map<string, HeldLog>
    },
  ) {
    const { config } = options
    this.#options = options
    this.#resources = options.resources ?? newLogResources()
    this.#slices = new Slices(options.clock)
    this.dirs = parts.dirs
    this.clusterId = parts.clusterId
    this.#logs = parts.logs
    this.futures = new FutureLogs({
      ...options,
      dirs: parts.dirs,
      logs: parts.logs,
      futures: parts.futures,
      folderJobs: this.#folderJobs,
      logOptions: (dir, request) => this.#logOptions(dir, request),
    })
    this.#every(config['log.flush.offset.checkpoint.interval.ms'], () => this.#sweep())
    this.#every(config['log.flush.start.offset.checkpoint.interval.ms'], () =>
      this.checkpointStartOffsets(),
    )
  }

  /** Of the first folder that is online. */
  get directoryId(): string {
    const [meta] = this.dirs.flatMap((dir) => (dir.meta ? [dir.meta] : []))
    assert(meta !== undefined, 'a folder was online at the start')
    return meta.directoryId
  }

  /**
   * The epoch of the broker that closed these logs before; undefined where it crashed, or may have in one of
   * the folders; -1: not known.
   */
  get cleanShutdownEpoch(): number | undefined {
    const used = this.dirs.filter(({ fresh }) => !fresh)
    if (used.length === 0) return undefined
    const epochs = new Set(used.map(({ cleanShutdownEpoch }) => cleanShutdownEpoch))
    if (epochs.has(undefined)) return undefined
    return epochs.size === 1 ? [...epochs][0] : -1
  }

  /** Whether any folder can be written to. */
  get online(): boolean {
    return this.dirs.some(isOnline)
  }

  /** The log where it is open, and of that very topic. */
  get({ topic, topicId, partition }: LogName): Log | undefined {
    const held = this.#logs.get(partitionFolderName(topic, partition))
    return held?.log.topicId === topicId ? held.log : undefined
  }

  *[Symbol.iterator](): IterableIterator<Log> {
    for (const { log } of this.#logs.values()) yield log
  }

  /**
   * Opens the log that is in one of the folders, or makes one in the folder with the fewest. A log of an
   * earlier topic of that name goes. Rejects with DiskError: with the failure of the folder where the log is,
   * or may be; with 'no-space' where no folder takes it.
   */
  create(request: LogRequest): Promise<Log> {
    const folderName = partitionFolderName(request.topic, request.partition)
    return this.#folderJobs.run(folderName, () =>
      this.#limiter.run(async () => {
        await this.#slices.pause()
        assert(!this.#closed, 'no log is opened any more')
        assert(!this.#logs.has(folderName), `${folderName} is open already`)
        this.#unopened.add(folderName)
        const dir = this.dirs.find(({ folders }) => folders.has(folderName))
        if (dir !== undefined) return this.#openIn(dir, folderName, request)
        const offline = this.dirs.find((one) => !isOnline(one))
        if (!request.isNew && offline !== undefined) throw offline.failure
        return this.#openSomewhere(folderName, request)
      }),
    )
  }

  dirOf(log: Log): LogDir | undefined {
    return this.dirs.find(({ logs }) => logs.has(log))
  }

  /** The folder of that path, as log.dirs names it. */
  dirAt(path: string): LogDir | undefined {
    return this.dirs.find((dir) => dir.path === withoutSlash(path))
  }

  /** When the log is made it goes to `dir`; no promise is made for after a restart. */
  prefer({ topic, partition }: Omit<LogName, 'topicId'>, dir: LogDir): void {
    const folderName = partitionFolderName(topic, partition)
    this.#preferences.delete(folderName)
    this.#preferences.set(folderName, dir)
    if (this.#preferences.size <= preferencesMax) return
    const [oldest] = this.#preferences.keys()
    this.#preferences.delete(oldest)
  }

  /** Resolves when the log's name is free again; its files are removed in the background. */
  delete(log: Log): Promise<void> {
    const folderName = partitionFolderName(log.topic, log.partition)
    return this.#folderJobs.run(folderName, async () => {
      await this.futures.removeNow(folderName)
      const held = this.#logs.get(folderName)
      // Its folder is offline: what is in it has no topic any more when it comes back.
      if (held?.log !== log) return
      const { dir } = held
      this.#logs.delete(folderName)
      dir.logs.delete(log)
      try {
        dir.removeInBackground(await log.detach())
      } catch (error) {
        // It is still there: who makes the next log of that name has to look whose it is.
        dir.folders.add(folderName)
        throw error
      }
    })
  }

  /** The disk failed under `log`: its folder is offline. */
  fail(log: Log, cause: Error): void {
    if (!isFailure(cause)) return
    for (const dir of this.dirs) if (dir.logs.has(log)) dir.fail(cause)
  }

  /** Deletes the logs that nobody opened: their topics were deleted while we were away. */
  async removeStrays(): Promise<number> {
    return this.#eachStray(async (dir, folderName) => {
      this.#options.logger.info(
        { folder: join(dir.path, folderName) },
        'log of a deleted topic: removed',
      )
      await dir.discard(folderName)
    })
  }

  /** As removeStrays, but keeps them under names of their own: it is not certain that they were deleted. */
  async setStraysAside(): Promise<number> {
    return this.#eachStray(async (dir, folderName) => {
      const kept = await dir.rename(folderName, strayFolderName)
      this.#options.logger.warn({ folder: kept }, 'log of a topic that nobody knows: set aside')
    })
  }

  /** Writes recovery points and start offsets down, as they are now. */
  async checkpoint(): Promise<void> {
    await Promise.all(this.dirs.map((dir) => dir.checkpoint()))
  }

  /** Writes start offsets down: what was deleted stays deleted, whatever happens. Rejects with DiskError. */
  async checkpointStartOffsets(): Promise<void> {
    await Promise.all(this.dirs.map((dir) => dir.whileOnline(() => dir.startOffsets.write())))
  }

  /** Closes all logs; a folder in which each could be is marked as cleanly shut down. */
  async close(brokerEpoch = -1): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.futures.close()
    for (const timer of this.#timers) timer.cancel()
    await Promise.all(this.dirs.map((dir) => this.#closeDir(dir, brokerEpoch)))
  }

  async #closeDir(dir: LogDir, brokerEpoch: number): Promise<void> {
    const closed = await Promise.all(
      [...dir.logs].map((log) => this.#limiter.run(() => this.#closeLog(dir, log))),
    )
    await dir.removed()
    try {
      await dir.checkpoint()
      if (closed.every(Boolean)) await dir.whileOnline(() => dir.markClosed(brokerEpoch))
    } catch (cause) {
      // The next start recovers it, as after a crash.
      this.#options.logger.error({ folder: dir.path, cause }, 'log directory not closed cleanly')
    }
  }

  /** In the folder with the fewest logs; where that cannot take it, in the next. */
  async #openSomewhere(folderName: string, request: LogRequest): Promise<Log> {
    const preferred = this.#preferences.get(folderName)
    const rank = (dir: LogDir) => (dir === preferred ? -1 : dir.count)
    const dirs = this.dirs.filter(isOnline).sort((a, b) => rank(a) - rank(b))
    let failure: unknown = this.dirs[0].failure
    for (const dir of dirs) {
      dir.newFolders.add(folderName)
      try {
        const log = await this.#openIn(dir, folderName, request)
        this.#preferences.delete(folderName)
        return log
      } catch (cause) {
        failure = cause
        const folder = join(dir.path, folderName)
        this.#options.logger.warn({ folder, cause }, 'a log could not be made in this directory')
      } finally {
        dir.newFolders.delete(folderName)
      }
    }
    throw failure
  }

  async #openIn(dir: LogDir, folderName: string, request: LogRequest): Promise<Log> {
    let log: Log | undefined
    await dir.whileOnline(async () => {
      log = await this.#open(dir, folderName, request)
      if (dir.failure !== undefined) return log.abandon(dir.failure)
      dir.logs.add(log)
      this.#logs.set(folderName, { log, dir })
      this.#unopened.delete(folderName)
      dir.folders.delete(folderName)
      // It ends before what was flushed once (a cut, or damage): what comes now is not on the disk yet.
      if (log.recoveryPoint < dir.known(folderName).recoveryPoint) await dir.recoveryPoints.write()
    })
    if (log === undefined || dir.failure !== undefined) throw dir.failure
    return log
  }

  async #open(dir: LogDir, folderName: string, request: LogRequest): Promise<Log> {
    const { disk } = this.#options
    const folder = join(dir.path, folderName)
    const metadataPath = join(folder, partitionMetadataFileName)
    const closed = dir.closedLogs.take(folderName, request.topicId)
    if (closed === undefined && dir.folders.has(folderName)) {
      const topicId = await readPartitionMetadata(disk, metadataPath)
      if (topicId === undefined) await writePartitionMetadata(disk, metadataPath, request.topicId)
      else if (topicId !== request.topicId) await dir.discard(folderName)
    }
    const inherited = dir.folders.has(folderName)
    if (!inherited) {
      await dir.forgetCheckpoints(request.topic, request.partition)
      await disk.makeFolder(folder)
      await writePartitionMetadata(disk, metadataPath, request.topicId)
    }
    const options = {
      ...this.#logOptions(dir, request),
      folder,
      ...(inherited ? dir.known(folderName) : nothingKnown),
      cleanShutdown: dir.cleanShutdownEpoch !== undefined,
    }
    return Log.open(options, closed)
  }

  #logOptions(dir: LogDir, name: LogRequest) {
    const { topic, topicId, partition } = name
    return { ...this.#dirOptions(dir), topic, topicId, partition, config: memoized(name.config) }
  }

  /** What all logs in a folder are opened with. They share it: there may be very many. */
  #dirOptions(dir: LogDir) {
    const made = this.#optionsByDir.get(dir) ?? this.#newDirOptions(dir)
    this.#optionsByDir.set(dir, made)
    return made
  }

  #newDirOptions(dir: LogDir): DirOptions {
    const { clock, random, disk, logger, config, inForce = () => config } = this.#options
    return {
      ...{ clock, random, disk, logger },
      producerExpirationMs: () => inForce()['producer.id.expiration.ms'],
      resources: { ...this.#resources, backgroundFlushes: dir.backgroundFlushes },
      checkpoints: {
        saveRecoveryPoints: () => dir.recoveryPoints.write(),
        saveStartOffsets: () => dir.startOffsets.write(),
        saveFirstDirtyOffsets: () => dir.firstDirtyOffsets.write(),
      },
      onFailure: (cause) => dir.fail(cause),
    }
  }

  async #eachStray(work: (dir: LogDir, folderName: string) => Promise<void>): Promise<number> {
    let count = 0
    for (const dir of this.dirs.filter(isOnline)) {
      for (const folderName of [...dir.folders, ...dir.futureFolders.values()]) {
        if (this.#unopened.has(folderName)) continue
        count += 1
        await this.#folderJobs.run(folderName, () => dir.whileOnline(() => work(dir, folderName)))
      }
    }
    return count
  }

  async #closeLog(dir: LogDir, log: Log): Promise<boolean> {
    try {
      const left = await log.close()
      if (left !== undefined) dir.closedLogs.add(log.folder, log.topicId, left)
      await this.#slices.pause()
      return true
    } catch (cause) {
      const { topic, partition } = log
      this.#options.logger.error({ topic, partition, cause }, 'log could not be closed cleanly')
      return false
    }
  }

  async #sweep(): Promise<void> {
    for (const log of this) log.sweepProducers()
    await Promise.all(this.dirs.map((dir) => dir.whileOnline(() => dir.recoveryPoints.write())))
  }

  #every(intervalMs: number, run: () => Promise<void>): void {
    const { clock, logger } = this.#options
    const slot = this.#timers.length
    const arm = () => {
      this.#timers[slot] = clock.setTimer(Math.max(1, intervalMs), () => {
        run()
          .catch((cause) => logger.error({ cause }, 'a checkpoint could not be written'))
          .finally(() => {
            if (!this.#closed) arm()
          })
      })
    }
    arm()
  }
}

/** One LogConfig for each TopicConfig: appends ask for it each time. */
function memoized(config: () => TopicConfig): () => LogConfig {
  let from: TopicConfig | undefined
  let made: LogConfig | undefined
  return () => {
    const current = config()
    if (current !== from || made === undefined) {
      from = current
      made = logConfig(current)
    }
    return made
  }
}

/** The disk failed under these logs: nothing is written any more, and their files are closed. */
function closeLogsOf(dir: LogDir, held: readonly Map<string, HeldLog>[], cause: DiskError): void {
  for (const log of dir.logs) {
    const folderName = partitionFolderName(log.topic, log.partition)
    for (const logs of held) if (logs.get(folderName)?.log === log) logs.delete(folderName)
    log.abandon(cause)
  }
}
