import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { Admin } from '@sluice/core/kafka-client/admin'
import { GroupAdmin } from '@sluice/core/kafka-client/group-admin'
import { Producer } from '@sluice/core/kafka-client/producer'
import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { withCluster } from '../../packages/sluice/src/client.ts'
import { againstEmbedded } from './against-embedded.ts'
import { temporaryFolder } from './command.ts'

const against = againstEmbedded()
const { run, output } = against

/** `orders` with two partitions of ten records each, of which `billing` has read the first seven. */
async function readPartly(): Promise<void> {
  await withCluster(against.broker.bootstrapServers, async (client) => {
    await new Admin(client).createTopics([{ name: 'orders', partitionCount: 2 }])
    const producer = new Producer(client)
    for (const partition of [0, 1]) {
      const records = Array.from({ length: 10 }, () => ({ key: null, value: null, partition }))
      await producer.send('orders', records)
    }
    const at = [0, 1].map((partition) => ({ topic: 'orders', partition, offset: 7 }))
    await new GroupAdmin(client).alterOffsets('billing', at)
  })
}

async function committed(): Promise<[number, number][]> {
  return withCluster(against.broker.bootstrapServers, async (client) => {
    const offsets = await new GroupAdmin(client).offsets('billing')
    return offsets.map(({ partition, offset }) => [partition, offset])
  })
}

describe('sluice groups', () => {
  test('list and describe', async () => {
    await readPartly()
    expect(await output(['groups', 'list'])).toBe(
      [
        'GROUP    STATE  TYPE     PROTOCOL  COORDINATOR',
        'billing  Empty  classic  -                   1',
        '',
      ].join('\n'),
    )
    expect(await output(['groups', 'list', '--state', 'Stable'])).toBe('')
    expect(await output(['groups', 'describe', 'billing'])).toBe(
      [
        'group billing: Empty, 0 members, coordinator 1, lag 6',
        'TOPIC   PARTITION  COMMITTED  END  LAG  MEMBER  CLIENT  HOST',
        'orders          0          7   10    3  -       -       -',
        'orders          1          7   10    3  -       -       -',
        '',
      ].join('\n'),
    )
    expect(await output(['groups', 'describe', '--state'])).toMatch(/^billing +Empty +- +0 +6 +1$/m)
    const { status, stderr } = await run(['groups', 'describe', 'missing'])
    expect(status).toBe(1)
    expect(stderr).toBe('sluice: group missing: it does not exist (GROUP_ID_NOT_FOUND)\n')
  })

  test('members, and what is refused while there are some', async () => {
    await readPartly()
    const brokers = [against.broker.bootstrapServers]
    const kafka = new Kafka({ brokers, clientId: 'biller', logLevel: logLevel.NOTHING })
    const consumer = kafka.consumer({ groupId: 'billing' })
    const { promise: joined, resolve } = Promise.withResolvers<void>()
    consumer.on('consumer.group_join', () => resolve())
    await consumer.subscribe({ topics: ['orders'] })
    await consumer.run({ autoCommit: false, eachMessage: async () => {} })
    await joined
    const text = await output(['groups', 'describe', 'billing', '--members'])
    expect(text).toMatch(/^group billing: Stable, 1 member, assignor \w+, coordinator 1, lag 6$/m)
    expect(text).toMatch(/^biller-\S+ +- +biller +\/\S+ +orders:0,1$/m)
    const reset = ['groups', 'reset-offsets', 'billing', '--topic', 'orders', '--to-earliest']
    const refused = await run(reset)
    expect(refused.status).toBe(1)
    expect(refused.stderr).toMatch(/^sluice: group billing is Stable, with 1 member; only offsets/)
    const deleted = await run(['groups', 'delete', 'billing'])
    expect(deleted.stderr).toMatch(/\(NON_EMPTY_GROUP\)/)
    await consumer.disconnect()
  })

  test('a reset is only shown without --execute', async () => {
    await readPartly()
    const reset = ['groups', 'reset-offsets', 'billing', '--topic', 'orders:1', '--to-earliest']
    const shown = await run(reset)
    expect(shown).toEqual({
      status: 0,
      stdout: [
        'TOPIC   PARTITION  COMMITTED  NEW  LAG',
        'orders          1          7    0   10',
        '',
      ].join('\n'),
      stderr: 'sluice: nothing is changed; --execute does it\n',
    })
    expect(await committed()).toEqual([
      [0, 7],
      [1, 7],
    ])
    await output([...reset, '--execute'])
    expect(await committed()).toEqual([
      [0, 7],
      [1, 0],
    ])
  })

  test('a reset to what a file says, which --export has written', async () => {
    await readPartly()
    const all = ['groups', 'reset-offsets', 'billing', '--all-topics']
    const exported = await run([...all, '--to-current', '--export'])
    expect(exported.stdout).toBe('orders,0,7\norders,1,7\n')
    using folder = temporaryFolder()
    const file = path.join(folder.path, 'offsets.csv')
    writeFileSync(file, 'orders,1,6\nother,orders,0,3\nbilling,orders,0,4\n')
    const reset = ['groups', 'reset-offsets', 'billing', '--from-file', file, '--execute']
    const { offsets } = JSON.parse(await output([...reset, '--json']))
    expect(offsets.map(({ offset }: { offset: number }) => offset)).toEqual([4, 6])
    expect(await committed()).toEqual([
      [0, 4],
      [1, 6],
    ])
  })

  test('a reset to a time asks the broker', async () => {
    await readPartly()
    const reset = ['groups', 'reset-offsets', 'billing', '--topic', 'orders', '--json']
    const offsetsOf = ({ stdout }: { stdout: string }) =>
      JSON.parse(stdout).offsets.map(({ offset }: { offset: number }) => offset)
    expect(offsetsOf(await run([...reset, '--by-duration', 'PT1H']))).toEqual([0, 0])
    const late = await run([...reset, '--to-datetime', '2999-01-01T00:00Z'])
    expect(offsetsOf(late)).toEqual([10, 10])
  })

  test.each([
    [['--topic', 'orders'], 2, /say where to/],
    [['--to-latest'], 2, /--topic or --all-topics/],
    [['--topic', 'orders', '--to-latest', '--to-current'], 2, /cannot be used with/],
    [['--topic', 'orders', '--to-datetime', 'soon'], 2, /must be a time/],
    [['--topic', 'orders:9', '--to-latest'], 1, /topic orders has 2 partitions, and none is 9/],
    [['--topic', 'missing', '--to-latest'], 1, /topic missing: it does not exist/],
    [['--all-topics', '--from-file', '/missing.csv'], 2, /cannot read \/missing.csv/],
  ])('a reset with %j fails in one line', async (args, expected, message) => {
    if (expected === 1) await readPartly()
    const { status, stderr } = await run(['groups', 'reset-offsets', 'billing', ...args])
    expect(stderr).toMatch(message)
    expect(status).toBe(expected)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  test('offsets and groups are deleted', async () => {
    await readPartly()
    expect(await output(['groups', 'delete-offsets', 'billing', '--topic', 'orders:1'])).toBe(
      'orders-1: nothing is committed any more\n',
    )
    expect(await committed()).toEqual([[0, 7]])
    const { status, stdout, stderr } = await run(['groups', 'delete', 'billing', 'missing'])
    expect(stdout).toBe('group billing is deleted\n')
    expect([status, stderr]).toEqual([1, expect.stringMatching(/group missing: it does not exist/)])
  })
})
