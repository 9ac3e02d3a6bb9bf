// partition.metadata: which topic, by id, a log belongs to. Names come back after a deletion, ids do not.
//
//   version: 0
//   topic_id: 22 characters of base64url

import { type Disk, DiskError } from '../host/disk.ts'

export const partitionMetadataFileName = 'partition.metadata'

/** The topic id, or undefined where the file is not there or does not read. */
export async function readPartitionMetadata(disk: Disk, path: string): Promise<string | undefined> {
  try {
    const text = (await disk.readFile(path)).toString('utf8')
    return /^version: 0\ntopic_id: ([\w-]{22})\n?$/.exec(text)?.[1]
  } catch (error) {
    if (error instanceof DiskError && error.kind === 'not-found') return undefined
    throw error
  }
}

export function writePartitionMetadata(disk: Disk, path: string, topicId: string): Promise<void> {
  return disk.replaceFile(path, Buffer.from(`version: 0\ntopic_id: ${topicId}`))
}
