// What /metrics says of a broker: counted where Kafka counts it, bounded where names could be many.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { apis } from '@sluice/protocol/apis'
import { zeroUuid } from '@sluice/protocol/schema'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fetchRequestOf } from './requests.ts'
import { TestBroker, type TestClient } from './test-broker.ts'

let running: TestBroker
let client: TestClient

beforeEach(async () => {
  running = await TestBroker.start()
  client = await running.connect()
})
afterEach(() => running.close())

/** Values by series, `name{labels}`. */
async function scrape(): Promise<Map<string, number>> {
  const lines = (await running.metrics.text()).split('\n').filter((line) => /^[a-z]/.test(line))
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ')
      return [line.slice(0, at), Number(line.slice(at + 1))]
    }),
  )
}

test('topics and partitions: what came, what went, where a log begins and ends', async () => {
  await running.createTopic('orders', { partitions: 2 })
  await client.produce('orders', ['a', 'b'], { partition: 1 })
  await client.send(apis.fetch, 12, fetchRequestOf({ partitions: [1] }))
  const before = await scrape()
  expect(before.get('sluice_topic_records_in_total{topic="orders"}')).toBe(2)
  expect(before.get('sluice_records_in_total')).toBe(2)
  expect(before.get('sluice_bytes_out_total')).toBe(before.get('sluice_bytes_in_total'))
  expect(before.get('sluice_log_end_offset{topic="orders",partition="1"}')).toBe(2)
  expect(before.get('sluice_log_start_offset{topic="orders",partition="1"}')).toBe(0)
  expect(before.get('sluice_log_segments{topic="orders",partition="0"}')).toBe(1)
  expect(before.get('sluice_log_partition_size_bytes{topic="orders",partition="1"}')).toBe(
    before.get('sluice_log_size_bytes{topic="orders"}'),
  )
  await client.send(apis.deleteTopics, 5, { topicNames: ['orders'], timeoutMs: 1000 })
  const after = await scrape()
  // A counter of all topics does not go back because one of them went.
  expect(after.get('sluice_records_in_total')).toBe(2)
  expect(after.has('sluice_topic_records_in_total{topic="orders"}')).toBe(false)
})

test('requests: latencies, bytes and errors of each API', async () => {
  await running.createTopic('orders')
  await client.produce('orders', ['a'])
  await client.produce('nowhere', ['a'])
  await client.produce('orders', ['a'], { partition: 7 })
  await client.send(apis.fetch, 12, fetchRequestOf({ partitions: [9] }))
  const figures = await scrape()
  for (const name of ['sluice_request', 'sluice_request_local', 'sluice_response_send']) {
    expect(figures.get(`${name}_seconds_count{api="Produce"}`)).toBe(3)
  }
  expect(figures.get('sluice_request_bytes_total{api="Fetch"}')).toBeGreaterThan(20)
  expect(figures.get('sluice_response_bytes_total{api="Fetch"}')).toBeGreaterThan(20)
  const errors = 'sluice_request_errors_total'
  const unknown = 'UNKNOWN_TOPIC_OR_PARTITION'
  expect(figures.get(`${errors}{api="Produce",error="NONE"}`)).toBe(1)
  expect(figures.get(`${errors}{api="Produce",error="${unknown}"}`)).toBe(2)
  expect(figures.get(`${errors}{api="Fetch",error="${unknown}"}`)).toBe(1)
  expect(figures.get('sluice_failed_produces_total{topic="orders"}')).toBe(1)
  expect(figures.get('sluice_failed_produces_total{topic="nowhere"}')).toBe(1)
  expect(figures.get('sluice_failed_fetches_total{topic="orders"}')).toBe(1)
})

test('the cluster, replicas, groups and connections', async () => {
  await running.createTopic('orders', { configs: { 'min.insync.replicas': '2' } })
  await running.createTopic('calm')
  await client.produce('calm', ['a', 'b', 'c'])
  await client.send(apis.findCoordinator, 3, { key: 'readers', keyType: 0 })
  await expect
    .poll(async () => {
      const { topics } = await client.send(apis.offsetCommit, 8, {
        groupId: 'readers',
        generationIdOrMemberEpoch: -1,
        memberId: '',
        topics: [
          {
            name: 'calm',
            topicId: zeroUuid,
            partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }],
          },
        ],
      })
      return topics[0].partitions[0].errorCode
    })
    .toBe(0)
  const figures = await scrape()
  expect(figures.get('sluice_group_lag{group="readers",topic="calm",partition="0"}')).toBe(2)
  expect(figures.get('sluice_groups{state="Empty"}')).toBe(1)
  expect(figures.get('sluice_metrics_omitted_group_lags')).toBe(0)
  expect(figures.get('sluice_active_controller')).toBe(1)
  expect(figures.get('sluice_active_brokers')).toBe(1)
  expect(figures.get('sluice_offline_partitions')).toBe(0)
  expect(figures.get('sluice_under_min_isr_partitions')).toBe(0)
  expect(figures.get('sluice_under_replicated_partitions')).toBe(0)
  expect(figures.get('sluice_leaders')).toBe(figures.get('sluice_replicas'))
  expect(figures.get('sluice_connections')).toBe(1)
  expect(figures.get('sluice_connections_total')).toBe(1)
  expect(figures.get('sluice_listener_connections{listener="PLAINTEXT"}')).toBe(1)
  expect(figures.get('sluice_request_memory_limit_bytes')).toBeGreaterThan(1e6)
})

test('each metric has its line in the documentation', async () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8')
  const names = (await running.metrics.text()).matchAll(/^# TYPE (\S+) /gm)
  const missing = [...names].map(([, name]) => name).filter((name) => !page.includes(`\`${name}\``))
  expect(missing).toEqual([])
})
