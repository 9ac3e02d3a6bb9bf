// Which committed offsets of a group are no longer wanted (KIP-211): offsets.retention.minutes after
// the group lost its last member, or, for topics that a stable group does not read and for simple
// consumers, after the last commit. Never while a group rebalances: it may be about to read them.

import type { Group } from './group.ts'
import type { CommittedOffset, GroupOffsets } from './offsets.ts'
import { consumerProtocolType, subscribedTopics } from './subscription.ts'

const nothing: ReadonlySet<string> = new Set()

export interface Retention {
  readonly nowMs: number
  readonly retentionMs: number
  /** When the group came into its state; -1: an old record did not say. */
  readonly stateSinceMs: number
}

export function expiredOffsets(
  group: Group,
  offsets: GroupOffsets,
  retention: Retention,
): [topic: string, partition: number][] {
  const rule = ruleFor(group, retention.stateSinceMs)
  if (!rule) return []
  const expired: [string, number][] = []
  for (const [topic, partitions] of offsets.topics()) {
    if (rule.wanted.has(topic)) continue
    for (const [partition, committed] of partitions) {
      // A commit on its way is newer than what stands here.
      if (offsets.isInFlight(topic, partition)) continue
      if (isExpired(committed, rule.sinceMs(committed), retention)) expired.push([topic, partition])
    }
  }
  return expired
}

interface Rule {
  readonly wanted: ReadonlySet<string>
  readonly sinceMs: (committed: CommittedOffset) => number
}

function ruleFor(group: Group, stateSinceMs: number): Rule | undefined {
  const sinceCommit = (committed: CommittedOffset) => committed.commitTimestampMs
  if (group.state === 'Empty') {
    const simple = group.protocolType === '' || stateSinceMs === -1
    return { wanted: nothing, sinceMs: simple ? sinceCommit : () => stateSinceMs }
  }
  if (group.state !== 'Stable' || group.protocolType !== consumerProtocolType) return undefined
  const wanted = subscribedTopics(group)
  return wanted && { wanted, sinceMs: sinceCommit }
}

function isExpired(committed: CommittedOffset, sinceMs: number, retention: Retention): boolean {
  // Clients before OffsetCommit v5 could ask for a retention of their own.
  if (committed.expireTimestampMs !== -1) return retention.nowMs >= committed.expireTimestampMs
  return retention.nowMs - sinceMs >= retention.retentionMs
}
