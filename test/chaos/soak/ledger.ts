// The books of a soak: what the broker acknowledged and what was read. An acknowledged record and a read one of the
// same offset must say the same; what is left over at the end was lost, or came from nowhere.

export class Ledger {
  readonly violations: string[] = []
  acknowledgedCount = 0
  readCount = 0
  /** topic-partition -> offset -> value, of the one side that has come so far. */
  readonly #acknowledged = new Map<string, Map<number, string>>()
  readonly #read = new Map<string, Map<number, string>>()
  readonly #next = new Map<string, number>()
  /** Values whose fate is not known: their send failed, and they may be there. */
  readonly #doubtful = new Set<string>()

  acknowledged(topic: string, partition: number, offset: number, value: string): void {
    this.acknowledgedCount += 1
    this.#match(`${topic}-${partition}`, offset, value, this.#acknowledged, this.#read)
  }

  /** In the order in which a reader sees them, from offset 0 on. */
  read(topic: string, partition: number, offset: number, value: string): void {
    const place = `${topic}-${partition}`
    const expected = this.#next.get(place) ?? 0
    if (offset !== expected)
      this.violation(`${place}: offset ${offset} was read after ${expected - 1}`)
    this.#next.set(place, offset + 1)
    this.readCount += 1
    if (this.#doubtful.delete(value)) return
    this.#match(place, offset, value, this.#read, this.#acknowledged)
  }

  doubtful(value: string): void {
    this.#doubtful.add(value)
  }

  violation(text: string): void {
    this.violations.push(text)
  }

  /** Acknowledged and not read so far. */
  get outstanding(): number {
    let count = 0
    for (const offsets of this.#acknowledged.values()) count += offsets.size
    return count
  }

  /** At the end, when everything was read that is there. */
  close(): void {
    for (const [place, offsets] of this.#acknowledged) {
      const [offset] = offsets.keys()
      this.violation(
        `${place}: ${offsets.size} acknowledged records are lost, the first at ${offset}`,
      )
    }
    for (const [place, offsets] of this.#read) {
      const [offset] = offsets.keys()
      this.violation(`${place}: ${offsets.size} records came from nowhere, the first at ${offset}`)
    }
  }

  #match(
    place: string,
    offset: number,
    value: string,
    own: Map<string, Map<number, string>>,
    other: Map<string, Map<number, string>>,
  ): void {
    const counterparts = other.get(place)
    const counterpart = counterparts?.get(offset)
    if (counterpart === undefined) {
      const waiting = own.get(place) ?? new Map<number, string>()
      own.set(place, waiting.set(offset, value))
      return
    }
    counterparts?.delete(offset)
    if (counterparts?.size === 0) other.delete(place)
    if (counterpart !== value) this.violation(`${place}: another record is at ${offset}`)
  }
}
