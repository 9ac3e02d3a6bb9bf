// Apache Kafka's own command-line tools do their job, and its log tool reads our segments without a complaint.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codecs, consume, produce } from './drivers.ts'
import { runTool, type Tool, type ToolResult } from './kafka/apache.ts'
import { startTarget, type Target } from './target.ts'

let target: Target

beforeAll(async () => {
  // Small segments, so that the log tool meets rolled ones, their indexes and producer snapshots.
  target = await startTarget({
    'log.segment.bytes': '1048576',
    'log.index.interval.bytes': '4096',
    'offsets.topic.num.partitions': '5',
    // The timestamps of some records are of long ago.
    'log.retention.ms': '-1',
  })
}, 60_000)
afterAll(() => target?.remove())

async function tool(name: Tool, args: string[], input?: string): Promise<ToolResult> {
  return runTool(name, ['--bootstrap-server', target.bootstrap, ...args], { input })
}

async function succeeds(name: Tool, args: string[], input?: string): Promise<string> {
  const result = await tool(name, args, input)
  expect(result.status, `${name} ${args.join(' ')}: ${result.stderr}${result.stdout}`).toBe(0)
  return result.stdout
}

describe('kafka-topics', () => {
  test('creates, lists, describes and deletes', async () => {
    const created = await succeeds('kafka-topics', [
      ...['--create', '--topic', 'tools.orders', '--partitions', '3'],
      ...['--replication-factor', '1', '--config', 'retention.ms=86400000'],
    ])
    expect(created).toContain('Created topic tools.orders.')

    const listed = await succeeds('kafka-topics', ['--list'])
    expect(listed.split('\n')).toContain('tools.orders')

    const described = await succeeds('kafka-topics', ['--describe', '--topic', 'tools.orders'])
    expect(described).toMatch(
      /Topic: tools\.orders\s+TopicId: [\w-]{22}\s+PartitionCount: 3\s+ReplicationFactor: 1/,
    )
    expect(described).toContain('retention.ms=86400000')
    for (const partition of [0, 1, 2]) {
      expect(described).toMatch(
        new RegExp(`Partition: ${partition}\\s+Leader: 1\\s+Replicas: 1\\s+Isr: 1`),
      )
    }

    await succeeds('kafka-topics', ['--delete', '--topic', 'tools.orders'])
    const after = await succeeds('kafka-topics', ['--list'])
    expect(after.split('\n')).not.toContain('tools.orders')
  })

  test('wrong input gets the error that Kafka gives', async () => {
    await succeeds('kafka-topics', ['--create', '--topic', 'tools.twice', '--partitions', '1'])
    const twice = await tool('kafka-topics', ['--create', '--topic', 'tools.twice'])
    expect(twice.status).toBe(1)
    expect(twice.stdout + twice.stderr).toContain("Topic 'tools.twice' already exists")

    const factor = ['--create', '--topic', 'tools.rf', '--replication-factor', '3']
    const tooMany = await tool('kafka-topics', factor)
    expect(tooMany.status).toBe(1)
    expect(tooMany.stdout + tooMany.stderr).toContain('InvalidReplicationFactorException')

    const badConfig = ['--create', '--topic', 'tools.bad', '--config', 'retention.ms=soon']
    const invalid = await tool('kafka-topics', badConfig)
    expect(invalid.status).toBe(1)

    const missing = await tool('kafka-topics', ['--describe', '--topic', 'tools.missing'])
    expect(missing.status).toBe(1)
    expect(missing.stdout + missing.stderr).toContain("Topic 'tools.missing' does not exist")
  })
})

test('the console producer writes what the console consumer reads', async () => {
  const lines = Array.from({ length: 1_000 }, (_, i) => `key-${i % 10}:line ${i} żółć`)
  await succeeds('kafka-topics', ['--create', '--topic', 'tools.console', '--partitions', '1'])
  await succeeds(
    'kafka-console-producer',
    [
      ...['--topic', 'tools.console', '--reader-property', 'parse.key=true'],
      ...['--reader-property', 'key.separator=:'],
    ],
    `${lines.join('\n')}\n`,
  )
  const read = await succeeds('kafka-console-consumer', [
    ...['--topic', 'tools.console', '--from-beginning', '--max-messages', '1000'],
    ...['--formatter-property', 'print.key=true', '--formatter-property', 'key.separator=:'],
    ...['--timeout-ms', '20000', '--group', 'tools-console'],
  ])
  expect(read.trimEnd().split('\n')).toEqual(lines)

  const offsets = await succeeds('kafka-get-offsets', ['--topic', 'tools.console'])
  expect(offsets.trim()).toBe('tools.console:0:1000')
})

test('kafka-broker-api-versions names the broker and its ranges', async () => {
  const ranges = await succeeds('kafka-broker-api-versions', [])
  expect(ranges).toContain(`${target.bootstrap} (id: 1 rack: null isFenced: false)`)
  expect(ranges).toMatch(/Produce\(0\): 0 to 13/)
  expect(ranges).toMatch(/Fetch\(1\): 4 to 18/)
})

test('kafka-configs describes a topic', async () => {
  const create = ['--create', '--topic', 'tools.configs', '--config', 'segment.bytes=2097152']
  await succeeds('kafka-topics', create)
  const described = await succeeds('kafka-configs', ['--describe', '--topic', 'tools.configs'])
  expect(described).toContain('segment.bytes=2097152')
  expect(described).toContain('DYNAMIC_TOPIC_CONFIG')
})

test('kafka-consumer-groups lists and describes', async () => {
  const listed = await succeeds('kafka-consumer-groups', ['--list'])
  expect(listed.split('\n')).toContain('tools-console')
  const described = await succeeds('kafka-consumer-groups', [
    '--describe',
    ...['--group', 'tools-console'],
  ])
  expect(described).toMatch(/tools-console\s+tools\.console\s+0\s+1000\s+1000\s+0/)
})

test('kafka-dump-log reads every file of every partition', async () => {
  for (const codec of codecs) {
    const topic = `tools.dump.${codec}`
    await succeeds('kafka-topics', ['--create', '--topic', topic, '--partitions', '1'])
    const records = Array.from({ length: 4_000 }, (_, i) => ({
      key: i % 3 === 0 ? null : Buffer.from(`k${i}`).toString('base64'),
      value: Buffer.from(`${i} `.repeat(200)).toString('base64'),
      headers: [['n', Buffer.from(`${i}`).toString('base64')]] as [string, string][],
      timestamp: 1_760_000_000_000 + i,
    }))
    await produce('confluent', { bootstrap: target.bootstrap, topic, codec }, records)
  }
  const topics = codecs.map((codec) => `tools.dump.${codec}`)
  const read = await consume('java', {
    bootstrap: target.bootstrap,
    topics,
    max: 20_000,
    group: 'g',
  })
  expect(read.length).toBe(20_000)
  await target.stop()

  const partitions = readdirSync(target.dataFolder).filter((name) => /-\d+$/.test(name))
  const files = partitions.flatMap((name) =>
    readdirSync(join(target.dataFolder, name)).map((file) => join(target.dataFolder, name, file)),
  )
  const logs = files.filter((file) => /\.(log|index|timeindex|snapshot)$/.test(file))
  expect(logs.filter((file) => file.endsWith('.log')).length).toBeGreaterThan(8)
  const result = await runTool('kafka-dump-log', [
    ...['--deep-iteration', '--files', logs.join(',')],
  ])
  expect(result.status, result.stderr).toBe(0)
  const complaints = /corrupt|mismatch|non-consecutive|Found timestamp|Exception|isvalid: false/i
  const lines = `${result.stdout}\n${result.stderr}`.split('\n')
  expect(lines.filter((line) => complaints.test(line)).slice(0, 5)).toEqual([])
  const counted = lines.filter((line) => /^\| offset: \d+/.test(line)).length
  expect(counted).toBeGreaterThan(20_000)

  const group = files.filter((file) => /__consumer_offsets-\d+\/\d+\.log$/.test(file))
  const decoded = await runTool('kafka-dump-log', ['--offsets-decoder', '--files', group.join(',')])
  expect(decoded.status, decoded.stderr).toBe(0)
  expect(decoded.stdout).toContain('"group":"tools-console"')
  expect(decoded.stdout).not.toMatch(/Exception|Unable to|unknown/i)
})
