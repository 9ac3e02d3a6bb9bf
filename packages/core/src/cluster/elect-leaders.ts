// What a request to elect a leader comes to (KIP-460): the partition under its new leader, or Kafka's
// error. Pure.

import { errors } from '@sluice/protocol/errors'
import type { PartitionImage } from './image.ts'
import { type Refusal, refusal } from './refusal.ts'

/** preferred: the first replica, if it is in sync; unclean: any live replica, where there is no leader. */
export type ElectionType = 'preferred' | 'unclean'

export function planElection(
  partition: PartitionImage,
  type: ElectionType,
  isLive: (broker: number) => boolean,
): { ok: true; partition: PartitionImage } | Refusal {
  const { leader, replicas, isr } = partition
  const needed = type === 'preferred' ? leader !== replicas[0] : leader === -1
  if (!needed) {
    return refusal(errors.ELECTION_NOT_NEEDED, 'Leader election not needed for topic partition.')
  }
  if (type === 'preferred') {
    const [preferred] = replicas
    if (isLive(preferred) && isr.includes(preferred)) return elected(partition, preferred, isr)
    const message = 'The preferred leader was not available.'
    return refusal(errors.PREFERRED_LEADER_NOT_AVAILABLE, message)
  }
  const inSync = replicas.find((id) => isLive(id) && isr.includes(id))
  if (inSync !== undefined) return elected(partition, inSync, isr)
  const any = replicas.find(isLive)
  // What it lacks is given up: it alone is in sync from now on.
  if (any !== undefined) return elected(partition, any, [any])
  const message = 'Eligible topic partition leaders are not available.'
  return refusal(errors.ELIGIBLE_LEADERS_NOT_AVAILABLE, message)
}

function elected(
  partition: PartitionImage,
  leader: number,
  isr: readonly number[],
): { ok: true; partition: PartitionImage } {
  const { leaderEpoch, partitionEpoch } = partition
  const next = { leader, isr, leaderEpoch: leaderEpoch + 1, partitionEpoch: partitionEpoch + 1 }
  return { ok: true, partition: { ...partition, ...next } }
}
