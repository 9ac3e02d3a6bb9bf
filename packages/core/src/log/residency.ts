// Residency: which bytes of the logs are believed to be in the page cache. A process cannot ask, so it
// counts: every byte that it wrote or read from a log pushed older ones out, and the last `windowBytes`
// of them are taken to be still there. Only those may be read from the event loop.
//
//   segment   |....|range|..............|range|range|   each range stamped with the count at its use

/** Small against what any machine that runs a broker gives to its page cache. */
const defaultWindowBytes = 128 * 1024 * 1024
/** A range stops growing at this size, so that its beginning can age. */
const rangeBytesMax = 4 * 1024 * 1024
const rangesMax = 64

/** One for all logs of a process. */
export class Residency {
  readonly windowBytes: number
  /** Bytes written or read since the start. */
  usedBytes = 0

  constructor(windowBytes = defaultWindowBytes) {
    this.windowBytes = windowBytes
  }
}

interface Range {
  from: number
  to: number
  stamp: number
}

/** What of one file is resident. */
export class ResidentRanges {
  readonly #residency: Residency
  /** In the order of their use, the latest last. */
  #ranges: Range[] = []

  constructor(residency: Residency) {
    this.#residency = residency
  }

  /** Bytes `from` up to `to` have just been written or read. */
  used(from: number, to: number): void {
    this.#residency.usedBytes += to - from
    const stamp = this.#residency.usedBytes
    const last = this.#ranges.at(-1)
    if (last !== undefined && last.to === from && to - last.from <= rangeBytesMax) {
      last.to = to
      last.stamp = stamp
      return
    }
    if (this.#ranges.length === rangesMax) this.#ranges.shift()
    this.#ranges.push({ from, to, stamp })
  }

  holds(from: number, to: number): boolean {
    const oldest = this.#residency.usedBytes - this.#residency.windowBytes
    let end = to
    for (let i = this.#ranges.length - 1; i >= 0; i--) {
      const range = this.#ranges[i]
      if (range.stamp < oldest) return false
      if (range.from >= end || range.to < end) continue
      end = range.from
      if (end <= from) return true
    }
    return false
  }

  /** The file was cut: what lay behind `to` is gone. */
  cut(to: number): void {
    this.#ranges = this.#ranges
      .filter((range) => range.from < to)
      .map((range) => ({ ...range, to: Math.min(range.to, to) }))
  }
}
