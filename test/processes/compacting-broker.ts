// A broker that compacts as often as it can, and a topic that gives it reason to.

import type { KafkaClient } from '@sluice/core/kafka-client/kafka-client'
import { apis } from '@sluice/protocol/apis'
import type { RunningBroker } from '../sluice/command.ts'
import type { LoadShape } from './key-value-load.ts'

export const compactingConfigs: Readonly<Record<string, string>> = {
  'log.cleaner.backoff.ms': '100',
  'log.flush.offset.checkpoint.interval.ms': '1000',
}

const tableConfigs: Readonly<Record<string, string>> = {
  'cleanup.policy': 'compact',
  'internal.segment.bytes': '50000',
  'index.interval.bytes': '512',
  'min.cleanable.dirty.ratio': '0.05',
  'delete.retention.ms': '500',
}

export function brokerArguments(port: number, folder: string): string[] {
  const overrides = Object.entries(compactingConfigs).flatMap(([name, value]) => {
    return ['--override', `${name}=${value}`]
  })
  return ['dev', '--port', `${port}`, '--data', folder, '--json', ...overrides]
}

export async function createTable(client: KafkaClient, { topic, partitions }: LoadShape) {
  const configs = Object.entries(tableConfigs).map(([name, value]) => ({ name, value }))
  const { topics } = await client.request(apis.createTopics, 'controller', {
    topics: [
      { name: topic, numPartitions: partitions, replicationFactor: 1, assignments: [], configs },
    ],
    timeoutMs: 5000,
  })
  const [{ errorCode, errorMessage }] = topics
  if (errorCode !== 0) throw new Error(`${topic}: ${errorMessage}`)
}

/** How many it has come to the end of since its start. */
export async function cleaningsOf({ httpUrl }: RunningBroker): Promise<number> {
  const metrics = await (await fetch(`${httpUrl}/metrics`)).text()
  return Number(/^sluice_log_cleaner_cleanings_total (\d+)$/m.exec(metrics)?.[1] ?? 0)
}
