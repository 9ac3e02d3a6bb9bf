// Cluster configs: replication, metadata, tiering, quotas and metrics of a broker.

import { boolean, className, int, list, long, longMax, string } from '../definition.ts'
import {
  directoryMoveRate,
  noJavaClasses,
  noQuorum,
  noReplication,
  noReporters,
  noSampling,
  noTiering,
} from './reasons.ts'

const replication = { noEffect: noReplication }
const quorum = { min: 0, noEffect: noQuorum }
const quorumAnyNumber = { noEffect: noQuorum }
const tiering = { min: 1, noEffect: noTiering }
const java = { noEffect: noJavaClasses }
const javaName = { ...java, nonEmpty: true }
const replicationQuota = { min: 1, noEffect: noReplication }
const sampling = { min: 1, noEffect: noSampling }

const replicationConfigs = {
  'unclean.leader.election.enable': boolean(
    false,
    'Elect a replica that may lack acknowledged records when no other is left.',
    replication,
  ),
  'auto.leader.rebalance.enable': boolean(
    true,
    'Move leaders back to preferred ones.',
    replication,
  ),
  'leader.imbalance.check.interval.seconds': long(300, 'How often leaders are balanced.', {
    min: 1,
    ...replication,
  }),
  'replica.lag.time.max.ms': long(30_000, 'A follower behind for longer leaves the ISR.', {
    ...replication,
  }),
  'replica.fetch.min.bytes': int(1, 'Least bytes a follower waits for.', replication),
  'replica.fetch.max.bytes': int(1_048_576, 'Bytes a follower fetches of a partition.', {
    min: 0,
    ...replication,
  }),
  'replica.fetch.response.max.bytes': int(10_485_760, 'Bytes a follower fetches at once.', {
    min: 0,
    ...replication,
  }),
  'replica.fetch.wait.max.ms': int(500, 'How long a fetch of a follower waits.', replication),
  'replica.fetch.backoff.ms': int(1000, 'Pause of a follower after an error.', {
    min: 0,
    ...replication,
  }),
  'replica.high.watermark.checkpoint.interval.ms': long(
    5000,
    'How often high watermarks are written down.',
    replication,
  ),
  'replica.socket.timeout.ms': int(30_000, 'Time-out of a follower request.', replication),
  'replica.socket.receive.buffer.bytes': int(65_536, 'SO_RCVBUF of a follower.', replication),
  'replica.selector.class': string(null, 'Class that picks the replica to read from.', java),
  'num.replica.fetchers': int(1, 'Fetchers for each leader broker.', { min: 1, ...replication }),
  'security.inter.broker.protocol': string('PLAINTEXT', 'Protocol among brokers.', {
    values: ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'],
    ...replication,
  }),
  'replication.quota.window.num': int(11, 'Samples of replication quotas.', replicationQuota),
  'replication.quota.window.size.seconds': int(1, 'Length of a sample.', replicationQuota),
  'leader.replication.throttled.rate': long(longMax, 'Bytes a second sent to followers.', {
    min: 0,
    noEffect: noReplication,
  }),
  'follower.replication.throttled.rate': long(longMax, 'Bytes a second fetched as follower.', {
    min: 0,
    noEffect: noReplication,
  }),
  'replica.alter.log.dirs.io.max.bytes.per.second': long(
    longMax,
    'Bytes a second that are copied between log directories at most.',
    { min: 0 },
  ),
  'alter.log.dirs.replication.quota.window.num': int(11, 'Samples of moving replicas.', {
    min: 1,
    noEffect: directoryMoveRate,
  }),
  'alter.log.dirs.replication.quota.window.size.seconds': int(1, 'Length of a sample.', {
    min: 1,
    noEffect: directoryMoveRate,
  }),
} as const

const quorumConfigs = {
  'controller.listener.names': list(
    [],
    'Listeners of KRaft controllers: they are not opened, as there is no quorum.',
    { nonEmpty: true },
  ),
  'controller.quorum.voters': list([], 'KRaft voters as id@host:port.', { noEffect: noQuorum }),
  'controller.quorum.bootstrap.servers': list([], 'Where to find the KRaft quorum.', {
    noEffect: noQuorum,
  }),
  'controller.quorum.auto.join.enable': boolean(false, 'Join the KRaft quorum unasked.', {
    noEffect: noQuorum,
  }),
  'controller.quorum.append.linger.ms': int(25, 'How long KRaft writes are gathered.', quorum),
  'controller.quorum.election.backoff.max.ms': int(1000, 'Pause between elections.', quorum),
  'controller.quorum.election.timeout.ms': int(1000, 'Time before an election.', quorum),
  'controller.quorum.fetch.timeout.ms': int(2000, 'Time without a fetch allowed.', quorum),
  'controller.quorum.request.timeout.ms': int(2000, 'Time-out of a KRaft request.', quorum),
  'controller.quorum.retry.backoff.ms': int(20, 'Pause before a retried request.', quorum),
  'controller.socket.timeout.ms': int(30_000, 'Time-out to the controller.', quorumAnyNumber),
  'broker.heartbeat.interval.ms': int(2000, 'Heartbeats to the controller.', quorumAnyNumber),
  'broker.session.timeout.ms': int(9000, 'A broker silent for longer is fenced.', quorumAnyNumber),
  'initial.broker.registration.timeout.ms': int(60_000, 'Limit on registering.', quorumAnyNumber),
  'metadata.log.segment.bytes': int(1_073_741_824, 'Segment size of the metadata log.', {
    min: 8_388_608,
    noEffect: noQuorum,
  }),
  'metadata.log.segment.ms': long(604_800_000, 'Segment age of the metadata log.', quorumAnyNumber),
  'metadata.log.max.record.bytes.between.snapshots': long(20_971_520, 'Log per snapshot.', {
    min: 1,
    noEffect: noQuorum,
  }),
  'metadata.log.max.snapshot.interval.ms': long(3_600_000, 'Time per snapshot.', quorum),
  'metadata.max.idle.interval.ms': int(500, 'Interval of no-op records.', quorum),
  'metadata.max.retention.bytes': long(104_857_600, 'Size of the metadata log.', {
    noEffect: noQuorum,
  }),
  'metadata.max.retention.ms': long(604_800_000, 'Age of the metadata log.', {
    noEffect: noQuorum,
  }),
} as const

const tieringConfigs = {
  'remote.log.storage.system.enable': boolean(false, 'Tier segments to object storage.', {
    noEffect: noTiering,
  }),
  'remote.log.storage.manager.class.name': string(null, 'Class that stores segments.', javaName),
  'remote.log.storage.manager.class.path': string(null, 'Class path of that class.', java),
  'remote.log.storage.manager.impl.prefix': string(
    'rsm.config.',
    'Prefix of its configs.',
    javaName,
  ),
  'remote.log.metadata.manager.class.name': string(
    'org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager',
    'Class that keeps the list of tiered segments.',
    javaName,
  ),
  'remote.log.metadata.manager.class.path': string(null, 'Class path of that class.', java),
  'remote.log.metadata.manager.impl.prefix': string(
    'rlmm.config.',
    'Prefix of its configs.',
    javaName,
  ),
  'remote.log.metadata.manager.listener.name': string(null, 'Listener of that class.', javaName),
  'remote.log.metadata.custom.metadata.max.bytes': int(128, 'Largest custom metadata.', {
    min: 0,
    noEffect: noTiering,
  }),
  'remote.fetch.max.wait.ms': int(500, 'How long a tiered read may take.', tiering),
  'remote.list.offsets.request.timeout.ms': long(30_000, 'Limit on tiered look-ups.', tiering),
  'remote.log.index.file.cache.total.size.bytes': long(1_073_741_824, 'Index cache.', tiering),
  'remote.log.manager.copier.thread.pool.size': int(10, 'Uploads at once.', tiering),
  'remote.log.manager.expiration.thread.pool.size': int(10, 'Deletions at once.', tiering),
  'remote.log.manager.follower.thread.pool.size': int(2, 'Follower threads.', tiering),
  'remote.log.manager.thread.pool.size': int(2, 'Older name of the follower threads.', tiering),
  'remote.log.manager.copy.max.bytes.per.second': long(longMax, 'Upload rate.', tiering),
  'remote.log.manager.copy.quota.window.num': int(11, 'Samples of the upload rate.', tiering),
  'remote.log.manager.copy.quota.window.size.seconds': int(1, 'Length of a sample.', tiering),
  'remote.log.manager.fetch.max.bytes.per.second': long(longMax, 'Download rate.', tiering),
  'remote.log.manager.fetch.quota.window.num': int(11, 'Samples of the download rate.', tiering),
  'remote.log.manager.fetch.quota.window.size.seconds': int(1, 'Length of a sample.', tiering),
  'remote.log.manager.task.interval.ms': long(30_000, 'How often tiering looks for work.', tiering),
  'remote.log.reader.max.pending.tasks': int(100, 'Tiered reads waiting at most.', tiering),
  'remote.log.reader.threads': int(10, 'Tiered reads at once.', tiering),
} as const

const meteringConfigs = {
  'quota.window.num': int(11, 'Samples over which the rates of client quotas are taken.', {
    min: 1,
  }),
  'quota.window.size.seconds': int(1, 'Length of a sample of client quotas.', { min: 1 }),
  'controller.quota.window.num': int(11, 'Samples that a mutation quota may be saved up for.', {
    min: 1,
  }),
  'controller.quota.window.size.seconds': int(1, 'Length of such a sample.', { min: 1 }),
  'client.quota.callback.class': className(null, 'Class that sets quotas.', java),
  'metric.reporters': list(
    ['org.apache.kafka.common.metrics.JmxReporter'],
    'Classes that report metrics.',
    { noEffect: noReporters },
  ),
  'kafka.metrics.reporters': list([], 'Classes that report metrics.', { noEffect: noReporters }),
  'kafka.metrics.polling.interval.secs': int(10, 'Interval of those reporters.', {
    min: 1,
    noEffect: noReporters,
  }),
  'metrics.num.samples': int(2, 'Samples of a metric.', sampling),
  'metrics.sample.window.ms': long(30_000, 'Length of a sample of a metric.', sampling),
  'metrics.recording.level': string('INFO', 'How much is recorded.', {
    values: ['INFO', 'DEBUG', 'TRACE'],
    noEffect: noSampling,
  }),
} as const

export const clusterConfigs = {
  ...replicationConfigs,
  ...quorumConfigs,
  ...tieringConfigs,
  ...meteringConfigs,
} as const
