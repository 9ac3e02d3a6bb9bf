// What a broker publishes of its topics and partitions. Series of single partitions are bounded: of more
// partitions than that, only topics are told, and how many partitions were left out.

import type { Metrics, Sample } from '@sluice/core/metrics/metrics'
import type { Partition } from '@sluice/core/partition/partition'
import type { Broker } from './broker.ts'

/** Partitions that have series of their own. */
const partitionsMax = 2000

export function publishPartitions(broker: Broker, metrics: Metrics): void {
  const { partitions } = broker
  const totals = new Totals(broker)
  const counter = (name: string, help: string, of: (partition: Partition) => number) => {
    metrics.counter({
      name: `sluice_topic_${name}`,
      help: `${help}, by topic.`,
      collect: () => sumByTopic(partitions, of),
    })
    const total = totals.of(of)
    metrics.counter({
      name: `sluice_${name}`,
      help: `${help}, those of deleted topics included.`,
      collect: () => [{ value: total() }],
    })
  }
  counter('bytes_in_total', 'Bytes of batches appended', (one) => one.bytesIn)
  counter('records_in_total', 'Records appended', (one) => one.recordsIn)
  counter('bytes_out_total', 'Bytes of batches fetched', (one) => one.bytesOut)
  metrics.gauge({
    name: 'sluice_log_size_bytes',
    help: 'Bytes of the logs on disk, by topic.',
    collect: () => sumByTopic(partitions, ({ log }) => log.sizeBytes),
  })
  const ofEach = (name: string, help: string, of: (partition: Partition) => number) =>
    metrics.gauge({ name, help, collect: () => each(partitions, of) })
  ofEach('sluice_log_start_offset', 'First offset of a partition.', ({ log }) => log.startOffset)
  ofEach('sluice_log_end_offset', 'Offset of the next record.', ({ log }) => log.endOffset)
  ofEach('sluice_log_segments', 'Segments of a partition.', ({ log }) => log.segmentCount)
  ofEach('sluice_log_partition_size_bytes', 'Bytes of a partition.', ({ log }) => log.sizeBytes)
  metrics.gauge({
    name: 'sluice_metrics_omitted_partitions',
    help: `Partitions without series of their own: no more than ${partitionsMax} have them.`,
    collect: () => [{ value: Math.max(0, partitions.count - partitionsMax) }],
  })
}

/** Sums over all partitions that go on when topics are deleted. */
class Totals {
  readonly #broker: Broker
  readonly #gone: ((partitions: readonly Partition[]) => void)[] = []

  constructor(broker: Broker) {
    this.#broker = broker
    broker.cluster.listen({
      prepare: async (changes) => {
        const deleted = new Set(
          changes.flatMap((change) => (change.kind === 'topicRemoved' ? [change.id] : [])),
        )
        if (deleted.size === 0) return
        const partitions = [...broker.partitions].filter(({ topicId }) => deleted.has(topicId))
        for (const add of this.#gone) add(partitions)
      },
    })
  }

  of(read: (partition: Partition) => number): () => number {
    let gone = 0
    let said = 0
    this.#gone.push((partitions) => {
      for (const partition of partitions) gone += read(partition)
    })
    return () => {
      let sum = gone
      for (const partition of this.#broker.partitions) sum += read(partition)
      // What came while a topic was being deleted is not known to `gone`.
      said = Math.max(said, sum)
      return said
    }
  }
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

function each(partitions: Iterable<Partition>, of: (partition: Partition) => number): Sample[] {
  const samples: Sample[] = []
  for (const partition of partitions) {
    if (samples.length === partitionsMax) break
    const { topic, index } = partition
    samples.push({ value: of(partition), labels: { topic, partition: index } })
  }
  return samples
}
