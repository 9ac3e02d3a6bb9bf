// SnapshotFiles: the producer snapshots in one log's folder. One is taken where a segment begins and one
// at a clean end; the newest sound one is where a restart starts from, and batches behind it are replayed.

import { join } from 'node:path/posix'
import type { Disk } from '../host/disk.ts'
import type { Dedup } from './dedup.ts'
import { segmentFileName } from './file-names.ts'
import {
  addDedup,
  decodeSnapshot,
  encodeDedup,
  encodeSnapshot,
  keysOfDedup,
} from './producer-snapshot.ts'
import type { ProducerState } from './producer-state.ts'
import { readIfThere } from './small-files.ts'

/** A snapshot as of some offset, encoded when the log ended there. */
export interface Snapshot {
  readonly offset: number
  readonly content: Buffer
  readonly dedup: Buffer | undefined
}

export function takeSnapshot(
  offset: number,
  states: readonly ProducerState[],
  dedup: Dedup,
): Snapshot {
  const keys = dedup.size > 0 ? dedup.encode() : undefined
  return { offset, content: encodeSnapshot(states), dedup: encodeDedup(states, keys) }
}

export class SnapshotFiles {
  readonly #disk: Disk
  readonly #folder: string
  /** Ascending. */
  #offsets: number[]

  constructor(options: { disk: Disk; folder: string; offsets: readonly number[] }) {
    this.#disk = options.disk
    this.#folder = options.folder
    this.#offsets = options.offsets.toSorted((a, b) => a - b)
  }

  /** Ascending. */
  get offsets(): readonly number[] {
    return this.#offsets
  }

  get newestOffset(): number | undefined {
    return this.#offsets.at(-1)
  }

  async write(snapshot: Snapshot): Promise<void> {
    const { offset, content, dedup } = snapshot
    // The older batches first: without them the snapshot says less, but nothing wrong.
    if (dedup === undefined) await this.#disk.unlink(this.#path(offset, 'dedup'))
    else await this.#disk.replaceFile(this.#path(offset, 'dedup'), dedup)
    await this.#disk.replaceFile(this.#path(offset, 'snapshot'), content)
    if (!this.#offsets.includes(offset)) {
      this.#offsets = [...this.#offsets, offset].sort((a, b) => a - b)
    }
  }

  /**
   * The newest sound snapshot at or below `upTo`; damaged ones are removed on the way. `dedup`, which is
   * empty, takes the keys.
   */
  async loadNewest(
    upTo: number,
    nowMs: number,
    dedup?: Dedup,
  ): Promise<{ offset: number; states: ProducerState[] } | undefined> {
    for (const offset of this.#offsets.filter((one) => one <= upTo).reverse()) {
      const states = await this.#load(offset, nowMs, dedup)
      if (states !== undefined) return { offset, states }
      await this.#remove((one) => one === offset)
    }
    return undefined
  }

  /** What lies above `offset` speaks of batches that are no longer there. */
  removeAbove(offset: number): Promise<void> {
    return this.#remove((one) => one > offset)
  }

  removeAt(offset: number): Promise<void> {
    return this.#remove((one) => one === offset)
  }

  removeAll(): Promise<void> {
    return this.#remove(() => true)
  }

  /** Keeps those at which a segment begins, and the newest. */
  removeStray(baseOffsets: ReadonlySet<number>): Promise<void> {
    const newest = this.newestOffset
    return this.#remove((one) => one !== newest && !baseOffsets.has(one))
  }

  async #load(
    offset: number,
    nowMs: number,
    dedup: Dedup | undefined,
  ): Promise<ProducerState[] | undefined> {
    const content = await readIfThere(this.#disk, this.#path(offset, 'snapshot'))
    const states = content === undefined ? undefined : decodeSnapshot(content, nowMs)
    if (states === undefined) return undefined
    const older = await readIfThere(this.#disk, this.#path(offset, 'dedup'))
    // Kafka writes none. One that is damaged would let in what was stored: an older snapshot has to do.
    if (older === undefined) return states
    if (!addDedup(older, states)) return undefined
    return dedup === undefined || dedup.load(keysOfDedup(older)) ? states : undefined
  }

  async #remove(goes: (offset: number) => boolean): Promise<void> {
    const going = this.#offsets.filter(goes)
    this.#offsets = this.#offsets.filter((offset) => !goes(offset))
    for (const offset of going) {
      await this.#disk.unlink(this.#path(offset, 'snapshot'))
      await this.#disk.unlink(this.#path(offset, 'dedup'))
    }
  }

  #path(offset: number, kind: 'snapshot' | 'dedup'): string {
    return join(this.#folder, segmentFileName(offset, kind))
  }
}
