// LogManager: the logs of one data folder, in Kafka's layout.
//
//   meta.properties  .kafka_cleanshutdown                            whose folder; whether it was closed
//   recovery-point-offset-checkpoint  log-start-offset-checkpoint    offsets by partition
//   <topic>-<partition>/                                             a log
//   <topic>-<partition>.<32 hex>-delete/                             one being removed
//   <topic>-<partition>.<32 hex>-stray/                              one that nobody knows, kept
//
// Logs are opened one by one as the cluster's metadata names them, for only that knows their configs. What
// a crash left half deleted is removed when the manager opens.

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
import { markCleanShutdown, takeCleanShutdown } from './clean-shutdown.ts'
import {
  deletedFolderName,
  isDeletedFolderName,
  parsePartitionFolderName,
  partitionFolderName,
  strayFolderName,
} from './file-names.ts'
import { Log } from './log.ts'
import { type LogConfig, logConfig } from './log-config.ts'
import { claimDataFolder, type MetaProperties } from './meta-properties.ts'
import { OffsetCheckpoint, type PartitionOffset } from './offset-checkpoint.ts'
import {
  partitionMetadataFileName,
  readPartitionMetadata,
  writePartitionMetadata,
} from './partition-metadata.ts'
import { type LogResources, newLogResources } from './resources.ts'

/** Logs that are opened, recovered or closed side by side. */
const logsAtOnce = 8

export interface LogManagerOptions {
  readonly clock: Clock
  readonly random: Random
  readonly disk: Disk
  readonly logger: Logger
  readonly config: BrokerConfig
  readonly nodeId: number
  /** Shared by its logs; by default of a size for one broker in a process. */
  readonly resources?: LogResources
  /** The disk failed under a log, perhaps behind the back of any caller. */
  readonly onFailure?: (log: LogName, cause: DiskError) => void
}

export interface LogName {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

/** What an earlier process left behind. */
interface Inheritance {
  readonly meta: MetaProperties
  /** Undefined: it did not close its logs. */
  readonly cleanShutdownEpoch: number | undefined
  /** Folders of logs. */
  readonly folders: Set<string>
  readonly recoveryPoints: Map<string, number>
  readonly startOffsets: Map<string, number>
}

export class LogManager {
  readonly dataFolder: string
  readonly #options: LogManagerOptions
  readonly #resources: LogResources
  readonly #logs = new Map<string, Log>()
  readonly #limiter = new Limiter(logsAtOnce)
  /** Creating and deleting, by folder. */
  readonly #folderJobs = new KeyedQueue<string>()
  readonly #removals = new Set<Promise<void>>()
  readonly #recoveryPoints: OffsetCheckpoint
  readonly #startOffsets: OffsetCheckpoint
  readonly #timers: Timer[] = []
  #inheritance!: Inheritance
  #closed = false

  /** Claims the data folder. Throws DataFolderError where it is not ours, DiskError where it fails. */
  static async open(options: LogManagerOptions): Promise<LogManager> {
    const manager = new LogManager(options)
    await manager.#open()
    return manager
  }

  private constructor(options: LogManagerOptions) {
    const { config, disk } = options
    this.#options = options
    this.#resources = options.resources ?? newLogResources()
    this.dataFolder = (config['log.dirs'] ?? config['log.dir'])[0]
    const path = (name: string) => join(this.dataFolder, name)
    this.#recoveryPoints = new OffsetCheckpoint({
      disk,
      path: path('recovery-point-offset-checkpoint'),
      current: () => this.#offsets('recoveryPoint', this.#inheritance.recoveryPoints),
    })
    this.#startOffsets = new OffsetCheckpoint({
      disk,
      path: path('log-start-offset-checkpoint'),
      current: () => this.#offsets('startOffsetToSave', this.#inheritance.startOffsets),
    })
  }

  get clusterId(): string {
    return this.#inheritance.meta.clusterId
  }

  get directoryId(): string {
    return this.#inheritance.meta.directoryId
  }

  /** The epoch of the broker that closed these logs before; undefined where it crashed, -1: not known. */
  get cleanShutdownEpoch(): number | undefined {
    return this.#inheritance.cleanShutdownEpoch
  }

  /** The log where it is open, and of that very topic. */
  get({ topic, topicId, partition }: LogName): Log | undefined {
    const log = this.#logs.get(partitionFolderName(topic, partition))
    return log?.topicId === topicId ? log : undefined
  }

  [Symbol.iterator](): IterableIterator<Log> {
    return this.#logs.values()
  }

  /** Opens the log that is in the folder, or makes one. A log of an earlier topic of that name goes. */
  create(name: LogName & { readonly config: () => TopicConfig }): Promise<Log> {
    const folderName = partitionFolderName(name.topic, name.partition)
    return this.#folderJobs.run(folderName, () =>
      this.#limiter.run(async () => {
        assert(!this.#closed, 'no log is opened any more')
        assert(!this.#logs.has(folderName), `${folderName} is open already`)
        const log = await this.#openLog(folderName, name)
        this.#logs.set(folderName, log)
        this.#inheritance.folders.delete(folderName)
        // It ends before what was flushed once (a cut, or damage): what comes now is not on the disk yet.
        const known = this.#inheritance.recoveryPoints.get(folderName) ?? 0
        if (log.recoveryPoint < known) await this.#recoveryPoints.write()
        return log
      }),
    )
  }

  /** Resolves when the log's name is free again; its files are removed in the background. */
  delete(log: Log): Promise<void> {
    const folderName = partitionFolderName(log.topic, log.partition)
    return this.#folderJobs.run(folderName, async () => {
      assert(this.#logs.get(folderName) === log, `${folderName} is deleted once`)
      this.#logs.delete(folderName)
      try {
        this.#removeInBackground(await log.detach())
      } catch (error) {
        // It is still there: who makes the next log of that name has to look whose it is.
        this.#inheritance.folders.add(folderName)
        throw error
      }
    })
  }

  /** Deletes the logs in the data folder that nobody opened: their topics were deleted while we were away. */
  async removeStrays(): Promise<number> {
    const strays = this.#strays
    for (const folderName of strays) {
      this.#options.logger.info({ folder: folderName }, 'log of a deleted topic: removed')
      await this.#folderJobs.run(folderName, () => this.#discard(folderName))
    }
    return strays.length
  }

  /** As removeStrays, but keeps them under names of their own: it is not certain that they were deleted. */
  async setStraysAside(): Promise<number> {
    const strays = this.#strays
    for (const folderName of strays) {
      await this.#folderJobs.run(folderName, async () => {
        const kept = await this.#rename(folderName, strayFolderName)
        this.#options.logger.warn({ folder: kept }, 'log of a topic that nobody knows: set aside')
      })
    }
    return strays.length
  }

  /** Writes recovery points and start offsets down, as they are now. */
  async checkpoint(): Promise<void> {
    await this.#recoveryPoints.write()
    await this.#startOffsets.write()
  }

  /** Writes start offsets down: what was deleted stays deleted, whatever happens. Rejects with DiskError. */
  async checkpointStartOffsets(): Promise<void> {
    await this.#startOffsets.write()
  }

  /** Closes all logs; where each could be, the folder is marked as cleanly shut down. */
  async close(brokerEpoch = -1): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const timer of this.#timers) timer.cancel()
    const logs = [...this.#logs.values()]
    const closed = await Promise.all(
      logs.map((log) => this.#limiter.run(() => this.#closeLog(log))),
    )
    await Promise.all(this.#removals)
    await this.checkpoint()
    // What a crash left and nobody opened since must be recovered by whoever opens it.
    const { folders } = this.#inheritance
    const recovered = this.cleanShutdownEpoch !== undefined || folders.size === 0
    if (!recovered || !closed.every(Boolean)) return
    await markCleanShutdown(this.#options.disk, this.dataFolder, brokerEpoch)
  }

  async #open(): Promise<void> {
    const { disk, config } = this.#options
    const { dataFolder } = this
    await disk.makeFolder(dataFolder)
    const meta = await claimDataFolder({ ...this.#options, dataFolder })
    const cleanShutdownEpoch = await takeCleanShutdown(disk, dataFolder)
    const folders = new Set<string>()
    for (const { name, folder } of await disk.list(dataFolder)) {
      if (!folder) continue
      if (isDeletedFolderName(name)) this.#removeInBackground(join(dataFolder, name))
      else if (parsePartitionFolderName(name) !== undefined) folders.add(name)
    }
    const recoveryPoints = byFolder(await this.#recoveryPoints.read())
    const startOffsets = byFolder(await this.#startOffsets.read())
    this.#inheritance = { meta, cleanShutdownEpoch, folders, recoveryPoints, startOffsets }
    this.#every(config['log.flush.offset.checkpoint.interval.ms'], () => this.#sweep())
    this.#every(config['log.flush.start.offset.checkpoint.interval.ms'], () =>
      this.#startOffsets.write(),
    )
  }

  async #openLog(
    folderName: string,
    name: LogName & { readonly config: () => TopicConfig },
  ): Promise<Log> {
    const { disk } = this.#options
    const folder = join(this.dataFolder, folderName)
    const metadataPath = join(folder, partitionMetadataFileName)
    const { folders, recoveryPoints, startOffsets } = this.#inheritance
    if (folders.has(folderName)) {
      const topicId = await readPartitionMetadata(disk, metadataPath)
      if (topicId === undefined) await writePartitionMetadata(disk, metadataPath, name.topicId)
      else if (topicId !== name.topicId) await this.#discard(folderName)
    }
    const inherited = folders.has(folderName)
    if (!inherited) {
      await this.#forgetCheckpoints(name)
      await disk.makeFolder(folder)
      await writePartitionMetadata(disk, metadataPath, name.topicId)
    }
    return Log.open({
      ...this.#logOptions(name),
      folder,
      recoveryPoint: inherited ? (recoveryPoints.get(folderName) ?? 0) : 0,
      startOffset: inherited ? (startOffsets.get(folderName) ?? 0) : 0,
      cleanShutdown: this.cleanShutdownEpoch !== undefined,
    })
  }

  /** An older log of this name may be checkpointed: what that says is not true of a new one. */
  async #forgetCheckpoints({ topic, partition }: LogName): Promise<void> {
    for (const checkpoint of [this.#recoveryPoints, this.#startOffsets]) {
      if (checkpoint.mayName(topic, partition)) await checkpoint.write()
    }
  }

  #logOptions(name: LogName & { readonly config: () => TopicConfig }) {
    const { clock, random, disk, logger, config, onFailure } = this.#options
    return {
      ...{ clock, random, disk, logger },
      topic: name.topic,
      topicId: name.topicId,
      partition: name.partition,
      config: memoized(name.config),
      producerExpirationMs: config['producer.id.expiration.ms'],
      resources: this.#resources,
      checkpoints: {
        saveRecoveryPoints: () => this.#recoveryPoints.write(),
        saveStartOffsets: () => this.#startOffsets.write(),
      },
      onFailure: (cause: DiskError) => {
        logger.error({ topic: name.topic, partition: name.partition, cause }, 'log failed')
        onFailure?.(name, cause)
      },
    }
  }

  /** Frees the name of a log that is not open. */
  async #discard(folderName: string): Promise<void> {
    this.#removeInBackground(await this.#rename(folderName, deletedFolderName))
  }

  /** @returns the path of the folder now. */
  async #rename(folderName: string, newName: typeof deletedFolderName): Promise<string> {
    const { disk, random } = this.#options
    const parsed = parsePartitionFolderName(folderName)
    assert(parsed !== undefined, 'a log folder')
    const unique = random.bytes(16).toString('hex')
    const renamed = join(this.dataFolder, newName(parsed.topic, parsed.partition, unique))
    await disk.rename(join(this.dataFolder, folderName), renamed)
    this.#inheritance.folders.delete(folderName)
    return renamed
  }

  get #strays(): string[] {
    return [...this.#inheritance.folders].filter((name) => !this.#logs.has(name))
  }

  #removeInBackground(folder: string): void {
    const { disk, logger } = this.#options
    const remove = async () => {
      try {
        await disk.removeFolder(folder)
        await disk.flushFolder(this.dataFolder)
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

  async #closeLog(log: Log): Promise<boolean> {
    try {
      await log.close()
      return true
    } catch (cause) {
      const { topic, partition } = log
      this.#options.logger.error({ topic, partition, cause }, 'log could not be closed cleanly')
      return false
    }
  }

  async #sweep(): Promise<void> {
    for (const log of this.#logs.values()) log.sweepProducers()
    await this.#recoveryPoints.write()
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

  /** Of the logs that are open, and of those that are not open yet as they were found. */
  #offsets(
    which: 'recoveryPoint' | 'startOffsetToSave',
    inherited: ReadonlyMap<string, number>,
  ): PartitionOffset[] {
    const offsets: PartitionOffset[] = []
    for (const log of this.#logs.values()) {
      offsets.push({ topic: log.topic, partition: log.partition, offset: log[which] })
    }
    for (const folderName of this.#inheritance.folders) {
      const offset = inherited.get(folderName) ?? 0
      const name = parsePartitionFolderName(folderName)
      if (name !== undefined) offsets.push({ ...name, offset })
    }
    return offsets.filter(({ offset }) => offset > 0)
  }
}

function byFolder(offsets: readonly PartitionOffset[]): Map<string, number> {
  return new Map(
    offsets.map(({ topic, partition, offset }) => [partitionFolderName(topic, partition), offset]),
  )
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
