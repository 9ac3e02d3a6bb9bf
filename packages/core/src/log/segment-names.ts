// SegmentNames: under which names the files of one segment stand, and opening and renaming them:
//
//   <base>.log                in use
//   <base>.log.cleaned        being written by the log cleaner
//   <base>.log.swap           finished: it takes the place of those that it was made of
//   <base>.log.deleted        replaced: it goes when its last reader is done
//
// and the same of its indexes. While the files are being renamed each is found under its old name or its
// new one, so readers go on.

import { join } from 'node:path/posix'
import { type Disk, DiskError, type DiskFile } from '../host/disk.ts'
import { type SegmentFileKind, segmentFileName } from './file-names.ts'

export type SegmentSuffix = '' | '.cleaned' | '.swap' | '.deleted'

export interface SegmentNamesOptions {
  readonly disk: Disk
  readonly folder: string
  readonly baseOffset: number
  readonly suffix?: SegmentSuffix
}

/** The log last: what it is called decides what becomes of a segment after a crash. */
const renamedKinds: readonly SegmentFileKind[] = ['txnindex', 'index', 'timeindex', 'log']

export class SegmentNames {
  readonly #options: SegmentNamesOptions
  #suffix: SegmentSuffix
  #next: SegmentSuffix | undefined

  constructor(options: SegmentNamesOptions) {
    this.#options = options
    this.#suffix = options.suffix ?? ''
  }

  path(kind: SegmentFileKind): string {
    return this.#pathAs(kind, this.#suffix)
  }

  /** Throws DiskError. */
  open(kind: SegmentFileKind, create: boolean): DiskFile {
    const { disk } = this.#options
    if (this.#next === undefined) return disk.openSync(this.path(kind), { create })
    try {
      return disk.openSync(this.path(kind))
    } catch (error) {
      if (!isMissing(error)) throw error
      return disk.openSync(this.#pathAs(kind, this.#next), { create })
    }
  }

  /**
   * Nothing else renames or removes the files meanwhile; those that are not there are passed over. Where it failed
   * it is done again, to the same name.
   */
  async rename(suffix: SegmentSuffix): Promise<void> {
    if (this.#next === undefined && this.#suffix === suffix) return
    this.#next = suffix
    for (const kind of renamedKinds) {
      try {
        await this.#options.disk.rename(this.path(kind), this.#pathAs(kind, suffix))
      } catch (error) {
        if (kind === 'log' || !isMissing(error)) throw error
      }
    }
    this.#suffix = suffix
    this.#next = undefined
  }

  async unlink(kinds: readonly SegmentFileKind[]): Promise<void> {
    const { disk } = this.#options
    const next = this.#next
    for (const kind of kinds) {
      await disk.unlink(this.path(kind))
      if (next !== undefined) await disk.unlink(this.#pathAs(kind, next))
    }
  }

  #pathAs(kind: SegmentFileKind, suffix: SegmentSuffix): string {
    const { folder, baseOffset } = this.#options
    return join(folder, `${segmentFileName(baseOffset, kind)}${suffix}`)
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof DiskError && error.kind === 'not-found'
}
