// OffsetCheckpoint: one offset for each partition of a data folder, as in Kafka's files
// recovery-point-offset-checkpoint and log-start-offset-checkpoint. Writes that are asked for while one is
// under way are joined into one.

import type { Disk } from '../host/disk.ts'
import { parseOffset, readCheckpoint, writeCheckpoint } from './checkpoint-file.ts'

export interface PartitionOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export class OffsetCheckpoint {
  readonly #disk: Disk
  readonly #path: string
  readonly #current: () => PartitionOffset[]
  #writing: Promise<void> | undefined
  #next: Promise<void> | undefined
  /** As of the last write or read, by name and partition. */
  #written = new Map<string, number>()

  /** `current` gives what a write is to say. */
  constructor(options: { disk: Disk; path: string; current: () => PartitionOffset[] }) {
    this.#disk = options.disk
    this.#path = options.path
    this.#current = options.current
  }

  async read(): Promise<PartitionOffset[]> {
    const entries = (await readCheckpoint(this.#disk, this.#path, 3)) ?? []
    const offsets: PartitionOffset[] = []
    for (const [topic, partitionText, offsetText] of entries) {
      const partition = parseOffset(partitionText)
      const offset = parseOffset(offsetText)
      if (partition === undefined || offset === undefined) return []
      offsets.push({ topic, partition, offset })
    }
    this.#written = byName(offsets)
    return offsets
  }

  /** Whether the file, as it stands or is being written, may say something of this partition. */
  mayName(topic: string, partition: number): boolean {
    return this.#writing !== undefined || this.#written.has(nameOf(topic, partition))
  }

  /** Resolves when what holds now is on the disk. */
  write(): Promise<void> {
    if (this.#writing === undefined) return this.#start()
    this.#next ??= this.#writing.then(
      () => this.#start(),
      () => this.#start(),
    )
    return this.#next
  }

  #start(): Promise<void> {
    this.#next = undefined
    const writing = this.#writeNow()
    this.#writing = writing
    const clear = () => {
      if (this.#writing === writing) this.#writing = undefined
    }
    writing.then(clear, clear)
    return writing
  }

  async #writeNow(): Promise<void> {
    const offsets = this.#current()
    const named = byName(offsets)
    if (equal(named, this.#written)) return
    await writeCheckpoint(
      this.#disk,
      this.#path,
      offsets.map(({ topic, partition, offset }) => [topic, partition, offset]),
    )
    this.#written = named
  }
}

function nameOf(topic: string, partition: number): string {
  return `${topic}-${partition}`
}

function byName(offsets: readonly PartitionOffset[]): Map<string, number> {
  return new Map(offsets.map((one) => [nameOf(one.topic, one.partition), one.offset]))
}

function equal(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  if (a.size !== b.size) return false
  for (const [name, offset] of a) if (b.get(name) !== offset) return false
  return true
}
