// Group and transaction configs: coordinators, committed offsets, members' time-outs.

import { boolean, int, intMax, list, long, short, string } from '../definition.ts'
import {
  noConsumerProtocol,
  noShareGroups,
  noStreamsGroups,
  noTransactions,
  oneEventLoop,
} from './reasons.ts'

const consumer = { min: 1, noEffect: noConsumerProtocol }
const share = { min: 1, noEffect: noShareGroups }
const streams = { min: 1, noEffect: noStreamsGroups }
const transactions = { min: 1, noEffect: noTransactions }

const classicGroupConfigs = {
  'group.min.session.timeout.ms': int(6000, 'The shortest session time-out a member may ask for.'),
  'group.max.session.timeout.ms': int(1_800_000, 'The longest session time-out of a member.'),
  'group.initial.rebalance.delay.ms': int(
    3000,
    'How long a new group waits for more members before its first rebalance.',
  ),
  'group.max.size': int(intMax, 'Members of one group at most.', { min: 1 }),
  'group.coordinator.rebalance.protocols': list(
    ['classic', 'consumer', 'streams'],
    'Group protocols to offer. The classic one is there so far.',
    {
      values: ['consumer', 'classic', 'share', 'streams'],
      nonEmpty: true,
      noEffect: noConsumerProtocol,
    },
  ),
  'group.coordinator.threads': int(4, 'Threads of the group coordinator.', {
    min: 1,
    noEffect: oneEventLoop,
  }),
  'group.coordinator.append.linger.ms': int(-1, 'How long the coordinator gathers writes.', {
    min: -1,
    noEffect: 'because all writes of one turn of the event loop are one append',
  }),

  'offsets.topic.num.partitions': int(50, 'Partitions of __consumer_offsets when it is created.', {
    min: 1,
  }),
  'offsets.topic.replication.factor': short(
    3,
    'Replicas of __consumer_offsets; as many as there are brokers where those are fewer.',
    { min: 1 },
  ),
  'offsets.topic.segment.bytes': int(104_857_600, 'Segment size of __consumer_offsets.', {
    min: 1,
  }),
  'offsets.topic.compression.codec': int(
    0,
    'How committed offsets are compressed: 0 not, 1 gzip, 2 snappy, 3 lz4, 4 zstd.',
  ),
  'offsets.load.buffer.size': int(5_242_880, 'Bytes read at once when offsets are loaded.', {
    min: 1,
  }),
  'offsets.commit.timeout.ms': int(5000, 'How long a commit may wait for replicas.', { min: 1 }),
  'offsets.retention.minutes': int(10_080, 'Offsets of an empty group go after this.', { min: 1 }),
  'offsets.retention.check.interval.ms': long(
    600_000,
    'How often expired offsets are looked for.',
    {
      min: 1,
    },
  ),
  'offset.metadata.max.bytes': int(4096, 'The longest text that a commit may carry.'),
} as const

const consumerGroupConfigs = {
  'group.consumer.session.timeout.ms': int(45_000, 'Session time-out of a member.', consumer),
  'group.consumer.min.session.timeout.ms': int(45_000, 'Shortest session time-out.', consumer),
  'group.consumer.max.session.timeout.ms': int(60_000, 'Longest session time-out.', consumer),
  'group.consumer.heartbeat.interval.ms': int(5000, 'Heartbeat interval of a member.', consumer),
  'group.consumer.min.heartbeat.interval.ms': int(5000, 'Shortest heartbeat interval.', consumer),
  'group.consumer.max.heartbeat.interval.ms': int(15_000, 'Longest heartbeat interval.', consumer),
  'group.consumer.max.size': int(intMax, 'Members of one consumer group at most.', consumer),
  'group.consumer.assignors': list(['uniform', 'range'], 'Assignors of the broker.', {
    nonEmpty: true,
    noEffect: noConsumerProtocol,
  }),
  'group.consumer.migration.policy': string(
    'bidirectional',
    'Whether groups change between the classic and the consumer protocol.',
    {
      values: ['DISABLED', 'DOWNGRADE', 'UPGRADE', 'BIDIRECTIONAL'],
      ignoreCase: true,
      noEffect: noConsumerProtocol,
    },
  ),
} as const

const shareGroupConfigs = {
  'group.share.session.timeout.ms': int(45_000, 'Session time-out of a member.', share),
  'group.share.min.session.timeout.ms': int(45_000, 'Shortest session time-out.', share),
  'group.share.max.session.timeout.ms': int(60_000, 'Longest session time-out.', share),
  'group.share.heartbeat.interval.ms': int(5000, 'Heartbeat interval of a member.', share),
  'group.share.min.heartbeat.interval.ms': int(5000, 'Shortest heartbeat interval.', share),
  'group.share.max.heartbeat.interval.ms': int(15_000, 'Longest heartbeat interval.', share),
  'group.share.max.size': int(200, 'Members of one share group at most.', { ...share, max: 1000 }),
  'group.share.assignors': list(['simple'], 'Assignor of the broker.', {
    nonEmpty: true,
    noEffect: noShareGroups,
  }),
  'group.share.delivery.count.limit': int(5, 'Times a record is delivered at most.', {
    min: 2,
    max: 10,
    noEffect: noShareGroups,
  }),
  'group.share.record.lock.duration.ms': int(30_000, 'How long a record is locked.', {
    min: 1000,
    max: 3_600_000,
    noEffect: noShareGroups,
  }),
  'group.share.min.record.lock.duration.ms': int(15_000, 'Shortest lock a group may set.', {
    min: 1000,
    max: 30_000,
    noEffect: noShareGroups,
  }),
  'group.share.max.record.lock.duration.ms': int(60_000, 'Longest lock a group may set.', {
    min: 30_000,
    max: 3_600_000,
    noEffect: noShareGroups,
  }),
  'group.share.partition.max.record.locks': int(2000, 'Locked records of a partition at most.', {
    min: 100,
    max: 10_000,
    noEffect: noShareGroups,
  }),
  'group.share.max.share.sessions': int(2000, 'Share sessions of a broker at most.', share),
  'share.coordinator.append.linger.ms': int(-1, 'How long share state writes are gathered.', {
    min: -1,
    noEffect: noShareGroups,
  }),
  'share.coordinator.load.buffer.size': int(5_242_880, 'Bytes read at once at loading.', share),
  'share.coordinator.snapshot.update.records.per.snapshot': int(
    500,
    'Updates between two snapshots of a share partition.',
    { min: 0, noEffect: noShareGroups },
  ),
  'share.coordinator.state.topic.compression.codec': int(0, 'How share state is compressed.', {
    noEffect: noShareGroups,
  }),
  'share.coordinator.state.topic.min.isr': short(2, 'min.insync.replicas of share state.', share),
  'share.coordinator.state.topic.num.partitions': int(50, 'Partitions of share state.', share),
  'share.coordinator.state.topic.replication.factor': short(3, 'Replicas of share state.', share),
  'share.coordinator.state.topic.segment.bytes': int(104_857_600, 'Segment size.', share),
  'share.coordinator.threads': int(1, 'Threads of the share coordinator.', {
    min: 1,
    noEffect: oneEventLoop,
  }),
  'share.coordinator.write.timeout.ms': int(5000, 'How long a write may wait.', share),
} as const

const streamsGroupConfigs = {
  'group.streams.session.timeout.ms': int(45_000, 'Session time-out of a member.', streams),
  'group.streams.min.session.timeout.ms': int(45_000, 'Shortest session time-out.', streams),
  'group.streams.max.session.timeout.ms': int(60_000, 'Longest session time-out.', streams),
  'group.streams.heartbeat.interval.ms': int(5000, 'Heartbeat interval of a member.', streams),
  'group.streams.min.heartbeat.interval.ms': int(5000, 'Shortest heartbeat interval.', streams),
  'group.streams.max.heartbeat.interval.ms': int(15_000, 'Longest heartbeat interval.', streams),
  'group.streams.max.size': int(intMax, 'Members of one streams group at most.', streams),
  'group.streams.num.standby.replicas': int(0, 'Standby copies of a task.', {
    min: 0,
    noEffect: noStreamsGroups,
  }),
  'group.streams.max.standby.replicas': int(2, 'Standby copies a group may ask for.', {
    min: 0,
    noEffect: noStreamsGroups,
  }),
  'group.streams.initial.rebalance.delay.ms': int(3000, 'Wait before the first rebalance.', {
    min: 0,
    noEffect: noStreamsGroups,
  }),
} as const

const transactionConfigs = {
  'transaction.max.timeout.ms': int(900_000, 'The longest transaction allowed.', transactions),
  'transactional.id.expiration.ms': int(604_800_000, 'Idle ids are forgotten.', transactions),
  'transaction.state.log.num.partitions': int(50, 'Partitions of its topic.', transactions),
  'transaction.state.log.replication.factor': short(3, 'Replicas of its topic.', transactions),
  'transaction.state.log.min.isr': int(2, 'min.insync.replicas of its topic.', transactions),
  'transaction.state.log.segment.bytes': int(104_857_600, 'Segment size.', transactions),
  'transaction.state.log.load.buffer.size': int(5_242_880, 'Bytes read at once.', transactions),
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': int(
    10_000,
    'How often transactions that ran out of time are looked for.',
    transactions,
  ),
  'transaction.remove.expired.transaction.cleanup.interval.ms': int(
    3_600_000,
    'How often expired transactional ids are looked for.',
    transactions,
  ),
  'transaction.partition.verification.enable': boolean(
    true,
    'Check that a partition belongs to the transaction that writes to it.',
    { noEffect: noTransactions },
  ),
  'transaction.two.phase.commit.enable': boolean(false, 'Allow prepared transactions.', {
    noEffect: noTransactions,
  }),
  'add.partitions.to.txn.retry.backoff.ms': int(20, 'First pause of a retried add.', transactions),
  'add.partitions.to.txn.retry.backoff.max.ms': int(100, 'Longest pause of a retried add.', {
    min: 0,
    noEffect: noTransactions,
  }),
} as const

export const groupConfigs = {
  ...classicGroupConfigs,
  ...consumerGroupConfigs,
  ...shareGroupConfigs,
  ...streamsGroupConfigs,
  ...transactionConfigs,
} as const
