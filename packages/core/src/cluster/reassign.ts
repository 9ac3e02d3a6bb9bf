// What a request to move the replicas of a partition comes to (KIP-455), in Kafka's two steps:
//
//   begin     replicas = wanted + those to be removed; adding and removing say which
//   complete  as soon as all added ones are in sync (at once, if none is added): replicas = wanted
//
// Cancelling goes back to the replicas as they were. Pure: the controller writes.

import { errors } from '@sluice/protocol/errors'
import type { PartitionImage } from './image.ts'
import { type Refusal, refusal } from './refusal.ts'

export interface ReassignContext {
  readonly isRegistered: (broker: number) => boolean
  readonly isLive: (broker: number) => boolean
  /** KIP-860: false refuses another number of replicas. */
  readonly mayChangeFactor: boolean
}

/** The partition is as it was where nothing had to change. */
export type Reassigned = { readonly ok: true; readonly partition: PartitionImage } | Refusal

/** `wanted`: the replicas, the preferred leader first; null: cancel what is under way. */
export function planReassignment(
  partition: PartitionImage,
  wanted: readonly number[] | null,
  context: ReassignContext,
): Reassigned {
  if (wanted === null) return cancel(partition, context)
  const { isRegistered, mayChangeFactor } = context
  const wrong = wrongReplicas(wanted, isRegistered)
  if (wrong !== undefined) return refusal(errors.INVALID_REPLICA_ASSIGNMENT, wrong)
  const before = originalReplicas(partition)
  if (!mayChangeFactor && wanted.length !== before.length) {
    const message = `The replication factor is changed from ${before.length} to ${wanted.length}`
    return refusal(errors.INVALID_REPLICATION_FACTOR, message)
  }
  const adding = wanted.filter((id) => !before.includes(id))
  const removing = before.filter((id) => !wanted.includes(id))
  const begun = {
    ...partition,
    replicas: [...wanted, ...removing],
    addingReplicas: adding,
    removingReplicas: removing,
  }
  return { ok: true, partition: moved(partition, complete(begun, context)) }
}

function cancel(partition: PartitionImage, context: ReassignContext): Reassigned {
  const { addingReplicas, removingReplicas, isr } = partition
  if (addingReplicas.length + removingReplicas.length === 0) {
    return refusal(errors.NO_REASSIGNMENT_IN_PROGRESS, 'No partition reassignment is in progress.')
  }
  const replicas = originalReplicas(partition)
  const kept = isr.filter((id) => replicas.includes(id))
  if (kept.length === 0) {
    const message =
      'Unable to revert partition assignment because it would require an unclean leader election.'
    return refusal(errors.INVALID_REPLICA_ASSIGNMENT, message)
  }
  const back = { ...partition, replicas, isr: kept, addingReplicas: [], removingReplicas: [] }
  return { ok: true, partition: moved(partition, withLeader(back, context)) }
}

/** The replicas before a move that may be under way. */
function originalReplicas({ replicas, addingReplicas }: PartitionImage): readonly number[] {
  return replicas.filter((id) => !addingReplicas.includes(id))
}

function complete(begun: PartitionImage, context: ReassignContext): PartitionImage {
  const { replicas, isr, addingReplicas, removingReplicas } = begun
  const stays = replicas.filter((id) => !removingReplicas.includes(id))
  const inSync = isr.filter((id) => stays.includes(id))
  const isThere = addingReplicas.every((id) => isr.includes(id)) && inSync.length > 0
  if (!isThere) return begun
  const done = { ...begun, replicas: stays, isr: inSync, addingReplicas: [], removingReplicas: [] }
  return withLeader(done, context)
}

/** A leader that is no replica any more gives way to the first that is in sync. */
function withLeader(partition: PartitionImage, { isLive }: ReassignContext): PartitionImage {
  const { leader, replicas, isr, leaderEpoch } = partition
  if (leader === -1 || replicas.includes(leader)) return partition
  const next = replicas.find((id) => isr.includes(id) && isLive(id)) ?? -1
  return { ...partition, leader: next, leaderEpoch: leaderEpoch + 1 }
}

function moved(before: PartitionImage, after: PartitionImage): PartitionImage {
  const same =
    sameList(before.replicas, after.replicas) &&
    sameList(before.addingReplicas, after.addingReplicas) &&
    sameList(before.removingReplicas, after.removingReplicas)
  return same ? before : { ...after, partitionEpoch: before.partitionEpoch + 1 }
}

function sameList(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index])
}

function wrongReplicas(
  wanted: readonly number[],
  isRegistered: (broker: number) => boolean,
): string | undefined {
  if (wanted.length === 0) return 'The manual partition assignment includes an empty replica list.'
  const twice = wanted.find((id, at) => wanted.indexOf(id) !== at)
  if (twice !== undefined) {
    return `The manual partition assignment includes the broker ${twice} more than once.`
  }
  const stranger = wanted.find((id) => !isRegistered(id))
  if (stranger === undefined) return undefined
  return `The manual partition assignment includes broker ${stranger}, but no such broker is registered.`
}
