// Replay: what a partition of __consumer_offsets says of its groups, gathered record by record until its
// end is reached. The last record of a key counts; what is not of the classic protocol is skipped.

import type { Logger } from '../host/logger.ts'
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
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  add(record: StoredRecord): void {
    const read = readRecord(record)
    switch (read.kind) {
      case 'offset': {
        const { offsets } = this.#group(read.key.groupId)
        if (read.committed) offsets.set(read.key.topic, read.key.partition, read.committed)
        else offsets.delete(read.key.topic, read.key.partition)
        break
      }
      case 'group': {
        this.#group(read.groupId).group = read.group
        break
      }
      case 'unknown':
        this.#logger.warn({ offset: record.offset, why: read.why }, 'group record skipped')
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
}
