// Which broker configs can be altered while a broker runs, as Kafka 4.2 documents it ("update mode"), and
// which stand for one another. What is in none of these lists is read-only.
//
//   cluster-wide   for all brokers or for one
//   per-broker     for one broker only
//   per-listener   for one broker and one listener: listener.name.<listener>.<config>

/** Altered without a restart, for one broker or for all. */
export const clusterWide: ReadonlySet<string> = new Set([
  'background.threads',
  'compression.gzip.level',
  'compression.lz4.level',
  'compression.type',
  'compression.zstd.level',
  'config.providers',
  'follower.replication.throttled.rate',
  'leader.replication.throttled.rate',
  'log.cleaner.backoff.ms',
  'log.cleaner.dedupe.buffer.size',
  'log.cleaner.delete.retention.ms',
  'log.cleaner.io.buffer.load.factor',
  'log.cleaner.io.buffer.size',
  'log.cleaner.io.max.bytes.per.second',
  'log.cleaner.max.compaction.lag.ms',
  'log.cleaner.min.cleanable.ratio',
  'log.cleaner.min.compaction.lag.ms',
  'log.cleaner.threads',
  'log.cleanup.policy',
  'log.flush.interval.messages',
  'log.flush.interval.ms',
  'log.index.interval.bytes',
  'log.index.size.max.bytes',
  'log.local.retention.bytes',
  'log.local.retention.ms',
  'log.message.timestamp.after.max.ms',
  'log.message.timestamp.before.max.ms',
  'log.message.timestamp.type',
  'log.preallocate',
  'log.retention.bytes',
  'log.retention.ms',
  'log.roll.jitter.ms',
  'log.roll.ms',
  'log.segment.bytes',
  'log.segment.delete.delay.ms',
  'max.connection.creation.rate',
  'max.connections',
  'max.connections.per.ip',
  'max.connections.per.ip.overrides',
  'message.max.bytes',
  'metric.reporters',
  'min.insync.replicas',
  'num.io.threads',
  'num.network.threads',
  'num.recovery.threads.per.data.dir',
  'num.replica.fetchers',
  'producer.id.expiration.ms',
  'remote.fetch.max.wait.ms',
  'remote.list.offsets.request.timeout.ms',
  'remote.log.index.file.cache.total.size.bytes',
  'remote.log.manager.copier.thread.pool.size',
  'remote.log.manager.copy.max.bytes.per.second',
  'remote.log.manager.expiration.thread.pool.size',
  'remote.log.manager.fetch.max.bytes.per.second',
  'remote.log.manager.follower.thread.pool.size',
  'remote.log.reader.threads',
  'replica.alter.log.dirs.io.max.bytes.per.second',
  'transaction.partition.verification.enable',
  'unclean.leader.election.enable',
])

/** Of one broker and mostly of one listener. */
export const perBroker: ReadonlySet<string> = new Set([
  'principal.builder.class',
  'sasl.enabled.mechanisms',
  'sasl.jaas.config',
  'sasl.kerberos.kinit.cmd',
  'sasl.kerberos.min.time.before.relogin',
  'sasl.kerberos.principal.to.local.rules',
  'sasl.kerberos.service.name',
  'sasl.kerberos.ticket.renew.jitter',
  'sasl.kerberos.ticket.renew.window.factor',
  'sasl.login.refresh.buffer.seconds',
  'sasl.login.refresh.min.period.seconds',
  'sasl.login.refresh.window.factor',
  'sasl.login.refresh.window.jitter',
  'sasl.mechanism.inter.broker.protocol',
  'ssl.cipher.suites',
  'ssl.client.auth',
  'ssl.enabled.protocols',
  'ssl.endpoint.identification.algorithm',
  'ssl.engine.factory.class',
  'ssl.key.password',
  'ssl.keymanager.algorithm',
  'ssl.keystore.certificate.chain',
  'ssl.keystore.key',
  'ssl.keystore.location',
  'ssl.keystore.password',
  'ssl.keystore.type',
  'ssl.protocol',
  'ssl.provider',
  'ssl.secure.random.implementation',
  'ssl.trustmanager.algorithm',
  'ssl.truststore.certificates',
  'ssl.truststore.location',
  'ssl.truststore.password',
  'ssl.truststore.type',
])

/** Only under the prefix of a listener. */
export const perListener: ReadonlySet<string> = new Set(
  [...perBroker].filter((name) => name.startsWith('ssl.') || name === 'sasl.jaas.config'),
)

/** May be given for one listener as well as for all. */
export const listenerLimits: ReadonlySet<string> = new Set([
  'max.connection.creation.rate',
  'max.connections',
])

/** Counts of threads: changed by no more than half or double at a time. */
export const threadCounts: ReadonlySet<string> = new Set([
  'background.threads',
  'log.cleaner.threads',
  'num.io.threads',
  'num.network.threads',
  'num.recovery.threads.per.data.dir',
  'num.replica.fetchers',
  'remote.log.manager.copier.thread.pool.size',
  'remote.log.manager.expiration.thread.pool.size',
  'remote.log.manager.follower.thread.pool.size',
  'remote.log.reader.threads',
])

/** Rates that exist only when they are set: nobody starts a broker with them. */
export const shownWhenSet: ReadonlySet<string> = new Set([
  'follower.replication.throttled.rate',
  'leader.replication.throttled.rate',
  'replica.alter.log.dirs.io.max.bytes.per.second',
])

const groups = [
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
]

/** Configs that a value is taken from, the first one that is set; mostly the config alone. */
export function sameBrokerConfigs(name: string): readonly string[] {
  if (name === 'log.flush.interval.ms') return [name, 'log.flush.scheduler.interval.ms']
  return groups.find((names) => names.includes(name)) ?? [name]
}
