// What a broker publishes of its state beside its requests: collected when somebody asks. Each metric has its
// line in docs/metrics.md, with Kafka's own name for it.

import type { PartitionImage } from '@sluice/core/cluster/image'
import type { Metrics } from '@sluice/core/metrics/metrics'
import { effectiveMinIsr } from '@sluice/core/partition/commit-replicated'
import type { Partition } from '@sluice/core/partition/partition'
import type { Broker } from './broker.ts'
import { publishGroups } from './group-metrics.ts'
import { publishLogCleaner } from './log-cleaner-metrics.ts'
import { publishPartitions } from './partition-metrics.ts'

type Gauge = (name: string, help: string, value: () => number) => void

export function publishBroker(broker: Broker, metrics: Metrics): void {
  const gauge: Gauge = (name, help, value) =>
    metrics.gauge({ name, help, collect: () => [{ value: value() }] })
  publishPartitions(broker, metrics)
  publishGroups(broker, metrics)
  publishLogCleaner(broker, metrics)
  publishCluster(broker, gauge)
  publishReplicas(broker, gauge)
  publishFetching(broker, metrics, gauge)
  publishLimits(broker, metrics)
}

/** As the controller sees it. */
function publishCluster({ cluster: { image }, nodeId }: Broker, gauge: Gauge): void {
  const brokers = (fenced: boolean) =>
    [...image.brokers()].filter((broker) => broker.fenced === fenced).length
  gauge('sluice_topics', 'Topics in the cluster.', () => image.topicCount)
  gauge('sluice_partitions', 'Partitions in the cluster.', () => image.partitionCount)
  gauge('sluice_active_controller', '1: this broker is the controller.', () =>
    image.controllerId === nodeId ? 1 : 0,
  )
  gauge('sluice_active_brokers', 'Brokers that live.', () => brokers(false))
  gauge('sluice_fenced_brokers', 'Brokers that are registered and away.', () => brokers(true))
  gauge('sluice_offline_partitions', 'Partitions without a leader.', () => {
    let count = 0
    for (const { partitions } of image.topics()) {
      for (const { leader } of partitions) if (leader === -1) count += 1
    }
    return count
  })
  gauge('sluice_metadata_version', 'Of the last change of the metadata.', () => image.version)
}

/** Of the partitions that this broker holds. */
function publishReplicas(broker: Broker, gauge: Gauge): void {
  const { image } = broker.cluster
  const countLed = (matches: (image: PartitionImage, partition: Partition) => boolean) => {
    let count = 0
    for (const partition of broker.partitions) {
      const known = image.topicById(partition.topicId)?.partitions[partition.index]
      if (known?.leader === broker.nodeId && matches(known, partition)) count += 1
    }
    return count
  }
  gauge('sluice_replicas', 'Partitions that this broker holds.', () => broker.partitions.count)
  gauge('sluice_leaders', 'Partitions that this broker leads.', () => countLed(() => true))
  gauge('sluice_under_replicated_partitions', 'Led ones whose replicas are not all in sync.', () =>
    countLed(({ isr, replicas }) => isr.length < replicas.length),
  )
  gauge('sluice_under_min_isr_partitions', 'Led ones that refuse acks=all.', () =>
    countLed(
      ({ isr, replicas }, { config }) =>
        isr.length < effectiveMinIsr(config['min.insync.replicas'], replicas),
    ),
  )
  gauge('sluice_at_min_isr_partitions', 'Led ones that one loss makes refuse acks=all.', () =>
    countLed(
      ({ isr, replicas }, { config }) =>
        isr.length === effectiveMinIsr(config['min.insync.replicas'], replicas),
    ),
  )
  gauge(
    'sluice_offline_replicas',
    'Partitions placed here whose disk failed.',
    () => broker.partitions.offlineCount,
  )
  gauge(
    'sluice_offline_log_dirs',
    'Log directories whose disk failed.',
    () => broker.logManager.dirs.filter(({ failure }) => failure !== undefined).length,
  )
}

function publishFetching(broker: Broker, metrics: Metrics, gauge: Gauge): void {
  const { purgatory, fetchSessions } = broker
  gauge('sluice_purgatory_size', 'Fetches that wait for records.', () => purgatory.size)
  gauge('sluice_waiting_produces', 'Produces whose records are not appended yet.', () => {
    let count = 0
    for (const partition of broker.partitions) count += partition.waitingAppends
    return count
  })
  gauge('sluice_fetch_sessions', 'Fetch sessions.', () => fetchSessions.size)
  gauge(
    'sluice_fetch_session_partitions',
    'Partitions remembered in fetch sessions.',
    () => fetchSessions.partitionCount,
  )
  metrics.counter({
    name: 'sluice_fetch_session_evictions_total',
    help: 'Fetch sessions that gave way to others.',
    collect: () => [{ value: fetchSessions.evictions }],
  })
}

function publishLimits({ quotas, connectionLimits }: Broker, metrics: Metrics): void {
  metrics.histogram({
    name: 'sluice_throttle_seconds',
    help: 'How long clients above a quota were told to wait.',
    collect: () =>
      Object.entries(quotas.waits).map(([quota, histogram]) => ({ histogram, labels: { quota } })),
  })
  metrics.gauge({
    name: 'sluice_listener_connections',
    help: 'Connections that were let in and are open, by listener.',
    collect: () =>
      [...connectionLimits.byListener].map(([listener, value]) => ({
        value,
        labels: { listener },
      })),
  })
  metrics.counter({
    name: 'sluice_connections_over_limit_total',
    help: 'Connections closed for a limit on those of their address.',
    collect: () => [{ value: connectionLimits.refused }],
  })
}
