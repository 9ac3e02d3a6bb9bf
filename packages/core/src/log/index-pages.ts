// IndexPages: pages of index files kept in memory, those used last, in a bounded number of bytes. One for
// all logs of a process: ten thousand partitions share it.

/** A page holds as many whole entries as fit. */
export const indexPageBytes = 4096
const defaultBytesMax = 16 * 1024 * 1024
/** Pages of one file: more than an index.max.bytes of 2 GiB gives. */
const pagesPerFileMax = 2 ** 20

export class IndexPages {
  /** In the order of use. Keys are owner and page in one number. */
  readonly #pages = new Map<number, Buffer>()
  readonly #bytesMax: number
  #bytes = 0
  #owners = 0

  constructor(bytesMax = defaultBytesMax) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** A number under which one file keeps its pages. */
  newOwner(): number {
    return this.#owners++
  }

  get(owner: number, page: number): Buffer | undefined {
    const key = owner * pagesPerFileMax + page
    const found = this.#pages.get(key)
    if (found === undefined) return undefined
    this.#pages.delete(key)
    this.#pages.set(key, found)
    return found
  }

  put(owner: number, page: number, content: Buffer): void {
    this.drop(owner, page)
    this.#pages.set(owner * pagesPerFileMax + page, content)
    this.#bytes += content.length
    for (const [key, oldest] of this.#pages) {
      if (this.#bytes <= this.#bytesMax) break
      this.#pages.delete(key)
      this.#bytes -= oldest.length
    }
  }

  drop(owner: number, page: number): void {
    const key = owner * pagesPerFileMax + page
    const found = this.#pages.get(key)
    if (found === undefined) return
    this.#pages.delete(key)
    this.#bytes -= found.length
  }
}
