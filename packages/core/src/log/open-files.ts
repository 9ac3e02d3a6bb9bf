// OpenFiles: the files that logs hold open and could do without for a while. Beyond a number of them those
// that were not used for longest are closed; they are opened again when they are needed.

/** Well below what a process may open where limits are tight, with room for sockets. */
const defaultFilesMax = 4096
/** Files in use that are passed over in search of one that is not. */
const passedOverMax = 16

export interface ClosableFile {
  /**
   * Closes the file unless it is in use, or has writes to be flushed and `unflushed` is false (a new
   * descriptor may miss the error of an old write). @returns whether it is closed.
   */
  closeIfIdle(unflushed: boolean): boolean
}

export class OpenFiles {
  readonly #filesMax: number
  /** In the order of use. */
  readonly #files = new Set<ClosableFile>()
  #latest: ClosableFile | undefined

  constructor(filesMax = defaultFilesMax) {
    this.#filesMax = filesMax
  }

  get count(): number {
    return this.#files.size
  }

  /** `file` is open and is being used. */
  used(file: ClosableFile): void {
    if (file === this.#latest) return
    this.#latest = file
    this.#files.delete(file)
    this.#files.add(file)
    if (this.#files.size > this.#filesMax) this.#closeOldest()
  }

  /** `file` was closed by its owner. */
  closed(file: ClosableFile): void {
    this.#files.delete(file)
    if (this.#latest === file) this.#latest = undefined
  }

  #closeOldest(): void {
    if (!this.#closeFirst(false)) this.#closeFirst(true)
  }

  #closeFirst(unflushed: boolean): boolean {
    let passedOver = 0
    for (const file of this.#files) {
      if (file === this.#latest || passedOver === passedOverMax) return false
      passedOver += 1
      if (!file.closeIfIdle(unflushed)) continue
      this.#files.delete(file)
      return true
    }
    return false
  }
}
