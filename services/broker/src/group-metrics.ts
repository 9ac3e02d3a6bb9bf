// What a broker publishes of the groups that it coordinates: how many there are in which state, and how far
// each is behind. Series are bounded; a scrape says how many lags it left out.

import type { Metrics, Sample } from '@sluice/core/metrics/metrics'
import type { Broker } from './broker.ts'

/** Committed offsets whose lag has a series of its own. */
const lagsMax = 2000

export function publishGroups(broker: Broker, metrics: Metrics): void {
  metrics.gauge({
    name: 'sluice_groups',
    help: 'Groups coordinated here, by state.',
    collect: () => groupsByState(broker),
  })
  metrics.gauge({
    name: 'sluice_group_lag',
    help: 'Records from the committed offset of a group to the high watermark.',
    collect: () => lags(broker).samples,
  })
  metrics.gauge({
    name: 'sluice_metrics_omitted_group_lags',
    help: `Committed offsets without a series: no more than ${lagsMax} have one.`,
    collect: () => [{ value: lags(broker).omitted }],
  })
}

function groupsByState(broker: Broker): Sample[] {
  const counts = new Map<string, number>()
  for (const { state } of broker.groups.coordinated()) {
    counts.set(state, (counts.get(state) ?? 0) + 1)
  }
  return [...counts].map(([state, value]) => ({ value, labels: { state } }))
}

/** Of partitions led elsewhere nobody here knows the high watermark. */
function lags(broker: Broker): { samples: Sample[]; omitted: number } {
  const samples: Sample[] = []
  let omitted = 0
  for (const { id, offsets } of broker.groups.coordinated()) {
    for (const [topic, partitions] of offsets.topics()) {
      if (samples.length >= lagsMax) {
        omitted += partitions.size
        continue
      }
      for (const [partition, { offset }] of partitions) {
        const led = broker.partitions.get(topic, partition)
        if (!led) continue
        const value = Math.max(0, led.highWatermark - offset)
        samples.push({ value, labels: { group: id, topic, partition } })
      }
    }
  }
  return { samples, omitted }
}
