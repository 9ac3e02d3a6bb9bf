// The small files beside a log: there are a few for each of very many logs, and at a start all of them are read.

import { type Disk, DiskError } from '../host/disk.ts'

/** The whole file, at once where it is small; undefined where it is not there. Rejects with DiskError. */
export async function readIfThere(disk: Disk, path: string): Promise<Buffer | undefined> {
  try {
    return disk.readSmallSync(path) ?? (await disk.readFile(path))
  } catch (error) {
    if (error instanceof DiskError && error.kind === 'not-found') return undefined
    throw error
  }
}
