import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { Admin } from '@sluice/core/kafka-client/admin'
import { Producer } from '@sluice/core/kafka-client/producer'
import { expect, test } from 'vitest'
import { withCluster } from '../../packages/sluice/src/client.ts'
import { againstEmbedded } from './against-embedded.ts'
import { temporaryFolder } from './command.ts'

const against = againstEmbedded()
const { run, output } = against

/** Ten in the first of two partitions. */
async function tenRecords(): Promise<void> {
  await withCluster(against.broker.bootstrapServers, async (client) => {
    await new Admin(client).createTopics([{ name: 'orders', partitionCount: 2 }])
    const records = Array.from({ length: 10 }, (_, index) => {
      return { key: null, value: Buffer.from(String(index)), partition: 0 }
    })
    await new Producer(client).send('orders', records)
  })
}

test('sluice records delete', async () => {
  await tenRecords()
  expect(await output(['records', 'delete', 'orders:0', '--before', '4'])).toBe(
    ['TOPIC   PARTITION  START', 'orders          0      4', ''].join('\n'),
  )
  const rest = await output(['consume', 'orders', '--from-beginning', '--until-end'])
  expect(rest).toBe('4\n5\n6\n7\n8\n9\n')
  expect(
    JSON.parse(await output(['records', 'delete', 'orders', '--before', 'end', '--json'])),
  ).toEqual([
    { topic: 'orders', partition: 0, startOffset: 10 },
    { topic: 'orders', partition: 1, startOffset: 0 },
  ])
})

test('sluice records delete --from-file takes the file of the tool of Kafka', async () => {
  await tenRecords()
  using folder = temporaryFolder()
  const file = path.join(folder.path, 'offsets.json')
  const entry = { topic: 'orders', partition: 0, offset: 3 }
  writeFileSync(file, JSON.stringify({ partitions: [entry], version: 1 }))
  expect(await output(['records', 'delete', '--from-file', file])).toMatch(/^orders +0 +3$/m)
  writeFileSync(file, JSON.stringify({ partitions: [{ ...entry, offset: 'three' }] }))
  const { status, stderr } = await run(['records', 'delete', '--from-file', file])
  expect([status, stderr]).toEqual([2, expect.stringContaining("entry 1 of 'partitions'")])
})

test.each([
  [['orders:0', '--before', '11'], 1, /orders-0: .*\(OFFSET_OUT_OF_RANGE\)/],
  [['orders:5', '--before', '1'], 1, /topic orders has 2 partitions, and none is 5/],
  [['missing', '--before', '1'], 1, /topic missing: it does not exist/],
  [['orders'], 2, /--before OFFSET/],
  [[], 2, /name partitions/],
  [['orders:x', '--before', '1'], 2, /of the form topic/],
])('%j fails in one line', async (args, expected, message) => {
  await tenRecords()
  const { status, stderr } = await run(['records', 'delete', ...args])
  expect(stderr).toMatch(message)
  expect(status).toBe(expected)
})

test('sluice cluster describe', async () => {
  await tenRecords()
  const text = await output(['cluster', 'describe'])
  expect(text).toMatch(/^cluster [\w-]{22}, controller 1\nBROKER +ADDRESS/)
  const { brokers } = JSON.parse(await output(['cluster', 'describe', '--json']))
  expect(brokers).toMatchObject([{ nodeId: 1, logDirs: [{ failed: false, replicas: 2 }] }])
})
