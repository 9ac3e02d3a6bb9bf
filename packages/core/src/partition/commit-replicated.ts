// The commit rule of `replicated` topics (Kafka's ISR): which appended records are committed, and
// whether an append may be accepted at all. With this broker as the only replica a record is committed
// as soon as it is in the log.

import { errors } from '@sluice/protocol/errors'

/** Acknowledgements a producer asks for; -1 is all. */
export type Acks = -1 | 0 | 1

/** What makes a record of a partition committed: a strategy, by sluice.storage of the topic. */
export interface CommitStrategy {
  /** 0, or the error that refuses the append before anything is written. */
  refusal(acks: Acks): number
  /** The offset below which all is committed, now that the log ends at `endOffset`. Never goes back. */
  appended(endOffset: number): number
}

export interface ReplicatedState {
  /** Replicas in sync, this one included. */
  readonly isrSize: () => number
  /** How many must be, at the least: effectiveMinIsr(). */
  readonly minIsr: () => number
}

/**
 * min.insync.replicas as it holds for a partition: no more than it has replicas, for what can never be met
 * would only stop every write (Kafka's Partition.effectiveMinIsr).
 */
export function effectiveMinIsr(minInsyncReplicas: number, replicas: readonly number[]): number {
  return Math.min(minInsyncReplicas, replicas.length)
}

export function commitReplicated(state: ReplicatedState): CommitStrategy {
  return {
    refusal(acks) {
      if (acks !== -1 || state.isrSize() >= state.minIsr()) return 0
      return errors.NOT_ENOUGH_REPLICAS
    },
    appended(endOffset) {
      return endOffset
    },
  }
}
