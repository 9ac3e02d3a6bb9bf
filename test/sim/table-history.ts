// What is known of the keys of a compacted topic: which versions of each were sent, in their order, and which
// of them were deletions. Each reading of a partition from its beginning is held against it:
//
//   of each key nothing older comes than what was acknowledged before the reading began
//   versions of a key rise with their offsets, none comes twice
//   a key that is not there was deleted; while tombstones are kept, its tombstone is there
//
// Which value stands at which offset is the history's affair.

import { type History, name as nameOf, type Place } from './history.ts'
import type { ReadRecord } from './log-reader.ts'

export const tableTopic = 'table'

export interface Version {
  readonly key: string
  readonly number: number
  readonly deletes: boolean
}

/** By key, the version that was acknowledged last. */
export type Latest = ReadonlyMap<string, Version>

const deletion = '-'

/** `w0k3#17`, and `w0k3#18-` for a deletion. */
export function valueOfVersion({ key, number, deletes }: Version): string {
  return `${key}#${number}${deletes ? deletion : ''}`
}

export function versionOfValue(value: string): Version | undefined {
  const match = /^([^#]+)#(\d+)(-?)$/.exec(value)
  if (match === null) return undefined
  return { key: match[1], number: Number(match[2]), deletes: match[3] === deletion }
}

export class TableHistory {
  readonly #history: History
  readonly #sent = new Map<string, Version[]>()

  constructor(history: History) {
    this.#history = history
  }

  sending(version: Version): void {
    const versions = this.#sent.get(version.key)
    if (versions === undefined) this.#sent.set(version.key, [version])
    else versions.push(version)
  }

  /** As of now. */
  latest(place: Place): Latest {
    const latest = new Map<string, Version>()
    for (const value of this.#history.acknowledgedValues(place).values()) {
      const version = versionOfValue(value)
      if (version === undefined) continue
      if (version.number > (latest.get(version.key)?.number ?? -1)) latest.set(version.key, version)
    }
    return latest
  }

  /**
   * A reading that began when `before` had been acknowledged. `tombstonesStay`: it was over before the first
   * tombstone could go of those there were when it began; `allStay`: none has gone since the start of the run.
   */
  wasRead(
    place: Place,
    records: readonly ReadRecord[],
    given: { before: Latest; tombstonesStay: boolean; allStay: boolean },
  ): void {
    const state = new Map<string, Version>()
    let last = -1
    for (const { offset, key, value } of records) {
      if (offset <= last) this.#fail(place, `${offset} comes after ${last}`)
      last = offset
      this.#history.read(place, offset, value)
      const version = versionOfValue(value)
      if (version === undefined || version.key !== key) {
        this.#fail(place, `${offset} holds ${value} under ${key}`)
        continue
      }
      const older = state.get(key)
      if (older !== undefined && older.number >= version.number) {
        this.#fail(place, `${offset} holds ${value} behind ${valueOfVersion(older)}`)
      }
      state.set(key, version)
    }
    // A loss of power may have taken some of it meanwhile.
    const now = this.latest(place)
    for (const one of given.before.values()) {
      if ((now.get(one.key)?.number ?? -1) < one.number) continue
      this.#check(place, one, state.get(one.key), given)
    }
  }

  #check(
    place: Place,
    expected: Version,
    found: Version | undefined,
    { tombstonesStay, allStay }: { tombstonesStay: boolean; allStay: boolean },
  ): void {
    const text = `${valueOfVersion(expected)} was acknowledged`
    if (found === undefined) {
      if (!allStay && this.#deletedFrom(expected)) return
      this.#fail(place, `${text}, and nothing of its key is there`)
    } else if (found.number < expected.number) {
      // Whoever reads for longer than tombstones are kept may see a value and miss its tombstone.
      if (!tombstonesStay && this.#deletedFrom(expected)) return
      this.#fail(place, `${text}, and its key has ${valueOfVersion(found)}`)
    }
  }

  /** Whether that version of a key, or one sent later, is a deletion. */
  #deletedFrom({ key, number }: Version): boolean {
    return this.#sent.get(key)?.some((one) => one.deletes && one.number >= number) ?? false
  }

  #fail(place: Place, text: string): void {
    this.#history.violation(`${nameOf(place)}: ${text}`)
  }
}
