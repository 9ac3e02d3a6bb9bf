import { apis } from '@sluice/protocol/apis'
import { requestFrame } from '@sluice/protocol/frame'
import { afterEach, expect, test } from 'vitest'
import { fetchRequestOf } from './requests.ts'
import { TestBroker } from './test-broker.ts'

let running: TestBroker
afterEach(() => running.close())

/** The value of a metric without labels. */
async function metric(name: string): Promise<number> {
  const line = (await running.metrics.text()).split('\n').find((one) => one.startsWith(`${name} `))
  return Number(line?.split(' ')[1])
}

const heldBytes = () => metric('sluice_request_memory_bytes')

test('a client that does not read its answers holds a bounded number of bytes', async () => {
  running = await TestBroker.start()
  await running.createTopic('orders')
  const writer = await running.connect()
  for (let i = 0; i < 20; i++) await writer.produce('orders', ['x'.repeat(500_000)])
  const slow = await running.connect()
  slow.pause()
  const request = { ...fetchRequestOf({ partitions: [0] }), maxBytes: 20_000_000 }
  request.topics[0].partitions[0].partitionMaxBytes = 20_000_000
  const frame = Buffer.concat(requestFrame(apis.fetch, 12, 1, 'slow', request))
  for (let i = 0; i < 50; i++) slow.write(frame)
  await expect.poll(heldBytes).toBeGreaterThan(0)
  await writer.produce('orders', ['others go on'])
  // Without a bound it would be 50 times 8 MB.
  expect(await heldBytes()).toBeLessThan(40_000_000)
  slow.close()
  await expect.poll(heldBytes).toBe(0)
})

test('all connections together hold a bounded number of bytes, and each gets its turn', async () => {
  running = await TestBroker.start({
    config: { 'queued.max.request.bytes': '10000', 'socket.request.max.bytes': '10000' },
  })
  await running.createTopic('orders')
  const clients = await Promise.all(Array.from({ length: 10 }, () => running.connect()))
  const answers = clients.flatMap((client) =>
    Array.from({ length: 10 }, () => client.produce('orders', ['x'.repeat(5000)])),
  )
  const offsets = (await Promise.all(answers)).map(({ baseOffset }) => baseOffset)
  expect(offsets.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i))
  await expect.poll(heldBytes).toBe(0)
})

test('metrics count what was done', async () => {
  running = await TestBroker.start()
  await running.createTopic('orders', { partitions: 2 })
  const client = await running.connect()
  await client.produce('orders', ['a', 'b'], { partition: 0 })
  await client.produce('orders', ['c'], { partition: 1 })
  await client.send(apis.fetch, 12, fetchRequestOf({ partitions: [0] }))
  const text = await running.metrics.text()
  expect(text).toContain('sluice_topic_records_in_total{topic="orders"} 3')
  expect(text).toMatch(/sluice_topic_bytes_out_total\{topic="orders"\} \d\d+/)
  expect(text).toContain('sluice_request_seconds_count{api="Produce"} 2')
  expect(text).toContain('sluice_request_seconds_bucket{api="Fetch",le="+Inf"} 1')
  expect(await metric('sluice_connections')).toBe(1)
  expect(await metric('sluice_partitions')).toBe(2)
})
