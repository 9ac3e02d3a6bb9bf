// .kafka_cleanshutdown: there when the last owner of the data folder closed every log of it. It is taken
// away before anything is touched, so it never speaks of a state that has changed since.
//
//   {"version":"0","broker_epoch":"12"}      (the epoch, for KIP-966; -1 where there is none)
//
// Ours has a third field, of which closed-logs.ts tells; Kafka passes over what it does not know.

import { join } from 'node:path/posix'
import { type Disk, DiskError } from '../host/disk.ts'

const fileName = '.kafka_cleanshutdown'

export interface CleanShutdown {
  /** Of the broker that shut down cleanly; -1 where it is not known. */
  readonly brokerEpoch: number
  /** Which file says how the logs were closed, where there is one. */
  readonly closedLogs: string | undefined
}

/** Undefined after a crash. */
export async function takeCleanShutdown(
  disk: Disk,
  dataFolder: string,
): Promise<CleanShutdown | undefined> {
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
  const text = content.toString('utf8')
  return {
    brokerEpoch: Number(/"broker_epoch":"(\d+)"/.exec(text)?.[1] ?? -1),
    closedLogs: /"closed_logs":"([0-9a-f]{8})"/.exec(text)?.[1],
  }
}

export function markCleanShutdown(
  disk: Disk,
  dataFolder: string,
  { brokerEpoch, closedLogs }: CleanShutdown,
): Promise<void> {
  const fields = { version: '0', broker_epoch: String(brokerEpoch), closed_logs: closedLogs }
  const content = JSON.stringify(fields)
  return disk.replaceFile(join(dataFolder, fileName), Buffer.from(content))
}
