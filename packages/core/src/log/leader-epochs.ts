// LeaderEpochs: at which offset each leader epoch began, from leader-epoch-checkpoint. By it a follower
// finds where it parted from its leader (KIP-101). Epochs and offsets both grow from entry to entry.
//
// Batches carry their epoch too, so what a crash kept from the file is read from the log again; the file
// must be written only before the recovery point passes the batch.

import type { Disk } from '../host/disk.ts'
import { assert } from '../lib/assert.ts'
import { parseOffset, readCheckpoint, writeCheckpoint } from './checkpoint-file.ts'

export const leaderEpochFileName = 'leader-epoch-checkpoint'
export const noLeaderEpoch = -1
/** Where an epoch that is not known ends. */
export const noOffset = -1

export interface EpochStart {
  readonly epoch: number
  readonly startOffset: number
}

export class LeaderEpochs {
  readonly #disk: Disk
  readonly #path: string
  #starts: EpochStart[] = []
  #changed = false

  constructor(disk: Disk, path: string) {
    this.#disk = disk
    this.#path = path
  }

  /** Takes what the file says, as far as it makes sense; `known` is what it would say. */
  async load(known?: readonly EpochStart[]): Promise<void> {
    if (known !== undefined) {
      this.#starts = [...known]
      return
    }
    for (const [epochText, offsetText] of (await readCheckpoint(this.#disk, this.#path, 2)) ?? []) {
      const epoch = parseOffset(epochText)
      const startOffset = parseOffset(offsetText)
      if (epoch === undefined || startOffset === undefined) break
      if (epoch <= this.latest || startOffset < (this.#starts.at(-1)?.startOffset ?? 0)) break
      this.#starts.push({ epoch, startOffset })
    }
  }

  /** The epoch of the newest batch, -1 where there is none. */
  get latest(): number {
    return this.#starts.at(-1)?.epoch ?? noLeaderEpoch
  }

  get starts(): readonly EpochStart[] {
    return this.#starts
  }

  /** The log's next batch, at `startOffset`, is the first of a new epoch. */
  assign(epoch: number, startOffset: number): void {
    if (epoch <= this.latest) return
    // An epoch in which nothing was written leaves no trace.
    while ((this.#starts.at(-1)?.startOffset ?? -1) >= startOffset) this.#starts.pop()
    this.#starts.push({ epoch, startOffset })
    this.#changed = true
  }

  /**
   * The largest epoch known that is <= `epoch`, and where it ends: where the next one begins, or the log.
   * -1 and -1 for an epoch that is newer than all.
   */
  endOffsetFor(epoch: number, logEndOffset: number): { epoch: number; endOffset: number } {
    if (epoch === this.latest) return { epoch, endOffset: epoch < 0 ? noOffset : logEndOffset }
    const next = this.#starts.findIndex((start) => start.epoch > epoch)
    if (next === -1 || epoch < 0) return { epoch: noLeaderEpoch, endOffset: noOffset }
    const endOffset = this.#starts[next].startOffset
    return { epoch: next === 0 ? epoch : this.#starts[next - 1].epoch, endOffset }
  }

  /** The epoch of the batch at `offset`; -1 where it is not known. */
  epochAt(offset: number): number {
    const start = this.#starts.findLast((one) => one.startOffset <= offset)
    return start?.epoch ?? noLeaderEpoch
  }

  truncateFromEnd(endOffset: number): void {
    const kept = this.#starts.filter((start) => start.startOffset < endOffset)
    this.#replace(kept)
  }

  /** The log begins at `startOffset` now: the epoch in which that lies begins there. */
  truncateFromStart(startOffset: number): void {
    const first = this.#starts.findLastIndex((start) => start.startOffset <= startOffset)
    if (first === -1 || this.#starts[first].startOffset === startOffset) {
      this.#replace(this.#starts.slice(Math.max(0, first)))
      return
    }
    const { epoch } = this.#starts[first]
    this.#replace([{ epoch, startOffset }, ...this.#starts.slice(first + 1)])
  }

  clear(): void {
    this.#replace([])
  }

  /** Writes the file if it is behind. Calls do not overlap. */
  async save(): Promise<void> {
    if (!this.#changed) return
    this.#changed = false
    try {
      await writeCheckpoint(
        this.#disk,
        this.#path,
        this.#starts.map(({ epoch, startOffset }) => [epoch, startOffset]),
      )
    } catch (error) {
      this.#changed = true
      throw error
    }
  }

  #replace(starts: EpochStart[]): void {
    const last = starts.at(-1)
    assert(last === undefined || last.epoch <= this.latest, 'truncating adds no epoch')
    if (starts.length !== this.#starts.length || starts[0] !== this.#starts[0]) this.#changed = true
    this.#starts = starts
  }
}
