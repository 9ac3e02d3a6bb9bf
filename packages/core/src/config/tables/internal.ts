// Configs that Kafka 4.2 knows and does not document: for its own tests, or on their way in or out. A file
// that sets them starts; none has an effect.

import { boolean, double, int, long, longMax, string } from '../definition.ts'
import { noConsumerProtocol, noQuorum, noReplication, noShareGroups, noTiering } from './reasons.ts'

const shares = { min: 1, noEffect: noShareGroups }
const tiering = { min: 1, noEffect: noTiering }
const unstable = { noEffect: 'because there are no unstable versions here' }

export const internalConfigs = {
  'controller.performance.sample.period.ms': long(60_000, 'Period of controller statistics.', {
    min: 100,
    noEffect: noQuorum,
  }),
  'controller.performance.always.log.threshold.ms': long(2000, 'Slower events are logged.', {
    min: 0,
    noEffect: noQuorum,
  }),
  'internal.metadata.delete.delay.millis': long(60_000, 'Delay before metadata files go.', {
    noEffect: noQuorum,
  }),
  'internal.metadata.log.segment.bytes': int(null, 'metadata.log.segment.bytes, for tests.', {
    noEffect: noQuorum,
  }),
  'internal.metadata.max.batch.size.in.bytes': int(8_388_608, 'Largest metadata batch.', {
    noEffect: noQuorum,
  }),
  'internal.metadata.max.fetch.size.in.bytes': int(8_388_608, 'Largest metadata fetch.', {
    noEffect: noQuorum,
  }),
  'server.max.startup.time.ms': long(longMax, 'A start that takes longer is given up.', {
    min: 0,
    noEffect: 'because a start takes as long as the recovery of the logs',
  }),
  'log.initial.task.delay.ms': long(30_000, 'Delay before the background work of logs.', {
    min: 0,
    noEffect: 'because each of them waits for its own interval',
  }),
  'producer.id.expiration.check.interval.ms': int(600_000, 'How often producers expire.', {
    min: 1,
    noEffect: 'because expired producers are found as they are looked up',
  }),
  'unclean.leader.election.interval.ms': long(300_000, 'How often unclean elections are tried.', {
    min: 1,
    noEffect: noReplication,
  }),
  'group.consumer.regex.refresh.interval.ms': int(600_000, 'How often patterns are resolved.', {
    min: 10_000,
    noEffect: noConsumerProtocol,
  }),
  'group.share.enable': boolean(false, 'Share groups, before they had a feature.', {
    noEffect: noShareGroups,
  }),
  'group.share.initialize.retry.interval.ms': int(30_000, 'Pause of share initialisation.', shares),
  'group.share.persister.class.name': string(
    'org.apache.kafka.server.share.persister.DefaultStatePersister',
    'Class that keeps the state of share groups.',
    { noEffect: noShareGroups },
  ),
  'share.coordinator.cold.partition.snapshot.interval.ms': int(
    300_000,
    'How often idle share partitions are written down.',
    shares,
  ),
  'share.coordinator.state.topic.prune.interval.ms': int(
    300_000,
    'How often their state topic is trimmed.',
    shares,
  ),
  'remote.log.manager.task.retry.backoff.ms': long(500, 'First pause of tiering.', tiering),
  'remote.log.manager.task.retry.backoff.max.ms': long(30_000, 'Longest pause of it.', tiering),
  'remote.log.manager.task.retry.jitter': double(0.2, 'Jitter of it.', {
    min: 0,
    max: 0.5,
    noEffect: noTiering,
  }),
  'unstable.api.versions.enable': boolean(false, 'Serve versions that may change.', unstable),
  'unstable.feature.versions.enable': boolean(false, 'Allow features that may change.', unstable),
} as const
