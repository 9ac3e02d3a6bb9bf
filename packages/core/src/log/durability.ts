// Durability: what of a log is on the disk for good, and getting it there. The recovery point is the offset
// below which all is: after a crash only the segments from there on are looked at.
//
// It moves over a segment when its records and indexes, its entry in the folder and the leader epochs of
// its batches have been flushed. A flush that failed is never tried again: the log has failed then.

import { dirname } from 'node:path/posix'
import type { Disk } from '../host/disk.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { Segment } from './segment.ts'
import type { Snapshot, SnapshotFiles } from './snapshot-files.ts'

export interface DurabilityOptions {
  readonly disk: Disk
  readonly folder: string
  readonly segments: readonly Segment[]
  readonly epochs: LeaderEpochs
  readonly snapshots: SnapshotFiles
  readonly recoveryPoint: number
}

export class Durability {
  readonly #options: DurabilityOptions
  #recoveryPoint: number
  #folderChanged = false
  /** Nobody has made sure yet that the folder itself stays. */
  #folderIsNew = true
  #snapshots: Snapshot[] = []

  constructor(options: DurabilityOptions) {
    this.#options = options
    this.#recoveryPoint = options.recoveryPoint
  }

  get recoveryPoint(): number {
    return this.#recoveryPoint
  }

  /** Segments before the last that are not sealed yet. */
  get unsealedSegments(): number {
    return this.#unsealedBefore(Number.POSITIVE_INFINITY).length
  }

  /** A file was created. */
  folderChanged(): void {
    this.#folderChanged = true
  }

  /** To be written with the next flush. */
  add(snapshot: Snapshot): void {
    this.#snapshots.push(snapshot)
  }

  /** The log was cut at `offset`: nothing behind it is durable, or a snapshot of anything. */
  cut(offset: number): void {
    this.#recoveryPoint = Math.min(this.#recoveryPoint, offset)
    this.#snapshots = this.#snapshots.filter((snapshot) => snapshot.offset <= offset)
  }

  /** The log is empty and begins at `offset`. */
  startAt(offset: number): void {
    this.#recoveryPoint = offset
    this.#snapshots = []
  }

  /** Seals the segments before the last. Calls of the three flushes do not overlap. */
  async flushSealed(): Promise<void> {
    await this.#flush(this.#last.baseOffset)
  }

  /** Makes all durable that is below `endOffset`, the end of the log now. */
  async flush(endOffset: number): Promise<void> {
    await this.#last.flush()
    await this.#flush(endOffset)
  }

  /** As flush(), for a log that is closed: its last segment is sealed, too. */
  async flushForGood(endOffset: number): Promise<void> {
    await this.#last.seal()
    await this.#flush(endOffset)
  }

  get #last(): Segment {
    const { segments } = this.#options
    return segments[segments.length - 1]
  }

  async #flush(upTo: number): Promise<void> {
    const { epochs } = this.#options
    // The last segment may be rolled while we wait: then it is to be sealed as well.
    do {
      for (const segment of this.#unsealedBefore(upTo)) await segment.seal()
      await this.#flushFolder()
      await epochs.save()
    } while (this.#unsealedBefore(upTo).length > 0)
    this.#recoveryPoint = Math.max(this.#recoveryPoint, upTo)
    while (this.#snapshots.length > 0) {
      await this.#options.snapshots.write(this.#snapshots[0])
      this.#snapshots.shift()
    }
  }

  async #flushFolder(): Promise<void> {
    if (!this.#folderChanged) return
    this.#folderChanged = false
    const { disk, folder } = this.#options
    await disk.flushFolder(folder)
    if (this.#folderIsNew) await disk.flushFolder(dirname(folder))
    this.#folderIsNew = false
  }

  /** Oldest first, the last segment of the log aside. */
  #unsealedBefore(offset: number): Segment[] {
    const { segments } = this.#options
    const found: Segment[] = []
    for (let i = segments.length - 2; i >= 0 && !segments[i].sealed; i--) {
      if (segments[i].baseOffset < offset) found.unshift(segments[i])
    }
    return found
  }
}
