// What every Disk promises. `setUp` gives an empty disk; paths are relative to its root.

import {
  type Disk,
  DiskError,
  type DiskFile,
  smallFileBytesMax,
  smallFolderEntriesMax,
} from '@sluice/core/host/disk'
import { afterEach, describe, expect, test } from 'vitest'

export interface DiskUnderTest {
  readonly disk: Disk
  /** Lets simulated time pass until the promise settles. */
  readonly settle?: <T>(promise: Promise<T>) => Promise<T>
  close?(): Promise<void>
}

function contentOf(file: DiskFile): string {
  const target = Buffer.alloc(file.sizeBytes)
  expect(file.readSync(target, 0)).toBe(file.sizeBytes)
  return target.toString()
}

async function kindOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'resolved'
  } catch (error) {
    expect(error).toBeInstanceOf(DiskError)
    return (error as DiskError).kind
  }
}

export function diskContract(name: string, setUp: () => Promise<DiskUnderTest>): void {
  describe(`disk contract: ${name}`, () => {
    let underTest: DiskUnderTest | undefined

    async function newDisk() {
      underTest = await setUp()
      const { disk, settle = (promise) => promise } = underTest
      return { disk, settle }
    }

    afterEach(async () => {
      await underTest?.close?.()
      underTest = undefined
    })

    test('a file is created when asked, and found when opened again', async () => {
      const { disk, settle } = await newDisk()
      expect(() => disk.openSync('a')).toThrow(DiskError)
      const file = disk.openSync('a', { create: true })
      expect(file.sizeBytes).toBe(0)
      expect(file.append([Buffer.from('one '), Buffer.from('two')])).toBeUndefined()
      expect(file.sizeBytes).toBe(7)
      expect(contentOf(file)).toBe('one two')
      await settle(file.close())
      const again = disk.openSync('a', { create: true })
      expect(again.sizeBytes).toBe(7)
      again.append([Buffer.from('!')])
      expect(contentOf(again)).toBe('one two!')
      await settle(again.close())
      await settle(again.close())
    })

    test('opening in a folder that is not there is not-found', async () => {
      const { disk, settle } = await newDisk()
      expect(() => disk.openSync('missing/a', { create: true })).toThrow(
        expect.objectContaining({ kind: 'not-found' }),
      )
      expect(await kindOf(settle(disk.readFile('missing')))).toBe('not-found')
    })

    test('the appended buffers may be reused when append returned', async () => {
      const { disk, settle } = await newDisk()
      const file = disk.openSync('a', { create: true })
      const buffer = Buffer.from('first')
      file.append([buffer])
      buffer.fill('x')
      file.append([buffer])
      expect(contentOf(file)).toBe('firstxxxxx')
      await settle(file.close())
    })

    test('reads stop at the end', async () => {
      const { disk, settle } = await newDisk()
      const file = disk.openSync('a', { create: true })
      file.append([Buffer.from('0123456789')])
      const target = Buffer.alloc(4, '.')
      expect(file.readSync(target, 3)).toBe(4)
      expect(target.toString()).toBe('3456')
      target.fill('.')
      expect(await settle(file.read(target, 8))).toBe(2)
      expect(target.toString()).toBe('89..')
      expect(file.readSync(target, 10)).toBe(0)
      expect(await settle(file.read(target, 99))).toBe(0)
      await settle(file.close())
    })

    test('appends of many and of large buffers arrive whole and in order', async () => {
      const { disk, settle } = await newDisk()
      const file = disk.openSync('a', { create: true })
      const small = Array.from({ length: 3_000 }, (_, i) => Buffer.alloc((i * 7) % 90, i % 251))
      const large = [1, 700_000, 513, 524_288, 1_400_000].map((n, i) => Buffer.alloc(n, i + 1))
      for (const buffers of [small, large, [Buffer.alloc(0)], []]) {
        expect(file.append(buffers)).toBeUndefined()
      }
      const expected = Buffer.concat([...small, ...large])
      expect(file.sizeBytes).toBe(expected.length)
      const sync = Buffer.alloc(expected.length)
      expect(file.readSync(sync, 0)).toBe(expected.length)
      expect(sync.equals(expected)).toBe(true)
      const pooled = Buffer.alloc(900_000)
      expect(await settle(file.read(pooled, 600_001))).toBe(900_000)
      expect(pooled.equals(expected.subarray(600_001, 1_500_001))).toBe(true)
      await settle(file.close())
    })

    test('appends during a flush come after it, in order, behind those before them', async () => {
      const { disk, settle } = await newDisk()
      const file = disk.openSync('a', { create: true })
      const expected: Buffer[] = []
      const add = () => {
        const buffers = [Buffer.alloc(30_000, expected.length), Buffer.from(`<${expected.length}>`)]
        expected.push(...buffers)
        return file.append(buffers)
      }
      expect(add()).toBeUndefined()
      const flushed = file.flush()
      const during = [add(), add(), add()]
      for (const appended of during) expect(appended).toBeInstanceOf(Promise)
      await settle(Promise.all([flushed, ...during]))
      expect(add()).toBeUndefined()
      const whole = Buffer.concat(expected)
      expect(file.sizeBytes).toBe(whole.length)
      const target = Buffer.alloc(whole.length)
      file.readSync(target, 0)
      expect(target.equals(whole)).toBe(true)
      await settle(file.close())
    })

    test('writeSync overwrites in place and may reach over the end', async () => {
      const { disk, settle } = await newDisk()
      const file = disk.openSync('a', { create: true })
      file.append([Buffer.from('aaaaaaaa')])
      file.writeSync(Buffer.from('BB'), 3)
      expect(contentOf(file)).toBe('aaaBBaaa')
      file.writeSync(Buffer.from('CCCC'), 6)
      expect(contentOf(file)).toBe('aaaBBaCCCC')
      file.append([Buffer.from('d')])
      expect(contentOf(file)).toBe('aaaBBaCCCCd')
      await settle(file.close())
    })

    test('truncate cuts, and appends go on from there', async () => {
      const { disk, settle } = await newDisk()
      const file = disk.openSync('a', { create: true })
      file.append([Buffer.from('0123456789')])
      await settle(file.flush())
      await settle(file.truncate(4))
      expect(file.sizeBytes).toBe(4)
      file.append([Buffer.from('x')])
      expect(contentOf(file)).toBe('0123x')
      expect((await settle(disk.readFile('a'))).toString()).toBe('0123x')
      await settle(file.close())
    })

    test('a closed file is closed', async () => {
      const { disk, settle } = await newDisk()
      const file = disk.openSync('a', { create: true })
      file.append([Buffer.from('x')])
      await settle(file.close())
      expect(() => file.append([Buffer.from('y')])).toThrow(
        expect.objectContaining({ kind: 'closed' }),
      )
      expect(() => file.readSync(Buffer.alloc(1), 0)).toThrow(DiskError)
      expect(await kindOf(settle(file.read(Buffer.alloc(1), 0)))).toBe('closed')
      expect(await kindOf(settle(file.flush()))).toBe('closed')
      expect(await kindOf(settle(file.truncate(0)))).toBe('closed')
    })

    test('close lets pending reads finish', async () => {
      const { disk, settle } = await newDisk()
      const file = disk.openSync('a', { create: true })
      file.append([Buffer.alloc(100_000, 7)])
      const target = Buffer.alloc(100_000)
      const reads = [file.read(target, 0), file.read(Buffer.alloc(10), 99_995)]
      const closed = file.close()
      expect(await settle(Promise.all(reads))).toEqual([100_000, 5])
      await settle(closed)
      expect(target.every((byte) => byte === 7)).toBe(true)
    })

    test('replaceFile writes the whole content, once more and in turn', async () => {
      const { disk, settle } = await newDisk()
      await settle(disk.replaceFile('checkpoint', Buffer.from('one')))
      expect((await settle(disk.readFile('checkpoint'))).toString()).toBe('one')
      const writes = ['two', 'three', 'four'].map((text) =>
        disk.replaceFile('checkpoint', Buffer.from(text)),
      )
      await settle(Promise.all(writes))
      expect((await settle(disk.readFile('checkpoint'))).toString()).toBe('four')
      expect((await settle(disk.list(''))).map((entry) => entry.name)).toEqual(['checkpoint'])
      expect(await kindOf(settle(disk.replaceFile('missing/x', Buffer.from(''))))).toBe('not-found')
    })

    test('folders are made with their parents and listed in order', async () => {
      const { disk, settle } = await newDisk()
      expect(await settle(disk.list('data'))).toEqual([])
      await settle(disk.makeFolder('data/topic-0'))
      await settle(disk.makeFolder('data/topic-0'))
      const file = disk.openSync('data/b', { create: true })
      file.append([Buffer.from('12345')])
      await settle(file.close())
      await settle(disk.replaceFile('data/a', Buffer.from('1')))
      expect(await settle(disk.list('data'))).toEqual([
        { name: 'a', folder: false, sizeBytes: 1 },
        { name: 'b', folder: false, sizeBytes: 5 },
        { name: 'topic-0', folder: true, sizeBytes: 0 },
      ])
      await settle(disk.flushFolder('data'))
      expect(await kindOf(settle(disk.makeFolder('data/a/x')))).toBe('io')
    })

    test('small files and folders are read at once, others are not', async () => {
      const { disk, settle } = await newDisk()
      expect(disk.listSmallSync('data')).toEqual([])
      await settle(disk.makeFolder('data/t-0'))
      for (const [name, bytes] of [
        ['none', 0],
        ['small', smallFileBytesMax],
        ['large', smallFileBytesMax + 1],
      ] as const) {
        await settle(disk.replaceFile(`data/${name}`, Buffer.alloc(bytes, 7)))
      }
      expect(disk.readSmallSync('data/none')).toEqual(Buffer.alloc(0))
      expect(disk.readSmallSync('data/small')?.equals(Buffer.alloc(smallFileBytesMax, 7))).toBe(
        true,
      )
      expect(disk.readSmallSync('data/large')).toBeUndefined()
      expect(disk.listSmallSync('data')).toEqual(await settle(disk.list('data')))
      const kind = async (read: () => unknown) => kindOf(settle(Promise.resolve().then(read)))
      expect(await kind(() => disk.readSmallSync('data/missing'))).toBe('not-found')
      expect(await kind(() => disk.readSmallSync('data/t-0'))).toBe('io')
      expect(await kind(() => disk.listSmallSync('data/none'))).toBe('io')
      for (let i = 0; i <= smallFolderEntriesMax; i++) {
        await settle(disk.makeFolder(`data/t-0/${i}`))
      }
      expect(disk.listSmallSync('data/t-0')).toBeUndefined()
    })

    test('what changed is seen by its stamp', async () => {
      const { disk, settle } = await newDisk()
      await settle(disk.makeFolder('data/t-0'))
      const stamp = (path: string) => disk.statSync(path)?.modified
      // Stamps are times where the disk is one, as fine as its clock.
      const tick = () => new Promise((resolve) => setTimeout(resolve, 20))
      expect(disk.statSync('data/none')).toBeUndefined()
      expect(disk.statSync('data/t-0')).toEqual({ sizeBytes: 0, modified: stamp('data/t-0') })
      const changes: Record<string, () => Promise<unknown>> = {
        create: async () => disk.openSync('data/t-0/log', { create: true }).close(),
        replace: () => disk.replaceFile('data/t-0/log', Buffer.from('abc')),
        rename: () => disk.rename('data/t-0/log', 'data/t-0/other'),
        unlink: () => disk.unlink('data/t-0/other'),
      }
      for (const [what, change] of Object.entries(changes)) {
        const before = stamp('data/t-0')
        await tick()
        await settle(change())
        expect(stamp('data/t-0'), what).not.toBe(before)
      }
      const file = disk.openSync('data/t-0/log', { create: true })
      for (const change of [() => file.append([Buffer.from('abc')]), () => file.truncate(1)]) {
        const [ofFile, ofFolder] = [stamp('data/t-0/log'), stamp('data/t-0')]
        await tick()
        await settle(Promise.resolve(change()))
        expect(stamp('data/t-0/log')).not.toBe(ofFile)
        expect(stamp('data/t-0')).toBe(ofFolder)
      }
      const { modified } = disk.statSync('data/t-0/log') ?? {}
      await settle(file.close())
      await tick()
      await settle(disk.readFile('data/t-0/log'))
      expect(disk.statSync('data/t-0/log')).toEqual({ sizeBytes: 1, modified })
    })

    test('rename moves files and folders and replaces a file', async () => {
      const { disk, settle } = await newDisk()
      await settle(disk.makeFolder('t-0'))
      await settle(disk.replaceFile('t-0/log', Buffer.from('log')))
      await settle(disk.replaceFile('old', Buffer.from('old')))
      await settle(disk.replaceFile('new', Buffer.from('new')))
      await settle(disk.rename('new', 'old'))
      expect((await settle(disk.readFile('old'))).toString()).toBe('new')
      await settle(disk.rename('t-0', 't-0.uuid-delete'))
      expect((await settle(disk.readFile('t-0.uuid-delete/log'))).toString()).toBe('log')
      expect((await settle(disk.list(''))).map((entry) => entry.name)).toEqual([
        'old',
        't-0.uuid-delete',
      ])
      expect(await kindOf(settle(disk.rename('missing', 'x')))).toBe('not-found')
    })

    test('an open file follows a rename and outlives an unlink', async () => {
      const { disk, settle } = await newDisk()
      const file = disk.openSync('a', { create: true })
      file.append([Buffer.from('one')])
      await settle(disk.rename('a', 'b'))
      file.append([Buffer.from('two')])
      expect((await settle(disk.readFile('b'))).toString()).toBe('onetwo')
      await settle(disk.unlink('b'))
      expect(contentOf(file)).toBe('onetwo')
      expect(await kindOf(settle(disk.readFile('b')))).toBe('not-found')
      await settle(file.close())
    })

    test('removing what is not there is fine', async () => {
      const { disk, settle } = await newDisk()
      await settle(disk.unlink('missing'))
      await settle(disk.removeFolder('missing'))
      await settle(disk.makeFolder('t-0/deep'))
      await settle(disk.replaceFile('t-0/deep/file', Buffer.from('x')))
      await settle(disk.removeFolder('t-0'))
      expect(await settle(disk.list(''))).toEqual([])
    })

    test('a volume has a size', async () => {
      const { disk, settle } = await newDisk()
      const { totalBytes, usableBytes } = await settle(disk.volume(''))
      expect(usableBytes).toBeGreaterThan(0)
      expect(totalBytes).toBeGreaterThanOrEqual(usableBytes)
    })
  })
}
