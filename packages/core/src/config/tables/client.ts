// Client configs, by Kafka's producer and consumer names: what `sluice produce -X` and
// `sluice consume -X` take. Those of Java classes and of security are known and have no effect.

import { boolean, choice, className, int, intMax, list, long, string } from '../definition.ts'
import {
  noConsumerProtocol,
  noJavaClasses,
  noReporters,
  noSampling,
  noSecurity,
  noSerializers,
  noShareGroups,
  noTransactions,
  notYet,
  osBuffers,
} from './reasons.ts'
import { channelConfigs } from './security.ts'

const commonConfigs = {
  ...channelConfigs,
  'bootstrap.servers': list([], 'Where to find a broker; --bootstrap says the same.'),
  'client.id': string('', 'The name of this client in the logs of the broker.'),
  'request.timeout.ms': int(30_000, 'How long to wait for an answer.', { min: 0 }),
  'retry.backoff.ms': long(100, 'First pause before a retry.', { min: 0 }),
  'retry.backoff.max.ms': long(1000, 'Longest pause before a retry.', { min: 0 }),
  'metadata.max.age.ms': long(300_000, 'Metadata older than this is fetched again.', { min: 0 }),
  'security.protocol': choice(
    ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'],
    'PLAINTEXT',
    'How to talk to the broker. PLAINTEXT is the one there is so far.',
    { ignoreCase: true },
  ),
  'sasl.mechanism': string('GSSAPI', 'How to log in.', { noEffect: noSecurity }),
  'client.dns.lookup': string('use_all_dns_ips', 'How names are looked up.', {
    values: ['use_all_dns_ips', 'resolve_canonical_bootstrap_servers_only'],
    noEffect: 'because the operating system looks names up',
  }),
  'config.providers': list([], 'Classes that look config values up.', { noEffect: noJavaClasses }),
  'connections.max.idle.ms': long(540_000, 'Close idle connections.', {
    noEffect: 'because a command ends before that',
  }),
  'default.api.timeout.ms': int(60_000, 'Limit on a whole call.', { min: 0, noEffect: notYet }),
  'enable.metrics.push': boolean(true, 'Send client metrics (KIP-714).', { noEffect: notYet }),
  'interceptor.classes': list([], 'Interceptors.', { noEffect: noJavaClasses }),
  'metadata.recovery.strategy': string('rebootstrap', 'When no known broker answers.', {
    noEffect: 'because the bootstrap addresses are always tried again',
  }),
  'metadata.recovery.rebootstrap.trigger.ms': long(300_000, 'When to bootstrap again.', {
    noEffect: 'because the bootstrap addresses are always tried again',
  }),
  'metric.reporters': list([], 'Metrics reporters.', { noEffect: noReporters }),
  'metrics.num.samples': int(2, 'Samples of a metric.', { noEffect: noSampling }),
  'metrics.recording.level': string('INFO', 'What is recorded.', { noEffect: noSampling }),
  'metrics.sample.window.ms': long(30_000, 'Length of a sample.', { noEffect: noSampling }),
  'receive.buffer.bytes': int(32_768, 'SO_RCVBUF.', { min: -1, noEffect: osBuffers }),
  'send.buffer.bytes': int(131_072, 'SO_SNDBUF.', { min: -1, noEffect: osBuffers }),
  'reconnect.backoff.ms': long(50, 'First pause before a reconnect.', {
    min: 0,
    noEffect: 'because retry.backoff.ms bounds reconnects too',
  }),
  'reconnect.backoff.max.ms': long(1000, 'Longest pause before a reconnect.', {
    min: 0,
    noEffect: 'because retry.backoff.ms bounds reconnects too',
  }),
  'socket.connection.setup.timeout.ms': long(10_000, 'First limit on connecting.', {
    noEffect: 'because request.timeout.ms bounds connecting too',
  }),
  'socket.connection.setup.timeout.max.ms': long(30_000, 'Longest limit on connecting.', {
    noEffect: 'because request.timeout.ms bounds connecting too',
  }),
} as const

export const producerConfigs = {
  ...commonConfigs,
  acks: choice(['all', '-1', '0', '1'], 'all', 'Who must have a record before it counts as sent.'),
  'batch.size': int(16_384, 'Bytes of a batch at most.', { min: 0 }),
  'linger.ms': long(5, 'How long a batch waits to fill.', { min: 0 }),
  'compression.type': choice(
    ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
    'none',
    'How batches are compressed.',
  ),
  'compression.gzip.level': int(-1, 'Level of gzip (1 to 9, -1: its default).', {
    min: -1,
    max: 9,
  }),
  'compression.lz4.level': int(9, 'Level of lz4.', { min: 1, max: 17 }),
  'compression.zstd.level': int(3, 'Level of zstd.', { min: -131_072, max: 22 }),
  'enable.idempotence': boolean(true, 'Let the broker drop duplicates of a retry.'),
  'max.in.flight.requests.per.connection': int(5, 'Requests under way at once.', { min: 1 }),
  'max.request.size': int(1_048_576, 'Bytes of a record at most.', { min: 0 }),
  'delivery.timeout.ms': int(120_000, 'Limit on a record, retries included.', { min: 0 }),
  'buffer.memory': long(33_554_432, 'Bytes that may wait to be sent.', { min: 0 }),
  retries: int(intMax, 'Retries of a request, within delivery.timeout.ms.', { min: 0 }),
  'max.block.ms': long(60_000, 'How long a send may wait for room.', {
    min: 0,
    noEffect: 'because the input is read no faster than it is sent',
  }),
  'metadata.max.idle.ms': long(300_000, 'Forget topics unused for so long.', {
    min: 5000,
    noEffect: 'because a command ends before that',
  }),
  'partitioner.class': className(null, 'Class that picks partitions; --partitioner picks ours.', {
    noEffect: noJavaClasses,
  }),
  'partitioner.adaptive.partitioning.enable': boolean(true, 'Prefer fast brokers.', {
    noEffect: notYet,
  }),
  'partitioner.availability.timeout.ms': long(0, 'Avoid slow brokers.', {
    min: 0,
    noEffect: notYet,
  }),
  'partitioner.ignore.keys': boolean(false, 'Spread keyed records too.', {
    noEffect: 'because --partitioner says so',
  }),
  'key.serializer': className(null, 'Serializer.', { noEffect: noSerializers }),
  'value.serializer': className(null, 'Serializer.', { noEffect: noSerializers }),
  'transactional.id': string(null, 'Name of a transactional producer.', {
    noEffect: noTransactions,
  }),
  'transaction.timeout.ms': int(60_000, 'Limit on a transaction.', { noEffect: noTransactions }),
  'transaction.two.phase.commit.enable': boolean(false, 'Prepared transactions.', {
    noEffect: noTransactions,
  }),
} as const

export const consumerConfigs = {
  ...commonConfigs,
  'group.id': string(null, 'The group to join; --group says the same.'),
  'auto.offset.reset': choice(
    ['latest', 'earliest', 'none'],
    'latest',
    'Where to start without a committed offset.',
  ),
  'enable.auto.commit': boolean(true, 'Commit offsets as they are read.'),
  'auto.commit.interval.ms': int(5000, 'How often.', { min: 0 }),
  'fetch.min.bytes': int(1, 'Bytes a fetch waits for.', { min: 0 }),
  'fetch.max.bytes': int(52_428_800, 'Bytes of a fetch at most.', { min: 0 }),
  'fetch.max.wait.ms': int(500, 'How long a fetch waits.', { min: 0 }),
  'max.partition.fetch.bytes': int(1_048_576, 'Bytes of a partition in a fetch.', { min: 0 }),
  'isolation.level': choice(
    ['read_uncommitted', 'read_committed'],
    'read_uncommitted',
    'Whether records of open and aborted transactions are seen.',
  ),
  'session.timeout.ms': int(45_000, 'A member silent for so long is out.'),
  'heartbeat.interval.ms': int(3000, 'How often a member reports.'),
  'max.poll.interval.ms': int(300_000, 'Limit on handling one page.', { min: 1 }),
  'partition.assignment.strategy': list(
    ['range', 'cooperative-sticky'],
    'Assignors: range, roundrobin, sticky and cooperative-sticky, or the names of their Java classes.',
  ),
  'check.crcs': boolean(true, 'Check the CRC of each batch.'),
  'max.poll.records': int(500, 'Records of one page.', {
    min: 1,
    noEffect: 'because records are written as they come',
  }),
  'allow.auto.create.topics': boolean(true, 'Let a missing topic be created.'),
  'client.rack': string('', 'Where this consumer is.', { noEffect: notYet }),
  'exclude.internal.topics': boolean(true, 'Hide internal topics from patterns.', {
    noEffect: 'because topics are named, not matched',
  }),
  'group.instance.id': string(
    null,
    'Name of a static member: it may come back without a rebalance.',
  ),
  'group.protocol': string('classic', 'Group protocol.', {
    values: ['classic', 'consumer'],
    ignoreCase: true,
    noEffect: noConsumerProtocol,
  }),
  'group.remote.assignor': string(null, 'Assignor of the broker.', {
    noEffect: noConsumerProtocol,
  }),
  'key.deserializer': className(null, 'Deserializer.', { noEffect: noSerializers }),
  'value.deserializer': className(null, 'Deserializer.', { noEffect: noSerializers }),
  'share.acknowledgement.mode': string('implicit', 'How records are acknowledged.', {
    noEffect: noShareGroups,
  }),
  'share.acquire.mode': string('batch_optimized', 'How records are acquired.', {
    noEffect: noShareGroups,
  }),
} as const
