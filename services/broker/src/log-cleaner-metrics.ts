// What a broker publishes of its log cleaner: by the names and in the meanings of Kafka's
// kafka.log:type=LogCleanerManager and type=LogCleaner.

import type { Metrics } from '@sluice/core/metrics/metrics'
import type { Broker } from './broker.ts'

export function publishLogCleaner({ logCleaner, host }: Broker, metrics: Metrics): void {
  const { figures } = logCleaner
  const gauge = (name: string, help: string, value: () => number) => {
    const collect = () => [{ value: value() }]
    metrics.gauge({ name: `sluice_log_cleaner_${name}`, help, collect })
  }
  gauge(
    'uncleanable_partitions_count',
    'Partitions whose log could not be cleaned.',
    () => figures.uncleanablePartitions,
  )
  gauge(
    'uncleanable_bytes',
    'Bytes to be cleaned in such partitions.',
    () => figures.uncleanableBytes,
  )
  gauge('max_dirty_percent', 'Dirty part of the dirtiest log.', () => {
    return Math.floor(100 * figures.dirtyRatioMax)
  })
  gauge('time_since_last_run_ms', 'Since logs were last looked at.', () => {
    return host.clock.now() - figures.lastRoundMs
  })
  gauge('max_compaction_delay_secs', 'Beyond max.compaction.lag.ms.', () => {
    return Math.floor(figures.compactionDelayMs / 1000)
  })
  gauge('max_buffer_utilization_percent', 'How full the map of keys was.', () => {
    return Math.floor(100 * figures.mapUtilization)
  })
  gauge('cleaner_recopy_percent', 'Bytes written of those read by the last cleaning.', () => {
    return Math.floor(100 * figures.recopyRatio)
  })
  gauge('max_clean_time_secs', 'How long the last cleaning took.', () => {
    return figures.cleaningMs / 1000
  })
  metrics.counter({
    name: 'sluice_log_cleaner_cleanings_total',
    help: 'Cleanings since the start.',
    collect: () => [{ value: figures.cleanings }],
  })
}
