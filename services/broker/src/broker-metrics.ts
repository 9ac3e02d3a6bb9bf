// What a broker publishes of its state beside its requests: collected when somebody asks.

import type { Metrics, Sample } from '@sluice/core/metrics/metrics'
import type { Partition } from '@sluice/core/partition/partition'
import type { Broker } from './broker.ts'
import { publishLogCleaner } from './log-cleaner-metrics.ts'

export function publishBroker(broker: Broker, metrics: Metrics): void {
  publishQuotas(broker, metrics)
  const gauge = (name: string, help: string, value: () => number) =>
    metrics.gauge({ name, help, collect: () => [{ value: value() }] })
  const byTopic = (name: string, help: string, of: (partition: Partition) => number) =>
    metrics.counter({ name, help, collect: () => sumByTopic(broker.partitions, of) })

  byTopic('sluice_topic_bytes_in_total', 'Bytes of batches appended.', (one) => one.bytesIn)
  byTopic('sluice_topic_records_in_total', 'Records appended.', (one) => one.recordsIn)
  byTopic('sluice_topic_bytes_out_total', 'Bytes of batches fetched.', (one) => one.bytesOut)
  metrics.gauge({
    name: 'sluice_log_size_bytes',
    help: 'Bytes of the logs on disk.',
    collect: () => sumByTopic(broker.partitions, ({ log }) => log.sizeBytes),
  })
  gauge('sluice_topics', 'Topics in the cluster.', () => broker.cluster.image.topicCount)
  gauge(
    'sluice_partitions',
    'Partitions in the cluster.',
    () => broker.cluster.image.partitionCount,
  )
  gauge('sluice_replicas', 'Partitions that this broker holds.', () => broker.partitions.count)
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
  gauge('sluice_purgatory_size', 'Fetches that wait for records.', () => broker.purgatory.size)
  gauge('sluice_fetch_sessions', 'Fetch sessions.', () => broker.fetchSessions.size)
  gauge(
    'sluice_fetch_session_partitions',
    'Partitions remembered in fetch sessions.',
    () => broker.fetchSessions.partitionCount,
  )
  publishLogCleaner(broker, metrics)
  metrics.counter({
    name: 'sluice_fetch_session_evictions_total',
    help: 'Fetch sessions that gave way to others.',
    collect: () => [{ value: broker.fetchSessions.evictions }],
  })
}

function publishQuotas({ quotas }: Broker, metrics: Metrics): void {
  metrics.histogram({
    name: 'sluice_throttle_seconds',
    help: 'How long clients above a quota were told to wait.',
    collect: () =>
      Object.entries(quotas.waits).map(([quota, histogram]) => ({ histogram, labels: { quota } })),
  })
}

function sumByTopic(
  partitions: Iterable<Partition>,
  of: (partition: Partition) => number,
): Sample[] {
  const sums = new Map<string, number>()
  for (const partition of partitions) {
    sums.set(partition.topic, (sums.get(partition.topic) ?? 0) + of(partition))
  }
  return [...sums].map(([topic, value]) => ({ value, labels: { topic } }))
}
