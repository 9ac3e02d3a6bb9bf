// OffsetReset: where the offsets of a group are to go, by each of the strategies that Kafka's tool has. A
// pure plan: what is committed and what the logs hold is asked before, and what to commit comes out.

import { keyOf, type TopicPartition } from './topic-partition.ts'

export type Strategy =
  | { readonly to: 'earliest' | 'latest' | 'current' }
  | { readonly to: 'offset'; readonly offset: number }
  | { readonly to: 'shift'; readonly by: number }
  | { readonly to: 'time'; readonly timestampMs: number }
  | { readonly to: 'file'; readonly offsets: ReadonlyMap<string, number> }

export interface PartitionFacts extends TopicPartition {
  /** Null where nothing is committed. */
  readonly committed: number | null
  /** The first offset that is there, and the one that the next record will get. */
  readonly start: number
  readonly end: number
  /** For 'time': the first record of that time or later; null where none is so late. */
  readonly atTime: number | null
}

export interface PlannedOffset extends PartitionFacts {
  readonly offset: number
  /** Why it is not the offset that was asked for; null where it is. */
  readonly note: string | null
}

export type ResetPlan =
  | { readonly ok: true; readonly offsets: readonly PlannedOffset[] }
  | { readonly ok: false; readonly message: string }

export function planReset(strategy: Strategy, facts: readonly PartitionFacts[]): ResetPlan {
  const offsets: PlannedOffset[] = []
  for (const of of facts) {
    const target = targetOf(strategy, of)
    if (typeof target === 'string') return { ok: false, message: target }
    offsets.push({ ...of, ...target })
  }
  return { ok: true, offsets }
}

type Target = Pick<PlannedOffset, 'offset' | 'note'>

/** A string says why there is none. */
function targetOf(strategy: Strategy, of: PartitionFacts): Target | string {
  switch (strategy.to) {
    case 'earliest':
      return { offset: of.start, note: null }
    case 'latest':
      return { offset: of.end, note: null }
    case 'current':
      if (of.committed !== null) return { offset: of.committed, note: null }
      return { offset: of.end, note: 'nothing is committed: the end' }
    case 'offset':
      return within(of, strategy.offset)
    case 'shift':
      if (of.committed !== null) return within(of, of.committed + strategy.by)
      return `${of.topic}-${of.partition}: nothing is committed that could be shifted`
    case 'time':
      if (of.atTime !== null) return { offset: of.atTime, note: null }
      return { offset: of.end, note: 'no record is so late: the end' }
    case 'file':
      return within(of, strategy.offsets.get(keyOf(of)) ?? of.end)
  }
}

/** Offsets outside of the log become its ends. */
function within({ start, end }: PartitionFacts, offset: number): Target {
  if (offset < start) return { offset: start, note: `${offset} is before the start` }
  if (offset > end) return { offset: end, note: `${offset} is behind the end` }
  return { offset, note: null }
}
