import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { sluice, startBroker, temporaryFolder } from './command.ts'

/** A line as it would be pasted into a terminal of this checkout. */
function shell(line: string) {
  const root = path.join(import.meta.dirname, '../..')
  return spawnSync(line, { shell: true, cwd: root, encoding: 'utf8', timeout: 60_000 })
}

function freePort(): Promise<string> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(String(typeof address === 'object' && address?.port)))
    })
  })
}

describe('sluice dev', () => {
  test('keeps its data: what was acknowledged is there after a restart, and after kill -9', async () => {
    using folder = temporaryFolder()
    const args = ['dev', '--port', '0', '--json', '--data', folder.path]
    for (const [round, signal] of (['SIGTERM', 'SIGKILL', 'SIGINT'] as const).entries()) {
      await using broker = await startBroker(args)
      const at = ['--bootstrap', broker.bootstrapServers]
      await sluice(['produce', 't', ...at], { input: `round ${round}\n` })
      const { stdout } = await sluice(['consume', 't', '--from-beginning', '--until-end', ...at])
      expect(stdout.trim().split('\n')).toHaveLength(round + 1)
      expect(await broker.end(signal)).toBe(signal === 'SIGKILL' ? null : 0)
    }
  })

  test('--memory leaves nothing on the disk', async () => {
    using folder = temporaryFolder()
    await using broker = await startBroker(['dev', '--port', '0', '--json', '--memory'], {
      cwd: folder.path,
    })
    await sluice(['topics', 'create', 't', '--bootstrap', broker.bootstrapServers])
    expect(await broker.end('SIGTERM')).toBe(0)
    expect(existsSync(path.join(folder.path, '.sluice'))).toBe(false)
  })

  test('a data folder takes one process; a kill -9 leaves it free', async () => {
    using folder = temporaryFolder()
    const args = ['dev', '--port', '0', '--json', '--data', folder.path]
    await using first = await startBroker(args)
    const refused = await sluice(args)
    expect(refused.status).toBe(1)
    expect(refused.stderr).toContain(`is in use by process ${first.pid}`)
    await first.end('SIGKILL')
    await using second = await startBroker(args)
    expect(await second.end('SIGTERM')).toBe(0)
  })

  test('a data folder of another broker, or a broken one, is said in one line', async () => {
    using folder = temporaryFolder()
    const args = ['dev', '--port', '0', '--data', folder.path]
    await using first = await startBroker([...args, '--json'])
    await first.end('SIGTERM')
    const other = await sluice([...args, '--override', 'node.id=5'])
    expect(other.status).toBe(1)
    expect(other.stderr).toMatch(
      /^sluice: the broker cannot start: .* belongs to node 1, not to .*\n$/,
    )
    writeFileSync(path.join(folder.path, 'sluice.sqlite'), 'broken')
    const broken = await sluice(args)
    expect(broken.status).toBe(1)
    expect(broken.stderr).toMatch(/^sluice: .*sluice\.sqlite: .*not a database\n$/)
  })

  test('a port in use is said in one line', async () => {
    await using broker = await startBroker(['dev', '--port', '0', '--json', '--memory'])
    const [, port] = broker.bootstrapServers.split(':')
    const refused = await sluice(['dev', '--port', port, '--memory'])
    expect(refused.status).toBe(1)
    expect(refused.stderr).toMatch(new RegExp(`^sluice: 127.0.0.1:${port} is in use; .*\n$`))
  })

  test('prints where things are and lines to try, and each one works', async () => {
    const port = await freePort()
    await using broker = await startBroker(['dev', '--port', port, '--memory'], {
      ready: 'Stop with',
    })
    expect(broker.stdout()).toContain(
      `Kafka  127.0.0.1:${port}\n  HTTP   http://127.0.0.1:${port}\n`,
    )
    const lines = broker.stdout().matchAll(/^ {2}\$ (.*)$/gm)
    for (const [, line] of lines) {
      const { status, stdout } = shell(line)
      expect(status, line).toBe(0)
      if (!line.includes('produce')) expect(stdout, line).toMatch(/hello|"offset"/)
    }
    expect(await broker.end('SIGTERM')).toBe(0)
  })

  test.each([
    [['--brokers', '2'], /more than one broker is not there yet/],
    [['--host', '0.0.0.0'], /one address to come back to; say which: --advertise HOST/],
    [['--host', '0.0.0.0', '--advertise', 'h'], /neither TLS nor authentication; add --insecure/],
    [['--override', 'num.partition=2'], /unknown config num.partition; did you mean num.part/],
    [['--override', 'num.partitions=x'], /--override: Invalid value x for configuration num.part/],
    [['--override', 'log.dirs=/a,/b/../a'], /log.dirs names a folder twice: \/a/],
    [['--override', 'listeners=SSL://127.0.0.1:0'], /asks for SSL: TLS and SASL are not there/],
    [['--port', '70000'], /It must be a whole number from 0 to 65535/],
    [['--prot', '1'], /unknown option '--prot' \(Did you mean --port\?\)/],
  ])('%j is refused in one line', async (flags, message) => {
    const { status, stdout, stderr } = await sluice(['dev', '--memory', ...flags])
    expect(status).toBeGreaterThan(0)
    expect(stdout).toBe('')
    expect(stderr).toMatch(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  test('configs come by variables too, and --override goes before them', async () => {
    const env = { SLUICE_NUM_PARTITIONS: '2', SLUICE_LOG_RETENTION_HOURS: '1' }
    const flags = ['--memory', '--port', '0', '--json', '--override', 'num.partitions=4']
    await using broker = await startBroker(['dev', ...flags], { env })
    const at = ['--bootstrap', broker.bootstrapServers]
    await sluice(['topics', 'create', 't', ...at])
    const { stdout } = await sluice(['topics', 'describe', 't', ...at])
    expect(stdout).toContain('PartitionCount: 4')
  })
})
