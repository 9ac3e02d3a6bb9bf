// partition.metadata: which topic, by id, a log belongs to. Names come back after a deletion, ids do not.
//
//   version: 0
//   topic_id: 22 characters of base64url

import type { Disk } from '../host/disk.ts'
import { readIfThere } from './small-files.ts'

export const partitionMetadataFileName = 'partition.metadata'

/** The topic id, or undefined where the file is not there or does not read. */
export async function readPartitionMetadata(disk: Disk, path: string): Promise<string | undefined> {
  const text = (await readIfThere(disk, path))?.toString('utf8') ?? ''
  return /^version: 0\ntopic_id: ([\w-]{22})\n?$/.exec(text)?.[1]
}

export function writePartitionMetadata(disk: Disk, path: string, topicId: string): Promise<void> {
  return disk.replaceFile(path, Buffer.from(`version: 0\ntopic_id: ${topicId}`))
}
