// LogConfig: what of a topic's configs its logs run by, in the log's own words. "For ever" and "no limit"
// are Infinity here, so that every rule is a plain comparison.

import { longMax } from '../config/definition.ts'
import type { TopicConfig } from '../config/topic-config.ts'

export interface LogConfig {
  /** A segment that this many bytes would exceed is closed. */
  readonly segmentBytes: number
  /** A segment whose first and newest batch are further apart is closed; a random part of the jitter earlier. */
  readonly segmentMs: number
  readonly segmentJitterMs: number
  readonly indexIntervalBytes: number
  readonly indexMaxBytes: number
  readonly retentionMs: number
  readonly retentionBytes: number
  /** Records, not flushed yet, that make an append wait for a flush. */
  readonly flushMessages: number
  readonly flushMs: number
  readonly maxMessageBytes: number
  /** How long a key of an idempotent request is known, and how many are at most. */
  readonly dedupWindowMs: number
  readonly dedupEntriesMax: number
  readonly cleanupPolicy: { readonly delete: boolean; readonly compact: boolean }
  readonly minCleanableRatio: number
  readonly minCompactionLagMs: number
  readonly maxCompactionLagMs: number
  /** How long a tombstone stays after it was first cleaned. */
  readonly deleteRetentionMs: number
}

export function logConfig(topic: TopicConfig): LogConfig {
  const policy = topic['cleanup.policy']
  const compact = policy.includes('compact')
  const segmentMs = unlimited(topic['segment.ms'])
  const maxCompactionLagMs = unlimited(topic['max.compaction.lag.ms'])
  return {
    segmentBytes: topic['segment.bytes'],
    // The last segment is never compacted: it must end before its records are overdue.
    segmentMs: compact ? Math.min(segmentMs, maxCompactionLagMs) : segmentMs,
    segmentJitterMs: topic['segment.jitter.ms'],
    indexIntervalBytes: topic['index.interval.bytes'],
    indexMaxBytes: topic['segment.index.bytes'],
    retentionMs: unlimited(topic['retention.ms']),
    retentionBytes: unlimited(topic['retention.bytes']),
    flushMessages: unlimited(topic['flush.messages']),
    flushMs: unlimited(topic['flush.ms']),
    maxMessageBytes: topic['max.message.bytes'],
    dedupWindowMs: topic['sluice.dedup.window.ms'],
    dedupEntriesMax: topic['sluice.dedup.entries.max'],
    cleanupPolicy: { delete: policy.includes('delete'), compact },
    minCleanableRatio: topic['min.cleanable.dirty.ratio'],
    minCompactionLagMs: topic['min.compaction.lag.ms'],
    maxCompactionLagMs,
    deleteRetentionMs: topic['delete.retention.ms'],
  }
}

/** Kafka writes "no limit" as -1 or as Long.MAX_VALUE. */
function unlimited(value: number): number {
  return value < 0 || value >= longMax ? Number.POSITIVE_INFINITY : value
}
