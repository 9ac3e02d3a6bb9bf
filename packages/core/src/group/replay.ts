// Replay: what a partition of __consumer_offsets says of its groups, gathered record by record until its
// end is reached. The last record of a key counts; what is not of the classic protocol is skipped.
//
// A group whose offsets were all deleted is there, as before, until its own tombstone comes: whoever looks for
// expired offsets writes that.

import { GroupOffsets } from './offsets.ts'
import type { StoredRecord } from './offsets-log.ts'
import { readRecord, type StoredGroup } from './records.ts'

export interface ReplayedGroup {
  /** null: only offsets were committed (a simple consumer). */
  group: StoredGroup | null
  readonly offsets: GroupOffsets
}

export class Replay {
  readonly groups = new Map<string, ReplayedGroup>()
  /** Records that are not ours to read, and the first of them. */
  skippedCount = 0
  firstSkipped: { readonly offset: number; readonly why: string } | undefined

  add(record: StoredRecord): void {
    const read = readRecord(record)
    switch (read.kind) {
      case 'offset': {
        const { groupId, topic, partition } = read.key
        if (read.committed) this.#group(groupId).offsets.set(topic, partition, read.committed)
        else this.groups.get(groupId)?.offsets.delete(topic, partition)
        break
      }
      case 'group':
        this.#group(read.groupId).group = read.group
        if (read.group === null) this.#dropEmpty(read.groupId)
        break
      case 'unknown':
        this.skippedCount += 1
        this.firstSkipped ??= { offset: record.offset, why: read.why }
    }
  }

  #group(groupId: string): ReplayedGroup {
    let group = this.groups.get(groupId)
    if (!group) {
      group = { group: null, offsets: new GroupOffsets() }
      this.groups.set(groupId, group)
    }
    return group
  }

  #dropEmpty(groupId: string): void {
    const group = this.groups.get(groupId)
    if (group?.offsets.isEmpty) this.groups.delete(groupId)
  }
}
