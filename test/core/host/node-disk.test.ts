// What only the machine's disk has: errors of the operating system, and the limits on system calls.

import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { NodeDisk } from '@sluice/core/host/node/disk'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const run = promisify(execFile)
let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-disk-'))
})

afterEach(() => rm(folder, { recursive: true }))

describe('node disk', () => {
  test('an append that does not fit is cut back, from the loop and from the pool', async () => {
    const limitBytes = 64 * 1024
    const child = join(import.meta.dirname, 'node-disk-child.ts')
    const script = `ulimit -f ${limitBytes / 1024}; exec "$0" "$@"`
    const args = [child, folder, `${limitBytes}`]
    const { stdout } = await run('bash', ['-c', script, process.execPath, ...args])
    const full = limitBytes - 1_000 + 10
    expect(JSON.parse(stdout)).toEqual([
      ...['done', 'no-space', full, full],
      ...['no-space', 'no-space', full, full],
      ...['done', full + 110],
    ])
  })

  test('a disk that is slow is written to from the pool, in order', async () => {
    const disk = new NodeDisk(folder, { slowWriteMs: -1 })
    const file = disk.openSync('log', { create: true })
    const other = disk.openSync('other', { create: true })
    expect(file.append([Buffer.from('at once; ')])).toBeUndefined()
    const pending = ['then ', 'one ', 'by ', 'one'].map((text) => file.append([Buffer.from(text)]))
    pending.push(other.append([Buffer.from('likewise')]))
    for (const each of pending) expect(each).toBeInstanceOf(Promise)
    await Promise.all(pending)
    expect(file.sizeBytes).toBe(24)
    expect(`${await disk.readFile('log')}`).toBe('at once; then one by one')
    expect(`${await disk.readFile('other')}`).toBe('likewise')
    await Promise.all([file.close(), other.close()])
  })

  test('small files of a disk that is slow are left to the pool, and tried again later', async () => {
    const disk = new NodeDisk(folder, { slowReadMs: -1 })
    await disk.replaceFile('small', Buffer.from('x'))
    const atOnce = () => disk.readSmallSync('small') !== undefined
    expect(atOnce()).toBe(true)
    expect(Array.from({ length: 31 }, atOnce)).not.toContain(true)
    expect(disk.listSmallSync('')).toBeUndefined()
    expect(disk.listSmallSync('')).toHaveLength(1)
    expect(atOnce()).toBe(false)
  })

  test('paths are absolute or below the root', async () => {
    const disk = new NodeDisk('/nowhere')
    await disk.makeFolder(join(folder, 'a'))
    await disk.replaceFile(join(folder, 'a/file'), Buffer.from('x'))
    expect(await new NodeDisk(folder).readFile('a/file')).toEqual(Buffer.from('x'))
  })

  test('errors tell the operation, the path and the cause', async () => {
    const disk = new NodeDisk(folder)
    await disk.makeFolder('a/b')
    expect(() => disk.openSync('a')).toThrow('open a: io')
    await expect(disk.unlink('a')).rejects.toThrow('unlink a: io')
    await expect(disk.rename('none', 'x')).rejects.toMatchObject({
      kind: 'not-found',
      cause: { code: 'ENOENT' },
    })
    await expect(disk.flushFolder('none')).rejects.toThrow('not-found')
  })

  test('a temporary file that a crash left does not keep a file from being replaced', async () => {
    const disk = new NodeDisk(folder)
    await writeFile(join(folder, 'checkpoint.tmp'), 'half')
    await disk.replaceFile('checkpoint', Buffer.from('whole'))
    expect(await readdir(folder)).toEqual(['checkpoint'])
  })

  test('a folder goes with all in it; a link in it goes, what it points to stays', async () => {
    const disk = new NodeDisk(folder)
    await disk.makeFolder('t-0/deep/er')
    await disk.replaceFile('outside', Buffer.from('x'))
    await symlink(join(folder, 'outside'), join(folder, 't-0/deep/link'))
    await chmod(join(folder, 't-0/deep/er'), 0o500)
    await disk.removeFolder('t-0')
    expect(await readdir(folder)).toEqual(['outside'])
  })

  test('two hundred files at once are flushed, read and closed', async () => {
    const disk = new NodeDisk(folder)
    const sizes = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const file = disk.openSync(`f${i}`, { create: true })
        file.append([Buffer.alloc(i + 1, i)])
        await file.flush()
        const target = Buffer.alloc(500)
        const bytes = await file.read(target, 0)
        await file.close()
        return bytes
      }),
    )
    expect(sizes).toEqual(Array.from({ length: 200 }, (_, i) => i + 1))
  })
})
