// closed-logs-checkpoint: what the logs of a folder were when their last owner closed them. A start takes each
// from here instead of looking into its files: of ten thousand logs that is most of the time of a start.
//
//   .kafka_cleanshutdown     {"version":"0","broker_epoch":"12","closed_logs":"8c0d5b3f"}
//   closed-logs-checkpoint   {"version":0,"logs":{"orders-0":{…},…}}           ^ its CRC32C
//
// It is bound to the mark of the clean end, which goes before anything is touched: without that mark, or beside
// one that another program wrote (Kafka), it says nothing. A log whose folder or last file was modified since,
// by whomever, is opened as if it was not named here. All that it says stands in the log's own files, too.

import { basename, join } from 'node:path/posix'
import { crc32c } from '@sluice/protocol/records/crc32c'
import { type Disk, DiskError } from '../host/disk.ts'
import { segmentFileName } from './file-names.ts'
import type { EpochStart } from './leader-epochs.ts'
import type { LogFolder } from './log-folder.ts'
import type { SegmentPlace } from './segment.ts'

const fileName = 'closed-logs-checkpoint'
const version = 0
/** Logs beyond so many segments are not named: the file would be larger than it is worth. */
const segmentsMax = 100_000

/** A log whose files are closed, durable and as they are to be found. */
export interface ClosedState extends LogFolder {
  readonly endOffset: number
  /** Of the last segment. */
  readonly place: SegmentPlace
  readonly epochs: readonly EpochStart[]
  /** Whether its newest snapshot says anything. */
  readonly remembers: boolean
}

interface ClosedLog {
  readonly topicId: string
  /** DiskStat.modified of the log's folder and of its last file. */
  readonly folderStamp: number
  readonly fileStamp: number
  readonly state: ClosedState
}

export class ClosedLogs {
  readonly #disk: Disk
  readonly #folder: string
  /** By folder name, those that were found and not taken yet. */
  #found = new Map<string, ClosedLog>()
  /** Those that are closed now. */
  readonly #closed = new Map<string, ClosedLog>()
  #segments = 0

  constructor(disk: Disk, folder: string) {
    this.#disk = disk
    this.#folder = folder
  }

  /** Reads the file to which the mark of the clean end points, if any, and removes it. */
  async load(checksum: string | undefined): Promise<void> {
    const path = join(this.#folder, fileName)
    if (checksum !== undefined) this.#found = await this.#read(path, checksum)
    await this.#disk.unlink(path)
  }

  /** How the log in that folder was closed: as it is still. To be asked once, before it is opened. */
  take(folderName: string, topicId: string): ClosedState | undefined {
    const found = this.#found.get(folderName)
    this.#found.delete(folderName)
    if (found === undefined || found.topicId !== topicId) return undefined
    const { state } = found
    const now = this.#stamps(join(this.#folder, folderName), state)
    const same = now?.folderStamp === found.folderStamp && now.fileStamp === found.fileStamp
    return same ? state : undefined
  }

  /** The log in `folder` is closed, and nothing is going to touch it any more. */
  add(folder: string, topicId: string, state: ClosedState): void {
    this.#segments += state.segments.length
    if (this.#segments > segmentsMax) return
    const stamps = this.#stamps(folder, state)
    if (stamps !== undefined) this.#closed.set(basename(folder), { topicId, ...stamps, state })
  }

  /** @returns what the mark of the clean end says of the file; undefined where there is none. */
  async write(): Promise<string | undefined> {
    if (this.#closed.size === 0) return undefined
    const logs = Object.fromEntries(this.#closed)
    const content = Buffer.from(JSON.stringify({ version, logs }))
    try {
      await this.#disk.replaceFile(join(this.#folder, fileName), content)
    } catch (error) {
      // On a full disk the next start does without.
      if (error instanceof DiskError && error.kind === 'no-space') return undefined
      throw error
    }
    return checksumOf(content)
  }

  async #read(path: string, checksum: string): Promise<Map<string, ClosedLog>> {
    let content: Buffer
    try {
      content = await this.#disk.readFile(path)
    } catch (error) {
      if (error instanceof DiskError && error.kind === 'not-found') return new Map()
      throw error
    }
    if (checksumOf(content) !== checksum) return new Map()
    // What has this checksum was written by write().
    const file = JSON.parse(content.toString('utf8')) as {
      version: number
      logs: Record<string, ClosedLog>
    }
    return new Map(file.version === version ? Object.entries(file.logs) : [])
  }

  /** Undefined where the last file is not there, or of another size. */
  #stamps(folder: string, { segments }: ClosedState) {
    const { baseOffset, sizeBytes } = segments[segments.length - 1]
    const file = this.#disk.statSync(join(folder, segmentFileName(baseOffset, 'log')))
    const folderStamp = this.#disk.statSync(folder)?.modified
    if (file?.sizeBytes !== sizeBytes || folderStamp === undefined) return undefined
    return { folderStamp, fileStamp: file.modified }
  }
}

function checksumOf(content: Buffer): string {
  return crc32c(content).toString(16).padStart(8, '0')
}
