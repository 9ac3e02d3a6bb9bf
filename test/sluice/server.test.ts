import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { sluice, startBroker, temporaryFolder } from './command.ts'
import { shippedProperties } from './shipped-properties.ts'

/** Of each kind something: of Kafka 4.2's own file, and a name that only older Kafkas know. */
const fromKafka = `
process.roles=broker,controller
node.id=7
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:0,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
num.network.threads=3
num.partitions=2
offsets.topic.replication.factor=1
log.retention.hours=168
zookeeper.connect=localhost:2181
`

function writeProperties(folder: string, text: string): string {
  const file = path.join(folder, 'server.properties')
  writeFileSync(file, `${text}\nlog.dirs=${path.join(folder, 'logs')}\n`)
  return file
}

describe('sluice server', () => {
  test("runs by a file of Kafka's, and says what is retired or without effect", async () => {
    using folder = temporaryFolder()
    const file = writeProperties(folder.path, fromKafka)
    await using broker = await startBroker(['server', file, '--json'])
    expect(broker.bootstrapServers).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(broker.stderr()).toContain('server.properties:13: zookeeper.connect is retired')
    expect(broker.stderr()).toMatch(/accepted without effect: process.roles, .*num.network.threads/)
    expect(broker.stderr()).toContain('CONTROLLER://:9093 is not opened')

    const at = ['--bootstrap', broker.bootstrapServers]
    await sluice(['topics', 'create', 't', ...at])
    const { stdout } = await sluice(['topics', 'describe', 't', ...at])
    expect(stdout).toContain('PartitionCount: 2')
    expect(stdout).toContain('Leader: 7\tReplicas: 7\tIsr: 7')
    expect(existsSync(path.join(folder.path, 'logs/t-0'))).toBe(true)
    expect(await broker.end('SIGTERM')).toBe(0)
  })

  test.each(['4.2', '1.1'] as const)('starts by what Kafka %s ships', async (version) => {
    using folder = temporaryFolder()
    const file = path.join(folder.path, 'server.properties')
    writeFileSync(file, shippedProperties[version])
    const changed = {
      'log.dirs': path.join(folder.path, 'logs'),
      listeners: 'PLAINTEXT://:0',
      'advertised.listeners': 'PLAINTEXT://localhost:0',
    }
    const overrides = Object.entries(changed).flatMap(([name, value]) => {
      return ['--override', `${name}=${value}`]
    })
    await using broker = await startBroker(['server', file, ...overrides, '--json'])
    expect(broker.bootstrapServers).toMatch(/^localhost:\d+$/)
    const retired = broker.stderr().match(/server\.properties:\d+: \S+ is retired: .+/g) ?? []
    expect(retired).toHaveLength(version === '1.1' ? 2 : 0)
    expect(broker.stderr()).toContain('accepted without effect: ')
    expect(await broker.end('SIGTERM')).toBe(0)
  })

  test('answers each listener with its own advertised address', async () => {
    using folder = temporaryFolder()
    const file = writeProperties(
      folder.path,
      'listeners=A://127.0.0.1:0,B://127.0.0.1:0\n' +
        'listener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT\n' +
        'advertised.listeners=A://localhost:0,B://127.0.0.1:0',
    )
    await using broker = await startBroker(['server', file, '--json'])
    const [a, b] = broker.bootstrapServers.split(',')
    expect(a).toMatch(/^localhost:[1-9]\d*$/)
    expect(b).toMatch(/^127\.0\.0\.1:[1-9]\d*$/)
    for (const at of [a, b]) {
      const { status } = await sluice(['topics', 'list', '--bootstrap', at])
      expect(status).toBe(0)
    }
  })

  test('a mistake stops the start with file, line and nearest name', async () => {
    using folder = temporaryFolder()
    const file = writeProperties(folder.path, '# mine\nnum.partition=2\nlog.segment.bytes=small\n')
    const { status, stderr } = await sluice(['server', file])
    expect(status).toBe(2)
    expect(stderr.split('\n')).toEqual([
      'sluice: server.properties:2: unknown config num.partition; did you mean num.partitions?',
      expect.stringMatching(/^sluice: server.properties:3: Invalid value small for configuration/),
      '',
    ])
  })

  test('goes on in the background, until it is stopped', async () => {
    using folder = temporaryFolder()
    const file = writeProperties(folder.path, 'listeners=PLAINTEXT://127.0.0.1:0')
    const started = await sluice(['server', file, '--daemon', '--json'])
    expect(started.stderr).toBe('')
    const { pid, log, bootstrapServers } = JSON.parse(started.stdout) as {
      readonly pid: number
      readonly log: string
      readonly bootstrapServers: string
    }
    try {
      expect((await sluice(['topics', 'list', '--bootstrap', bootstrapServers])).status).toBe(0)
      expect(readFileSync(log, 'utf8')).toContain('broker started')
      const again = await sluice(['server', file, '--daemon'])
      expect(again.status).toBe(1)
      expect(again.stderr).toContain('ended at once')

      const stopped = await sluice(['stop', file])
      expect(stopped).toMatchObject({ status: 0, stdout: `sluice: process ${pid} has ended\n` })
      const { status } = await sluice(['topics', 'list', '--bootstrap', bootstrapServers])
      expect(status).toBe(1)
    } catch (error) {
      process.kill(pid, 'SIGKILL')
      throw error
    }
    const nobody = await sluice(['stop', file])
    expect(nobody.status).toBe(1)
    expect(nobody.stderr).toMatch(/^sluice: no broker works in .*logs\n$/)
  })
})
