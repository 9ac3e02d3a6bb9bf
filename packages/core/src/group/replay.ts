// Replay: what a partition of __consumer_offsets says of its groups, gathered record by record until its
// end is reached. The last record of a key counts; what is not of the classic protocol is skipped.

import { GroupOffsets } from './offsets.ts'
import type { StoredRecord } from './offsets-log.ts'
import { readRecord, type StoredGroup } from './records.ts'

export interface ReplayedGroup {
  /** null: only offsets were committed (a simple consumer), or the group was deleted. */
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
        const { offsets } = this.#group(groupId)
        if (read.committed) offsets.set(topic, partition, read.committed)
        else offsets.delete(topic, partition)
        this.#dropEmpty(groupId)
        break
      }
      case 'group':
        this.#group(read.groupId).group = read.group
        this.#dropEmpty(read.groupId)
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
    if (group && !group.group && group.offsets.isEmpty) this.groups.delete(groupId)
  }
}
