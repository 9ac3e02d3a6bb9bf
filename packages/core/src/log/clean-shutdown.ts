// .kafka_cleanshutdown: there when the last owner of the data folder closed every log of it. It is taken
// away before anything is touched, so it never speaks of a state that has changed since.
//
//   {"version":"0","broker_epoch":"12"}      (the epoch, for KIP-966; -1 where there is none)

import { join } from 'node:path/posix'
import { type Disk, DiskError } from '../host/disk.ts'

const fileName = '.kafka_cleanshutdown'

/** The epoch of the broker that shut down cleanly, -1 where it is not known; undefined after a crash. */
export async function takeCleanShutdown(
  disk: Disk,
  dataFolder: string,
): Promise<number | undefined> {
  const path = join(dataFolder, fileName)
  let content: Buffer
  try {
    content = await disk.readFile(path)
  } catch (error) {
    if (error instanceof DiskError && error.kind === 'not-found') return undefined
    throw error
  }
  await disk.unlink(path)
  await disk.flushFolder(dataFolder)
  const epoch = /"broker_epoch":"(\d+)"/.exec(content.toString('utf8'))?.[1]
  return epoch === undefined ? -1 : Number(epoch)
}

export function markCleanShutdown(
  disk: Disk,
  dataFolder: string,
  brokerEpoch: number,
): Promise<void> {
  const content = JSON.stringify({ version: '0', broker_epoch: String(brokerEpoch) })
  return disk.replaceFile(join(dataFolder, fileName), Buffer.from(content))
}
