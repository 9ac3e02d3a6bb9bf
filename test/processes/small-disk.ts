// Disks that are soon full and then have room again: a tmpfs where we may mount one, and a limit on the size of
// the files that the broker's process writes, which needs no rights.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SmallDisk extends Disposable {
  readonly folder: string
  /** From now on there is little room for the process. */
  limit(pid: number): void
  /** There is room again. */
  free(pid: number): void
}

const diskBytes = 24 * 1024 * 1024
const ballastBytes = 12 * 1024 * 1024
const fileBytesMax = 4 * 1024 * 1024

/** Those that this machine has, by name. */
export function smallDisks(): [kind: string, make: () => SmallDisk][] {
  const disks: [string, () => SmallDisk][] = [['a file size limit', limited]]
  const probe = newFolder()
  if (mount(probe)) {
    spawnSync('umount', ['--lazy', probe])
    disks.push(['a full tmpfs', tmpfs])
  }
  rmSync(probe, { recursive: true })
  return disks
}

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'sluice-full-'))
}

function mount(folder: string): boolean {
  const options = ['-t', 'tmpfs', '-o', `size=${diskBytes}`]
  return spawnSync('mount', [...options, 'tmpfs', folder]).status === 0
}

function tmpfs(): SmallDisk {
  const folder = newFolder()
  mount(folder)
  const ballast = join(folder, 'ballast')
  return {
    folder: join(folder, 'data'),
    limit: () => writeFileSync(ballast, Buffer.alloc(ballastBytes)),
    free: () => rmSync(ballast),
    [Symbol.dispose]() {
      spawnSync('umount', ['--lazy', folder])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function limited(): SmallDisk {
  const folder = newFolder()
  // Node ignores SIGXFSZ: a write beyond the limit fails with EFBIG.
  const set = (pid: number, limit: string) => {
    execFileSync('prlimit', ['--pid', `${pid}`, `--fsize=${limit}:unlimited`])
  }
  return {
    folder,
    limit: (pid) => set(pid, `${fileBytesMax}`),
    free: (pid) => set(pid, 'unlimited'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}
