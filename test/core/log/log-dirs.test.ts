import { brokerConfig } from '@sluice/core/config/broker-config'
import { type TopicConfig, topicConfig } from '@sluice/core/config/topic-config'
import { DiskError } from '@sluice/core/host/disk'
import { silentLogger } from '@sluice/core/host/logger'
import { MemoryDisk } from '@sluice/core/host/memory/disk'
import { SeededRandom } from '@sluice/core/host/memory/random'
import { LogManager } from '@sluice/core/log/log-manager'
import { DataFolderError } from '@sluice/core/log/meta-properties'
import { describe, expect, test } from 'vitest'
import { append, batch, HandClock, readAll } from './fixture.ts'
import { type DiskState, SeveralDisks } from './several-disks.ts'

function configOf(dirs: string) {
  const result = brokerConfig({ 'log.dirs': dirs })
  if (!result.ok) throw new Error(result.errors[0].message)
  return result.config
}

const named = (partition: number, more: { isNew?: boolean; topic?: string } = {}) => ({
  topic: 'orders',
  topicId: 'AAAAAAAAAAAAAAAAAAAAAg',
  partition,
  config: (): TopicConfig => topicConfig(configOf('/a'), {}),
  ...more,
})

let seed = 1

async function open(disk: MemoryDisk | SeveralDisks, dirs = '/a,/b,/c') {
  const failed: string[] = []
  const manager = await LogManager.open({
    clock: new HandClock(),
    random: new SeededRandom(seed++),
    disk,
    logger: silentLogger,
    config: configOf(dirs),
    nodeId: 1,
    onDirFailure: (dir) => failed.push(dir.path),
  })
  return { manager, failed }
}

/** Breaks when the folder of a log was made. */
class BreakingDisk extends SeveralDisks {
  breakWhenMade: [folder: string, state: DiskState] | undefined

  override async makeFolder(path: string): Promise<void> {
    await super.makeFolder(path)
    if (this.breakWhenMade === undefined || !path.startsWith(this.breakWhenMade[0])) return
    this.set(...this.breakWhenMade)
  }
}

const placesOf = ({ dirs }: LogManager) =>
  dirs.map(({ path, logs }) => [path, [...logs].map(({ partition }) => partition).sort()])

describe('several log directories', () => {
  test.each(['full', 'failed'] as const)(
    'a log that one cannot take (%s) is made in another, and found there by the next start',
    async (state) => {
      const disk = new BreakingDisk()
      const { manager } = await open(disk, '/a,/b')
      disk.breakWhenMade = ['/a', state]
      const log = await manager.create(named(0, { isNew: true }))
      expect(manager.dirOf(log)?.path).toBe('/b')
      await append(log, batch({ value: 'x' }))
      await manager.close()
      disk.breakWhenMade = undefined
      disk.set('/a', 'sound')
      expect((await disk.list('/a')).map(({ name }) => name)).toContain('orders-0')
      const again = await open(disk, '/a,/b')
      const found = await again.manager.create(named(0))
      expect([...(await readAll(found)).values()]).toEqual(['x'])
      await again.manager.close()
      expect((await disk.list('/a')).map(({ name }) => name)).not.toContain('orders-0')
    },
  )

  test('are of one cluster and one node, each with an id of its own', async () => {
    const disk = new MemoryDisk()
    const { manager } = await open(disk)
    const ids = manager.dirs.map(({ meta }) => meta?.directoryId)
    expect(new Set(ids).size).toBe(3)
    expect(manager.dirs.map(({ meta }) => meta?.clusterId)).toEqual(
      Array.from({ length: 3 }, () => manager.clusterId),
    )
    await manager.close()
    const again = await open(disk)
    expect(again.manager.dirs.map(({ meta }) => meta?.directoryId)).toEqual(ids)
    expect(again.manager.cleanShutdownEpoch).toBe(-1)
  })

  test('get one more at a later start, which is no crash', async () => {
    const disk = new MemoryDisk()
    const first = await open(disk, '/a')
    await first.manager.close(7)
    const { manager } = await open(disk, '/a,/b')
    expect(manager.dirs[1].meta?.clusterId).toBe(first.manager.clusterId)
    expect(manager.cleanShutdownEpoch).toBe(7)
  })

  test('of two clusters, or one a copy of the other, or one named twice, are refused', async () => {
    const disk = new MemoryDisk()
    await (await open(disk, '/a')).manager.close()
    await (await open(disk, '/b')).manager.close()
    await expect(open(disk, '/a,/b')).rejects.toThrow(/\/a belongs to cluster .*, \/b to cluster/)
    await disk.replaceFile('/b/meta.properties', await disk.readFile('/a/meta.properties'))
    await expect(open(disk, '/a,/b')).rejects.toThrow(/same directory.id/)
    await expect(open(disk, '/a,/a/')).rejects.toThrow(/twice/)
  })

  test('take new logs in turn: the one with the fewest comes next', async () => {
    const disk = new MemoryDisk()
    const { manager } = await open(disk)
    for (let i = 0; i < 7; i++) await manager.create(named(i))
    expect(placesOf(manager)).toEqual([
      ['/a', [0, 3, 6]],
      ['/b', [1, 4]],
      ['/c', [2, 5]],
    ])
    await manager.close()
    // Logs count before they are opened, too.
    const again = await open(disk)
    await again.manager.create(named(7))
    await again.manager.create(named(8))
    await again.manager.create(named(9))
    expect(placesOf(again.manager).map(([, logs]) => logs)).toEqual([[9], [7], [8]])
  })

  test('are searched for a log that is there, wherever it lies', async () => {
    const disk = new MemoryDisk()
    const first = await open(disk)
    for (let i = 0; i < 3; i++) {
      await append(await first.manager.create(named(i)), batch({ value: `${i}` }))
    }
    await first.manager.close()
    const { manager } = await open(disk, '/c,/b,/a')
    const log = await manager.create(named(1))
    expect([...(await readAll(log)).values()]).toEqual(['1'])
    expect(placesOf(manager)[1]).toEqual(['/b', [1]])
  })

  test('have checkpoints and marks of their own', async () => {
    const disk = new MemoryDisk()
    const { manager } = await open(disk, '/a,/b')
    for (let i = 0; i < 2; i++) await append(await manager.create(named(i)), batch())
    await manager.close(3)
    const text = async (path: string) => String(await disk.readFile(path))
    expect(await text('/a/recovery-point-offset-checkpoint')).toBe('0\n1\norders 0 1\n')
    expect(await text('/b/recovery-point-offset-checkpoint')).toBe('0\n1\norders 1 1\n')
    await disk.unlink('/b/.kafka_cleanshutdown')
    const again = await open(disk, '/a,/b')
    expect(again.manager.dirs.map((dir) => dir.cleanShutdownEpoch)).toEqual([3, undefined])
    expect(again.manager.cleanShutdownEpoch).toBeUndefined()
  })

  // The second is what a kill leaves in the middle of a compaction's exchange of segments.
  test.each(['00000000000000000000.log', '00000000000000000000.log.swap'])(
    'with one log in two of them (%s) are not taken: which one counts is not ours to say',
    async (other) => {
      const disk = new MemoryDisk()
      const first = await open(disk, '/a')
      await append(await first.manager.create(named(0)), batch())
      await first.manager.close()
      await disk.makeFolder('/b/orders-0')
      const segment = '00000000000000000000.log'
      const content = await disk.readFile(`/a/orders-0/${segment}`)
      await disk.replaceFile(`/b/orders-0/${other}`, content)
      await expect(open(disk, '/a,/b')).rejects.toThrow(DataFolderError)
      await expect(open(disk, '/a,/b')).rejects.toThrow(
        /orders-0 are found in both \/a\/.* and \/b/,
      )
    },
  )
})

describe('a log directory that fails', () => {
  test('takes its logs with it, and no others', async () => {
    const disk = new SeveralDisks()
    const { manager, failed } = await open(disk, '/a,/b')
    const [lost, kept] = [await manager.create(named(0)), await manager.create(named(1))]
    await append(lost, batch())
    disk.set('/a', 'failed')
    await expect(lost.flush()).rejects.toThrow(DiskError)
    expect(failed).toEqual(['/a'])
    expect([manager.get(named(0)), manager.get(named(1))]).toEqual([undefined, kept])
    await append(kept, batch())
    await manager.checkpoint()
    await manager.create(named(2, { isNew: true }))
    expect(placesOf(manager)[1]).toEqual(['/b', [1, 2]])
    await manager.close(5)
    // The other was closed well.
    disk.set('/a', 'sound')
    const again = await open(disk, '/a,/b')
    expect(again.manager.dirs.map((dir) => dir.cleanShutdownEpoch)).toEqual([undefined, 5])
    expect((await again.manager.create(named(0))).endOffset).toBe(1)
  })

  test('at the start is left out; what may be in it is not made anew', async () => {
    const disk = new SeveralDisks()
    const first = await open(disk, '/a,/b')
    await append(await first.manager.create(named(0)), batch())
    await append(await first.manager.create(named(1)), batch())
    await first.manager.close()
    disk.set('/a', 'failed')
    const { manager, failed } = await open(disk, '/a,/b')
    expect(failed).toEqual(['/a'])
    await expect(manager.create(named(0))).rejects.toThrow(DiskError)
    expect((await manager.create(named(1))).endOffset).toBe(1)
    await manager.create(named(2, { isNew: true }))
    expect(placesOf(manager)[1]).toEqual(['/b', [1, 2]])
    expect(manager.clusterId).toBe(first.manager.clusterId)
  })

  test('while a checkpoint is written goes offline; none is left: the start fails', async () => {
    const disk = new SeveralDisks()
    const { manager, failed } = await open(disk, '/a,/b')
    const log = await manager.create(named(0))
    await append(log, batch())
    await log.flush()
    disk.set('/a', 'failed')
    await manager.checkpoint()
    expect(failed).toEqual(['/a'])
    expect(manager.online).toBe(true)
    disk.set('/b', 'failed')
    await expect(open(disk, '/a,/b')).rejects.toThrow(DiskError)
  })

  test('is passed over where it is merely full', async () => {
    const disk = new SeveralDisks()
    const { manager, failed } = await open(disk, '/a,/b')
    disk.set('/a', 'full')
    await manager.create(named(0))
    expect(placesOf(manager)[1]).toEqual(['/b', [0]])
    disk.set('/b', 'full')
    await expect(manager.create(named(1))).rejects.toThrow('no-space')
    disk.set('/b', 'sound')
    await manager.create(named(1))
    expect(failed).toEqual([])
  })
})
