import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { dataFolderOwner, lockDataFolder } from '../../packages/sluice/src/data-folder.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sluice-lock-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** Another process that takes the folder and keeps it. */
async function holder() {
  const module = new URL('../../packages/sluice/src/data-folder.ts', import.meta.url).href
  const script = `
    const { lockDataFolder } = await import(${JSON.stringify(module)})
    lockDataFolder(${JSON.stringify(folder)})
    console.log('locked')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

test('one process at a time works in a folder; a kill -9 leaves nothing to clean up', async () => {
  const first = await holder()
  expect(() => lockDataFolder(folder)).toThrow(`is in use by process ${first.pid}`)
  expect(dataFolderOwner(folder)).toBe(first.pid)

  first.kill('SIGKILL')
  await once(first, 'exit')
  expect(dataFolderOwner(folder)).toBeUndefined()
  const lock = lockDataFolder(folder)
  lock.release()
  expect(dataFolderOwner(folder)).toBeUndefined()
})

test('a folder that is not there is made; a released one can be taken again', () => {
  const deeper = path.join(folder, 'a/b')
  for (let round = 0; round < 2; round++) {
    const lock = lockDataFolder(deeper)
    expect(() => lockDataFolder(deeper)).toThrow('is in use')
    lock.release()
    lock.release()
  }
})

test('a folder that cannot be made says so', () => {
  writeFileSync(path.join(folder, 'file'), '')
  expect(() => lockDataFolder(path.join(folder, 'file/under'))).toThrow(
    /^cannot make the data folder/,
  )
})
