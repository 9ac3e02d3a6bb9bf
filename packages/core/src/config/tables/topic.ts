// Topic configs, Kafka's names. `brokerSynonyms` says which broker configs stand behind each, first
// one first: what a topic does not set itself it takes from there (retention.ms <- log.retention.ms,
// log.retention.minutes, log.retention.hours).

import { boolean, choice, double, int, list, long, longMax } from '../definition.ts'
import { compressionTypes } from './log.ts'
import { noDeleteDelay, noPreallocation, noReplication, noTiering } from './reasons.ts'
import { sluiceTopicConfigs } from './sluice.ts'

/** Kafka's ThrottledReplicaListValidator. */
const replicaList = {
  pattern: /^(\*|\d+:\d+(\s*,\s*\d+:\d+)*)?$/,
  words:
    "the literal '*' or a list of replicas in the following format: " +
    '[partitionId]:[brokerId],[partitionId]:[brokerId],...',
}

export const topicConfigs = {
  'cleanup.policy': list(
    ['delete'],
    'What happens to old records: delete, compact, both, or (empty) nothing.',
    {
      values: ['compact', 'delete'],
    },
  ),
  'compression.type': choice(compressionTypes, 'producer', 'How batches are stored.'),
  'compression.gzip.level': int(-1, 'Level of gzip; -1: its default.', {
    min: 1,
    max: 9,
    also: -1,
  }),
  'compression.lz4.level': int(9, 'Level of lz4.', { min: 1, max: 17 }),
  'compression.zstd.level': int(3, 'Level of zstd.', {
    min: -131_072,
    max: 22,
  }),
  'delete.retention.ms': long(86_400_000, 'How long a tombstone stays.', {
    min: 0,
  }),
  'file.delete.delay.ms': long(60_000, 'How long a removed file waits for its readers.', {
    min: 0,
    noEffect: noDeleteDelay,
  }),
  'flush.messages': long(longMax, 'Flush the log after so many records.', { min: 1 }),
  'flush.ms': long(longMax, 'Flush the log at least so often.', { min: 0 }),
  'follower.replication.throttled.replicas': list([], 'Followers that are throttled.', {
    form: replicaList,
    noEffect: noReplication,
  }),
  'leader.replication.throttled.replicas': list([], 'Leaders that are throttled.', {
    form: replicaList,
    noEffect: noReplication,
  }),
  'index.interval.bytes': int(4096, 'Bytes of log between two entries of the offset index.', {
    min: 0,
  }),
  'internal.segment.bytes': int(null, 'segment.bytes below its lower bound, for tests.', {
    min: 1,
  }),
  'local.retention.bytes': long(-2, 'Bytes of tiered segments that stay on disk too.', {
    min: -2,
    noEffect: noTiering,
  }),
  'local.retention.ms': long(-2, 'How long a tiered segment stays on disk too.', {
    min: -2,
    noEffect: noTiering,
  }),
  'max.compaction.lag.ms': long(longMax, 'A record is compacted at the latest then.', {
    min: 1,
  }),
  'max.message.bytes': int(1_048_588, 'The largest record batch, as it comes over the wire.', {
    min: 0,
  }),
  'message.timestamp.after.max.ms': long(3_600_000, 'How far ahead the time of a record may be.', {
    min: 0,
  }),
  'message.timestamp.before.max.ms': long(longMax, 'How far back the time of a record may be.', {
    min: 0,
  }),
  'message.timestamp.type': choice(
    ['CreateTime', 'LogAppendTime'],
    'CreateTime',
    'Whether a record keeps the time its producer gave it, or takes the time of its append.',
  ),
  'min.cleanable.dirty.ratio': double(0.5, 'Share of new records that starts a compaction.', {
    min: 0,
    max: 1,
  }),
  'min.compaction.lag.ms': long(0, 'A record is not compacted before this.', {
    min: 0,
  }),
  'min.insync.replicas': int(1, 'Replicas that must have a record written with acks=all.', {
    min: 1,
  }),
  preallocate: boolean(false, 'Reserve the disk space of a new segment at once.', {
    noEffect: noPreallocation,
  }),
  'remote.log.copy.disable': boolean(false, 'Tier no further segments.', { noEffect: noTiering }),
  'remote.log.delete.on.disable': boolean(false, 'Delete tiered segments when disabled.', {
    noEffect: noTiering,
  }),
  'remote.storage.enable': boolean(false, 'Tier segments to object storage.', {
    noEffect: noTiering,
  }),
  'retention.bytes': long(-1, 'How many bytes of a partition are kept; -1: all.'),
  'retention.ms': long(604_800_000, 'How long records are kept; -1: for ever.', { min: -1 }),
  'segment.bytes': int(1_073_741_824, 'A segment that is this large is closed.', {
    min: 1_048_576,
  }),
  'segment.index.bytes': int(10_485_760, 'The largest index of a segment.', { min: 4 }),
  'segment.jitter.ms': long(0, 'Up to so much is taken off segment.ms, at random.', { min: 0 }),
  'segment.ms': long(604_800_000, 'A segment that is this old is closed.', { min: 1 }),
  'unclean.leader.election.enable': boolean(
    false,
    'Elect a replica that may lack acknowledged records when no other is left.',
    { noEffect: noReplication },
  ),
  ...sluiceTopicConfigs,
} as const

const minuteMs = 60_000
const hourMs = 3_600_000

/** A broker config behind a topic config, and what its value is multiplied by. */
export interface Synonym {
  readonly name: string
  readonly factor?: number
}

export const brokerSynonyms: Readonly<Record<string, readonly Synonym[]>> = {
  'cleanup.policy': [{ name: 'log.cleanup.policy' }],
  'compression.type': [{ name: 'compression.type' }],
  'compression.gzip.level': [{ name: 'compression.gzip.level' }],
  'compression.lz4.level': [{ name: 'compression.lz4.level' }],
  'compression.zstd.level': [{ name: 'compression.zstd.level' }],
  'delete.retention.ms': [{ name: 'log.cleaner.delete.retention.ms' }],
  'file.delete.delay.ms': [{ name: 'log.segment.delete.delay.ms' }],
  'flush.messages': [{ name: 'log.flush.interval.messages' }],
  'flush.ms': [{ name: 'log.flush.interval.ms' }, { name: 'log.flush.scheduler.interval.ms' }],
  'index.interval.bytes': [{ name: 'log.index.interval.bytes' }],
  'local.retention.bytes': [{ name: 'log.local.retention.bytes' }],
  'local.retention.ms': [{ name: 'log.local.retention.ms' }],
  'max.compaction.lag.ms': [{ name: 'log.cleaner.max.compaction.lag.ms' }],
  'max.message.bytes': [{ name: 'message.max.bytes' }],
  'message.timestamp.after.max.ms': [{ name: 'log.message.timestamp.after.max.ms' }],
  'message.timestamp.before.max.ms': [{ name: 'log.message.timestamp.before.max.ms' }],
  'message.timestamp.type': [{ name: 'log.message.timestamp.type' }],
  'min.cleanable.dirty.ratio': [{ name: 'log.cleaner.min.cleanable.ratio' }],
  'min.compaction.lag.ms': [{ name: 'log.cleaner.min.compaction.lag.ms' }],
  'min.insync.replicas': [{ name: 'min.insync.replicas' }],
  preallocate: [{ name: 'log.preallocate' }],
  'retention.bytes': [{ name: 'log.retention.bytes' }],
  'retention.ms': [
    { name: 'log.retention.ms', factor: 1 },
    { name: 'log.retention.minutes', factor: minuteMs },
    { name: 'log.retention.hours', factor: hourMs },
  ],
  'segment.bytes': [{ name: 'log.segment.bytes' }],
  'segment.index.bytes': [{ name: 'log.index.size.max.bytes' }],
  'segment.jitter.ms': [
    { name: 'log.roll.jitter.ms' },
    { name: 'log.roll.jitter.hours', factor: hourMs },
  ],
  'segment.ms': [{ name: 'log.roll.ms' }, { name: 'log.roll.hours', factor: hourMs }],
  'unclean.leader.election.enable': [{ name: 'unclean.leader.election.enable' }],
}
