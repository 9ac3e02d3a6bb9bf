// Log configs of a broker: where logs lie and what a topic gets that does not say otherwise
// (topic.ts names the topic config behind each).

import { boolean, choice, double, int, list, long, longMax, string } from '../definition.ts'
import { noDeleteDelay, noPreallocation, noTiering } from './reasons.ts'

export const compressionTypes = [
  'uncompressed',
  'zstd',
  'lz4',
  'snappy',
  'gzip',
  'producer',
] as const

export const logConfigs = {
  'log.dir': list(['/tmp/kafka-logs'], 'The folder of the logs, where log.dirs is not set.', {
    nonEmpty: true,
  }),
  'log.dirs': list(null, 'The folders of the logs; a new log goes to the one with the fewest.', {
    nonEmpty: true,
  }),
  'log.dir.failure.timeout.ms': long(30_000, 'How long a failed folder may stay unreported.', {
    min: 1,
    noEffect: 'because a folder that fails is reported at once',
  }),

  'num.partitions': int(1, 'Partitions of a topic created without a number.', { min: 1 }),
  'default.replication.factor': int(1, 'Replicas of a topic created without a number.'),
  'auto.create.topics.enable': boolean(
    true,
    'Create a topic when a client asks for metadata of one that is not there.',
  ),
  'delete.topic.enable': boolean(true, 'Whether clients may delete topics.'),
  'min.insync.replicas': int(1, 'Replicas that must have a record written with acks=all.', {
    min: 1,
  }),
  'message.max.bytes': int(1_048_588, 'The largest record batch, as it comes over the wire.', {
    min: 0,
  }),
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

  'log.retention.ms': long(null, 'How long records are kept; -1: for ever.'),
  'log.retention.minutes': int(null, 'log.retention.ms in minutes, where that is not set.'),
  'log.retention.hours': int(168, 'log.retention.ms in hours, where minutes are not set either.'),
  'log.retention.bytes': long(-1, 'How many bytes of a partition are kept; -1: all.'),
  'log.retention.check.interval.ms': long(300_000, 'How often retention is applied.', { min: 1 }),
  'log.cleanup.policy': list(
    ['delete'],
    'What happens to old records: delete, compact, both, or nothing.',
    {
      values: ['compact', 'delete'],
    },
  ),

  'log.segment.bytes': int(1_073_741_824, 'A segment that is this large is closed.', {
    min: 1_048_576,
  }),
  'log.segment.delete.delay.ms': long(60_000, 'How long a removed file waits for its readers.', {
    min: 0,
    noEffect: noDeleteDelay,
  }),
  'log.roll.ms': long(null, 'A segment that is this old is closed.'),
  'log.roll.hours': int(168, 'log.roll.ms in hours, where that is not set.', { min: 1 }),
  'log.roll.jitter.ms': long(null, 'Up to so much is taken off log.roll.ms, at random.'),
  'log.roll.jitter.hours': int(0, 'log.roll.jitter.ms in hours, where that is not set.', {
    min: 0,
  }),
  'log.index.interval.bytes': int(4096, 'Bytes of log between two entries of the offset index.', {
    min: 0,
  }),
  'log.index.size.max.bytes': int(10_485_760, 'The largest index of a segment.', { min: 4 }),
  'log.preallocate': boolean(false, 'Reserve the disk space of a new segment at once.', {
    noEffect: noPreallocation,
  }),

  'log.flush.interval.messages': long(longMax, 'Flush a log after so many records.', { min: 1 }),
  'log.flush.interval.ms': long(null, 'Flush a log at least so often.'),
  'log.flush.scheduler.interval.ms': long(
    longMax,
    'How often logs are looked at for a flush; stands in for log.flush.interval.ms.',
  ),
  'log.flush.offset.checkpoint.interval.ms': int(
    60_000,
    'How often the recovery point is written down.',
    { min: 0 },
  ),
  'log.flush.start.offset.checkpoint.interval.ms': int(
    60_000,
    'How often the log start offsets are written down.',
    { min: 0 },
  ),

  'log.message.timestamp.type': choice(
    ['CreateTime', 'LogAppendTime'],
    'CreateTime',
    'Whether a record keeps the time its producer gave it, or takes the time of its append.',
  ),
  'log.message.timestamp.before.max.ms': long(
    longMax,
    'How far in the past the time of a record may lie.',
    { min: 0 },
  ),
  'log.message.timestamp.after.max.ms': long(
    3_600_000,
    'How far in the future the time of a record may lie.',
    { min: 0 },
  ),
  'producer.id.expiration.ms': int(86_400_000, 'Idle producers are forgotten after this.', {
    min: 1,
  }),

  'log.cleaner.enable': boolean(true, 'Run the log cleaner.'),
  'log.cleaner.threads': int(1, 'How many logs are cleaned at a time.', { min: 0 }),
  'log.cleaner.backoff.ms': long(15_000, 'Pause of the cleaner when nothing is to do.', {
    min: 0,
  }),
  'log.cleaner.dedupe.buffer.size': long(134_217_728, 'Memory for the keys of a compaction.'),
  'log.cleaner.io.buffer.size': int(524_288, 'Read and write buffer of the cleaner.', {
    min: 0,
  }),
  'log.cleaner.io.buffer.load.factor': double(0.9, 'How full the table of keys may get.'),
  'log.cleaner.io.max.bytes.per.second': double(
    Number.MAX_VALUE,
    'Bytes a second that the cleaner reads and writes at most.',
  ),
  'log.cleaner.delete.retention.ms': long(86_400_000, 'How long a tombstone stays.', {
    min: 0,
  }),
  'log.cleaner.min.cleanable.ratio': double(0.5, 'Share of new records that starts a compaction.', {
    min: 0,
    max: 1,
  }),
  'log.cleaner.min.compaction.lag.ms': long(0, 'A record is not compacted before this.', {
    min: 0,
  }),
  'log.cleaner.max.compaction.lag.ms': long(longMax, 'A record is compacted at the latest then.', {
    min: 1,
  }),

  'log.local.retention.ms': long(-2, 'How long a tiered segment stays on disk too.', {
    min: -2,
    noEffect: noTiering,
  }),
  'log.local.retention.bytes': long(-2, 'Bytes of tiered segments that stay on disk too.', {
    min: -2,
    noEffect: noTiering,
  }),
  'metadata.log.dir': string(
    null,
    'The folder of the metadata table, by default the first of log.dirs.',
  ),
} as const
