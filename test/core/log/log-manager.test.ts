import { type BrokerConfig, brokerConfig } from '@sluice/core/config/broker-config'
import { type TopicConfig, topicConfig } from '@sluice/core/config/topic-config'
import { DiskError } from '@sluice/core/host/disk'
import { silentLogger } from '@sluice/core/host/logger'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { LogManager } from '@sluice/core/log/log-manager'
import { DataFolderError } from '@sluice/core/log/meta-properties'
import { describe, expect, test } from 'vitest'
import { append, batch, HandClock, readAll, startMs } from './fixture.ts'

function configs(overrides: Record<string, string> = {}): BrokerConfig {
  const result = brokerConfig({ 'log.dirs': '/data', ...overrides })
  if (!result.ok) throw new Error(result.errors[0].message)
  return result.config
}

const config = configs()
const topic = topicConfig(config, { 'internal.segment.bytes': '500', 'retention.bytes': '600' })
const name = { topic: 'orders', topicId: 'AAAAAAAAAAAAAAAAAAAAAg', partition: 0 }
const named = (overrides: Partial<typeof name> = {}) => ({
  ...name,
  ...overrides,
  config: (): TopicConfig => topic,
})

function open(
  disk: MemoryDisk,
  options: { nodeId?: number; clock?: HandClock; seed?: number } = {},
) {
  const { nodeId = 1, clock = new HandClock(), seed = 1 } = options
  const random = new SeededRandom(seed)
  return LogManager.open({ clock, random, disk, logger: silentLogger, config, nodeId })
}

class SlowDisk extends MemoryDisk {
  startOffsetsWritten: Promise<void> | undefined

  override async replaceFile(path: string, content: Uint8Array): Promise<void> {
    if (path.endsWith('log-start-offset-checkpoint')) await this.startOffsetsWritten
    await super.replaceFile(path, content)
  }
}

class StuckDisk extends MemoryDisk {
  stuck = false

  override async rename(from: string, to: string): Promise<void> {
    if (this.stuck) throw new DiskError('no-space', 'rename', from)
    await super.rename(from, to)
  }
}

/** Its logs cannot be opened: opening one may have to write. */
class FullDisk extends MemoryDisk {
  full = false

  override readSmallSync(path: string): Buffer | undefined {
    if (this.full && path.endsWith('partition.metadata'))
      throw new DiskError('no-space', 'read', path)
    return super.readSmallSync(path)
  }
}

const text = async (disk: MemoryDisk, path: string) =>
  (await disk.readFile(`/data/${path}`)).toString('utf8')
const names = async (disk: MemoryDisk, path = '') =>
  (await disk.list(`/data/${path}`)).map((entry) => entry.name)

describe('a data folder', () => {
  test('gets ids that stay, as KRaft writes them', async () => {
    const disk = new MemoryDisk()
    const first = await open(disk)
    expect(await text(disk, 'meta.properties')).toBe(
      [
        '#',
        `#${new Date(startMs).toUTCString()}`,
        `cluster.id=${first.clusterId}`,
        `directory.id=${first.directoryId}`,
        'node.id=1',
        'version=1\n',
      ].join('\n'),
    )
    await first.close()
    const second = await open(disk, { seed: 2 })
    expect([second.clusterId, second.directoryId]).toEqual([first.clusterId, first.directoryId])
  })

  test('of another node, or of a version that is not known, is refused', async () => {
    const disk = new MemoryDisk()
    await (await open(disk)).close()
    await expect(open(disk, { nodeId: 2 })).rejects.toThrow(DataFolderError)
    await disk.replaceFile('/data/meta.properties', Buffer.from('version=2\nnode.id=1\n'))
    await expect(open(disk)).rejects.toThrow(/version 2/)
    await disk.replaceFile('/data/meta.properties', Buffer.from('version=1\nnode.id=1\n'))
    await expect(open(disk)).rejects.toThrow(/lacks/)
  })

  test('says once whether it was closed, and with which broker epoch', async () => {
    const disk = new MemoryDisk()
    const first = await open(disk)
    expect(first.cleanShutdownEpoch).toBeUndefined()
    await first.create(named())
    await first.close(12)
    expect(await text(disk, '.kafka_cleanshutdown')).toMatch(
      /^{"version":"0","broker_epoch":"12","closed_logs":"[0-9a-f]{8}"}$/,
    )
    const second = await open(disk)
    expect(second.cleanShutdownEpoch).toBe(12)
    // Killed: nothing says that it ended cleanly.
    expect(await names(disk)).not.toContain('.kafka_cleanshutdown')
    expect((await open(disk)).cleanShutdownEpoch).toBeUndefined()
  })

  test('is not marked clean while a log in it has not been recovered', async () => {
    const disk = new MemoryDisk()
    const first = await open(disk)
    await append(await first.create(named()), batch())
    const second = await open(disk)
    await second.close()
    expect((await open(disk)).cleanShutdownEpoch).toBeUndefined()
  })
})

describe('logs', () => {
  test('come back with their records, offsets and recovery points', async () => {
    const disk = new MemoryDisk()
    const first = await open(disk)
    const log = await first.create(named())
    for (let i = 0; i < 20; i++) await append(log, batch({ value: `${i}` }), 1)
    log.advanceStartOffset(4)
    expect(first.get(name)).toBe(log)
    expect(await text(disk, 'orders-0/partition.metadata')).toBe(
      'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAg',
    )
    await first.close()
    expect(await text(disk, 'recovery-point-offset-checkpoint')).toBe('0\n1\norders 0 20\n')
    expect(await text(disk, 'log-start-offset-checkpoint')).toBe('0\n1\norders 0 4\n')
    const second = await open(disk)
    expect(second.get(name)).toBeUndefined()
    const again = await second.create(named())
    expect([again.startOffset, again.endOffset, again.recoveryPoint]).toEqual([4, 20, 20])
    expect([...(await readAll(again)).keys()]).toEqual(Array.from({ length: 16 }, (_, i) => i + 4))
  })

  test('are checkpointed from time to time; those not opened yet keep what was known', async () => {
    const disk = new MemoryDisk()
    const first = await open(disk)
    for (const partition of [0, 1]) {
      const log = await first.create(named({ partition }))
      await append(log, batch())
    }
    await first.close()
    const clock = new HandClock()
    const second = await open(disk, { clock })
    const log = await second.create(named({ partition: 0 }))
    await append(log, batch())
    await log.flush()
    clock.advance(60_000)
    await expect
      .poll(() => text(disk, 'recovery-point-offset-checkpoint'))
      .toBe('0\n2\norders 0 2\norders 1 1\n')
  })

  test('that end before their recovery point say so before anything is appended', async () => {
    const disk = new MemoryDisk()
    const first = await open(disk)
    const log = await first.create(named())
    for (let i = 0; i < 3; i++) await append(log, batch())
    await log.flush()
    await first.checkpoint()
    const path = '/data/orders-0/00000000000000000000.log'
    const content = await disk.readFile(path)
    await disk.replaceFile(path, content.subarray(0, -1))
    const again = await (await open(disk)).create(named())
    expect([again.endOffset, again.recoveryPoint]).toEqual([2, 2])
    expect(await text(disk, 'recovery-point-offset-checkpoint')).toBe('0\n1\norders 0 2\n')
  })

  test('of an earlier topic of the same name go: ids count', async () => {
    const disk = new MemoryDisk()
    const first = await open(disk)
    for (let i = 0; i < 20; i++) await append(await logOf(first), batch())
    await first.close()
    const second = await open(disk)
    const log = await second.create(named({ topicId: 'BBBBBBBBBBBBBBBBBBBBBg' }))
    expect([log.startOffset, log.endOffset, log.recoveryPoint]).toEqual([0, 0, 0])
    expect(second.get(name)).toBeUndefined()
    expect(second.get({ ...name, topicId: 'BBBBBBBBBBBBBBBBBBBBBg' })).toBe(log)
    await second.close()
    expect(await names(disk)).not.toContainEqual(expect.stringContaining('delete'))
  })

  async function logOf(manager: LogManager) {
    return manager.get(name) ?? (await manager.create(named()))
  }

  test('that are deleted are gone, and their checkpoints do not bind the next of that name', async () => {
    const disk = new MemoryDisk()
    const manager = await open(disk)
    const log = await manager.create(named())
    for (let i = 0; i < 20; i++) await append(log, batch())
    await log.flush()
    await manager.checkpoint()
    await manager.delete(log)
    expect(await names(disk)).not.toContain('orders-0')
    const next = await manager.create(named({ topicId: 'BBBBBBBBBBBBBBBBBBBBBg' }))
    expect(await text(disk, 'recovery-point-offset-checkpoint')).toBe('0\n0\n')
    await append(next, batch({ value: 'new' }))
    // Killed: what is found is read with care.
    const again = await open(disk)
    const found = await again.create(named({ topicId: 'BBBBBBBBBBBBBBBBBBBBBg' }))
    expect([...(await readAll(found)).values()]).toEqual(['new'])
    expect((await names(disk)).filter((one) => one.endsWith('-delete'))).toEqual([])
  })

  test('half deleted before a crash are removed when the folder is opened', async () => {
    const disk = new MemoryDisk()
    await (await open(disk)).close()
    const left = 'orders-3.0123456789abcdef0123456789abcdef-delete'
    await disk.makeFolder(`/data/${left}`)
    await disk.replaceFile(`/data/${left}/00000000000000000000.log`, Buffer.alloc(10))
    const manager = await open(disk)
    await manager.close()
    expect(await names(disk)).not.toContain(left)
  })

  test('whose topics were deleted while we were away are removed as strays', async () => {
    const disk = new MemoryDisk()
    const first = await open(disk)
    await first.create(named())
    await first.create(named({ topic: 'gone', topicId: 'CCCCCCCCCCCCCCCCCCCCCg' }))
    await first.close()
    const second = await open(disk)
    await second.create(named())
    expect(await second.removeStrays()).toBe(1)
    await second.close()
    expect((await names(disk)).filter((one) => /-\d/.test(one))).toEqual(['orders-0'])
  })

  test('that could not be opened on a full disk are not strays: they are there when there is room', async () => {
    const disk = new FullDisk()
    const first = await open(disk)
    await append(await first.create(named()), batch({ value: 'kept' }))
    await first.close()
    await disk.unlink('/data/.kafka_cleanshutdown')
    const second = await open(disk)
    disk.full = true
    await expect(second.create(named())).rejects.toMatchObject({ kind: 'no-space' })
    disk.full = false
    expect(await second.removeStrays()).toBe(0)
    await second.close()
    const log = await (await open(disk)).create(named())
    expect([...(await readAll(log)).values()]).toEqual(['kept'])
  })

  test('without partition.metadata are taken for ours, not thrown away', async () => {
    const disk = new MemoryDisk()
    const first = await open(disk)
    await append(await first.create(named()), batch({ value: 'kept' }))
    await first.close()
    await disk.unlink('/data/orders-0/partition.metadata')
    const log = await (await open(disk)).create(named())
    expect([...(await readAll(log)).values()]).toEqual(['kept'])
    expect(await text(disk, 'orders-0/partition.metadata')).toContain(name.topicId)
  })

  test('retention’s new start is on the disk before segments go', async () => {
    const disk = new MemoryDisk()
    const manager = await open(disk)
    const log = await manager.create(named())
    for (let i = 0; i < 30; i++) await append(log, batch())
    await log.applyRetention(startMs, 30)
    expect(log.startOffset).toBeGreaterThan(0)
    expect(await text(disk, 'log-start-offset-checkpoint')).toBe(
      `0\n1\norders 0 ${log.startOffset}\n`,
    )
  })

  test('bug class 19: begin where they began, after a clean end and after a kill', async () => {
    for (const cleanly of [true, false]) {
      const disk = new MemoryDisk()
      const manager = await open(disk)
      const log = await manager.create(named())
      for (let i = 0; i < 4; i++) await append(log, batch())
      log.advanceStartOffset(3)
      await manager.checkpointStartOffsets()
      if (cleanly) await manager.close()
      const again = await (await open(disk)).create(named())
      expect([again.startOffset, again.endOffset], `cleanly: ${cleanly}`).toEqual([3, 4])
    }
  })

  test('do not inherit what was being checkpointed when an earlier one of their name went', async () => {
    const disk = new SlowDisk()
    const manager = await open(disk)
    const old = await manager.create(named())
    for (let i = 0; i < 10; i++) await append(old, batch())
    old.advanceStartOffset(8)
    const slow = Promise.withResolvers<void>()
    disk.startOffsetsWritten = slow.promise
    const writing = manager.checkpointStartOffsets()
    await manager.delete(old)
    const creating = manager.create(named({ topicId: 'BBBBBBBBBBBBBBBBBBBBBg' }))
    // As far as it comes by itself.
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
    slow.resolve()
    await writing
    await append(await creating, batch({ value: 'acknowledged' }))
    const afterKill = await open(disk)
    const log = await afterKill.create(named({ topicId: 'BBBBBBBBBBBBBBBBBBBBBg' }))
    expect([...(await readAll(log)).values()]).toEqual(['acknowledged'])
  })

  test('that could not be deleted are not taken for those of a new topic of their name', async () => {
    const disk = new StuckDisk()
    const manager = await open(disk)
    const old = await manager.create(named())
    await append(old, batch({ value: 'deleted' }))
    disk.stuck = true
    await expect(manager.delete(old)).rejects.toThrow(DiskError)
    disk.stuck = false
    const log = await manager.create(named({ topicId: 'BBBBBBBBBBBBBBBBBBBBBg' }))
    expect(await readAll(log)).toEqual(new Map())
    await manager.close()
    expect((await names(disk)).filter((one) => /-\d/.test(one))).toEqual(['orders-0'])
  })

  test('are found under long topic names and partitions of several digits', async () => {
    const disk = new MemoryDisk()
    const long = named({ topic: `${'a'.repeat(245)}-7`, partition: 12 })
    const manager = await open(disk)
    await append(await manager.create(long), batch({ value: 'x' }))
    await manager.close()
    const again = await open(disk)
    const log = await again.create(long)
    expect([...(await readAll(log)).values()]).toEqual(['x'])
    await again.delete(log)
    await again.close()
    expect((await names(disk)).some((one) => one.startsWith('aaa'))).toBe(false)
  })
})
