// What the clients of a run know: every value that was sent, what became of it, and which value stands at
// which offset. Each fact that comes in is held against all that came before.
//
// A value is unique and names its producer and number: `p3#17`. After a power loss a log may be shorter:
// recovered() judges whether that was allowed, and forgets what is known of the lost offsets. What had
// left the broker before may still arrive: it is known by the content of the log at that time.

export interface Place {
  readonly topic: string
  readonly partition: number
}

interface Sent {
  readonly topic: string
  readonly producer: string
  readonly number: number
  readonly idempotent: boolean
  /** It may never be stored. */
  readonly corrupt: boolean
  /** Sent under an idempotency key, perhaps several times: it may stand in a log once. */
  readonly keyed?: boolean
  outcome: 'open' | 'acknowledged' | 'failed'
}

/** A value and its offset. */
export type Position = readonly [number, string]

interface PartitionHistory {
  /** Values by offset, as far as anyone was told. */
  readonly known: Map<number, string>
  readonly acknowledged: Map<number, string>
  /** `offset value` of what was in the log and is not any more. */
  readonly lost: Set<string>
  /** The log begins here at least, and here at most: as acknowledged, and as asked for. */
  startOffset: number
  startOffsetMax: number
}

export class History {
  readonly violations: string[] = []
  readonly #report: (text: string) => void
  readonly #sent = new Map<string, Sent>()
  readonly #partitions = new Map<string, PartitionHistory>()
  #open = 0

  constructor(report: (text: string) => void) {
    this.#report = report
  }

  /** Values whose outcome the producer does not know yet. */
  get open(): number {
    return this.#open
  }

  get acknowledgedCount(): number {
    let count = 0
    for (const { acknowledged } of this.#partitions.values()) count += acknowledged.size
    return count
  }

  violation(text: string): void {
    this.violations.push(text)
    // Without a stack, which would differ between two runs.
    this.#report(`VIOLATION ${text.split('\n')[0]}`)
  }

  sending(value: string, sent: Omit<Sent, 'outcome'>): void {
    this.#sent.set(value, { ...sent, outcome: 'open' })
    this.#open += 1
  }

  failed(value: string): void {
    this.#settle(value, 'failed')
  }

  /** `offset` -1: stored, the producer was not told where. */
  acknowledged(value: string, place: Place, offset: number): void {
    this.#settle(value, 'acknowledged')
    if (this.#sent.get(value)?.corrupt) this.violation(`corrupt ${value} was acknowledged`)
    const { acknowledged, lost } = this.#partition(place)
    if (offset < 0 || lost.has(`${offset} ${value}`)) return
    this.#learn(place, offset, value, 'acknowledged')
    acknowledged.set(offset, value)
  }

  /** Somebody read a record. */
  read(place: Place, offset: number, value: string): void {
    const sent = this.#sent.get(value)
    const at = `${name(place)}@${offset}`
    if (sent === undefined) this.violation(`${at} holds ${value}, which nobody sent`)
    else if (sent.topic !== place.topic) this.violation(`${at} holds ${value} of ${sent.topic}`)
    else if (sent.corrupt) this.violation(`${at} holds ${value}, which was sent corrupt`)
    this.#learn(place, offset, value, 'read')
  }

  /**
   * After a restart the log ends at `endOffset`; at least `keptOffset` had to be kept; `written` was in it
   * before the power losses since the last start.
   */
  recovered(
    place: Place,
    {
      endOffset,
      keptOffset,
      written,
    }: { endOffset: number; keptOffset: number; written: readonly Position[] },
  ): void {
    if (endOffset < keptOffset) {
      this.violation(`${name(place)} ends at ${endOffset}; up to ${keptOffset} had to be kept`)
    }
    const { known, acknowledged, lost } = this.#partition(place)
    for (const [offset, value] of [...written, ...known]) {
      if (offset >= endOffset) lost.add(`${offset} ${value}`)
    }
    for (const offset of known.keys()) if (offset >= endOffset) known.delete(offset)
    for (const offset of acknowledged.keys()) if (offset >= endOffset) acknowledged.delete(offset)
  }

  /** The producer is gone: nobody will tell what became of these values. */
  abandon(producer: string): void {
    for (const sent of this.#sent.values()) {
      if (sent.producer !== producer || sent.outcome !== 'open') continue
      sent.outcome = 'failed'
      this.#open -= 1
    }
  }

  /** What is acknowledged of a partition, by offset. */
  acknowledgedValues(place: Place): ReadonlyMap<number, string> {
    return this.#partition(place).acknowledged
  }

  /** The offset behind the last acknowledged record of a partition. */
  acknowledgedEnd(place: Place): number {
    let end = 0
    for (const offset of this.#partition(place).acknowledged.keys()) end = Math.max(end, offset + 1)
    return end
  }

  /** Somebody asks to delete the records below `offset`. */
  trimming(place: Place, offset: number): void {
    const partition = this.#partition(place)
    partition.startOffsetMax = Math.max(partition.startOffsetMax, offset)
  }

  /** Records below `offset` are deleted for good. */
  trimmed(place: Place, offset: number): void {
    const partition = this.#partition(place)
    partition.startOffset = Math.max(partition.startOffset, offset)
  }

  startOffset(place: Place): number {
    return this.#partition(place).startOffset
  }

  startOffsetMax(place: Place): number {
    return this.#partition(place).startOffsetMax
  }

  /** The whole log of a partition, as read at the end of the run. */
  finalLog(
    place: Place,
    records: readonly { offset: number; value: string }[],
    startOffset: number,
  ): void {
    const partition = this.#partition(place)
    if (startOffset < partition.startOffset || startOffset > partition.startOffsetMax) {
      const { startOffset: least, startOffsetMax: most } = partition
      this.violation(`${name(place)} begins at ${startOffset}, not between ${least} and ${most}`)
    }
    let expected = startOffset
    for (const { offset, value } of records) {
      if (offset !== expected)
        this.violation(`${name(place)}: ${offset} comes after ${expected - 1}`)
      expected = offset + 1
      this.read(place, offset, value)
    }
    const values = new Map(records.map(({ offset, value }) => [offset, value]))
    for (const [offset, value] of partition.acknowledged) {
      if (offset >= startOffset && values.get(offset) !== value) {
        this.violation(
          `${name(place)}@${offset} acknowledged ${value}, holds ${values.get(offset)}`,
        )
      }
    }
    this.#checkIdempotence(place, records)
    this.#checkKeyed(place, records)
  }

  /** Of each idempotent producer the numbers rise: no duplicate, no change of order. */
  #checkIdempotence(place: Place, records: readonly { offset: number; value: string }[]): void {
    const last = new Map<string, number>()
    for (const { offset, value } of records) {
      const sent = this.#sent.get(value)
      if (!sent?.idempotent) continue
      const before = last.get(sent.producer) ?? -1
      if (sent.number <= before) {
        this.violation(`${name(place)}@${offset} ${value} comes after ${sent.producer}#${before}`)
      }
      last.set(sent.producer, sent.number)
    }
  }

  #checkKeyed(place: Place, records: readonly { offset: number; value: string }[]): void {
    const offsets = new Map<string, number>()
    for (const { offset, value } of records) {
      if (!this.#sent.get(value)?.keyed) continue
      const before = offsets.get(value)
      if (before !== undefined) {
        this.violation(
          `${name(place)}@${offset} ${value} is at ${before}, too: its key was forgotten`,
        )
      }
      offsets.set(value, offset)
    }
  }

  #learn(place: Place, offset: number, value: string, how: string): void {
    const { known, lost } = this.#partition(place)
    if (lost.has(`${offset} ${value}`)) return
    const before = known.get(offset)
    if (before === undefined) known.set(offset, value)
    else if (before !== value) {
      this.violation(`${name(place)}@${offset} ${how} ${value}, was ${before} before`)
    }
  }

  #settle(value: string, outcome: 'acknowledged' | 'failed'): void {
    const sent = this.#sent.get(value)
    if (sent === undefined) return
    if (sent.outcome === 'open') this.#open -= 1
    else this.violation(`${value} was ${sent.outcome} and then ${outcome}`)
    sent.outcome = outcome
  }

  #partition(place: Place): PartitionHistory {
    let partition = this.#partitions.get(name(place))
    if (partition === undefined) {
      partition = {
        known: new Map(),
        acknowledged: new Map(),
        lost: new Set(),
        startOffset: 0,
        startOffsetMax: 0,
      }
      this.#partitions.set(name(place), partition)
    }
    return partition
  }
}

export function name({ topic, partition }: Place): string {
  return `${topic}-${partition}`
}
