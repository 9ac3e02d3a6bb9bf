// EntryFile: an index file: fixed-size entries in ascending order, and nothing else.
//
//   file   | page 0 | page 1 | … | page n-1 |     whole pages, written as they fill
//   memory                       | page n … |     the tail: what was appended since
//
// Kafka maps its index files; here the newest entries are in memory, whole pages go to the file, and what
// is looked up comes back through IndexPages: a partition costs a page or two, however long its log is. A
// file that is gone on with has an empty tail, wherever it ended: nothing of it is read for that.
// The file stands on the disk from the first whole page on, or from save(). It is never trusted: whoever
// finds an entry compares it with the log. A failed write loses nothing (the tail waits for the next).

import { DiskError, type DiskFile } from '../host/disk.ts'
import { assert } from '../lib/assert.ts'
import type { Reading } from './disk-reads.ts'
import { type IndexPages, indexPageBytes } from './index-pages.ts'
import type { ClosableFile, OpenFiles } from './open-files.ts'
import type { LogResources } from './resources.ts'

const firstTailEntries = 16
const emptyTail = Buffer.alloc(0)

/** An entry, where it lies: valid until the next call. */
export interface FoundEntry {
  readonly index: number
  readonly page: Buffer
  readonly at: number
}

export interface EntryFileOptions {
  /** Opens the file, creating it where it is not there. */
  readonly openFile: () => DiskFile
  readonly entryBytes: number
  readonly resources: Pick<LogResources, 'files' | 'pages'>
  /** Entries in the file; undefined where there is none. */
  readonly savedCount: number | undefined
}

export class EntryFile implements ClosableFile {
  readonly #openFile: () => DiskFile
  readonly #entryBytes: number
  readonly #pageEntries: number
  readonly #pages: IndexPages
  readonly #files: OpenFiles
  readonly #owner: number
  #file: DiskFile | undefined
  /** Being flushed or cut: it stays open. */
  #busy = false
  /** Pages on their way to a slow disk; they are in the tail until they have arrived. Does not reject. */
  #spilling: Promise<void> | undefined
  /** It is not there yet, or was changed since the last flush. */
  #unflushed: boolean
  #count: number
  #savedCount: number
  /** How many of the entries in the file were there before: those may be on the disk alone. */
  #inheritedCount: number
  /** Entries from #tailStart on; a file that is not written to has no tail. */
  #tail: Buffer | undefined
  #tailStart = 0

  constructor(options: EntryFileOptions) {
    this.#openFile = options.openFile
    this.#entryBytes = options.entryBytes
    this.#pageEntries = Math.floor(indexPageBytes / options.entryBytes)
    this.#pages = options.resources.pages
    this.#files = options.resources.files
    this.#owner = this.#pages.newOwner()
    const { savedCount = 0 } = options
    this.#unflushed = options.savedCount === undefined
    this.#count = savedCount
    this.#savedCount = savedCount
    this.#inheritedCount = savedCount
    if (savedCount === 0) this.#tail = emptyTail
  }

  get count(): number {
    return this.#count
  }

  /** Nothing is in the file, or there is none. */
  get empty(): boolean {
    return this.#savedCount === 0
  }

  append(entry: Buffer): void {
    const tail = this.#roomForOne()
    tail.set(entry, (this.#count - this.#tailStart) * this.#entryBytes)
    this.#count += 1
    if (this.#count % this.#pageEntries === 0 && this.#spilling === undefined) this.#spill()
  }

  /** The last entry for which `holds` is true. It is true of the entries up to some point only. */
  *findLast(
    holds: (page: Buffer, at: number) => boolean,
    resident: boolean,
  ): Reading<FoundEntry | undefined> {
    let low = 0
    let high = this.#count
    let found: FoundEntry | undefined
    while (low < high) {
      const index = (low + high) >>> 1
      const entry = yield* this.entry(index, resident)
      if (holds(entry.page, entry.at)) {
        found = entry
        low = index + 1
      } else {
        high = index
      }
    }
    return found
  }

  *entry(index: number, resident: boolean): Reading<FoundEntry> {
    assert(index >= 0 && index < this.#count, `entry ${index} of ${this.#count}`)
    if (this.#tail !== undefined && index >= this.#tailStart) {
      return { index, page: this.#tail, at: (index - this.#tailStart) * this.#entryBytes }
    }
    const number = Math.floor(index / this.#pageEntries)
    const page = yield* this.#page(number, resident)
    return { index, page, at: (index % this.#pageEntries) * this.#entryBytes }
  }

  /** Writes what is not in the file yet and makes all of it durable. The file exists afterwards. */
  async save(): Promise<void> {
    await this.#spilling
    await this.#writeTail()
    if (!this.#unflushed) return
    await this.#whileBusy((file) => file.flush())
    this.#unflushed = false
  }

  /** Nothing will be appended any more: the memory of the tail is given up. */
  seal(): void {
    assert(this.#savedCount === this.#count, 'a sealed index is saved')
    // It ends behind what was in the file before the tail.
    this.#pages.drop(this.#owner, Math.floor(this.#tailStart / this.#pageEntries))
    this.#tail = undefined
  }

  /** More is going to be appended, behind what is there. */
  goOn(): void {
    if (this.#tail !== undefined) return
    this.#tail = emptyTail
    this.#tailStart = this.#count
  }

  /** Keeps the first `count` entries; more can be appended afterwards. */
  async truncate(count: number): Promise<void> {
    assert(count <= this.#count, 'truncating makes an index shorter')
    await this.#spilling
    this.#dropPages(count)
    if (this.#savedCount > count) {
      this.#unflushed = true
      await this.#whileBusy((file) => file.truncate(count * this.#entryBytes))
      this.#savedCount = count
      this.#inheritedCount = Math.min(this.#inheritedCount, count)
    }
    this.#count = count
    if (this.#tail !== undefined && this.#tailStart <= count) return
    this.#tail = emptyTail
    this.#tailStart = count
  }

  async close(): Promise<void> {
    await this.#spilling
    this.#dropPages(0)
    const file = this.#file
    this.#file = undefined
    this.#files.closed(this)
    await file?.close()
  }

  /** A read that is under way ends first (DiskFile.close). */
  closeIfIdle(): boolean {
    if (this.#busy || this.#spilling !== undefined) return false
    // Nothing is lost with a file that is read or was flushed, nor with one that is rebuilt after a crash.
    this.#file?.close().catch(() => {})
    this.#file = undefined
    return true
  }

  *#page(number: number, resident: boolean): Reading<Buffer> {
    const kept = this.#pages.get(this.#owner, number)
    if (kept !== undefined) return kept
    const start = number * this.#pageEntries
    // Zeros where the file is shorter than it was: no log agrees with them, so they are found out.
    const page = Buffer.alloc(this.#pageBytes(number))
    const position = start * this.#entryBytes
    const written = start >= this.#inheritedCount
    yield { file: this.#open(), target: page, position, resident: resident && written }
    // Meanwhile the tail may have gone to the file.
    if (page.length === this.#pageBytes(number)) this.#pages.put(this.#owner, number, page)
    return page
  }

  /** Of a page that is looked up in the file: it ends where the tail begins. */
  #pageBytes(number: number): number {
    const fileCount = this.#tail === undefined ? this.#savedCount : this.#tailStart
    const start = number * this.#pageEntries
    return Math.min(this.#pageEntries, fileCount - start) * this.#entryBytes
  }

  #roomForOne(): Buffer {
    const tail = this.#tail
    assert(tail !== undefined, 'a sealed index does not grow')
    const usedBytes = (this.#count - this.#tailStart) * this.#entryBytes
    if (usedBytes < tail.length) return tail
    const grown = Buffer.allocUnsafeSlow(
      Math.max(firstTailEntries * this.#entryBytes, usedBytes * 2),
    )
    tail.copy(grown, 0, 0, usedBytes)
    this.#tail = grown
    return grown
  }

  /** The tail ends at a page boundary: moves it to the file. */
  #spill(): void {
    let written: undefined | Promise<void>
    try {
      this.#open()
      written = this.#writeTail()
    } catch (error) {
      stayInMemory(error)
      return
    }
    if (written === undefined) {
      this.#forgetTail(this.#count)
      return
    }
    const count = this.#count
    this.#spilling = written
      .then(() => this.#forgetTail(count), stayInMemory)
      .finally(() => {
        this.#spilling = undefined
      })
  }

  /** The entries before `count`, a page boundary, are in the file. */
  #forgetTail(count: number): void {
    const tail = this.#tail as Buffer
    const number = Math.floor((count - 1) / this.#pageEntries)
    const start = (number * this.#pageEntries - this.#tailStart) * this.#entryBytes
    const end = (count - this.#tailStart) * this.#entryBytes
    // Of the page in which the file was gone on with only the end is here.
    if (start < 0) this.#pages.drop(this.#owner, number)
    else this.#pages.put(this.#owner, number, Buffer.from(tail.subarray(start, end)))
    if (this.#count > count) {
      this.#tail = Buffer.from(
        tail.subarray(end, (this.#count - this.#tailStart) * this.#entryBytes),
      )
    }
    this.#tailStart = count
  }

  /** Throws DiskError, or rejects with it; a promise where the disk is slow. */
  #writeTail(): undefined | Promise<void> {
    const count = this.#count
    const unsaved = count - this.#savedCount
    if (unsaved === 0) return undefined
    const tail = this.#tail as Buffer
    const from = (this.#savedCount - this.#tailStart) * this.#entryBytes
    const entries = tail.subarray(from, from + unsaved * this.#entryBytes)
    this.#unflushed = true
    const pending = this.#open().append([entries])
    if (pending === undefined) this.#savedCount = count
    return pending?.then(() => {
      this.#savedCount = count
    })
  }

  #open(): DiskFile {
    this.#file ??= this.#openFile()
    this.#files.used(this)
    return this.#file
  }

  async #whileBusy(work: (file: DiskFile) => Promise<void>): Promise<void> {
    this.#busy = true
    try {
      await work(this.#open())
    } finally {
      this.#busy = false
    }
  }

  #dropPages(fromEntry: number): void {
    const last = Math.ceil(this.#count / this.#pageEntries)
    for (let page = Math.floor(fromEntry / this.#pageEntries); page <= last; page++) {
      this.#pages.drop(this.#owner, page)
    }
  }
}

/** What the disk does not take is in memory still; the next spill or save tries again, and tells. */
function stayInMemory(error: unknown): void {
  if (!(error instanceof DiskError)) throw error
}
