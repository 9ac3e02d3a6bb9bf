// Configs of single groups and of subscriptions to metrics of clients (KIP-714): resources of their own, set and
// described like topics. `groupSynonyms` says from which broker config a group has what it does not set.

import { choice, int, list, string } from '../definition.ts'
import { noConsumerProtocol, noShareGroups, noStreamsGroups, noTelemetry } from './reasons.ts'

const consumer = { min: 1, noEffect: noConsumerProtocol }
const share = { min: 1, noEffect: noShareGroups }
const streams = { min: 1, noEffect: noStreamsGroups }

/** java.time.Duration's own form, which has no sign here. */
const duration = 'P(?=\\d|T\\d)(\\d+D)?(T(?=\\d)(\\d+H)?(\\d+M)?(\\d+([.,]\\d{0,9})?S)?)?'

export const groupResourceConfigs = {
  'consumer.session.timeout.ms': int(45_000, 'Session time-out of its members.', consumer),
  'consumer.heartbeat.interval.ms': int(5000, 'Heartbeat interval of its members.', consumer),
  'share.session.timeout.ms': int(45_000, 'Session time-out of its members.', share),
  'share.heartbeat.interval.ms': int(5000, 'Heartbeat interval of its members.', share),
  'share.record.lock.duration.ms': int(30_000, 'How long a record is locked.', {
    ...share,
    min: 1000,
  }),
  'share.auto.offset.reset': string('latest', 'Where the group begins to read.', {
    noEffect: noShareGroups,
    form: {
      pattern: new RegExp(`^(earliest|latest|by_duration:${duration})$`, 'i'),
      words: "either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'",
    },
  }),
  'share.isolation.level': choice(
    ['read_committed', 'read_uncommitted'],
    'read_uncommitted',
    'Whether records of open and aborted transactions are delivered.',
    { noEffect: noShareGroups },
  ),
  'streams.session.timeout.ms': int(45_000, 'Session time-out of its members.', streams),
  'streams.heartbeat.interval.ms': int(5000, 'Heartbeat interval of its members.', streams),
  'streams.num.standby.replicas': int(0, 'Standby copies of a task.', { ...streams, min: 0 }),
  'streams.initial.rebalance.delay.ms': int(3000, 'Wait before its first rebalance.', {
    ...streams,
    min: 0,
  }),
} as const

/** As in Kafka 4.2, which has none for streams groups. */
export const groupSynonyms = {
  'consumer.session.timeout.ms': 'group.consumer.session.timeout.ms',
  'consumer.heartbeat.interval.ms': 'group.consumer.heartbeat.interval.ms',
  'share.session.timeout.ms': 'group.share.session.timeout.ms',
  'share.heartbeat.interval.ms': 'group.share.heartbeat.interval.ms',
  'share.record.lock.duration.ms': 'group.share.record.lock.duration.ms',
} as const

export const clientMetricsConfigs = {
  metrics: list([], 'Prefixes of the metrics that clients are to push; * for all.', {
    noEffect: noTelemetry,
  }),
  'interval.ms': int(300_000, 'How often they push.', { noEffect: noTelemetry }),
  match: list([], 'Which clients: client_id=…, client_software_name=… and the like, as patterns.', {
    noEffect: noTelemetry,
  }),
} as const
