// meta.properties: whose data folder this is, as KRaft writes it (version 1). A folder of another node or
// another cluster is refused: two owners of one log would ruin it. A broker with several folders has the file
// in each.
//
//   #
//   #<date>
//   cluster.id=<22 characters>
//   directory.id=<22 characters>
//   node.id=1
//   version=1

import { dirname, join } from 'node:path/posix'
import { parseProperties } from '../config/properties.ts'
import { type Disk, DiskError } from '../host/disk.ts'

export const metaPropertiesFileName = 'meta.properties'
const currentVersion = '1'

export interface MetaProperties {
  readonly clusterId: string
  readonly nodeId: number
  /** Of this folder, for as long as it lives. */
  readonly directoryId: string
}

/** The data folder cannot be used by this broker; the message says what to do. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError'
}

/** What the folder's file says; undefined where there is none. Throws DataFolderError. */
export async function readMetaProperties(
  disk: Disk,
  dataFolder: string,
): Promise<MetaProperties | undefined> {
  const path = join(dataFolder, metaPropertiesFileName)
  try {
    return parse((await disk.readFile(path)).toString('utf8'), path)
  } catch (error) {
    if (error instanceof DiskError && error.kind === 'not-found') return undefined
    throw error
  }
}

export async function writeMetaProperties(
  disk: Disk,
  dataFolder: string,
  meta: MetaProperties,
  nowMs: number,
): Promise<void> {
  await disk.replaceFile(join(dataFolder, metaPropertiesFileName), encode(meta, nowMs))
  // The folder is new, too: without its own entry a power loss takes it with all that is in it.
  await disk.flushFolder(dirname(dataFolder))
}

/**
 * Whether the folders are those of one broker: of node `nodeId` and of one cluster, each with an id of its
 * own. Throws DataFolderError, as Kafka refuses to start. @returns the id of the cluster, if any has one.
 */
export function checkOwner(
  nodeId: number,
  found: readonly { readonly folder: string; readonly meta: MetaProperties }[],
): string | undefined {
  for (const [i, { folder, meta }] of found.entries()) {
    if (meta.nodeId !== nodeId) {
      throw new DataFolderError(
        `${folder} belongs to node ${meta.nodeId}, not to node ${nodeId}: ` +
          'start this broker with that node.id or with another data folder',
      )
    }
    const first = found[0]
    if (meta.clusterId !== first.meta.clusterId) {
      throw new DataFolderError(
        `${first.folder} belongs to cluster ${first.meta.clusterId}, ${folder} to cluster ` +
          `${meta.clusterId}: name folders of one cluster in log.dirs`,
      )
    }
    const twin = found.slice(0, i).find((one) => one.meta.directoryId === meta.directoryId)
    if (twin) {
      throw new DataFolderError(
        `${twin.folder} and ${folder} have the same directory.id ${meta.directoryId}: ` +
          'one is a copy of the other',
      )
    }
  }
  return found[0]?.meta.clusterId
}

function parse(text: string, path: string): MetaProperties {
  const parsed = parseProperties(text, path)
  const values = new Map(parsed.ok ? parsed.entries.map(({ name, value }) => [name, value]) : [])
  const version = values.get('version')
  if (version !== currentVersion) {
    throw new DataFolderError(`${path} has version ${version}; this broker knows ${currentVersion}`)
  }
  const clusterId = values.get('cluster.id')
  const directoryId = values.get('directory.id')
  const nodeId = Number(values.get('node.id'))
  if (!clusterId || !directoryId || !Number.isInteger(nodeId)) {
    throw new DataFolderError(`${path} lacks cluster.id, directory.id or node.id`)
  }
  return { clusterId, directoryId, nodeId }
}

function encode({ clusterId, directoryId, nodeId }: MetaProperties, nowMs: number): Buffer {
  const lines = [
    '#',
    `#${new Date(nowMs).toUTCString()}`,
    `cluster.id=${clusterId}`,
    `directory.id=${directoryId}`,
    `node.id=${nodeId}`,
    `version=${currentVersion}`,
  ]
  return Buffer.from(`${lines.join('\n')}\n`)
}
