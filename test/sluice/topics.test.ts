import { describe, expect, test } from 'vitest'
import { againstEmbedded } from './against-embedded.ts'

const { run, output } = againstEmbedded()

describe('sluice topics', () => {
  test('create, list, describe, delete', async () => {
    await output(['topics', 'create', 'b', '--partitions', '2', '--config', 'retention.ms=1000'])
    await output(['topics', 'create', 'a'])
    expect(await output(['topics', 'list'])).toBe('a\nb\n')
    const text = await output(['topics', 'describe', 'b'])
    const [head, ...rows] = text.split('\n')
    expect(head).toMatch(
      /^Topic: b\tTopicId: [\w-]{22}\tPartitionCount: 2\tReplicationFactor: 1\tConfigs: .*retention.ms=1000/,
    )
    expect(rows.slice(0, -1)).toEqual(
      [0, 1].map(
        (partition) =>
          `\tTopic: b\tPartition: ${partition}\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \tLastKnownElr: `,
      ),
    )
    await output(['topics', 'delete', 'a', 'b'])
    expect(await output(['topics', 'list'])).toBe('')
  })

  test('--json', async () => {
    const created = JSON.parse(await output(['topics', 'create', 'a', '--json']))
    expect(created).toMatchObject({ name: 'a', partitions: [{ partition: 0, leader: 1 }] })
    expect(JSON.parse(await output(['topics', 'list', '--json']))).toEqual(['a'])
    expect(JSON.parse(await output(['topics', 'describe', '--json']))).toMatchObject([created])
    expect(JSON.parse(await output(['topics', 'delete', 'a', '--json']))).toEqual(['a'])
  })

  test.each([
    [['create', 'there'], /^sluice: topic there: .*exists.*\(TOPIC_ALREADY_EXISTS\)/],
    [['create', 'a/b'], /\(INVALID_TOPIC_EXCEPTION\)/],
    [['create', 'c', '--config', 'retention.msec=1'], /retention.msec.*\(INVALID_CONFIG\)/],
    [['create', 'c', '--replication-factor', '3'], /\(INVALID_REPLICATION_FACTOR\)/],
    [['describe', 'missing'], /^sluice: topic missing: it does not exist/],
    [['delete', 'missing'], /\(UNKNOWN_TOPIC_OR_PARTITION\)/],
  ])('%j fails in one line', async (args, message) => {
    await output(['topics', 'create', 'there'])
    const { status, stderr } = await run(['topics', ...args])
    expect(status).toBe(1)
    expect(stderr).toMatch(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  test('alter adds partitions, sets and unsets configs', async () => {
    await output(['topics', 'create', 'a', '--config', 'segment.ms=60000'])
    const change = ['--config', 'retention.ms=1000', '--delete-config', 'segment.ms']
    const alter = ['topics', 'alter', 'a', '--partitions', '3', ...change]
    expect(await output([...alter, '--dry-run'])).toBe('topic a can be altered so\n')
    expect(await output(['topics', 'describe', 'a'])).toContain('PartitionCount: 1\t')
    expect(await output(alter)).toBe('topic a is altered\n')
    const text = await output(['topics', 'describe', 'a'])
    expect(text).toMatch(/PartitionCount: 3\t.*Configs: .*retention.ms=1000/)
    expect(text).not.toContain('segment.ms')
  })

  test('alter does all or nothing', async () => {
    await output(['topics', 'create', 'a', '--partitions', '2'])
    const alter = ['topics', 'alter', 'a', '--partitions', '1', '--config', 'retention.ms=1000']
    const { status, stderr } = await run(alter)
    expect([status, stderr]).toEqual([1, expect.stringContaining('(INVALID_PARTITIONS)')])
    expect(await output(['topics', 'describe', 'a'])).not.toContain('retention.ms')
    const nothing = await run(['topics', 'alter', 'a'])
    expect([nothing.status, nothing.stderr]).toEqual([2, expect.stringContaining('--partitions')])
  })

  test('--if-not-exists and --if-exists are content', async () => {
    await output(['topics', 'create', 'a'])
    await output(['topics', 'create', 'a', '--if-not-exists'])
    await output(['topics', 'delete', 'a', 'missing', '--if-exists'])
    expect(await output(['topics', 'list'])).toBe('')
  })
})
